"""Statistics after the data: proportions, times to an event, summaries. Numbers in, values out.

Every result is a frozen value that carries ``method``, ``level`` (two-sided unless the name says
``one_sided``), ``sides`` and ``notes`` (members of `Note`); a number that does not exist is None
with a note, never 0, 1 or NaN. Arrays in which single numbers can be missing are numpy masked
arrays (``.tolist()`` gives None there). Invalid input raises `InvalidArgument`.

Proportions (`proportion`)
    proportion(x, n, *, level=0.95, method="exact") -> Proportion
        .x .n .estimate .lower .upper .method .title .level .sides .notes
        methods: exact (Clopper-Pearson), wilson, wilson_cc, blaker, midp, jeffreys, agresti_coull
        and, by name only, jeffreys_raw, wald, t (`INTERVALS[name].is_reportable` is False there)
    INTERVALS[name].limits(x, n, level) -> (lower, upper)   .name .title .source .is_reportable
    one_sided_limit(x, n, *, level=0.95, side="lower") -> OneSidedLimit   .limit .side .level
    exact_test(x, n, *, p0) -> ExactTest   .p_value = P(X >= x | n, p0)   .p0 .sides

Kaplan-Meier (`survival`); event is True or 1 where the event was seen, False or 0 where censored
    kaplan_meier(time, event, *, entry=None, weights=None, level=0.95, interval="log-log") -> Curve
        .time .n_risk .n_event .n_censor .survival (arrays, one item a distinct time)
        .std_err .lower .upper (masked arrays) .n .events .level .interval .method .sides .notes
        .rows() -> list[CurveRow], None where a number does not exist
    quantile(curve, p=0.5) -> Quantile; median(curve) is quantile(curve, 0.5)
        .p .value .lower .upper .level .method .sides .notes (None where not reached)
    at_time(curve, t, *, extend=False) -> AtTime
        .time .value .lower .upper .std_err .n_risk .level .method .sides .notes
    follow_up(time, event, *, level=0.95, interval="log-log") -> FollowUp   (reverse Kaplan-Meier)
        .median (a Quantile) .n_alive .shortest_alive .longest_alive .curve
    landmark_test(curve, t, *, null) -> LandmarkTest   S at t against a known survival
        .time .null .found (an AtTime) .z .p_value .method .sides .notes
    restricted_mean(curve, tau, *, extend=False) -> RestrictedMean
        .tau .value .std_err .lower .upper .level .method .sides .notes
    nelson_aalen(time, event, *, entry=None, level=0.95) -> CumulativeHazard
    log_rank(time, event, group, *, rho=0, strata=None, entry=None) -> LogRank
        .groups .n .observed .expected .statistic .df .p_value .notes

    CURVE_INTERVALS lists the kinds of limits: log-log (default), log, plain, arcsine, logit

Other survival methods
    compare_restricted_means(first, second) -> tuple[Contrast, ...]   difference and ratios
    one_sample_log_rank(time, event, cumulative_hazard, *, entry=None, level=0.95); weibull_hazard(
        survival=, time=, shape=1) makes the null; exponential(time, event, *, entry=None, level=)
    cox(time, event, columns, *, entry=None, ties="efron", level=0.95) -> CoxFit, and of a fit:
        proportional_hazards(fit), concordance(fit), baseline_hazard(fit, at=None)
    concordance_index(time, event, predictor, *, entry=None); firth(time, event, columns, ...)
    cumulative_incidence(time, cause, *, censored=0, level=0.95, variance="aalen");
        incidence_at(risks, cause, t, *, extend=False); gray_test(time, cause, group, *, censored=0)
    turnbull(left, right) and weibull(left, right, *, scale=None, level=0.95): interval-censored

Summaries (`describe`)
    describe(values, *, quartiles="averaged") -> Description
        .n .n_missing .mean .sd .minimum .q1 .median .q3 .maximum .quartiles .notes
    count(values, *, levels=None, denominator=None) -> tuple[Count, ...]
        .level .n .denominator .proportion
"""

from __future__ import annotations

from onearm.stats.arguments import InvalidArgument
from onearm.stats.competing import (
    CauseIncidence,
    CumulativeIncidence,
    IncidenceAt,
    cumulative_incidence,
    incidence_at,
)
from onearm.stats.concordance import Concordance, concordance, concordance_index
from onearm.stats.cox import (
    BaselineHazard,
    CoxFit,
    CoxTerm,
    GlobalTest,
    baseline_hazard,
    cox,
)
from onearm.stats.curve_limits import CURVE_INTERVALS, CurveInterval
from onearm.stats.curve_reading import (
    AtTime,
    FollowUp,
    Quantile,
    at_time,
    follow_up,
    median,
    quantile,
)
from onearm.stats.describe import QUARTILE_DEFINITIONS, Count, Description, count, describe
from onearm.stats.firth import FirthFit, FirthTerm, firth
from onearm.stats.gray import GrayTest, gray_test
from onearm.stats.hazard import CumulativeHazard, nelson_aalen
from onearm.stats.interval_censored import (
    IntervalMedian,
    MassInterval,
    Turnbull,
    turnbull,
)
from onearm.stats.interval_weibull import WeibullFit, weibull
from onearm.stats.landmark import LandmarkTest, landmark_test
from onearm.stats.logrank import LogRank, log_rank
from onearm.stats.notes import Note
from onearm.stats.one_sample import (
    ExponentialFit,
    OneSampleLogRank,
    exponential,
    one_sample_log_rank,
    weibull_hazard,
)
from onearm.stats.proportion import (
    INTERVALS,
    ExactTest,
    Interval,
    OneSidedLimit,
    Proportion,
    exact_test,
    one_sided_limit,
    proportion,
)
from onearm.stats.proportional_hazards import ProportionalHazardsTest, proportional_hazards
from onearm.stats.restricted_mean import (
    Contrast,
    RestrictedMean,
    compare_restricted_means,
    restricted_mean,
)
from onearm.stats.survival import Curve, CurveRow, kaplan_meier

__all__ = [
    "CURVE_INTERVALS",
    "INTERVALS",
    "QUARTILE_DEFINITIONS",
    "AtTime",
    "BaselineHazard",
    "CauseIncidence",
    "Concordance",
    "Contrast",
    "Count",
    "CoxFit",
    "CoxTerm",
    "CumulativeHazard",
    "CumulativeIncidence",
    "Curve",
    "CurveInterval",
    "CurveRow",
    "Description",
    "ExactTest",
    "ExponentialFit",
    "FirthFit",
    "FirthTerm",
    "FollowUp",
    "GlobalTest",
    "GrayTest",
    "IncidenceAt",
    "Interval",
    "IntervalMedian",
    "InvalidArgument",
    "LandmarkTest",
    "LogRank",
    "MassInterval",
    "Note",
    "OneSampleLogRank",
    "OneSidedLimit",
    "Proportion",
    "ProportionalHazardsTest",
    "Quantile",
    "RestrictedMean",
    "Turnbull",
    "WeibullFit",
    "at_time",
    "baseline_hazard",
    "compare_restricted_means",
    "concordance",
    "concordance_index",
    "count",
    "cox",
    "cumulative_incidence",
    "describe",
    "exact_test",
    "exponential",
    "firth",
    "follow_up",
    "gray_test",
    "incidence_at",
    "kaplan_meier",
    "landmark_test",
    "log_rank",
    "median",
    "nelson_aalen",
    "one_sample_log_rank",
    "one_sided_limit",
    "proportion",
    "proportional_hazards",
    "quantile",
    "restricted_mean",
    "turnbull",
    "weibull",
    "weibull_hazard",
]
