"""Cox score test of every feature at once, from one null model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.omics.available import (
    check_covariates,
    check_strata,
    check_values,
    patterns,
    varies,
)
from onearm.omics.cox_null import Deaths, NullCox, deaths, null_cox
from onearm.omics.risk_sums import RiskSums
from onearm.stats.arguments import Booleans, Floats, Integers

_TILE = 2048
"""Features worked on together, so that their sums stay in the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class CoxScores:
    """One item a feature: score ``u``, its variance ``v``, ``z`` = u / sqrt(v), subjects, events.

    ``z`` is NaN where the feature does not vary among the subjects at risk at the events.
    """

    u: Floats
    v: Floats
    z: Floats
    n: Integers
    events: Integers


def cox_scores(
    values: Floats,
    time: Floats,
    event: Booleans,
    *,
    strata: Integers | None = None,
    covariates: Floats | None = None,
) -> CoxScores:
    """The square root of the score test of Cox's model, Efron ties, for all features.

    values: (subjects, features), NaN where missing; each feature is tested in the subjects that
    have it. time, event: (subjects,), NaN in time for a subject without the endpoint. strata:
    labels, one baseline hazard each. covariates: (subjects, q), numeric, in the null model; a
    subject with a missing covariate is left out.
    Raises `OnearmError` where the covariates cannot be fitted.
    Source: omics.md, section 6; equal to R's ``coxph(...)$score`` to rounding.

    >>> x = np.array([[1.0], [0.0], [1.0], [0.0]])
    >>> z = cox_scores(x, np.array([1.0, 2, 3, 4]), np.array([True, True, True, False])).z
    >>> round(float(z[0]), 4)
    0.7845
    """
    values = check_values(values, len(time))
    design, groups = check_covariates(covariates, len(time)), check_strata(strata, len(time))
    u, v = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    n = np.zeros(values.shape[1], dtype=np.int64)
    events = np.zeros_like(n)
    usable = np.isfinite(time) & np.isfinite(design).all(axis=1)
    if not design.shape[1]:
        rows = np.flatnonzero(usable)
        sets = deaths(time[rows], event[rows], groups[rows])
        return _without_covariates(values[rows], sets)
    for rows, columns in patterns(values, usable):
        n[columns], events[columns] = rows.size, int(np.count_nonzero(event[rows]))
        if rows.size < 2 or not event[rows].any():
            continue
        null = null_cox(time[rows], event[rows], groups[rows], design[rows])
        u[columns], v[columns] = score_and_variance(null, values[rows][:, columns])
    return CoxScores(u, v, _standardised(u, v), n, events)


def _standardised(u: Floats, v: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(v > 0, u / np.sqrt(v), np.nan)


def _without_covariates(values: Floats, sets: Deaths) -> CoxScores:
    """All features in tiles, whatever is missing in each."""
    p = values.shape[1]
    u, v = np.zeros(p), np.zeros(p)
    there = ~np.isnan(values)
    n = there.sum(axis=0)
    events = there[sets.row].sum(axis=0)
    for start in range(0, p, _TILE):
        tile = slice(start, min(start + _TILE, p))
        u[tile], v[tile] = _tile(values[:, tile], RiskSums.of(sets, there[:, tile]))
    return CoxScores(u, v, _standardised(u, v), n, events)


def _tile(values: Floats, sums: RiskSums) -> tuple[Floats, Floats]:
    if not sums.deaths.row.size:
        return np.zeros(values.shape[1]), np.zeros(values.shape[1])
    if sums.there is None:
        size: Floats = np.full((1, 1), float(len(values)))
        total = sums.deaths.weight.sum(axis=1)[:, None]
    else:
        size = np.maximum(sums.there.sum(axis=0), 1)
        total = sums.divisor(sums.over(sums.there.astype(np.float64)))
    filled = sums.only(values)
    centred = sums.only(filled - filled.sum(axis=0) / size)
    means = sums.over(centred) / total
    squares = (sums.over(np.square(centred)) / total).sum(axis=0)
    u = centred[sums.deaths.row].sum(axis=0) - means.sum(axis=0)
    v = squares - np.einsum("ij,ij->j", means, means)
    low = values if sums.there is None else np.where(sums.there, values, np.inf)
    high = values if sums.there is None else np.where(sums.there, values, -np.inf)
    spread = high.max(axis=0) - low.min(axis=0)
    is_varied = spread > 1e-12 * np.abs(filled).max(axis=0)
    return u, np.where(is_varied & (v > 1e-12 * squares), v, 0.0)


def score_and_variance(null: NullCox, values: Floats) -> tuple[Floats, Floats]:
    """U = m'X and V for complete ``values``; V is 0 for a feature that carries no information."""
    centred = values - values.mean(axis=0)
    before = null.expected @ np.square(centred)
    if null.gamma.size:
        inverse = np.linalg.inv(null.information(null.covariates, null.covariates))
        slopes = inverse @ null.information(null.covariates, centred)
        centred -= null.covariates @ slopes
    u = null.residual @ centred
    means = null.share @ centred
    v = null.expected @ np.square(centred) - np.einsum("ij,ij->j", means, means)
    return u, np.where(varies(values) & (v > 1e-12 * before), v, 0.0)
