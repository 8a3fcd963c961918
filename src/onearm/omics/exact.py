"""Altered or not, responder or not: exact odds ratios and p values, within strata where there are.

The table of each stratum is conditioned on its margins; the number of altered responders over all
strata is then a sum of hypergeometric variables. With one stratum this is Fisher's exact test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

from onearm.omics.available import check_strata, check_values, patterns
from onearm.stats.arguments import Floats, Integers, InvalidArgument

_SAME = 1 + 1e-7
"""Probabilities that differ by less are equal, as in R's fisher.test."""


@dataclass(frozen=True, slots=True, eq=False)
class ExactTables:
    """One item a feature: conditional odds ratio, exact limits, two-sided p, and the counts.

    odds_ratio is 0 or infinite where a cell is empty: flagged ``separated``, never a number to
    print. NaN everywhere for a feature nobody or everybody has in every stratum.
    """

    odds_ratio: Floats
    lower: Floats
    upper: Floats
    p: Floats
    separated: np.ndarray
    altered: Integers
    altered_responders: Integers
    n: Integers


@dataclass(frozen=True, slots=True)
class Margins:
    """One stratum: altered, responders and subjects."""

    altered: int
    responders: int
    n: int


def exact_tables(
    values: Floats, response: Floats, *, strata: Integers | None = None, level: float = 0.95
) -> ExactTables:
    """Exact conditional test of each 0/1 feature against a 0/1 response.

    values: (subjects, features) of 0, 1 and NaN; response: (subjects,) of 0, 1 and NaN.
    Raises `InvalidArgument` for any other number. The conditional odds ratio is what exact
    logistic regression on the one feature (with one intercept a stratum) gives.
    Source: Fisher (1935); Mehta, Patel and Gray, JASA 80:969-973 (1985) for strata.
    """
    values = check_values(values, len(response))
    if not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise InvalidArgument("values", "other numbers", "0, 1 or NaN")
    groups = check_strata(strata, len(response))
    p = values.shape[1]
    nan, zero = np.full(p, np.nan), np.zeros(p, dtype=np.int64)
    result = ExactTables(
        nan,
        nan.copy(),
        nan.copy(),
        nan.copy(),
        np.zeros(p, dtype=np.bool_),
        zero,
        zero.copy(),
        zero.copy(),
    )
    known: dict[tuple[int, tuple[Margins, ...]], tuple[float, float, float, float]] = {}
    for rows, columns in patterns(values, np.isfinite(response)):
        every = np.arange(p)[columns]
        indicator = (groups[rows][:, None] == np.unique(groups[rows])[None, :]).astype(np.float64)
        altered = indicator.T @ values[np.ix_(rows, every)]
        both = response[rows] @ values[np.ix_(rows, every)]
        n, responders = indicator.sum(axis=0), indicator.T @ response[rows]
        for at, feature in enumerate(every.tolist()):
            counts = zip(altered[:, at].tolist(), responders.tolist(), n.tolist(), strict=True)
            margins = tuple(Margins(int(a), int(r), int(m)) for a, r, m in counts)
            key = (int(both[at]), margins)
            if key not in known:
                known[key] = _judge(*key, level)
            ratio = known[key][0]
            for column, number in zip(
                (result.odds_ratio, result.lower, result.upper, result.p), known[key], strict=True
            ):
                column[feature] = number
            result.separated[feature] = ratio == 0 or np.isinf(ratio)
            result.altered[feature] = int(altered[:, at].sum())
            result.altered_responders[feature] = key[0]
            result.n[feature] = rows.size
    return result


def _judge(
    seen: int, margins: tuple[Margins, ...], level: float
) -> tuple[float, float, float, float]:
    """Conditional odds ratio, limits and p of one table or one set of tables."""
    support, logs = conditional(margins)
    if support.size < 2:
        return (float("nan"),) * 4
    null = np.exp(logs - logsumexp(logs))
    at = int(seen - support[0])
    p = min(1.0, float(null[null <= null[at] * _SAME].sum()))

    def shares(log_ratio: float) -> Floats:
        weights = logs + support * log_ratio
        return np.asarray(np.exp(weights - logsumexp(weights)))

    tail = (1 - level) / 2
    is_first, is_last = at == 0, at == support.size - 1
    ratio = 0.0 if is_first else float("inf")
    if not (is_first or is_last):
        ratio = _solve(lambda b: float(shares(b) @ support) - seen)
    lower = 0.0 if is_first else _solve(lambda b: float(shares(b)[at:].sum()) - tail)
    upper = float("inf")
    if not is_last:
        upper = _solve(lambda b: tail - float(shares(b)[: at + 1].sum()))
    return ratio, lower, upper, p


def conditional(margins: tuple[Margins, ...]) -> tuple[Integers, Floats]:
    """The numbers of altered responders the margins allow, and their log counts of arrangements."""
    low = sum(max(0, m.altered + m.responders - m.n) for m in margins)
    logs = reduce(_convolve, (_hypergeometric(m) for m in margins))
    return np.arange(low, low + logs.size), logs


def _hypergeometric(m: Margins) -> Floats:
    """Log of C(responders, a) C(n - responders, altered - a) over the a that are possible."""
    a = np.arange(max(0, m.altered + m.responders - m.n), min(m.altered, m.responders) + 1)
    rest = m.n - m.responders
    return np.asarray(_log_choose(m.responders, a) + _log_choose(rest, m.altered - a))


def _log_choose(n: int, k: Integers) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _convolve(left: Floats, right: Floats) -> Floats:
    """The log counts of a sum, scaled so that the largest of each part is 1."""
    product = np.convolve(np.exp(left - left.max()), np.exp(right - right.max()))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(product))


def _solve(rising: Callable[[float], float]) -> float:
    """exp of the root of a rising function of the log odds ratio."""
    return float(np.exp(brentq(rising, -60, 60, xtol=1e-12, rtol=1e-14)))
