"""Progression-free survival and the other times, case by case, by the shipped study's rules."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from onearm import adam
from tests.adam.patients import FIRST_DOSE, Patient, day, domains, shipped_study

CASES = list(
    csv.DictReader(
        (Path(__file__).parent / "cases" / "progression_free.csv").read_text().splitlines()
    )
)
# Expected answers: FDA guidance on cancer endpoints (2018), tables A to C, and appendix 1 to EMA's
# anticancer guideline (treatment policy); days from first dose, E event, C censored.


def number(text: str) -> int | None:
    return int(text) if text else None


def patient(row: dict[str, str]) -> Patient:
    scans = [(int(d), what) for d, what in (s.split(":") for s in row["scans"].split())]
    return Patient(
        id=row["id"],
        scans=scans,
        baseline=not row["no_baseline"],
        new_therapy=number(row["new_therapy"]),
        death=number(row["death"]),
        clinical=number(row["clinical"]),
    )


def times(patients: list[Patient], cut: int | None = None) -> pl.DataFrame:
    at = FIRST_DOSE + timedelta(days=cut) if cut is not None else None
    return adam.derive(shipped_study(), domains(patients), cut=at)["ADTTE"]


def answer(adtte: pl.DataFrame, who: str, what: str) -> str:
    row = adtte.filter(USUBJID=who, PARAMCD=what).row(0, named=True)
    days = (row["ADT"] - FIRST_DOSE).days
    assert row["AVAL"] == (row["ADT"] - row["STARTDT"]).days + 1
    return f"{'C' if row['CNSR'] else 'E'} {days}"


@pytest.fixture(scope="module")
def by_cut() -> dict[str, pl.DataFrame]:
    cuts = {row["cut"] for row in CASES}
    return {
        cut: times([patient(row) for row in CASES if row["cut"] == cut], number(cut))
        for cut in cuts
    }


@pytest.mark.parametrize("row", CASES, ids=[f"{row['id']} {row['case']}" for row in CASES])
def test_progression_free_survival_by_each_rule(
    row: dict[str, str], by_cut: dict[str, pl.DataFrame]
) -> None:
    adtte = by_cut[row["cut"]]
    seen = {
        column: answer(adtte, row["id"], parameter)
        for column, parameter in (("primary", "PFS"), ("policy", "PFS1"), ("clinical_pd", "PFS2"))
    }
    assert seen == {column: row[column] for column in seen}


def test_the_rule_that_decided_is_named(by_cut: dict[str, pl.DataFrame]) -> None:
    adtte = by_cut[""].filter(PARAMCD="PFS")
    rules = dict(zip(adtte["USUBJID"], adtte["RULE"], strict=True))
    assert rules["P01"] == "progression"
    assert rules["P03"] == "no-baseline"
    assert rules["P05"] == "no-scan"
    assert rules["P09"] == "two-missed"
    assert rules["P10"] == "death"
    assert rules["P14"] == "new-therapy"
    described = adtte.filter(USUBJID="P14").row(0, named=True)
    assert described["EVNTDESC"] == "NEW ANTICANCER THERAPY"
    assert described["CNSDTDSC"] == "LAST ADEQUATE ASSESSMENT"


def test_every_time_names_the_row_that_ended_it() -> None:
    made = adam.derive(shipped_study(), domains([patient(row) for row in CASES if not row["cut"]]))
    facts = made["ADEVENT"].select("USUBJID", SRCSEQ="ASEQ", seen="ADT", planned="PLANDT")
    from_facts = made["ADTTE"].filter(SRCDOM="ADEVENT")
    joined = from_facts.join(facts, on=["USUBJID", "SRCSEQ"], how="left")
    source = pl.when(pl.col("SRCVAR") == "PLANDT").then("planned").otherwise("seen")
    assert joined.height == from_facts.height
    assert joined.filter(source != pl.col("ADT")).height == 0
    assert made["ADTTE"].filter(pl.col("SRCDOM") == "ADSL")["SRCSEQ"].null_count() > 0


def test_a_planned_date_stands_for_the_scan_in_the_third_sensitivity() -> None:
    late = Patient("L", scans=[(42, "SD"), (84, "SD"), (133, "PD")])
    adtte = times([late])
    # Scans are planned for days 42, 84, 126, 168; the scan of day 133 was late for none of them
    # as an unscheduled visit, so the next planned day counts.
    assert answer(adtte, "L", "PFS3") == "E 168"
    rows = domains([late])
    planned = pl.when(pl.col("TRDTC") == day(133)).then(303.0).otherwise("VISITNUM")
    as_planned = rows | {"TR": rows["TR"].with_columns(VISITNUM=planned)}
    made = adam.derive(shipped_study(), as_planned)["ADTTE"]
    assert answer(made, "L", "PFS3") == "E 126"


def test_duration_of_response_runs_from_the_first_confirmed_response() -> None:
    responder = Patient("P33", scans=[(84, "PR"), (126, "PR"), (168, "PR"), (210, "PD")])
    unconfirmed = Patient("P34", scans=[(84, "PR"), (126, "PD")])
    adtte = times([responder, unconfirmed])
    row = adtte.filter(USUBJID="P33", PARAMCD="DOR").row(0, named=True)
    assert ((row["ADT"] - row["STARTDT"]).days, row["CNSR"]) == (126, 0)
    assert adtte.filter(USUBJID="P34", PARAMCD="DOR").height == 0
    assert adtte.filter(PARAMCD="TTR")["USUBJID"].to_list() == ["P33"]


def test_time_to_response_counts_to_the_first_of_the_confirmed_responses() -> None:
    adtte = times([Patient("P35", scans=[(84, "PR"), (126, "CR")])])
    row = adtte.filter(PARAMCD="TTR").row(0, named=True)
    assert (row["ADT"] - row["STARTDT"]).days == 84


def test_a_contact_after_the_cut_off_is_censored_at_the_cut_off() -> None:
    adtte = times([Patient("P36", last_alive=300)], cut=280)
    # P36: alive at contact on day 300, cut-off on day 280. The later contact shows that the
    # patient lived on day 280, and nothing beyond the cut-off is used.
    assert answer(adtte, "P36", "OS") == "C 280"


def test_a_month_of_death_is_completed_to_the_last_contact_and_flagged() -> None:
    made = adam.derive(
        shipped_study(), domains([Patient("P37", death="2021-05", last_alive="2021-05-20")])
    )
    row = made["ADSL"].row(0, named=True)
    assert (row["DTHDT"], row["DTHDTF"]) == (date(2021, 5, 20), "D")
    assert made["ADTTE"].filter(PARAMCD="OS")["ADT"].to_list() == [date(2021, 5, 20)]


def test_death_on_the_day_of_first_dose_is_one_day_of_survival() -> None:
    row = times([Patient("P38", death=0)]).filter(PARAMCD="OS").row(0, named=True)
    assert (row["AVAL"], row["CNSR"]) == (1.0, 0)


SD4 = {
    "P39": ([(42, "SD"), (84, "SD"), (126, "PD")], "Y"),
    "P40": ([(42, "SD"), (84, "SD"), (121, "PD")], "N"),
    "P41": ([(42, "SD"), (84, "SD"), (119, "SD")], "N"),
    "P42": ([(42, "PR"), (84, "PR"), (300, "PD")], "N"),
}


@pytest.mark.parametrize("case", SD4)
def test_stable_disease_of_more_than_four_months(case: str) -> None:
    scans, expected = SD4[case]
    made = adam.derive(shipped_study(), domains([Patient(case, scans=scans)]))["ADRS"]
    assert made.filter(PARAMCD="SD4M")["AVALC"].to_list() == [expected]


def test_stability_after_new_therapy_is_not_counted() -> None:
    treated = Patient("N", scans=[(42, "SD"), (84, "SD"), (210, "PD")], new_therapy=90)
    made = adam.derive(shipped_study(), domains([treated]))["ADRS"]
    assert made.filter(PARAMCD="CBOR")["AVALC"].to_list() == ["SD"]
    assert made.filter(PARAMCD="SD4M")["AVALC"].to_list() == ["N"]
    assert made.filter(PARAMCD="CBR")["AVALC"].to_list() == ["N"]


@pytest.mark.parametrize(("therapy", "benefit"), [(168, "Y"), (167, "N")])
def test_a_scan_on_the_day_of_new_therapy_is_the_last_that_shows_stability(
    therapy: int, benefit: str
) -> None:
    # clinical.md 3.3 and P18: the last adequate assessment is on or before new therapy.
    scans = [(42, "SD"), (84, "SD"), (126, "SD"), (168, "SD")]
    treated = Patient("N", scans=scans, new_therapy=therapy)
    made = adam.derive(shipped_study(), domains([treated]))["ADRS"]
    assert made.filter(PARAMCD="CBR")["AVALC"].to_list() == [benefit]


def test_a_confirmed_response_is_clinical_benefit() -> None:
    made = adam.derive(shipped_study(), domains([Patient("P42", scans=SD4["P42"][0])]))["ADRS"]
    assert made.filter(PARAMCD="CBR")["AVALC"].to_list() == ["Y"]


def test_a_last_scan_a_week_early_counts_where_the_study_allows_it() -> None:
    study = shipped_study()
    assert study.endpoints is not None
    block = study.endpoints.responses[0]
    wider = block.model_copy(update={"constants": block.constants | {"SD4_WINDOW": 7}})
    endpoints = study.endpoints.model_copy(update={"responses": (wider,)})
    made = adam.derive_parts(
        "S",
        domains([Patient("P41", scans=SD4["P41"][0])]),
        rules=study.subjects,
        endpoints=endpoints,
        schedule=study.schedule,
    )["ADRS"]
    assert made.filter(PARAMCD="SD4M")["AVALC"].to_list() == ["Y"]


def test_follow_up_reverses_events_and_censorings() -> None:
    deaths = [Patient(f"D{d}", death=d) for d in (100, 200)]
    alive = [Patient(f"A{d}", last_alive=d) for d in (50, 150, 250)]
    adtte = times([*deaths, *alive]).filter(PARAMCD="FUP")
    events = adtte.filter(CNSR=0)["ADT"].to_list()
    assert sorted((d - FIRST_DOSE).days for d in events) == [50, 150, 250]


def test_death_without_progression_is_censored_in_time_to_progression() -> None:
    adtte = times([Patient("P44", scans=[(42, "SD"), (84, "SD")], death=100)])
    assert answer(adtte, "P44", "TTP") == "C 84"


def lesion(who: str, **row: object) -> dict[str, object]:
    return {
        "TRTESTCD": "LDIAM", "TREVAL": "INVESTIGATOR", "TRGRPID": "TARGET", "TRLNKID": "T02",
    } | row  # fmt: skip


def test_a_new_lesion_dates_the_progression_to_the_scan_that_showed_it() -> None:
    rows = [
        lesion("P29", TRSEQ=11, TRTESTCD="TUMSTATE", TRLNKID="N01", TRGRPID="NEW",
               TRSTRESC="UNEQUIVOCAL", VISITNUM=901.0, VISIT="SCAN 1", TRDTC=day(120)),
    ]  # fmt: skip
    made = times([Patient("P29", scans=[(126, "PD")], extra={"TR": rows})])
    assert answer(made, "P29", "PFS1") == "E 120"


def two_organs(second: int, size: float) -> list[dict[str, object]]:
    return [
        lesion("x", TRSEQ=20, TRSTRESN=40.0, TRSTRESC="40", VISITNUM=1.0, VISIT="SCREENING",
               TRDTC=day(-7)),
        lesion("x", TRSEQ=21, TRSTRESN=size, TRSTRESC=str(size), VISITNUM=901.0, VISIT="SCAN 1",
               TRDTC=day(second)),
    ]  # fmt: skip


def test_growth_of_the_sum_dates_the_progression_to_the_last_scan_of_the_set() -> None:
    grown = Patient("P30", scans=[(126, "PD")], extra={"TR": two_organs(129, 60.0)})
    assert answer(times([grown]), "P30", "PFS1") == "E 129"


def test_a_response_is_dated_to_the_last_scan_of_its_time_point() -> None:
    shrunk = Patient("P32", scans=[(84, "PR")], extra={"TR": two_organs(87, 20.0)})
    made = adam.derive(shipped_study(), domains([shrunk]))["ADRS"]
    assert made.filter(PARAMCD="RSP")["ADT"].to_list() == [FIRST_DOSE + timedelta(days=87)]


def test_an_equivocal_lesion_that_proves_true_dates_back_the_progression() -> None:
    seen = {"TRTESTCD": "TUMSTATE", "TRLNKID": "N01", "TRGRPID": "NEW"}
    rows = [
        lesion("P31", **seen, TRSEQ=31, TRSTRESC="EQUIVOCAL", VISITNUM=901.0, VISIT="SCAN 1",
               TRDTC=day(84)),
        lesion("P31", **seen, TRSEQ=32, TRSTRESC="UNEQUIVOCAL", VISITNUM=902.0, VISIT="SCAN 2",
               TRDTC=day(126)),
    ]  # fmt: skip
    made = times([Patient("P31", scans=[(84, "SD"), (126, "SD")], extra={"TR": rows})])
    assert answer(made, "P31", "PFS") == "E 84"


def test_disease_after_a_complete_response_is_the_progression_of_every_endpoint() -> None:
    back = Patient("W15", scans=[(42, "CR"), (84, "CR"), (126, "PR")])
    made = adam.derive(shipped_study(), domains([back]))
    assert made["ADRS"].filter(PARAMCD="PD")["AVALC"].to_list() == ["Y"]
    assert answer(made["ADTTE"], "W15", "PFS") == "E 126"
    row = made["ADTTE"].filter(PARAMCD="DOR").row(0, named=True)
    assert ((row["ADT"] - row["STARTDT"]).days, row["CNSR"]) == (84, 0)
