"""Toxicity grades of laboratory values by a published table, compared exactly."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from onearm import expr

EXACT = pl.Decimal(38, 6)
"""Values and limits as decimals of six places: 3 x 40.0 is 120.0 and nothing beside it."""

SUFFIX = {"low": "L", "high": "H"}

USUAL_ALBUMIN = 40
"""g/L, to which calcium is corrected. Source: CTCAE 5.0, hypocalcemia."""

CALCIUM_PER_ALBUMIN = "0.02"
"""mmol/L of calcium for each g/L of albumin that is missing, exactly; the same source."""


@dataclass(frozen=True, slots=True)
class Term:
    """One row of the grading table.

    ``grades`` are conditions for grades 1 to 4 over V (value), ULN, LLN and B (baseline); an empty
    one is a grade that no value gives. ``abnormal`` replaces them where baseline was outside the
    range on this side; ``symptomatic`` adds to them where the patient has symptoms.
    ``units`` are those that the absolute limits are written in (none: any unit will do).
    ``name_zh`` is the name for readers of Chinese; results and datasets have ``name``.
    """

    number: int
    name: str
    name_zh: str
    tests: tuple[str, ...]
    direction: str
    units: tuple[str, ...]
    grades: tuple[str, ...]
    abnormal: tuple[str, ...]
    symptomatic: tuple[str, ...]
    note: str


@cache
def terms(table: str = "ctcae5_lab") -> tuple[Term, ...]:
    """The rows of a grading table of this package, in its order.

    Source of ctcae5_lab: NCI CTCAE version 5.0 (2017). Raises ``FileNotFoundError`` for a table
    that the package does not have.
    """
    text = files("onearm.grading").joinpath(f"{table}.csv").read_text(encoding="utf-8")
    return tuple(
        Term(
            number=int(row["number"]),
            name=row["term"],
            name_zh=row["term_zh"],
            tests=tuple(row["test"].split("|")),
            direction=row["direction"],
            units=tuple(filter(None, row["unit"].split("|"))),
            grades=tuple(row[f"grade{n}"] for n in range(1, 5)),
            abnormal=tuple(row[f"abnormal{n}"] for n in range(1, 5)),
            symptomatic=("", *(row[f"symptomatic{n}"] for n in range(2, 5))),
            note=row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def add_grades(results: pl.DataFrame, *, table: str = "ctcae5_lab") -> pl.DataFrame:
    """Add the grade in each direction: ATOXGRL, ATOXGRH (Int32), their terms and bounds.

    results: one row a result: ``test``, ``value``, ``unit``, ``uln``, ``lln``, ``base``,
    ``base_uln``, ``base_lln`` (Float64 or null) and ``symptoms`` (Y or N; anything else is not
    known). Returns the same rows in the same order with, for D in L and H, ``ATOXGRD``,
    ``ATOXDSCD`` (term) and ``ATOXBNDD`` ("1-2" where symptoms decide and are not known: the grade
    is then the lower one).
    The grade is the highest whose condition holds, 0 where none does, null where the value, a
    limit it needs, or the unit is missing or another. A missing baseline counts as normal.
    """
    rows = _exact(results).with_row_index("_row")
    made: dict[str, list[pl.DataFrame]] = {"low": [], "high": []}
    for term in terms(table):
        if any(term.grades):
            made[term.direction].append(
                _graded(rows.filter(pl.col("test").is_in(term.tests)), term)
            )
    for direction, parts in made.items():
        end = SUFFIX[direction]
        found = pl.concat(parts).rename(
            {"grade": f"ATOXGR{end}", "term": f"ATOXDSC{end}", "bounds": f"ATOXBND{end}"}
        )
        rows = rows.join(found, on="_row", how="left", maintain_order="left")
    return rows.drop("_row", "V", "ULN", "LLN", "B")


def _exact(results: pl.DataFrame) -> pl.DataFrame:
    def exact(name: str) -> pl.Expr:
        return pl.col(name).cast(EXACT)

    return results.with_columns(
        V=exact("value"),
        ULN=exact("uln"),
        LLN=exact("lln"),
        # A missing baseline counts as normal: no higher than the limit.
        B=pl.coalesce(exact("base"), exact("uln")),
    )


def _graded(rows: pl.DataFrame, term: Term) -> pl.DataFrame:
    """``_row, grade, term, bounds`` of the rows of one term's test."""
    usable = pl.col("value").is_not_null()
    if term.units:
        usable &= pl.col("unit").is_in(list(term.units)).fill_null(value=False)
    low = _highest(term.grades)
    high = _highest(term.grades, term.symptomatic)
    if any(term.abnormal):
        limit = pl.coalesce("base_uln", "uln")
        abnormal = pl.col("base") > limit
        if term.direction == "low":
            abnormal = pl.col("base") < pl.coalesce("base_lln", "lln")
        was = abnormal.fill_null(value=False)
        low = pl.when(was).then(_highest(term.abnormal)).otherwise(low)
        high = pl.when(was).then(_highest(term.abnormal)).otherwise(high)
    has_symptoms = (pl.col("symptoms") == "Y").fill_null(value=False)
    is_known = pl.col("symptoms").is_in(["Y", "N"]).fill_null(value=False)
    open_question = ~is_known & (low != high)
    return rows.select(
        "_row",
        grade=pl.when(usable).then(pl.when(has_symptoms).then(high).otherwise(low)),
        term=pl.when(usable).then(pl.lit(term.name)),
        bounds=pl.when(usable & open_question).then(pl.format("{}-{}", low, high)),
    )


def _highest(grades: tuple[str, ...], besides: tuple[str, ...] = ()) -> pl.Expr:
    """The highest grade whose condition holds; 0 where all fail; null where one is unknown."""
    holds = [
        (number, expr.parse(text).expr)
        for texts in (grades, besides)
        for number, text in enumerate(texts, start=1)
        if text
    ]
    highest = pl.max_horizontal(
        *(pl.when(condition).then(pl.lit(number, pl.Int32)) for number, condition in holds)
    )
    open_question = pl.any_horizontal(*(condition.is_null() for _, condition in holds))
    return (
        pl.when(highest.is_not_null()).then(highest).when(~open_question).then(pl.lit(0, pl.Int32))
    )
