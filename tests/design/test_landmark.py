"""Survival at one time, and the exponential median: by hand, by other programs, by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from scipy.stats import binom, norm

from onearm.design import (
    Accrual,
    NoDesign,
    SurvivalHypothesis,
    exponential_design,
    exponential_design_at,
    landmark_design,
    landmark_design_at,
    landmark_test,
)
from onearm.stats import InvalidArgument, Note, exponential

PFS = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
ENTRY = Accrual(rate=2.5, follow_up=6.0)


def test_the_statistic_is_that_of_the_formula_on_the_curve_of_another_program():
    rng = np.random.default_rng(3)
    life, seen = rng.exponential(7.0, 40), rng.uniform(3, 12, 40)
    time, event = np.minimum(life, seen), life <= seen
    found = landmark_test(time, event, at=6.0, survival=0.25)
    curve = KaplanMeierFitter().fit(time, event)
    s = float(curve.survival_function_at_times(6.0).iloc[0])
    died = np.sort(time[event & (time <= 6.0)])
    at_risk = np.array([(time >= t).sum() for t in died])
    se_log = math.sqrt((1 / (at_risk * (at_risk - 1.0))).sum())
    z = (math.log(-math.log(0.25)) - math.log(-math.log(s))) / (se_log / abs(math.log(s)))
    assert found.estimate == pytest.approx(s, abs=1e-12)
    assert found.z == pytest.approx(z, abs=1e-9)
    assert found.p_value == pytest.approx(norm.sf(z), rel=1e-9)
    assert f"{s:.1%}" in found.sentence()


@pytest.mark.parametrize(
    ("time", "event", "at", "note"),
    [
        ([7.0, 8.0], [True, True], 6.0, Note.NO_EVENT_YET),
        ([1.0, 2.0], [True, True], 6.0, Note.SURVIVAL_ZERO),
        ([1.0, 2.0], [True, False], 6.0, Note.BEYOND_FOLLOW_UP),
        ([1.0], [False], 0.5, Note.N_TOO_SMALL),
    ],
)
def test_a_statistic_that_does_not_exist_is_none_with_its_reason(time, event, at, note):
    found = landmark_test(time, event, at=at, survival=0.25)
    assert (found.z, found.p_value) == (None, None)
    assert note in found.notes
    assert "cannot be tested" in found.sentence()


def test_a_better_curve_has_the_larger_statistic():
    early, late = [1.0, 2.0, 3.0, 8.0, 9.0], [1.0, 5.0, 7.0, 8.0, 9.0]
    events = [True, True, True, False, False]
    z = [landmark_test(t, events, at=6.0, survival=0.25).z for t in (early, late)]
    assert z[0] < z[1]


def test_the_rates_at_six_months_of_the_default_design():
    design = landmark_design_at(50, PFS, ENTRY, at=6.0)
    assert round(design.null, 3) == 0.25
    assert round(design.wished, 3) == 0.435


@pytest.mark.parametrize("n", [20, 50, 120])
def test_the_attained_errors_are_those_of_the_test_on_every_count_of_survivors(n):
    design = landmark_design_at(n, PFS, ENTRY, at=6.0)
    rejects = []
    for alive in range(1, n):
        time = [3.0] * (n - alive) + [7.0] * alive
        event = [True] * (n - alive) + [False] * alive
        z = landmark_test(time, event, at=6.0, survival=0.25).z
        rejects.append(z > design.critical)
    for rate, attained in ((design.null, design.alpha_exact), (design.wished, design.power_exact)):
        listed = sum(
            binom.pmf(alive, n, rate) for alive, is_good in enumerate(rejects, start=1) if is_good
        )
        assert attained == pytest.approx(listed, abs=1e-10)
    assert design.reject(design.null) == design.alpha_exact


@pytest.mark.parametrize("is_restricted", [False, True])
def test_simulated_trials_have_about_the_power_of_the_design(is_restricted):
    follow_up = 6.0 if is_restricted else 2.0
    entry = Accrual(rate=8.0, follow_up=follow_up, is_restricted=is_restricted)
    design = landmark_design_at(120, PFS, entry, at=6.0)
    rng, trials, wins = np.random.default_rng(8), 1200, 0
    for _ in range(trials):
        life = rng.exponential(5.0 / math.log(2), design.n)
        seen = design.accrual_time + follow_up - rng.uniform(0, design.accrual_time, design.n)
        if is_restricted:
            seen = np.minimum(seen, follow_up)
        z = landmark_test(np.minimum(life, seen), life <= seen, at=6.0, survival=0.25).z
        wins += z is not None and z > design.critical
    share = wins / trials
    exact = design.power if design.power_exact is None else design.power_exact
    # Exact where everybody reaches the landmark; else a normal formula, to two points of power.
    allowed = 3 * math.sqrt(share * (1 - share) / trials) + (0.02 if follow_up < 6 else 0.0)
    assert abs(share - exact) <= allowed


def test_a_landmark_search_finds_the_first_size_with_the_power():
    found = landmark_design(PFS, ENTRY, at=6.0)
    assert found.power >= 0.8
    assert landmark_design_at(found.n - 1, PFS, ENTRY, at=6.0).power < 0.8
    with pytest.raises(NoDesign, match=r"n_max = 10 .* best power reached is 0\.\d+"):
        landmark_design(PFS, ENTRY, at=6.0, n_max=10)


def test_longer_follow_up_never_takes_power_away():
    powers = [
        landmark_design_at(50, PFS, Accrual(2.5, tf), at=6.0).power for tf in (0.5, 2, 4, 6, 9)
    ]
    assert powers == sorted(powers)
    assert powers[-1] == powers[-2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: landmark_test([], [], at=6, survival=0.2), "time"),
        (lambda: landmark_test([1, -1], [1, 1], at=6, survival=0.2), r"time\[1\] is -1"),
        (lambda: landmark_test([1, 2], [1, 1], at=-6, survival=0.2), "t is -6"),
        (lambda: landmark_test([1, 2], [1, 1], at=6, survival=1.2), "survival is 1.2"),
        (
            lambda: landmark_design_at(50, PFS, Accrual(2.5, 3, is_restricted=True), at=6),
            "at is 6; it must be below the longest follow-up, 3",
        ),
        (lambda: landmark_design_at(0, PFS, ENTRY, at=6), "n is 0"),
        (
            lambda: exponential_design(null_median=5, wished_median=3, accrual=ENTRY),
            "wished_median is 3; it must be above null_median = 5",
        ),
        (
            lambda: exponential_design_at(0, null_median=3, wished_median=5, accrual=ENTRY),
            "events is 0",
        ),
    ],
)
def test_invalid_arguments_are_named(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


@settings(max_examples=40, deadline=None)
@given(gain=st.floats(1.3, 4.0), alpha=st.floats(0.01, 0.2), beta=st.floats(0.05, 0.4))
def test_the_exponential_design_is_the_smallest_that_keeps_both_errors(gain, alpha, beta):
    medians = {"null_median": 3.0, "wished_median": 3.0 * gain}
    design = exponential_design(**medians, accrual=ENTRY, alpha=alpha, beta=beta)
    assert design.reject(3.0) == pytest.approx(alpha, abs=1e-12)
    assert design.power >= 1 - beta
    if design.events > 1:
        smaller = exponential_design_at(design.events - 1, **medians, accrual=ENTRY, alpha=alpha)
        assert smaller.power < 1 - beta


@pytest.mark.parametrize("median", [3.0, 5.0])
def test_simulated_patients_agree_with_the_exact_errors(median):
    design = exponential_design(null_median=3.0, wished_median=5.0, accrual=ENTRY)
    rng, trials = np.random.default_rng(12), 20_000
    n = design.n + 15
    entry = np.cumsum(rng.exponential(1 / 2.5, (trials, n)), axis=1)
    end = entry + rng.exponential(median / math.log(2), (trials, n))
    at = np.sort(end, axis=1)[:, design.events - 1 : design.events]
    # Total follow-up at the calendar time of the event that ends the trial.
    total = np.clip(np.minimum(end, at) - entry, 0, None).sum(axis=1)
    share = (total > design.total_time).mean()
    exact = design.reject(median)
    assert abs(share - exact) <= 3 * math.sqrt(exact * (1 - exact) / trials)


def test_the_limits_at_the_cut_touch_the_null():
    design = exponential_design(null_median=3.0, wished_median=5.0, accrual=ENTRY)
    lower, upper = design.limits(design.total_time, level=0.90)
    assert lower == pytest.approx(3.0, abs=1e-9)
    d = design.events
    time = np.full(d, design.total_time / d)
    # The limits of a fit at a fixed time are wider below: one more event may be on its way.
    fit = exponential(time, np.ones(d, bool), level=0.90)
    assert fit.upper == pytest.approx(upper, rel=1e-9)
    assert fit.lower < lower


def test_the_patients_of_the_exponential_design_have_the_events_in_time():
    design = exponential_design(null_median=3.0, wished_median=5.0, accrual=ENTRY)
    rng = np.random.default_rng(2)
    entry = rng.uniform(0, design.accrual_time, (20_000, design.n))
    life = rng.exponential(5.0 / math.log(2), entry.shape)
    events = (entry + life <= design.accrual_time + 6.0).sum(axis=1).mean()
    assert design.events <= events + 0.1 < design.events + 1.2
