"""Bayesian rules for a response rate: every reference rule, its exact behaviour, the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta as beta_law

from onearm.design import (
    NoDesign,
    bop2,
    one_stage,
    posterior_monitoring,
    predictive_design,
    predictive_probability,
    predictive_search,
    two_stage,
)
from onearm.stats import InvalidArgument
from tests.design.reference import differences, label, rows


def as_numbers(bounds: tuple) -> list[int]:
    """The references write -1 where no count stops for futility; here it is None."""
    return [-1 if k is None else k for k in bounds]


@pytest.mark.parametrize("row", rows("posterior_monitoring_fixed"), ids=label)
def test_the_reference_of_posterior_monitoring_is_reproduced(row):
    rule = posterior_monitoring(
        p0=row["p0"],
        prior=row["prior"],
        looks=row["looks"],
        futility_below=row["p_L"],
        efficacy_above=row["p_U"],
    )
    assert as_numbers(rule.futility) == row["futility_stop_if_leq"]
    assert list(rule.efficacy) == row["efficacy_if_geq"]
    for p, theirs in row["oc"].items():
        outcome = rule.operating(float(p))
        ours = {
            "stop_futility": outcome.stop_low,
            "efficacy": outcome.stop_high,
            "inconclusive": outcome.stay,
            "EN": outcome.expected_n,
        }
        assert not differences(ours, theirs, 1e-10)


@pytest.mark.parametrize("row", rows("thall_simon_beta_standard"), ids=label)
def test_the_reference_with_a_beta_standard_is_reproduced(row):
    rule = posterior_monitoring(
        standard=row["standard_prior"],
        prior=row["experimental_prior"],
        looks=row["looks"],
        futility_below=row["p_L"],
        efficacy_above=row["p_U"],
        delta=row["delta"],
    )
    assert list(rule.futility) == row["futility_stop_if_leq"]
    assert list(rule.efficacy) == row["efficacy_if_geq"]


@pytest.mark.parametrize("row", rows("predictive_probability_values"), ids=label)
def test_the_reference_predictive_probabilities_are_reproduced(row):
    value = predictive_probability(
        row["x"],
        row["n"],
        n_max=row["N"],
        p0=row["p0"],
        prior=row["prior"],
        theta_t=row["theta_T"],
    )
    assert value == pytest.approx(row["predictive_probability"], abs=1e-10)


@pytest.mark.parametrize("row", rows("predictive_probability_designs"), ids=label)
def test_the_reference_predictive_designs_are_reproduced(row):
    design = predictive_design(
        row["N"],
        p0=row["p0"],
        p1=row["p1"],
        prior=row["prior"],
        theta_l=row["theta_L"],
        theta_t=row["theta_T"],
        theta_u=row["theta_U"],
        looks=row["looks"],
    )
    assert design.needs == row["success_needs"]
    assert as_numbers(design.futility) == row["stop_if_leq"]
    assert [list(region) for region in design.regions()] == row["rejection_regions"]
    under0 = {"reject": design.alpha, "pet": design.pet0, "en": design.en0}
    under1 = {"reject": design.power, "pet": design.pet1, "en": design.en1}
    assert not differences(under0, row["p0_oc"], 1e-10)
    assert not differences(under1, row["p1_oc"], 1e-10)
    assert list(design.theta_t_range) == pytest.approx(row["posterior_at_cut"], abs=1e-10)


def lee_and_liu(theta_t: float):
    return predictive_design(36, p0=0.2, p1=0.4, prior=(0.2, 0.8), theta_l=0.001, theta_t=theta_t)


@pytest.mark.parametrize("theta_t", [0.852, 0.9, 0.922])
def test_the_worked_example_of_lee_and_liu(theta_t):
    design = lee_and_liu(theta_t)
    published = [(0, 10), (1, 17), (2, 21), (3, 24), (4, 27), (5, 29), (6, 31), (7, 33)]
    assert list(design.regions()) == [*published, (8, 34), (9, 35), (10, 36)]
    assert [round(design.alpha, 4), round(design.power, 4)] == [0.0878, 0.9062]
    assert [round(design.en0, 2), round(design.pet0, 3)] == [27.67, 0.857]
    assert "0/10, 1/17" in design.sentence()


def test_the_search_finds_the_size_of_lee_and_liu_with_fewer_patients_under_the_null():
    found = predictive_search(p0=0.2, p1=0.4, prior=(0.2, 0.8), alpha=0.1, beta=0.1, n_max=40)
    assert found.n == 36
    assert found.alpha <= 0.1
    assert found.power >= 0.9
    assert found.en0 < lee_and_liu(0.9).en0


def test_a_search_without_an_answer_says_so():
    with pytest.raises(NoDesign, match="n_max = 15"):
        predictive_search(p0=0.2, p1=0.4, prior=(0.2, 0.8), n_max=15)


def test_stopping_for_efficacy_is_only_done_when_asked_for():
    assert set(lee_and_liu(0.9).efficacy[:-1]) == {None}
    asked = predictive_design(
        36, p0=0.2, p1=0.4, prior=(0.2, 0.8), theta_l=0.001, theta_t=0.9, theta_u=0.95
    )
    assert any(k is not None for k in asked.efficacy[:-1])
    assert asked.en1 < lee_and_liu(0.9).en1


@pytest.mark.parametrize("row", rows("bop2_binary"), ids=label)
def test_the_reference_of_bop2_is_reproduced(row):
    design = bop2(p0=row["p0"], p1=row["p1"], looks=row["looks"], alpha=row["alpha_max"])
    assert as_numbers(design.futility) == row["stop_if_leq"]
    assert (design.lam, design.gamma) == (row["lam"], row["gamma"])
    under0 = {"reject": design.alpha, "pet": design.pet0, "en": design.en0}
    under1 = {"reject": design.power, "pet": design.pet1, "en": design.en1}
    assert not differences(under0, row["p0_oc"], 1e-10)
    assert not differences(under1, row["p1_oc"], 1e-10)


def test_a_grid_without_an_answer_says_so():
    with pytest.raises(NoDesign, match=r"BOP2 .* no rule of this kind keeps the type I error"):
        bop2(p0=0.1, p1=0.3, looks=(5, 10), alpha=0.001, lambdas=(0.5,), gammas=(0.5,))


@settings(max_examples=25, deadline=None)
@given(p0=st.floats(0.05, 0.5), gain=st.floats(0.15, 0.4), alpha=st.floats(0.03, 0.2))
def test_bop2_keeps_alpha_and_its_bounds_never_fall(p0, gain, alpha):
    design = bop2(p0=p0, p1=p0 + gain, looks=(10, 20, 30, 40), alpha=alpha)
    assert design.alpha <= alpha
    bounds = as_numbers(design.futility)
    assert bounds == sorted(bounds)
    outcome = design.operating(p0)
    assert outcome.stop_low + outcome.stop_high == pytest.approx(1, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(p0=st.floats(0.05, 0.6), a=st.floats(0.1, 3), b=st.floats(0.1, 3), p=st.floats(0, 1))
def test_the_bounds_of_monitoring_rise_and_its_chances_make_one(p0, a, b, p):
    rule = posterior_monitoring(p0=p0, prior=(a, b), looks=range(5, 41, 5))
    for bounds in (as_numbers(rule.futility), [k for k in rule.efficacy if k is not None]):
        assert bounds == sorted(bounds)
    outcome = rule.operating(p)
    assert outcome.stop_low + outcome.stop_high + outcome.stay == pytest.approx(1, abs=1e-12)
    assert 5 - 1e-9 <= outcome.expected_n <= 40 + 1e-9


def test_the_average_over_a_standard_agrees_with_simulation():
    rng = np.random.default_rng(7)
    n, prior, standard = 30, (1.0, 1.0), (15.0, 35.0)
    rule = posterior_monitoring(standard=standard, prior=prior, looks=(n,), futility_below=0.3)
    rates = rng.beta(*standard, 200_000)
    for x, is_stop in ((rule.futility[0], True), (rule.futility[0] + 1, False)):
        chance = beta_law.sf(rates, prior[0] + x, prior[1] + n - x).mean()
        assert bool(chance < 0.3) is is_stop


@pytest.mark.parametrize(
    ("x1", "published"), [(0, 0.0001), (1, 0.013), (2, 0.096), (3, 0.315), (4, 0.617)]
)
def test_the_predictive_probabilities_of_the_default_design(x1, published):
    design = two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)
    value = design.predictive_power(x1, prior=(0.1, 0.9))
    assert value == pytest.approx(published, abs=5.1e-4)


@pytest.mark.parametrize(
    ("x1", "published"), [(0, 0.33), (1, 0.49), (2, 0.65), (3, 0.80), (4, 0.90)]
)
def test_the_conditional_powers_of_the_default_design(x1, published):
    design = two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)
    assert design.conditional_power(x1, 0.25) == pytest.approx(published, abs=5.1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: predictive_probability(5, 4, n_max=9, p0=0.2, prior=(1, 1), theta_t=0.9),
            "x is 5",
        ),
        (
            lambda: predictive_probability(1, 9, n_max=8, p0=0.2, prior=(1, 1), theta_t=0.9),
            "n is 9",
        ),
        (lambda: posterior_monitoring(prior=(1, 1), looks=(10,)), "p0 is None"),
        (
            lambda: posterior_monitoring(p0=0.2, prior=(1, 1), looks=(10,), delta=0.9),
            "delta is 0.9",
        ),
        (lambda: posterior_monitoring(p0=0.2, prior=(1, -1), looks=(10,)), "prior is"),
        (lambda: posterior_monitoring(p0=0.2, prior=(1, 1), looks=(10, 10)), r"looks\[1\] is 10"),
        (
            lambda: predictive_design(
                20, p0=0.2, p1=0.4, prior=(1, 1), theta_l=0.05, theta_t=0.9, looks=(10, 15)
            ),
            "looks is 15; it must be a list that ends with n = 20",
        ),
        (
            lambda: predictive_design(
                20, p0=0.2, p1=0.4, prior=(1, 1), theta_l=0.05, theta_t=0.9, theta_u=0.01
            ),
            "theta_u is 0.01; it must be above theta_l = 0.05",
        ),
        (lambda: bop2(p0=0.1, p1=0.3, looks=(10, 20), lambdas=(1.5,)), "lambdas is"),
    ],
)
def test_invalid_arguments_are_named(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_one_look_at_the_end_is_the_one_stage_design():
    first = one_stage(p0=0.2, p1=0.4).first
    design = predictive_design(
        first.n, p0=0.2, p1=0.4, prior=(0.2, 0.8), theta_l=0.01, theta_t=0.95, looks=(first.n,)
    )
    assert design.needs == first.needs
    assert design.alpha == pytest.approx(first.alpha, abs=1e-12)
