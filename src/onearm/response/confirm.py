"""Confirmation: which complete or partial response is repeated late enough, and by what."""

from __future__ import annotations

import polars as pl

from onearm.response.criteria import Parameters


def add_confirmation(assessments: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Add ``by_date`` and ``by_response``: the first assessment that confirms this one.

    ``assessments``: one row an assessment: ``case, seq`` (increasing in time within a case),
    ``date, response``. Both are null where a row is not CR or PR, or is not confirmed.

    A CR is confirmed by a CR at least ``confirm_days`` later with only CR and NE between, at most
    ``max_ne_between`` NE. A PR is confirmed by a CR or PR at least ``confirm_days`` later with
    only CR, PR, NE and SD between, at most ``max_ne_between`` NE and ``max_sd_between`` SD; where
    ``pr_after_cr_confirms`` is off, no PR may come after a CR in that stretch.
    Rule: RECIST 1.1, 4.6.1 and table 3; one SD between is convention.
    """
    counted = _with_counts(assessments)
    pairs = _pairs(counted, parameters)
    first = (
        pairs.filter(_holds(parameters))
        .group_by("case", "seq")
        .agg(pl.col("by_date", "by_response").sort_by("by_seq").first())
    )
    return assessments.join(first, on=["case", "seq"], how="left", maintain_order="left")


def _with_counts(assessments: pl.DataFrame) -> pl.DataFrame:
    """How many NE, SD and barring answers there were up to each row, and where CR and PR stand."""
    answer = pl.col("response")
    return assessments.sort("case", "seq").with_columns(
        (answer == "NE").cum_sum().over("case").cast(pl.Int64).alias("ne"),
        (answer == "SD").cum_sum().over("case").cast(pl.Int64).alias("sd"),
        (~answer.is_in(["CR", "NE"])).cum_sum().over("case").cast(pl.Int64).alias("not_cr"),
        (~answer.is_in(["CR", "PR", "SD", "NE"]))
        .cum_sum()
        .over("case")
        .cast(pl.Int64)
        .alias("barred"),
        pl.when(answer == "PR").then("seq").forward_fill().over("case").alias("last_pr"),
        pl.when(answer == "CR").then("seq").shift(-1).backward_fill().over("case").alias("next_cr"),
    )


def _pairs(counted: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Each CR or PR beside each later CR or PR that is far enough away."""
    responses = counted.filter(pl.col("response").is_in(["CR", "PR"]))
    later = responses.select("case", pl.exclude("case").name.prefix("by_"))
    gap = pl.col("by_date") - pl.col("date")
    return responses.join(later, on="case").filter(
        pl.col("by_seq") > pl.col("seq"), gap >= pl.duration(days=parameters.confirm_days)
    )


def _holds(parameters: Parameters) -> pl.Expr:
    """Whether a pair is a confirmation; the ends are CR or PR, so the counts are those between."""

    def between(column: str) -> pl.Expr:
        return pl.col(f"by_{column}") - pl.col(column)

    few_ne = between("ne") <= parameters.max_ne_between
    complete = (pl.col("response") == "CR") & (pl.col("by_response") == "CR")
    partial = (
        (pl.col("response") == "PR")
        & (between("barred") == 0)
        & (between("sd") <= parameters.max_sd_between)
    )
    if not parameters.pr_after_cr_confirms:
        relapse = pl.col("by_last_pr") > pl.col("next_cr")
        partial = partial & ~relapse.fill_null(value=False)
    return few_ne & ((complete & (between("not_cr") == 0)) | partial)
