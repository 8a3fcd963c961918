"""One stage: the published examples, the reference sizes, and the edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.design import (
    NoDesign,
    detectable_rate,
    one_stage,
    one_stage_at,
    one_stage_design,
)
from onearm.stats import InvalidArgument
from tests.design.reference import differences, label, rows


def tail(k: int, n: int, p: float) -> float:
    """P(X >= k), term by term."""
    return math.fsum(math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(k, n + 1))


@pytest.mark.parametrize(
    ("p0", "p1", "beta", "needs", "n"),
    [(0.10, 0.25, 0.2, 8, 40), (0.20, 0.40, 0.2, 12, 35), (0.30, 0.50, 0.2, 17, 39)],
)
def test_the_published_designs_are_found(p0, p1, beta, needs, n):
    found = one_stage(p0=p0, p1=p1, alpha=0.05, beta=beta).first
    assert (found.needs, found.n) == (needs, n)


def test_an_error_just_below_the_limit_passes_without_slack():
    design = one_stage_at(39, p0=0.30, p1=0.50, alpha=0.05)
    assert design.needs == 17
    assert 0.0499 < design.alpha <= 0.05


@pytest.mark.parametrize("row", rows("single_stage_designs"), ids=label)
def test_the_reference_size_and_its_stable_size_are_found(row):
    found = one_stage(
        p0=row["p0"], p1=row["p1"], alpha=row["alpha_max"], beta=row["beta_max"], n_max=2000
    )
    ours = (found.first.n, found.first.needs, found.stable.n, found.stable.needs)
    names = ("n", "successes_needed", "n_stable", "stable_successes_needed")
    assert ours == tuple(row[name] for name in names)
    attained = {
        "alpha": found.first.alpha,
        "power": found.first.power,
        "stable_alpha": found.stable.alpha,
        "stable_power": found.stable.power,
    }
    assert not differences(attained, row, 1e-10)


@settings(max_examples=60, deadline=None)
@given(
    p0=st.floats(0.02, 0.7),
    gain=st.floats(0.12, 0.28),
    alpha=st.floats(0.01, 0.2),
    beta=st.floats(0.05, 0.3),
)
def test_the_errors_attained_never_exceed_those_asked_for(p0, gain, alpha, beta):
    p1 = p0 + gain
    found = one_stage(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=600)
    for design in (found.first, found.stable):
        assert design.alpha == pytest.approx(tail(design.needs, design.n, p0), abs=1e-10)
        assert design.alpha <= alpha
        assert design.power >= 1 - beta
    assert found.first.n <= found.stable.n


def test_a_smaller_cut_would_not_keep_alpha_and_a_smaller_size_has_less_power():
    first = one_stage(p0=0.10, p1=0.25).first
    assert tail(first.r, first.n, 0.10) > 0.05
    assert all(one_stage_at(n, p0=0.10, p1=0.25).power < 0.8 for n in range(1, first.n))


def test_power_is_a_saw_between_the_first_and_the_stable_size():
    powers = {n: one_stage_at(n, p0=0.10, p1=0.25).power for n in range(40, 120)}
    assert powers[43] < 0.8 <= min(powers[n] for n in range(44, 120))


def test_the_detectable_rate_has_the_power_asked_for():
    rate = detectable_rate(50, 9, power=0.8)
    assert tail(9, 50, rate) == pytest.approx(0.8, abs=1e-12)


def test_a_size_too_small_for_any_claim_has_no_power():
    design = one_stage_at(2, p0=0.5, p1=0.9, alpha=0.05)
    assert (design.r, design.alpha, design.power) == (2, 0.0, 0.0)


def test_an_infeasible_search_says_what_was_reached_and_what_to_try():
    with pytest.raises(NoDesign, match=r"n_max = 20 .* best power reached is 0\.\d+") as caught:
        one_stage(p0=0.10, p1=0.20, n_max=20)
    assert one_stage(p0=0.10, p1=0.20, n_max=caught.value.try_n).first.n <= caught.value.try_n


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p1": 0.05}, "p1 is 0.05; it must be a rate above p0 = 0.1: p1 must exceed p0"),
        ({"p1": 0.1}, "p1 must exceed p0"),
        ({"p0": 0.0}, "p0 is 0.0; it must be a number between 0 and 1"),
        ({"p1": 1.0}, "p1 is 1.0"),
        ({"alpha": 0.0}, "alpha is 0.0; it must be a number above 0 and at most 0.5"),
        ({"alpha": "x"}, "alpha is 'x'"),
        ({"beta": 0.6}, "beta is 0.6"),
        ({"alpha": 0.5, "beta": 0.5}, r"alpha \+ beta is 1.0"),
        ({"n_max": 0}, "n_max is 0; it must be an integer of at least 1"),
    ],
)
def test_invalid_arguments_are_named(change, message):
    with pytest.raises(InvalidArgument, match=message):
        one_stage(**{"p0": 0.1, "p1": 0.25} | change)


def test_a_cut_beyond_the_patients_is_refused():
    with pytest.raises(InvalidArgument, match="r is 10; it must be an integer of at least 0 and"):
        one_stage_design(10, 10, p0=0.1, p1=0.3)


def test_the_sentence_names_the_rule_and_its_errors():
    sentence = one_stage(p0=0.10, p1=0.25).sentence()
    assert "40 patients are treated" in sentence
    assert "at least 8 of 40 respond" in sentence
    assert "from 44 patients on" in sentence
