"""Incidence of competing causes and Gray's test: references, properties, edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.stats import (
    InvalidArgument,
    Note,
    cumulative_incidence,
    gray_test,
    incidence_at,
    kaplan_meier,
)
from tests.shared import needs_shared
from tests.stats.reference import Differences, dataset, expected, names_with


@needs_shared
@pytest.mark.parametrize("name", names_with("aalen_johansen"))
def test_incidences_and_both_variances_are_those_of_the_reference(name):
    data, theirs, differences = dataset(name), expected(name)["aalen_johansen"], Differences()
    causes = data["ev"].astype(int)
    aalen = cumulative_incidence(data["time"], causes)
    jackknife = cumulative_incidence(data["time"], causes, variance="jackknife")
    for place, t in enumerate(theirs["times"]):
        for k in (1, 2):
            what = (t, k)
            ours = incidence_at(aalen, k, t, extend=True)
            differences.same(what, ours.value, theirs[f"pstate_event{k}"][place])
            differences.same(what, ours.value, theirs["cmprsk_est"][f"event{k}"][place])
            variance = theirs["cmprsk_var"][f"event{k}"][place]
            ratio = ours.std_err**2 / variance if variance else 1.0 + ours.std_err
            differences.same((*what, "Aalen"), ratio, 1.0, 1e-8)
            ours = incidence_at(jackknife, k, t, extend=True)
            differences.same((*what, "IJ"), ours.std_err, theirs[f"se_event{k}"][place], 1e-8)
        free = np.concatenate(([1.0], aalen.survival))
        at = np.searchsorted(aalen.time, t, side="right")
        differences.same((t, "free"), float(free[at]), theirs["event_free"][place])
    differences.check()


@needs_shared
@pytest.mark.parametrize("name", names_with("aalen_johansen"))
def test_grays_tests_are_those_of_the_reference(name):
    data, theirs, differences = dataset(name), expected(name)["aalen_johansen"], Differences()
    answers = theirs["gray_test"]
    tests = gray_test(data["time"], data["ev"].astype(int), data[answers["group"]])
    differences.all_same("statistic", [t.statistic for t in tests], answers["stat"], 1e-8)
    differences.all_same("p", [t.p_value for t in tests], answers["p"], 1e-8)
    differences.all_same("df", [t.df for t in tests], answers["df"])
    differences.check()


@needs_shared
@pytest.mark.parametrize("name", names_with("aalen_johansen"))
def test_one_minus_kaplan_meier_is_not_the_incidence(name):
    data, theirs = dataset(name), expected(name)["aalen_johansen"]
    risks = cumulative_incidence(data["time"], data["ev"].astype(int))
    last = theirs["times"][-1]
    assert incidence_at(risks, 1, last, extend=True).value < theirs["one_minus_km_event1"][-1]


ROWS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=40)


@given(rows=ROWS)
def test_incidences_and_survival_sum_to_1(rows):
    time, cause = zip(*rows, strict=True)
    risks = cumulative_incidence(time, cause)
    total = risks.survival + sum(c.incidence for c in risks.causes)
    assert total.tolist() == pytest.approx([1.0] * total.size, abs=1e-12)
    curve = kaplan_meier(time, [c > 0 for c in cause])
    assert risks.survival.tolist() == pytest.approx(curve.survival.tolist(), abs=1e-12)


@given(rows=ROWS, variance=st.sampled_from(["aalen", "jackknife"]))
def test_limits_hold_the_incidence(rows, variance):
    time, cause = zip(*rows, strict=True)
    for curve in cumulative_incidence(time, cause, variance=variance).causes:
        for low, value, high in zip(
            curve.lower.tolist(), curve.incidence.tolist(), curve.upper.tolist(), strict=True
        ):
            assert low is None or -1e-12 <= low <= value + 1e-12 <= high + 2e-12
        assert np.all(curve.std_err >= 0)


@given(rows=ROWS)
def test_one_cause_alone_has_the_greenwood_variance_of_the_jackknife(rows):
    time, cause = zip(*rows, strict=True)
    event = [c > 0 for c in cause]
    risks = cumulative_incidence(time, event, censored=False, variance="jackknife")
    # With one cause the jackknife of 1 - S is Greenwood's standard error exactly where ties and
    # censorings allow: sum over rows of squared influence is S^2 times the sum of d / (n (n - d)).
    curve = kaplan_meier(time, event)
    for cause_curve in risks.causes:
        theirs = [e for e in curve.std_err.tolist() if e is not None]
        assert cause_curve.std_err.tolist()[: len(theirs)] == pytest.approx(theirs, abs=1e-10)


def test_causes_tied_at_one_time_are_counted_there():
    risks = cumulative_incidence([2, 2, 5, 5], ["PD", "death", 0, 0])
    assert risks.cause("PD").incidence.tolist() == [0.25, 0.25]
    assert risks.cause("death").incidence.tolist() == [0.25, 0.25]
    assert [c.cause for c in risks.causes] == ["PD", "death"]


def test_an_incidence_of_1_has_no_limits():
    found = incidence_at(cumulative_incidence([1, 2], [1, 1]), 1, 2)
    assert (found.value, found.lower, found.upper) == (1, None, None)


def test_beyond_follow_up_there_is_no_incidence_unless_asked_to_extend():
    risks = cumulative_incidence([1, 2, 4], [1, 2, 0])
    assert incidence_at(risks, 1, 5).value is None
    assert incidence_at(risks, 1, 5).notes == (Note.BEYOND_FOLLOW_UP,)
    assert incidence_at(risks, 1, 5, extend=True).notes == (Note.EXTENDED,)
    assert incidence_at(risks, 2, 1).notes == (Note.NO_EVENT_YET,)
    complete = cumulative_incidence([1, 2], [1, 2])
    assert incidence_at(complete, 1, 9).value == 0.5


def test_without_events_or_groups_there_is_no_test():
    assert cumulative_incidence([1, 2], [0, 0]).notes == (Note.NO_EVENT_YET,)
    assert gray_test([1, 2], [0, 0], ["a", "b"]) == ()
    (one,) = gray_test([1, 2], [1, 1], ["a", "a"])
    assert (one.statistic, one.notes) == (None, (Note.N_TOO_SMALL,))
    (silent,) = gray_test([1, 2, 3], [0, 0, 1], ["a", "b", "b"])
    assert (silent.statistic, silent.notes) == (None, (Note.FEW_EVENTS,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: cumulative_incidence([1, 2], [1, None]),
            "cause[1] is None; it must be a label, not missing",
        ),
        (
            lambda: cumulative_incidence([1, -2], [1, 0]),
            "time[1] is -2.0; it must be a time of 0 or more, not missing and finite",
        ),
        (
            lambda: cumulative_incidence([1], [1], variance="greenwood"),
            "variance is 'greenwood'; it must be one of aalen, jackknife",
        ),
        (
            lambda: incidence_at(cumulative_incidence([1], [1]), 2, 1),
            "cause is 2; it must be a cause that was seen (1)",
        ),
        (
            lambda: incidence_at(cumulative_incidence([1], [0]), 2, 1),
            "cause is 2; it must be a cause that was seen (none: no event was seen)",
        ),
        (
            lambda: incidence_at(cumulative_incidence([1], [1]), 1, math.nan),
            "t is nan; it must be a time of 0 or more, not missing and finite",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value) == message
