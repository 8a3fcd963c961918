"""What a number is: the columns of the results frame, a kind of analysis, and the task it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from onearm import expr
from onearm.study.analyses import Analysis

if TYPE_CHECKING:
    from onearm.results.rules import Planned

SCHEMA: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "result_id": pl.String(),
        "analysis": pl.String(),
        "method": pl.String(),
        "operation": pl.String(),
        "dataset": pl.String(),
        "parameter": pl.String(),
        "variable": pl.String(),
        "set": pl.String(),
        "subset": pl.String(),
        "group1": pl.String(),
        "level1": pl.String(),
        "group2": pl.String(),
        "level2": pl.String(),
        "group3": pl.String(),
        "level3": pl.String(),
        "value": pl.Float64(),
        "text": pl.String(),
        "unit": pl.String(),
        "kind": pl.String(),
        "note": pl.String(),
        "n_used": pl.Int64(),
        "n_events": pl.Int64(),
        "n_missing": pl.Int64(),
        "where": pl.String(),
        "rows_hash": pl.String(),
    }
)
"""Columns of the results frame. Source: Analysis Results Standard 1.0, read as one flat table."""

MISSING = "Missing"
"""The level of rows in which the variable is empty."""

COLUMN, SUBJECT, NAME = "_column", "_subject", "_name"
"""Columns added to a dataset that is analysed: table column, subject, hash of the row's name."""


@dataclass(frozen=True, slots=True)
class Task:
    """One analysis with its data.

    rows: the rows of the dataset that set, parameter and subset select, once for each table column
    they stand in. subjects: one row a subject of the set and column, with the ADSL columns in use.
    columns: the table columns in order. cohorts: the variable that splits them, and its levels in
    order, also where only the total is wanted. row_wheres, set_wheres: by table column, the SQL
    condition that selects those rows from the dataset, and those subjects from ADSL. planned: the
    design with what its rules read, for the kinds that carry one out.
    """

    analysis: Analysis
    rows: pl.DataFrame
    subjects: pl.DataFrame
    columns: tuple[str, ...]
    cohorts: tuple[str, tuple[str, ...]]
    row_wheres: Mapping[str, str]
    set_wheres: Mapping[str, str]
    planned: Planned | None = None

    def known_levels(self, variable: str) -> tuple[str, ...]:
        """The levels of a variable that the study writes down: those of the table columns."""
        return self.cohorts[1] if variable == self.cohorts[0] else ()

    def narrowed(self, condition: str) -> Task:
        """The same task with only the rows for which an SQL condition holds."""
        return replace(
            self,
            rows=self.rows.filter(expr.parse(condition).holds()),
            row_wheres={c: both(w, condition) for c, w in self.row_wheres.items()},
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of analysis, a line of `KINDS`: what it makes of a task, and which numbers."""

    name: str
    title: str
    function: Callable[[Task], pl.DataFrame]
    operations: tuple[str, ...]
    source: str


def both(*conditions: str) -> str:
    """SQL conditions joined by AND; empty ones are left out, those with OR get parentheses."""
    parts = dict.fromkeys(c for c in conditions if c)
    return " AND ".join(f"({p})" if " OR " in p.upper() else p for p in parts)


def quoted(value: str) -> str:
    """A text as an SQL literal.

    >>> quoted("Crohn's disease")
    "'Crohn''s disease'"
    """
    return "'" + value.replace("'", "''") + "'"


def equals(variable: str, level: str, *, is_number: bool) -> str:
    """The SQL condition that a variable has a level; `MISSING` means that it is empty."""
    if level == MISSING:
        return f"{variable} IS NULL"
    return f"{variable} = {level if is_number else quoted(level)}"


def as_level(frame: pl.DataFrame, variable: str) -> pl.Expr:
    """A column as the text of its levels: whole numbers without a point, empty as `MISSING`."""
    column, dtype = pl.col(variable), frame.schema[variable]
    if dtype.is_float():
        whole = column == column.round(0)
        text = pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String))
        return text.otherwise(column.cast(pl.String)).fill_null(MISSING)
    return column.cast(pl.String).fill_null(MISSING)


def level_text(number: float) -> str:
    """A number as the text of a level: 6.0 is ``6``, 1.5 is ``1.5``."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))
