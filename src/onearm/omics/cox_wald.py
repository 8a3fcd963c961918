"""Cox regression of every feature at once: Newton with step halving, separated fits told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.omics.available import (
    check_covariates,
    check_strata,
    check_values,
)
from onearm.omics.cox_null import deaths
from onearm.omics.risk_sums import RiskSums
from onearm.stats.arguments import Booleans, Floats, Integers

_TILE = 2048
"""Features fitted together, so that their risk-set sums stay in the cache."""

_FAR = 15.0
"""A coefficient beyond this on a standardised column that still climbs counts as infinite."""


@dataclass(frozen=True, slots=True, eq=False)
class CoxWald:
    """One item a feature: log hazard ratio per unit, its standard error, z, log-likelihoods.

    beta, se, z are NaN where no finite estimate exists: ``separated`` (the likelihood rises without
    end) or a feature that does not vary at the events. ``likelihood_ratio`` is the chi-square
    against the model without the feature, the limit of it where separated. sd: of the feature among
    the subjects used, with n - 1.
    """

    beta: Floats
    se: Floats
    z: Floats
    loglik: Floats
    likelihood_ratio: Floats
    separated: Booleans
    sd: Floats
    n: Integers
    events: Integers


def cox_wald(
    values: Floats,
    time: Floats,
    event: Booleans,
    *,
    strata: Integers | None = None,
    covariates: Floats | None = None,
) -> CoxWald:
    """Maximise Cox's partial likelihood, Efron ties, for each feature beside the covariates.

    Arguments and missing values as in `cox_scores`. Without covariates ``separated`` is exact: at
    every event the feature of whoever has it is the largest (or everywhere the smallest) at risk.
    With covariates it means that the coefficient runs away.
    Source: omics.md, section 6: without step halving two genes of a public data set end with the
    wrong sign.

    >>> x = np.array([[1.0], [0.0], [1.0], [0.0]])
    >>> fit = cox_wald(x, np.array([1.0, 2, 3, 4]), np.array([True, True, True, False]))
    >>> round(float(fit.beta[0]), 4)
    0.9406
    """
    values = check_values(values, len(time))
    design, groups = check_covariates(covariates, len(time)), check_strata(strata, len(time))
    p = values.shape[1]
    nan, zero = np.full(p, np.nan), np.zeros(p, dtype=np.int64)
    result = CoxWald(
        nan,
        nan.copy(),
        nan.copy(),
        nan.copy(),
        nan.copy(),
        np.zeros(p, dtype=np.bool_),
        nan.copy(),
        zero,
        zero.copy(),
    )
    rows = np.flatnonzero(np.isfinite(time) & np.isfinite(design).all(axis=1))
    sets = deaths(time[rows], event[rows], groups[rows])
    own = values[rows]
    there = ~np.isnan(own)
    result.n[:], result.events[:] = there.sum(axis=0), there[sets.row].sum(axis=0)
    testable = np.flatnonzero((result.n > 1) & (result.events > 0))
    for start in range(0, testable.size, _TILE):
        tile = testable[start : start + _TILE]
        _fit_tile(result, RiskSums.of(sets, there[:, tile]), own[:, tile], design[rows], tile)
    return result


def _fit_tile(result: CoxWald, sums: RiskSums, x: Floats, design: Floats, at: Integers) -> None:
    """Fit one tile of features and write it into ``result`` at the columns ``at``."""
    filled = sums.only(x)
    n = result.n[at]
    centred = sums.only(filled - filled.sum(axis=0) / n)
    sd = np.sqrt(np.square(centred).sum(axis=0) / (n - 1))
    result.sd[at] = sd
    told_apart = sd > 1e-12 * np.abs(filled).max(axis=0)
    at, x, centred, sd = at[told_apart], x[:, told_apart], centred[:, told_apart], sd[told_apart]
    sums = sums.take(told_apart)
    if not at.size:
        return
    spread = design.std(axis=0, ddof=1)
    others = (design - design.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    model = _Model(sums, centred / sd, others)
    null = model.fit(np.zeros((x.shape[1], 1 + others.shape[1])), hold_feature=True)
    best = model.fit(null.beta, hold_feature=False)
    separated = best.runs_away if others.shape[1] else _is_monotone(sums, x)
    result.loglik[at] = best.loglik
    result.likelihood_ratio[at] = np.maximum(2 * (best.loglik - null.loglik), 0.0)
    result.separated[at] = separated
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = best.variance
        is_good = ~separated & np.isfinite(variance) & (variance > 0)
        beta = np.where(is_good, best.beta[:, 0], np.nan)
        se = np.where(is_good, np.sqrt(variance), np.nan)
        result.beta[at], result.se[at], result.z[at] = beta / sd, se / sd, beta / se


def _is_monotone(sums: RiskSums, x: Floats) -> Booleans:
    """Whether the partial likelihood of each single column has no maximum."""
    rises = np.ones(x.shape[1], dtype=np.bool_)
    falls = rises.copy()
    informative = np.zeros_like(rises)
    missing = np.isnan(x)
    above, below = np.where(missing, -np.inf, x), np.where(missing, np.inf, x)
    for row, at_risk in zip(sums.deaths.row, sums.deaths.at_risk, strict=True):
        high, low = above[at_risk].max(axis=0), below[at_risk].min(axis=0)
        rises &= missing[row] | (x[row] == high)
        falls &= missing[row] | (x[row] == low)
        informative |= ~missing[row] & (high > low)
    return (rises | falls) & informative


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """beta: (features, columns); variance: of the first column; the feature stands first."""

    beta: Floats
    loglik: Floats
    variance: Floats
    runs_away: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Log-likelihood (features,), score (features, k) and information (features, k, k)."""

    loglik: Floats
    score: Floats
    information: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """A tile of standardised features x (subjects, features) beside common covariates."""

    sums: RiskSums
    x: Floats
    others: Floats

    def at(self, beta: Floats, features: Integers | slice) -> _State:
        """Evaluate the partial likelihood of the ``features`` at their rows of ``beta``."""
        x, sums, row = self.x[:, features], self.sums.take(features), self.sums.deaths.row
        columns = [x, *(column[:, None] for column in self.others.T)]
        eta = x * beta[:, 0] + self.others @ beta[:, 1:].T
        shift = eta.max(axis=0)
        risk = sums.only(np.exp(eta - shift))
        total = sums.over(risk)
        # Relative to the largest risk; events that a feature does not have add nothing.
        gained = sums.only(eta - shift)[row].sum(axis=0)
        loglik = gained - sums.log(total).sum(axis=0)
        divisor = sums.divisor(total)
        weighted = [risk * column for column in columns]
        means = [sums.over(part) / divisor for part in weighted]
        k = len(columns)
        score, information = np.empty((len(beta), k)), np.empty((len(beta), k, k))
        for i in range(k):
            seen = sums.only(np.broadcast_to(columns[i], eta.shape))[row].sum(axis=0)
            score[:, i] = seen - means[i].sum(axis=0)
            for j in range(i + 1):
                second = sums.over(weighted[i] * columns[j]) / divisor
                value = (second - means[i] * means[j]).sum(axis=0)
                information[:, i, j] = information[:, j, i] = value
        return _State(loglik, score, information)

    def fit(self, start: Floats, *, hold_feature: bool) -> _Fit:
        """Newton from ``start``, every feature until its own step is tiny."""
        free = slice(1, None) if hold_feature else slice(None)
        beta, every = start.copy(), np.arange(start.shape[0])
        state = self.at(beta, slice(None))
        runs_away = np.zeros(every.size, dtype=np.bool_)
        active = every[: 0 if hold_feature and not self.others.shape[1] else None]
        for _ in range(60):
            if not active.size:
                break
            step = _newton(state, active, free)
            gain = self._climb(beta, state, active, step)
            length = np.abs(step).max(axis=1)
            size = np.abs(beta[active]).max(axis=1)
            climbs = gain > 1e-9
            runs_away[active] = (size > _FAR) | (climbs & (size > _FAR / 2))
            tiny = length <= 1e-9 * np.maximum(1.0, size)
            active = active[~tiny & ~((size > 2 * _FAR) & ~climbs)]
        variance = np.full(every.size, np.nan)
        if not hold_feature:
            variance = _first_variance(state.information)
        return _Fit(beta, state.loglik, variance, runs_away)

    def _climb(self, beta: Floats, state: _State, active: Integers, step: Floats) -> Floats:
        """Move ``active`` by ``step``, halved until nothing is lost; returns what was gained.

        ``beta``, ``state`` and ``step`` are changed in place.
        """
        before = state.loglik[active]
        todo = np.arange(active.size)
        for _ in range(40):
            features = active[todo]
            there = self.at(beta[features] + step[todo], features)
            enough = there.loglik >= before[todo] - 1e-13 * np.abs(before[todo])
            good = features[enough]
            beta[good] += step[todo[enough]]
            state.loglik[good] = there.loglik[enough]
            state.score[good] = there.score[enough]
            state.information[good] = there.information[enough]
            todo = todo[~enough]
            if not todo.size:
                break
            step[todo] /= 2
        step[todo] = 0.0
        return np.asarray(state.loglik[active] - before)


def _newton(state: _State, active: Integers, free: slice) -> Floats:
    """The Newton step of each active feature in its free columns, at most 5 SD long."""
    score, information = state.score[active][:, free], state.information[active][:, free, free]
    step = np.zeros_like(state.score[active])
    if score.shape[1] == 1:
        floor = np.maximum(information[:, :, 0], 1e-300)
        step[:, free] = score / floor
    else:
        ridge = 1e-14 * np.trace(information, axis1=1, axis2=2) + 1e-300
        regular = information + ridge[:, None, None] * np.eye(score.shape[1])
        step[:, free] = np.linalg.solve(regular, score[:, :, None])[:, :, 0]
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, 5.0 / np.maximum(longest, 1e-300)))


def _first_variance(information: Floats) -> Floats:
    """The variance of the first coefficient: its place in the inverse; NaN where singular."""
    own = information[:, 0, 0]
    if information.shape[1] > 1:
        cross, rest = information[:, 0, 1:], information[:, 1:, 1:]
        scale = np.maximum(np.trace(rest, axis1=1, axis2=2), 1e-300)
        regular = rest + 1e-15 * scale[:, None, None] * np.eye(rest.shape[1])
        own = own - np.einsum("pi,pi->p", cross, np.linalg.solve(regular, cross[..., None])[..., 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(own > 1e-12 * information[:, 0, 0], 1 / own, np.nan)
