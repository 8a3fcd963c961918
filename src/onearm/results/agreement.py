"""The kind that sets two readings of the same thing against each other."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from onearm.results.cells import (
    NOBODY,
    Record,
    from_numbers,
    numbers_of,
    ordered_levels,
    tallies,
)
from onearm.results.estimating import ESTIMATE, estimates
from onearm.results.model import COLUMN, NAME, Task, both, equals

PAIRS = ("count", "pairs")


def agreement(task: Task) -> pl.DataFrame:
    """Two readings of the same thing against each other, for example entered and computed.

    Rows with PARAMCD = ``parameter`` are paired with the row with PARAMCD = ``against`` of the same
    subject (and equal ``match``); rows without a partner are left out. Operations: N pairs, n and
    share that agree with limits of the method, and ``pairs`` for each combination of levels.
    Source: the chosen line of `onearm.stats.INTERVALS`.
    """
    analysis, variable = task.analysis, task.analysis.variable
    keys = ", ".join(["USUBJID", *analysis.match])
    reading = f"CASE WHEN PARAMCD = '{analysis.against}' THEN {variable} END"
    other = f"MAX({reading}) OVER (PARTITION BY {keys})"
    is_pair = pl.col("_against").is_not_null() & pl.col(variable).is_not_null()
    paired = task.rows.filter(is_pair)
    all_pairs = tallies(paired)
    agreeing = tallies(paired.filter(pl.col(variable) == pl.col("_against")))
    numbers: list[Record] = []
    for column in task.columns:
        pairs, same = all_pairs.get((column,), NOBODY), agreeing.get((column,), NOBODY)
        where = both(task.row_wheres[column], f"{other} IS NOT NULL", f"{variable} IS NOT NULL")
        counted = {"n_used": pairs.events, "n_events": same.events}
        record: Record = {COLUMN: column, "where": where, NAME: pairs.names, **counted}
        agree = record | {"where": both(where, f"{variable} = {other}"), NAME: same.names}
        numbers += numbers_of(record | {"N": pairs.events}, {"N": PAIRS})
        numbers += numbers_of(agree | {"n": same.events}, {"n": PAIRS})
        numbers += numbers_of(record | estimates(task, same.events, pairs.events), ESTIMATE)
    return from_numbers([*numbers, *_crossed(task, paired, other)])


def _crossed(task: Task, paired: pl.DataFrame, other: str) -> Iterator[Record]:
    """The number of pairs for each combination of the two readings."""
    analysis, variable = task.analysis, task.analysis.variable
    counts = tallies(paired, [variable, "_against"])
    against = ordered_levels(paired, "_against", analysis.levels)
    for first in ordered_levels(paired, variable, analysis.levels):
        for second in against:
            for column in task.columns:
                found = counts.get((column, first, second), NOBODY)
                where = both(
                    task.row_wheres[column],
                    equals(variable, first, is_number=False),
                    equals(other, second, is_number=False),
                )
                record = {COLUMN: column, "where": where, NAME: found.names}
                record |= {"group2": analysis.parameter, "level2": first}
                record |= {"group3": analysis.against, "level3": second}
                yield from numbers_of(record | {"pairs": found.events}, {"pairs": PAIRS})
