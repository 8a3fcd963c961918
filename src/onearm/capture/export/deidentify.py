"""Data without names: identifying items left out, every date of a subject moved by one offset."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from onearm.capture.export.layout import Sheet
from onearm.capture.export.tables import Table
from onearm.capture.models import DateShift, Subject
from onearm.capture.ranges import names_laboratory
from onearm.study.forms import DATED

MOST_DAYS = 365
"""Dates are moved back by 1 to so many days."""


def offsets() -> dict[str, int]:
    """Days by subject code; drawn for subjects that have none yet. They stay inside."""
    without = Subject.objects.filter(date_shift=None)
    DateShift.objects.bulk_create(
        (DateShift(subject=s, days=-1 - secrets.randbelow(MOST_DAYS)) for s in without),
        ignore_conflicts=True,
    )
    return dict(DateShift.objects.values_list("subject__code", "days"))


def without_names(table: Table, days: Mapping[str, int]) -> Table:
    """The table without identifying items and with dates moved by each subject's offset.

    Intervals between dates of one subject stay as they are. A date of which only the month or the
    year is known is moved from the middle of it and stays as little known. Text that somebody typed
    into other items is not searched for names.
    """
    sheet = table.sheet
    kept = tuple(column for column in sheet.columns if not column.item.identifies)
    frame = table.frame.select(*table.frame.columns[:5], *(column.item.name for column in kept))
    dated = [c.item.name for c in kept if c.item.type in DATED]
    if dated:
        shift = pl.col("SUBJID").replace_strict(dict(days), default=None, return_dtype=pl.Int64)
        frame = frame.with_columns(_moved(name, shift) for name in dated)
    named = {column.item.name for column in sheet.columns if column.item.identifies}
    missing = table.missing.filter(~pl.col("ITEM").is_in(sorted(named)))
    results = table.results
    if results is not None:
        results = results.filter(~pl.col("ITEM").is_in(sorted(named)))
        if any(names_laboratory(c.item) and c.item.identifies for c in sheet.columns):
            results = results.with_columns(SOURCE=pl.lit(None, pl.String))
    return Table(replace(sheet, columns=kept), frame, missing, results)


def entries_without_names(
    entries: pl.DataFrame, sheets: Mapping[str, Sheet], days: Mapping[str, int]
) -> pl.DataFrame:
    """The same for the long frame of entries."""
    kinds = [
        (form, column.item.name, column.item.identifies, column.item.type)
        for form, sheet in sheets.items()
        for column in sheet.columns
    ]
    names = ["FORM", "ITEM", "_identifies", "_type"]
    known = pl.DataFrame(kinds, schema=names, orient="row")
    joined = entries.join(known, on=["FORM", "ITEM"], how="left", maintain_order="left")
    shift = pl.col("SUBJID").replace_strict(dict(days), default=None, return_dtype=pl.Int64)
    is_date = pl.col("_type").is_in(DATED)
    return (
        joined.filter(~pl.col("_identifies").fill_null(value=False))
        .with_columns(VALUE=pl.when(is_date).then(_moved("VALUE", shift)).otherwise("VALUE"))
        .select(entries.columns)
    )


def _moved(name: str, days: pl.Expr) -> pl.Expr:
    """ISO dates, whole or partial or with a time, moved by days and written as exactly as they
    were."""
    text, hour = pl.col(name).str.head(10), pl.col(name).str.slice(10)
    length = text.str.len_bytes()
    whole = (
        pl.when(length == 4)
        .then(text + "-07-01")
        .when(length == 7)
        .then(text + "-15")
        .otherwise(text)
        .str.to_date("%Y-%m-%d", strict=False)
    )
    moved = whole.dt.offset_by(pl.format("{}d", days)).dt.to_string("%Y-%m-%d")
    return (moved.str.head(length) + hour).alias(name)
