"""CSV in and out: UTF-8, every value as text, so that nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from onearm.errors import OnearmError


def read_csv(path: Path) -> pl.DataFrame:
    """All columns as text (String), empty as null. A byte-order mark is passed over.

    Raises ``OnearmError`` naming the first byte that is not UTF-8, an empty file, or a row that has
    more values than the header.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        raise OnearmError(
            f"not UTF-8 (line {line}, byte {raw[problem.start]:#04x}); save the file as UTF-8"
        ) from problem
    if not text.strip():
        raise OnearmError("the file is empty")
    return pl.read_csv(
        text.encode(), infer_schema=False, null_values=[""], truncate_ragged_lines=False
    )


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """UTF-8 with a header line; null and "" are both empty."""
    frame.write_csv(path)
