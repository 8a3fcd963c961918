"""Stops for early activity (Mander-Thompson) and two endpoints (Bryant-Day)."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.design import NoDesign, early_activity, early_activity_design, response_toxicity, simon
from onearm.stats import InvalidArgument
from tests.design.reference import differences, label, rows


def mass(x: int, n: int, p: float) -> float:
    return comb(n, x) * p**x * (1 - p) ** (n - x)


@pytest.mark.parametrize("size", ["EN0", "EN1"])
@pytest.mark.parametrize("row", rows("mander_thompson"), ids=label)
def test_the_reference_of_early_activity_is_reproduced(row, size):
    found = early_activity(
        p0=row["p0"],
        p1=row["p1"],
        alpha=row["alpha_max"],
        beta=row["beta_max"],
        optimise=size.lower(),
        n_max=row["n_search_max"],
    )
    for kind in ("optimal", "minimax"):
        design, theirs = getattr(found, kind), row[f"{kind}_{size}"]
        cuts = (design.r1, design.e1, design.n1, design.r, design.n)
        assert cuts == tuple(theirs[name] for name in ("r1", "e1", "n1", "r", "n"))
        ours = {
            "EN0": design.en0,
            "EN1": design.en1,
            "alpha": design.alpha,
            "power": design.power,
            "PET0": design.pet0,
            "PET1": design.pet1,
        }
        assert not differences(ours, theirs, 1e-10)


@settings(max_examples=25, deadline=None)
@given(p0=st.floats(0.05, 0.6), gain=st.floats(0.2, 0.35), alpha=st.floats(0.03, 0.2))
def test_early_activity_keeps_its_errors_and_never_needs_more_than_simon(p0, gain, alpha):
    p1 = p0 + gain
    found = early_activity(p0=p0, p1=p1, alpha=alpha)
    for design in (found.optimal, found.minimax):
        listed = dict.fromkeys((p0, p1), 0.0)
        for p in listed:
            for x1 in range(design.r1 + 1, design.n1 + 1):
                late = sum(
                    mass(x2, design.n - design.n1, p)
                    for x2 in range(design.n - design.n1 + 1)
                    if x1 + x2 > design.r
                )
                listed[p] += mass(x1, design.n1, p) * (1 if x1 >= design.e1 else late)
        assert listed[p0] == pytest.approx(design.alpha, abs=1e-10)
        assert listed[p1] == pytest.approx(design.power, abs=1e-10)
        assert design.alpha <= alpha
        assert design.power >= 0.8
    assert found.optimal.en0 <= simon(p0=p0, p1=p1, alpha=alpha).optimal.en0 + 1e-9


def test_without_a_stop_for_activity_the_design_is_simons():
    two = simon(p0=0.1, p1=0.25, beta=0.15).optimal
    same = early_activity_design(r1=2, e1=21, n1=20, r=8, n=50, p0=0.1, p1=0.25)
    assert (same.alpha, same.power, same.en0) == pytest.approx(
        (two.alpha, two.power, two.en0), abs=1e-12
    )
    assert "for activity" not in same.sentence()


@pytest.mark.parametrize(("r1", "e1"), [(4, 5), (-2, 5), (3, 22)])
def test_stops_that_leave_no_way_on_are_refused(r1, e1):
    with pytest.raises(InvalidArgument, match=r"^(r1|e1) is"):
        early_activity_design(r1=r1, e1=e1, n1=20, r=8, n=50, p0=0.1, p1=0.25)


def test_early_activity_without_an_answer_says_so():
    with pytest.raises(NoDesign, match="n_max = 20"):
        early_activity(p0=0.1, p1=0.2, n_max=20)


@pytest.mark.parametrize("row", rows("bryant_day"), ids=label)
def test_the_reference_of_response_and_toxicity_is_reproduced(row):
    found = response_toxicity(
        response=(row["pR0"], row["pR1"]),
        safe=(row["pT0"], row["pT1"]),
        alpha_response=row["alpha_R_max"],
        alpha_toxicity=row["alpha_T_max"],
        beta=row["beta_max"],
    )
    for kind in ("optimal", "minimax"):
        design, theirs = getattr(found, kind), row[kind]
        cuts = (
            design.n1,
            design.response1,
            design.safe1,
            design.n,
            design.response,
            design.safe,
        )
        assert cuts == tuple(theirs[name] for name in ("n1", "cR1", "cT1", "n", "cR", "cT"))
        ours = {
            "alpha_R": design.alpha_response,
            "alpha_T": design.alpha_toxicity,
            "power": design.power,
            "EN01": design.en01,
            "EN10": design.en10,
            "EN00": design.en00,
            "EN11": design.en11,
        }
        assert not differences(ours, theirs, 1e-10)


@pytest.fixture(scope="module")
def both():
    return response_toxicity(response=(0.1, 0.4), safe=(0.6, 0.9), alpha_response=0.1).optimal


def test_both_errors_and_the_power_are_kept(both):
    assert both.alpha_response <= 0.1
    assert both.alpha_toxicity <= 0.1
    assert both.power >= 0.9
    assert "is accepted if more than" in both.sentence()


def test_full_enumeration_with_almost_independent_endpoints_agrees(both):
    close = both.accept(0.4, 0.9, odds_ratio=1 + 1e-7)
    assert close == pytest.approx(both.accept(0.4, 0.9), abs=1e-6)


def test_tied_endpoints_change_the_chance_to_accept(both):
    apart, together = (both.accept(0.1, 0.9, odds_ratio=ratio) for ratio in (0.25, 4.0))
    assert 0 < apart < 1
    assert apart < together
    rng = np.random.default_rng(11)
    assert together == pytest.approx(simulated(both, 0.1, 0.9, 4.0, rng), abs=0.006)


def simulated(design, response: float, safe: float, odds_ratio: float, rng) -> float:
    """P(accept) in 40,000 trials with cells that have this odds ratio, found by bisection."""
    low, high = max(0.0, response + safe - 1), min(response, safe)
    for _ in range(80):
        cell = (low + high) / 2
        ratio = cell * (1 - response - safe + cell) / ((response - cell) * (safe - cell))
        low, high = (cell, high) if ratio < odds_ratio else (low, cell)
    kinds = [cell, response - cell, safe - cell, 1 - response - safe + cell]
    first = rng.multinomial(design.n1, kinds, 40_000)
    second = rng.multinomial(design.n - design.n1, kinds, 40_000)
    go = (first[:, 0] + first[:, 1] > design.response1) & (first[:, 0] + first[:, 2] > design.safe1)
    whole = first + second
    end = (whole[:, 0] + whole[:, 1] > design.response) & (whole[:, 0] + whole[:, 2] > design.safe)
    return float((go & end).mean())


def test_the_rates_of_response_and_toxicity_are_checked():
    with pytest.raises(InvalidArgument, match="p1 must exceed p0"):
        response_toxicity(response=(0.3, 0.1), safe=(0.6, 0.8))
    with pytest.raises(InvalidArgument, match="odds_ratio is -1"):
        response_toxicity(response=(0.1, 0.5), safe=(0.5, 0.9)).optimal.accept(
            0.1, 0.5, odds_ratio=-1
        )
    with pytest.raises(NoDesign, match=r"n_max = 10 .* best power reached is 0\.\d+"):
        response_toxicity(response=(0.1, 0.2), safe=(0.7, 0.8), n_max=10)
