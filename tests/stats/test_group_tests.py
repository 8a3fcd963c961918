"""Log-rank, one-sample and exponential results: published numbers, edges, refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.stats import (
    InvalidArgument,
    Note,
    exponential,
    log_rank,
    one_sample_log_rank,
    weibull_hazard,
)
from tests.stats.leukaemia import IS_PLACEBO, RELAPSE, TREATED, TREATED_RELAPSE, WEEKS


def test_the_published_log_rank_test_of_6_mp_is_reproduced():
    # Kalbfleisch and Prentice (2002), section 1.5: 9 and 21 observed, 19.25 and 10.75 expected.
    found = log_rank(WEEKS, RELAPSE, IS_PLACEBO)
    assert found.observed == (9, 21)
    assert found.expected == pytest.approx((19.25, 10.75), abs=5e-3)
    assert found.statistic == pytest.approx(16.79, abs=5e-3)
    assert (found.df, found.n, found.groups) == (1, (21, 21), (0, 1))
    assert found.notes == (Note.EXPLORATORY,)


def test_one_group_or_no_event_gives_no_test():
    one = log_rank([1, 2], [True, True], ["a", "a"])
    assert (one.statistic, one.df, one.p_value) == (None, None, None)
    assert one.notes == (Note.N_TOO_SMALL,)
    none = log_rank([1, 2], [False, False], ["a", "b"])
    assert none.statistic is None
    assert none.notes == (Note.FEW_EVENTS,)


def test_a_group_never_at_risk_at_an_event_gives_no_test():
    found = log_rank([1, 5, 6], [False, True, True], ["a", "b", "c"])
    assert found.statistic is None
    assert found.notes == (Note.N_TOO_SMALL,)


def test_entry_times_and_strata_are_heeded():
    plain = log_rank(WEEKS, RELAPSE, IS_PLACEBO)
    entered = log_rank(WEEKS, RELAPSE, IS_PLACEBO, entry=[0] * 42)
    assert entered.statistic == pytest.approx(plain.statistic)
    twice = log_rank(WEEKS * 2, RELAPSE * 2, IS_PLACEBO * 2, strata=["x"] * 42 + ["y"] * 42)
    assert twice.statistic == pytest.approx(2 * plain.statistic)


@given(order=st.randoms(use_true_random=False), rho=st.sampled_from([0, 1]))
def test_observed_and_expected_events_have_one_sum(order, rho):
    labels = IS_PLACEBO.copy()
    order.shuffle(labels)
    found = log_rank(WEEKS, RELAPSE, labels, rho=rho)
    assert sum(found.observed) == pytest.approx(sum(found.expected))


def test_the_one_sample_test_counts_expected_events():
    # 21 children under a null median of 8 weeks: E = ln 2 * 359 weeks / 8.
    found = one_sample_log_rank(TREATED, TREATED_RELAPSE, weibull_hazard(survival=0.5, time=8.0))
    e = math.log(2) * 359 / 8
    assert (found.observed, found.expected) == (9, pytest.approx(e))
    assert found.z == pytest.approx((e - 9) / math.sqrt((9 + e) / 2))
    assert found.z_breslow == pytest.approx((e - 9) / math.sqrt(e))
    assert found.p_value < 1e-4
    assert found.ratio == pytest.approx(9 / e)


def test_left_truncation_subtracts_the_hazard_before_entry():
    hazard = weibull_hazard(survival=0.5, time=1.0)
    found = one_sample_log_rank([3.0], [True], hazard, entry=[2.0])
    assert found.expected == pytest.approx(math.log(2))


def test_nobody_followed_gives_no_one_sample_test():
    found = one_sample_log_rank([0, 0], [False, False], weibull_hazard(survival=0.5, time=1))
    assert (found.z, found.p_value, found.ratio) == (None, None, None)
    assert found.notes == (Note.N_TOO_SMALL,)


def test_without_events_the_exponential_median_has_a_lower_limit_only():
    found = exponential([10, 20], [False, False])
    assert (found.rate, found.median, found.upper) == (0, None, None)
    # 2 T ln 2 / chi-square(.975; 2) = 60 ln 2 / 7.3778.
    assert found.lower == pytest.approx(60 * math.log(2) / 7.377759, rel=1e-6)
    assert Note.NOT_REACHED in found.notes


def test_the_rate_of_6_mp_is_relapses_over_weeks():
    found = exponential(TREATED, TREATED_RELAPSE)
    assert found.rate == pytest.approx(9 / 359)
    assert found.median == pytest.approx(math.log(2) * 359 / 9)
    assert exponential([5, 6], [1, 0], entry=[1, 2]).exposure == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_rank([1, 2], [1, 1], [1, 2], rho=2), "rho is 2; it must be 0 or 1"),
        (
            lambda: log_rank([1, 2], [1, 1], [1, None]),
            "group[1] is None; it must be a label, not missing",
        ),
        (
            lambda: log_rank([1, 2], [1, 1], ["a"]),
            "group is 'a list of 1 values'; it must be a list of 2 values",
        ),
        (
            lambda: log_rank([1, 2], [1, 1], ["a", "b"], strata=[1, math.nan]),
            "strata[1] is nan; it must be a label, not missing",
        ),
        (
            lambda: weibull_hazard(survival=1.2, time=3),
            "survival is 1.2; it must be a number between 0 and 1, both excluded",
        ),
        (
            lambda: weibull_hazard(survival=0.5, time=0),
            "time is 0; it must be a number between 0 and inf, both excluded",
        ),
        (
            lambda: weibull_hazard(survival=0.5, time=1, shape=-1),
            "shape is -1; it must be a number between 0 and inf, both excluded",
        ),
        (
            lambda: one_sample_log_rank([1], [1], lambda t: -t),
            "cumulative_hazard is -1.0; it must be a function whose sum is 0 or more, finite",
        ),
        (
            lambda: exponential([0], [True]),
            "time is 0.0; it must be a list with a sum above 0: nobody was followed",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value) == message
