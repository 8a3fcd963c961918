"""The study's own design, truth and way of looking, as the engine and the simulator take them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

from onearm.dates import MONTH_DAYS
from onearm.design import OneStage, Plan, TwoStage
from onearm.design.trial_truth import Looks, Truth, Weibull
from onearm.errors import OnearmError
from onearm.simulate.scans import planned_days
from onearm.simulate.twin import with_scans
from onearm.study import Study
from onearm.study.design import RateTest, SurvivalTest, TrialDesign
from onearm.study.designrules import rate_design, survival_design
from onearm.study.schedule import Assessments, Repeat, Schedule
from onearm.study.simulation import Scenario, Simulation
from onearm.study.text import Part

P = TypeVar("P", bound=Part)

NEEDS = ("response", "survival", "disease_control")
SIX_MONTHS = 6.0
CONFIRM_DAYS = 28


@dataclass(frozen=True, slots=True)
class Setting:
    """One scenario made ready for both ways. Times of the design are months of 30.4375 days."""

    scenario: Scenario
    plan: Plan
    truth: Truth
    looks: Looks
    landmark: float


@dataclass(frozen=True, slots=True)
class Tests:
    """The three tests of ``design.yaml`` that a whole trial is simulated with."""

    design: TrialDesign
    response: RateTest
    survival: SurvivalTest
    control: RateTest


def tests_of(study: Study) -> Tests:
    """The tests of the study's design; raises ``OnearmError`` that says which are missing."""
    design = study.design
    if design is not None and design.response and design.survival and design.disease_control:
        return Tests(design, design.response, design.survival, design.disease_control)
    absent = [key for key in NEEDS if design is None or getattr(design, key) is None]
    raise OnearmError(
        f"{study.name} has no trial to simulate: design.yaml gives no {', '.join(absent)}. "
        "Add it, with the analysis that it is read from."
    )


def plan_of(study: Study) -> Plan:
    """The tests of ``design.yaml``: response in two stages, survival, disease control.

    Raises ``OnearmError`` that says what the design lacks.
    """
    tests = tests_of(study)
    response, control = rate_design(tests.response), rate_design(tests.control)
    if not isinstance(response, TwoStage) or not isinstance(control, OneStage):
        raise OnearmError(
            f"{study.name}: whole trials are simulated with response in two stages and disease "
            "control in one; design.yaml has it otherwise (stage_1)"
        )
    survival = survival_design(tests.survival, tests.design)
    if survival is None:
        raise OnearmError(
            f"{study.name}: design.yaml gives no patients or no enrolment; the day of the analysis "
            "depends on both. Write patients: 50 and enrolment: {per_month: 2.5}."
        )
    return Plan(response, survival, control)


def setting_of(study: Study, scenario: Scenario) -> Setting:
    """A scenario with everything it leaves out taken from the design and from simulation.yaml.

    Raises ``OnearmError`` where the study has no design, schedule or simulation.
    """
    plan = plan_of(study)
    law, schedule, assessments = _parts(study)
    mark = tests_of(study).survival.landmark
    return Setting(
        scenario=scenario,
        plan=plan,
        truth=_truth(plan, law, scenario),
        looks=_looks(study, law, schedule, assessments, scenario),
        landmark=mark.months if mark else SIX_MONTHS,
    )


def _parts(study: Study) -> tuple[Simulation, Schedule, Assessments]:
    law, schedule = study.simulation, study.schedule
    assessments = schedule.tumour_assessments if schedule else None
    if law is None or schedule is None or assessments is None:
        raise OnearmError(
            f"{study.name} cannot be simulated: it needs simulation.yaml, and tumour_assessments "
            "in schedule.yaml"
        )
    return law, schedule, assessments


def _truth(plan: Plan, law: Simulation, scenario: Scenario) -> Truth:
    response = _or(scenario.response, plan.response.p1)
    return Truth(
        response=response,
        control=max(_or(scenario.control, plan.control.p1), response),
        free=Weibull(_or(scenario.pfs_months, _target_median(plan)), scenario.pfs_shape),
        after=Weibull(_or(scenario.after_months, law.course.survival.mean / MONTH_DAYS)),
        deaths=scenario.deaths,
        correlation=scenario.correlation,
    )


def _target_median(plan: Plan) -> float:
    """The median under the hazard ratio that the design wishes for."""
    null = plan.survival.hypothesis
    hazards = math.log(2) / (null.hazard_ratio * -math.log(null.survival))
    return null.time * float(hazards ** (1 / null.shape))


def _looks(
    study: Study,
    law: Simulation,
    schedule: Schedule,
    assessments: Assessments,
    scenario: Scenario,
) -> Looks:
    repeat = rhythm(schedule, assessments, scenario)
    # Longer than anybody can be followed: accrual as planned, twice over, and the follow-up.
    longest = 2 * plan_of(study).survival.study_time * MONTH_DAYS
    # A scan that cannot be read is as good as missed.
    unread = 1 - (1 - law.scans.missed) * (1 - law.scans.not_evaluable)
    every = scenario.scan_days or assessments.interval_days
    return Looks(
        scans=tuple(day / MONTH_DAYS for day in planned_days(repeat, round(longest))),
        missed=_or(scenario.missed, unread),
        reader_error=_or(scenario.reader_error, law.mess.reader_error),
        confirmation=scenario.confirmation is not False,
        confirm_after=_confirm_days(study) / MONTH_DAYS,
        gap=2 * (every + assessments.window_days) / MONTH_DAYS,
        dropout=_or(scenario.dropout, law.course.withdrawal + law.course.lost) / 12,
    )


def _confirm_days(study: Study) -> int:
    """The least interval between a response and its confirmation in endpoints.yaml."""
    tumours = study.endpoints.tumours if study.endpoints else None
    days = (tumours.parameters if tumours else {}).get("confirm_days", CONFIRM_DAYS)
    return int(str(days))


def _or(given: float | None, planned: float) -> float:
    return planned if given is None else given


def rhythm(schedule: Schedule, assessments: Assessments, scenario: Scenario) -> Repeat:
    """When tumours are scanned: as in the schedule, or so many days apart throughout."""
    repeat = schedule.visit(assessments.visit).repeat
    if repeat is None:
        raise OnearmError(f"schedule.yaml: the visit {assessments.visit} does not repeat")
    if scenario.scan_days is None:
        return repeat
    every = scenario.scan_days
    return repeat.model_copy(update={"first_day": every + 1, "every": every, "changes": ()})


def varied(study: Study, scenario: Scenario) -> Study:
    """The study with the schedule and the simulation that a scenario asks for.

    Everybody enrolled is dosed, so that the design has its patients, and they come at the rate of
    the design.
    """
    law, schedule, assessments = _parts(study)
    plan = plan_of(study)
    repeat = rhythm(schedule, assessments, scenario)
    months = plan.response.n / plan.survival.accrual.rate
    scans = _given(law.scans, missed=scenario.missed)
    tumour = _given(law.tumour, error=scenario.measurement_error)
    kinetics = _given(law.kinetics, sensitive=scenario.sensitive)
    growth = kinetics.growth.model_copy(
        update={"mean": kinetics.growth.mean * scenario.progression}
    )
    course = law.course
    if scenario.dropout is not None:
        # Half of those who leave say so, half are not heard of again.
        half = scenario.dropout / 2
        course = course.model_copy(update={"withdrawal": half, "lost": half})
    update = {
        "accrual_months": months,
        "screening": law.screening.model_copy(update={"never_dosed": 0.0}),
        "scans": scans,
        "tumour": tumour,
        "kinetics": kinetics.model_copy(update={"growth": growth}),
        "spread": law.spread.model_copy(
            update={
                "new_lesion": law.spread.new_lesion / scenario.progression,
                "nontarget": law.spread.nontarget / scenario.progression,
            }
        ),
        "course": course,
    }
    return replace(
        study,
        schedule=with_scans(schedule, repeat, window_days=assessments.window_days),
        simulation=law.model_copy(update=update),
    )


def _given(part: P, **values: float | None) -> P:
    return part.model_copy(update={k: v for k, v in values.items() if v is not None})
