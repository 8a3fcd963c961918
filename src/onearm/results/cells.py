"""Counting by level, and the two ways to one row a number: from cells of a frame, or one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from onearm.results.model import (
    COLUMN,
    MISSING,
    NAME,
    SUBJECT,
    Task,
    as_level,
    both,
    equals,
)

CELL: Mapping[str, pl.DataType] = {
    "dataset": pl.String(),
    "group2": pl.String(),
    "level2": pl.String(),
    "group3": pl.String(),
    "level3": pl.String(),
    "text": pl.String(),
    "note": pl.String(),
    "n_used": pl.Int64(),
    "n_events": pl.Int64(),
    "n_missing": pl.Int64(),
    "where": pl.String(),
    NAME: pl.UInt64(),
}
"""What each cell carries beside its table column and its values."""

NUMBER: Mapping[str, pl.DataType] = {
    COLUMN: pl.String(),
    **CELL,
    "operation": pl.String(),
    "value": pl.Float64(),
    "kind": pl.String(),
    "unit": pl.String(),
}
"""Columns of the numbers that a kind of analysis gives back."""

Record: TypeAlias = dict[str, Any]  # Any: texts, counts and values side by side
Operations: TypeAlias = Mapping[str, tuple[str, str]]
"""Kind and unit of each operation."""

SHARE = ("proportion", "")
SUBJECTS = ("count", "subjects")
ROWS = ("count", "rows")


NUMBERS = re.compile(r"(\d+(?:\.\d+)?)")


class Tally(NamedTuple):
    """Subjects, rows, and the wrapped sum of the hashes of the rows' names."""

    n: int = 0
    events: int = 0
    names: int = 0


NOBODY = Tally()


class Size(NamedTuple):
    """A denominator: subjects, the condition that selects them, their names, and the dataset."""

    n: int
    where: str
    names: int
    dataset: str


def tally(rows: pl.DataFrame, keys: Sequence[str] = ()) -> pl.DataFrame:
    """Subjects and rows by table column and ``keys``, with the sum of the rows' name hashes.

    Adds ``n`` (distinct subjects), ``events`` (rows) and the name column. The sum wraps at 2^64 and
    does not depend on the order of the rows.
    """
    return rows.group_by(COLUMN, *keys, maintain_order=False).agg(
        n=pl.col(SUBJECT).n_unique().cast(pl.Int64),
        events=pl.len().cast(pl.Int64),
        **{NAME: pl.col(NAME).sum()},
    )


def tallies(rows: pl.DataFrame, variables: Sequence[str] = ()) -> dict[tuple[str, ...], Tally]:
    """`tally` as values by table column and the levels of ``variables``."""
    keys = [f"_l{i}" for i in range(len(variables))]
    counted = tally(with_levels(rows, variables), keys).select(COLUMN, *keys, "n", "events", NAME)
    return {tuple(row[:-3]): Tally(*row[-3:]) for row in counted.iter_rows()}


def with_levels(frame: pl.DataFrame, variables: Sequence[str]) -> pl.DataFrame:
    """The frame with the level texts of ``variables`` in columns ``_l0``, ``_l1``, ..."""
    if not variables:
        return frame
    return frame.with_columns(as_level(frame, v).alias(f"_l{i}") for i, v in enumerate(variables))


def ordered_levels(frame: pl.DataFrame, variable: str, written: Iterable[str] = ()) -> list[str]:
    """Levels in the written order, then others that occur by value, then `MISSING` if it occurs.

    Numbers within a text are compared as numbers: visit 2 comes before visit 10.
    """
    found = frame.select(as_level(frame, variable)).to_series().unique().to_list()
    ordered = sorted(found, key=lambda level: (level == MISSING, _natural(level)))
    return list(dict.fromkeys([*written, *ordered]))


def _natural(level: str) -> list[tuple[float, str]]:
    parts = NUMBERS.split(level)
    return [(float(p), "") if i % 2 else (math.inf, p) for i, p in enumerate(parts) if p]


def is_number(frame: pl.DataFrame, variable: str) -> bool:
    """Whether the levels of a variable are numbers in a condition."""
    return frame.schema[variable].is_numeric()


def sizes(task: Task, by: str = "") -> dict[tuple[str, str], Size]:
    """Denominators by table column and level of ``by`` (empty where they are not split).

    They are the subjects of the set, or with ``of: subset`` those with a row. ``by`` splits the
    subjects of the set only if it is a column of ADSL.
    """
    of_set = task.analysis.of == "set"
    frame = task.subjects if of_set else task.rows
    wheres = task.set_wheres if of_set else task.row_wheres
    dataset = "ADSL" if of_set else task.analysis.dataset
    split = [by] if by and by in frame.columns else []
    counts = tallies(frame, split)
    found = {}
    for level in ordered_levels(frame, by, task.known_levels(by)) if split else [""]:
        has_level = equals(by, level, is_number=is_number(frame, by)) if split else ""
        for column in task.columns:
            counted = counts.get((column, level) if split else (column,), NOBODY)
            where = both(wheres[column], has_level)
            found[column, level] = Size(counted.n, where, counted.names, dataset)
    return found


def size_of(found: Mapping[tuple[str, str], Size], column: str, level: str) -> Size:
    """The denominator of a cell: that of its level where they are split, else of its column."""
    empty = Size(0, "", 0, "ADSL")
    return found.get((column, level)) or found.get((column, "")) or empty


def size_numbers(found: Mapping[tuple[str, str], Size], by: str = "") -> Iterator[Record]:
    """The denominators as numbers of their own, operation ``N``."""
    for (column, level), size in found.items():
        yield from numbers_of(
            {
                COLUMN: column,
                "group2": by if level else None,
                "level2": level or None,
                "n_used": size.n,
                "where": size.where,
                NAME: size.names,
                "dataset": size.dataset,
                "N": size.n,
            },
            {"N": SUBJECTS},
        )


def numbers_of(record: Record, operations: Operations) -> Iterator[Record]:
    """One number for each of ``operations``, whose values stand in the record under its name."""
    for operation, (kind, unit) in operations.items():
        value = record.get(operation)
        yield {**record, "operation": operation, "value": value, "kind": kind, "unit": unit}


def from_numbers(numbers: Iterable[Record]) -> pl.DataFrame:
    """Numbers made one by one as a frame; what a number does not say is null."""
    made = list(numbers)
    return pl.DataFrame(
        {name: [number.get(name) for number in made] for name in NUMBER},
        schema=dict(NUMBER),
        strict=False,
    )


def grid(task: Task, counts: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Each row of ``levels`` in each table column, with its counts; 0 where nothing was counted.

    Rows of ``levels`` keep their order; within one the table columns are in theirs.
    """
    columns = pl.DataFrame({COLUMN: list(task.columns)}, schema={COLUMN: pl.String()})
    cells = levels.join(columns, how="cross", maintain_order="left_right")
    return cells.join(
        counts, on=[COLUMN, *levels.columns], how="left", maintain_order="left", nulls_equal=True
    ).with_columns(pl.col("n", "events", NAME).fill_null(0))


def conditions(task: Task, cells: pl.DataFrame, variables: Sequence[str]) -> list[str]:
    """For each cell the SQL condition of its rows: the column's, and the level of each variable.

    A cell in which the level of a variable is null is not restricted by it.
    """
    numeric = [is_number(task.rows, v) for v in variables]
    fragments: dict[tuple[int, str], str] = {}

    def fragment(i: int, level: str) -> str:
        if (i, level) not in fragments:
            fragments[i, level] = equals(variables[i], level, is_number=numeric[i])
        return fragments[i, level]

    levels = [cells[f"_l{i}"].to_list() for i in range(len(variables))]
    return [
        both(
            task.row_wheres[column], *(fragment(i, v) for i, v in enumerate(here) if v is not None)
        )
        for column, *here in zip(cells[COLUMN].to_list(), *levels, strict=True)
    ]


def with_share(cells: pl.DataFrame, size: Sequence[int]) -> pl.DataFrame:
    """The cells with their denominators as ``n_used`` and ``percent`` (0 to 1, null of 0)."""
    sized = cells.with_columns(pl.Series("n_used", size, dtype=pl.Int64), n_events=pl.col("n"))
    return sized.with_columns(
        percent=pl.when(pl.col("n_used") > 0).then(pl.col("n") / pl.col("n_used"))
    )


def spread(cells: pl.DataFrame, operations: Operations) -> pl.DataFrame:
    """One row a number: each of ``operations`` (a column of ``cells``) of each cell.

    Columns of `CELL` that the cells lack are null. The order is that of the cells, within a cell
    that of the operations.
    """
    carried = cells.select(
        pl.col(COLUMN).cast(pl.String),
        *(
            pl.col(name).cast(dtype) if name in cells.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in CELL.items()
        ),
    )
    parts = [
        carried.with_columns(
            pl.lit(operation).alias("operation"),
            cells[operation].cast(pl.Float64).alias("value"),
            pl.lit(kind).alias("kind"),
            pl.lit(unit).alias("unit"),
        )
        for operation, (kind, unit) in operations.items()
    ]
    return woven(parts, cells.height)


def woven(parts: Sequence[pl.DataFrame], cells: int) -> pl.DataFrame:
    """Parts that describe the same cells, each with as many rows a cell, put together by cell."""
    places, start = [], 0
    for part in parts:
        width = part.height // max(cells, 1)
        places.append(start + np.arange(part.height).reshape(cells, width))
        start += part.height
    return pl.concat(parts)[np.concatenate(places, axis=1).ravel()]
