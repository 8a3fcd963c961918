"""Dates in all the ways that hands write them, and everything else untouched."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.capture.typing_in import MONTHS, typed

TODAY = date(2026, 5, 26)
DAYS = st.dates(date(1930, 1, 1), date(2027, 12, 31))
NAMES = {number: name for name, number in MONTHS.items()}
WAYS = (
    "{d:%Y-%m-%d}",
    "{d:%Y/%m/%d}",
    "{d:%Y.%m.%d}",
    "{d:%Y%m%d}",
    "{d.year}年{d.month}月{d.day}日",
    "{d.year}-{d.month}-{d.day}",
    "{d.day}.{d.month}.{d.year}",
    "{d.day}/{d.month}/{d.year}",
    "{d.day}{name}{d.year}",
    "{d.day} {name} {d.year}",
    "{d.day}-{name}-{d.year}",
)


@given(DAYS, st.sampled_from(WAYS), st.sampled_from(["date", "partial_date"]))
def test_a_day_written_in_any_way_is_that_day(day: date, way: str, kind: str) -> None:
    text = way.format(d=day, name=NAMES[day.month])
    assert typed(kind, text, TODAY) == day.isoformat()
    assert typed(kind, f"  {text.upper()} ", TODAY) == day.isoformat()


@given(DAYS)
def test_what_is_stored_stays_as_it_is_when_it_is_saved_again(day: date) -> None:
    for text in (day.isoformat(), f"{day:%Y-%m}", f"{day:%Y}"):
        assert typed("partial_date", text, TODAY) == text


@given(
    DAYS,
    st.sampled_from(["{d.month}/{d.year}", "{d:%Y-%m}", "{name}{d.year}", "{d.year}年{d.month}月"]),
)
def test_a_month_keeps_its_precision(day: date, way: str) -> None:
    text = way.format(d=day, name=NAMES[day.month])
    assert typed("partial_date", text, TODAY) == f"{day:%Y-%m}"


@given(st.dates(TODAY - timedelta(days=36_000), TODAY + timedelta(days=200)))
def test_two_digits_mean_the_past_hundred_years(day: date) -> None:
    text = f"{day.day}{NAMES[day.month]}{day:%y}"
    assert typed("date", text, TODAY) == day.isoformat()


@pytest.mark.parametrize("key", ["t", "T", "today", "今", "今天"])
def test_one_key_is_today(key: str) -> None:
    assert typed("date", key, TODAY) == "2026-05-26"


@pytest.mark.parametrize(
    "text", ["31feb26", "2026-13", "2026-02-30", "5foo26", "soon", "32.1.2026"]
)
def test_what_is_no_date_stays_for_the_checks_to_say_so(text: str) -> None:
    assert typed("date", text, TODAY) == text


@given(st.text(st.characters(codec="ascii", exclude_characters="\n\r\t"), max_size=30))
def test_texts_and_numbers_lose_only_the_blanks_around_them(text: str) -> None:
    for kind in ("text", "integer", "decimal", "code", "time"):
        assert typed(kind, text, TODAY) == text.strip()


def test_full_width_digits_are_digits() -> None:
    assert typed("decimal", "１２．５", TODAY) == "12.5"
    assert typed("date", "２０２６－０５－０５", TODAY) == "2026-05-05"


def test_chinese_texts_keep_their_signs() -> None:
    assert typed("text", " 头痛，伴恶心（轻度） ", TODAY) == "头痛，伴恶心（轻度）"
