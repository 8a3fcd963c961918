"""A table of an export as SPSS reads it: numbers and dates typed, texts and reasons beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from onearm.capture.export.layout import KEYS
from onearm.capture.words import table as words_table
from onearm.store.spss import Labels
from onearm.study.forms import SEPARATOR

if TYPE_CHECKING:
    from onearm.capture.export.layout import Column
    from onearm.capture.export.tables import Table

AS_TYPED, WHY = ".TEXT", ".REASON"
"""Endings of the columns beside an item; no item's name holds a point."""

NUMBERS = {"integer": pl.Int64(), "decimal": pl.Float64()}
PLAIN_NUMBER = {"integer": r"^[+-]?\d{1,15}$", "decimal": r"^[+-]?\d{1,15}(\.\d+)?$"}
DATES = ("date", "partial_date")
REASONS = ("ND", "UNK", "NA")


def for_spss(table: Table, language: str) -> tuple[pl.DataFrame, Labels]:
    """The table's frame and labels in one language.

    An item that holds numbers or dates is one where it is a plain number or a whole date, else
    missing, and what was typed stands beside it (``NAME.TEXT``): ``<0.5``, ``2024-03``. Beside each
    item stands why its value is missing (``NAME.REASON``). Which columns there are is the form's
    alone, whatever the data: a form without data has them all.
    """
    frame = table.frame.join(_reasons(table), on=list(KEYS), how="left", maintain_order="left")
    columns: list[pl.Expr] = [pl.col(key) for key in KEYS]
    said = {key: _said(f"key.{key}", language) for key in KEYS}
    values: dict[str, dict[str, str]] = {}
    for column in table.sheet.columns:
        name = column.item.name
        label = column.item.label.in_language(language)
        said[name] = label
        columns += _typed(column)
        if len(_typed(column)) > 1:
            said[f"{name}{AS_TYPED}"] = _said("spss.as_typed", language).format(label=label)
        if column.choices:
            values[name] = {c.code: c.label.in_language(language) for c in column.choices}
        if column.item.type == "multiple":
            del values[name]  # a value holds several codes: each has a column of 0 and 1
            for choice in column.choices:
                ticked = f"{name}.{choice.code}"
                ticked += "_" if ticked == f"{name}{WHY}" else ""
                columns.append(_ticked(name, choice.code).alias(ticked))
                said[ticked] = f"{label}: {choice.label.in_language(language)}"
        columns.append(pl.col(f"{name}{WHY}"))
        said[f"{name}{WHY}"] = _said("spss.why", language).format(label=label)
        values[f"{name}{WHY}"] = {code: _said(f"reason.{code}", language) for code in REASONS}
    return frame.select(columns), Labels(table.sheet.label.in_language(language), said, values)


def _typed(column: Column) -> list[pl.Expr]:
    """An item as a number or date with what was typed otherwise beside it, or as the text it is."""
    name, kind = column.item.name, column.item.type
    text = pl.col(name)
    if kind in NUMBERS:
        plain = text.str.contains(PLAIN_NUMBER[kind])
        value = pl.when(plain).then(text).cast(NUMBERS[kind], strict=False)
    elif kind in DATES:
        value = pl.when(text.str.len_bytes() == len("2024-01-01")).then(text)
        value = value.str.to_date("%Y-%m-%d", strict=False)
    else:
        return [text]
    beside = pl.when(value.is_null()).then(text).alias(f"{name}{AS_TYPED}")
    return [value.alias(name), beside]


def _ticked(name: str, code: str) -> pl.Expr:
    """1 where a code is among those of a value, 0 where it is not, null where there is no value."""
    return pl.col(name).str.split(SEPARATOR).list.contains(code).cast(pl.Int64)


def _reasons(table: Table) -> pl.DataFrame:
    """One row a row of the form that has a missing reason, one column an item."""
    names = [f"{name}{WHY}" for name in table.sheet.names]
    rows = table.missing.group_by(KEYS).agg(
        pl.col("REASON").filter(pl.col("ITEM") == name).first().alias(f"{name}{WHY}")
        for name in table.sheet.names
    )
    return rows.select(*KEYS, *names)


def _said(key: str, language: str) -> str:
    return words_table()[key]["zh" if language == "zh" else "en"]
