"""Agreement between readers: the table of answers, per cent agreement and Cohen's kappa."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from onearm.errors import OnearmError


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two readers said the same.

    ``table``: ``first, second, n``, every pair of answers that occurs; ``n`` pairs compared;
    ``n_agree`` equal ones; ``unpaired`` items that only one of them judged; ``percent`` and
    ``kappa`` are None where nothing can be compared, ``kappa`` also where both readers gave one
    and the same answer throughout (chance agreement is complete).
    """

    first: str
    second: str
    table: pl.DataFrame
    n: int
    n_agree: int
    unpaired: int
    percent: float | None
    kappa: float | None


def agreement(
    answers: pl.DataFrame, *, first: str, second: str, by: list[str], answer: str
) -> Agreement:
    """Agreement of two readers over the items named by the columns ``by``.

    ``answers``: one row an item and reader: the columns ``by``, ``reader`` and ``answer``; a null
    answer counts as not judged. For time points ``by`` is subject and time point, for the best
    response subject. Raises OnearmError where a reader judged one item twice.
    Source: Cohen, Educ Psychol Meas 20:37-46 (1960).
    """
    judged = answers.filter(pl.col(answer).is_not_null())
    sides = [_side(judged, reader, by, answer, name) for reader, name in
             ((first, "first"), (second, "second"))]  # fmt: skip
    both = sides[0].join(sides[1], on=by, how="full", coalesce=True)
    pairs = both.drop_nulls(["first", "second"])
    table = pairs.group_by("first", "second").agg(n=pl.len()).sort("first", "second")
    n = pairs.height
    n_agree = pairs.filter(pl.col("first") == pl.col("second")).height
    return Agreement(
        first=first,
        second=second,
        table=table,
        n=n,
        n_agree=n_agree,
        unpaired=both.height - n,
        percent=100 * n_agree / n if n else None,
        kappa=cohen_kappa(table),
    )


def _side(judged: pl.DataFrame, reader: str, by: list[str], answer: str, name: str) -> pl.DataFrame:
    side = judged.filter(pl.col("reader") == reader).select(*by, pl.col(answer).alias(name))
    doubled = side.filter(pl.struct(by).is_duplicated())
    if doubled.height:
        raise OnearmError(f"reader {reader} judged {doubled.select(by).row(0)} more than once")
    return side


def cohen_kappa(table: pl.DataFrame) -> float | None:
    """Cohen's kappa of a table ``first, second, n``; None where it is not defined.

    (observed - chance) / (1 - chance), chance from the two margins.
    Source: Cohen, Educ Psychol Meas 20:37-46 (1960).
    """
    total = int(table["n"].sum())
    if not total:
        return None
    margins = table.group_by("first").agg(a=pl.col("n").sum()).join(
        table.group_by("second").agg(b=pl.col("n").sum()), left_on="first", right_on="second"
    )  # fmt: skip
    by_chance = int((margins["a"] * margins["b"]).sum())
    agreed = int(table.filter(pl.col("first") == pl.col("second"))["n"].sum())
    if by_chance == total * total:
        return None
    return (agreed * total - by_chance) / (total * total - by_chance)
