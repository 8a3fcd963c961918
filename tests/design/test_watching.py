"""A running trial against its rules: hand-computed states, brute force, and the decision kept."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from onearm.design import (
    Accrual,
    Future,
    Standing,
    SurvivalHypothesis,
    TwoStage,
    after_two_stages,
    bayesian_toxicity,
    changed_first_stage,
    changed_second_stage,
    events_ahead,
    events_now,
    expected_events,
    log_rank_design_at,
    log_rank_now,
    one_stage_design,
    one_stage_now,
    pocock_toxicity,
    two_stage,
    two_stage_now,
)
from onearm.design.inference import as_good
from onearm.results.planned import decision_level
from onearm.stats import InvalidArgument, exponential, kaplan_meier, landmark_test
from tests.shared import needs_shared, shared

DEFAULT = TwoStage(2, 20, 8, 50, 0.10, 0.25)
PRIOR = (0.1, 0.9)


def flags(responders: int, patients: int) -> list[bool]:
    """So many responders first, then the others: the order within a stage does not matter."""
    return [True] * responders + [False] * (patients - responders)


# -- Two stages


@needs_shared
def test_the_interim_of_the_default_design_has_the_published_chances():
    design = json.loads(shared("statistics", "default_design.json").read_text())
    table = design["primary_orr"]["interim_table"]
    for row in table:
        now = two_stage_now(DEFAULT, flags(row["x1"], 20), prior=PRIOR)
        assert (now.standing is Standing.STOPPED) == (not row["continue_"])
        assert now.power1 == pytest.approx(row["conditional_power_p1"], abs=1e-10)
        assert now.power0 == pytest.approx(row["conditional_power_p0"], abs=1e-10)
        expected = row["predictive_probability_beta_01_09"]
        assert now.predictive == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("x", "n", "standing", "more", "left"),
    [
        (0, 0, Standing.BEFORE_INTERIM, 3, 20),
        (1, 14, Standing.BEFORE_INTERIM, 2, 6),
        (0, 18, Standing.BEFORE_INTERIM, None, 2),  # two patients cannot bring three responders
        (3, 15, Standing.BEFORE_INTERIM, 0, 5),
        (2, 20, Standing.STOPPED, None, 0),
        (3, 20, Standing.SECOND_STAGE, 6, 30),
        (8, 45, Standing.SECOND_STAGE, 1, 5),
        (9, 45, Standing.SECOND_STAGE, 0, 5),
        (3, 45, Standing.SECOND_STAGE, None, 5),
        (8, 50, Standing.NOT_PROMISING, None, 0),
        (9, 50, Standing.PROMISING, 0, 0),
    ],
)
def test_where_the_default_design_stands_at_one_responder_less_and_more(x, n, standing, more, left):
    now = two_stage_now(DEFAULT, flags(x, n))
    assert (now.standing, now.more, now.left) == (standing, more, left)
    assert now.sentence().endswith((".", "."))


@given(st.integers(0, 12), st.integers(0, 12), st.floats(0.05, 0.6))
@settings(max_examples=60, deadline=None)
def test_chances_are_those_of_every_future_counted_one_by_one(x, n, p):
    design = two_stage(r1=1, n1=6, r=4, n=12, p0=0.2, p1=p + 0.3)
    x = min(x, n)
    seen = np.array(flags(x, n), dtype=bool)
    now = two_stage_now(design, seen, prior=(0.4, 1.1))
    if now.standing is Standing.STOPPED:
        return  # what stopping gives up is the published table's, tested above
    wins = stops = 0.0
    for future in product((False, True), repeat=12 - n):
        whole = [*seen, *future]
        chance = math.prod(p + 0.3 if f else 0.7 - p for f in future)
        is_stop = sum(whole[:6]) <= 1
        stops += chance * is_stop
        wins += chance * (not is_stop and sum(whole) > 4)
    assert now.power1 == pytest.approx(wins, abs=1e-12)
    if n < 6:
        assert now.stop1 == pytest.approx(stops, abs=1e-12)


@given(st.integers(0, 19), st.integers(0, 19))
@settings(max_examples=40, deadline=None)
def test_the_predictive_probability_is_the_power_averaged_over_the_posterior(x, n):
    x = min(x, n)
    now = two_stage_now(DEFAULT, flags(x, n), prior=(1.5, 6.0))
    rates = (np.arange(4000) + 0.5) / 4000
    density = scipy_stats.beta.pdf(rates, 1.5 + x, 6.0 + n - x)
    powers = []
    for p in rates[::40]:
        more = np.arange(0, 20 - n + 1)
        first = scipy_stats.binom.pmf(more, 20 - n, p)
        later = scipy_stats.binom.sf(8 - x - more, 30, p)
        powers.append(float((first * later)[x + more > 2].sum()))
    average = np.interp(rates, rates[::40], powers) @ density / density.sum()
    assert now.predictive == pytest.approx(average, abs=2e-3)


def test_who_comes_after_the_look_never_changes_it():
    late = [*flags(2, 20), *[True] * 30]
    now = two_stage_now(DEFAULT, late)
    assert (now.standing, now.x, now.n) == (Standing.STOPPED, 2, 20)
    assert (now.beyond, now.beyond_responders) == (30, 30)
    end = two_stage_now(DEFAULT, [*flags(8, 50), True, True])
    assert (end.standing, end.x, end.beyond) == (Standing.NOT_PROMISING, 8, 2)


@pytest.mark.parametrize("n", [21, 22])
def test_an_overrun_shows_both_ways_on_and_chooses_neither(n):
    now = two_stage_now(DEFAULT, flags(3, n))
    assert now.standing is Standing.SECOND_STAGE
    assert now.design is DEFAULT
    assert now.other_look == changed_first_stage(DEFAULT, n1=n)
    # 2 of 21 keeps alpha and 2 of 22 does not: specification, table of the default design.
    assert (now.other_look.kept.alpha <= 0.05) == (n == 21)
    assert now.other_look.adjusted.alpha <= 0.05


def test_far_from_the_interim_there_is_no_overrun_of_it():
    assert two_stage_now(DEFAULT, flags(3, 25)).other_look is not None
    assert two_stage_now(DEFAULT, flags(3, 26)).other_look is None
    assert two_stage_now(DEFAULT, flags(3, 20)).other_look is None


def test_a_second_stage_of_another_size_is_koyama_and_chens():
    open_ = two_stage_now(DEFAULT, flags(9, 40))
    assert (open_.standing, open_.other_end) == (Standing.SECOND_STAGE, None)
    # 9 responders, all first: 9 of the first 20, none of the 20 after them
    closed = two_stage_now(DEFAULT, flags(9, 40), is_closed=True)
    assert closed.standing is Standing.ENDED_EARLY
    assert closed.other_end == changed_second_stage(DEFAULT, x1=9, x2=0, m2=20)
    over = two_stage_now(DEFAULT, [*flags(3, 20), *flags(6, 33)])
    assert over.standing is Standing.PROMISING
    assert over.other_end == changed_second_stage(DEFAULT, x1=3, x2=6, m2=33)


def test_enrolment_closed_before_the_interim_leaves_the_rule_silent():
    now = two_stage_now(DEFAULT, flags(4, 12), is_closed=True)
    assert (now.standing, now.other_end) == (Standing.ENDED_EARLY, None)
    assert "described only" in now.sentence()


@pytest.mark.parametrize("bad", [[0, 1, 2], [[True]], [None, True]])
def test_flags_that_are_no_truth_values_are_refused(bad):
    with pytest.raises(InvalidArgument, match="responded"):
        two_stage_now(DEFAULT, bad)


def designs() -> st.SearchStrategy[TwoStage]:
    @st.composite
    def draw(pick):
        n = pick(st.integers(4, 40))
        n1 = pick(st.integers(2, n - 1))
        r1 = pick(st.integers(0, n1 - 1))
        r = pick(st.integers(r1, n - 1))
        p0 = pick(st.floats(0.02, 0.7))
        return two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=min(0.99, p0 + 0.2))

    return draw()


def assert_the_interval_keeps_the_decision(design: TwoStage, alpha: float) -> None:
    level = decision_level(design, alpha)
    if level <= 0:
        return  # alpha of one half or more: no interval to give
    outcomes = [(1, k) for k in range(design.r1 + 1)]
    outcomes += [(2, k) for k in range(design.r1 + 1, design.n + 1)]
    for stage, k in outcomes:
        result = after_two_stages(design, k, stage=stage, level=level)
        slack = 1e-9  # limits are roots, exact to 1e-9 (reference data, tolerances)
        if result.is_promising:
            assert result.lower >= design.p0 - slack, (stage, k)
        else:
            assert result.lower <= design.p0 + slack, (stage, k)
        assert result.lower <= result.upper


def test_the_interval_never_contradicts_the_decision_of_the_default_design():
    assert decision_level(DEFAULT, 0.05) == pytest.approx(0.90)
    assert_the_interval_keeps_the_decision(DEFAULT, 0.05)
    result = after_two_stages(DEFAULT, 9, stage=2, level=0.90)
    assert result.lower > 0.10 > result.naive.lower  # the naive limits would contradict it


@pytest.mark.slow
@given(designs(), st.floats(0.01, 0.2))
@settings(max_examples=60, deadline=None)
def test_the_interval_never_contradicts_the_decision_of_any_design(design, alpha):
    # Below that, the level 1 - 2 alpha itself has too few digits as a float.
    assume(design.alpha > 1e-6)
    keeps = as_good(design, design.r + 1, design.p0, stage=2) <= alpha
    assert_the_interval_keeps_the_decision(design, alpha if keeps else design.alpha)


# -- One stage


def test_a_one_stage_test_waits_for_all_its_patients():
    design = one_stage_design(50, 31, p0=0.5, p1=0.7)
    now = one_stage_now(design, flags(33, 40), prior=(1, 1))
    assert (now.standing, now.more, now.left) == (Standing.OPEN, 0, 10)
    assert (now.power0, now.power1, now.predictive) == (1.0, 1.0, 1.0)
    lost = one_stage_now(design, flags(20, 40))
    assert (lost.more, lost.power1) == (None, 0.0)
    assert one_stage_now(design, flags(31, 50)).standing is Standing.NOT_PROMISING
    end = one_stage_now(design, flags(32, 52))
    assert (end.standing, end.beyond) == (Standing.PROMISING, 2)
    half = one_stage_now(design, flags(16, 25))
    assert half.power1 == pytest.approx(scipy_stats.binom.sf(15, 25, 0.7), abs=1e-12)


# -- Boundaries

LOOKS = (10, 20, 30, 40, 50)
TOXICITY = bayesian_toxicity(limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=LOOKS)


@pytest.mark.parametrize(
    ("events", "crossed", "certain", "following", "more"),
    [
        (flags(0, 0), None, False, 10, 5),
        (flags(4, 8), None, False, 10, 1),
        (flags(5, 8), 10, True, 10, 0),  # five of eight already make five of ten
        (flags(4, 10), None, False, 20, 4),
        (flags(5, 10), 10, False, 20, 3),
        ([*flags(0, 10), *[True] * 8], 20, True, 20, 0),
        (flags(0, 15), None, False, 20, None),  # five patients cannot bring eight events
        (flags(16, 50), 10, False, None, None),
        ([*flags(0, 30), *flags(10, 20)], None, False, None, None),
    ],
)
def test_where_the_toxicity_boundary_stands(events, crossed, certain, following, more):
    now = events_now(TOXICITY, events, prior=(0.5, 1.5))
    assert (now.crossed_at, now.is_certain) == (crossed, certain)
    assert (now.next_look, now.more) == (following, more)
    assert now.is_crossed == ("is crossed" in now.sentence())
    assert now.chance == 1.0 or not now.is_crossed


@pytest.mark.parametrize("k", range(10))
def test_the_boundary_at_a_look_is_the_posterior_above_its_certainty(k):
    now = events_now(TOXICITY, flags(k, 20), prior=(0.5, 1.5))
    posterior = scipy_stats.beta.sf(0.25, 0.5 + k, 1.5 + 20 - k)
    assert now.posterior == pytest.approx(posterior, abs=1e-12)
    assert now.looks[1].is_crossed == (posterior > 0.9)


def test_the_chance_to_cross_from_here_is_the_one_of_every_future():
    rule = pocock_toxicity(rate=0.3, cross=0.1, looks=(4, 8, 12))
    seen = [True, False, False]
    chance = 0.0
    for future in product((False, True), repeat=9):
        whole = [*seen, *future]
        stops = any(
            k is not None and sum(whole[:n]) >= k
            for n, k in zip(rule.looks, rule.stop_at, strict=True)
        )
        chance += stops * math.prod(0.3 if f else 0.7 for f in future)
    assert events_now(rule, seen).chance == pytest.approx(chance, abs=1e-12)


# -- Time to an event

PLAN = log_rank_design_at(
    50, SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6), Accrual(2.5, 6.0)
)


def test_the_one_sample_log_rank_now_by_hand():
    months, events = [1.0, 2.5, 3.0, 6.0, 7.5], [True, False, True, True, False]
    now = log_rank_now(PLAN, months, events)
    expected = sum(months) * math.log(2) / 3
    z = (expected - 3) / math.sqrt((3 + expected) / 2)
    assert now.test.expected == pytest.approx(expected)
    assert now.z == pytest.approx(z)
    assert now.most_events == 1  # (4.62 - 1) / sqrt(2.81) = 2.16, (4.62 - 2) / sqrt(3.31) = 1.44
    share = (3 + expected) / (PLAN.expected_events + PLAN.expected_null)
    assert now.information == pytest.approx(share)
    assert not now.exceeds


def test_without_follow_up_nothing_is_tested():
    for months, events in (([], []), ([0.0, 0.0], [False, False])):
        now = log_rank_now(PLAN, months, events)
        assert (now.z, now.information, now.most_events) == (None, None, None)
        assert "Nobody has been followed" in now.sentence()


def test_breslows_variance_is_on_offer_and_no_other():
    months, events = [4.0] * 20, flags(5, 20)
    assert (
        log_rank_now(PLAN, months, events, variance="breslow").z
        < log_rank_now(PLAN, months, events).z
    )
    with pytest.raises(InvalidArgument, match="variance"):
        log_rank_now(PLAN, months, events, variance="wald")


@pytest.mark.parametrize(("ratio", "name"), [(1.0, "null"), (0.6, "target")])
def test_the_power_ahead_is_that_of_simulated_futures(ratio, name):
    """One state of the trial and 40,000 futures of it; the normal approximation is near."""
    rng = np.random.default_rng(5)
    months, events = [4.0] * 12 + [2.0] * 14, [*flags(8, 12), *flags(5, 14)]
    now = log_rank_now(PLAN, months, events)
    future = Future(at_risk=13, ahead=15.0, entering=24, entry=9.0)
    told = getattr(events_ahead(PLAN, now, future, exposure=76.0), name)

    trials, hazard = 40_000, math.log(2) / 3
    limit = np.full((trials, 37), 15.0)
    limit[:, 13:] -= rng.uniform(0, 9, (trials, 24))
    time = rng.exponential(1 / (hazard * ratio), (trials, 37))
    o = 13 + (time <= limit).sum(1)
    e = 76.0 * hazard + np.minimum(time, limit).sum(1) * hazard
    success = ((e - o) / np.sqrt((o + e) / 2) > PLAN.critical).mean()
    assert told.events == pytest.approx(o.mean(), abs=3 * o.std() / math.sqrt(trials))
    assert told.power == pytest.approx(success, abs=0.015)


def test_events_ahead_of_an_empty_trial_are_those_of_the_plan():
    nobody = log_rank_now(PLAN, [], [])
    ahead = events_ahead(PLAN, nobody, Future(0, 26.0, 50, 20.0), exposure=0.0)
    plan = expected_events(n=50, accrual_time=20, hazard=math.log(2) / 5, time=26)
    assert ahead.target.events == pytest.approx(plan.events)
    assert ahead.target.events == pytest.approx(PLAN.expected_events, rel=1e-6)
    # Simulated unconditional power: .951 (specification, section 14).
    assert ahead.target.power == pytest.approx(0.951, abs=0.01)
    assert ahead.null.power == pytest.approx(0.049, abs=0.01)
    assert ahead.seen is None


def test_with_nobody_left_the_decision_is_made():
    sure = log_rank_now(PLAN, [9.0] * 20, flags(4, 20))
    ahead = events_ahead(PLAN, sure, Future(0, 3.0), exposure=180.0)
    assert (ahead.null.power, ahead.null.events) == (1.0, 4.0)
    with pytest.raises(InvalidArgument, match="entry"):
        events_ahead(PLAN, sure, Future(0, 3.0, entering=2), exposure=180.0)


# -- Landmark and exponential


def test_the_landmark_test_by_hand_and_at_its_edges():
    curve = kaplan_meier([1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 1, 0, 0, 0, 0, 0])
    survival, greenwood = 7 / 8 * 5 / 6, 1 / (8 * 7) + 1 / (6 * 5)
    z = (math.log(-math.log(0.25)) - math.log(-math.log(survival))) / (
        math.sqrt(greenwood) / -math.log(survival)
    )
    test = landmark_test(curve, 4.0, null=0.25)
    assert test.z == pytest.approx(z, abs=1e-12)
    assert test.p_value == pytest.approx(scipy_stats.norm.sf(z), abs=1e-12)
    before = landmark_test(curve, 0.5, null=0.25)
    assert (before.z, [str(n) for n in before.notes]) == (None, ["no_event_yet"])
    after = landmark_test(curve, 9.0, null=0.25)
    assert (after.p_value, [str(n) for n in after.notes]) == (None, ["beyond_follow_up"])
    gone = landmark_test(kaplan_meier([1, 2], [1, 1]), 2.0, null=0.25)
    assert (gone.z, [str(n) for n in gone.notes]) == (None, ["survival_zero"])
    with pytest.raises(InvalidArgument, match="null"):
        landmark_test(curve, 4.0, null=1.0)


def test_a_landmark_p_value_below_alpha_means_a_limit_above_the_null():
    rng = np.random.default_rng(3)
    for _ in range(30):
        time = rng.exponential(6, 40)
        curve = kaplan_meier(np.minimum(time, 12), time <= 12, level=0.90)
        test = landmark_test(curve, 6.0, null=0.35)
        # The test's variance and the log-log limit are one: they agree by algebra.
        assert (test.p_value < 0.05) == (test.found.lower > 0.35)


def test_the_exponential_median_has_exact_limits_and_a_lower_one_without_events():
    fit = exponential([2.0, 3.0, 4.0, 6.0], [True, False, True, True])
    chi = scipy_stats.chi2
    assert fit.median == pytest.approx(15 * math.log(2) / 3)
    assert fit.lower == pytest.approx(2 * 15 * math.log(2) / chi.ppf(0.975, 8))
    assert fit.upper == pytest.approx(2 * 15 * math.log(2) / chi.ppf(0.025, 6))
    none = exponential([2.0, 3.0], [False, False])
    assert (none.median, none.upper) == (None, None)
    assert none.lower == pytest.approx(2 * 5 * math.log(2) / chi.ppf(0.975, 2))
