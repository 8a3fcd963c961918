"""What a form's conditions may read besides its items: other forms, and the visit before."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from onearm.records.model import Records
from onearm.study import Study
from onearm.study.forms import Form

DOTTED = re.compile(r"\b([A-Za-z][A-Za-z0-9_]*)\.([A-Z][A-Z0-9_]*)\b")
QUOTED = re.compile(r"'[^']*'")
PREVIOUS = "previous"


def conditions(form: Form) -> Iterable[str]:
    """Every condition and formula written on a form."""
    for check in (*form.checks, *(c for i in form.items for c in i.checks)):
        yield check.when
        yield check.require
    for item in form.items:
        yield item.shown_when
        yield item.calculated


def fields_read(form: Form) -> dict[str, list[str]]:
    """By form name (or ``previous``) the items that a form's conditions read from there."""
    read: dict[str, list[str]] = {}
    for text in conditions(form):
        for source, field in DOTTED.findall(QUOTED.sub("", text)):
            if field not in read.setdefault(source, []):
                read[source].append(field)
    return read


def add_context(
    study: Study, records: Records, form: Form, visit_order: pl.DataFrame
) -> pl.DataFrame:
    """The typed frame of a form with one struct column for each other form its conditions read.

    visit_order: USUBJID, VISIT, VISIT_REPEAT, _visit (Date), ORDER. A form filled once a subject
    gives its first row; ``previous`` is the row of the same key (else of the same subject) at the
    visit before. Rows stay as they are; a field is null where there is nothing to read.
    """
    frame = records.forms[form.form]
    for source, fields in fields_read(form).items():
        if source == PREVIOUS:
            frame = _add_previous(frame, form, fields, visit_order)
        elif source in records.forms:
            other = records.forms[source]
            once = (
                _ordered(other, visit_order)
                .unique("USUBJID", keep="first", maintain_order=True)
                .select("USUBJID", pl.struct(f for f in fields if f in other.columns).alias(source))
            )
            frame = frame.join(once, on="USUBJID", how="left", maintain_order="left")
    return frame


def _ordered(frame: pl.DataFrame, visit_order: pl.DataFrame) -> pl.DataFrame:
    """Rows by subject, visit date, and the visit's place in the schedule."""
    key = ["USUBJID", "VISIT", "VISIT_REPEAT"]
    return (
        frame.with_row_index("_row")
        .join(visit_order, on=key, how="left", maintain_order="left")
        .sort("USUBJID", "_visit", "ORDER", "VISIT_REPEAT", "ROW", nulls_last=True)
    )


def _add_previous(
    frame: pl.DataFrame, form: Form, fields: list[str], visit_order: pl.DataFrame
) -> pl.DataFrame:
    within = ["USUBJID", *([form.key] if form.key else [])]
    shifted = (
        _ordered(frame, visit_order)
        .select(
            "_row",
            *(pl.col(f).shift(1).over(within).alias(f) for f in fields if f in frame.columns),
        )
        .sort("_row")
    )
    known = [f for f in fields if f in frame.columns]
    return frame.with_columns(shifted.select(pl.struct(known).alias(PREVIOUS)))
