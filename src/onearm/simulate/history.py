"""Rows of log forms beside the course of disease: earlier and later therapy, other drugs."""

from __future__ import annotations

import numpy as np
import polars as pl

from onearm.simulate.chance import NEVER, Bools, Floats, Ints, Streams, between, pick, pick_key
from onearm.study.simulation import History

MOST = 12
"""The most rows a subject can have of one history."""


def partial(days: pl.Series, u: Floats, share: float) -> pl.Series:
    """Dates as ISO texts, a share of them without the day and a third of those without the month.

    ``days``: Date; nulls stay null.
    """
    text = days.dt.to_string("%Y-%m-%d")
    length = np.where(u < share / 3, 4, np.where(u < share, 7, 10))
    return pl.select(pl.lit(text).str.slice(0, pl.lit(pl.Series(length)))).to_series().alias("text")


def history_rows(
    law: History,
    streams: Streams,
    *,
    name: str,
    codes: list[str],
    cohort: Ints,
    enrolled: Bools,
    origin: Ints,
    limit: Ints,
    known: Ints,
    single: bool,
) -> pl.DataFrame:
    """Rows under the names of their items, with ``person``; dates in full are Date.

    ``origin``: day since 1970-01-01 that starts are counted from, ``NEVER`` for those without rows;
    ``limit``: the last day on which a row may start; ``known``: the last day anything was heard.
    ``single``: one row on the day of ``origin`` itself. Rows of one subject follow each other. A
    row that would start after ``limit`` is left out; one that ends after ``known`` goes on.
    """
    n = len(cohort)
    u = streams(f"history {name}").random((n, MOST, 4))
    count = _counts(law, streams, name, codes, cohort) if not single else np.ones(n, dtype=int)
    count = np.where(enrolled & (origin < NEVER), count, 0)
    person, number = np.nonzero(np.arange(MOST) < count[:, None])
    mine = u[person, number]
    low, high = law.days
    share = (number + mine[:, 0]) / np.maximum(count[person], 1)
    start = origin[person] + low + np.floor(share * (high - low)).astype(np.int64)
    end = start + between(mine[:, 1], law.length)
    if high < 0:
        end = np.minimum(end, origin[person] - 1)
    choice = _choices(law, codes, cohort[person], mine[:, 2])
    frame = pl.DataFrame({"person": person, "number": number + 1, "_s": start, "_e": end})
    values = {
        item: pl.Series([law.choices[c].values.get(item) for c in choice.tolist()], dtype=pl.String)
        for item in sorted({item for c in law.choices for item in c.values})
    }
    frame = frame.with_columns(**values).with_columns(_u=pl.Series(mine[:, 3]))
    frame = frame.with_columns(_known=pl.Series(known[person])).filter(
        pl.col("_s") <= pl.Series(limit[person])
    )
    return _dated(law, frame)


def _dated(law: History, frame: pl.DataFrame) -> pl.DataFrame:
    """The dates under their items: full or partial, empty while a row goes on."""
    u = frame["_u"].to_numpy()
    over = (frame["_e"] < frame["_known"]).alias("over")
    first = frame["_s"].cast(pl.Int32).cast(pl.Date)
    last = pl.select(pl.when(over).then(frame["_e"].cast(pl.Int32).cast(pl.Date))).to_series()
    added = {law.start: partial(first, u, law.partial)}
    if law.end:
        added[law.end] = partial(last, (u * 7.3) % 1.0, law.partial)
        same = added[law.end].str.len_chars() < added[law.start].str.len_chars()
        added[law.start] = pl.select(
            pl.when(same & (first.dt.year() == last.dt.year()))
            .then(added[law.start].str.slice(0, 4))
            .otherwise(added[law.start])
        ).to_series()
    if law.ongoing:
        added[law.ongoing] = pl.select(
            pl.when(over).then(pl.lit("BEFORE")).otherwise(pl.lit("ONGOING"))
        ).to_series()
    if law.number:
        added[law.number] = frame["number"].cast(pl.String)
    return frame.with_columns(**added).drop("_s", "_e", "_u", "_known", "number")


def _counts(law: History, streams: Streams, name: str, codes: list[str], cohort: Ints) -> Ints:
    u = streams(f"history {name} rows").random(len(cohort))
    count = pick_key(u, law.rows).astype(np.int64)
    for code, weights in law.by_cohort.items():
        if code in codes:
            mine = cohort == codes.index(code)
            count = np.where(mine, pick_key(u, weights).astype(np.int64), count)
    return np.minimum(count, MOST)


def _choices(law: History, codes: list[str], cohort: Ints, u: Floats) -> Ints:
    """The choice of each row, among those that its cohort has."""
    chosen = np.zeros(len(cohort), dtype=np.int64)
    for index, code in enumerate(codes):
        weights = [c.weight if not c.cohorts or code in c.cohorts else 0.0 for c in law.choices]
        mine = cohort == index
        if mine.any():
            chosen[mine] = pick(u[mine], weights if sum(weights) else [1.0] * len(weights))
    return chosen
