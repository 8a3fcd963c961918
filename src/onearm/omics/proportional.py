"""Do hazards stay proportional for a reported feature, and what to print where they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.omics.assay import Times
from onearm.stats import (
    InvalidArgument,
    Note,
    compare_restricted_means,
    cox,
    kaplan_meier,
    proportional_hazards,
    restricted_mean,
)
from onearm.stats.arguments import Booleans, Floats


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Restricted mean survival of the upper half (or the altered) less the others, to ``tau``."""

    tau: float
    difference: float
    lower: float
    upper: float
    p: float
    groups: str


@dataclass(frozen=True, slots=True)
class Proportionality:
    """Test of proportional hazards; ``instead`` is what does not need them, None without groups.

    statistic and p are None where the model has no finite estimate.
    """

    statistic: float | None
    p: float | None
    instead: MeanDifference | None


def proportionality(feature: Floats, times: Times, *, tau: float | None = None) -> Proportionality:
    """Scaled Schoenfeld test of one feature, and the difference in restricted means.

    feature: (subjects,), NaN where missing. Groups are 1 against 0 for a binary feature, else above
    the median against the rest, which is fixed without looking at the outcome. tau: by default the
    largest time at which both groups still have somebody under observation.
    Source: Grambsch and Therneau, Biometrika 81:515-526 (1994); Uno et al., Journal of Clinical
    Oncology 32:2380-2385 (2014).
    """
    usable = np.isfinite(feature) & np.isfinite(times.time)
    x, time, event = feature[usable], times.time[usable], times.event[usable]
    instead = _mean_difference(x, time, event, tau)
    try:
        fit = cox(time, event, {"feature": x})
    except InvalidArgument:
        return Proportionality(None, None, instead)
    if fit.model is None or Note.NO_FINITE_ESTIMATE in fit.notes:
        return Proportionality(None, None, instead)
    test = proportional_hazards(fit)[0]
    return Proportionality(test.statistic, test.p_value, instead)


def _mean_difference(
    x: Floats, time: Floats, event: Booleans, tau: float | None
) -> MeanDifference | None:
    is_binary = bool(np.isin(x, (0, 1)).all())
    high = x == 1 if is_binary else x > np.median(x)
    if not (high.any() and (~high).any()):
        return None
    curves = [kaplan_meier(time[part], event[part]) for part in (high, ~high)]
    horizon = float(min(curve.last_time for curve in curves)) if tau is None else tau
    if horizon <= 0:
        return None
    means = [restricted_mean(curve, horizon) for curve in curves]
    contrasts = compare_restricted_means(means[0], means[1])
    if not contrasts:
        return None
    first = contrasts[0]
    groups = "altered less not altered" if is_binary else "above the median less the rest"
    return MeanDifference(horizon, first.estimate, first.lower, first.upper, first.p_value, groups)
