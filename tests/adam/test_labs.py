"""What ADLB makes of laboratory results."""

from __future__ import annotations

import polars as pl

from onearm import adam
from tests.adam.patients import Patient, day, domains, shipped_study


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


def bilirubin(seq: int, text: str, kept: float, **row: object) -> dict[str, object]:
    """A result in mg/dL as SDTM has it, with limits of 0.2 and 1.2 mg/dL."""
    entered = {"LBORRES": text, "LBORRESU": "mg/dL", "LBORNRLO": "0.2", "LBORNRHI": "1.2"}
    kept_as = {"LBSTRESU": "umol/L", "LBSTNRLO": 3.42, "LBSTNRHI": 20.52}
    return lab(seq, "BILI", kept, seq, **(entered | kept_as | row))


def test_a_result_in_another_unit_is_judged_as_exactly_as_it_was_entered() -> None:
    # 3.6 is three times 1.2 and no more; LBSTRESN, to one digit, lies above 61.56.
    made = labs_of(bilirubin(1, "3.6", 61.6), bilirubin(2, "3.61", 61.7), bilirubin(3, "0.2", 3.4))
    made = made.sort("ADT")
    assert made["AVAL"].to_list() == [61.6, 61.7, 3.4]
    assert made["ATOXGRH"].to_list() == ["2", "3", "0"]
    assert made["ANRIND"].to_list() == ["HIGH", "HIGH", "NORMAL"]


def test_a_number_that_is_not_our_conversion_stays_what_it_is() -> None:
    made = labs_of(
        bilirubin(1, "3.6", 63.0),  # converted by somebody with another factor
        bilirubin(2, "3.6", 61.6, LBORNRHI=None),  # limits in standard units alone
    ).sort("ADT")
    assert made["ATOXGRH"].to_list() == ["3", "3"]
