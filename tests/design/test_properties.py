"""Promises that hold for every design: errors kept, exact equals simulated, mirrors agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_law
from scipy.stats import betabinom

from onearm.design import (
    Rates,
    ResponseToxicity,
    after_two_stages,
    assurance,
    bayesian_toxicity,
    bop2,
    early_activity_design,
    one_stage_at,
    pocock_toxicity,
    posterior_above_standard,
    posterior_monitoring,
    predictive_design,
    predictive_search,
    response_toxicity,
    two_stage,
    walk,
)
from onearm.design.inference import umvue

PLAN = two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)
TRIALS = 40_000


def counts(rng: np.random.Generator, n: int, p: float) -> np.ndarray:
    """Responders after 0, 1, ... n patients, one row a trial."""
    flags = rng.random((TRIALS, n)) < p
    return np.concatenate((np.zeros((TRIALS, 1), int), np.cumsum(flags, axis=1)), axis=1)


def near(share: float, exact: float) -> bool:
    """Within three standard errors of the exact value."""
    return abs(share - exact) <= 3 * math.sqrt(max(exact * (1 - exact), 1e-9) / TRIALS)


RULES: dict[str, Callable[[], object]] = {
    "predictive": lambda: predictive_design(
        36, p0=0.2, p1=0.4, prior=(0.2, 0.8), theta_l=0.001, theta_t=0.9, theta_u=0.97
    ),
    "bop2": lambda: bop2(p0=0.1, p1=0.25, looks=(20, 35, 50)),
    "posterior": lambda: posterior_monitoring(p0=0.2, prior=(0.2, 0.8), looks=range(10, 41, 5)),
    "toxicity": lambda: bayesian_toxicity(
        limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=(10, 20, 30, 40, 50)
    ),
    "pocock": lambda: pocock_toxicity(rate=0.2, cross=0.05, looks=range(1, 31)),
}


def bounds(rule: object) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    none = (None,) * len(rule.looks)
    if hasattr(rule, "stop_at"):
        return none, rule.stop_at
    high = getattr(rule, "efficacy", (*none[:-1], getattr(rule, "needs", None)))
    return rule.futility, high


@pytest.mark.parametrize("p", [0.1, 0.25, 0.4])
@pytest.mark.parametrize("name", RULES)
def test_the_exact_behaviour_of_a_rule_is_that_of_simulated_trials(name, p):
    rule = RULES[name]()
    low, high = bounds(rule)
    total = counts(np.random.default_rng(11), rule.looks[-1], p)
    stage = np.full(TRIALS, -1)
    side = np.zeros(TRIALS, int)
    for place, n in enumerate(rule.looks):
        here = total[:, n]
        under = here <= (-1 if low[place] is None else low[place])
        over = here >= (n + 1 if high[place] is None else high[place])
        stops = (stage < 0) & (under | over)
        side[stops] = np.where(over[stops], 1, -1)
        stage[stops] = place
    exact = rule.operating(p)
    assert near((side == -1).mean(), exact.stop_low)
    assert near((side == 1).mean(), exact.stop_high)
    sizes = np.where(stage < 0, rule.looks[-1], np.array(rule.looks)[stage])
    assert abs(sizes.mean() - exact.expected_n) <= 3 * sizes.std() / math.sqrt(TRIALS) + 1e-9


@pytest.mark.parametrize("p", [0.1, 0.15, 0.25])
def test_two_stages_and_early_activity_are_those_of_simulated_trials(p):
    total = counts(np.random.default_rng(5), 50, p)
    first, last = total[:, 20], total[:, 50]
    assert near(((first > 2) & (last > 8)).mean(), PLAN.reject(p))
    assert near((last > 8).mean(), PLAN.reject_overruled(p))
    assert near((first <= 2).mean(), PLAN.stop_early(p))
    early = early_activity_design(r1=2, e1=6, n1=20, r=8, n=50, p0=0.1, p1=0.25)
    good = (first >= 6) | ((first > 2) & (last > 8))
    assert near(good.mean(), early.reject(p))
    assert near(((first >= 6) | (first <= 2)).mean(), early.stop_early(p))


@settings(max_examples=60, deadline=None)
@given(
    looks=st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True).map(sorted),
    p=st.floats(0, 1),
    data=st.data(),
)
def test_a_rule_and_its_mirror_image_do_the_same(looks, p, data):
    low, high = [], []
    for n in looks:
        under = data.draw(st.none() | st.integers(0, n))
        low.append(under)
        high.append(data.draw(st.none() | st.integers(0 if under is None else under + 1, n + 1)))
    high = [k if k is None or k <= n else None for k, n in zip(high, looks, strict=True)]
    one = walk(tuple(looks), tuple(low), tuple(high), p)
    mirrored = [
        tuple(None if k is None else n - k for k, n in zip(side, looks, strict=True))
        for side in (high, low)
    ]
    # Counting failures instead of responders swaps the two bounds.
    other = walk(tuple(looks), *mirrored, 1 - p)
    assert one.low == pytest.approx(other.high, abs=1e-11)
    assert one.high == pytest.approx(other.low, abs=1e-11)
    assert one.expected_n == pytest.approx(other.expected_n, abs=1e-9)
    assert one.stop_low + one.stop_high + one.stay == pytest.approx(1, abs=1e-11)


def test_two_endpoints_that_swap_their_names_swap_their_errors():
    rates = Rates(0.2, 0.5, 0.3, 0.6)
    swapped = Rates(0.3, 0.6, 0.2, 0.5)
    one = ResponseToxicity(12, 3, 4, 30, 8, 12, rates)
    other = ResponseToxicity(12, 4, 3, 30, 12, 8, swapped)
    assert one.alpha_response == pytest.approx(other.alpha_toxicity, abs=1e-12)
    assert one.power == pytest.approx(other.power, abs=1e-12)
    for ratio in (0.25, 4.0):
        assert one.tied(ratio).power == pytest.approx(other.tied(ratio).power, abs=1e-12)


def test_the_errors_of_tied_endpoints_are_those_of_the_cells():
    both = response_toxicity(response=(0.1, 0.4), safe=(0.6, 0.9), alpha_response=0.1).optimal
    assert both.tied(1.0).alpha_response == pytest.approx(both.alpha_response, abs=1e-12)
    for ratio in (0.25, 4.0):
        tied = both.tied(ratio)
        # The odds ratio with safety is the inverse of that with toxicity.
        assert tied.alpha_response == both.accept(0.1, 0.9, odds_ratio=1 / ratio)
        assert tied.alpha_toxicity == both.accept(0.4, 0.6, odds_ratio=1 / ratio)
    assert f"{both.tied(4.0).power:.4f}" in both.sentence()


@settings(max_examples=15, deadline=None)
@given(
    p0=st.floats(0.05, 0.35), gain=st.floats(0.25, 0.4), alpha=st.floats(0.05, 0.2),
    theta_u=st.sampled_from([1.0, 0.99, 0.95]),
)  # fmt: skip
def test_a_predictive_design_keeps_both_errors_with_and_without_early_success(
    p0, gain, alpha, theta_u
):
    found = predictive_search(
        p0=p0, p1=p0 + gain, prior=(p0, 1 - p0), alpha=alpha, theta_u=theta_u, n_max=60
    )
    assert found.alpha <= alpha
    assert found.power >= 0.8
    low = [-1 if k is None else k for k in found.futility]
    assert low == sorted(low)
    if theta_u < 1:
        assert found.en1 <= found.n
        high = [k for k in found.efficacy if k is not None]
        assert high == sorted(high)
    else:
        assert set(found.efficacy[:-1]) == {None}


@settings(max_examples=60, deadline=None)
@given(
    r1=st.integers(0, 4), more1=st.integers(1, 8), more=st.integers(0, 6), n2=st.integers(1, 15),
    p=st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=50),
)  # fmt: skip
def test_the_umvue_is_unbiased_in_exact_fractions(r1, more1, more, n2, p):
    n1 = r1 + more1
    n = n1 + n2
    r = min(r1 + more, n - 1)
    plan = two_stage(r1=r1, n1=n1, r=r, n=n, p0=0.1, p1=0.3)

    def mass(k: int, size: int) -> Fraction:
        return comb(size, k) * p**k * (1 - p) ** (size - k)

    mean = sum(mass(k, n1) * Fraction(k, n1) for k in range(r1 + 1))
    for k in range(r1 + 1, n + 1):
        chance = sum(
            mass(x1, n1) * mass(k - x1, n2) for x1 in range(max(r1 + 1, k - n2), min(k, n1) + 1)
        )
        mean += chance * Fraction(umvue(plan, k, stage=2))
    assert float(mean) == pytest.approx(float(p), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(a=st.floats(0.2, 30), b=st.floats(0.2, 30))
def test_assurance_is_a_beta_binomial_sum_over_the_outcomes(a, b):
    early = early_activity_design(r1=2, e1=6, n1=20, r=8, n=50, p0=0.1, p1=0.25)
    first = betabinom(20, a, b)
    good = sum(
        first.pmf(x) * betabinom(30, a + x, b + 20 - x).sf(8 - x) for x in range(3, 6)
    ) + first.sf(5)
    found = assurance(early, prior=(a, b))
    assert found.value == pytest.approx(good, abs=1e-9)
    assert found.stop_early == pytest.approx(first.cdf(2) + first.sf(5), abs=1e-9)
    two = assurance(PLAN, prior=(a, b))
    going = sum(first.pmf(x) * betabinom(30, a + x, b + 20 - x).sf(8 - x) for x in range(3, 21))
    assert two.value == pytest.approx(going, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(1, 60), share=st.floats(0, 1), a=st.floats(0.3, 40), b=st.floats(0.3, 40),
    delta=st.sampled_from([0.0, 0.05, 0.2]),
)  # fmt: skip
def test_the_average_over_a_beta_standard_is_its_integral(n, share, a, b, delta):
    x = round(share * n)
    found = posterior_above_standard(x, n, standard=(a, b), prior=(0.5, 1.5), delta=delta)
    law = beta_law(0.5 + x, 1.5 + n - x)
    value, _ = quad(
        lambda u: law.sf(min(1.0, beta_law.ppf(u, a, b) + delta)), 0, 1, limit=400, epsabs=1e-10
    )
    assert found == pytest.approx(value, abs=2e-6)


@pytest.mark.parametrize("p0", [0.1, 0.3, 0.5])
def test_power_and_cuts_move_the_right_way(p0):
    cuts = [one_stage_at(n, p0=p0, p1=p0 + 0.2).r for n in range(5, 120)]
    assert all(0 <= after - before <= 1 for before, after in pairwise(cuts))
    grid = np.linspace(0, 1, 41)
    for chance in (PLAN.reject, PLAN.expected_n, lambda p: 1 - PLAN.stop_early(p)):
        values = [chance(float(p)) for p in grid]
        # To the last bits of a float: at 1 the sums round either way.
        assert np.diff(values).min() >= -1e-12
        assert all(0 <= value <= PLAN.n for value in values)


@pytest.mark.parametrize("k", [8, 9, 10])
def test_the_decision_and_the_limits_of_the_default_design_agree_around_the_cut(k):
    result = after_two_stages(PLAN, k, stage=2, level=0.90)
    assert result.is_promising is (k >= 9)
    assert (result.p_value <= 0.05) is (k >= 9)
    assert (result.lower > 0.10) is (k >= 9)


@pytest.mark.parametrize("x1", [1, 2, 3])
def test_the_look_of_the_default_design_stops_at_two_and_goes_on_at_three(x1):
    if x1 <= 2:
        result = after_two_stages(PLAN, x1, stage=1)
        assert not result.is_promising
        assert result.lower < 0.10
    else:
        assert PLAN.conditional_power(x1, 0.25) > 0.79


def test_the_safety_boundary_of_the_default_design_stops_at_its_number_and_not_before():
    rule = RULES["toxicity"]()
    for n, k in zip(rule.looks, rule.stop_at, strict=True):
        above = [beta_law.sf(0.25, 0.5 + x, 1.5 + n - x) > 0.9 for x in (k - 1, k, k + 1)]
        assert above == [False, True, True]
