"""One small patient, written out by hand: what each domain must say."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from onearm import sdtm
from tests.records.clinic import enter, records, screen_failure, small_study, subject

ONE = "DEMO-01-01-001"


@pytest.fixture(scope="module")
def domains():
    return sdtm.derive(small_study(), records(subject(), screen_failure()))


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple]:
    return frame.filter(pl.col("USUBJID") == ONE).select(columns).rows()


def test_the_datasets_come_in_the_order_of_the_standard(domains):
    assert list(domains) == [
        "DM",
        "SUPPDM",
        "SE",
        "SV",
        "EX",
        "AE",
        "SUPPAE",
        "DS",
        "IE",
        "VS",
        "LB",
        "RS",
        "TU",
        "SUPPTR",
        "TR",
        "RELREC",
        "TA",
        "TE",
        "TV",
        "TD",
        "TI",
        "TS",
    ]


def test_every_dataset_has_the_columns_and_types_of_its_specification(domains):
    for name, frame in domains.items():
        spec = sdtm.specs()["SUPPQUAL" if name.startswith("SUPP") else name]
        assert frame.schema == spec.empty().schema


def test_the_treated_subject(domains):
    dm = domains["DM"].row(by_predicate=pl.col("USUBJID") == ONE, named=True)
    expected = {
        "STUDYID": "DEMO",
        "SUBJID": "01-001",
        "SITEID": "01",
        "COUNTRY": "CHN",
        "SEX": "F",
        "RFICDTC": "2020-01-02",
        "RFSTDTC": "2020-01-10",
        "RFXSTDTC": "2020-01-10",
        # the pause from 16 February on is no exposure
        "RFXENDTC": "2020-02-15",
        "RFENDTC": "2020-02-15",
        "RFPENDTC": "2020-02-21",
        # born on a 29 February, 60 on 1 March 2020: still 59 at consent
        "BRTHDTC": "1960-02-29",
        "AGE": 59,
        "AGEU": "YEARS",
        "DTHFL": None,
        "DTHDTC": None,
        "ARMCD": "AB",
        "ARM": "Drug A and drug B",
        "ACTARMCD": "AB",
        "ARMNRS": None,
    }
    assert {name: dm[name] for name in expected} == expected


def test_the_screen_failure(domains):
    dm = domains["DM"].row(by_predicate=pl.col("SUBJID") == "01-002", named=True)
    assert (dm["ARMCD"], dm["ARM"], dm["ACTARMCD"], dm["ARMNRS"]) == (
        None,
        None,
        None,
        "SCREEN FAILURE",
    )
    assert (dm["RFSTDTC"], dm["AGE"]) == (None, 55)


def test_only_criteria_that_were_not_met_are_tabulated(domains):
    ie = (
        domains["IE"].select("USUBJID", "IETESTCD", "IETEST", "IECAT", "IEORRES", "IESTRESC").rows()
    )
    assert ie == [("DEMO-01-01-002", "EX01", "Varices that bled", "EXCLUSION", "Y", "Y")]


def test_elements_follow_one_another(domains):
    assert rows(domains["SE"], "SESEQ", "ETCD", "SESTDTC", "SEENDTC", "SESTDY", "EPOCH") == [
        (1, "SCREENIN", "2020-01-02", "2020-01-10", -8, "SCREENING"),
        (2, "TREATMEN", "2020-01-10", None, 1, "TREATMENT"),
    ]


def test_visits_have_names_numbers_planned_and_actual_days(domains):
    columns = ("VISITNUM", "VISIT", "VISITDY", "SVSTDTC", "SVSTDY", "SVENDY", "EPOCH", "SVOCCUR")
    assert rows(domains["SV"], *columns) == [
        (1.0, "SCREENING", -7, "2020-01-03", -7, -7, "SCREENING", "Y"),
        (101.0, "CYCLE 1", 1, "2020-01-10", 1, 1, "TREATMENT", "Y"),
        (102.0, "CYCLE 2", 22, "2020-01-31", 22, 22, "TREATMENT", "Y"),
        (301.0, "SCAN 1", 43, "2020-02-21", 43, 43, "TREATMENT", "Y"),
    ]


def test_doses_are_numbered_by_drug_and_day(domains):
    assert rows(
        domains["EX"], "EXSEQ", "EXSPID", "EXTRT", "EXDOSE", "EXSTDTC", "EXENDY", "VISIT"
    ) == [
        (1, "EX-1", "DRUG A", 10.0, "2020-01-10", 37, None),
        (2, "EX-2", "DRUG A", 0.0, "2020-02-16", 50, None),
        (3, "EX-3", "DRUG B", 200.0, "2020-01-10", 1, None),
    ]


def test_an_event_takes_its_organ_class_from_the_codelist(domains):
    columns = ("AETERM", "AEDECOD", "AEBODSYS", "AESTDY", "AEENDY", "AETOXGR", "EPOCH", "AEENTPT")
    assert rows(domains["AE"], *columns) == [
        ("felt sick", "Nausea", "Gastrointestinal disorders", 3, 53, "2", "TREATMENT", None)
    ]
    assert rows(domains["SUPPAE"], "RDOMAIN", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL") == [
        ("AE", "AESEQ", "1", "AERELA", "Related", "Y")
    ]


def test_laboratory_results_in_standard_units_with_ranges_and_baseline(domains):
    columns = (
        "LBTESTCD",
        "VISITNUM",
        "LBORRES",
        "LBORRESU",
        "LBSTRESC",
        "LBSTRESN",
        "LBSTRESU",
        "LBORNRHI",
        "LBSTNRHI",
        "LBNRIND",
        "LBLOBXFL",
    )
    assert rows(domains["LB"].sort("LBSEQ"), *columns) == [
        ("ALT", 1.0, "41", "U/L", "41", 41.0, "U/L", "40", 40.0, "HIGH", None),
        ("ALT", 101.0, "51", "U/L", "51", 51.0, "U/L", "40", 40.0, "HIGH", "Y"),
        ("ALT", 102.0, "6", "U/L", "6", 6.0, "U/L", "40", 40.0, "LOW", None),
        # 0.5 x 17.1 = 8.55, 1.30 x 17.1 = 22.23; the range is in umol/L, not in mg/dL
        ("BILI", 1.0, "0.5", "mg/dL", "8.6", 8.6, "umol/L", None, 22.2, "NORMAL", None),
        ("BILI", 101.0, "1.30", "mg/dL", "22.2", 22.2, "umol/L", None, 22.2, "NORMAL", "Y"),
        ("AFP", 1.0, "<1.3", "ng/mL", "<1.3", None, "ug/L", None, None, None, "Y"),
    ]
    assert set(domains["LB"]["LBSPEC"]) == {"SERUM"}
    assert dict(domains["LB"].select("LBTESTCD", "LBCAT").rows())["AFP"] == "TUMOR MARKERS"


def test_vital_signs_take_the_date_of_the_visit(domains):
    columns = ("VSTESTCD", "VSTEST", "VSPOS", "VSORRES", "VSSTRESC", "VSSTRESU", "VSDTC", "VSDY")
    assert rows(domains["VS"], *columns) == [
        ("DIABP", "Diastolic Blood Pressure", "SITTING", "80", "80", "mmHg", "2020-01-03", -7),
        # 65 x 2.54 = 165.1
        ("HEIGHT", "Height", None, "65", "165.1", "cm", "2020-01-03", -7),
        ("SYSBP", "Systolic Blood Pressure", "SITTING", "120", "120", "mmHg", "2020-01-03", -7),
        ("WEIGHT", "Weight", None, "61.5", "61.5", "kg", "2020-01-03", -7),
    ]


def test_a_lesion_is_identified_once_and_measured_at_each_scan(domains):
    assert rows(domains["TU"], "TULNKID", "TUTESTCD", "TUSTRESC", "TULOC", "TUEVAL", "VISIT") == [
        ("NT01", "TUMIDENT", "NON-TARGET", "LUNG", "INVESTIGATOR", "SCREENING"),
        ("T01", "TUMIDENT", "TARGET", "LIVER", "INVESTIGATOR", "SCREENING"),
    ]
    columns = ("TRLNKID", "TRTESTCD", "TRSTRESC", "TRSTRESN", "TRSTRESU", "TRLNKGRP", "TRLOBXFL")
    assert rows(domains["TR"], *columns) == [
        ("NT01", "TUMSTATE", "PRESENT", None, None, "A1", "Y"),
        ("T01", "LDIAM", "42", 42.0, "mm", "A1", "Y"),
        ("T01", "LDIAM", "28.5", 28.5, "mm", "A301", None),
    ]
    assert rows(domains["SUPPTR"], "IDVARVAL", "QNAM", "QVAL") == [("2", "SLICE", "5.0")]


def test_the_response_is_tied_to_its_scan(domains):
    columns = ("RSTESTCD", "RSCAT", "RSSTRESC", "RSLNKGRP", "RSDTC", "RSDY")
    assert rows(domains["RS"], *columns) == [
        ("OVRLRESP", "RECIST 1.1", "PR", "A301", "2020-02-22", 44)
    ]
    assert domains["RELREC"].select("RDOMAIN", "IDVAR", "RELTYPE", "RELID").rows() == [
        ("TU", "TULNKID", "ONE", "TUTR"),
        ("TR", "TRLNKID", "MANY", "TUTR"),
        ("TR", "TRLNKGRP", "MANY", "TRRS"),
        ("RS", "RSLNKGRP", "MANY", "TRRS"),
    ]


def test_a_measurement_that_was_not_done_says_so_where_the_form_keeps_it():
    made = sdtm.derive(
        small_study(), records(subject(), enter("01-001 / CYCLE 1 / VS", WEIGHT="!ND", SYSBP=110))
    )
    vs = (
        made["VS"]
        .filter(pl.col("VISITNUM") == 101)
        .select("VSTESTCD", "VSORRES", "VSSTAT", "VSREASND")
    )
    assert vs.rows() == [("SYSBP", "110", None, None), ("WEIGHT", None, "NOT DONE", "NOT DONE")]


def test_a_death_of_which_only_the_month_is_known():
    story = [*subject(), *enter("01-001 / DEATH / DEATH", DTHDAT="2020-05", DTHCAUS="CANCER")]
    made = sdtm.derive(small_study(), records(story))
    assert rows(made["DM"], "DTHDTC", "DTHFL", "RFPENDTC") == [("2020-05", "Y", "2020-05")]
    assert rows(made["DD"], "DDTESTCD", "DDTEST", "DDORRES", "DDDTC", "DDDY", "EPOCH") == [
        ("PRCDTH", "Primary Cause of Death", "CANCER", "2020-05", None, "FOLLOW-UP")
    ]


def test_follow_up_begins_the_day_after_the_last_dose_once_all_drugs_have_ended():
    both = [
        *enter("01-001 / EOT / EOT 1", EOTTRT="DRUG A", EOTDAT="2020-03-01", EOTREAS="DEATH"),
        *enter("01-001 / EOT / EOT 2", EOTTRT="DRUG B", EOTDAT="2020-03-01", EOTREAS="DEATH"),
    ]
    one, two = (sdtm.derive(small_study(), records(subject(), s)) for s in (both[:3], both))
    assert rows(one["SE"], "EPOCH")[-1] == ("TREATMENT",)
    assert rows(two["SE"], "EPOCH", "SESTDTC")[-1] == ("FOLLOW-UP", "2020-02-16")
    assert rows(two["DS"], "DSDECOD", "DSSCAT", "DSSPID")[:2] == [
        ("DEATH", "STUDY TREATMENT", "EOT-1"),
        ("DEATH", "STUDY TREATMENT", "EOT-2"),
    ]
    assert rows(two["SUPPDS"], "IDVARVAL", "QVAL") == [("1", "DRUG A"), ("2", "DRUG B")]


def test_enrolled_and_never_dosed():
    story = [
        *enter("01-003 / SCREENING / DM", RFICDAT="2020-02-01", AGE=55, SEX="M"),
        *enter("01-003 / SCREENING / ENROL", ENDAT="2020-02-03", ENSTAT="ENROLLED"),
    ]
    dm = sdtm.derive(small_study(), records(story))["DM"].row(0, named=True)
    assert (dm["ARMCD"], dm["ACTARMCD"], dm["ARMNRS"]) == ("AB", None, "ASSIGNED, NOT TREATED")


def test_in_screening_when_the_data_were_cut():
    story = enter("01-003 / SCREENING / DM", RFICDAT="2020-02-01", AGE=55, SEX="M")
    dm = sdtm.derive(small_study(), records(story))["DM"].row(0, named=True)
    assert (dm["ARMCD"], dm["ARMNRS"]) == (None, "NOT ASSIGNED")


def test_an_event_open_at_the_cut_names_the_cut_as_its_reference():
    made = sdtm.derive(small_study(), records(subject(), cut=date(2020, 2, 1)))
    assert rows(made["AE"], "AEENDTC", "AEENRTPT", "AEENTPT") == [(None, "ONGOING", "2020-02-01")]


def test_without_any_subject_there_is_only_the_design():
    made = sdtm.derive(small_study(), records([]))
    assert list(made) == ["TA", "TE", "TV", "TD", "TI", "TS"]


def test_the_design_says_what_the_study_files_say(domains):
    assert domains["TD"].drop("STUDYID", "DOMAIN").rows() == [
        (1, "RFSTDTC", "P0D", "P42D", "P35D", "P49D", 3),
        (2, "RFSTDTC", "P126D", "P63D", "P56D", "P70D", 197),
    ]
    assert domains["TI"].select("IETESTCD", "IECAT").rows() == [
        ("EX01", "EXCLUSION"),
        ("IN01", "INCLUSION"),
    ]
    ts = dict(domains["TS"].select("TSPARMCD", "TSVAL").rows())
    assert (ts["TCNTRL"], ts["RANDOM"], ts["PLANSUB"], ts["ACTSUB"]) == ("NONE", "N", "4", "1")
    tv = domains["TV"].select("VISITNUM", "VISIT", "VISITDY").rows()
    assert (102.0, "CYCLE 2", 22) in tv
    assert (103.0, "CYCLE 3", 43) not in tv
