"""A spreadsheet of lesions: every bad cell is named, and the good subjects are answered."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from onearm.response.tool import VISITS, Answer, respond

GOOD = {
    "subject": "01",
    "visit": "SCREENING",
    "date": "2021-01-04",
    "lesion": "T01",
    "role": "target",
    "organ": "liver",
    "node": "n",
    "diameter_mm": "50",
    "state": "",
    "first_dose": "2021-01-10",
}
WEEK6 = {"visit": "WEEK 6", "date": "2021-02-22"}
WEEK12 = {"visit": "WEEK 12", "date": "2021-04-05"}


def sheet(*rows: dict[str, str]) -> Answer:
    return respond(pl.DataFrame([GOOD | row for row in rows]), source="lesions.csv")


def errors(answer: Answer) -> list[str]:
    return [str(x) for x in answer.findings if x.severity == "error"]


def test_a_good_sheet_is_answered_without_a_word() -> None:
    answer = sheet({}, WEEK6 | {"diameter_mm": "30"}, WEEK12 | {"diameter_mm": "29.5"})
    assert answer.findings == ()
    assert tuple(answer.visits.columns) == VISITS
    assert answer.visits["sum_mm"].to_list() == [50.0, 30.0, 29.5]
    assert answer.visits["overall"].to_list() == [None, "PR", "PR"]
    best = answer.best.row(0, named=True)
    assert (best["response"], best["date"]) == ("PR", date(2021, 2, 22))


def test_a_message_names_file_line_subject_visit_lesion_value_rule_and_what_to_do() -> None:
    answer = sheet({"diameter_mm": "4"})
    (text,) = errors(answer)
    assert text == (
        "lesions.csv:2: 01 / SCREENING / T01.diameter_mm: T01 cannot be a target lesion: 4 mm; "
        "at least 10 mm are needed here\n"
        "  (found 4; rule RECIST 1.1, 3.1.1). "
        "Correct the entry, or follow it as a non-target lesion."
    )
    assert answer.best.height == answer.visits.height == 0


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ([{}, WEEK6 | {"diameter_mm": "-3"}], 3, "the diameter is negative"),
        ([{}, WEEK6 | {"diameter_mm": "big"}], 3, "the diameter is not a number"),
        ([{}, WEEK6 | {"diameter_mm": "31,5"}], 3, "the diameter has a decimal comma"),
        ([{}, WEEK6 | {"state": "abscent", "diameter_mm": ""}], 3, "Did you mean 'absent'?"),
        ([{}, WEEK6 | {"role": "primary"}], 3, "the role is not known"),
        ([{}, WEEK6 | {"node": "perhaps"}], 3, "the node column says neither yes nor no"),
        ([{}, WEEK6 | {"date": "2021-02-30"}], 3, "is not a day of the calendar"),
        ([{}, WEEK6 | {"date": "22/02/2021"}], 3, "is not a full date"),
        ([{}, WEEK6 | {"date": "0021-02-22"}], 3, "is not a day of the calendar"),
        ([{}, WEEK6 | {"date": ""}], 3, "the date is empty"),
        ([{}, WEEK6 | {"subject": ""}], 3, "the subject is empty"),
        ([{}, WEEK6 | {"date": "2020-12-01"}], 3, "before the baseline scan"),
        ([{}, WEEK6 | {"organ": "lung"}], 3, "the organ was 'liver' in line 2"),
        ([{}, WEEK6 | {"role": "non-target"}], 3, "the role was 'target' in line 2"),
        ([{}, WEEK6 | {"node": "y"}], 3, "the node was 'n' in line 2"),
        ([{}, WEEK6 | {"lesion": "T02"}], 3, "a target lesion is added after baseline"),
        ([{}, {}], 3, "this lesion and visit are in line 2 already"),
        ([{"role": "new"}], 2, "a new lesion is entered at baseline"),
        ([{"diameter_mm": "", "state": "absent"}], 2, "has no diameter at baseline"),
        ([{}, WEEK6 | {"state": "present"}], 3, "the state does not fit a target lesion"),
        ([{}, WEEK6 | {"state": "absent"}], 3, "the lesion is absent and has a diameter"),
        (
            [{}, WEEK6 | {"state": "measured", "diameter_mm": ""}],
            3,
            "the lesion is measured and has no diameter",
        ),
        ([{"node": "y", "diameter_mm": "14.9"}], 2, "a target node measures 15 mm"),
        ([{}, WEEK6 | {"first_dose": "2021-01-11"}], 3, "first_dose differs from line 2"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(
    rows: list[dict[str, str]], line: int, words: str
) -> None:
    answer = sheet(*rows, {"subject": "02"}, WEEK6 | {"subject": "02"})
    found = [x for x in answer.findings if x.severity == "error" and words in str(x)]
    assert [x.place.line for x in found] == [line], errors(answer)
    assert all(x.hint for x in found)
    assert "02" in answer.visits["subject"]


def test_a_sixth_target_is_named_at_its_line() -> None:
    organs = ("liver", "lung", "spleen", "kidney", "adrenal", "skin")
    answer = sheet(*({"lesion": f"T0{n}", "organ": x} for n, x in enumerate(organs, start=1)))
    (finding,) = [x for x in answer.findings if x.severity == "error"]
    assert finding.place.line == 7
    assert "there are 6 target lesions; at most 5" in finding.message


def test_a_third_target_of_an_organ_is_named_and_nodes_are_one_organ() -> None:
    nodes = [
        {"lesion": f"T0{n}", "organ": x, "node": "y", "diameter_mm": "20"}
        for n, x in enumerate(("neck", "groin", "mediastinum"), start=1)
    ]
    (finding,) = [x for x in sheet(*nodes).findings if x.severity == "error"]
    assert finding.place.line == 4
    assert "3 target lesions in one organ (lymph nodes)" in finding.message


def test_all_problems_are_reported_in_one_pass_and_by_line() -> None:
    answer = sheet(
        {"diameter_mm": "x"}, WEEK6 | {"date": "soon"}, {"subject": "02", "role": "?"},
        {"subject": "03"}, WEEK6 | {"subject": "03", "diameter_mm": "35"},
    )  # fmt: skip
    lines = [x.place.line for x in answer.findings if x.severity == "error"]
    assert lines == [2, 3, 4]
    assert answer.best["subject"].to_list() == ["03"]
    assert answer.best["response"].to_list() == ["SD"]


def test_a_bad_baseline_row_does_not_raise_false_alarms_about_later_rows() -> None:
    answer = sheet({"date": "2021-13-01"}, WEEK6)
    assert len(errors(answer)) == 1
    answer = sheet({"diameter_mm": "50,5"}, WEEK6)
    assert len(errors(answer)) == 1


@pytest.mark.parametrize(
    ("column", "words"), [("date", "the column date is missing"), ("lesion", "lesion is missing")]
)
def test_a_missing_column_is_named(column: str, words: str) -> None:
    answer = respond(pl.DataFrame([GOOD]).drop(column), source="lesions.csv")
    assert any(words in x for x in errors(answer))
    assert answer.best.height == 0


def test_a_column_that_is_there_twice_is_an_error_and_line_is_an_ordinary_name() -> None:
    twice = pl.DataFrame([GOOD]).with_columns(pl.lit("x").alias("Organ "))
    assert "organ: the column is there more than once" in errors(respond(twice))[0]
    extra = pl.DataFrame([GOOD]).with_columns(pl.lit("B").alias("line"))
    assert not respond(extra).has_errors


def test_a_misspelt_column_is_pointed_out() -> None:
    table = pl.DataFrame([GOOD]).rename({"diameter_mm": "diametr_mm", "organ": "organ "})
    answer = respond(table)
    texts = " ".join(str(x) for x in answer.findings)
    assert "the column diametr_mm is not known and not read" in texts
    assert "Did you mean 'diameter_mm'?" in texts


def test_a_lesion_without_a_row_and_a_late_nontarget_are_warnings() -> None:
    answer = sheet(
        {}, {"lesion": "T02"}, WEEK6 | {"diameter_mm": "40"},
        WEEK6 | {"lesion": "NT1", "role": "non-target", "state": "present", "diameter_mm": ""},
    )  # fmt: skip
    texts = " ".join(str(x) for x in answer.findings)
    assert not answer.has_errors
    assert "no row for T02 at this visit; counted as not assessed" in texts
    assert "a non-target lesion is added after baseline" in texts
    assert answer.visits["overall"].to_list() == [None, "NE"]


def test_without_a_first_dose_the_baseline_scan_is_day_zero_and_that_is_said() -> None:
    answer = sheet({"first_dose": ""}, WEEK6 | {"first_dose": "", "diameter_mm": "49"})
    assert [x.severity for x in answer.findings] == ["note"]
    assert answer.best["response"].to_list() == ["SD"]
    assert "day 49 from the start" in answer.best["reason"][0]


def test_scans_of_one_visit_far_apart_and_an_old_baseline_are_warnings() -> None:
    answer = sheet(
        {"date": "2020-11-01"}, {"lesion": "T02", "date": "2020-12-20"}, WEEK6,
        WEEK6 | {"lesion": "T02"},
    )  # fmt: skip
    texts = " ".join(str(x) for x in answer.findings)
    assert "the scans of SCREENING are 49 days apart" in texts
    assert "70 days before the first dose; at most 28" in texts


def test_words_may_be_written_as_people_write_them() -> None:
    answer = sheet(
        {"role": "Target"}, {"lesion": "NT1", "role": "NT", "state": "Present", "diameter_mm": ""},
        WEEK6 | {"state": "too small to measure", "diameter_mm": ""},
        WEEK6 | {"lesion": "NT1", "role": "nontarget", "state": "gone", "diameter_mm": ""},
        WEEK12 | {"state": "NE", "diameter_mm": ""},
        WEEK12 | {"lesion": "NT1", "role": "nontarget", "state": "gone", "diameter_mm": ""},
    )  # fmt: skip
    assert not answer.has_errors
    assert answer.visits["overall"].to_list() == [None, "PR", "NE"]


def test_every_reader_is_answered_apart() -> None:
    answer = sheet(
        {"reader": "A"}, WEEK6 | {"reader": "A", "diameter_mm": "30"},
        {"reader": "B"}, WEEK6 | {"reader": "B", "diameter_mm": "60"},
    )  # fmt: skip
    assert answer.visits["overall"].to_list() == [None, "PR", None, "PD"]
    assert answer.best["reader"].to_list() == ["A", "B"]


def test_without_visit_names_each_date_is_a_time_point() -> None:
    rows = [GOOD, GOOD | WEEK6 | {"diameter_mm": "30"}]
    answer = respond(pl.DataFrame(rows).drop("visit"))
    assert answer.visits["visit"].to_list() == ["2021-01-04", "2021-02-22"]
    assert answer.visits["overall"].to_list() == [None, "PR"]


def test_new_therapy_ends_what_counts() -> None:
    therapy = {"new_therapy": "2021-03-01"}
    answer = sheet(
        therapy, WEEK6 | {"diameter_mm": "30"} | therapy, WEEK12 | {"diameter_mm": "30"} | therapy
    )
    assert answer.best["response"].to_list() == ["SD"]


def test_an_unknown_method_is_a_finding() -> None:
    answer = sheet({"method": "guess"})
    assert "there is no method 'guess'" in errors(answer)[0]
