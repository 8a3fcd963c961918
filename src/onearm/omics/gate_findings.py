"""What the confounding gate says, in words: refusals with their counts, and warnings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from onearm.errors import Finding, Place
from onearm.omics.assay import Outcomes
from onearm.omics.association import is_categorical

RULE = "omics.md, section 2"


def refusal(
    table: pl.DataFrame, columns: pl.DataFrame, outcomes: Outcomes, pair: tuple[str, str]
) -> Finding:
    """Why no association with the endpoint is run, with the counts of each level."""
    column, endpoint = pair
    alone = table.filter(
        pl.col("column") == column,
        pl.col("endpoint") == endpoint,
        pl.col("verdict") == "refuse",
    )
    if alone.is_empty():
        seen = f"{endpoint} lies in the span of these columns"
        told = f"the columns {column} together determine {endpoint}"
    else:
        row = alone.row(0, named=True)
        seen = (
            f"{row['measure']} {row['value']:.3f}, n {row['n']}; {_counts(columns, outcomes, pair)}"
        )
        told = f"{column} and {endpoint} cannot be told apart"
    return Finding(
        Place(field=f"{column} / {endpoint}"),
        seen.rstrip("; "),
        RULE,
        told,
        f"No association with {endpoint} can be run: a difference may be due to {column}.",
    )


def _counts(columns: pl.DataFrame, outcomes: Outcomes, pair: tuple[str, str]) -> str:
    """The cross table in words: responders or events of each level."""
    column, endpoint = pair
    label = columns[column]
    if endpoint in outcomes.amounts or not is_categorical(label):
        return ""
    if endpoint in outcomes.responses:
        y, word = outcomes.responses[endpoint], "responders"
    else:
        times = outcomes.times[endpoint]
        y, word = np.where(np.isnan(times.time), np.nan, times.event), "events"
    frame = pl.DataFrame({"label": label.cast(pl.String), "y": y}).drop_nulls().drop_nans()
    rows = frame.group_by("label").agg(pl.col("y").sum(), pl.len().alias("n")).sort("label")
    return ", ".join(f"{level}: {hits:.0f} of {n} {word}" for level, hits, n in rows.iter_rows())


def warnings(table: pl.DataFrame, strata: Mapping[str, tuple[str, ...]]) -> list[Finding]:
    """One warning a column that has to go into the design of an endpoint."""
    rows = table.filter(pl.col("verdict") == "stratify").sort("strength", descending=True)
    return [
        Finding(
            Place(field=f"{row['column']} / {row['endpoint']}"),
            f"{row['measure']} {row['value']:.3f}, n {row['n']}",
            RULE,
            f"{row['column']} is strongly associated with {row['endpoint']}",
            f"{row['column']} is in the design and in the permutation strata.",
            "warning",
        )
        for row in rows.unique(["column", "endpoint"], keep="first", maintain_order=True).iter_rows(
            named=True
        )
        if row["column"] in strata[row["endpoint"]]
    ]


def repeated(endpoint: str, name: str, old: str) -> Finding:
    """A column is left out of a design because it repeats another."""
    return Finding(
        Place(field=f"{name} and {old}"),
        None,
        RULE,
        f"{name} says the same as {old}, which is in the design of {endpoint} already",
        f"Their effects cannot be told apart; only {old} is taken.",
        "warning",
    )
