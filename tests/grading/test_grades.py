"""Laboratory grades against CTCAE 5.0 case by case, in frames and one by one."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm import expr
from onearm.errors import OnearmError
from onearm.grading import Result, Term, add_grades, corrected_calcium, grade, terms
from onearm.grading.single import _compiled

CASES = list(
    csv.DictReader((Path(__file__).parent / "cases" / "lab_grades.csv").read_text().splitlines())
)


def graded(
    test: str, value: float, *, unit: str = "", lln: float | None = None, uln: float | None = None,
    base: float | None = None, symptoms: str | None = None,
) -> dict[str, object]:  # fmt: skip
    """The one graded result as a row."""
    row = {
        "test": test, "value": value, "unit": unit, "lln": lln, "uln": uln, "base": base,
        "base_uln": uln, "base_lln": lln, "symptoms": symptoms,
    }  # fmt: skip
    kinds = dict.fromkeys(("test", "unit", "symptoms"), pl.String)
    schema = {name: kinds.get(name, pl.Float64) for name in row}
    return add_grades(pl.DataFrame([row], schema=schema)).row(0, named=True)


def number(text: str) -> float | None:
    return float(text) if text else None


@pytest.mark.parametrize("row", CASES, ids=[f"{r['id']} {r['test']} {r['value']}" for r in CASES])
def test_grade(row: dict[str, str]) -> None:
    seen = graded(
        row["test"], float(row["value"]), unit=row["unit"], lln=number(row["lln"]),
        uln=number(row["uln"]), base=number(row["base"]), symptoms=row["symptoms"] or None,
    )  # fmt: skip
    end = row["direction"]
    assert seen[f"ATOXGR{end}"] == (int(row["grade"]) if row["grade"] else None)
    assert seen[f"ATOXBND{end}"] == (row["bounds"] or None)


def test_the_table_has_the_forty_two_terms_in_order() -> None:
    assert [term.number for term in terms()] == list(range(1, 43))


@pytest.mark.parametrize("term", terms(), ids=lambda t: f"{t.number} {t.name}")
def test_a_worse_value_never_has_a_better_grade(term: Term) -> None:
    """Along each analyte's scale the grade only rises towards the bad side."""
    unit = term.units[0] if term.units else ""
    values = [Decimal(n) / 20 for n in range(1, 4000, 7)]
    if term.direction == "low":
        values.reverse()
    rows = pl.DataFrame(
        {
            "test": term.tests[0],
            "value": [float(v) for v in values],
            "unit": unit, "lln": 2.0, "uln": 5.0, "base": 3.0, "base_uln": 5.0, "base_lln": 2.0,
            "symptoms": "N",
        }
    )  # fmt: skip
    column = "ATOXGRL" if term.direction == "low" else "ATOXGRH"
    grades = [g for g in add_grades(rows)[column] if g is not None]
    assert grades == sorted(grades)


def test_every_condition_of_the_table_reads_only_known_columns() -> None:
    conditions = [
        text for t in terms() for text in (*t.grades, *t.abnormal, *t.symptomatic) if text
    ]
    assert conditions
    assert {c for text in conditions for c in expr.parse(text).columns} <= {"V", "ULN", "LLN", "B"}


def test_three_times_a_limit_that_a_float_cannot_hold_is_compared_exactly() -> None:
    # 3 x 0.1 is 0.30000000000000004 in floats; 0.3 is not above three times the limit.
    assert graded("AST", 0.3, uln=0.1)["ATOXGRH"] == 1
    assert graded("AST", 3.3, uln=1.1)["ATOXGRH"] == 1


def test_an_analyte_with_two_directions_has_two_grades() -> None:
    seen = graded("SODIUM", 152, unit="mmol/L", lln=135, uln=145)
    assert (seen["ATOXGRL"], seen["ATOXGRH"]) == (0, 2)


def test_a_missing_limit_gives_no_grade() -> None:
    assert graded("ALT", 30)["ATOXGRH"] is None


# ---- one result at a time


def exact(text: str) -> Decimal | None:
    return Decimal(text) if text else None


@pytest.mark.parametrize("row", CASES, ids=[f"{r['id']} {r['test']} {r['value']}" for r in CASES])
def test_a_single_result_has_the_grade_of_the_case(row: dict[str, str]) -> None:
    uln, lln = exact(row["uln"]), exact(row["lln"])
    result = Result(
        row["test"], exact(row["value"]), row["unit"], lln, uln, exact(row["base"]), lln, uln,
        row["symptoms"] or None,
    )  # fmt: skip
    direction = {"L": "low", "H": "high"}[row["direction"]]
    found = [g for g in grade(result) if g.term.direction == direction]
    assert [g.grade for g in found] == ([int(row["grade"])] if row["grade"] else [])
    bounds = [f"{g.grade}-{g.worst}" for g in found if g.worst != g.grade]
    assert bounds == ([row["bounds"]] if row["bounds"] else [])


MAYBE = st.none() | st.decimals(min_value=0, max_value=400, places=2)
MULTIPLES = [Decimal(text) for text in ("0.25", "0.5", "0.75", "1", "1.5", "2", "2.5", "3", "20")]


@st.composite
def results(draw: st.DrawFn) -> Result:
    """A result, often at a limit or a multiple of one, where the grades meet."""
    lln, uln, base, base_lln, base_uln = (draw(MAYBE) for _ in range(5))
    near = [limit for limit in (lln, uln, base) if limit is not None]
    at_limit = st.builds(Decimal.__mul__, st.sampled_from(near), st.sampled_from(MULTIPLES))
    return Result(
        test=draw(st.sampled_from(sorted({test for term in terms() for test in term.tests}))),
        value=draw(at_limit | MAYBE if near else MAYBE),
        unit=draw(st.sampled_from(["", "g/L", "mmol/L", "10^9/L", "g/24h", "mL/min"])),
        lln=lln,
        uln=uln,
        base=base,
        base_lln=base_lln,
        base_uln=base_uln,
        symptoms=draw(st.sampled_from([None, "Y", "N", "U"])),
    )


NUMBERS = ("value", "lln", "uln", "base", "base_lln", "base_uln")


@given(st.lists(results(), min_size=40, max_size=80))
@settings(max_examples=12, deadline=None)
def test_a_single_result_has_the_grade_that_a_frame_gives_it(drawn: list[Result]) -> None:
    kinds = {"test": pl.String, "unit": pl.String, "symptoms": pl.String}
    schema = {**kinds, **dict.fromkeys(NUMBERS, pl.Float64)}
    rows = [
        {n: getattr(r, n) for n in kinds}
        | {n: None if getattr(r, n) is None else float(getattr(r, n)) for n in NUMBERS}
        for r in drawn
    ]
    made = add_grades(pl.DataFrame(rows, schema=schema))
    for result, row in zip(drawn, made.iter_rows(named=True), strict=True):
        found = {g.term.direction: g for g in grade(result)}
        for direction, end in (("low", "L"), ("high", "H")):
            one = found.get(direction)
            assert (one.grade if one else None) == row[f"ATOXGR{end}"], result
            if one:
                bounds = f"{one.grade}-{one.worst}" if one.worst != one.grade else None
                assert (one.term.name, bounds) == (row[f"ATOXDSC{end}"], row[f"ATOXBND{end}"])


def test_the_condition_that_gave_the_grade_is_named() -> None:
    normal = Result("ALT", Decimal(130), "U/L", uln=Decimal(40))
    assert [g.condition for g in grade(normal)] == ["V > 3 * ULN"]
    raised = Result("ALT", Decimal(130), "U/L", uln=Decimal(40), base=Decimal(60))
    assert [(g.grade, g.condition) for g in grade(raised)] == [(1, "V >= 1.5 * B")]
    (clean,) = grade(Result("ALT", Decimal(30), "U/L", uln=Decimal(40)))
    assert (clean.grade, clean.condition) == (0, "")


@pytest.mark.parametrize(
    "text", ["V > __import__('os')", "V", "V > ULN AND V < 3", "V > PLAT", "V > ULN - 1", "V > 'a'"]
)
def test_what_is_no_condition_of_a_table_is_refused(text: str) -> None:
    with pytest.raises((OnearmError, SyntaxError)):
        _compiled(text)


def test_low_albumin_raises_corrected_calcium() -> None:
    assert corrected_calcium(Decimal("1.95"), Decimal(25)) == Decimal("2.25")
    assert corrected_calcium(Decimal("2.40"), Decimal(40)) == Decimal("2.40")
    assert corrected_calcium(Decimal("2.40"), Decimal(50)) == Decimal("2.20")


def test_every_term_has_a_chinese_name_of_its_own() -> None:
    names = [term.name_zh for term in terms()]
    assert len(set(names)) == len(names)
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in name) for name in names)
