"""Captured entries as files: one Parquet or CSV file, one row a value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from onearm.errors import Finding, Place, Problems
from onearm.records.entry import check_shape
from onearm.store.read import read_table

SHOWN = 5


def read_entries(path: Path) -> pl.DataFrame:
    """All captured values from ``entries.parquet`` or ``entries.csv``, or a folder that holds one.

    Whole-number columns of a CSV file are read as such; a value that is none is a finding with its
    line. The columns are checked here, so that a message can name the file; the records stage
    checks the rest. Raises ``Problems``.
    """
    file = _file(path)
    frame = read_table(file)
    findings: list[Finding] = []
    for name in ("VISIT_REPEAT", "ROW"):
        if name in frame.columns and frame.schema[name] == pl.String:
            number = pl.col(name).cast(pl.Int32, strict=False)
            findings += _no_numbers(file, name, frame.select(pl.col(name), _number=number))
            frame = frame.with_columns(number)
    try:
        shaped = check_shape(frame)
    except Problems as problem:
        findings += [
            replace(f, place=Place(file=str(file), field=f.place.field)) for f in problem.findings
        ]
    if frame.is_empty() and not findings:
        hint = "Export the entries again, or name another file."
        findings.append(Finding(Place(file=str(file)), None, "entries", "it holds no entry", hint))
    if findings:
        raise Problems(findings, f"{file}: the entries cannot be used as they are")
    return shaped


def _no_numbers(file: Path, name: str, column: pl.DataFrame) -> list[Finding]:
    """The first few values of a column that are no whole numbers, and how many more there are."""
    bad = column.with_row_index("_line", offset=2).filter(
        pl.col(name).is_not_null() & pl.col("_number").is_null()
    )
    found = [
        Finding(
            Place(file=str(file), line=line, field=name),
            value,
            "entries",
            "expected a whole number",
            "Give the number of the repeat, 1 where nothing repeats.",
        )
        for line, value in bad.select("_line", name).head(SHOWN).iter_rows()
    ]
    if bad.height > SHOWN:
        counted = f"{bad.height - SHOWN} more lines"
        found.append(replace(found[0], place=Place(file=str(file), field=name), value=counted))
    return found


def write_entries(entries: pl.DataFrame, path: Path) -> None:
    """The frame as Parquet or CSV, by the ending of ``path``."""
    if path.suffix == ".csv":
        entries.write_csv(path)
    else:
        entries.write_parquet(path, compression="zstd")


def _file(path: Path) -> Path:
    """The file of entries that a path means; raises ``Problems`` where there is none."""
    if path.is_file():
        return path
    inside = [path / "entries.parquet", path / "entries.csv"] if path.is_dir() else []
    for file in inside:
        if file.is_file():
            return file
    why = f"there is no {' or '.join(map(str, inside)) or path}"
    hint = "Name the file of captured entries, or the folder that holds it."
    raise Problems([Finding(Place(file=str(path)), None, "entries", why, hint)])
