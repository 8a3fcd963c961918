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

Looks at a count (`counting`, `toxicity`, `monitoring`, `predictive`, `bop2`); None: never stops
    bayesian_toxicity(*, limit, prior, cutoff, looks) -> ToxicityRule   .stop_at .every_n
    pocock_toxicity(*, rate, cross, looks); crossing_toxicity(*, low, high, looks, ...)
    posterior_monitoring(*, p0 or standard, prior, looks, futility_below, efficacy_above, delta)
    predictive_search(*, p0, p1, prior, alpha, beta, ...), predictive_design(n, ...)
        -> PredictiveDesign; predictive_probability(x, n, *, n_max, p0, prior, theta_t)
    bop2(*, p0, p1, looks, alpha, lambdas, gammas) -> Bop2
    every rule has .operating(p) -> Walk, its exact behaviour at a true rate;
    walk(looks, low, high, p) -> Walk for any bounds

Time to an event, forecasts, several outcomes
    log_rank_design(hypothesis, accrual, *, alpha=0.05, beta=0.2, n_max=1000) -> LogRankDesign
    log_rank_design_at(n, hypothesis, accrual, *, alpha=0.05)
        hypothesis: SurvivalHypothesis(survival, time, hazard_ratio, shape=1)
        accrual: Accrual(rate, follow_up, is_restricted=False)
    two_stage_log_rank(hypothesis, accrual, *, alpha, beta, n_max) -> .optimal .minimax .n_single
    two_stage_log_rank_design(n, *, look, first, last, hypothesis, accrual) -> TwoStageLogRank
    assurance(design, *, prior), expected_events(...), further_events(...), enrolment_forecast(...)
    simulate(plan, scenario, *, rng, n_trials) -> Simulated   counts with Monte-Carlo errors
    adjust(p_values, *, procedure, alpha=0.05) -> one Outcome each; PROCEDURES lists the rules
"""

from __future__ import annotations

from onearm.design.arguments import NoDesign
from onearm.design.bop2 import Bop2, bop2
from onearm.design.bryant_day import (
    Rates,
    ResponseToxicity,
    ResponseToxicitySearch,
    response_toxicity,
)
from onearm.design.catalogue import DESIGNS, Design
from onearm.design.changed import (
    ChangedFirstStage,
    ChangedSecondStage,
    changed_first_stage,
    changed_second_stage,
)
from onearm.design.counting import Walk, walk
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
from onearm.design.mander_thompson import (
    EarlyActivity,
    EarlyActivitySearch,
    early_activity,
    early_activity_design,
)
from onearm.design.monitoring import MonitoringRule, posterior_monitoring
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
    predictive_search,
)
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

__all__ = [
    "DESIGNS",
    "PROCEDURES",
    "Accrual",
    "Admissible",
    "Assurance",
    "Bop2",
    "ChangedFirstStage",
    "ChangedSecondStage",
    "CrossingBoundaries",
    "Design",
    "EarlyActivity",
    "EarlyActivitySearch",
    "EnrolmentForecast",
    "ExpectedEvents",
    "LogRankDesign",
    "MonitoringRule",
    "NoDesign",
    "OneStage",
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
    "SurvivalHypothesis",
    "Tally",
    "ToxicityRule",
    "TwoStage",
    "TwoStageLogRank",
    "TwoStageLogRankSearch",
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
    "expected_events",
    "further_events",
    "log_rank_design",
    "log_rank_design_at",
    "one_stage",
    "one_stage_at",
    "one_stage_design",
    "pocock_toxicity",
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
    "walk",
]
