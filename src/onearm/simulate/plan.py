"""Names in ``simulation.yaml`` against the forms, visits and codelists of the study."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from onearm.errors import Finding, OnearmError, Problems
from onearm.expr import suggest
from onearm.study import Study
from onearm.study.forms import Item
from onearm.study.simulation import Simulation

FILE = "simulation.yaml"
Path = tuple[str | int, ...]


def plan_of(study: Study) -> Simulation:
    """The study's simulation, when everything it names is there.

    Raises OnearmError where the study lacks a part that a simulation needs, and ``Problems`` with
    every name that the study does not have.
    """
    if study.simulation is None or study.schedule is None or not study.forms:
        raise OnearmError(
            f"{study.name} cannot be simulated: it needs {FILE}, schedule.yaml and forms"
        )
    assessments = study.schedule.tumour_assessments
    if assessments is None or study.schedule.visit(assessments.visit).repeat is None:
        raise OnearmError(
            f"{study.name} cannot be simulated: schedule.yaml names no repeating tumour assessment"
        )
    if findings := check(study):
        raise Problems(findings, f"{study.name} cannot be simulated:")
    return study.simulation


def check(study: Study) -> list[Finding]:
    """Names in ``simulation.yaml`` that the study does not have, each with file and line."""
    plan = study.simulation
    if plan is None or study.schedule is None:
        return []
    found = [
        *_visits(study, plan),
        *_answers(study, plan),
        *_histories(study, plan),
        *_codes(study, plan),
        *_doses(study),
    ]
    treatments = [t.name for t in study.treatments]
    for name in plan.drugs:
        found += _unknown(study, ("drugs", name), name, treatments, "treatment of study.yaml")
    return found


def _doses(study: Study) -> Iterable[Finding]:
    """Drugs that nobody can be given: without a dose, or without an interval between doses."""
    for at, drug in enumerate(study.treatments):
        if not drug.doses or drug.every_days is None:
            place = study.place("study.yaml", ("treatments", at))
            message = f"the dose or the interval of {drug.name} is not given"
            hint = "Write unit, route, frequency, every_days and doses: [{amount: ...}]."
            yield Finding(place, drug.name, FILE, message, hint)


def _unknown(
    study: Study, path: Path, value: str, known: Collection[str], what: str
) -> list[Finding]:
    if value in known:
        return []
    hint = suggest(value, known) or "Write a name that the study has."
    return [Finding(study.place(FILE, path), value, FILE, f"there is no {what} of this name", hint)]


def _visits(study: Study, plan: Simulation) -> Iterable[Finding]:
    assert study.schedule is not None  # noqa: S101 - check saw to it
    visits = [visit.id for visit in study.schedule.visits]
    for role, value in plan.places:
        for name in value if isinstance(value, dict) else [value]:
            if name:
                yield from _unknown(study, ("places", role), name, visits, "visit")


def _item(study: Study, path: Path, form: str, item: str) -> list[Finding]:
    if wrong := _unknown(study, path, form, list(study.forms), "form"):
        return wrong
    names = [i.name for i in study.forms[form].items]
    return _unknown(study, path, item, names, f"item on the form {form}")


def _answers(study: Study, plan: Simulation) -> Iterable[Finding]:
    cohorts = [kind.code for kind in plan.cohorts]
    for place, answer in plan.answers.items():
        path: Path = ("answers", place)
        form, _, item = place.partition(".")
        if wrong := _item(study, path, form, item):
            yield from wrong
            continue
        for weights in (answer.values, *answer.by_cohort.values()):
            yield from _listed(study, path, study.forms[form].item(item), weights)
        for code in answer.by_cohort:
            yield from _unknown(study, path, code, cohorts, "cohort")


def _listed(study: Study, path: Path, item: Item, codes: Iterable[str]) -> Iterable[Finding]:
    choices = [choice.code for choice in study.choices(item)]
    for code in codes:
        if choices:
            yield from _unknown(study, path, code, choices, f"answer of {item.name}")


def _histories(study: Study, plan: Simulation) -> Iterable[Finding]:
    for number, law in enumerate(plan.history):
        path: Path = ("history", number)
        for item in filter(None, (law.start, law.end, law.ongoing, law.number)):
            yield from _item(study, path, law.form, item)
        for choice in law.choices:
            for item, code in choice.values.items():
                if wrong := _item(study, path, law.form, item):
                    yield from wrong
                else:
                    yield from _listed(study, path, study.forms[law.form].item(item), [code])


def _codes(study: Study, plan: Simulation) -> Iterable[Finding]:
    """Cohorts, locations, methods and terms against the codelists of the items they go to."""
    cohorts = [level.code for level in study.cohorts]
    for number, kind in enumerate(plan.cohorts):
        if cohorts:  # a study without cohorts has one kind of patients, whatever its name
            what = "cohort of study.yaml"
            yield from _unknown(study, ("cohorts", number), kind.code, cohorts, what)
        for organ in (*kind.organs, *filter(None, [kind.always])):
            yield from _unknown(study, ("cohorts", number), organ, plan.tumour.organs, "organ")
    for name, organ_law in plan.tumour.organs.items():
        for item in _items_for(study, "TU", "TULOC"):
            yield from _listed(study, ("tumour", "organs", name), item, organ_law.locations)
    for item in _items_for(study, "TU", "TUMETHOD"):
        yield from _listed(study, ("tumour", "methods"), item, plan.tumour.methods)
    for item in _items_for(study, "AE", "AEDECOD"):
        for number, term in enumerate(plan.events.terms):
            yield from _listed(study, ("events", "terms", number), item, [term.code])


def _items_for(study: Study, domain: str, variable: str) -> Iterable[Item]:
    for form in study.forms.values():
        for item in form.items:
            if any((t.domain, t.variable) == (domain, variable) for t in item.to):
                yield item
