"""Partial dates keep what they say; what is added to them is flagged."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.dates import complete, earliest, imputation_flag, is_iso, latest, study_day


def one(expression: pl.Expr, text: str | None) -> object:
    return pl.DataFrame({"DTC": pl.Series([text], dtype=pl.String)}).select(expression).item()


@pytest.mark.parametrize(
    ("text", "first", "last", "flag", "whole"),
    [
        ("2021", date(2021, 1, 1), date(2021, 12, 31), "M", None),
        ("2021-05", date(2021, 5, 1), date(2021, 5, 31), "D", None),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29), "D", None),
        ("2021-05-20", date(2021, 5, 20), date(2021, 5, 20), None, date(2021, 5, 20)),
        ("2021-05-20T10:30", date(2021, 5, 20), date(2021, 5, 20), None, date(2021, 5, 20)),
        ("2021-02-30", None, None, None, None),
        (None, None, None, None, None),
    ],
)
def test_a_partial_date_spans_from_its_earliest_to_its_latest_day(
    text: str | None, first: object, last: object, flag: object, whole: object
) -> None:
    column = pl.col("DTC")
    assert one(earliest(column), text) == first
    assert one(latest(column), text) == last
    assert one(imputation_flag(column), text) == flag
    assert one(complete(column), text) == whole


@pytest.mark.parametrize(
    "text", ["2021", "2021-05", "2021-05-20", "2020-02-29", "2021-05-20T10:30"]
)
def test_iso_dates_are_known(text: str) -> None:
    assert is_iso(text)


@pytest.mark.parametrize(
    "text", ["", "21", "2021-13", "2021-02-30", "2021-02-29", "2021/05/20", "20.5.2021", "UNK"]
)
def test_what_is_no_iso_date_is_known_too(text: str) -> None:
    assert not is_iso(text)


def test_first_dose_is_day_one_and_there_is_no_day_zero() -> None:
    days = pl.DataFrame(
        {"D": [date(2021, 3, 9), date(2021, 3, 10), date(2021, 3, 11), None]}
    ).select(study_day(pl.col("D"), pl.lit(date(2021, 3, 10))))
    assert days["D"].to_list() == [-1, 1, 2, None]


@given(st.dates(date(1950, 1, 1), date(2060, 1, 1)), st.integers(-5000, 5000))
def test_study_days_differ_from_calendar_days_only_by_the_missing_zero(
    first: date, away: int
) -> None:
    frame = pl.DataFrame({"D": [first + timedelta(days=away)]})
    day = frame.select(study_day(pl.col("D"), pl.lit(first))).item()
    assert day == (away + 1 if away >= 0 else away)
