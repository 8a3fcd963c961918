"""Whole simulated trials: curves against the one-trial engine, and every exact answer there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.design import (
    Accrual,
    Plan,
    SurvivalHypothesis,
    log_rank_design_at,
    one_stage_design,
    two_stage,
)
from onearm.design.trial_curves import curves, medians, rates
from onearm.design.trial_summary import SHARES, summarise
from onearm.design.trial_truth import Looks, Truth, Weibull
from onearm.design.trials import simulate_trials
from onearm.stats import InvalidArgument, at_time, kaplan_meier, median
from tests.design.reference import rows

NULL = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
PLAN = Plan(
    response=two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25),
    survival=log_rank_design_at(50, NULL, Accrual(rate=2.5, follow_up=6.0)),
    control=one_stage_design(50, 31, p0=0.5, p1=0.7),
)
TRIALS = 4000
FREE, AFTER = Weibull(5.0), Weibull(4.5)
TRUTH = Truth(0.25, 0.70, FREE, AFTER, deaths=0.2)
# Within the follow-up that every patient has, so that no scan is cut off by the analysis.
SCANS = (1.5, 3.0, 4.5, 6.0)


def run(truth: Truth = TRUTH, looks: Looks | None = None, *, trials: int = TRIALS, seed: int = 3):
    rng = np.random.default_rng(seed)
    return simulate_trials(PLAN, truth, looks or Looks(), rng=rng, n_trials=trials)


def agrees(values: np.ndarray, exact: float) -> bool:
    """Whether the mean is within 3 Monte-Carlo standard errors of the exact answer."""
    values = np.asarray(values, dtype=float)
    return abs(values.mean() - exact) <= 3 * values.std(ddof=1) / math.sqrt(values.size)


# -- Curves ----------------------------------------------------------------------------------------


def same_as_one_by_one(time: np.ndarray, event: np.ndarray, t: float) -> None:
    found = curves(time, event)
    many = [*medians(found), *rates(found, t)]
    for row in range(len(time)):
        curve = kaplan_meier(time[row], event[row])
        middle, height = median(curve), at_time(curve, t)
        one = (
            middle.value, middle.lower, middle.upper, height.value, height.lower, height.upper
        )  # fmt: skip
        mine = [column[row] for column in many]
        theirs = [math.nan if value is None else value for value in one]
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12, nan_ok=True), (
            time[row],
            event[row],
        )


@pytest.mark.parametrize("n", [1, 2, 5, 50])
@pytest.mark.parametrize("step", [None, 1.0, 2.5])
def test_many_curves_are_those_of_one_trial_after_the_other(n, step):
    rng = np.random.default_rng(n)
    life, left = rng.exponential(6, (60, n)), rng.exponential(9, (60, n))
    time = np.minimum(life, left)
    same_as_one_by_one(time if step is None else np.floor(time / step) * step, life <= left, 6.0)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=12))
def test_ties_plateaus_and_last_events_are_read_alike(patients):
    time = np.array([[float(day) for day, _ in patients]])
    same_as_one_by_one(time, np.array([[flag for _, flag in patients]]), 3.0)


def test_times_that_cannot_be_are_refused():
    with pytest.raises(InvalidArgument, match=r"time is -1\.0; it must be times of 0 or more"):
        curves(np.array([[1.0, -1.0]]), np.array([[True, False]]))
    with pytest.raises(InvalidArgument, match="trials by patients"):
        curves(np.ones((2, 3)), np.ones((2, 2), dtype=bool))


# -- What has an exact answer ----------------------------------------------------------------------


@pytest.mark.parametrize("truth", [TRUTH, Truth(0.1, 0.5, Weibull(3.0), AFTER)], ids=["H1", "H0"])
def test_decisions_agree_with_the_exact_design(truth):
    found = run(truth)
    assert agrees(found["go"], 1 - PLAN.response.stop_early(truth.response))
    assert agrees(found["promising"], PLAN.response.reject(truth.response))
    assert agrees(found["control_win"], PLAN.control.reject(truth.control))
    assert agrees(found["patients"], PLAN.response.expected_n(truth.response))


def test_the_design_based_estimate_is_unbiased_and_its_limits_hold():
    found = run()
    assert agrees(found["orr_umvue"], 0.25)
    covered = (found["orr_exact_lower"] <= 0.25) & (found["orr_exact_upper"] >= 0.25)
    assert covered.mean() >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / TRIALS)


@pytest.mark.parametrize("file", rows("default_design"), ids=["default"])
def test_the_log_rank_decision_meets_the_reference_simulation(file):
    for name, truth in (
        ("H0 global (.10,.50,3.0)", Truth(0.10, 0.50, Weibull(3.0), AFTER, correlation=0.5)),
        ("H1 (.25,.70,5.0)", Truth(0.25, 0.70, Weibull(5.0), AFTER, correlation=0.5)),
    ):
        theirs = file["simulation"]["scenarios"][name]["PFS_wu_uncond"]
        mine = run(truth, Looks(dropout=0.015))["pfs_win"].mean()
        spread = math.sqrt(theirs * (1 - theirs) * (1 / TRIALS + 1 / 100_000))
        assert abs(mine - theirs) <= 3 * spread, name


@pytest.mark.parametrize("shape", [0.8, 1.0, 1.7])
def test_curves_recover_the_weibull_they_were_drawn_from(shape):
    truth = Truth(0.25, 0.7, Weibull(5.0, shape), AFTER, deaths=0.2, correlation=0.6)
    found = run(truth)
    # Everybody is followed for six months, so the curve is unbiased there.
    assert agrees(found["pfs_rate"], float(truth.free.survival(np.array(6.0))))
    assert agrees(found["os_rate"], truth.alive(6.0))


def test_survival_after_progression_has_its_closed_form():
    a, b = math.log(2) / 5.0, math.log(2) / 4.5
    truth = Truth(0.25, 0.7, FREE, AFTER, deaths=0.0)
    for t in (0.5, 4.0, 30.0):
        exact = (b * math.exp(-a * t) - a * math.exp(-b * t)) / (b - a)
        assert truth.alive(t) == pytest.approx(exact, rel=1e-9)
    assert truth.alive(truth.median_alive) == pytest.approx(0.5, abs=1e-12)
    only_deaths = Truth(0.25, 0.7, FREE, AFTER, deaths=1.0)
    assert only_deaths.median_alive == pytest.approx(5.0)


# -- What looking does -----------------------------------------------------------------------------


def responded(looks: Looks, truth: Truth = TRUTH) -> np.ndarray:
    return run(truth, looks)["responders"] / 50


def free(t: float) -> float:
    return float(FREE.survival(np.array(t)))


@pytest.mark.parametrize("missed", [0.0, 0.3])
def test_a_response_is_seen_if_a_scan_is_held_before_progression(missed):
    looks = Looks(scans=SCANS, missed=missed)
    seen = sum(missed**j * (1 - missed) * free(day) for j, day in enumerate(SCANS))
    assert agrees(responded(looks), 0.25 * seen)


def test_a_confirmed_response_needs_the_second_scan():
    looks = Looks(scans=SCANS, confirmation=True, confirm_after=1.0)
    assert agrees(responded(looks), 0.25 * free(3.0))
    # Too close together the first repeat does not confirm; the third scan does.
    later = Looks(scans=SCANS, confirmation=True, confirm_after=2.0)
    assert agrees(responded(later), 0.25 * free(4.5))


def test_readers_lose_responses_and_find_others():
    looks = Looks(scans=(1.5,), reader_error=0.2)
    exact = free(1.5) * (0.25 * 0.8 + 0.75 * 0.1)
    assert agrees(responded(looks), exact)


def test_one_wrong_reading_between_two_responses_does_not_undo_them():
    # Response at both scans, or at the first and third with a miss between: 0.9, 0.1, 0.9.
    truth = Truth(0.999, 0.9995, Weibull(1e6), AFTER)
    looks = Looks(scans=(1.5, 3.0, 4.5), reader_error=0.1, confirmation=True)
    assert agrees(responded(looks, truth), 0.999 * (0.9**2 + 2 * 0.1 * 0.9**2))


def test_progression_is_seen_at_the_next_scan():
    # Nobody dies before the scan that shows it.
    truth = Truth(0.25, 0.7, FREE, Weibull(1e6), deaths=0.0)
    found = simulate_trials(
        PLAN, truth, Looks(scans=SCANS), rng=np.random.default_rng(1), n_trials=TRIALS, landmark=4.0
    )
    # Between the scans at 3.0 and 4.5 the curve stands where the truth stood at 3.0.
    assert agrees(found["pfs_rate"], free(3.0))


def test_an_event_behind_a_long_gap_does_not_count():
    truth = Truth(0.25, 0.7, FREE, AFTER, deaths=0.0)
    looks = {"scans": SCANS, "missed": 0.6}
    strict, loose = run(truth, Looks(**looks, gap=2.0)), run(truth, Looks(**looks))
    assert strict["pfs_events"].mean() < loose["pfs_events"].mean()
    assert (strict["pfs_events"] <= loose["pfs_events"]).all()


def test_scans_make_the_log_rank_test_find_too_much():
    # The null is a law of continuous time; dated to the next scan, progression comes later.
    truth = Truth(0.10, 0.50, Weibull(3.0), AFTER, deaths=0.1)
    every_six_weeks = tuple(1.38 * k for k in range(1, 30))
    assert run(truth, Looks(scans=every_six_weeks))["pfs_win"].mean() > 0.10
    weekly = tuple(0.23 * k for k in range(1, 130))
    assert run(truth, Looks(scans=weekly), trials=1000)["pfs_win"].mean() < 0.10


def test_leaving_takes_events_but_not_the_curve():
    found, whole = run(looks=Looks(dropout=0.05)), run()
    assert found["os_events"].mean() < whole["os_events"].mean() - 1
    assert agrees(found["os_rate"][~np.isnan(found["os_rate"])], TRUTH.alive(6.0))


# -- Columns and their sum -------------------------------------------------------------------------


def test_the_same_generator_gives_the_same_columns():
    looks = Looks(scans=SCANS, missed=0.1, reader_error=0.05, confirmation=True, dropout=0.01)
    first, again, other = (run(looks=looks, trials=700, seed=s) for s in (1, 1, 2))
    assert all(np.array_equal(first[k], again[k], equal_nan=True) for k in first)
    assert not np.array_equal(first["pfs_z"], other["pfs_z"])


def test_every_measure_has_its_error_and_decisions_are_nested():
    found = {one.name: one for one in summarise(run())}
    shares = {name: found[name] for name in SHARES}
    assert all(m.std_err == pytest.approx(math.sqrt(m.value * (1 - m.value) / TRIALS))
               for m in shares.values())  # fmt: skip
    assert all(m.lower <= m.value <= m.upper for m in shares.values())
    assert found["promising"].value <= found["go"].value
    assert found["joint"].value <= min(found["promising"].value, found["pfs_win"].value)
    assert found["all_three"].value <= found["joint"].value
    bias = found["orr_mean"].value - found["orr_true"].value
    assert found["orr_bias"].value == pytest.approx(bias)
    assert found["pfs_median_coverage"].value == pytest.approx(0.95, abs=0.02)


def test_a_median_that_is_not_reached_has_open_limits():
    columns = dict(run(trials=3))
    columns |= {
        "pfs_median": np.array([5.0, np.nan, np.nan]),
        "pfs_median_lower": np.array([4.0, 4.5, np.nan]),
        "pfs_median_upper": np.array([6.0, np.nan, np.nan]),
        "pfs_last": np.array([9.0, 9.0, 4.0]),
    }
    found = {one.name: one for one in summarise(columns)}
    assert found["pfs_median_reached"].value == pytest.approx(1 / 3)
    assert found["pfs_median_mean"].trials == 1
    # All three hold 5.0: the second is open above, the third begins where follow-up ends.
    assert found["pfs_median_coverage"].value == 1.0
    columns["true_pfs_median"] = np.full(3, np.nan)
    unknown = {one.name: one for one in summarise(columns)}
    assert unknown["pfs_median_coverage"].value is None
    assert unknown["pfs_median_bias"].trials == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: run(trials=0), "n_trials is 0"),
        (lambda: Weibull(0.0), r"median is 0\.0"),
        (
            lambda: Truth(0.3, 0.2, FREE, AFTER),
            r"control is 0\.2; it must be at least the response",
        ),
        (lambda: Truth(0.2, 0.5, FREE, AFTER, deaths=1.5), r"deaths is 1\.5"),
        (lambda: Looks(scans=SCANS, missed=1.0), r"missed is 1\.0"),
        (lambda: Looks(scans=SCANS, reader_error=-0.1), r"reader_error is -0\.1"),
        (lambda: Looks(dropout=-0.01), r"dropout is -0\.01"),
        (lambda: Looks(scans=(3.0, 1.5)), "ascending order"),
        (lambda: Looks(gap=0.0), r"gap is 0\.0"),
        (lambda: Looks(missed=0.1), "days of scanning"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InvalidArgument, match=message):
        make()
