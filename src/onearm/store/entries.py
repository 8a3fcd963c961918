"""Captured entries as files: one Parquet or CSV file, one row a value."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from onearm.errors import Finding, Place, Problems
from onearm.store.read import read_table


def read_entries(path: Path) -> pl.DataFrame:
    """All captured values from ``entries.parquet`` or ``entries.csv``, or a folder that holds one.

    Whole-number columns of a CSV file are read as such; a value that is none is a finding with its
    line. The records stage checks everything else. Raises ``Problems``.
    """
    file = _file(path)
    frame = read_table(file)
    findings: list[Finding] = []
    for name in ("VISIT_REPEAT", "ROW"):
        if name in frame.columns and frame.schema[name] == pl.String:
            number = pl.col(name).cast(pl.Int32, strict=False)
            bad = frame.with_row_index("_line", offset=2).filter(
                pl.col(name).is_not_null() & number.is_null()
            )
            findings += [
                Finding(
                    Place(file=str(file), line=line, field=name),
                    value,
                    "entries",
                    "expected a whole number",
                    "Give the number of the repeat, 1 where nothing repeats.",
                )
                for line, value in bad.select("_line", name).iter_rows()
            ]
            frame = frame.with_columns(number)
    if findings:
        raise Problems(findings, f"{file}: the entries cannot be used as they are")
    return frame


def write_entries(entries: pl.DataFrame, path: Path) -> None:
    """The frame as Parquet or CSV, by the ending of ``path``."""
    if path.suffix == ".csv":
        entries.write_csv(path)
    else:
        entries.write_parquet(path, compression="zstd")


def _file(path: Path) -> Path:
    candidates = [path] if path.suffix else [path / "entries.parquet", path / "entries.csv"]
    for file in candidates:
        if file.is_file():
            return file
    names = " or ".join(str(c) for c in candidates)
    raise Problems(
        [
            Finding(
                Place(file=str(path)),
                None,
                "entries",
                f"there is no {names}",
                "Name the file of captured entries, or the folder that holds it.",
            )
        ]
    )
