"""CSV in and out: UTF-8, every value as text, so that nothing is guessed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from onearm.errors import OnearmError

SHOWN = 5
"""So many wrong lines are named; the others are counted."""


def read_csv(path: Path) -> pl.DataFrame:
    """All columns as text (String), empty as null. A byte-order mark is passed over.

    Raises ``OnearmError`` naming the first byte that is not UTF-8, an empty file, another separator
    than the comma, a column named twice, an open quotation, and every row that has more or fewer
    values than the header.
    """
    text = _decode(path.read_bytes())
    if not text.strip():
        raise OnearmError("the file is empty")
    header = text.splitlines()[0]
    for other, name in ((";", "semicolons"), ("\t", "tabs")):
        if "," not in header and other in header:
            raise OnearmError(f"its columns are separated by {name}; separate them by commas")
    names = next(csv.reader([header]))
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise OnearmError(f"the column {', '.join(doubled)} is there more than once")
    if ragged := _ragged(text, len(names)):
        few = "; ".join(f"line {line} has {n} values" for line, n in ragged[:SHOWN])
        more = f"; {len(ragged) - SHOWN} more lines" if len(ragged) > SHOWN else ""
        raise OnearmError(f"{len(names)} columns are named, and {few}{more}")
    return pl.read_csv(
        text.encode(), infer_schema=False, null_values=[""], truncate_ragged_lines=False
    )


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        raise OnearmError(
            f"not UTF-8 (line {line}, byte {raw[problem.start]:#04x}); save the file as UTF-8"
        ) from problem
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise OnearmError(f"not text (line {line} holds a zero byte); save the file as UTF-8")
    return text


def _ragged(text: str, columns: int) -> list[tuple[int, int]]:
    """Lines with another number of values than ``columns``: line number and number of values."""
    if '"' not in text:
        # Counting commas is enough, and many times faster on millions of rows.
        lines = text.split("\n")
        return [
            (number, line.count(",") + 1)
            for number, line in enumerate(lines, start=1)
            if line.count(",") != columns - 1 and line.strip()
        ]
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = []
    try:
        for row in rows:
            if row and len(row) != columns:
                found.append((rows.line_num, len(row)))
    except csv.Error as problem:
        raise OnearmError(f"a quotation that is not closed (line {rows.line_num})") from problem
    return found


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """UTF-8 with a header line; null and "" are both empty."""
    frame.write_csv(path)
