"""Order and numbers: rows sorted by their natural key, so that a number never depends on others."""

from __future__ import annotations

import polars as pl

from onearm.frames import Spec

LARGEST = 2**62
TIES = ("_FORM", "_VISIT", "_REPEAT", "_ROW")


def assemble(parts: list[pl.DataFrame], spec: Spec) -> pl.DataFrame:
    """The rows of all parts that are to be kept, sorted by the specification's key.

    parts: frames with USUBJID, some of the domain's variables, hidden columns, and optionally
    ``_keep`` (Boolean); a column that a part lacks is null there. Ties keep the order of the form
    rows they come from. Columns are put together one at a time, because all the parts of a large
    domain side by side with their sum would need twice the memory.
    """
    names = list(dict.fromkeys(c for part in parts for c in part.columns if c != "_keep"))
    types = {name: _type(parts, name) for name in names}
    kept = pl.concat([_kept(part) for part in parts]).arg_true().cast(pl.UInt32)
    wanted = [k for k in (*spec.key, *TIES) if k in types and k not in ("STUDYID", "USUBJID")]
    keys = pl.DataFrame({k: _column(parts, k, types[k]).gather(kept) for k in ("USUBJID", *wanted)})
    order = kept.gather(sorted_positions(keys))
    return pl.DataFrame({n: _column(parts, n, types[n]).gather(order) for n in names})


def _kept(part: pl.DataFrame) -> pl.Series:
    if "_keep" in part.columns:
        return part["_keep"]
    return pl.Series([True]).new_from_index(0, part.height)


def _type(parts: list[pl.DataFrame], name: str) -> pl.DataType:
    found = [part.schema[name] for part in parts if name in part.columns]
    return next((dtype for dtype in found if dtype != pl.Null), pl.String())


def _column(parts: list[pl.DataFrame], name: str, dtype: pl.DataType) -> pl.Series:
    empty = pl.Series(name, [None], dtype=dtype)
    return pl.concat(
        part[name].cast(dtype) if name in part.columns else empty.new_from_index(0, part.height)
        for part in parts
    ).rechunk()


def sorted_positions(keys: pl.DataFrame) -> pl.Series:
    """Positions that bring rows into the order of all columns from left to right, nulls first.

    Each key becomes its dense rank and all of them one integer: one sort of integers instead of a
    sort of texts. Falls back on the latter where the integers would not fit.
    """
    number: pl.Series | None = None
    size = 1
    for name in keys.columns:
        values = keys[name].unique().sort()
        if len(values) == 1:
            continue
        size *= len(values)
        if size > LARGEST:
            return keys.select(pl.arg_sort_by(keys.columns, maintain_order=True)).to_series()
        table = values.to_frame().with_columns(_rank=pl.int_range(len(values), dtype=pl.Int64))
        rank = keys.select(name).join(
            table, on=name, how="left", nulls_equal=True, maintain_order="left"
        )["_rank"]
        number = rank if number is None else number * len(values) + rank
    if number is None:
        return pl.int_range(keys.height, eager=True)
    return pl.DataFrame({"n": number}).select(pl.arg_sort_by("n", maintain_order=True)).to_series()


def add_sequence(rows: pl.DataFrame, spec: Spec) -> pl.DataFrame:
    """Add --SEQ (Int32), counted within subject over rows that stand in the order of the key.

    An added record of one subject changes no other subject's numbers.
    """
    name = f"{spec.name}SEQ"
    if name not in spec.names:
        return rows
    number = (pl.int_range(pl.len(), dtype=pl.Int32) + 1).over("USUBJID")
    return rows.with_columns(number.alias(name))
