"""Kaplan-Meier by hand: published curves, edges of the data, properties, refusals."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onearm.stats import (
    CURVE_INTERVALS,
    InvalidArgument,
    Note,
    at_time,
    compare_restricted_means,
    follow_up,
    kaplan_meier,
    median,
    nelson_aalen,
    quantile,
    restricted_mean,
)
from tests.stats.leukaemia import PLACEBO, TREATED, TREATED_RELAPSE

TIMES = st.lists(
    st.tuples(st.integers(0, 40).map(lambda t: t / 4), st.booleans()), min_size=1, max_size=40
)


def split(rows):
    return [t for t, _ in rows], [e for _, e in rows]


def test_the_published_curve_of_6_mp_is_reproduced():
    curve = kaplan_meier(TREATED, TREATED_RELAPSE)
    steps = {row.time: row.survival for row in curve.rows() if row.n_event}
    assert list(steps) == [6, 7, 10, 13, 16, 22, 23]
    # Cox (1972), table 1; Kalbfleisch and Prentice (2002), chapter 1.
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert list(steps.values()) == pytest.approx(published, abs=5e-4)
    assert (curve.n, curve.events) == (21, 9)
    assert median(curve).value == 23


def test_a_plateau_at_one_half_ends_at_the_next_fall():
    # 21 placebo children: 10 have relapsed before week 8, S(8) = 8/21.
    assert median(kaplan_meier(PLACEBO, [True] * 21)).value == 8
    # Four patients, S = 1/2 on [2, 5): the mean of 2 and 5.
    assert median(kaplan_meier([1, 2, 5, 6], [1, 1, 1, 1])).value == 3.5


def test_a_plateau_at_one_half_that_never_ends_is_said():
    found = median(kaplan_meier([1, 2, 7, 9], [1, 1, 0, 0]))
    assert found.value == (2 + 9) / 2
    assert Note.FLAT_AT_QUANTILE in found.notes


def test_near_equal_times_are_one_time():
    curve = kaplan_meier([0.1 + 0.2, 0.3, 0.7], [True, True, False])
    assert curve.time.tolist() == [0.3, 0.7]
    assert curve.n_event.tolist() == [2, 0]
    assert at_time(kaplan_meier([0.1 + 0.2, 1], [True, False]), 0.3).value == 0.5


def test_chains_of_near_equal_times_join():
    times = [1.0, 1.0 + 1.2e-8, 1.0 + 2.4e-8, 2.0]
    assert kaplan_meier(times, [True] * 4).time.tolist() == [1.0, 2.0]


def test_an_event_at_time_0_lowers_the_curve_there():
    curve = kaplan_meier([0, 0, 5], [True, False, True])
    assert at_time(curve, 0).value == pytest.approx(2 / 3)
    assert at_time(curve, 0).n_risk == 3


def test_at_equal_times_events_come_before_censorings():
    curve = kaplan_meier([4, 4], [False, True])
    assert (curve.n_risk.tolist(), curve.survival.tolist()) == ([2], [0.5])


def test_nobody_with_an_event_leaves_the_curve_at_1():
    curve = kaplan_meier([3, 5], [False, False])
    assert curve.survival.tolist() == [1, 1]
    assert curve.notes == (Note.NO_EVENT_YET,)
    found = median(curve)
    assert (found.value, found.lower, found.upper) == (None, None, None)
    assert found.notes == (Note.NOT_REACHED,)


@pytest.mark.parametrize("interval", CURVE_INTERVALS)
def test_limits_are_1_before_the_first_event_and_missing_at_0(interval):
    curve = kaplan_meier([1, 2, 3], [False, True, True], interval=interval)
    assert curve.lower.tolist()[0] == curve.upper.tolist()[0] == 1
    assert curve.lower.tolist()[-1] is None
    assert curve.upper.tolist()[-1] is None
    assert curve.std_err.tolist()[-1] is None
    last = curve.rows()[-1]
    assert (last.survival, last.lower, last.upper, last.std_err) == (0, None, None, None)


def test_everybody_at_one_time_is_one_step():
    found = median(kaplan_meier([5, 5, 5], [True, True, True]))
    assert (found.value, found.lower, found.upper) == (5, None, None)


def test_one_patient_is_legal_and_said():
    curve = kaplan_meier([3], [True])
    assert curve.notes == (Note.N_TOO_SMALL,)
    assert median(curve).value == 3


def test_a_last_event_does_not_give_an_upper_limit():
    found = median(kaplan_meier([1, 2, 3, 4], [True] * 4))
    assert found.upper is None
    assert found.notes == (Note.NOT_REACHED,)


def test_a_limit_that_rises_again_counts_where_it_first_crosses():
    curve = kaplan_meier([1, 2, 3, 4, 5, 9], [1, 1, 1, 1, 1, 0], interval="log")
    upper = curve.upper.tolist()
    low_points = [t for t, u in zip(curve.time.tolist(), upper, strict=True) if u <= 0.75]
    found = quantile(curve, 0.25).upper
    assert found == (min(low_points) if low_points else None)


def test_beyond_follow_up_there_is_no_value_unless_asked_to_extend():
    curve = kaplan_meier([1, 2, 6], [True, True, False])
    beyond = at_time(curve, 7)
    assert (beyond.value, beyond.lower, beyond.std_err, beyond.n_risk) == (None, None, None, 0)
    assert beyond.notes == (Note.BEYOND_FOLLOW_UP,)
    carried = at_time(curve, 7, extend=True)
    assert carried.value == pytest.approx(1 / 3)
    assert carried.notes == (Note.EXTENDED,)


def test_beyond_a_last_event_the_value_is_0():
    found = at_time(kaplan_meier([1, 2], [True, True]), 9)
    assert (found.value, found.lower, found.upper) == (0, None, None)
    assert found.notes == (Note.SURVIVAL_ZERO,)


def test_the_number_at_risk_is_that_just_before_the_time():
    curve = kaplan_meier([2, 4, 4, 6], [True, True, False, True])
    assert [at_time(curve, t).n_risk for t in (0, 2, 3, 4, 5, 6)] == [4, 4, 3, 3, 1, 1]


def test_entry_times_hold_patients_back_until_they_enter():
    curve = kaplan_meier([3, 5, 8], [True, True, False], entry=[0, 3, 4])
    # Entry at 3 is not at risk at 3; at 5 the second and the third are.
    assert curve.n_risk.tolist() == [1, 2, 1]
    assert curve.survival.tolist() == [0, 0, 0]
    assert Note.SURVIVAL_ZERO in curve.notes
    assert at_time(curve, 4.5).n_risk == 2


def test_weights_count_patients_several_times():
    doubled = kaplan_meier([1, 1, 2, 3, 3], [1, 1, 0, 1, 1])
    weighted = kaplan_meier([1, 2, 3], [1, 0, 1], weights=[2.0, 1.0, 2.0])
    assert weighted.survival.tolist() == pytest.approx(doubled.survival.tolist())
    assert weighted.lower.tolist()[:2] == pytest.approx(doubled.lower.tolist()[:2])
    entered = kaplan_meier([1, 2, 3], [1, 0, 1], weights=[2, 1, 2], entry=[0, 0, 0])
    assert entered.n_risk.tolist() == weighted.n_risk.tolist() == [5, 3, 2]


def test_weights_that_do_not_add_up_exactly_still_reach_0():
    curve = kaplan_meier([1, 2, 3], [1, 1, 1], weights=[0.1, 0.7, 0.3], entry=[0, 0, 0.5])
    assert curve.survival[-1] == 0
    assert curve.lower.tolist()[-1] is None


def test_the_restricted_mean_of_uncensored_times_is_their_mean():
    times = [2.0, 3.0, 7.0, 8.0]
    curve = kaplan_meier(times, [True] * 4)
    found = restricted_mean(curve, 8.0)
    assert found.value == pytest.approx(5.0)
    # Without censoring the Greenwood form is the population variance over n.
    assert found.std_err == pytest.approx(np.std(times) / 2)
    assert restricted_mean(curve, 100.0).value == pytest.approx(5.0)


def test_a_restricted_mean_beyond_follow_up_is_refused_or_flagged():
    curve = kaplan_meier([1, 4], [True, False])
    with pytest.raises(InvalidArgument, match=r"tau is 5; .* the last observed time, 4.0"):
        restricted_mean(curve, 5)
    assert restricted_mean(curve, 5, extend=True).value == pytest.approx(1 + 4 * 0.5)
    assert restricted_mean(curve, 5, extend=True).notes == (Note.EXTENDED,)


def test_restricted_means_at_two_horizons_are_not_compared():
    curve = kaplan_meier([1, 4], [True, False])
    with pytest.raises(InvalidArgument, match="second is"):
        compare_restricted_means(restricted_mean(curve, 2), restricted_mean(curve, 3))
    certain = restricted_mean(curve, 0.5)
    assert compare_restricted_means(certain, certain) == ()


def test_follow_up_reports_the_living():
    found = follow_up([2, 4, 6, 8], [True, False, False, False])
    assert (found.n_alive, found.shortest_alive, found.longest_alive) == (3, 4, 8)
    nobody = follow_up([2, 4], [True, True])
    assert (nobody.n_alive, nobody.shortest_alive, nobody.longest_alive) == (0, None, None)
    assert nobody.median.value is None


def test_the_nelson_aalen_sum_has_limits_on_the_log_scale():
    found = nelson_aalen([1, 2, 3, 4], [False, True, True, True])
    assert found.hazard.tolist() == pytest.approx([0, 1 / 3, 5 / 6, 11 / 6])
    assert found.std_err.tolist()[2] == pytest.approx(math.sqrt(1 / 9 + 1 / 4))
    assert found.lower[0] == found.upper[0] == 0
    assert np.all(found.lower[1:] < found.hazard[1:])
    assert nelson_aalen([1], [False]).notes == (Note.NO_EVENT_YET,)


@given(rows=TIMES, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, order):
    shuffled = rows.copy()
    order.shuffle(shuffled)
    a, b = kaplan_meier(*split(rows)), kaplan_meier(*split(shuffled))
    assert a.survival.tolist() == b.survival.tolist()
    assert a.n_risk.tolist() == b.n_risk.tolist()


@given(rows=TIMES)
def test_the_unit_of_time_does_not_matter(rows):
    time, event = split(rows)
    days = [t * 30.4375 for t in time]
    months = [d / 30.4375 for d in days]
    curves = [kaplan_meier(t, event) for t in (time, days, months)]
    assert len({tuple(c.survival.tolist()) for c in curves}) == 1
    medians = [median(c).value for c in curves]
    if medians[0] is None:
        assert medians == [None] * 3
    else:
        assert medians[1] == pytest.approx(medians[0] * 30.4375)
        assert medians[2] == pytest.approx(medians[0])


@given(rows=TIMES)
def test_the_reverse_of_the_reverse_is_the_original(rows):
    time, event = split(rows)
    curve = kaplan_meier(time, event)
    reverse = follow_up(time, event).curve
    assert reverse.n_event.tolist() == curve.n_censor.tolist()
    again = follow_up(time, [not e for e in event]).curve
    assert again.survival.tolist() == curve.survival.tolist()


@given(rows=TIMES)
def test_weights_of_1_without_censoring_give_the_empirical_survival(rows):
    time, _ = split(rows)
    curve = kaplan_meier(time, [True] * len(time), weights=[1.0] * len(time))
    shares = [sum(t > u for t in time) / len(time) for u in curve.time]
    assert curve.survival.tolist() == pytest.approx(shares, abs=1e-12)


@given(rows=TIMES, interval=st.sampled_from(list(CURVE_INTERVALS)))
def test_limits_hold_the_curve_and_widen_with_the_level(rows, interval):
    time, event = split(rows)
    curves = [kaplan_meier(time, event, level=q, interval=interval) for q in (0.8, 0.9, 0.95)]
    for narrow, wide in itertools.pairwise(curves):
        for a, b in zip(narrow.rows(), wide.rows(), strict=True):
            if a.lower is not None:
                assert b.lower <= a.lower + 1e-12
                assert a.lower <= a.survival + 1e-12
                assert a.survival <= a.upper + 1e-12
                assert a.upper <= b.upper + 1e-12


@given(rows=TIMES, p=st.sampled_from([0.25, 0.5, 0.75]))
def test_a_quantile_lies_where_the_curve_crosses(rows, p):
    curve = kaplan_meier(*split(rows))
    found = quantile(curve, p).value
    assume(found is not None)
    before = curve.survival[curve.time < found]
    assert np.all(curve.survival[curve.time > found] <= 1 - p + 1e-8)
    assert before.size == 0 or before[0] <= 1
    assert not np.any(before < 1 - p - 1e-8)


@given(rows=TIMES)
def test_entry_at_0_changes_nothing_for_times_above_0(rows):
    time, event = split([(t + 1, e) for t, e in rows])
    plain = kaplan_meier(time, event)
    entered = kaplan_meier(time, event, entry=[0.0] * len(time))
    assert entered.survival.tolist() == plain.survival.tolist()
    assert entered.n_risk.tolist() == plain.n_risk.tolist()


CURVE = kaplan_meier([1, 2], [True, False])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kaplan_meier([], []), "time is []; it must be a list of at least one time"),
        (lambda: kaplan_meier([1, -2], [1, 0]), "time[1] is -2.0; it must be a time of 0 or more"),
        (lambda: kaplan_meier([1, None], [1, 0]), "time[1] is nan; it must be a time of 0 or more"),
        (lambda: kaplan_meier([math.inf], [1]), "time[0] is inf; it must be a time of 0 or more"),
        (lambda: kaplan_meier(["a"], [1]), "time is ['a']; it must be a list of numbers"),
        (lambda: kaplan_meier([[1]], [1]), "time is 'an array of shape (1, 1)'; it must be"),
        (lambda: kaplan_meier([1, 2], [1]), "event is 'an array of shape (1,)'; it must be"),
        (
            lambda: kaplan_meier([1, 2], [1, 2]),
            "event[1] is 2; it must be True or 1 for an event, False or 0 for a censored time",
        ),
        (lambda: kaplan_meier([1, 2], [1, None]), "event[1] is None; it must be True or 1"),
        (
            lambda: kaplan_meier([1, 2], [1, 0], entry=[0, 2]),
            "entry[1] is 2.0; it must be smaller than time[1], 2.0",
        ),
        (
            lambda: kaplan_meier([1, 2], [1, 0], weights=[1, 0]),
            "weights[1] is 0.0; it must be a finite number above 0",
        ),
        (
            lambda: kaplan_meier([1], [1], level=0),
            "level is 0; it must be a number between 0 and 1",
        ),
        (
            lambda: kaplan_meier([1], [1], interval="loglog"),
            "interval is 'loglog'; it must be one of log-log, log, plain, arcsine, logit",
        ),
        (lambda: quantile(CURVE, 1.0), "p is 1.0; it must be a number between 0 and 1"),
        (lambda: at_time(CURVE, -1), "t is -1; it must be a time of 0 or more"),
        (lambda: at_time(CURVE, math.nan), "t is nan; it must be a time of 0 or more"),
        (lambda: restricted_mean(CURVE, 0), "tau is 0; it must be a finite time above 0"),
        (lambda: nelson_aalen([1], [1], level=2), "level is 2; it must be a number between 0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value).startswith(message)
