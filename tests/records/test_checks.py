"""Edit checks and standing checks: what is found, and in which words."""

from __future__ import annotations

import pytest

from onearm.records import check
from tests.records.clinic import enter, records, screen_failure, small_study, subject

S = "01-001 / SCREENING"
DM = {"RFICDAT": "2020-01-02", "AGE": 60, "SEX": "M"}


def said(*rows) -> str:
    return "\n".join(str(f) for f in check(small_study(), records(*rows)))


def rules(*rows) -> set[str]:
    return {f.rule for f in check(small_study(), records(*rows))}


BAD = {
    "a whole number": (
        enter(f"{S} / DM", **{**DM, "AGE": "6O"}),
        f"{S} / DM.AGE: is not a whole number\n  (found 6O; rule item.type). Write it as in 42.",
    ),
    "a number": (
        enter(f"{S} / LB", ALT="4,1"),
        f"{S} / LB.ALT: is not a number\n  (found 4,1; rule item.type). Write it as in 4.5.",
    ),
    "a number in powers": (enter(f"{S} / LB", ALT="1e3"), "LB.ALT: is not a number"),
    "not a number at all": (enter(f"{S} / LB", ALT="NaN"), "LB.ALT: is not a number"),
    "a date": (
        enter(f"{S} / DM", **{**DM, "RFICDAT": "02/01/2020"}),
        "DM.RFICDAT: is not a complete date\n  (found 02/01/2020; rule item.type)",
    ),
    "a day of the calendar": (
        enter(f"{S} / DM", **{**DM, "RFICDAT": "2021-02-29"}),
        "DM.RFICDAT: is not a complete date\n  (found 2021-02-29",
    ),
    "a partial date": (
        enter(f"{S} / DM", **DM, BRTHDAT="1960-13"),
        "DM.BRTHDAT: is not a date, nor the year or the month of one\n  (found 1960-13",
    ),
    "a time": (enter(f"{S} / VS", WEIGHT=60, VSTIM="25:00"), "VS.VSTIM: is not a time of day"),
    "an answer of the form": (
        enter(f"{S} / DM", **{**DM, "SEX": "m"}),
        "DM.SEX: Sex is not one of its answers\n  (found m; rule item.codelist)",
    ),
    "yes or no": (
        enter("01-001 / LOG / AE 1", AETERM="x", AEREL="yes"),
        "AE.AEREL: event 1: Related is not one of its answers",
    ),
    "a code of the study's list": (
        enter("01-001 / LOG / AE 1", AETERM="x", AECODE="Nausee"),
        (
            "AE.AECODE: event 1: Coded term is not one of its answers\n"
            "  (found Nausee; rule item.codelist). Did you mean Nausea?"
        ),
    ),
    "a term of CDISC": (
        enter(f"{S} / DM", **DM, RACE="ASIEN"),
        (
            "DM.RACE: Race is not one of its answers\n  (found ASIEN; rule item.codelist). "
            "Did you mean ASIAN?"
        ),
    ),
    "not below the range": (
        enter(f"{S} / VS", WEIGHT="29.9"),
        (
            "VS.WEIGHT: Weight is expected to be at least 30 and at most 150\n"
            "  (found 29.9 kg; rule item.range). Correct the value, or confirm it."
        ),
    ),
    "not above the range": (
        enter("01-001 / LOG / AE 1", AETERM="x", AETOXGR=6),
        "AE.AETOXGR: event 1: Grade is expected to be at least 1 and at most 5\n  (found 6",
    ),
    "few digits": (
        enter(f"{S} / VS", WEIGHT="60.25"),
        "VS.WEIGHT: Weight has more than 1 digits after the point\n  (found 60.25 kg",
    ),
    "there when required": (
        enter(f"{S} / VS", SYSBP=120, DIABP=80),
        "VS.WEIGHT: Weight is missing\n  (rule item.required). Enter the value, or why",
    ),
    "there when asked": (
        enter(f"{S} / DM", **{**DM, "SEX": "F"}),
        "DM.PREGNANT: Pregnant is missing",
    ),
    "absent when not asked": (
        enter(f"{S} / DM", **DM, PREGNANT="N"),
        "DM.PREGNANT: Pregnant must be empty: it is asked only when SEX = 'F'\n  (found N;",
    ),
    "as calculated": (
        enter(f"{S} / VS", WEIGHT=60, SYSBP=120, DIABP=90, MEAN="90"),
        "VS.MEAN: Mean pressure differs from what the form's rule makes of it, 100.0\n  (found 90",
    ),
    "an end after its start": (
        enter("01-001 / LOG / AE 1", AETERM="x", AESTDAT="2020-02-10", AEENDAT="2020-01"),
        "AE.AEENDAT: event 1: End lies before Start\n  (found 2020-02-10 to 2020-01;",
    ),
    "fit within the form": (
        enter(f"{S} / VS", WEIGHT=60, SYSBP=80, DIABP=120),
        (
            f"{S} / VS: the systolic pressure is above the diastolic\n"
            "  (found SYSBP 80, DIABP 120; rule VS-001)."
        ),
    ),
    "fit at that visit": (
        enter(f"{S} / TUMOR 1", LESID="T01", LESROLE="TARGET", LESDIAM="4.0"),
        (
            f"{S} / TUMOR.LESDIAM: lesion 1: a target tumour measures at least 10 mm at screening\n"
            "  (found 4.0 mm; rule TUM-012). Correct the diameter, or follow it as a"
        ),
    ),
    "fit with another form": (
        [*enter(f"{S} / DM", **{**DM, "AGE": 17}), *enter(f"{S} / VS", WEIGHT=60)],
        f"{S} / VS: only adults are measured\n  (rule VS-009).",
    ),
    "fit with the visit before": (
        [
            *enter(f"{S} / VISIT", VISDAT="2020-01-03"),
            *enter(f"{S} / VS", WEIGHT="60"),
            *enter("01-001 / CYCLE 1 / VISIT", VISDAT="2020-01-10"),
            *enter("01-001 / CYCLE 1 / VS", WEIGHT="70"),
        ],
        (
            "01-001 / CYCLE / VS.WEIGHT: the weight is within 10 % of the visit before\n"
            "  (found 70.0 kg; rule VS-002). Check the scale."
        ),
    ),
    "comparable": (
        enter("01-001 / LOG / AE 1", AETERM="x", AETOXGR=2),
        "the check 'AETOXGR = AETERM' cannot be judged on these values",
    ),
    "in its window": (
        [
            *enter("01-001 / LOG / EX 1", EXTRT="DRUG A", EXSTDAT="2020-01-10"),
            *enter("01-001 / CYCLE 2 / VISIT", VISDAT="2020-02-04"),
        ],
        (
            "01-001 / CYCLE 2 / VISIT.VISDAT: the visit took place 4 days after its planned day\n"
            "  (found 2020-02-04; rule visit.window). The window is -3 to +3 days;"
        ),
    ),
    "early enough": (
        [
            *enter("01-001 / LOG / EX 1", EXTRT="DRUG A", EXSTDAT="2020-01-30"),
            *enter("01-001 / SCREENING / VISIT", VISDAT="2020-01-01"),
        ],
        "VISIT.VISDAT: the visit took place 22 days before its planned day",
    ),
    "complete": (
        enter("01-001 / CYCLE 2 / VISIT", VISDAT="2020-01-31"),
        "01-001 / CYCLE 2 / LB: the form LB is expected at this visit",
    ),
}


@pytest.mark.parametrize("case", BAD, ids=BAD.keys())
def test_what_is_not(case):
    rows, expected = BAD[case]
    assert expected in said(rows)


GOOD = {
    "item.type": enter(f"{S} / LB", ALT=" 41.0 ", BILI="<0.1", AFP="> 1000"),
    "item.codelist": enter(f"{S} / DM", **DM, RACE="ASIAN"),
    "item.range": enter(f"{S} / VS", WEIGHT="30.0"),
    "item.decimals": enter(f"{S} / VS", WEIGHT="60.2"),
    "item.required": enter(f"{S} / VS", WEIGHT="!ND"),
    "item.skip": enter(f"{S} / DM", **{**DM, "SEX": "F"}, PREGNANT="N"),
    "item.calculated": enter(f"{S} / VS", WEIGHT=60, SYSBP=121, DIABP=90, MEAN="100"),
    "item.end_before_start": enter(
        "01-001 / LOG / AE 1", AETERM="x", AESTDAT="2020-02-10", AEENDAT="2020"
    ),
    "VS-001": enter(f"{S} / VS", WEIGHT=60, SYSBP=120),
    "VS-002": [
        *enter(f"{S} / VS", WEIGHT="60"),
        *enter("01-001 / CYCLE 1 / VS", WEIGHT="66"),
    ],
    "TUM-012": enter(f"{S} / TUMOR 1", LESID="T01", LESROLE="TARGET", LESDIAM="10"),
    "visit.window": [
        *enter("01-001 / LOG / EX 1", EXTRT="DRUG A", EXSTDAT="2020-01-10"),
        *enter("01-001 / CYCLE 2 / VISIT", VISDAT="2020-02-03"),
    ],
}


@pytest.mark.parametrize("rule", GOOD)
def test_a_value_just_inside_a_rule_is_no_finding(rule):
    assert rule not in rules(GOOD[rule])


def test_previous_is_the_same_lesion_and_not_the_row_above():
    made = [
        *enter(f"{S} / VS", WEIGHT="60"),
        *enter("01-002 / SCREENING / VS", WEIGHT="90"),
        *enter("01-002 / CYCLE 1 / VS", WEIGHT="91"),
    ]
    assert "VS-002" not in rules(made)


def test_a_clean_patient_has_no_error_but_the_check_that_cannot_be_judged():
    found = check(small_study(), records(subject(), screen_failure()))
    assert {f.rule for f in found if f.severity == "error"} == {"AE-077"}


def test_findings_come_in_the_order_of_patients():
    found = check(small_study(), records(subject("02-001"), subject("01-001")))
    places = [f.place.subject for f in found]
    assert places == sorted(places)
