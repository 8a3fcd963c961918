"""Best response: reasons, dates, flags, and who is in the table."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from onearm.errors import OnearmError
from onearm.response import RECIST11, best_response
from onearm.response.milestones import clinical_benefit, progression

START = date(2021, 3, 1)


def looks(*course: tuple[int, str], subject: str = "P", **columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subject": [subject] * len(course),
            "reader": ["R"] * len(course),
            "date": [START + timedelta(days=day) for day, _ in course],
            "response": [answer for _, answer in course],
        }
        | columns
    )


def people(*names: str, **columns: object) -> pl.DataFrame:
    frame = pl.DataFrame({"subject": list(names or ("P",)), "start": [START] * len(names or "P")})
    return frame.with_columns(
        new_therapy=pl.lit(columns.get("new_therapy"), pl.Date),
        cutoff=pl.lit(columns.get("cutoff"), pl.Date),
        why_missing=pl.lit(columns.get("why_missing"), pl.String),
    )


@pytest.mark.parametrize(
    ("course", "rule", "reason"),
    [
        (
            [(42, "PR"), (84, "PR")],
            "BC2",
            "PR on 2021-04-12, confirmed by PR on 2021-05-24, at least 28 days later",
        ),
        (
            [(56, "PR"), (112, "PD")],
            "BC3",
            "PR on 2021-04-26, day 56 from the start (at least 42 are needed)",
        ),
        (
            [(35, "PR"), (80, "PD")],
            "BC5",
            "progression on 2021-05-20; nothing before it counted as more",
        ),
        (
            [(35, "PR"), (80, "NE")],
            "BC7",
            (
                "PR on 2021-04-05 does not count as more: too early "
                "(day 35, at least 42 are needed) or not confirmed"
            ),
        ),
        ([(42, "NE")], "BC7", "no evaluable assessment; the first one was on 2021-04-12"),
        ([(42, "NED")], "BC6", "no disease at baseline, none on 2021-04-12"),
    ],
)
def test_every_best_response_says_why(
    course: list[tuple[int, str]], rule: str, reason: str
) -> None:
    row = best_response(looks(*course), people()).row(0, named=True)
    assert (row["rule"], row["reason"]) == (rule, reason)


def test_nobody_is_missing_from_the_table() -> None:
    found = best_response(looks((42, "SD")), people("P", "Q", why_missing="died early"))
    assert found["subject"].to_list() == ["P", "Q"]
    last = found.row(1, named=True)
    assert (last["response"], last["date"], last["rule"]) == ("NE", None, "BC8")
    assert last["reason"] == "no assessment after baseline that counts: died early"


def test_the_response_date_is_the_first_response_that_counts() -> None:
    row = best_response(looks((56, "PR"), (112, "CR"), (168, "CR")), people()).row(0, named=True)
    assert row["response"] == "CR"
    assert row["date"] == START + timedelta(days=112)
    assert row["response_date"] == START + timedelta(days=56)


def test_disease_after_a_complete_response_is_a_query_and_a_progression() -> None:
    course = looks((42, "CR"), (84, "CR"), (126, "SD"))
    row = best_response(course, people()).row(0, named=True)
    assert (row["response"], row["pd_date"]) == ("CR", START + timedelta(days=126))
    assert row["flags"] == "SD after CR taken as PD: confirm or correct the CR"
    lenient = RECIST11.with_parameters(cr_then_disease="lenient")
    row = best_response(course, people(), criteria=lenient).row(0, named=True)
    assert (row["response"], row["pd_date"], row["flags"]) == ("CR", None, None)


def test_progression_dated_back_ends_follow_up_there() -> None:
    back: list[object] = [None, None, START + timedelta(days=84)]
    course = looks((42, "PR"), (84, "PR"), (126, "PD"), pd_date=back)
    row = best_response(course.with_columns(pl.col("pd_date").cast(pl.Date)), people())
    assert row["response"][0] == "SD"
    assert row["pd_date"][0] == START + timedelta(days=84)


def test_a_sighting_confirmed_after_the_cutoff_is_not_known_yet() -> None:
    back = pl.Series("pd_date", [None, None, START + timedelta(days=84)], dtype=pl.Date)
    course = looks((42, "SD"), (84, "SD"), (126, "PD")).with_columns(back)
    row = best_response(course, people(cutoff=START + timedelta(days=100)))
    assert (row["response"][0], row["pd_date"][0]) == ("SD", None)


def test_an_assessment_on_the_day_of_new_therapy_does_not_count() -> None:
    course = looks((42, "PR"), (84, "PR"))
    on_the_day = people(new_therapy=START + timedelta(days=84))
    day_after = people(new_therapy=START + timedelta(days=85))
    assert best_response(course, on_the_day)["response"][0] == "SD"
    assert best_response(course, day_after)["response"][0] == "PR"


def test_not_done_is_no_assessment_unless_it_bars() -> None:
    course = looks((42, "PR"), (84, "ND"), (126, "PR"))
    assert best_response(course, people())["response"][0] == "PR"
    bars = RECIST11.with_parameters(not_done_between="bars")
    assert best_response(course, people(), criteria=bars)["response"][0] == "SD"


def test_nobody_assessed_is_missing_where_the_plan_says_so() -> None:
    missing = RECIST11.with_parameters(nobody_assessed="MISSING")
    found = best_response(looks((42, "SD")), people("P", "Q"), criteria=missing)
    assert found["response"].to_list() == ["SD", "MISSING"]


def test_benefit_may_ask_for_more_time() -> None:
    course = looks((56, "SD"), (161, "SD"))
    found = clinical_benefit(course, people(), min_days=161).row(0, named=True)
    assert (found["occurred"], found["date"]) == (True, START + timedelta(days=161))
    assert not clinical_benefit(course, people(), min_days=162)["occurred"][0]


def test_progression_is_unknown_where_nobody_looked() -> None:
    found = progression(looks((42, "PD")), people("P", "Q"))
    assert found["occurred"].to_list() == [True, None]


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(OnearmError, match="the responses table has no column reader"):
        best_response(looks((42, "SD")).drop("reader"), people())
    with pytest.raises(OnearmError, match="subject P has two rows"):
        best_response(looks((42, "SD")), people("P", "P"))
    with pytest.raises(OnearmError, match="Z has responses but no row in the subjects table"):
        best_response(looks((42, "SD"), subject="Z"), people())
