"""Every planted defect is seen, sound data pass, and data from elsewhere are judged fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from onearm import sdtm
from onearm.sdtm import conform
from tests.records.clinic import enter, records, screen_failure, small_study, subject
from tests.shared import needs_shared, shared

Domains = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def sound() -> Domains:
    story = [*subject(), *subject("02-001", sex="M"), *screen_failure()]
    story += enter("02-001 / DEATH / DEATH", DTHDAT="2020-06-01", DTHCAUS="CANCER")
    return sdtm.derive(small_study(), records(story))


def judge(domains: Domains, **options) -> list[str]:
    declared = conform.declared_terms(small_study())
    return [str(f) for f in conform.check(domains, declared=declared, **options)]


def test_what_we_derive_conforms(sound):
    # The small trial's own names for events and reasons are declared by its forms.
    assert judge(sound) == []


def put(name: str, variable: str, value: object, *, row: int = 0) -> Callable[[Domains], Domains]:
    """One value changed in one row."""

    def change(domains: Domains) -> Domains:
        frame = domains[name]
        new = frame[variable].to_list()
        new[row] = value
        changed = pl.Series(variable, new, dtype=frame.schema[variable])
        return {**domains, name: frame.with_columns(changed)}

    return change


def copy_row(name: str, **changes: object) -> Callable[[Domains], Domains]:
    """The first row once more, changed."""

    def change(domains: Domains) -> Domains:
        frame = domains[name]
        extra = frame.head(1).with_columns(
            pl.lit(v, frame.schema[k]).alias(k) for k, v in changes.items()
        )
        return {**domains, name: pl.concat([frame, extra])}

    return change


def columns(name: str, how: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Domains], Domains]:
    return lambda domains: {**domains, name: how(domains[name])}


def without(name: str) -> Callable[[Domains], Domains]:
    return lambda domains: {k: v for k, v in domains.items() if k != name}


DEFECTS: dict[str, tuple[Callable[[Domains], Domains], str]] = {
    "closed codelist": (
        put("DM", "SEX", "X"),
        "DM.SEX: the value is not in the codelist SEX, which is closed\n  (found X in 1 row",
    ),
    "extensible codelist": (
        put("TU", "TULOC", "LIVR"),
        "TU.TULOC: the value is not in the codelist LOC and not declared by the study",
    ),
    "unknown unit": (
        put("LB", "LBORRESU", "U per l"),
        "LB.LBORRESU: the value is not in the codelist UNIT",
    ),
    "sequence repeated": (put("AE", "AESEQ", 1, row=0), ""),
    "same sequence twice": (
        copy_row("AE", AETERM="other"),
        "AE.AESEQ: several rows share the sequence number USUBJID, AESEQ",
    ),
    "key repeated": (copy_row("LB", LBSEQ=99), "LB.LBTESTCD: several rows share the key"),
    "subject twice": (copy_row("DM", AGE=1), "DM.USUBJID: several rows share the key USUBJID"),
    "required column": (
        columns("AE", lambda f: f.drop("AETERM")),
        "AE.AETERM: required column AETERM (Reported Term for the Adverse Event) is missing",
    ),
    "type": (
        columns("VS", lambda f: f.with_columns(VSSTRESN=pl.col("VSSTRESC"))),
        "VS.VSSTRESN: expected float, found String",
    ),
    "order": (
        columns("EX", lambda f: f.select(*reversed(f.columns))),
        "the variables are not in the order of the specification",
    ),
    "unknown variable": (
        columns("AE", lambda f: f.with_columns(AEMOOD=pl.lit("x"))),
        "AE.AEMOOD: variable AEMOOD is not in the specification",
    ),
    "required empty": (
        put("AE", "AETERM", None),
        "AE.AETERM: AETERM (Reported Term for the Adverse Event) is required and empty",
    ),
    "required blank": (
        put("AE", "AEDECOD", ""),
        "AE.AEDECOD: AEDECOD (Dictionary-Derived Term) is required and empty",
    ),
    "date not ISO": (
        put("AE", "AESTDTC", "12.01.2020"),
        "AE.AESTDTC: the date is not one of the calendar written as ISO 8601\n  (found 12.01.2020",
    ),
    "date impossible": (
        put("LB", "LBDTC", "2021-02-29"),
        "LB.LBDTC: the date is not one of the calendar written as ISO 8601\n  (found 2021-02-29",
    ),
    "end before start": (put("AE", "AEENDTC", "2020-01"), ""),
    "end before start day": (
        put("AE", "AEENDTC", "2020-01-11"),
        "AE.AEENDTC: the end lies before the start\n  (found 2020-01-12 to 2020-01-11",
    ),
    "study day": (
        put("AE", "AESTDY", 2),
        "AE.AESTDY: AESTDY does not follow from AESTDTC and RFSTDTC\n  (found 2;",
    ),
    "study day zero": (put("LB", "LBDY", 0), "LB.LBDY: LBDY does not follow"),
    "not in DM": (
        put("VS", "USUBJID", "DEMO-09-09-001"),
        "DEMO-09-09-001 / VS.USUBJID: the subject has records in VS and none in DM",
    ),
    "visit not in SV": (
        put("LB", "VISITNUM", 77.0),
        "LB.VISITNUM: the visit is not in the subject's SV\n  (found 77.0;",
    ),
    "death flag alone": (
        put("DM", "DTHFL", "Y"),
        "DM.DTHDTC: the death flag is Y and the date of death is empty",
    ),
    "death date alone": (
        put("DM", "DTHFL", None, row=2),
        "DM.DTHFL: there is a date of death and no death flag\n  (found 2020-06-01;",
    ),
    "fatal and alive": (
        put("AE", "AEOUT", "FATAL"),
        "AE.AEOUT: the event was fatal and the subject is not dead in DM",
    ),
    "dose after death": (
        put("EX", "EXSTDTC", "2020-07-01", row=5),
        "EX.EXSTDTC: a dose is dated after the death\n  (found 2020-07-01;",
    ),
    "scan after death": (
        put("TR", "TRDTC", "2020-06-02", row=5),
        "TR.TRDTC: a record of TR is dated after the death",
    ),
    "death before contact": (
        put("DM", "DTHDTC", "2020-01", row=2),
        "a record of SV is dated after the death\n  (found 2020-02-21;",
    ),
    "first exposure": (
        put("DM", "RFXSTDTC", "2020-01-09"),
        "DM.RFXSTDTC: RFXSTDTC is not the first day of exposure in EX",
    ),
    "last exposure": (
        put("DM", "RFXENDTC", "2020-02-28"),
        "DM.RFXENDTC: RFXENDTC is not the last day of exposure in EX",
    ),
    "dangling qualifier": (
        put("SUPPAE", "IDVARVAL", "9"),
        "SUPPAE.IDVARVAL: the supplemental row has no parent in AE\n  (found 9;",
    ),
    "dangling subject qualifier": (
        put("SUPPDM", "USUBJID", "DEMO-01-01-009"),
        "SUPPDM.IDVARVAL: the supplemental row has no parent in DM",
    ),
    "parent absent": (without("AE"), "AE: dataset AE is missing; SUPPAE needs it"),
    "dangling relation": (
        put("RELREC", "IDVAR", "TULINK"),
        "RELREC.IDVAR: the relation names a record that is not there\n  (found TULINK;",
    ),
    "lesion never identified": (
        put("TR", "TRLNKID", "T09"),
        "TR.TRLNKID: the lesion is measured and was never identified in TU\n  (found T09;",
    ),
    "response without scan": (
        put("RS", "RSLNKGRP", "A999"),
        "RS.RSLNKGRP: the response has no lesion of its group in TR",
    ),
    "no lesions at all": (without("TU"), "TU: dataset TU is missing; TR needs it"),
    "two baselines": (
        put("LB", "LBLOBXFL", "Y"),
        "LB.LBLOBXFL: a test has two baselines\n  (found ALT;",
    ),
    "epoch outside its element": (
        put("AE", "EPOCH", "SCREENING"),
        "AE.EPOCH: EPOCH is not that of the subject's element on this date\n  (found SCREENING;",
    ),
    "qualifier name": (
        put("SUPPAE", "QNAM", "AERELATED"),
        "SUPPAE.QNAM: QNAM is not a name of at most 8 capital letters and digits",
    ),
    "letters beyond ASCII": (
        put("AE", "AETERM", "恶心"),
        "AE.AETERM: the value holds letters beyond ASCII\n  (found 恶心;",
    ),
    "too long": (put("AE", "AETERM", "x" * 201), "AE.AETERM: the value is longer than 200 bytes"),
    "number and text differ": (
        put("LB", "LBSTRESN", 8.5, row=3),
        "LB.LBSTRESN: LBSTRESN is not the number that LBSTRESC shows",
    ),
    "two standard units": (
        put("LB", "LBSTRESU", "g/L"),
        "LB.LBSTRESU: a test has results in several standard units\n  (found ALT in U/L, g/L",
    ),
    "number without unit": (
        put("LB", "LBSTRESU", None),
        "LB.LBSTRESU: a number has no unit although the test has one",
    ),
    "negative size": (
        put("TR", "TRSTRESN", -4.0, row=1),
        "TR.TRSTRESN: a size cannot be negative\n  (found -4.0;",
    ),
    "lesion moves": (
        copy_row("TU", TUSEQ=9, TULOC="LIVER", TUDTC="2020-03-01"),
        "TU.TULOC: a lesion changes its organ\n  (found NT01: LUNG, LIVER;",
    ),
    "role changes": (
        put("TR", "TRGRPID", "NON-TARGET", row=2),
        "TR.TRGRPID: a lesion changes its role\n  (found T01: TARGET, NON-TARGET;",
    ),
    "late target": (
        put("TU", "TUDTC", "2020-02-21", row=1),
        "TU.TUDTC: a target lesion is identified after treatment began\n  (found 2020-02-21;",
    ),
    "wrong sum": (
        copy_row(
            "TR",
            TRSEQ=9,
            TRLNKID=None,
            TRGRPID="TARGET",
            TRTESTCD="SUMDIAM",
            TRSTRESC="41.9",
            TRSTRESN=41.9,
            TRSTRESU="mm",
        ),
        "TR.TRSTRESN: the sum of diameters is not the sum of the target lesions\n  (found 41.9;",
    ),
    "no demographics": (without("DM"), "DM: dataset DM is missing; every trial needs it"),
}
QUIET = {name for name, (_, expected) in DEFECTS.items() if not expected}


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in DEFECTS if n not in QUIET])
def test_the_planted_defect_is_seen(sound, name):
    plant, expected = DEFECTS[name]
    assert any(expected in text for text in judge(plant(sound)))


@pytest.mark.parametrize("name", sorted(QUIET))
def test_what_may_be_right_is_let_pass(sound, name):
    # The same number again, and an end whose month includes the start.
    plant, _ = DEFECTS[name]
    assert not [t for t in judge(plant(sound)) if "end lies" in t or "sequence" in t]


def test_a_date_after_the_cut_is_seen(sound):
    assert any(
        "the date lies after the data cut, 2020-02-20" in t
        for t in judge(sound, cut=date(2020, 2, 20))
    )


def test_a_right_sum_is_no_finding(sound):
    right = copy_row(
        "TR",
        TRSEQ=9,
        TRLNKID=None,
        TRGRPID="TARGET",
        TRTESTCD="SUMDIAM",
        TRSTRESC="42",
        TRSTRESN=42.0,
        TRSTRESU="mm",
    )
    assert not [t for t in judge(right(sound)) if "sum of diameters" in t]


def test_a_term_that_nobody_declares_is_seen():
    made = sdtm.derive(small_study(), records(subject()))
    found = [str(f) for f in conform.check(made)]
    assert any("DS.DSDECOD: the value is not in the codelist" in t for t in found)


def test_of_many_rows_a_few_are_shown_and_the_rest_counted(sound):
    wrong = sound["LB"].with_columns(LBDY=pl.lit(999, pl.Int32))
    found = [t for t in judge({**sound, "LB": wrong}) if "LB.LBDY" in t]
    assert len(found) == 6
    assert f"found {wrong.height - 5} more rows" in found[-1]


FILES = ["dm", "ae", "cm", "ds", "ex", "lb", "mh", "vs", "sv", "suppae", "suppdm", "suppds"]


@pytest.fixture(scope="module")
def foreign() -> Domains:
    folder = shared("pharmaverse", "sdtm")
    made = {name.upper(): pl.read_parquet(folder / f"{name}.parquet") for name in FILES}
    return made | {
        d.upper(): pl.read_parquet(folder / f"{d}_onco.parquet") for d in ("tu", "tr", "rs")
    }


@needs_shared
def test_data_from_elsewhere_are_judged_in_a_second(foreign):
    started = time.process_time()
    conform.check(foreign)
    # 2 s of processor time on two cores; on an idle machine it takes 0.4 s of the clock.
    assert time.process_time() - started < 2.0


@needs_shared
def test_what_is_found_in_data_from_elsewhere_is_true(foreign):
    found = conform.check(foreign)
    days = [f for f in found if f.message.startswith("TRDY")]
    first = foreign["DM"].select("USUBJID", "RFSTDTC")
    shown = (
        foreign["TR"].join(first, on="USUBJID").filter(pl.col("USUBJID") == days[0].place.subject)
    )
    wrong = shown.filter(pl.col("TRDY") == days[0].value).row(0, named=True)
    counted = (date.fromisoformat(wrong["TRDTC"]) - date.fromisoformat(wrong["RFSTDTC"])).days + 1
    assert counted != wrong["TRDY"]
    assert not [
        f for f in found if f.message.startswith(("RFX", "the subject has records", "a size"))
    ]


@needs_shared
def test_a_subject_missing_from_foreign_demographics_is_named(foreign):
    someone = foreign["TU"]["USUBJID"][0]
    fewer = {**foreign, "DM": foreign["DM"].filter(pl.col("USUBJID") != someone)}
    assert any(
        f.place.subject == someone and "none in DM" in f.message for f in conform.check(fewer)
    )
