"""The study's codelists: the CSV files of ``terms/`` and those that study.yaml itself makes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from onearm.errors import Finding, Place
from onearm.study.identity import Identity
from onearm.study.text import Text
from onearm.study.yamlfile import RULE, read_text

LIST_COLUMNS = ("code", "en", "zh")


def read_terms(path: Path, file: str) -> tuple[pl.DataFrame | None, list[Finding]]:
    """One CSV file as a frame of texts (empty cells are null), or the findings that prevent it.

    The first line names the columns. A codelist has ``code``, ``en`` and ``zh``; a file without a
    ``code`` column is a table of the study (laboratory ranges), and keeps whatever columns it has.
    """
    text, problems = read_text(path, file)
    if problems:
        return None, problems
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or not any(cell.strip() for cell in rows[0]):
        return None, [_at(file, 1, None, "the file is empty", "Its first line names the columns.")]
    header = [cell.strip() for cell in rows[0]]
    findings = _header(header, file) + _ragged(rows, file)
    if findings:
        return None, findings
    body = [row for row in rows[1:] if any(row)]
    columns = {
        name: pl.Series(name, [row[at].strip() or None for row in body], dtype=pl.String)
        for at, name in enumerate(header)
    }
    frame = pl.DataFrame(columns)
    if "code" in header:
        added = [pl.lit(None, pl.String).alias(c) for c in LIST_COLUMNS if c not in header]
        frame = frame.with_columns(added)
        findings = _codes(rows, header.index("code"), file)
    return frame, findings


def _header(header: list[str], file: str) -> list[Finding]:
    twice = sorted({name for name in header if header.count(name) > 1})
    return [_at(file, 1, name, f"the column '{name}' stands twice") for name in twice]


def _ragged(rows: list[list[str]], file: str) -> list[Finding]:
    wide = len(rows[0])
    hint = "Put a text that holds a comma in double quotes."
    return [
        _at(file, line, len(row), f"expected {wide} cells, found {len(row)}", hint)
        for line, row in enumerate(rows, start=1)
        if row and len(row) != wide
    ]


def _codes(rows: list[list[str]], at: int, file: str) -> list[Finding]:
    first: dict[str, int] = {}
    findings = []
    for line, row in enumerate(rows[1:], start=2):
        code = row[at].strip() if row else ""
        if row and any(row) and not code:
            findings.append(_at(file, line, None, "the code is empty", "Give the row a code."))
        elif code in first:
            message = f"the code '{code}' stands twice (first on line {first[code]})"
            findings.append(_at(file, line, code, message, "Keep one of the two."))
        elif code:
            first[code] = line
    return findings


def own_terms(identity: Identity) -> dict[str, pl.DataFrame]:
    """The codelists that study.yaml makes: ``treatments``, ``cohort``, ``eligibility``.

    Each has code, en and zh; eligibility also has category (INCLUSION or EXCLUSION). The list of
    cohorts is left out where the study has none; the others may have no row.
    """
    lists: dict[str, Iterable[tuple[str, Text, str]]] = {
        "treatments": [(t.name, t.label, "") for t in identity.treatments],
        "cohort": [(v.code, v.label, "") for v in identity.cohort.levels]
        if identity.cohort
        else [],
        "eligibility": [(c.id, c.text, c.type.upper()) for c in identity.eligibility.criteria],
    }
    frames = {
        name: pl.DataFrame(
            [(code, text.en, text.zh or None, category or None) for code, text, category in rows],
            schema=dict.fromkeys((*LIST_COLUMNS, "category"), pl.String),
            orient="row",
        )
        for name, rows in lists.items()
    }
    return {name: frame for name, frame in frames.items() if frame.height or name != "cohort"}


def _at(file: str, line: int, value: object, message: str, hint: str = "") -> Finding:
    return Finding(Place(file=file, line=line), value, RULE, message, hint)
