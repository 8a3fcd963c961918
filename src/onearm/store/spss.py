"""SPSS system files (.sav) with labels of variables and values; equal data give equal bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from onearm.errors import Finding, Place, Problems

LONGEST_TEXT = 32_767
"""Bytes that a text of SPSS holds."""

LONGEST_LABEL, LONGEST_VALUE_LABEL, LONGEST_TITLE = 255, 120, 64
"""Bytes of the label of a variable, of a value, of the file."""

LONGEST_NAME = 60
"""Bytes of a name, of the 64 that SPSS holds; the others are for a number behind it."""

NO_NAME = re.compile(r"[^\w.$#@]")
"""Signs that stand in no name."""

RESERVED = frozenset(
    ("ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH")
)
"""Words of the language of SPSS, which are no names."""

DATE_AT, TIME_AT = slice(92, 101), slice(101, 109)
"""Where the header says when the file was written."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one file in one language: of the file, of variables, of their values."""

    title: str
    variables: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def write_sav(frame: pl.DataFrame, labels: Labels, path: Path, *, created: datetime) -> Path:
    """The frame as an SPSS file: texts, numbers and dates as they are typed in the frame.

    Null is the system's missing value, of a text the empty one. Labels that SPSS has no room for
    are cut at its limit; columns have the names of `variable_names`. Raises ``Problems`` for text
    over 32767 bytes, naming its column.
    """
    import pyreadstat  # with all that it takes along it would be read with every page

    _refuse_long(frame, labels.title)
    names = variable_names(frame.columns)
    # Any: the library takes texts as codes, its types say numbers only.
    values: dict[str, Any] = {
        names[column]: {code: _cut(words, LONGEST_VALUE_LABEL) for code, words in named.items()}
        for column, named in labels.values.items()
        if named and column in frame.columns
    }
    pyreadstat.write_sav(
        frame.with_columns(pl.col(pl.String).fill_null("")).rename(names),
        str(path),
        file_label=_cut(labels.title, LONGEST_TITLE),
        column_labels=[_cut(labels.variables.get(c, c), LONGEST_LABEL) for c in frame.columns],
        variable_value_labels=values,
        variable_format={
            names[name]: "SDATE10" if kind == pl.Date else "F8.0"
            for name, kind in frame.schema.items()
            if kind == pl.Date or kind.is_integer()
        },
        variable_display_width={
            names[name]: 16 for name, kind in frame.schema.items() if kind == pl.String
        },
    )
    _fix_time(path, created)
    return path


def variable_names(columns: Iterable[str]) -> dict[str, str]:
    """By column a name that SPSS takes, each once whatever the case of its letters.

    Signs that stand in no name become ``_``; a word of the language gets one behind it.

    >>> variable_names(["SEX", "TO", "PAIN.LOW BACK", "Sex"])
    {'SEX': 'SEX', 'TO': 'TO_', 'PAIN.LOW BACK': 'PAIN.LOW_BACK', 'Sex': 'Sex_2'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        name = _cut(NO_NAME.sub("_", column), LONGEST_NAME).rstrip(".")
        name += "_" if name.upper() in RESERVED else ""
        number, unique = 1, name
        while unique.casefold() in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique.casefold())
        found[column] = unique
    return found


def _refuse_long(frame: pl.DataFrame, title: str) -> None:
    found = [
        Finding(
            Place(form=title, field=name),
            f"{value[:60]}...",
            "SPSS",
            f"a text has at most {LONGEST_TEXT} bytes",
            "Export another format.",
        )
        for name in frame.select(pl.col(pl.String)).columns
        for value in frame[name].filter(frame[name].str.len_bytes() > LONGEST_TEXT)
    ]
    if found:
        raise Problems(found, f"{title} cannot be written for SPSS")


def _cut(text: str, most: int) -> str:
    """The text within so many bytes of UTF-8, no character halved."""
    return text.encode()[:most].decode(errors="ignore")


def _fix_time(path: Path, created: datetime) -> None:
    """Overwrite the header's time of writing, so that equal data give equal bytes."""
    with path.open("r+b") as file:
        for where, text in ((DATE_AT, f"{created:%d %b %y}"), (TIME_AT, f"{created:%H:%M:%S}")):
            file.seek(where.start)
            file.write(text.encode())
