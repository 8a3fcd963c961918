"""Numbers become text once, half away from zero, on their decimal text."""

from __future__ import annotations

import math

import pytest

from onearm.outputs.layout import absent, level_words, number_text, rounded

ROUNDED = [
    (-1.15, 1, "-1.2"),
    (1.15, 1, "1.2"),
    (0.285, 2, "0.29"),
    (2.5, 0, "3"),
    (-2.5, 0, "-3"),
    (3.5, 0, "4"),
    (0.5, 0, "1"),
    (1.5, 0, "2"),
    (99.95, 1, "100.0"),
    (99.96, 1, "100.0"),
    (99.94, 1, "99.9"),
    (0.04, 1, "0.0"),
    (0.05, 1, "0.1"),
    (-0.04, 1, "0.0"),
    (-0.05, 1, "-0.1"),
    (1.005, 2, "1.01"),
    (2.675, 2, "2.68"),
    (1.045, 2, "1.05"),
    (0.1 + 0.2, 1, "0.3"),
    (28.499999999999996, 0, "29"),  # 0.285 * 100 in binary
    (8.549999999999999, 1, "8.6"),  # a float carries 15 digits: it stands for 8.55
    (1e-17, 4, "0.0000"),
    (123456789.125, 2, "123456789.13"),
    (0.0, 1, "0.0"),
    (-0.0, 0, "0"),
    (1 / 3, 1, "0.3"),
    (2 / 3, 1, "0.7"),
    (5.0, 0, "5"),
    (4.35, 1, "4.4"),
    (4.45, 1, "4.5"),
]


@pytest.mark.parametrize(("value", "digits", "text"), ROUNDED)
def test_a_value_is_rounded_half_away_from_zero(value, digits, text):
    assert rounded(value, digits) == text


PRINTED = [
    (31.0, "d", "31"),
    (0.0, "", "0"),
    (2.5, "d", "2.5"),
    (0.187, ".1%", "18.7%"),
    (0.285, ".0%", "29%"),
    (0.9996, ".1%", "100.0%"),
    (0.0004, ".1%", "0.0%"),
    (0.0004, ".1%<", "<0.1%"),
    (0.0, ".1%<", "0.0%"),
    (182.625, ".1m", "6.0"),
    (30.4375, ".1m", "1.0"),
    (0.0245, "p", "0.0245"),
    (0.00005, "p", "<0.0001"),
    (0.99999, "p", ">0.9999"),
    (0.04998, "p", "0.0500"),
    (5.65, ".1f", "5.7"),
]


@pytest.mark.parametrize(("value", "spec", "text"), PRINTED)
def test_a_format_prints_a_value(value, spec, text):
    assert number_text(value, spec) == text


def test_the_rounding_table_has_forty_cases():
    assert len(ROUNDED) + len(PRINTED) >= 40


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused(value):
    with pytest.raises(ValueError, match="not a number that can be printed"):
        rounded(value, 1)


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'\.1x' is not a format: use d, \.1f"):
        number_text(1.0, ".1x")


@pytest.mark.parametrize(
    ("operation", "note", "text"),
    [
        ("median", "not_reached", "NR"),
        ("q3", "not_reached", "NR"),
        ("median_high", "not_reached", "NE"),
        ("ci_low", "", "NE"),
        ("rate", "beyond_follow_up", "–"),
        ("estimate", "n_too_small", "–"),
        ("ci_low", "n_too_small", "–"),
        ("sd", "", "–"),
    ],
)
def test_a_number_that_does_not_exist_has_its_sign(operation, note, text):
    assert absent(operation, note) == text


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("PROGRESSIVE DISEASE", "Progressive disease"),
        ("DEATH", "Death"),
        ("CR", "CR"),
        ("NON-CR/NON-PD", "NON-CR/NON-PD"),
        ("Fatigue", "Fatigue"),
    ],
)
def test_data_in_capitals_read_as_words_and_codes_stay(level, words):
    assert level_words(level) == words
