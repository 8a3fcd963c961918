"""One value a subject out of a dataset: which rows, which of them, which day a date means."""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.adam.conditions import holds, require
from onearm.frames import Frames
from onearm.study.subjects import Source

COMPLETION = {"drop": dates.complete, "first": dates.earliest, "last": dates.latest}
"""How a --DTC text becomes a date, by what the study says a partial date means."""


def as_date(column: str, dtype: pl.DataType, partial: str) -> pl.Expr:
    """A Date from a Date or a --DTC text; a partial text by ``drop``, ``first`` or ``last``."""
    if dtype == pl.String:
        return COMPLETION[partial](pl.col(column))
    return pl.col(column).cast(pl.Date)


def order_column(dataset: str, frame: pl.DataFrame) -> str | None:
    """The date that orders a dataset's rows: --DTC, else --STDTC, else ADT, else None."""
    prefix = dataset[:2]
    for name in (f"{prefix}DTC", f"{prefix}STDTC", "ADT"):
        if name in frame.columns:
            return name
    return None


def sequence_column(dataset: str, frame: pl.DataFrame) -> str | None:
    """The number that names a row within its subject: --SEQ, or ASEQ; None where there is none."""
    for name in (f"{dataset[:2]}SEQ", "ASEQ"):
        if name in frame.columns:
            return name
    return None


def pick(frames: Frames, source: Source, *, is_date: bool, start: pl.DataFrame) -> pl.DataFrame:
    """One value a subject.

    frames: datasets by name. start: USUBJID and ``start`` (Date; read by ``baseline``).
    Returns USUBJID, ``value``, ``raw`` (the text a date was read from, null otherwise) and ``seq``
    (Int32, the row it came from; null for counts), one row a subject with an answer: rows
    with an empty value are no answer. A dataset the trial does not have gives no rows.
    Raises OnearmError where a column is missing that the rule reads.
    """
    frame = frames.get(source.from_)
    if frame is None or not frame.height:
        return _nothing(source, is_date=is_date)
    rows = _prepared(frame, source, is_date=is_date)
    if source.pick in ("any", "count"):
        return rows.group_by("USUBJID").agg(
            value=pl.lit("Y") if source.pick == "any" else pl.len().cast(pl.Int32),
            raw=pl.lit(None, pl.String),
            seq=pl.lit(None, pl.Int32),
        )
    rows = rows.filter(pl.col("value").is_not_null())
    if source.pick == "sum":
        return rows.group_by("USUBJID").agg(
            pl.col("value").sum(), raw=pl.lit(None, pl.String), seq=pl.lit(None, pl.Int32)
        )
    if source.pick in ("min", "max"):
        value = pl.col("value")
        row = value.arg_min() if source.pick == "min" else value.arg_max()
        return rows.group_by("USUBJID").agg(pl.col("value", "raw", "seq").get(row))
    if source.pick == "baseline":
        rows = rows.join(start, on="USUBJID").filter(pl.col("by") <= pl.col("start"))
    ordered = rows.sort("by", "seq", nulls_last=False, maintain_order=True)
    grouped = ordered.group_by("USUBJID", maintain_order=True)
    found = grouped.first() if source.pick == "first" else grouped.last()
    return found.select("USUBJID", "value", "raw", "seq")


def _nothing(source: Source, *, is_date: bool) -> pl.DataFrame:
    kind: pl.DataType = pl.Date() if is_date else pl.String()
    if source.pick == "count":
        kind = pl.Int32()
    return pl.DataFrame(
        schema={"USUBJID": pl.String(), "value": kind, "raw": pl.String(), "seq": pl.Int32()}
    )


def _prepared(frame: pl.DataFrame, source: Source, *, is_date: bool) -> pl.DataFrame:
    """USUBJID, value, raw, by (Date), seq of the rows that fulfil the condition."""
    place = f"the rule over {source.from_}"
    require([source.take] if source.take else [], frame.columns, place=place)
    kept = frame.filter(holds(source.when, frame.columns, place=place))
    by = source.by or order_column(source.from_, frame)
    seq = sequence_column(source.from_, frame)
    schema = frame.schema
    value, raw = pl.lit(None, pl.String), pl.lit(None, pl.String)
    if source.take and is_date:
        value = as_date(source.take, schema[source.take], source.partial)
        raw = pl.col(source.take).cast(pl.String)
    elif source.take:
        value = pl.col(source.take)
    return kept.select(
        "USUBJID",
        value=value,
        raw=raw,
        by=as_date(by, schema[by], "first") if by else pl.lit(None, pl.Date),
        seq=pl.col(seq).cast(pl.Int32) if seq else pl.lit(None, pl.Int32),
    )
