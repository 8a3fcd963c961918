"""The rules of a study's design as the engines compute them, and where an analysis names one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from onearm.design import (
    Accrual,
    LogRankDesign,
    OneStage,
    SurvivalHypothesis,
    ToxicityRule,
    TwoStage,
    bayesian_toxicity,
    changed_first_stage,
    log_rank_design_at,
    one_stage_design,
    pocock_toxicity,
    two_stage,
)
from onearm.errors import Finding, Place, Problems
from onearm.frames import Frames
from onearm.results.roll import unread
from onearm.study.analyses import Analyses, Analysis
from onearm.study.design import Interim, RateTest, SafetyRule, Sign, SurvivalTest, TrialDesign
from onearm.study.rulelint import uncarried


@dataclass(frozen=True, slots=True)
class Planned:
    """What the design says, with the plan of analyses and the data that its rules read.

    ``earlier``: the numbers of the analyses before this one, for the rule over several outcomes.
    """

    design: TrialDesign
    plan: Analyses
    datasets: Frames
    earlier: pl.DataFrame

    def rate_test(self, rule: str) -> RateTest:
        """The test of a rate of that name; what `check_rules` lets through has one."""
        test = self.design.tests[rule]
        if not isinstance(test, RateTest):
            raise TypeError(f"{rule} tests no rate")
        return test

    @property
    def survival_test(self) -> SurvivalTest:
        """The test of a time to an event; what `check_rules` lets through has one."""
        if self.design.survival is None:
            raise TypeError("the design tests no time to an event")
        return self.design.survival

    def safety_rule(self, rule: str) -> SafetyRule:
        """The boundary of that id."""
        return {one.id: one for one in self.design.safety}[rule]

    def cannot_judge(self, analysis: Analysis) -> bool:
        """Whether the data lack what the conditions of the analysis's rule read."""
        return analysis.rule in unread_rules(self)

    @property
    def patients(self) -> int | None:
        """How many patients were planned in all; None where the design does not say."""
        test = self.design.response or self.design.disease_control
        return self.design.patients or (test.final.patients if test else None)


def planned_for(
    plan: Analyses, design: TrialDesign, datasets: Frames, earlier: Sequence[pl.DataFrame]
) -> Planned:
    """The design with what its rules read, and the numbers made so far."""
    return Planned(design, plan, datasets, pl.concat(earlier))


def unread_rules(planned: Planned) -> dict[str, tuple[str, ...]]:
    """By rule, what its conditions read and the data do not have."""
    design, found = planned.design, {}
    for rule, test in design.tests.items():
        about = planned.plan.analysis(test.analysis)
        signs = list(design.interim.evaluable) if design.interim and rule != "survival" else []
        lacking = unread(planned.datasets, signs)
        if about.dataset not in planned.datasets:
            lacking.append(about.dataset)
        if lacking:
            found[rule] = tuple(lacking)
    for boundary in design.safety:
        signs = list(boundary.event)
        if boundary.observed:
            signs.append(Sign.model_validate({"in": "ADSL", "when": boundary.observed}))
        if lacking := unread(planned.datasets, signs):
            found[boundary.id] = tuple(lacking)
    return found


def two_stage_of(test: RateTest, interim: Interim | None = None) -> TwoStage:
    """The two-stage design that holds: the planned one, or what a changed look made of it.

    With another number evaluated at the interim, the planned cuts at that size (``keep_cuts``) or
    new ones that keep alpha (``new_cuts``); with ``first_patients`` nothing changes. Raises
    `Problems` where no new cut keeps alpha.
    """
    if test.stage_1 is None:
        raise TypeError(f"{test.outcome} has one stage")
    design = two_stage(
        r1=test.stage_1.stop_if_at_most,
        n1=test.stage_1.patients,
        r=test.r,
        n=test.final.patients,
        p0=test.null_rate,
        p1=test.target_rate,
    )
    if interim is None or interim.evaluated in (None, design.n1):
        return design
    if interim.overrun == "first_patients":
        return design
    changed = changed_first_stage(design, n1=interim.evaluated, alpha=test.alpha)
    if interim.overrun == "keep_cuts":
        return changed.kept
    if changed.adjusted is None:
        message = f"no cut keeps alpha {test.alpha:g} after an interim with {interim.evaluated}"
        place = Place(field="interim.evaluated", file="design.yaml")
        hint = "Keep the first planned patients, or the planned cuts."
        raise Problems([Finding(place, interim.evaluated, "design", message, hint)])
    return changed.adjusted


def one_stage_of(test: RateTest) -> OneStage:
    """The one-stage test of a rate."""
    return one_stage_design(test.final.patients, test.r, p0=test.null_rate, p1=test.target_rate)


def hypothesis_of(test: SurvivalTest) -> SurvivalHypothesis:
    """Null and target of the test of a time, in months."""
    survival, months = test.null_point
    return SurvivalHypothesis(survival, months, test.target_ratio, test.shape)


def log_rank_of(planned: Planned) -> LogRankDesign | None:
    """The one-sample log-rank test with the planned patients and enrolment; None without them."""
    design, test = planned.design, planned.survival_test
    if planned.patients is None or design.enrolment is None:
        return None
    accrual = Accrual(design.enrolment.per_month, test.follow_up_months, test.is_restricted)
    return log_rank_design_at(planned.patients, hypothesis_of(test), accrual, alpha=test.alpha)


def boundary_of(rule: SafetyRule) -> ToxicityRule:
    """The boundary of a safety rule, by its method."""
    if rule.prior is not None and rule.certainty is not None:
        return bayesian_toxicity(
            limit=rule.limit, prior=rule.prior.pair, cutoff=rule.certainty, looks=rule.looks
        )
    return pocock_toxicity(rate=rule.limit, cross=rule.cross or 0.0, looks=rule.looks)


def check_rules(plan: Analyses, design: TrialDesign | None) -> None:
    """Raise `Problems` for analyses that carry out a rule which design.yaml does not have."""
    found = [
        Finding(
            Place(field=one.analysis.id, file="analyses.yaml"),
            one.analysis.rule,
            "design.yaml",
            one.message,
            one.hint,
        )
        for one in uncarried(plan, design)
    ]
    if found:
        raise Problems(found, "Some analyses carry out rules that the design does not have.")
