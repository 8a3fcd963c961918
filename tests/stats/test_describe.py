"""Summaries of numbers and counts of categories."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.stats import InvalidArgument, Note, count, describe

# Hyndman and Fan (1996): types 2 and 7 of the quartiles of 1..6 and 1..8.
QUARTILES = [
    ("averaged", [1, 2, 3, 4, 5, 6], (2, 3.5, 5)),
    ("averaged", [1, 2, 3, 4, 5, 6, 7, 8], (2.5, 4.5, 6.5)),
    ("averaged", [1, 2, 3, 4, 5], (2, 3, 4)),
    ("interpolated", [1, 2, 3, 4, 5, 6], (2.25, 3.5, 4.75)),
    ("interpolated", [1, 2, 3, 4, 5, 6, 7, 8], (2.75, 4.5, 6.25)),
]


@pytest.mark.parametrize(("definition", "values", "expected"), QUARTILES)
def test_quartiles_follow_the_definition_they_name(definition, values, expected):
    found = describe(values, quartiles=definition)
    assert (found.q1, found.median, found.q3) == expected
    assert found.quartiles == definition


def test_a_list_is_summarised():
    found = describe([2, 4, 4, 4, 5, 5, 7, 9])
    assert (found.n, found.mean, found.minimum, found.maximum) == (8, 5, 2, 9)
    assert found.sd == pytest.approx(math.sqrt(32 / 7))


def test_missing_values_are_counted_and_left_out():
    found = describe([1.0, None, math.nan, 3.0])
    assert (found.n, found.n_missing, found.mean) == (2, 2, 2)


def test_too_few_values_leave_numbers_out():
    none = describe([None])
    assert (none.n, none.n_missing, none.mean, none.median, none.sd) == (0, 1, None, None, None)
    assert none.notes == (Note.N_TOO_SMALL,)
    one = describe([7])
    assert (one.mean, one.sd, one.q1, one.notes) == (7, None, 7, (Note.N_TOO_SMALL,))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_the_five_numbers_are_in_order(values):
    found = describe(values)
    five = [found.minimum, found.q1, found.median, found.q3, found.maximum]
    assert five == sorted(five)
    assert found.median == pytest.approx(float(np.median(values)))


def test_counts_keep_the_order_of_the_levels_and_those_never_seen():
    found = count(["PR", None, "CR", "PR"], levels=["CR", "PR", "SD"])
    assert [(c.level, c.n, c.denominator) for c in found] == [
        ("CR", 1, 3),
        ("PR", 2, 3),
        ("SD", 0, 3),
    ]
    assert count([None], levels=["CR"])[0].proportion is None
    assert count(["b", "a", "b"])[0].level == "b"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: describe(["a"]), "values is ['a']; it must be a list of numbers"),
        (lambda: describe([1, math.inf]), "values[1] is inf; it must be finite or missing"),
        (
            lambda: describe([1], quartiles="sas"),
            "quartiles is 'sas'; it must be one of averaged, interpolated",
        ),
        (
            lambda: count(["PD"], levels=["CR", "PR"]),
            "values is 'PD'; it must be one of 'CR', 'PR'",
        ),
        (
            lambda: count(["PD", "PD"], denominator=1),
            "denominator is 1; it must be an integer of at least 2",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value) == message
