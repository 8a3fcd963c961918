"""The mean time lived up to a horizon: the area under a Kaplan-Meier curve, and two compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import Floats, InvalidArgument
from onearm.stats.notes import Note, Sides
from onearm.stats.survival import Curve


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The mean of min(T, tau) in the unit of the curve, with normal limits."""

    tau: float
    value: float
    std_err: float
    lower: float
    upper: float
    level: float
    method: str = "restricted mean survival time"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def restricted_mean(curve: Curve, tau: float, *, extend: bool = False) -> RestrictedMean:
    """The area under S from 0 to ``tau`` and its standard error, in the unit of the curve.

    The variance is the sum over event times t up to tau of (area from t to tau)^2 d / (n (n - d));
    a term in which everyone at risk has the event is 0.
    Raises `InvalidArgument` if tau is not above 0, or lies beyond the last observed time of a
    curve that has not come down to 0; ``extend`` carries the last value on instead, and the
    result has the note `extended`.
    Source: Klein and Moeschberger, Survival Analysis (2003), section 4.5.

    >>> from onearm.stats.survival import kaplan_meier
    >>> restricted_mean(kaplan_meier([1, 2, 3], [True, True, True]), 3.0).value
    2.0
    """
    if not 0 < tau < math.inf:
        raise InvalidArgument("tau", tau, "a finite time above 0")
    is_beyond = tau > curve.last_time and not curve.is_complete
    if is_beyond and not extend:
        raise InvalidArgument(
            "tau", tau, f"at most the last observed time, {curve.last_time!r}, or extend=True"
        )
    inside = int(np.searchsorted(curve.time, tau, side="right"))
    value, std_err = _area(curve, tau, inside)
    half = float(scipy.special.ndtri((1 + curve.level) / 2)) * std_err
    notes = (Note.EXTENDED,) if is_beyond else ()
    return RestrictedMean(
        float(tau), value, std_err, value - half, value + half, curve.level, notes=notes
    )


def _area(curve: Curve, tau: float, inside: int) -> tuple[float, float]:
    """The area under the curve to ``tau`` and its standard error; ``inside`` times are <= tau."""
    time, survival = curve.time[:inside], curve.survival[:inside]
    edges = np.concatenate(([0.0], time, [tau]))
    heights = np.concatenate(([1.0], survival))
    strips = heights * np.diff(edges)
    area_to_tau: Floats = np.cumsum(strips[::-1], dtype=np.float64)[::-1]
    staying = curve.n_risk[:inside] - curve.n_event[:inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = curve.n_event[:inside] / (curve.n_risk[:inside] * staying)
    terms[survival == 0] = 0.0
    variance = float(np.sum(area_to_tau[1:] ** 2 * terms))
    return float(area_to_tau[0]), math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison of two restricted means: the estimate, its limits, and a two-sided p."""

    name: str
    estimate: float
    lower: float
    upper: float
    p_value: float
    level: float
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = (Note.EXPLORATORY,)


def compare_restricted_means(first: RestrictedMean, second: RestrictedMean) -> tuple[Contrast, ...]:
    """The difference first - second, the ratio, and the ratio of time lost, of two groups.

    Ratios are judged on the log scale. A standard error of 0 in both groups, a mean of 0, or no
    time lost in a group leaves out the contrasts that do not exist then.
    Raises `InvalidArgument` if the two were not taken at one tau and one level.
    Source: Uno et al., Journal of Clinical Oncology 32:2380-2385 (2014).
    """
    if (first.tau, first.level) != (second.tau, second.level):
        raise InvalidArgument(
            "second", (second.tau, second.level), f"at tau and level {(first.tau, first.level)}"
        )
    spread = math.hypot(first.std_err, second.std_err)
    if spread == 0:
        return ()
    z = float(scipy.special.ndtri((1 + first.level) / 2))
    difference = first.value - second.value
    contrasts = [
        Contrast(
            "difference",
            difference,
            difference - z * spread,
            difference + z * spread,
            _two_sided(difference / spread),
            first.level,
        )
    ]
    lost = (first.tau - first.value, second.tau - second.value)
    for name, (a, b) in (("ratio", (first.value, second.value)), ("ratio of time lost", lost)):
        if a > 0 and b > 0:
            log_ratio = math.log(a / b)
            log_se = math.hypot(first.std_err / a, second.std_err / b)
            contrasts.append(
                Contrast(
                    name,
                    a / b,
                    math.exp(log_ratio - z * log_se),
                    math.exp(log_ratio + z * log_se),
                    _two_sided(log_ratio / log_se),
                    first.level,
                )
            )
    return tuple(contrasts)


def _two_sided(z: float) -> float:
    return 2 * float(scipy.special.ndtr(-abs(z)))
