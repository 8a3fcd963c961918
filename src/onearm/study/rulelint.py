"""Does every analysis that carries out a rule of the design find that rule in design.yaml?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from onearm.expr import suggest
from onearm.study.analyses import RULE_KINDS, Analyses, Analysis
from onearm.study.design import TrialDesign
from onearm.study.hypotheses import RateTest, SurvivalTest
from onearm.study.notebook import Notebook


@dataclass(frozen=True, slots=True)
class Uncarried:
    """An analysis that cannot carry out the rule it names: why, and what to do."""

    analysis: Analysis
    message: str
    hint: str


def check_rules(notes: Notebook) -> None:
    """One error for each analysis that a build would refuse because of its rule."""
    plan = notes.study.analyses
    if plan is None:
        return
    position = {analysis.id: at for at, analysis in enumerate(plan.analyses)}
    for one in uncarried(plan, notes.study.design):
        path = ("analyses", position[one.analysis.id], "rule" if one.analysis.rule else "kind")
        value = one.analysis.rule or one.analysis.kind
        notes.error("analyses.yaml", path, value, one.message, one.hint)


def uncarried(plan: Analyses, design: TrialDesign | None) -> Iterator[Uncarried]:
    """Analyses whose rule the design does not have, or not as the analysis needs it.

    design: None where the study has no design.yaml, which is right for a plan that reads none.
    """
    for analysis in plan.analyses:
        if analysis.kind in RULE_KINDS:
            yield from _wrong(plan, design, analysis)


def _wrong(plan: Analyses, design: TrialDesign | None, analysis: Analysis) -> Iterator[Uncarried]:
    if design is None:
        message = f"{analysis.id} is of the kind {analysis.kind}, and the study has no design"
        yield Uncarried(analysis, message, "Write design.yaml, or leave the analysis out.")
        return
    known, test = _known(design, analysis.kind), design.tests.get(analysis.rule)
    if known is not None and analysis.rule not in known:
        message = (
            f"{analysis.id} carries out the rule '{analysis.rule}', which design.yaml does not "
            f"have for the kind {analysis.kind}"
        )
        listed = f"It has: {', '.join(known) or 'none'}."
        yield Uncarried(analysis, message, suggest(analysis.rule, known) or listed)
    elif isinstance(test, SurvivalTest) and None in (design.patients, design.enrolment):
        message = f"the rule '{analysis.rule}' needs the planned patients and their enrolment"
        yield Uncarried(analysis, message, "Write patients and enrolment in design.yaml.")
    elif test is not None:
        yield from _about_another(plan, analysis, test.analysis)


def _about_another(plan: Analyses, analysis: Analysis, named: str) -> Iterator[Uncarried]:
    """A rule is about the numbers of another analysis, which is there and has the same set."""
    sets = {one.id: one.set for one in plan.analyses}
    if named not in sets:
        message = f"the rule '{analysis.rule}' is about the analysis '{named}', which is not there"
        yield Uncarried(analysis, message, suggest(named, sets))
    elif sets[named] != analysis.set:
        message = (
            f"{analysis.id} has the set {analysis.set}, and {named}, which it is about, has "
            f"{sets[named]}"
        )
        yield Uncarried(analysis, message, f"Write set: {sets[named]}.")


def _known(design: TrialDesign, kind: str) -> list[str] | None:
    """The rules that a kind can carry out; None where it names none."""
    if kind == "boundary":
        return [rule.id for rule in design.safety]
    if kind == "one_sample_log_rank":
        return [k for k, test in design.tests.items() if isinstance(test, SurvivalTest)]
    if kind in ("two_stage", "one_stage"):
        rates = {k: test for k, test in design.tests.items() if isinstance(test, RateTest)}
        return [k for k, t in rates.items() if (t.stage_1 is not None) == (kind == "two_stage")]
    return None
