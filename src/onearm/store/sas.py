"""SAS transport (XPT version 5) out, XPT and SAS7BDAT in, guarded where the library is silent."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from onearm.errors import Finding, Place, Problems
from onearm.frames import Spec

NAME = re.compile(r"^[A-Z][A-Z0-9_]{0,7}$")
PLAIN = str.maketrans(
    {"≥": ">=", "≤": "<=", "µ": "u", "μ": "u", "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-",
     "—": "-", "\u00a0": " ", "×": "x", "±": "+/-", "°": " deg"}
)  # fmt: skip
FORMATS = {"date": "DATE9.", "datetime": "DATETIME20."}


def read_xpt(path: Path) -> pl.DataFrame:
    """A SAS transport file, version 5 or 8, with its dates as dates."""
    import pyreadstat  # slow to import, and most commands read no SAS file

    frame, _ = pyreadstat.read_xport(str(path), output_format="polars")
    return _as_polars(frame)


def read_sas7bdat(path: Path) -> pl.DataFrame:
    """A SAS7BDAT file, with its dates as dates."""
    import pyreadstat

    frame, _ = pyreadstat.read_sas7bdat(str(path), output_format="polars")
    return _as_polars(frame)


def _as_polars(frame: Any) -> pl.DataFrame:  # Any: the library has no types
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"expected a polars frame, found {type(frame)}")
    return frame


def write_xpt(frame: pl.DataFrame, spec: Spec, path: Path, *, created: datetime) -> None:
    """A version 5 transport file with the specification's labels; the same bytes for the same data.

    frame: columns as in ``spec``. Nulls in text become "" (the format has no other). Raises
    ``Problems`` for names over 8 characters, labels over 40 bytes, text over 200 bytes and text
    that has no ASCII form, each with dataset, variable and value.
    Source: SAS technical note TS-140; FDA Study Data Technical Conformance Guide.
    """
    plain = frame.with_columns(
        pl.col(pl.String).map_elements(
            lambda text: text.translate(PLAIN), return_dtype=pl.String, skip_nulls=True
        )
        if any(dtype == pl.String for dtype in frame.dtypes)
        else pl.col(pl.String)
    )
    labels = {c: spec.labels.get(c, c) for c in frame.columns}
    problems = _guard(plain, spec, labels)
    if problems:
        raise Problems(problems, f"{spec.name} cannot be written as a transport file")
    types = {column.variable: column.type for column in spec.columns}
    import pyreadstat

    pyreadstat.write_xport(
        plain.with_columns(pl.col(pl.String).fill_null(""), pl.col(pl.Boolean).cast(pl.Int8)),
        str(path),
        file_label=spec.label[:40],
        table_name=spec.name[:8],
        column_labels=[labels[c] for c in frame.columns],
        file_format_version=5,
        variable_format={
            c: FORMATS[types[c]] for c in frame.columns if types.get(c, "") in FORMATS
        },
    )
    _fix_time(path, created)


def _guard(frame: pl.DataFrame, spec: Spec, labels: dict[str, str]) -> list[Finding]:
    def finding(column: str, value: object, message: str, hint: str) -> Finding:
        return Finding(Place(form=spec.name, field=column), value, "XPT version 5", message, hint)

    found = [
        finding(c, c, "a name has at most 8 characters, A-Z first", "Shorten the name.")
        for c in frame.columns
        if not NAME.match(c)
    ]
    found += [
        finding(c, label, "a label has at most 40 bytes of ASCII", "Shorten the label.")
        for c, label in labels.items()
        if len(label.encode()) > 40 or not label.isascii()
    ]
    for name in frame.select(pl.col(pl.String)).columns:
        values = frame[name].drop_nulls().unique(maintain_order=True)
        for value in values.filter(values.str.len_bytes() > 200):
            found.append(finding(name, value[:60] + "...", "text over 200 bytes", "Split it."))
        for value in values.filter(values.str.contains(r"[^\x00-\x7F]")):
            found.append(finding(name, value, "text that is not ASCII", "Enter it in English."))
    return found


def _fix_time(path: Path, created: datetime) -> None:
    """Overwrite the header's times of writing, so that equal data give equal bytes."""
    stamp = created.strftime("%d%b%y:%H:%M:%S").upper().encode()
    pattern = re.compile(rb"\d{2}[A-Z]{3}\d{2}:\d{2}:\d{2}:\d{2}")
    content = bytearray(path.read_bytes())
    for match in list(pattern.finditer(bytes(content[:720]))):
        content[match.start() : match.end()] = stamp
    path.write_bytes(content)
