"""Item types that are not text in a frame, and how the text of a value is read as one."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from onearm.study.forms import ItemType

TYPES: Mapping[ItemType, pl.DataType] = {
    "integer": pl.Int64(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}
"""The types of their columns; codes, partial dates and times of day are text."""


def typed_value(text: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A text as a value of a column's type; null for what cannot be read as one.

    A decimal becomes the nearest double, so that equal texts are equal numbers.
    """
    if kind == pl.Date:
        return text.str.to_date("%Y-%m-%d", strict=False)
    if kind == pl.Datetime:
        whole = text.str.len_bytes() == len("2026-05-05T14:30")
        seconds = pl.when(whole).then(text + ":00").otherwise(text)
        return seconds.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    if kind.is_numeric():
        number = text.str.strip_chars().cast(kind, strict=False)
        return pl.when(number.is_finite()).then(number) if kind.is_float() else number
    return text
