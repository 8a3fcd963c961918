"""Pointwise confidence limits of a survival curve, five ways, and the list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy

from onearm.stats.arguments import Floats

LimitCurves: TypeAlias = tuple[Floats, Floats]


def log_log_limits(s: Floats, se_log: Floats, z: float) -> LimitCurves:
    """exp(-exp(ln(-ln S) +- z se_log / ln S)); inside (0, 1) without cutting."""
    log_s = np.log(s)
    inner, step = np.log(-log_s), z * se_log / log_s
    return np.exp(-np.exp(inner - step)), np.exp(-np.exp(inner + step))


def log_limits(s: Floats, se_log: Floats, z: float) -> LimitCurves:
    """S exp(+- z se_log), the upper limit cut at 1."""
    factor = np.exp(z * se_log)
    return s / factor, np.minimum(s * factor, 1.0)


def plain_limits(s: Floats, se_log: Floats, z: float) -> LimitCurves:
    """S +- z S se_log, cut to [0, 1]."""
    half = z * s * se_log
    return np.maximum(s - half, 0.0), np.minimum(s + half, 1.0)


def arcsine_limits(s: Floats, se_log: Floats, z: float) -> LimitCurves:
    """sin^2(asin sqrt S +- z/2 se_log sqrt(S / (1 - S))), the angle cut to [0, pi/2]."""
    angle, half = np.arcsin(np.sqrt(s)), z / 2 * se_log * np.sqrt(s / (1 - s))
    low, high = np.maximum(angle - half, 0.0), np.minimum(angle + half, np.pi / 2)
    return np.sin(low) ** 2, np.sin(high) ** 2


def logit_limits(s: Floats, se_log: Floats, z: float) -> LimitCurves:
    """expit(logit S +- z se_log / (1 - S))."""
    centre, half = scipy.special.logit(s), z * se_log / (1 - s)
    return scipy.special.expit(centre - half), scipy.special.expit(centre + half)


@dataclass(frozen=True, slots=True)
class CurveInterval:
    """One kind of pointwise limits for a survival curve: a line of `CURVE_INTERVALS`."""

    name: str
    title: str
    function: Callable[[Floats, Floats, float], LimitCurves]
    source: str

    def limits(self, survival: Floats, greenwood: Floats, level: float) -> LimitCurves:
        """Lower and upper limits at two-sided ``level``; NaN where S = 0, [1, 1] where S = 1.

        survival: S, each from 0 to 1; greenwood: the sum of d / (n (n - d)) up to each time.
        """
        z = float(scipy.special.ndtri((1 + level) / 2))
        # S = 0 and S = 1 divide by zero in most formulas; both are settled below.
        with np.errstate(divide="ignore", invalid="ignore"):
            lower, upper = self.function(survival, np.sqrt(greenwood), z)
        is_one, is_zero = survival == 1, survival == 0
        lower[is_one] = upper[is_one] = 1.0
        lower[is_zero] = upper[is_zero] = np.nan
        return lower, upper


CURVE_INTERVALS = {
    interval.name: interval
    for interval in (
        CurveInterval(
            "log-log",
            "complementary log-log",
            log_log_limits,
            "Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data (1980)",
        ),
        CurveInterval(
            "log",
            "log",
            log_limits,
            "Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data (1980)",
        ),
        CurveInterval("plain", "plain", plain_limits, "Greenwood (1926)"),
        CurveInterval(
            "arcsine",
            "arcsine square root",
            arcsine_limits,
            "Nair, Technometrics 26:265-275 (1984)",
        ),
        CurveInterval(
            "logit", "logit", logit_limits, "Meeker and Escobar, Statistical Methods (1998)"
        ),
    )
}
