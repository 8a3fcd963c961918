"""Two sets of numbers side by side, and whether one set agrees with itself."""

from __future__ import annotations

import polars as pl

from onearm.errors import Finding, Place

TOLERANCE = 1e-9


def compare(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The numbers that differ between two results frames, in the order of ``after``.

    Returns result_id, change (``changed``, ``rows``, ``new``, ``gone``), before, after (values) and
    note_before, note_after. ``rows``: the number is the same but stands on other rows of data. Two
    values are equal where they differ by no more than 1e-9 of the larger. Gone numbers come last.
    """
    kept = ("value", "text", "note", "rows_hash")
    old = before.select("result_id", *(pl.col(c).alias(f"{c}_before") for c in kept), _old=True)
    new = after.select("result_id", *(pl.col(c).alias(f"{c}_after") for c in kept), _new=True)
    both = new.join(old, on="result_id", how="full", coalesce=True, maintain_order="left_right")
    same = _is_same("value") & pl.col("text_before").eq_missing(pl.col("text_after"))
    same &= pl.col("note_before").eq_missing(pl.col("note_after"))
    change = (
        pl.when(pl.col("_old").is_null())
        .then(pl.lit("new"))
        .when(pl.col("_new").is_null())
        .then(pl.lit("gone"))
        .when(~same)
        .then(pl.lit("changed"))
        .when(pl.col("rows_hash_before").ne_missing(pl.col("rows_hash_after")))
        .then(pl.lit("rows"))
    )
    return (
        both.with_columns(change=change)
        .filter(pl.col("change").is_not_null())
        .select(
            "result_id",
            "change",
            before="value_before",
            after="value_after",
            note_before="note_before",
            note_after="note_after",
        )
    )


def _is_same(name: str) -> pl.Expr:
    first, second = pl.col(f"{name}_before"), pl.col(f"{name}_after")
    near = (first - second).abs() <= TOLERANCE * pl.max_horizontal(first.abs(), second.abs())
    return near.fill_null(value=False) | first.eq_missing(second)


def check_consistency(numbers: pl.DataFrame) -> list[Finding]:
    """Findings where a results frame contradicts itself; none for a frame that was not edited.

    A share must be its count over its denominator, lie from 0 to 1 and inside its limits; a count
    must not exceed its denominator; ids must be unique.
    Source: clinical specification of the project, 1.2: a printed percentage must be reproducible
    from stored counts.
    """
    shares = numbers.filter(pl.col("kind") == "proportion", pl.col("value").is_not_null())
    counted = shares.filter(pl.col("operation").str.contains("^(percent|estimate)"))
    expected = pl.col("n_events") / pl.col("n_used")
    wrong = counted.filter(~((pl.col("value") - expected).abs() <= TOLERANCE).fill_null(value=True))
    outside = shares.filter(~pl.col("value").is_between(-TOLERANCE, 1 + TOLERANCE))
    too_many = numbers.filter(
        pl.col("operation") == "n",
        pl.col("unit") == "subjects",
        pl.col("n_used").is_not_null(),
        pl.col("value") > pl.col("n_used"),
    )
    repeated = numbers.filter(pl.col("result_id").is_duplicated())
    return [
        *_findings(wrong, "the share is not its count divided by its denominator"),
        *_findings(outside, "a proportion lies from 0 to 1"),
        *_findings(too_many, "the count exceeds its denominator"),
        *_findings(repeated, "the result id is used more than once"),
    ]


def _findings(numbers: pl.DataFrame, message: str) -> list[Finding]:
    return [
        Finding(Place(field=row["result_id"]), row["value"], "results consistency", message,
                f"Counted {row['n_events']} of {row['n_used']}; analyse again.")
        for row in numbers.iter_rows(named=True)
    ]  # fmt: skip
