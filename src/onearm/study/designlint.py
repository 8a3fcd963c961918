"""Is design.yaml at one with the other files, with itself, and with the rules it names?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from onearm.expr import suggest
from onearm.study.design import Interim, SafetyRule, TrialDesign
from onearm.study.designnumbers import check_numbers
from onearm.study.endpoints import Endpoints
from onearm.study.hypotheses import RateTest, SurvivalTest
from onearm.study.notebook import Notebook
from onearm.study.yamlfile import KeyPath

FILE = "design.yaml"


def check_design(notes: Notebook) -> None:
    """One error for each thing that is not there, each contradiction, and each wrong number.

    The columns of the conditions are checked with those of the other files.
    """
    design = notes.study.design
    if design is None:
        return
    for key, test in design.tests.items():
        _check_outcome(notes, (key, "outcome"), test.outcome)
        _check_analysis(notes, key, test)
        if isinstance(test, RateTest):
            _check_size(notes, (key, "final", "patients"), test.final.patients, design)
    _check_planned(notes, design)
    _check_multiplicity(notes, design)
    _check_interim(notes, design)
    _check_safety(notes, design)
    check_numbers(notes, design)


def _check_outcome(notes: Notebook, path: KeyPath, name: str) -> None:
    known = [outcome.id for outcome in notes.study.outcomes]
    if name not in known:
        _unknown(notes, path, name, "outcome", known, "study.yaml")


def _check_analysis(notes: Notebook, key: str, test: RateTest | SurvivalTest) -> None:
    path: KeyPath = (key, "analysis")
    plan = notes.study.analyses
    known = {a.id: a for a in plan.analyses} if plan else {}
    found = known.get(test.analysis)
    if found is None:
        _unknown(notes, path, test.analysis, "analysis", known, "analyses.yaml")
        return
    kind = "proportion" if isinstance(test, RateTest) else "survival"
    if found.kind != kind:
        hint = f"Name an analysis of the kind {kind}."
        message = f"{key} needs an analysis of the kind {kind}; this one is of the kind"
        notes.error(FILE, path, test.analysis, f"{message} {found.kind}", hint)
    if found.outcome and found.outcome != test.outcome:
        message = f"{key} tests {test.outcome}, and this analysis answers {found.outcome}"
        notes.error(FILE, path, test.analysis, message, "Name the analysis of the same outcome.")
    parameters = _parameters(notes.study.endpoints, found.dataset)
    if found.parameter and parameters and found.parameter not in parameters:
        message = f"the analysis reads the parameter {found.parameter}, which endpoints.yaml does"
        hint = suggest(found.parameter, parameters)
        notes.error(FILE, path, test.analysis, f"{message} not make for {found.dataset}", hint)
    if isinstance(test, RateTest) and found.null_rate not in (None, test.null_rate):
        message = (
            f"{key} has the null rate {test.null_rate:g}, and the analysis {found.null_rate:g}"
        )
        notes.error(FILE, (key, "null_rate"), test.null_rate, message, "Write one of the two.")


def _parameters(rules: Endpoints | None, dataset: str) -> set[str]:
    """The parameter codes that endpoints.yaml makes for a dataset; empty where that is not told."""
    if rules is None:
        return set()
    if dataset == "ADTTE":
        return {endpoint.endpoint for endpoint in rules.endpoints}
    if dataset == "ADEVENT":
        return {fact.param for fact in rules.facts}
    return set(_response_parameters(rules)) if dataset == "ADRS" else set()


def _response_parameters(rules: Endpoints) -> Iterator[str]:
    for block in rules.responses:
        yield block.computed
        yield from (part.param for part in block.components)
        yield from (answer.param for answer in block.answers)
        if block.entered is not None:
            yield block.entered.param


def _check_size(notes: Notebook, path: KeyPath, size: int, design: TrialDesign) -> None:
    if design.patients is not None and size != design.patients:
        message = f"the cut is for {size} patients, and the trial has {design.patients}"
        notes.error(FILE, path, size, message, "Write the cut for the patients that are planned.")


def _check_planned(notes: Notebook, design: TrialDesign) -> None:
    planned = notes.study.identity.enrolment.planned
    if None not in (planned, design.patients) and planned != design.patients:
        message = f"design.yaml plans {design.patients} patients, and study.yaml {planned}"
        notes.error(FILE, ("patients",), design.patients, message, "Write the same number in both.")


def _check_multiplicity(notes: Notebook, design: TrialDesign) -> None:
    tested = {test.outcome: key for key, test in design.tests.items()}
    rule = design.multiplicity
    if rule is None:
        if len(tested) > 1:
            message = f"{len(tested)} outcomes are tested, and no rule says what may be claimed"
            hint = "Add multiplicity: with a method and the order of the outcomes."
            notes.error(FILE, (), None, message, hint)
        return
    for at, name in enumerate(rule.order):
        if name not in tested:
            path = ("multiplicity", "order", at)
            _unknown(notes, path, name, "tested outcome", tested, FILE)
    for name, times in Counter(rule.order).items():
        if times > 1:
            message = f"{name} stands {times} times in the order of testing"
            notes.error(FILE, ("multiplicity", "order"), name, message, "Name each outcome once.")
    left_out = [name for name in tested if name not in rule.order]
    if rule.method != "descriptive" and left_out:
        message = f"{', '.join(left_out)} is tested and has no place in the order"
        notes.error(FILE, ("multiplicity", "order"), None, message, "Name every outcome once.")
    for name, key in tested.items():
        alpha = design.tests[key].alpha
        if rule.method != "descriptive" and alpha > rule.alpha:
            message = f"{name} is tested at {alpha:g}, above the family's {rule.alpha:g}"
            notes.error(FILE, (key, "alpha"), alpha, message, "No test may take more than all.")


def _check_interim(notes: Notebook, design: TrialDesign) -> None:
    stage = design.response.stage_1 if design.response else None
    if design.interim is None:
        if stage is not None:
            hint = "Add interim: with the set and what makes a subject evaluable."
            message = "the first stage has no interim look: nothing says who is evaluable"
            notes.error(FILE, ("response", "stage_1"), None, message, hint)
        return
    if stage is None:
        message = "there is an interim look, and response has no stage_1 to decide it by"
        notes.error(FILE, ("interim",), None, message, "Add stage_1, or leave the look out.")
    _check_set(notes, ("interim",), design.interim)
    evaluated, response = design.interim.evaluated, design.response
    if evaluated is not None and response and evaluated >= response.final.patients:
        message = f"{evaluated} patients at the look, and {response.final.patients} in all"
        hint = "The look is held before the last patient is evaluated."
        notes.error(FILE, ("interim", "evaluated"), evaluated, message, hint)


def _check_safety(notes: Notebook, design: TrialDesign) -> None:
    for name, times in Counter(rule.id for rule in design.safety).items():
        if times > 1:
            message = f"the safety rule {name} stands {times} times"
            notes.error(FILE, ("safety",), name, message, "Give each rule an id of its own.")
    for at, rule in enumerate(design.safety):
        _check_set(notes, ("safety", at), rule)
        last = rule.looks[-1]
        if design.patients is not None and last > design.patients:
            path = ("safety", at, "stop_at", str(last))
            message = f"a look at {last} patients, and the trial has {design.patients}"
            notes.error(FILE, path, last, message, "End with the last planned patient.")


def _check_set(notes: Notebook, path: KeyPath, part: Interim | SafetyRule) -> None:
    plan = notes.study.analyses
    known = plan.sets if plan else {}
    if part.set not in known:
        _unknown(notes, (*path, "set"), part.set, "analysis set", known, "analyses.yaml")


def _unknown(
    notes: Notebook, path: KeyPath, name: str, what: str, known: Collection[str], file: str
) -> None:
    message = f"names the {what} {name}, which {file} does not have"
    listed = f"It has {', '.join(known)}." if known else f"{file} has none."
    notes.error(FILE, path, name, message, suggest(name, known) or listed)
