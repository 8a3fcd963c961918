"""Whether each edit check does what its cases say, and which checks have none."""

from __future__ import annotations

from polars.exceptions import PolarsError

from onearm.errors import OnearmError
from onearm.study.cases import reads, tried
from onearm.study.conditions import scope, why_not_judged
from onearm.study.forms import Check, Form
from onearm.study.notebook import Notebook
from onearm.study.yamlfile import KeyPath

WANTED = ("fires", "passes")
"""A check is tried on both sides of its limit: once where it asks, once where it does not."""


def check_cases(notes: Notebook) -> None:
    """Write down every case that comes out otherwise, and where a form's checks lack cases.

    A check that cannot be judged is the business of `check_forms`; its cases are passed over.
    """
    for name, form in notes.study.forms.items():
        file = notes.study.form_files[name]
        bare = []
        for path, check in _checks(form):
            if not _can_be_judged(notes, form, check):
                continue
            _try(notes, form, file, path, check)
            if not set(WANTED) <= {case.outcome for case in check.cases}:
                bare.append((path, check))
        # A study without any cases has chosen so; one that tries some checks has forgotten others.
        if bare and any(check.cases for _, check in _checks(form)):
            path, first = bare[0]
            message = f"{len(bare)} checks lack a case that fires and one that passes"
            notes.note(file, (*path, "id"), first.id, message, "The first of them is here.")


def _try(notes: Notebook, form: Form, file: str, path: KeyPath, check: Check) -> None:
    for at, case in enumerate(check.cases):
        here = (*path, "cases", at)
        try:
            one = tried(notes.study, form, check, case)
        except (OnearmError, PolarsError) as problem:
            notes.error(file, here, None, f"case {at + 1} of {check.id}: {_first(problem)}")
            continue
        if not one.is_right:
            told = ", ".join(f"{name} {value}" for name, value in case.given.items())
            says = {"fires": "fires", "passes": "passes", "unknown": "cannot be judged"}
            message = f"{check.id} {says[one.outcome]} where its case says {case.outcome}"
            hint = "Correct the condition or the case."
            notes.error(file, here, told or "nothing entered", message, hint)


def _can_be_judged(notes: Notebook, form: Form, check: Check) -> bool:
    columns = scope(notes.study, form)
    try:
        known = set(reads(check)) <= set(columns)
    except OnearmError:
        return False
    texts = [text for text in (check.when, check.require) if text]
    return known and not any(why_not_judged(text, columns, condition=True) for text in texts)


def _checks(form: Form) -> list[tuple[KeyPath, Check]]:
    on_items: list[tuple[KeyPath, Check]] = [
        (("items", at, "checks", n), check)
        for at, item in enumerate(form.items)
        for n, check in enumerate(item.checks)
    ]
    return [*on_items, *((("checks", n), check) for n, check in enumerate(form.checks))]


def _first(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0]
