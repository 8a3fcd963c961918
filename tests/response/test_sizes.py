"""Diameters are exact decimals, whatever they were typed as."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.response import fixed_point, in_mm
from onearm.response.sizes import mm_text, size_problems, units

EXACT = st.integers(min_value=0, max_value=10_000_000)


@given(st.lists(EXACT, min_size=1, max_size=50))
def test_a_float_is_read_as_the_decimal_that_was_typed(whole: list[int]) -> None:
    floats = pl.Series([float(Decimal(x) / 10_000) for x in whole], dtype=pl.Float64)
    assert fixed_point(floats).to_list() == whole


@given(st.lists(EXACT, min_size=1, max_size=50))
def test_text_and_millimetres_come_back(whole: list[int]) -> None:
    text = pl.Series([f"{Decimal(x) / 10_000:f}" for x in whole])
    sizes = fixed_point(text)
    assert sizes.to_list() == whole
    assert sizes.to_frame("s").select(in_mm("s")).to_series().to_list() == [
        float(Decimal(x) / 10_000) for x in whole
    ]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("12,5", "decimal comma", "Write 12.5."),
        ("-4", "negative", "'absent'"),
        ("large", "not a number", "state column"),
        ("nan", "not a possible length", "millimetres"),
        ("inf", "not a possible length", "millimetres"),
        ("1.23456", "more than four decimals", "measured"),
        ("1e9", "not a possible length", "millimetres"),
    ],
)
def test_a_bad_diameter_is_reported_and_not_read(text: str, message: str, hint: str) -> None:
    cells = pl.Series(["10", text, None, " "])
    assert fixed_point(cells).to_list() == [100_000, None, None, None]
    problems = size_problems(cells)
    assert list(problems) == [1]
    assert message in problems[1][0]
    assert hint in problems[1][1]


def test_floats_with_more_than_four_decimals_and_nan_are_not_read() -> None:
    floats = pl.Series([1.00005, float("nan"), float("inf"), -1.0, 0.1 + 0.2, 16.1])
    assert fixed_point(floats).to_list() == [None, None, None, None, None, 161_000]


def test_integers_and_decimals_are_read() -> None:
    assert fixed_point(pl.Series([12, None])).to_list() == [120_000, None]
    assert fixed_point(pl.Series([Decimal("9.9")])).to_list() == [99_000]


def test_units_refuse_a_fifth_decimal() -> None:
    assert units("0.0001") == 1
    with pytest.raises(ValueError, match="more than four decimals"):
        units("0.00001")


def test_text_of_a_size_drops_no_digit() -> None:
    sizes = pl.DataFrame({"s": [720_000, 161_000, 333_333, 0, -50_000, 10]})
    assert sizes.select(mm_text(pl.col("s"))).to_series().to_list() == [
        "72.0", "16.1", "33.3333", "0.0", "5.0", "0.001",
    ]  # fmt: skip
