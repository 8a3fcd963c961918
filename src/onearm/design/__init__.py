"""Trial design before the data, and the inference a design asks for after them.

Numbers in, frozen values out. Every ``alpha`` is one-sided. Each design carries what it attains
(``alpha``, ``power``, expected sizes; exact unless its ``method`` says otherwise), ``method``,
``source``, ``sides``, ``notes`` and ``sentence()``, a paragraph for the protocol. Invalid input
raises `InvalidArgument`; a search that finds nothing raises `NoDesign`, which names n_max, the
best power reached and what to try. `DESIGNS` lists the kinds.

One stage (`onestage`); promising with more than r responders
    one_stage(*, p0, p1, alpha=0.05, beta=0.2, n_max=500) -> OneStageSearch   .first .stable
    one_stage_at(n, *, p0, p1, alpha=0.05), one_stage_design(n, r, *, p0, p1) -> OneStage
    detectable_rate(n, needs, *, power=0.8) -> the rate shown with that power

Two stages (`twostage`, `simon`, `inference`, `changed`)
    simon(*, p0, p1, alpha=0.05, beta=0.2, n_max=200) -> SimonSearch   .optimal .minimax .admissible
    simon_at(n, *, p0, p1, alpha=0.05, beta=0.5) -> designs from the most power to the least EN(p0)
    two_stage(*, r1, n1, r, n, p0, p1) -> TwoStage   .alpha .power .pet0 .en0 .reject(p) ...
    after_two_stages(design, k, *, stage, level=0.95) -> TwoStageResult
    changed_first_stage(design, *, n1, n=None, alpha=0.05) -> ChangedFirstStage
    changed_second_stage(design, *, x1, x2, m2) -> ChangedSecondStage
    early_activity(*, p0, p1, alpha, beta, optimise="en0", n_max=120) -> EarlyActivitySearch
    early_activity_design(*, r1, e1, n1, r, n, p0, p1) -> EarlyActivity
    response_toxicity(*, response, safe, alpha_response, alpha_toxicity, beta, n_max)
        .optimal.tied(odds_ratio) -> TiedErrors: response and toxicity tied in a patient

Looks at a count (`counting`, `toxicity`, `monitoring`, `predictive`, `bop2`); None: never stops
    bayesian_toxicity(*, limit, prior, cutoff, looks) -> ToxicityRule   .stop_at .every_n
    pocock_toxicity(*, rate, cross, looks); crossing_toxicity(*, low, high, looks, ...)
    posterior_monitoring(*, p0 or standard, prior, looks, futility_below, efficacy_above, delta)
    posterior_above_standard(x, n, *, standard, prior, delta=0.0)
    predictive_search(*, p0, p1, prior, alpha, beta, ...), predictive_design(n, ...)
        (theta_u below 1: success may stop the trial) -> PredictiveDesign
    predictive_probability(x, n, *, n_max, p0, prior, theta_t)
    bop2(*, p0, p1, looks, alpha, lambdas, gammas) -> Bop2
    every rule has .operating(p) -> Walk, its exact behaviour at a true rate;
    walk(looks, low, high, p) -> Walk for any bounds

Time to an event, forecasts, several outcomes
    log_rank_design(hypothesis, accrual, *, alpha=0.05, beta=0.2, n_max=1000) -> LogRankDesign
    log_rank_design_at(n, hypothesis, accrual, *, alpha=0.05)
        hypothesis: SurvivalHypothesis(survival, time, hazard_ratio, shape=1)
        accrual: Accrual(rate, follow_up, is_restricted=False)
    landmark_test(time, event, *, at, survival, entry=None, level=0.95) -> LandmarkTest
    landmark_design(hypothesis, accrual, *, at, alpha=0.05, beta=0.2, n_max=1000),
        landmark_design_at(n, ...) -> LandmarkDesign   .alpha_exact .power_exact .reject(survival)
    exponential_design(*, null_median, wished_median, accrual, alpha=0.05, beta=0.2),
        exponential_design_at(events, ...) -> ExponentialDesign   .total_time .limits(total_time)
    two_stage_log_rank(hypothesis, accrual, *, alpha, beta, n_max) -> .optimal .minimax .n_single
    two_stage_log_rank_design(n, *, look, first, last, hypothesis, accrual) -> TwoStageLogRank
    assurance(design, *, prior), expected_events(...), further_events(...), enrolment_forecast(...)
    simulate(plan, scenario, *, rng, n_trials) -> Simulated   counts with Monte-Carlo errors
    adjust(p_values, *, procedure, alpha=0.05) -> one Outcome each; PROCEDURES lists the rules

A running trial (`watching`, `watching_counts`, `watching_times`); every answer has sentence()
    two_stage_now(design, responded, *, prior=None) -> TwoStageNow   .standing .more .predictive ...
    one_stage_now(design, responded, *, prior=None) -> OneStageNow
    events_now(rule, happened, *, prior=None) -> EventsNow   .is_crossed .next_look .more ...
    log_rank_now(design, time, event) -> LogRankNow   .test .z .information .most_events ...
    events_ahead(design, now, Future(at_risk, ahead, ...), *, exposure) -> EventsAhead
"""

from __future__ import annotations

from onearm.design.arguments import NoDesign
from onearm.design.bop2 import Bop2, bop2
from onearm.design.bryant_day import Rates, ResponseToxicity, TiedErrors
from onearm.design.bryant_day_sizes import ResponseToxicitySearch, response_toxicity
from onearm.design.catalogue import DESIGNS, Design
from onearm.design.changed import (
    ChangedFirstStage,
    ChangedSecondStage,
    changed_first_stage,
    changed_second_stage,
)
from onearm.design.counting import Walk, walk
from onearm.design.exponential import (
    ExponentialDesign,
    exponential_design,
    exponential_design_at,
)
from onearm.design.forecast import (
    Assurance,
    EnrolmentForecast,
    ExpectedEvents,
    assurance,
    enrolment_forecast,
    expected_events,
    further_events,
)
from onearm.design.inference import TwoStageResult, after_two_stages
from onearm.design.landmark import (
    LandmarkDesign,
    LandmarkTest,
    landmark_design,
    landmark_design_at,
    landmark_test,
)
from onearm.design.mander_thompson import (
    EarlyActivity,
    EarlyActivitySearch,
    early_activity,
    early_activity_design,
)
from onearm.design.monitoring import (
    MonitoringRule,
    posterior_above_standard,
    posterior_monitoring,
)
from onearm.design.multiplicity import PROCEDURES, Outcome, Procedure, adjust
from onearm.design.oc import Plan, Scenario, Simulated, Tally, simulate
from onearm.design.onestage import (
    OneStage,
    OneStageSearch,
    detectable_rate,
    one_stage,
    one_stage_at,
    one_stage_design,
)
from onearm.design.predictive import (
    PredictiveDesign,
    predictive_design,
    predictive_probability,
)
from onearm.design.predictive_sizes import predictive_search
from onearm.design.simon import Admissible, SimonSearch, simon, simon_at
from onearm.design.timetoevent import (
    Accrual,
    LogRankDesign,
    SurvivalHypothesis,
    log_rank_design,
    log_rank_design_at,
)
from onearm.design.toxicity import (
    CrossingBoundaries,
    ToxicityRule,
    bayesian_toxicity,
    crossing_toxicity,
    pocock_toxicity,
)
from onearm.design.twostage import TwoStage, two_stage
from onearm.design.twostage_logrank import (
    TwoStageLogRank,
    TwoStageLogRankSearch,
    two_stage_log_rank,
    two_stage_log_rank_design,
)
from onearm.design.watching import Standing, TwoStageNow, two_stage_now
from onearm.design.watching_counts import (
    EventsNow,
    LookNow,
    OneStageNow,
    events_now,
    one_stage_now,
)
from onearm.design.watching_times import (
    Ahead,
    EventsAhead,
    Future,
    LogRankNow,
    events_ahead,
    log_rank_now,
)

__all__ = [
    "DESIGNS",
    "PROCEDURES",
    "Accrual",
    "Admissible",
    "Ahead",
    "Assurance",
    "Bop2",
    "ChangedFirstStage",
    "ChangedSecondStage",
    "CrossingBoundaries",
    "Design",
    "EarlyActivity",
    "EarlyActivitySearch",
    "EnrolmentForecast",
    "EventsAhead",
    "EventsNow",
    "ExpectedEvents",
    "ExponentialDesign",
    "Future",
    "LandmarkDesign",
    "LandmarkTest",
    "LogRankDesign",
    "LogRankNow",
    "LookNow",
    "MonitoringRule",
    "NoDesign",
    "OneStage",
    "OneStageNow",
    "OneStageSearch",
    "Outcome",
    "Plan",
    "PredictiveDesign",
    "Procedure",
    "Rates",
    "ResponseToxicity",
    "ResponseToxicitySearch",
    "Scenario",
    "SimonSearch",
    "Simulated",
    "Standing",
    "SurvivalHypothesis",
    "Tally",
    "TiedErrors",
    "ToxicityRule",
    "TwoStage",
    "TwoStageLogRank",
    "TwoStageLogRankSearch",
    "TwoStageNow",
    "TwoStageResult",
    "Walk",
    "adjust",
    "after_two_stages",
    "assurance",
    "bayesian_toxicity",
    "bop2",
    "changed_first_stage",
    "changed_second_stage",
    "crossing_toxicity",
    "detectable_rate",
    "early_activity",
    "early_activity_design",
    "enrolment_forecast",
    "events_ahead",
    "events_now",
    "expected_events",
    "exponential_design",
    "exponential_design_at",
    "further_events",
    "landmark_design",
    "landmark_design_at",
    "landmark_test",
    "log_rank_design",
    "log_rank_design_at",
    "log_rank_now",
    "one_stage",
    "one_stage_at",
    "one_stage_design",
    "one_stage_now",
    "pocock_toxicity",
    "posterior_above_standard",
    "posterior_monitoring",
    "predictive_design",
    "predictive_probability",
    "predictive_search",
    "response_toxicity",
    "simon",
    "simon_at",
    "simulate",
    "two_stage",
    "two_stage_log_rank",
    "two_stage_log_rank_design",
    "two_stage_now",
    "walk",
]
