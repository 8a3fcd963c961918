"""What a frame must look like: column specifications read from CSV, and the check at a border."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import polars as pl

from onearm.errors import Finding, Place

Frames = Mapping[str, pl.DataFrame]
"""Datasets by name, for example ``{"DM": ..., "AE": ...}``."""

TYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int32(),
    "float": pl.Float64(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One variable of a dataset: name, label and what may stand in it.

    ``type`` is one of ``text integer float date datetime``; ``core`` is Req, Exp, Perm (SDTM) or
    Req, Cond, Perm (ADaM); ``key`` is the position in the natural key, 0 outside it.
    """

    dataset: str
    variable: str
    label: str
    type: str
    core: str = "Perm"
    key: int = 0
    codelist: str = ""
    origin: str = ""
    source: str = ""
    method: str = ""

    @property
    def dtype(self) -> pl.DataType:
        """The polars type that holds this variable."""
        return TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Spec:
    """The columns of one dataset in their order, with the dataset's label and structure."""

    name: str
    label: str
    structure: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names in order."""
        return tuple(column.variable for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The natural key: variables that together name a row."""
        keyed = sorted((c for c in self.columns if c.key), key=lambda c: c.key)
        return tuple(column.variable for column in keyed)

    @property
    def labels(self) -> dict[str, str]:
        """Label by variable."""
        return {column.variable: column.label for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """The dataset with all its columns and no row."""
        return pl.DataFrame(schema={c.variable: c.dtype for c in self.columns})


def load_spec(path: Path | Traversable) -> Spec:
    """Read one dataset's specification.

    The CSV starts with a line ``#NAME,label,structure`` and has then one row a variable with the
    columns ``variable,label,type,core,key,codelist,origin,source,method``.
    Source: Define-XML 2.1 ItemDef and ItemGroupDef attributes.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    name, label, structure = next(csv.reader([lines[0].removeprefix("#")]))
    columns = tuple(
        Column(
            dataset=name,
            variable=row["variable"],
            label=row["label"],
            type=row["type"],
            core=row["core"] or "Perm",
            key=int(row["key"] or 0),
            codelist=row["codelist"],
            origin=row["origin"],
            source=row["source"],
            method=row["method"],
        )
        for row in csv.DictReader(lines[1:])
    )
    return Spec(name, label, structure, columns)


def load_specs(folder: Traversable) -> dict[str, Spec]:
    """Every specification in a folder, by dataset name, in alphabetical order."""
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".csv")), key=lambda f: f.name)
    return {spec.name: spec for spec in map(load_spec, files)}


def shape(frame: pl.DataFrame, spec: Spec, *, extra: Iterable[Column] = ()) -> pl.DataFrame:
    """The frame with exactly the specified columns, in order, typed; absent ones are null.

    ``extra`` are columns that the study adds behind those of the specification. Columns named in
    neither are dropped. Values that cannot be cast raise a polars ``InvalidOperationError``.
    """
    wanted = (*spec.columns, *extra)
    return frame.select(
        pl.col(c.variable).cast(c.dtype)
        if c.variable in frame.columns
        else pl.lit(None, c.dtype).alias(c.variable)
        for c in wanted
    )


def check_columns(frame: pl.DataFrame, spec: Spec, *, file: str = "") -> list[Finding]:
    """Findings for required columns that are absent and columns whose type cannot be used."""
    missing = [
        Finding(
            Place(form=spec.name, field=column.variable, file=file),
            None,
            f"{spec.name} specification",
            f"required column {column.variable} ({column.label}) is missing",
            "Add the column to the source and read it again.",
        )
        for column in spec.columns
        if column.core == "Req" and column.variable not in frame.columns
    ]
    numeric = {"integer", "float"}
    wrong = [
        Finding(
            Place(form=spec.name, field=column.variable, file=file),
            str(frame.schema[column.variable]),
            f"{spec.name} specification",
            f"expected {column.type}, found {frame.schema[column.variable]}",
            "Write the column with the type that the specification names.",
        )
        for column in spec.columns
        if column.variable in frame.columns
        and frame.schema[column.variable] != pl.Null
        and (column.type in numeric) != frame.schema[column.variable].is_numeric()
    ]
    return missing + wrong
