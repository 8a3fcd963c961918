"""How well every feature alone tells responders from the others: AUC, DeLong limits, Wilcoxon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from onearm.omics.available import check_values, patterns
from onearm.stats.arguments import Floats, Integers

_TILE = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Aucs:
    """One item a feature: AUC with DeLong's standard error and limits, Wilcoxon's p as a check.

    AUC above 0.5: responders have the higher values. NaN without a responder or a non-responder;
    limits are NaN where the feature separates the two, because DeLong's error is 0 there.
    ``wilcoxon_p``: rank-sum test, normal approximation with ties and continuity correction.
    """

    value: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    wilcoxon_p: Floats
    n: Integers
    responders: Integers


def auc(values: Floats, response: Floats, *, level: float = 0.95) -> Aucs:
    """Area under the ROC curve of all features.

    values: (subjects, features), NaN where missing: each feature is judged in the subjects that
    have it. response: (subjects,) 1, 0, or NaN for not evaluable.
    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44:837-845 (1988), by mid-ranks; for the
    rank-sum test R's ``wilcox.test(exact = FALSE)``.

    >>> x = np.array([[1.0], [3.0], [2.0], [4.0]])
    >>> float(auc(x, np.array([0.0, 0, 1, 1])).value[0])
    0.75
    """
    values = check_values(values, len(response))
    p = values.shape[1]
    value, std_err, wilcoxon = (np.full(p, np.nan) for _ in range(3))
    n, responders = np.zeros(p, dtype=np.int64), np.zeros(p, dtype=np.int64)
    for rows, columns in patterns(values, np.isfinite(response)):
        is_responder = response[rows] == 1
        every = np.arange(p)[columns]
        n[every], responders[every] = rows.size, int(is_responder.sum())
        if is_responder.all() or not is_responder.any():
            continue
        for start in range(0, every.size, _TILE):
            tile = every[start : start + _TILE]
            x = values[np.ix_(rows, tile)]
            value[tile], std_err[tile], wilcoxon[tile] = _tile(x[is_responder], x[~is_responder])
    half = float(ndtri((1 + level) / 2)) * np.where(std_err > 0, std_err, np.nan)
    lower, upper = np.clip(value - half, 0, 1), np.clip(value + half, 0, 1)
    return Aucs(value, std_err, lower, upper, wilcoxon, n, responders)


def _tile(high: Floats, low: Floats) -> tuple[Floats, Floats, Floats]:
    """AUC, DeLong's standard error and Wilcoxon's p of ``high`` against ``low``."""
    m, k = high.shape[0], low.shape[0]
    ranks = rankdata(np.concatenate((high, low)), axis=0)
    # Of each subject the share of the other group that it beats, ties one half.
    beats = (ranks[:m] - rankdata(high, axis=0)) / k
    beaten = 1 - (ranks[m:] - rankdata(low, axis=0)) / m
    value = beats.mean(axis=0)
    variance = np.zeros(value.size)
    for part in (beats, beaten):
        if part.shape[0] > 1:
            variance += part.var(axis=0, ddof=1) / part.shape[0]
    return value, np.sqrt(variance), _rank_sum_p(ranks, value * m * k, m, k)


def _rank_sum_p(ranks: Floats, u: Floats, m: int, k: int) -> Floats:
    """Two-sided p of the rank-sum statistic ``u``; 1 for a feature without differences."""
    # The variance of mid-ranks already carries the correction for ties.
    spread = ranks.var(axis=0, ddof=1)
    sd = np.sqrt(m * k * spread / (m + k))
    distance = np.abs(u - m * k / 2) - 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(sd > 0, np.maximum(distance, 0.0) / sd, 0.0)
    return np.asarray(np.minimum(1.0, 2 * ndtr(-z)))
