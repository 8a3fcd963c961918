"""Our datasets equal the peers' wherever both follow one rule; every difference is in one table."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest

from onearm import adam
from onearm.study import load
from tests.adam.peers import (
    HERE,
    TABLE,
    Difference,
    differences,
    peer_large,
    peer_small,
    peer_study_datasets,
    written,
)
from tests.shared import needs_shared, shared

SUBJECT = ["RANDDT", "TRTSDT", "TRTEDT", "TRTDURD", "LSTALVDT", "DTHDT", "DTHFL", "AGEGR1"]
ANSWER = ["AVALC", "AVAL", "ADT"]
ASSESSMENT = ["AVALC", "ADT", "ANL01FL", "ANL02FL", "AVISIT"]
TIME = ["STARTDT", "ADT", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC"]
LESION = ["AVAL", "AVISIT", "AVISITN", "TULOC", "TULOCGR1", "LSEXP", "LSASS", "ANL01FL", "ADTF"]
SUM = [
    "AVAL", "BASE", "CHG", "PCHG", "NADIR", "CHGNAD", "PCHGNAD", "ABLFL", "ANL01FL", "ANL02FL",
    "ANL03FL", "AVISIT", "AVISITN", "LSEXP", "LSASS",
]  # fmt: skip


def answers(ours: pl.DataFrame, theirs: pl.DataFrame, comparison: str) -> set[Difference]:
    """Differences of ADRS: one row a subject and parameter, and the assessments by their source."""
    one = pl.col("PARAMCD") != "OVR"
    found = differences(
        comparison, ours.filter(one), theirs.filter(one), ["USUBJID", "PARAMCD"], ANSWER
    )
    seq = pl.col("RSSEQ").cast(pl.Int32)
    return found | differences(
        comparison,
        ours.filter(~one).with_columns(RSSEQ="SRCSEQ"),
        theirs.filter(~one).with_columns(seq),
        ["USUBJID", "PARAMCD", "RSSEQ"],
        ASSESSMENT,
    )


def test_subject_level_values_of_all_306_subjects() -> None:
    theirs = peer_small("adsl").with_columns(DTHFL=pl.col("DTHFL").fill_null("N"))
    ours = peer_study_datasets(small=True)["ADSL"]
    assert ours.height == theirs.height == 306
    assert differences("adsl", ours, theirs, ["USUBJID"], SUBJECT) == written("adsl")


def test_responses_of_the_small_set() -> None:
    ours, theirs = peer_study_datasets(small=True)["ADRS"], peer_small("adrs_onco")
    assert ours.height == theirs.height == 3694
    assert answers(ours, theirs, "adrs_small") == written("adrs_small")


def test_times_to_event_of_the_small_set() -> None:
    ours, theirs = peer_study_datasets(small=True)["ADTTE"], peer_small("adtte_onco")
    found = differences("adtte_small", ours, theirs, ["USUBJID", "PARAMCD"], TIME)
    assert found == written("adtte_small")


def test_diameters_and_their_sums_of_the_small_set() -> None:
    ours, theirs = peer_study_datasets(small=True)["ADTR"], peer_small("adtr_onco")
    assert ours.height == theirs.height == 181
    keys = ["USUBJID", "PARAMCD", "ADT"]
    lesion = pl.col("PARAMCD") != "SDIAM"
    found = differences("adtr_small", ours.filter(lesion), theirs.filter(lesion), keys, LESION)
    found |= differences("adtr_small", ours.filter(~lesion), theirs.filter(~lesion), keys, SUM)
    assert found == written("adtr_small")


@needs_shared
def test_responses_of_the_large_set() -> None:
    theirs = peer_large("adrs")
    ours = of_peers_subjects("ADRS", theirs)
    assert answers(ours, theirs, "adrs_large") == written("adrs_large")


@needs_shared
def test_times_to_event_of_the_large_set() -> None:
    theirs = peer_large("adtte")
    ours = of_peers_subjects("ADTTE", theirs, peer_large("adrs"))
    found = differences("adtte_large", ours, theirs, ["USUBJID", "PARAMCD"], TIME)
    assert found == written("adtte_large")


@needs_shared
def test_sums_of_diameters_of_the_large_set() -> None:
    theirs = peer_large("adtr")
    ours = of_peers_subjects("ADTR", theirs, peer_large("adrs")).filter(PARAMCD="SDIAM")
    found = differences("adtr_large", ours, theirs, ["USUBJID", "PARAMCD", "ADT"], SUM)
    assert found == written("adtr_large")


def of_peers_subjects(
    name: str, theirs: pl.DataFrame, everybody: pl.DataFrame | None = None
) -> pl.DataFrame:
    subjects = (theirs if everybody is None else everybody).select("USUBJID").unique()
    return peer_study_datasets(small=False)[name].join(subjects, on="USUBJID", how="semi")


# -- 1,000 simulated courses


@pytest.fixture(scope="module")
def grid() -> dict[str, pl.DataFrame]:
    """ADaM of the simulated courses under the peers' rules."""
    people = pl.read_csv(shared("response_cases", "grid", "subjects.csv"), infer_schema=False)
    seen = pl.read_csv(
        shared("response_cases", "grid", "overall_responses.csv"), infer_schema=False
    )
    who = pl.col("subject")
    domains = {
        "DM": people.select(USUBJID=who, DTHDTC="death_date"),
        "EX": people.select(USUBJID=who, EXSTDTC="treatment_start", EXSEQ=pl.lit(1)),
        "SS": people.select(USUBJID=who, SSDTC="last_alive_date", SSSEQ=pl.lit(1)),
        "RS": seen.select(
            USUBJID=who, RSDTC="date", RSSTRESC="overall_response", RSTESTCD=pl.lit("OVRLRESP")
        ).with_columns(RSSEQ=pl.int_range(1, pl.len() + 1).over("USUBJID")),
    }
    return adam.derive(load(HERE / "studies" / "grid"), domains)


@needs_shared
def test_times_to_event_of_the_simulated_courses(grid: dict[str, pl.DataFrame]) -> None:
    expected = pl.read_csv(
        shared("response_cases", "grid", "expected_tte.csv"), try_parse_dates=True
    ).select(
        USUBJID="subject",
        PARAMCD=pl.when(pl.col("paramcd").str.ends_with("DOR"))
        .then(pl.col("paramcd") + pl.col("param_set"))
        .otherwise("paramcd"),
        STARTDT="start_date",
        ADT="date",
        AVAL=pl.col("days").cast(pl.Float64),
        CNSR=pl.col("cnsr").cast(pl.Int32),
        EVNTDESC="event_desc",
    )
    # Survival and PFS are the same under both sets of parameters: one row of ours answers both.
    keys = ["USUBJID", "PARAMCD"]
    found = differences("tte_grid", grid["ADTTE"], expected.unique(), keys, TIME[:5])
    assert expected.height == 5852
    assert found == written("tte_grid")


@needs_shared
def test_responses_of_the_simulated_courses(grid: dict[str, pl.DataFrame]) -> None:
    expected = pl.read_csv(
        shared("response_cases", "grid", "expected_response.csv"), try_parse_dates=True
    ).select(
        USUBJID="subject", PARCAT1="param_set", PARAMCD="paramcd", AVALC="expected_value",
        ADT="expected_date",
    )  # fmt: skip
    ours = grid["ADRS"].filter(~pl.col("PARAMCD").is_in(["OVR", "LSTA"]))
    keys = ["USUBJID", "PARCAT1", "PARAMCD"]
    assert expected.height == ours.height == 14000
    assert differences("rs_grid", ours, expected, keys, ["AVALC", "ADT"]) == written("rs_grid")


@needs_shared
def test_sums_of_diameters_of_the_simulated_lesions() -> None:
    folder = ("response_cases", "grid")
    people = pl.read_csv(shared(*folder, "target_lesion_subjects.csv"), infer_schema=False)
    lesions = pl.read_csv(shared(*folder, "target_lesions.csv"))
    seen = pl.read_csv(shared(*folder, "target_lesion_overall_response.csv"))
    inv = pl.lit("INVESTIGATOR")
    domains = {
        "DM": people.select("USUBJID", DTHDTC=pl.lit(None, pl.String)),
        "DS": people.select(
            "USUBJID", DSSTDTC="RANDDT", DSDECOD=pl.lit("RANDOMIZED"), DSSEQ=pl.lit(1)
        ),
        "TR": lesions.with_columns(
            TREVAL=inv, TRGRPID=pl.lit("TARGET"), VISITNUM=pl.col("VISITNUM").cast(pl.Float64)
        ),
        "TU": lesions.filter(VISIT="SCREENING").select(
            "USUBJID", "TULOC", "VISIT", TULNKID="TRLNKID", TUEVAL=inv, TUSTRESC=pl.lit("TARGET")
        ),
        "RS": seen.with_columns(RSEVAL=inv),
    }
    ours = adam.derive(load(HERE / "studies" / "pharmaverse"), domains)["ADTR"]
    expected = pl.read_csv(
        shared(*folder, "expected_sum_of_diameters.csv"), try_parse_dates=True
    ).with_columns(pl.col("AVAL", "BASE", "CHG", "NADIR", "CHGNAD", "AVISITN").cast(pl.Float64))
    keys = ["USUBJID", "PARAMCD", "ADT"]
    found = differences("adtr_grid", ours.filter(PARAMCD="SDIAM"), expected, keys, SUM)
    assert expected.height == 1633
    assert found == written("adtr_grid")


# -- Cases of the peers' own unit tests


def unit_domains(cases: list[dict[str, str]]) -> dict[str, pl.DataFrame]:
    """Each case as a patient named by its id; days only, as SDTM dates of ours are days."""
    rows: dict[str, list[dict[str, object]]] = {k: [] for k in ("DM", "EX", "SS", "DS", "RS", "AE")}
    for case in cases:
        who = {"USUBJID": case["case_id"]}
        rows["DM"].append(who | {"ARM": case["kind"], "DTHDTC": case["death_date"] or None})
        if case["start_date"]:
            rows["EX"].append(who | {"EXSTDTC": case["start_date"], "EXSEQ": 1})
        if case["last_alive_date"]:
            rows["SS"].append(who | {"SSDTC": case["last_alive_date"], "SSSEQ": 1})
        if case["response_date"]:
            rows["DS"].append(
                who | {"DSDECOD": "RESPONSE", "DSSTDTC": case["response_date"], "DSSEQ": 1}
            )
        for n, pair in enumerate(filter(None, case["overall_responses"].split(";")), start=1):
            when, what = pair.split("=")
            rows["RS"].append(who | {"RSDTC": when, "RSSTRESC": what, "RSSEQ": n})
        for n, when in enumerate(filter(None, case["adverse_event_dates"].split(";")), start=1):
            rows["AE"].append(who | {"AESTDTC": when, "AESEQ": n})
    return {name: pl.DataFrame(r, infer_schema_length=None) for name, r in rows.items()}


@needs_shared
def test_the_cases_of_the_peers_unit_tests() -> None:
    path: Path = shared("response_cases", "unit", "tte_cases.csv")
    cases = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    made = adam.derive(load(HERE / "studies" / "unit"), unit_domains(cases))["ADTTE"]
    found = set()
    for case in cases:
        mine = made.filter(USUBJID=case["case_id"], PARAMCD=case["kind"])
        row = mine.row(0, named=True) if mine.height else None
        ours = f"{row['ADT']} {row['CNSR']} {row['EVNTDESC']}" if row else "no record"
        peer = "no record"
        if case["expected_record"] == "Y":
            cnsr = int(float(case["expected_cnsr"]))
            peer = f"{case['expected_date']} {cnsr} {case['expected_event_desc']}"
        if ours != peer:
            found.add(("tte_unit", case["kind"], case["case_id"], ours, peer))
    assert len(cases) == 9
    assert found == written("tte_unit")


def test_every_row_of_the_table_says_why_and_is_explained_on_its_page() -> None:
    page = TABLE.with_suffix(".md").read_text(encoding="utf-8")
    with TABLE.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    for row in rows:
        assert row["rule"], row
        assert f"## {row['rule']}" in page
