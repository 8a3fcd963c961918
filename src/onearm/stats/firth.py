"""Cox regression with Firth's penalty: finite estimates where the likelihood has none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import Booleans, Flags, Floats, InvalidArgument, Numbers, check_between
from onearm.stats.columns import Columns, read_columns
from onearm.stats.cox_likelihood import RiskSets, lay_out, moments, risk_set_sums
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import observe
from onearm.stats.roots import root_between


@dataclass(frozen=True, slots=True)
class FirthTerm:
    """One column: log hazard ratio, standard error, hazard ratio with profile limits, and p.

    Limits and ``p_value`` come from the penalised likelihood ratio; the standard error from the
    information at the estimate. A limit that cannot be found within 60 standard errors is None.
    """

    name: str
    coefficient: float
    std_err: float
    hazard_ratio: float
    lower: float | None
    upper: float | None
    p_value: float


@dataclass(frozen=True, slots=True)
class FirthFit:
    """A penalised fit; both log-likelihoods include the penalty, taken on standardised columns."""

    terms: tuple[FirthTerm, ...]
    n: int
    events: int
    loglik_null: float
    loglik: float
    statistic: float
    df: int
    p_value: float
    level: float
    method: str = "Cox with Firth penalty, Breslow ties, profile limits"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def firth(
    time: Numbers,
    event: Flags,
    columns: Mapping[str, Numbers],
    *,
    entry: Numbers | None = None,
    level: float = 0.95,
) -> FirthFit:
    """Maximise the log partial likelihood plus half the log determinant of the information.

    Arguments as for `cox`; ties are Breslow's. Raises `InvalidArgument` as `cox` does, where
    there is no event, and where the events carry no information on a column.
    Source: Heinze and Schemper, Biometrics 57:114-119 (2001).

    >>> fit = firth([1, 2, 3, 4], [1, 1, 0, 0], {"marker": [1, 1, 0, 0]})
    >>> round(fit.terms[0].hazard_ratio, 1)
    7.6
    """
    check_between("level", level)
    observed = observe(time, event, entry=entry)
    read = read_columns(columns, observed.time.size)
    sets = lay_out(observed, read.standardised, is_efron=False)
    if not sets.row.size:
        raise InvalidArgument("event", "no event", "a list with at least one event")
    p = len(read.names)
    start = _Penalised.at(sets, np.zeros(p))
    if not math.isfinite(start.loglik):
        raise InvalidArgument("columns", list(read.names), "told apart by the patients at risk")
    free = np.ones(p, dtype=np.bool_)
    best = _climb(sets, np.zeros(p), free)
    statistic = 2 * (best.loglik - start.loglik)
    return FirthFit(
        tuple(_term(read, sets, best, k, level) for k in range(p)),
        sets.time.size,
        sets.row.size,
        start.loglik,
        best.loglik,
        statistic,
        p,
        float(scipy.special.chdtrc(p, statistic)),
        float(level),
        notes=(Note.FEW_EVENTS,) if sets.row.size < 5 * p else (),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Penalised:
    """The penalised log-likelihood at ``beta``, its score, and the plain information."""

    beta: Floats
    loglik: float
    score: Floats
    information: Floats

    @classmethod
    def at(cls, sets: RiskSets, beta: Floats) -> _Penalised:
        m = moments(sets, beta)
        information = m.variance.sum(axis=0)
        sign, log_det = np.linalg.slogdet(information)
        if sign <= 0 or log_det < -60:
            return cls(beta, -math.inf, np.zeros_like(beta), information)
        score = sets.x[sets.row].sum(axis=0) - m.mean.sum(axis=0)
        third = _third_moments(sets, beta, m.weight_sum, m.mean, m.variance)
        pull = np.einsum("ij,ijr->r", np.linalg.inv(information), third)
        return cls(beta, m.loglik + float(log_det) / 2, score + pull / 2, information)


def _third_moments(
    sets: RiskSets, beta: Floats, weight_sum: Floats, mean: Floats, variance: Floats
) -> Floats:
    """The derivative of the information: third central moments of x, summed over the events."""
    eta = sets.x @ beta
    weight = np.exp(eta - eta.max())
    cubes = np.einsum("n,ni,nj,nk->nijk", weight, sets.x, sets.x, sets.x)
    raw = risk_set_sums(sets, cubes) / weight_sum[:, None, None, None]
    # E[xyz] less every mean times the covariance of the other two, less the three means.
    cross = sum(
        np.einsum(shape, variance, mean)
        for shape in ("eij,ek->eijk", "eik,ej->eijk", "ejk,ei->eijk")
    )
    return np.asarray((raw - cross - np.einsum("ei,ej,ek->eijk", mean, mean, mean)).sum(axis=0))


def _climb(sets: RiskSets, beta: Floats, free: Booleans) -> _Penalised:
    """The maximum over the free coefficients, the others held where ``beta`` has them."""
    here = _Penalised.at(sets, beta)
    if not free.any():
        return here
    block = np.ix_(free, free)
    for _ in range(500):
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(here.information[block], here.score[free])
        step *= min(1.0, 2.0 / max(1e-300, float(np.abs(step).max())))
        there = _Penalised.at(sets, here.beta + step)
        while there.loglik < here.loglik - 1e-12 and np.abs(step).max() > 1e-14:
            step = step / 2
            there = _Penalised.at(sets, here.beta + step)
        here = there
        if np.abs(step).max() < 1e-10:
            break
    return here


def _profile(sets: RiskSets, best: _Penalised, k: int, value: float) -> float:
    """The largest penalised log-likelihood with coefficient ``k`` held at ``value``."""
    beta, free = best.beta.copy(), np.ones(best.beta.size, dtype=np.bool_)
    beta[k], free[k] = value, False
    return _climb(sets, beta, free).loglik


def _term(read: Columns, sets: RiskSets, best: _Penalised, k: int, level: float) -> FirthTerm:
    scale = float(read.scale[k])
    coefficient = float(best.beta[k])
    std_err = math.sqrt(float(np.linalg.inv(best.information)[k, k]))
    low = _profile_limit(sets, best, k, -std_err, level)
    high = _profile_limit(sets, best, k, std_err, level)
    ratio = max(0.0, 2 * (best.loglik - _profile(sets, best, k, 0.0)))
    return FirthTerm(
        read.names[k],
        coefficient / scale,
        std_err / scale,
        math.exp(coefficient / scale),
        None if low is None else math.exp(low / scale),
        None if high is None else math.exp(high / scale),
        float(scipy.special.chdtrc(1, ratio)),
    )


def _profile_limit(
    sets: RiskSets, best: _Penalised, k: int, stride: float, level: float
) -> float | None:
    """Where the profile has fallen by half the chi-square quantile, on the side of ``stride``."""
    drop = float(scipy.special.chdtri(1, 1 - level)) / 2
    centre = float(best.beta[k])

    def excess(distance: float) -> float:
        profile = _profile(sets, best, k, centre + distance * stride)
        return best.loglik - profile - drop if math.isfinite(profile) else drop

    far = 1.0
    while excess(far) < 0:
        far *= 1.5
        if far > 60:
            return None
    return centre + stride * root_between(excess, 0.0, far, width=1e-9)
