"""A Weibull law fitted to times known up to an interval, to compare with Turnbull's estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import Floats, InvalidArgument, Numbers, check_between
from onearm.stats.interval_censored import check_intervals
from onearm.stats.notes import Note, Sides


@dataclass(frozen=True, slots=True)
class WeibullFit:
    """S(t) = exp(-(t / exp(intercept))^(1 / scale)); ``scale`` 1 is the exponential law."""

    intercept: float
    scale: float
    median: float
    lower: float
    upper: float
    loglik: float
    level: float
    method: str = "Weibull, maximum likelihood, log limits of the median"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def weibull(
    left: Numbers, right: Numbers, *, scale: float | None = None, level: float = 0.95
) -> WeibullFit:
    """Fit a Weibull law to intervals (left, right]; ``scale`` 1 holds it at the exponential.

    left, right: as for `turnbull`, an exact time above 0. Limits of the median come from the
    curvature of the likelihood. Raises `InvalidArgument` as `turnbull` does, for an exact time of
    0, and where no row has a right end (the law then has no finite estimate).
    Source: Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data (2002).
    """
    from scipy.optimize import minimize

    check_between("level", level)
    starts, ends = check_intervals(left, right)
    if not np.isfinite(ends).any():
        raise InvalidArgument("right", "missing in every row", "a time in at least one row")
    if (ends == 0).any():
        row = int(np.flatnonzero(ends == 0)[0])
        raise InvalidArgument(f"right[{row}]", 0.0, "a time above 0")
    if scale is not None:
        check_between("scale", scale, 0.0, math.inf)

    def loss(parameters: Floats) -> float:
        log_scale = math.log(scale) if scale is not None else float(parameters[1])
        return -_weibull_loglik(starts, ends, float(parameters[0]), math.exp(log_scale))

    known = np.where(np.isfinite(ends), (starts + np.minimum(ends, 1e300)) / 2, starts)
    begin = np.array([math.log(max(float(known.mean()), 1e-300)), 0.0])[: 1 if scale else 2]
    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000, "maxfev": 8000}
    found = minimize(loss, begin, method="Nelder-Mead", options=options)
    intercept = float(found.x[0])
    spread = float(scale) if scale is not None else math.exp(float(found.x[1]))
    log_median = intercept + spread * math.log(math.log(2))
    slope = np.array([1.0, spread * math.log(math.log(2))])[: found.x.size]
    covariance = np.linalg.inv(_curvature(loss, found.x))
    half = float(scipy.special.ndtri((1 + level) / 2)) * math.sqrt(
        float(slope @ covariance @ slope)
    )
    limits = (math.exp(log_median - half), math.exp(log_median + half))
    return WeibullFit(
        intercept, spread, math.exp(log_median), *limits, -float(found.fun), float(level)
    )


def _weibull_loglik(starts: Floats, ends: Floats, intercept: float, scale: float) -> float:
    is_exact = starts == ends
    exact = (np.log(ends[is_exact]) - intercept) / scale
    total = np.sum(exact - np.exp(exact) - math.log(scale) - np.log(ends[is_exact]))
    low, high = starts[~is_exact], ends[~is_exact]
    with np.errstate(divide="ignore", over="ignore"):
        hazard_low = np.exp((np.log(low) - intercept) / scale)
        hazard_high = np.exp((np.log(high) - intercept) / scale)
        # ln(S(low) - S(high)), without the difference of two numbers near 1.
        total += np.sum(-hazard_low + np.log(-np.expm1(hazard_low - hazard_high)))
    return float(total)


def _curvature(loss: Callable[[Floats], float], at: Floats) -> Floats:
    """The second derivatives of ``loss`` by central differences."""
    k, h = at.size, 1e-4
    shifts = np.eye(k) * h
    return np.array(
        [
            [
                (
                    loss(at + shifts[i] + shifts[j])
                    - loss(at + shifts[i] - shifts[j])
                    - loss(at - shifts[i] + shifts[j])
                    + loss(at - shifts[i] - shifts[j])
                )
                / (4 * h * h)
                for j in range(k)
            ]
            for i in range(k)
        ]
    )
