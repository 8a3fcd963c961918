"""The list of designs, from which the documentation and the common tests are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onearm.design import (
    exponential,
    inference,
    landmark,
    mander_thompson,
    monitoring,
    onestage,
    predictive,
    twostage,
    twostage_logrank,
)
from onearm.design.bop2 import SOURCE as BOP2_SOURCE
from onearm.design.bop2 import bop2
from onearm.design.bryant_day import SOURCE as BRYANT_DAY_SOURCE
from onearm.design.bryant_day_sizes import response_toxicity
from onearm.design.changed import changed_first_stage, changed_second_stage
from onearm.design.predictive_sizes import predictive_search
from onearm.design.simon import simon, simon_at
from onearm.design.timetoevent import SOURCE as LOG_RANK_SOURCE
from onearm.design.timetoevent import log_rank_design
from onearm.design.toxicity import bayesian_toxicity, crossing_toxicity, pocock_toxicity


@dataclass(frozen=True, slots=True)
class Design:
    """One kind of design or of its analysis: a line of `DESIGNS`.

    ``function`` makes it; what comes back has ``sentence()``. ``is_exact`` says whether its
    errors are exact or a normal approximation.
    """

    name: str
    title: str
    function: Callable[..., object]
    source: str
    is_exact: bool = True


DESIGNS = {
    design.name: design
    for design in (
        Design("one-stage", "Exact single stage", onestage.one_stage, onestage.SOURCE),
        Design("simon", "Two stages with futility", simon, twostage.SOURCE),
        Design(
            "simon-at",
            "Two stages, the number of patients given",
            simon_at,
            twostage.SOURCE,
        ),
        Design(
            "after-two-stages",
            "Estimate, p-value and limits after two stages",
            inference.after_two_stages,
            inference.SOURCE,
        ),
        Design(
            "changed-first-stage",
            "First stage of another size",
            changed_first_stage,
            "Lan and DeMets, Biometrika 70:659-663 (1983)",
        ),
        Design(
            "changed-second-stage",
            "Second stage of another size",
            changed_second_stage,
            "Koyama and Chen, Statistics in Medicine 27:3145-3154 (2008)",
        ),
        Design(
            "early-activity",
            "Two stages with futility and early activity",
            mander_thompson.early_activity,
            mander_thompson.SOURCE,
        ),
        Design(
            "response-toxicity",
            "Two stages, response and toxicity",
            response_toxicity,
            BRYANT_DAY_SOURCE,
        ),
        Design(
            "predictive",
            "Predictive probability",
            predictive_search,
            predictive.SOURCE,
        ),
        Design("bop2", "BOP2, one binary endpoint", bop2, BOP2_SOURCE),
        Design(
            "posterior",
            "Posterior monitoring of a rate",
            monitoring.posterior_monitoring,
            monitoring.SOURCE,
        ),
        Design(
            "toxicity-bayesian",
            "Bayesian toxicity boundary",
            bayesian_toxicity,
            "Thall and Simon, Biometrics 50:337-349 (1994)",
        ),
        Design(
            "toxicity-pocock",
            "Pocock-type toxicity boundary",
            pocock_toxicity,
            "Ivanova, Qaqish and Schell, Biometrics 61:540-545 (2005)",
        ),
        Design(
            "toxicity-crossing",
            "Toxicity boundaries by crossing probability",
            crossing_toxicity,
            "Wang and Tsiatis, Biometrics 43:193-199 (1987)",
        ),
        Design(
            "log-rank",
            "One-sample log-rank, one stage",
            log_rank_design,
            LOG_RANK_SOURCE,
            is_exact=False,
        ),
        Design(
            "log-rank-two-stage",
            "One-sample log-rank, two stages",
            twostage_logrank.two_stage_log_rank,
            twostage_logrank.SOURCE,
            is_exact=False,
        ),
        Design(
            "landmark",
            "Survival at one time",
            landmark.landmark_design,
            landmark.SOURCE,
            is_exact=False,
        ),
        Design(
            "exponential",
            "Exponential median, fixed number of events",
            exponential.exponential_design,
            exponential.SOURCE,
        ),
    )
}
