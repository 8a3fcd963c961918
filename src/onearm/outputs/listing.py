"""Listings: dataset rows as they are, selected, turned and ordered as ``outputs.yaml`` says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from onearm import expr
from onearm.errors import OnearmError
from onearm.frames import Frames
from onearm.outputs.labels import Labels
from onearm.outputs.layout import number_text
from onearm.outputs.numbers import Piece
from onearm.outputs.table import Cell, Heading, Row, Table
from onearm.study.outputs import ListingColumn, ListingShell


def build_listing(shell: ListingShell, datasets: Frames, labels: Labels, set_label: str) -> Table:
    """All rows of a listing as a table; rendering caps what is shown at ``shell.most``.

    Each row carries its name (dataset, USUBJID, ASEQ) as source. A dataset that is not there gives
    an empty listing. Raises ``OnearmError`` naming listing and column for a column that is absent.
    """
    frame = datasets.get(shell.dataset)
    columns = tuple(Heading(labels.of(c.label)) for c in shell.columns)
    rows = [] if frame is None else _rows(shell, frame)
    return Table(
        number=shell.number,
        title=labels.of(shell.title),
        set_label=set_label,
        stub=columns[0].label,
        columns=columns[1:],
        rows=tuple(rows),
        footnotes=tuple(map(labels.of, shell.footnotes)),
        listing=True,
        empty="" if rows else labels("no_data" if frame is None else "nobody"),
    )


def capped(table: Table, most: int, labels: Labels) -> Table:
    """The table with at most so many rows, and a footnote that says so where rows are left out."""
    if len(table.rows) <= most:
        return table
    note = labels("capped", shown=most, n=len(table.rows))
    return Table(
        table.number, table.title, table.set_label, table.stub, table.columns, table.rows[:most],
        (note, *table.footnotes), table.listing, table.empty,
    )  # fmt: skip


def _rows(shell: ListingShell, frame: pl.DataFrame) -> list[Row]:
    selected = _where(shell, shell.where, frame)
    if shell.pivot is not None:
        selected = _turned(shell, selected)
        selected = _where(shell, shell.having, selected)
    order = [name for name in shell.sort if _has(shell, name, selected)]
    if order:
        selected = selected.sort(order, nulls_last=True, maintain_order=True)
    names = [n for n in ("USUBJID", "ASEQ") if n in selected.columns]
    shown = selected.select(
        *(_value(shell, c, selected).alias(f"c{i}") for i, c in enumerate(shell.columns)),
        *(pl.col(n).alias(f"name{i}") for i, n in enumerate(names)),
    )
    return [_row(shell, values, len(shell.columns)) for values in shown.iter_rows()]


def _row(shell: ListingShell, values: Sequence[object], width: int) -> Row:
    texts = [_text(v) for v in values[:width]]
    source = "/".join([shell.dataset, *(_text(v) for v in values[width:])])
    return Row(texts[0], tuple(Cell((Piece(t),)) for t in texts[1:]), source=source)


def _where(shell: ListingShell, condition: str, frame: pl.DataFrame) -> pl.DataFrame:
    if not condition:
        return frame
    parsed = expr.parse(condition)
    for name in parsed.columns:
        _has(shell, name, frame)
    return frame.filter(parsed.holds())


def _turned(shell: ListingShell, frame: pl.DataFrame) -> pl.DataFrame:
    turn = shell.pivot
    if turn is None or any(not _has(shell, n, frame) for n in (*turn.keys, turn.names)):
        return frame
    wide = frame.pivot(
        on=turn.names, index=list(turn.keys), values=turn.values, aggregate_function="last"
    )
    # A column is absent where nobody has that value: it is there, and empty.
    texts = [shell.having or "TRUE", *(c.expression or c.variable for c in shell.columns)]
    read = dict.fromkeys(name for text in texts for name in expr.parse(text).columns)
    missing = [name for name in read if name not in wide.columns]
    return wide.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)


def _value(shell: ListingShell, column: ListingColumn, frame: pl.DataFrame) -> pl.Expr:
    parsed = expr.parse(column.expression or column.variable)
    for name in parsed.columns:
        _has(shell, name, frame)
    return parsed.expr


def _has(shell: ListingShell, name: str, frame: pl.DataFrame) -> bool:
    if name not in frame.columns:
        hint = expr.suggest(name, frame.columns)
        message = f"outputs.yaml: {shell.number} reads {name}, which {shell.dataset} does not have"
        raise OnearmError(f"{message}; {hint}" if hint else message)
    return True


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "Y" if value else "N"
    return number_text(value, "") if isinstance(value, int | float) else str(value)
