"""Findings as a file: one row a problem in the data, for the people who have to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from onearm.errors import Finding
from onearm.store.csv import write_csv

COLUMNS = ("subject", "visit", "form", "field", "value", "rule", "severity", "message", "hint")


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """One row a finding in the given order, all text; what a finding does not name is null."""
    rows = [
        (
            *(f.place.subject, f.place.visit, f.place.form, f.place.field),
            "" if f.value is None else str(f.value),
            *(f.rule, f.severity, f.message, f.hint),
        )
        for f in findings
    ]
    schema = dict.fromkeys(COLUMNS, pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))


def write_findings(findings: Iterable[Finding], path: Path) -> None:
    """Write ``findings.csv``: a header line and one line a finding."""
    write_csv(findings_frame(findings), path)
