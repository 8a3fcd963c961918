"""What a form's conditions read, whether they can be judged, and whether they can ever hold."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from onearm.errors import OnearmError
from onearm.expr import parse
from onearm.study.forms import Form, Item
from onearm.study.itemtypes import TYPES
from onearm.study.model import Study

DOTTED = re.compile(r"(?<![\w.\"'])([A-Za-z][A-Za-z0-9_]*)\.([A-Z][A-Z0-9_]*)\b")
STRINGS = re.compile(r"('(?:[^']|'')*')")
COMPARED = re.compile(
    r"([A-Za-z][\w.]*)\s*(?:=|<>|!=)\s*'((?:[^']|'')*)'"
    r"|([A-Za-z][\w.]*)\s+(?:NOT\s+)?IN\s*\(([^()]*)\)",
    re.IGNORECASE,
)
COMPARISON = re.compile(r"([\w.]+)\s*(?:<=|>=|<>|!=|=|<|>)\s*([\w.]+)(?!\s*\()")
PREVIOUS = "previous"
STANDING: Mapping[str, pl.DataType] = {
    "SITEID": pl.String(),
    "SUBJID": pl.String(),
    "USUBJID": pl.String(),
    "VISIT": pl.String(),
    "VISIT_REPEAT": pl.Int32(),
    "ROW": pl.Int32(),
}
"""Columns that every form's conditions may read besides its items."""

MOST_CASES = 20_000
"""How many combinations of answers are tried before a condition counts as reachable."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that a condition compares a column with: ``SEX = 'M'``."""

    column: str
    value: str


def flat(text: str) -> str:
    """The condition with ``FORM.ITEM`` and ``previous.ITEM`` as one quoted column name each."""
    parts = STRINGS.split(text)
    return "".join(
        part if at % 2 else DOTTED.sub(r'"\1.\2"', part) for at, part in enumerate(parts)
    )


def columns_read(text: str) -> tuple[str, ...]:
    """The columns that a condition reads, ``FORM.ITEM`` as one name; ``BadExpression`` if none."""
    return parse(flat(text)).columns


def literals(text: str) -> Iterator[Literal]:
    """Every text that the condition compares a column with by =, <> or IN."""
    for one, value, several, values in COMPARED.findall(text):
        if one:
            yield Literal(one, value.replace("''", "'"))
        else:
            for found in STRINGS.findall(values):
                yield Literal(several, found[1:-1].replace("''", "'"))


def dtype(item: Item) -> pl.DataType:
    """The type of an item's column when conditions are judged; codes and partial dates are text."""
    return TYPES.get(item.type, pl.String())


def scope(study: Study, form: Form) -> dict[str, pl.DataType]:
    """The columns that conditions of a form may read, with types: ``FORM.ITEM`` as one name.

    Other forms count where they are filled once a subject; ``previous`` where the form comes again.
    """
    own = {item.name: dtype(item) for item in form.items}
    before = {f"{PREVIOUS}.{name}": kind for name, kind in own.items()}
    others = {
        f"{other.form}.{item.name}": dtype(item)
        for other in study.forms.values()
        if other.form != form.form and is_once(study, other)
        for item in other.items
    }
    again = study.schedule is None or comes_again(study, form)
    return {**STANDING, **own, **(before if again else {}), **others}


def is_once(study: Study, form: Form) -> bool:
    """Whether a subject has one row of a form at most: one visit, no repeat, no repeating row."""
    if form.rows or study.schedule is None:
        return not form.rows
    return len(_visits(study, form)) <= 1 and not comes_again(study, form)


def comes_again(study: Study, form: Form) -> bool:
    """Whether a form is filled at more than one time."""
    visits = _visits(study, form)
    return len(visits) > 1 or (
        study.schedule is not None
        and any(
            v.repeat is not None or v.kind == "unscheduled"
            for v in study.schedule.visits
            if v.id in visits
        )
    )


def _visits(study: Study, form: Form) -> list[str]:
    visits = study.schedule.visits if study.schedule else ()
    return [v.id for v in visits if form.form in v.forms]


def why_not_judged(text: str, columns: Mapping[str, pl.DataType], *, condition: bool) -> str:
    """Why an expression cannot be judged on columns of these types; an empty text if it can.

    ``condition``: the answer must be true or false, as for checks and skip logic.
    """
    try:
        expression = parse(flat(text)).expr
        found = pl.DataFrame(schema=columns).select(_answer=expression)
    except (PolarsError, OnearmError) as problem:
        return str(problem).strip().splitlines()[0]
    if mixed := _date_and_number(text, columns):
        return mixed
    given = found.schema["_answer"]
    if condition and given not in (pl.Boolean, pl.Null):
        return f"it gives {given}, not true or false"
    return ""


def _date_and_number(text: str, columns: Mapping[str, pl.DataType]) -> str:
    """polars would compare a date with a number, as days since 1970; that is never meant."""
    for left, right in COMPARISON.findall(STRINGS.sub("''", text)):
        kinds = {_kind(left, columns), _kind(right, columns)}
        if kinds == {"date", "number"}:
            return f"{left} and {right} are a date and a number"
    return ""


def _kind(word: str, columns: Mapping[str, pl.DataType]) -> str:
    kind = columns.get(word)
    if kind in (pl.Date, pl.Datetime):
        return "date"
    return "number" if word[0].isdigit() or (kind is not None and kind.is_numeric()) else ""


def can_hold(study: Study, form: Form, text: str) -> bool:
    """Whether some combination of answers makes a condition over coded items true.

    A condition that reads anything but coded items and VISIT counts as one that can hold, and so
    does one with more than ``MOST_CASES`` combinations.
    """
    names = columns_read(text)
    values: list[Sequence[str | None]] = []
    for name in dict.fromkeys(names):
        answers = known_values(study, form, name)
        if answers is None:
            return True
        values.append([*answers, None])
    cases = 1
    for given in values:
        cases *= len(given)
    if not values or cases > MOST_CASES:
        return True
    rows = list(itertools.product(*values))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(dict.fromkeys(names), pl.String), orient="row")
    return bool(frame.select(parse(flat(text)).holds().any()).item())


def known_values(study: Study, form: Form, name: str) -> tuple[str, ...] | None:
    """The values that a column of a form's conditions can have; None where they are not a list."""
    if name == "VISIT":
        return tuple(_visits(study, form)) if study.schedule else None
    owner, _, field = name.rpartition(".")
    source = form if owner in ("", PREVIOUS) else study.forms.get(owner)
    items = {i.name: i for i in source.items} if source else {}
    item = items.get(field)
    if item is None or item.type not in ("code", "yes_no"):
        return None
    try:
        return tuple(choice.code for choice in study.choices(item)) or None
    except KeyError:
        return None
