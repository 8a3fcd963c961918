"""Whether study.yaml holds together: arms, treatments, doses, outcomes, cohorts, ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from onearm.errors import OnearmError
from onearm.expr import suggest
from onearm.study.conditions import columns_read, dtype, why_not_judged
from onearm.study.identity import Treatment
from onearm.study.notebook import Notebook
from onearm.study.yamlfile import KeyPath

FILE = "study.yaml"


def check_identity(notes: Notebook) -> None:
    """Write down what is wrong with study.yaml."""
    identity = notes.study.identity
    _unique(notes, "outcomes", "id", [o.id for o in identity.outcomes])
    _unique(notes, "assumptions", "id", [a.id for a in identity.assumptions])
    _unique(notes, "arms", "code", [a.code for a in identity.arms])
    _unique(notes, "treatments", "name", [t.name for t in identity.treatments])
    _unique(notes, "sites", "id", [s.id for s in identity.sites])
    criteria = [c.id for c in identity.eligibility.criteria]
    _unique(notes, "criteria", "id", criteria, above=("eligibility",))
    if identity.cohort:
        codes = [v.code for v in identity.cohort.levels]
        _unique(notes, "levels", "code", codes, above=("cohort",))
        _cohort_captured(notes, identity.cohort.variable)
    _arms(notes)
    for at, treatment in enumerate(identity.treatments):
        _doses(notes, treatment, ("treatments", at))
    _outcomes(notes)
    record = identity.registry.record if identity.registry else ""
    if record and not (notes.study.folder / record).is_file():
        message = f"the registry record {record} is not in the folder"
        notes.error(FILE, ("registry", "record"), record, message, "Copy the record there.")


def _unique(
    notes: Notebook, key: str, name: str, values: Iterable[str], above: KeyPath = ()
) -> None:
    found = list(values)
    for value, times in Counter(found).items():
        if times > 1:
            last = len(found) - 1 - found[::-1].index(value)
            message = f"{value} stands {times} times in {key}"
            path = (*above, key, last, name)
            notes.error(FILE, path, value, message, "Each is used once.")


def _cohort_captured(notes: Notebook, variable: str) -> None:
    forms = notes.study.forms
    items = {i.name for form in forms.values() for i in form.items}
    if forms and variable not in items:
        message = f"no form has an item {variable}, which splits the patients into cohorts"
        path = ("cohort", "variable") if variable != "COHORT" else ("cohort",)
        notes.error(FILE, path, variable, message, suggest(variable, items))


def _arms(notes: Notebook) -> None:
    identity = notes.study.identity
    known = [t.name for t in identity.treatments]
    given = {name for arm in identity.arms for name in arm.treatments}
    for at, arm in enumerate(identity.arms):
        for n, name in enumerate(arm.treatments):
            if name not in known:
                message = f"the arm {arm.code} gives {name}, which treatments does not list"
                path = ("arms", at, "treatments", n)
                notes.error(FILE, path, name, message, suggest(name, known))
    for at, name in enumerate(known):
        if identity.arms and name not in given:
            message = f"no arm gives the treatment {name}"
            notes.warning(FILE, ("treatments", at, "name"), name, message)


def _doses(notes: Notebook, treatment: Treatment, here: KeyPath) -> None:
    for at, dose in enumerate(treatment.doses):
        path = (*here, "doses", at)
        if dose.when:
            _dose_condition(notes, dose.when, (*path, "when"))
        elif len(treatment.doses) > 1:
            message = f"one of several doses of {treatment.name} has no condition"
            notes.error(FILE, (*path, "amount"), dose.amount, message, "Add `when:`.")
        before = (dose.amount, treatment.frequency)
        for n, step in enumerate(dose.reductions):
            now = (step.amount, step.frequency or treatment.frequency)
            if now[0] > before[0] or now == before:
                message = f"a step down of {treatment.name} is not below the one before"
                hint = "Write a lower amount, or a longer interval as `frequency`."
                notes.error(FILE, (*path, "reductions", n), step.amount, message, hint)
            before = now


def _dose_condition(notes: Notebook, text: str, path: KeyPath) -> None:
    items = {i.name: dtype(i) for form in notes.study.forms.values() for i in form.items}
    try:
        unknown = [name for name in columns_read(text) if name not in items]
    except OnearmError as problem:
        notes.error(FILE, path, text, str(problem))
        return
    if not items:
        return
    for name in unknown:
        message = f"'{text}' reads {name}, which no form has"
        notes.error(FILE, path, name, message, suggest(name, items))
    if not unknown and (reason := why_not_judged(text, items, condition=True)):
        notes.error(FILE, path, text, f"'{text}' cannot be judged: {reason}")


def _outcomes(notes: Notebook) -> None:
    study = notes.study
    if study.analyses is None:
        return
    known = [a.id for a in study.analyses.analyses]
    ids = [o.id for o in study.outcomes]
    answered = {a.outcome for a in study.analyses.analyses if a.outcome}
    for at, outcome in enumerate(study.outcomes):
        for n, name in enumerate(outcome.analyses):
            if name not in known:
                message = f"the outcome {outcome.id} names the analysis {name}, which is not there"
                path = ("outcomes", at, "analyses", n)
                notes.error(FILE, path, name, message, suggest(name, known))
        if not outcome.analyses and outcome.id not in answered:
            message = f"no analysis answers the outcome {outcome.id}"
            hint = "Name it as `outcome` of an analysis, or list analyses here."
            notes.warning(FILE, ("outcomes", at, "id"), outcome.id, message, hint)
    for at, analysis in enumerate(study.analyses.analyses):
        if analysis.outcome and analysis.outcome not in ids:
            message = f"the analysis {analysis.id} answers {analysis.outcome}, no outcome of ours"
            here = ("analyses", at, "outcome")
            hint = suggest(analysis.outcome, ids)
            notes.error("analyses.yaml", here, analysis.outcome, message, hint)
