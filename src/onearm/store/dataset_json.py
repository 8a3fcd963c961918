"""CDISC Dataset-JSON 1.1 in and out."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from onearm.errors import OnearmError
from onearm.frames import Column, Spec

DATA_TYPE = {
    "text": "string",
    "integer": "integer",
    "float": "double",
    "date": "date",
    "datetime": "datetime",
}
READ_TYPE: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "decimal": pl.Float64(),
    "float": pl.Float64(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
}


def read_json(path: Path) -> pl.DataFrame:
    """One dataset; numbers by the column's dataType, dates and times as their ISO text."""
    content = _parsed(_text(path))
    if not isinstance(content, dict) or "columns" not in content:
        raise OnearmError("not a Dataset-JSON file: it has no 'columns'")
    return _frame(content["columns"], content.get("rows", []))


def read_ndjson(path: Path) -> pl.DataFrame:
    """One dataset in the line form: the metadata object first, then one array a row."""
    lines = _text(path).splitlines()
    meta = _parsed(lines[0]) if lines else None
    if not isinstance(meta, dict) or "columns" not in meta:
        raise OnearmError("not a Dataset-JSON file: its first line has no 'columns'")
    return _frame(
        meta["columns"],
        [_parsed(line, first=n) for n, line in enumerate(lines[1:], start=2) if line.strip()],
    )


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        raise OnearmError(
            f"not UTF-8 (line {line}, byte {raw[problem.start]:#04x}); save the file as UTF-8"
        ) from problem


def _parsed(text: str, *, first: int = 1) -> Any:  # Any: what JSON may hold
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as problem:
        line = first + (problem.lineno - 1 if isinstance(problem, json.JSONDecodeError) else 0)
        raise OnearmError(f"not JSON (line {line}: {problem})") from problem


def _check_columns(columns: object) -> None:
    if not isinstance(columns, list):
        raise OnearmError("not a Dataset-JSON file: its 'columns' are not a list")
    for number, column in enumerate(columns, start=1):
        for key in ("name", "dataType"):
            if not isinstance(column, dict) or not isinstance(column.get(key), str):
                raise OnearmError(f"column {number} has no {key!r}")


def _frame(columns: list[dict[str, str]], rows: list[list[object]]) -> pl.DataFrame:
    _check_columns(columns)
    if not isinstance(rows, list):
        raise OnearmError("not a Dataset-JSON file: its 'rows' are not a list")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list):
            raise OnearmError(f"row {number} is not a list of values: {row!r}")
        if len(row) != len(columns):
            raise OnearmError(f"row {number} has {len(row)} values for {len(columns)} columns")
    series = []
    for position, column in enumerate(columns):
        dtype = READ_TYPE.get(column["dataType"], pl.String())
        values = [row[position] for row in rows]
        wrong = next((v for v in values if not _fits(v, dtype)), None)
        if wrong is not None:
            raise OnearmError(
                f"column {column['name']}: {wrong!r} is not of its dataType {column['dataType']}"
            )
        if dtype.is_float():
            values = [None if v is None else float(str(v)) for v in values]
        series.append(pl.Series(column["name"], values, dtype=dtype))
    return pl.DataFrame(series)


def _fits(value: object, dtype: pl.DataType) -> bool:
    if value is None:
        return True
    if dtype == pl.String:
        return isinstance(value, str)
    if dtype == pl.Boolean:
        return isinstance(value, bool)
    if dtype.is_integer():
        return isinstance(value, int) and not isinstance(value, bool)
    try:
        float(str(value))
    except ValueError:
        return False
    return not isinstance(value, bool)


def write_json(
    frame: pl.DataFrame, spec: Spec, path: Path, *, study: str, created: datetime
) -> None:
    """One dataset; null numbers and dates are null, null text is "" (CDISC examples differ).

    frame: the columns of ``spec``; study: STUDYID for the OIDs; created: UTC, given by the
    caller so that the same data give the same bytes. Source: CDISC Dataset-JSON 1.1.
    """
    known = {column.variable: column for column in spec.columns}
    items = [
        _column(known.get(name) or Column(spec.name, name, name, type_of(dtype)), spec)
        for name, dtype in frame.schema.items()
    ]
    content = {
        "datasetJSONCreationDateTime": created.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "datasetJSONVersion": "1.1.0",
        "fileOID": f"{study}.{spec.name}",
        "originator": "onearm",
        "sourceSystem": {"name": "onearm", "version": "1"},
        "studyOID": f"ST.{study}",
        "metaDataVersionOID": f"MDV.{study}",
        "itemGroupOID": f"IG.{spec.name}",
        "records": frame.height,
        "name": spec.name,
        "label": spec.label,
        "columns": items,
    }
    head = json.dumps(content, ensure_ascii=False, indent=1).removesuffix("\n}")
    rows = ",\n".join(
        json.dumps([_value(v) for v in row], ensure_ascii=False)
        for row in frame.with_columns(pl.col(pl.String).fill_null("")).iter_rows()
    )
    path.write_text(f'{head},\n "rows": [\n{rows}\n]\n}}\n', encoding="utf-8")


def type_of(dtype: pl.DataType) -> str:
    """The specification type that holds a polars type."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "float"
    if dtype == pl.Date:
        return "date"
    return "datetime" if dtype.is_temporal() else "text"


def _column(column: Column, spec: Spec) -> dict[str, object]:
    made: dict[str, object] = {
        "itemOID": f"IT.{spec.name}.{column.variable}",
        "name": column.variable,
        "label": column.label,
        "dataType": DATA_TYPE[column.type],
    }
    if column.type == "date":
        made |= {"targetDataType": "integer", "displayFormat": "E8601DA."}
    if column.variable in spec.key:
        made["keySequence"] = spec.key.index(column.variable) + 1
    return made


def _value(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value
