"""The figure of any design: which function draws which value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onearm.design import (
    Bop2,
    ChangedFirstStage,
    ChangedSecondStage,
    EarlyActivity,
    EnrolmentForecast,
    ExponentialDesign,
    LandmarkDesign,
    LogRankDesign,
    MonitoringRule,
    OneStage,
    PredictiveDesign,
    ResponseToxicity,
    ToxicityRule,
    TwoStage,
    TwoStageLogRank,
)
from onearm.outputs.figures import design_ahead as ahead
from onearm.outputs.figures import design_pairs as pairs
from onearm.outputs.figures import design_rates as rates
from onearm.outputs.figures import design_times as times
from onearm.outputs.figures.style import Drawn
from onearm.outputs.labels import Labels

DRAWN: Mapping[type, Callable[[Any, Labels], Drawn]] = {  # Any: each kind's own design
    OneStage: rates.of_one_stage,
    TwoStage: rates.of_two_stages,
    EarlyActivity: rates.of_early_activity,
    PredictiveDesign: rates.of_looks,
    Bop2: rates.of_looks,
    MonitoringRule: rates.of_monitoring,
    ToxicityRule: rates.of_toxicity,
    ResponseToxicity: pairs.of_response_toxicity,
    LogRankDesign: times.of_log_rank,
    TwoStageLogRank: times.of_two_stage_log_rank,
    LandmarkDesign: times.of_landmark,
    ExponentialDesign: times.of_exponential,
    EnrolmentForecast: ahead.of_enrolment,
    ChangedFirstStage: ahead.of_changed_first,
    ChangedSecondStage: ahead.of_changed_second,
    ahead.Assured: ahead.of_assurance,
    ahead.After: ahead.of_result,
    ahead.Outcomes: ahead.of_outcomes,
    ahead.Events: ahead.of_events,
}
"""The kinds of design that have a figure."""


def draw_design(design: object, labels: Labels) -> Drawn:
    """The figure of a design; call and save it inside ``styled()``.

    Raises ``TypeError`` for a value that is none of `DRAWN`.
    """
    if type(design) not in DRAWN:
        raise TypeError(f"{type(design).__name__} has no figure")
    return DRAWN[type(design)](design, labels)
