"""Adverse events: emergent, related, counted once at the worst grade."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from onearm import adam
from tests.adam.patients import Patient, day, domains, shipped_study

CASES = list(
    csv.DictReader((Path(__file__).parent / "cases" / "emergence.csv").read_text().splitlines())
)
EVENT = {"AETERM": "Rash", "AEDECOD": "Rash", "AEBODSYS": "Skin", "AESER": "N", "AETOXGR": "1"}


def events_of(*rows: dict[str, object], who: str = "A", **about: object) -> pl.DataFrame:
    """ADAE of one patient with the last dose 100 days after the first."""
    events = [EVENT | {"AESEQ": n + 1} | row for n, row in enumerate(rows)]
    patient = Patient(who, last_dose=100, extra={"AE": events}, **about)  # type: ignore[arg-type]  # named in the test
    return adam.derive(shipped_study(), domains([patient]))["ADAE"].sort("AESEQ")


def when(text: str) -> str | None:
    if not text:
        return None
    return text if "-" in text[1:] else day(int(text))


@pytest.fixture(scope="module")
def emergence() -> dict[str, str | None]:
    """TRTEMFL of every case, each case a patient; two were first dosed on a day of their own."""
    patients = []
    for row in CASES:
        event = {
            "AESEQ": 1, "AESTDTC": when(row["start"]), "AEENDTC": when(row["end"]),
            "AESER": row["serious"], "AEIMM": row["immune"],
        }  # fmt: skip
        therapy = int(row["new_therapy"]) if row["new_therapy"] else None
        patients.append(
            Patient(row["id"], last_dose=100, new_therapy=therapy, extra={"AE": [EVENT | event]})
        )
    frames = domains(patients)
    dosed = {row["id"]: row["dose_date"] for row in CASES if row["dose_date"]}
    own = pl.col("USUBJID").is_in(list(dosed))
    given = frames["EX"].with_columns(
        EXSTDTC=pl.when(own).then(pl.col("USUBJID").replace(dosed)).otherwise("EXSTDTC"),
        EXENDTC=pl.when(own).then(pl.lit("2020-06-30")).otherwise("EXENDTC"),
    )
    made = adam.derive(shipped_study(), frames | {"EX": given})["ADAE"]
    return dict(made.select("USUBJID", "TRTEMFL").iter_rows())


@pytest.mark.parametrize("row", CASES, ids=[f"{row['id']} {row['case']}" for row in CASES])
def test_treatment_emergence(row: dict[str, str], emergence: dict[str, str | None]) -> None:
    assert emergence[row["id"]] == ("Y" if row["emergent"] == "Y" else None)


def test_a_grade_that_goes_on_as_before_first_dose_is_not_emergent_and_a_worse_one_is() -> None:
    made = events_of(
        {"AESTDTC": day(-5), "AEENDTC": day(3), "AETOXGR": "1"},
        {"AESTDTC": day(4), "AEENDTC": day(9), "AETOXGR": "1"},
        {"AESTDTC": day(10), "AETOXGR": "2"},
    )
    assert made["TRTEMFL"].to_list() == [None, None, "Y"]
    assert made["TEREASON"][1] == "no worse than before first dose"


def test_the_last_dose_of_either_drug_opens_the_window() -> None:
    infusion = {"EXSEQ": 2, "EXTRT": "PEMBROLIZUMAB", "EXDOSE": 200.0, "EXSTDTC": day(80),
                "EXENDTC": day(80)}  # fmt: skip
    patient = Patient(
        "A13", last_dose=100,
        extra={"AE": [EVENT | {"AESEQ": 1, "AESTDTC": day(125)}], "EX": [infusion]},
    )  # fmt: skip
    assert adam.derive(shipped_study(), domains([patient]))["ADAE"]["TRTEMFL"].to_list() == ["Y"]


def test_an_event_in_a_drug_hold_is_emergent() -> None:
    rows = [
        {"EXSEQ": 2, "EXTRT": "LENVATINIB", "EXDOSE": 0.0, "EXSTDTC": day(40), "EXENDTC": day(60)},
        {"EXSEQ": 3, "EXTRT": "LENVATINIB", "EXDOSE": 8.0, "EXSTDTC": day(61), "EXENDTC": day(100)},
    ]
    patient = Patient(
        "A14", last_dose=39, extra={"EX": rows, "AE": [EVENT | {"AESEQ": 1, "AESTDTC": day(50)}]}
    )
    made = adam.derive(shipped_study(), domains([patient]))["ADAE"]
    assert made["TEREASON"].to_list() == ["on treatment"]


def test_a_laboratory_grade_makes_no_adverse_event() -> None:
    result = {"LBSEQ": 1, "LBTESTCD": "ALT", "LBTEST": "ALT", "LBSTRESN": 400.0, "LBSTRESU": "U/L",
              "LBSTNRLO": 0.0, "LBSTNRHI": 40.0, "LBDTC": day(20)}  # fmt: skip
    made = adam.derive(shipped_study(), domains([Patient("A15", extra={"LB": [result]})]))
    assert made["ADLB"]["ATOXGRH"].to_list() == ["3"]
    assert made["ADAE"].height == 0


def test_progression_of_the_cancer_is_left_out_of_the_tables_and_the_death_stays() -> None:
    event = {"AESTDTC": day(90), "AEDECOD": "Disease progression", "AESDTH": "Y", "AESER": "Y"}
    patient = Patient("A16", last_dose=100, death=110, extra={"AE": [EVENT | event | {"AESEQ": 1}]})
    made = adam.derive(shipped_study(), domains([patient]))
    assert made["ADAE"]["TRTEMFL"].to_list() == ["Y"]
    assert made["ADAE"]["ANL01FL"].to_list() == [None]
    assert made["ADSL"]["DTHFL"].to_list() == ["Y"]


def test_a_term_is_counted_once_at_its_worst_grade() -> None:
    made = events_of(
        {"AESTDTC": day(5), "AETOXGR": "2"},
        {"AESTDTC": day(20), "AETOXGR": "3"},
        {"AESTDTC": day(40), "AETOXGR": "2"},
    )
    assert made["AOCCPFL"].to_list() == ["Y", None, None]
    assert made["AOCCPIFL"].to_list() == [None, "Y", None]
    assert made["AOCCIFL"].to_list() == [None, "Y", None]


def test_a_death_soon_after_the_last_dose_is_in_adsl_without_an_adverse_event() -> None:
    made = adam.derive(shipped_study(), domains([Patient("A18", last_dose=100, death=120)]))
    assert made["ADSL"]["DTHFL"].to_list() == ["Y"]
    assert made["ADAE"].height == 0


def test_a_missing_causality_counts_as_related_and_says_so() -> None:
    made = events_of(
        {"AESTDTC": day(1), "AERELLEN": "RELATED", "AERELPEM": "NOT RELATED"},
        {"AESTDTC": day(2), "AERELLEN": "NOT RELATED", "AERELPEM": "NOT RELATED"},
        {"AESTDTC": day(3), "AERELLEN": "NOT RELATED"},
    )
    assert made["AREL"].to_list() == ["Y", "N", "Y"]
    assert made["ARELMFL"].to_list() == [None, None, "Y"]
    assert made["AREL1FL"].to_list() == ["Y", None, None]
    assert made["AREL2FL"].to_list() == [None, None, "Y"]


def test_an_event_without_a_start_counts_from_first_dose_and_is_flagged() -> None:
    made = events_of({"AESTDTC": None})
    assert made["ASTDT"].to_list() == [date(2021, 1, 4)]
    assert (made["ASTDTF"][0], made["ASTDY"][0], made["TRTEMFL"][0]) == ("Y", 1, "Y")


def test_duration_counts_both_days() -> None:
    made = events_of({"AESTDTC": day(5), "AEENDTC": day(9)})
    assert (made["ADURN"][0], made["ASTDY"][0], made["AENDY"][0]) == (5, 6, 10)
