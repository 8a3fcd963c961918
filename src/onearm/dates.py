"""Calendar dates as data hold them: partial ISO 8601 text, its precision, flagged imputation."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

MONTH_DAYS = 30.4375
"""Days in a month, everywhere: 365.25 / 12. Calendar-month arithmetic is never mixed in."""

ISO = re.compile(
    r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?)?$"
)


def is_iso(text: str) -> bool:
    """Whether a text is a complete or right-truncated ISO 8601 date that the calendar has."""
    if not ISO.match(text):
        return False
    year, month, day = (*map(int, text[:10].split("-")), 1, 1)[:3]
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def complete(text: pl.Expr) -> pl.Expr:
    """The date of a --DTC text where day, month and year are all there, else null (Date)."""
    return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def earliest(text: pl.Expr) -> pl.Expr:
    """The first day a partial --DTC text may mean: 2021 is 2021-01-01, 2021-05 is 2021-05-01."""
    day = text.str.slice(0, 10)
    length = day.str.len_chars()
    return (
        pl.when(length == 4)
        .then(day + "-01-01")
        .when(length == 7)
        .then(day + "-01")
        .when(length == 10)
        .then(day)
        .str.to_date("%Y-%m-%d", strict=False)
    )


def latest(text: pl.Expr) -> pl.Expr:
    """The last day a partial --DTC text may mean: 2021 is 2021-12-31, 2021-02 is 2021-02-28."""
    length = text.str.slice(0, 10).str.len_chars()
    first = earliest(text)
    return (
        pl.when(length == 4)
        .then(first.dt.offset_by("1y").dt.offset_by("-1d"))
        .when(length == 7)
        .then(first.dt.offset_by("1mo").dt.offset_by("-1d"))
        .otherwise(first)
    )


def imputation_flag(text: pl.Expr) -> pl.Expr:
    """The highest part that was missing in a --DTC text: D, M, or null for a complete date.

    Source: ADaM Implementation Guide, --DTF (Y would mean that no year was known: no date then).
    """
    length = text.str.slice(0, 10).str.len_chars()
    return pl.when(length == 4).then(pl.lit("M")).when(length == 7).then(pl.lit("D"))


def study_day(day: pl.Expr, reference: pl.Expr) -> pl.Expr:
    """Study day (Int32): the reference date is day 1, the day before is day -1, there is no day 0.

    Null where either date is. Source: SDTM Implementation Guide, --DY.
    """
    days = (day - reference).dt.total_days()
    return pl.when(days >= 0).then(days + 1).otherwise(days).cast(pl.Int32)
