"""Turnbull's estimate and the Weibull fit: reference, hand-made cases, optimality, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.stats import InvalidArgument, Note, exponential, kaplan_meier, turnbull, weibull
from tests.shared import needs_shared
from tests.stats.reference import SURVIVAL, Differences, expected, rows_of


def scans():
    rows = rows_of(SURVIVAL / "datasets" / "ic50_pfs.csv")
    left = [float(row["left"]) for row in rows]
    return left, [float(row["right"]) if row["right"] else None for row in rows]


@needs_shared
def test_the_estimate_is_that_of_the_reference():
    answers, differences = expected("ic50_pfs"), Differences()
    fit = turnbull(*scans())
    assert fit.gap <= 1e-8
    for t, theirs in zip(answers["turnbull"]["time"], answers["turnbull"]["surv"], strict=True):
        # The peer lets the curve fall in the middle of each mass interval.
        ends = [(i.left + (i.right or math.inf)) / 2 for i in fit.intervals]
        after = [i.survival for i, end in zip(fit.intervals, ends, strict=True) if end <= t + 1e-9]
        differences.same(t, after[-1] if after else 1.0, theirs, 1e-3)
    assert fit.median.lower <= answers["median"] + 0.05
    assert fit.median.upper >= answers["median"] - 0.05
    differences.check()


@needs_shared
def test_the_weibull_fit_is_that_of_the_reference():
    answers, differences = expected("ic50_pfs"), Differences()
    left, right = scans()
    # The peer cannot take a left end of 0 and was given a small one instead.
    left = [max(value, answers["left_floor"]) for value in left]
    fit, theirs = weibull(left, right), answers["weibull"]
    for key in ("intercept", "scale", "loglik"):
        differences.same(key, getattr(fit, key), theirs[key], 1e-6)
    fit, theirs = weibull(left, right, scale=1.0), answers["exponential"]
    for key in ("intercept", "loglik", "median"):
        differences.same(key, getattr(fit, key), theirs[key], 1e-6)
    differences.check()


def test_exact_and_censored_times_give_the_kaplan_meier_curve():
    time, event = [2, 3, 3, 5, 8, 9], [True, True, False, True, False, True]
    right = [t if e else None for t, e in zip(time, event, strict=True)]
    curve, fit = kaplan_meier(time, event), turnbull(time, right)
    for row in curve.rows():
        assert fit.survival_at(row.time) == pytest.approx(row.survival, abs=1e-8)
    assert (fit.median.lower, fit.median.upper) == (5, 5)


def test_survival_is_undefined_inside_a_mass_interval():
    fit = turnbull([0, 2, 4], [2, 4, None])
    assert fit.survival_at(0) == 1
    assert fit.survival_at(1) is None
    assert fit.survival_at(2) == pytest.approx(2 / 3)
    assert fit.survival_at(5) is None
    assert (fit.median.lower, fit.median.upper) == (2, 4)
    assert fit.intervals[-1].right is None


def test_a_half_reached_between_two_intervals_gives_the_gap_as_median():
    fit = turnbull([1, 3], [2, 4])
    assert (fit.median.lower, fit.median.upper) == (2, 3)


def test_a_median_after_the_last_scan_is_not_reached():
    fit = turnbull([0, 5, 6], [1, None, None])
    assert (fit.median.lower, fit.median.upper) == (None, None)
    assert fit.notes == (Note.NOT_REACHED,)


def test_an_exact_time_at_an_open_left_end_lies_outside():
    # (3, 5] leaves 3 out: the second patient's mass must lie after 3.
    fit = turnbull([3, 3], [3, 5])
    assert [(i.left, i.right, round(i.mass, 6)) for i in fit.intervals] == [
        (3, 3, 0.5),
        (3, 5, 0.5),
    ]


SCANS = st.lists(
    st.tuples(st.integers(0, 8), st.one_of(st.none(), st.integers(0, 4))), min_size=1, max_size=25
)


@settings(max_examples=60)
@given(rows=SCANS)
def test_the_result_is_optimal_and_sums_to_1(rows):
    left = [low for low, _ in rows]
    right = [None if width is None else low + width for low, width in rows]
    fit = turnbull(left, right)
    assert sum(i.mass for i in fit.intervals) == pytest.approx(1.0, abs=1e-9)
    assert fit.gap <= 1e-8
    assert all(i.mass > 0 for i in fit.intervals)


def test_the_weibull_fit_of_exact_and_censored_times_agrees_with_the_exponential():
    time, event = [2.0, 3.0, 3.5, 5.0, 8.0], [True, True, False, True, False]
    right = [t if e else None for t, e in zip(time, event, strict=True)]
    fit = weibull(time, right, scale=1.0)
    assert fit.median == pytest.approx(exponential(time, event).median, rel=1e-6)
    assert fit.lower < fit.median < fit.upper


def test_a_weibull_law_is_found_again():
    rng = np.random.default_rng(20260101)
    times = 10 * rng.weibull(2.0, 4000)
    left = np.floor(times / 2) * 2
    fit = weibull(left, left + 2)
    # 4,000 patients: standard errors near .008 of the intercept and .007 of the scale.
    assert fit.intercept == pytest.approx(math.log(10), abs=0.03)
    assert fit.scale == pytest.approx(0.5, abs=0.025)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: turnbull([], []), "left is []; it must be a list of at least one time"),
        (
            lambda: turnbull([1, 5], [2, 4]),
            "right[1] is 4.0; it must be at least left[1], 5.0, or missing",
        ),
        (
            lambda: turnbull([-1], [2]),
            "left[0] is -1.0; it must be a time of 0 or more, not missing and finite",
        ),
        (
            lambda: turnbull([1, None], [2, 3]),
            "left[1] is nan; it must be a time of 0 or more, not missing and finite",
        ),
        (
            lambda: turnbull([1, 2], [2]),
            "right is 'an array of shape (1,)'; it must be a list of 2 values",
        ),
        (
            lambda: weibull([1], [None]),
            "right is 'missing in every row'; it must be a time in at least one row",
        ),
        (lambda: weibull([0], [0]), "right[0] is 0.0; it must be a time above 0"),
        (
            lambda: weibull([1], [2], scale=0),
            "scale is 0; it must be a number between 0 and inf, both excluded",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value) == message
