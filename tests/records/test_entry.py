"""What comes in at the border, and what is refused with which words."""

from __future__ import annotations

import polars as pl
import pytest

from onearm.errors import Problems
from onearm.records import at_cut, check
from tests.records.clinic import enter, frame, records, small_study, subject


def messages(found: list) -> str:
    return "\n".join(str(f) for f in found)


def test_a_frame_without_a_column_is_refused_with_every_problem_at_once():
    entries = frame(subject()).drop("ITEM").with_columns(ROW=pl.lit("x"), FORMS=pl.lit("DM"))
    with pytest.raises(Problems) as refused:
        at_cut(small_study(), entries, cut=None)
    text = str(refused.value)
    assert "entries.ITEM: required column ITEM is missing" in text
    assert "entries.ROW: expected Int32, found String" in text
    assert "entries.FORMS: column FORMS is not known" in text
    assert "Did you mean FORM?" in text


@pytest.mark.parametrize(
    ("place", "items", "expected"),
    [
        (
            "01-001 / SCREENING / LAB",
            {"ALT": 1},
            "01-001 / SCREENING / LAB.ALT: form LAB is not known",
        ),
        (
            "01-001 / SCREENING / LB",
            {"ATL": 1},
            "item ATL is not on form LB\n  (found 1; rule entries). Did you mean ALT?",
        ),
        (
            "01-001 / SCREENIN / LB",
            {"ALT": 1},
            "visit SCREENIN is not in the schedule\n  (found 1; rule entries). Did you",
        ),
        ("01-001 / CYCLE 0 / LB", {"ALT": 1}, "visit repeat 0 is not a number from 1 on"),
        ("01-001 / LOG / AE -3", {"AETERM": "x"}, "row -3 is not a number from 1 on"),
        ("01-001 / CYCLE 2 / LB", {"ALT": "!XX"}, "reason XX is not one of ND, UNK, NA"),
    ],
)
def test_an_entry_that_cannot_be_placed_is_a_finding_with_a_hint(place, items, expected):
    assert expected in messages(check(small_study(), records(enter(place, **items))))


def test_an_entry_without_subject_is_a_finding():
    entries = frame(enter("01-001 / SCREENING / LB", ALT=1)).with_columns(
        SUBJID=pl.lit(None, pl.String)
    )
    found = check(small_study(), at_cut(small_study(), entries, cut=None))
    assert "site and subject must be named" in messages(found)


def test_a_value_beside_a_missing_reason_is_a_finding():
    entries = frame(enter("01-001 / SCREENING / LB", ALT=1)).with_columns(REASON=pl.lit("ND"))
    found = check(small_study(), at_cut(small_study(), entries, cut=None))
    assert "has a value and the missing reason ND" in messages(found)


def test_a_value_entered_twice_is_a_finding_and_the_smaller_text_is_kept_whatever_the_order():
    twice = [*enter("01-001 / SCREENING / LB", ALT=52), *enter("01-001 / SCREENING / LB", ALT=41)]
    for rows in (twice, twice[::-1]):
        made = records(rows)
        assert made.texts["LB"]["ALT"].to_list() == ["41"]
        assert "01-001 / SCREENING / LB.ALT: was entered twice" in messages(
            check(small_study(), made)
        )


def test_good_entries_pass_the_border_without_a_finding():
    assert records(subject()).border == ()


def test_a_form_row_is_typed_and_keeps_its_text():
    made = records(
        enter("01-001 / SCREENING / LB", LBDAT="2020-01-03", ALT="41", BILI="0.50", AFP="<1.3")
    )
    typed, text = made.forms["LB"].row(0, named=True), made.texts["LB"].row(0, named=True)
    assert (typed["ALT"], typed["BILI"], typed["AFP"]) == (41.0, 0.5, None)
    assert (text["ALT"], text["BILI"], text["AFP"], text["LBDAT"]) == (
        "41",
        "0.50",
        "<1.3",
        "2020-01-03",
    )
    assert typed["USUBJID"] == "DEMO-01-01-001"


def test_missing_reasons_are_kept_beside_the_values():
    made = records(
        enter("01-001 / SCREENING / VS", WEIGHT="!ND"), enter("01-002 / SCREENING / VS", WEIGHT=60)
    )
    assert made.reason("VS", "WEIGHT").to_list() == ["ND", None]
    assert made.reason("VS", "SYSBP").to_list() == [None, None]


def test_the_order_of_entries_is_no_matter():
    entries = frame(subject(), subject("02-001"))
    straight = at_cut(small_study(), entries, cut=None)
    shuffled = at_cut(small_study(), entries.sample(fraction=1.0, shuffle=True, seed=3), cut=None)
    for name in straight.texts:
        assert straight.texts[name].equals(shuffled.texts[name])
    assert check(small_study(), straight) == check(small_study(), shuffled)
