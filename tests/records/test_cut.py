"""What is known on the day of the data cut."""

from __future__ import annotations

from datetime import date

import pytest

from onearm.records import check
from tests.records.clinic import enter, records, small_study, subject

STORY = subject()


def visits(made, form):
    return made.forms[form].select("VISIT", "VISIT_REPEAT").rows()


def test_without_a_cut_everything_stays():
    made = records(STORY)
    assert made.entries.height == len(STORY)
    assert visits(made, "LB") == [("CYCLE", 1), ("CYCLE", 2), ("SCREENING", 1)]


def test_rows_dated_after_the_cut_are_left_out_of_the_wide_and_the_long_frame():
    made = records(STORY, cut=date(2020, 1, 30))
    assert visits(made, "LB") == [("CYCLE", 1), ("SCREENING", 1)]
    assert made.forms["RESPONSE"].is_empty()
    assert "SCAN" not in made.entries["VISIT"].to_list()


def test_the_day_of_the_cut_still_counts():
    assert ("CYCLE", 2) in visits(records(STORY, cut=date(2020, 1, 31)), "LB")


def test_a_form_without_a_date_goes_with_its_visit():
    rows = [*STORY, *enter("01-001 / CYCLE 2 / VS", WEIGHT=60)]
    assert visits(records(rows, cut=date(2020, 1, 30)), "VS") == [("SCREENING", 1)]
    assert ("CYCLE", 2) in visits(records(rows, cut=date(2020, 1, 31)), "VS")


def test_an_event_that_ended_after_the_cut_was_still_going_on():
    made = records(STORY, cut=date(2020, 2, 29))
    event = made.texts["AE"].row(0, named=True)
    assert event["AEENDAT"] is None
    assert made.reason("AE", "AEENDAT").to_list() == ["CUT"]
    assert event["AEONGO"] == "ONGOING"
    assert event["AEOUT"] == "NOT RECOVERED/NOT RESOLVED"
    long = {
        row["ITEM"]: row for row in made.entries.filter(made.entries["FORM"] == "AE").to_dicts()
    }
    assert (long["AEENDAT"]["VALUE"], long["AEENDAT"]["REASON"]) == (None, "CUT")
    assert long["AEOUT"]["VALUE"] == "NOT RECOVERED/NOT RESOLVED"


def test_an_event_that_ended_on_the_cut_is_as_entered():
    event = records(STORY, cut=date(2020, 3, 2)).texts["AE"].row(0, named=True)
    assert (event["AEENDAT"], event["AEOUT"]) == ("2020-03-02", "RECOVERED/RESOLVED")


@pytest.mark.parametrize(
    ("start", "there"), [("2020-02", True), ("2020-03", False), ("2020", True)]
)
def test_a_partial_start_counts_with_its_first_day(start, there):
    rows = [*STORY, *enter("01-001 / LOG / AE 2", AETERM="rash", AESTDAT=start)]
    made = records(rows, cut=date(2020, 2, 10))
    assert (made.forms["AE"].height == 2) is there


def test_a_partial_end_that_may_lie_before_the_cut_stays():
    rows = enter("01-001 / LOG / AE 1", AETERM="rash", AESTDAT="2020-01-20", AEENDAT="2020-02")
    assert records(rows, cut=date(2020, 2, 10)).texts["AE"]["AEENDAT"].to_list() == ["2020-02"]


def test_a_row_whose_date_is_unknown_stays():
    rows = enter("01-001 / LOG / AE 1", AETERM="rash", AESTDAT="!UNK")
    assert records(rows, cut=date(2020, 2, 10)).forms["AE"].height == 1


def test_cutting_twice_on_the_same_day_changes_nothing():
    once = records(STORY, cut=date(2020, 2, 15))
    again = records(once.entries.rows(), cut=date(2020, 2, 15))
    assert again.entries.equals(once.entries)


def test_what_the_cut_emptied_is_no_missing_value():
    found = check(small_study(), records(STORY, cut=date(2020, 2, 29)))
    assert not [f for f in found if f.place.field in ("AEENDAT", "AEOUT")]
