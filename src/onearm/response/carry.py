"""The carried partial response: once confirmed, a response stands until progression."""

from __future__ import annotations

import polars as pl

from onearm.response.confirm import add_confirmation
from onearm.response.criteria import Parameters


def carried(visits: pl.DataFrame, answers: dict[str, str], parameters: Parameters) -> pl.DataFrame:
    """Rule T5 in place of T6 after a confirmed response of the targets, up to the first PD.

    ``visits``: ``case, time_point, date, target_rule``; ``answers`` maps a rule to its response.
    The carry starts after the scan that confirms, and a carried response confirms nothing, so it
    changes the table of visits and not the best response.
    Rule: EORTC RECIST FAQ, partial response over time.
    """
    judged = visits.filter(pl.col("target_rule").is_not_null()).select(
        "case",
        "date",
        seq="time_point",
        response=pl.col("target_rule").replace_strict(answers, return_dtype=pl.String),
    )
    since = (
        add_confirmation(judged, parameters)
        .group_by("case")
        .agg(
            carried_since=pl.col("by_date").min(),
            first_pd=pl.col("date").filter(pl.col("response") == "PD").min(),
        )
    )
    stands = (pl.col("date") > pl.col("carried_since")) & (
        pl.col("first_pd").is_null() | (pl.col("date") < pl.col("first_pd"))
    )
    return (
        visits.join(since, on="case", how="left", maintain_order="left")
        .with_columns(
            target_rule=pl.when((pl.col("target_rule") == "T6") & stands)
            .then(pl.lit("T5"))
            .otherwise("target_rule")
        )
        .drop("carried_since", "first_pd")
    )
