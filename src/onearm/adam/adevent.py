"""ADEVENT: every dated fact that a time to an event may start, stop, end or be censored at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from onearm.adam.conditions import holds, require
from onearm.adam.pick import as_date, sequence_column
from onearm.frames import Frames
from onearm.study.endpoints import Fact

SCHEMA = {"USUBJID": pl.String(), "PARAMCD": pl.String(), "ADT": pl.Date()}


def derive_facts(frames: Frames, facts: Sequence[Fact]) -> pl.DataFrame | None:
    """One row a fact: the rows of its dataset that fulfil its condition and have the date.

    None where the study names no facts.

    frames: analysis datasets and domains by name. Returns columns of the ADEVENT specification;
    SRCDOM, SRCVAR and SRCSEQ name the row and the column each came from. A dataset that the trial
    does not have gives no facts. Raises OnearmError where a column is missing.
    """
    if not facts:
        return None
    found = {fact.param: rows for fact in facts if (rows := _rows(frames, fact)) is not None}
    kept = [_before(found, fact) for fact in facts if fact.param in found]
    return pl.concat(kept) if kept else pl.DataFrame(schema=SCHEMA)


def _before(found: Mapping[str, pl.DataFrame], fact: Fact) -> pl.DataFrame:
    """The rows of a fact, without those on or after the first day of the fact that ends it."""
    rows = found[fact.param]
    if fact.before not in found:
        return rows
    end = found[fact.before].group_by("USUBJID").agg(_end=pl.col("ADT").min())
    ended = rows.join(end, on="USUBJID", how="left", maintain_order="left")
    ongoing = pl.col("_end").is_null() | (pl.col("ADT") < pl.col("_end"))
    return ended.filter(ongoing).drop("_end")


def _rows(frames: Frames, fact: Fact) -> pl.DataFrame | None:
    frame = frames.get(fact.in_)
    if frame is None or not frame.height:
        return None
    place = f"fact {fact.param}, {fact.in_}"
    require([fact.date], frame.columns, place=place)
    frame = frame.filter(holds(fact.when, frame.columns, place=place))
    seq = sequence_column(fact.in_, frame)
    planned = fact.planned if fact.planned in frame.columns else ""
    return frame.select(
        "USUBJID",
        PARAMCD=pl.lit(fact.param),
        PARAM=pl.lit(str(fact.label)),
        ADT=as_date(fact.date, frame.schema[fact.date], "drop"),
        PLANDT=pl.col(planned) if planned else pl.lit(None, pl.Date),
        AVALC=pl.col("AVALC") if "AVALC" in frame.columns else pl.lit(None, pl.String),
        SRCDOM=pl.lit(fact.in_),
        SRCVAR=pl.lit(fact.date),
        SRCSEQ=pl.col(seq).cast(pl.Int32) if seq else pl.lit(None, pl.Int32),
    ).filter(pl.col("ADT").is_not_null())
