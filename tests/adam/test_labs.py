"""Laboratory grades against CTCAE 5.0 case by case, and what ADLB makes of results."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from onearm import adam, expr
from onearm.adam.grades import Term, add_grades, terms
from tests.adam.patients import Patient, day, domains, shipped_study

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


def lab(seq: int, test: str, value: float, when: int, **row: object) -> dict[str, object]:
    return {"LBSEQ": seq, "LBTESTCD": test, "LBTEST": test, "LBSTRESN": value, "LBSTRESU": "U/L",
            "LBSTNRLO": 0.0, "LBSTNRHI": 40.0, "LBDTC": day(when)} | row  # fmt: skip


def labs_of(*rows: dict[str, object]) -> pl.DataFrame:
    frames = domains([Patient("L", last_dose=100, extra={"LB": list(rows)})])
    return adam.derive(shipped_study(), frames)["ADLB"]


def test_baseline_is_the_last_result_on_or_before_first_dose() -> None:
    made = labs_of(lab(1, "ALT", 20, -7), lab(2, "ALT", 30, 0), lab(3, "ALT", 150, 21)).sort("ADT")
    assert made["ABLFL"].to_list() == [None, "Y", None]
    assert made["BASE"].to_list() == [30.0] * 3
    assert made["CHG"].to_list() == [-10.0, 0.0, 120.0]
    assert made["BTOXGRH"].to_list() == ["0"] * 3
    assert made["ATOXGRH"].to_list() == ["0", "0", "2"]


def test_the_worst_grade_on_treatment_is_flagged_once() -> None:
    made = labs_of(
        lab(1, "ALT", 30, -1), lab(2, "ALT", 130, 10), lab(3, "ALT", 210, 20),
        lab(4, "ALT", 210, 30), lab(5, "ALT", 900, 131),
    ).sort("ADT")  # fmt: skip
    # Grade 3 on two days of treatment: the first is flagged; grade 4 came 31 days after the end.
    assert made["ONTRTFL"].to_list() == [None, "Y", "Y", "Y", None]
    assert made["AWHIFL"].null_count() == 4
    assert made.filter(AWHIFL="Y")["ADY"].to_list() == [21]


def test_calcium_is_corrected_for_albumin() -> None:
    made = labs_of(
        lab(1, "CA", 1.95, 5, LBSTRESU="mmol/L", LBSTNRLO=2.10, LBSTNRHI=2.60),
        lab(2, "ALB", 25, 5, LBSTRESU="g/L", LBSTNRLO=35.0, LBSTNRHI=50.0),
    )
    row = made.filter(PARAMCD="CACR").row(0, named=True)
    assert (row["AVAL"], row["PARAMTYP"], row["ATOXGRL"]) == (2.25, "DERIVED", "0")


def test_a_unit_that_the_limits_are_not_in_is_a_finding_and_no_grade() -> None:
    frames = domains([Patient("L", extra={"LB": [lab(1, "HGB", 6.2, 5, LBSTRESU="mmol/L")]})])
    (finding,) = adam.check(shipped_study(), frames)
    assert "unit of HGB is not one that its grades are written in" in finding.message
    assert finding.hint == "Convert to g/L."
    assert adam.derive(shipped_study(), frames)["ADLB"]["ATOXGRL"].to_list() == [None]
