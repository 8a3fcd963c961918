"""Cases of edit checks tried: what a check makes of the values that the study names for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from onearm.errors import OnearmError
from onearm.expr import parse, suggest
from onearm.study.conditions import columns_read, known_values, scope
from onearm.study.forms import Case, Check, Form
from onearm.study.itemtypes import typed_value
from onearm.study.model import Study


class BadCase(OnearmError):
    """A case names what its check does not read, or a value that can never stand there."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A case with what the check made of it: ``fires``, ``passes`` or ``unknown``."""

    case: Case
    outcome: str

    @property
    def is_right(self) -> bool:
        """Whether it came out as the study says."""
        return self.outcome == self.case.outcome


def checks_of(form: Form) -> Iterator[Check]:
    """Every edit check of a form: those of its items, then its own."""
    for item in form.items:
        yield from item.checks
    yield from form.checks


def breaks(check: Check) -> pl.Expr:
    """True where a check asks, false where it does not, null where it cannot tell (and is silent).

    The one place where ``when`` and ``require`` are put together, for data and for cases.
    """
    broken = ~parse(check.require).expr
    return parse(check.when).expr & broken if check.when else broken


def reads(check: Check) -> tuple[str, ...]:
    """The columns that a check reads, ``FORM.ITEM`` as one name, in the order of reading."""
    texts = [text for text in (check.when, check.require) if text]
    return tuple(dict.fromkeys(name for text in texts for name in columns_read(text)))


def tried(study: Study, form: Form, check: Check, case: Case) -> Tried:
    """One case judged as a row of data would be.

    Raises `BadCase` for a column that the check does not read and for a value that its item cannot
    have, and ``PolarsError`` where the check cannot be judged at all.
    """
    columns = scope(study, form)
    read = reads(check)
    for name in case.given:
        if name not in read:
            hint = suggest(name, read) or f"it reads {', '.join(read)}"
            raise BadCase(f"{check.id} does not read {name}; {hint}")
    row = {name: _value(study, form, name, columns[name], case) for name in read}
    answer = _frame(row, columns).select(_breaks=breaks(check)).item()
    return Tried(case, "unknown" if answer is None else "fires" if answer else "passes")


def _value(study: Study, form: Form, name: str, kind: pl.DataType, case: Case) -> str | None:
    """The value as text; None where nothing is entered."""
    value = case.given.get(name)
    if value is None:
        return None
    text = str(value)
    # Cases travel with the library's forms to studies that name their other visits differently.
    known = None if name == "VISIT" else known_values(study, form, name)
    if known is not None and text not in known:
        raise BadCase(f"{name} never is '{text}'")
    if _typed(text, kind) is None:
        raise BadCase(f"{name}: '{text}' cannot be read as {kind}")
    return text


def _typed(text: str, kind: pl.DataType) -> object:
    """The text read as entered values are; None for what cannot be."""
    return pl.select(typed_value(pl.lit(text), kind)).item()


def _frame(row: dict[str, str | None], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """One row; the items of other forms and of the visit before in one struct a form."""
    plain: list[pl.Series] = []
    nested: dict[str, list[pl.Series]] = {}
    for name, text in row.items():
        kind = columns[name]
        value = None if text is None else _typed(text, kind)
        owner, _, field = name.rpartition(".")
        series = pl.Series(field, [value], dtype=kind)
        (nested.setdefault(owner, []) if owner else plain).append(series)
    structs = [pl.DataFrame(parts).to_struct(owner) for owner, parts in nested.items()]
    return pl.DataFrame([*plain, *structs])
