"""Max-T: against a loop written out, with missing values, strata and several endpoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.omics.assay import Times
from onearm.omics.cox_scores import cox_scores
from onearm.omics.permute import Group, max_t
from onearm.omics.residuals import centred, linear_residual, ranked, survival_residual
from onearm.omics.tiles import arrangements
from onearm.pieces import Workers


def none(n: int) -> np.ndarray:
    return np.empty((n, 0))


def cohort(seed: int, n: int = 24, p: int = 7, missing: float = 0.0, strata: int = 1):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, p))
    values[rng.random((n, p)) < missing] = np.nan
    time, event = np.round(rng.exponential(8, n)) + 1, rng.random(n) < 0.75
    event[0] = True
    response = (np.arange(n) < n // 3).astype(float)
    return values, Times(time, event), rng.permutation(response), rng.integers(0, strata, n)


def statistic(x: np.ndarray, m: np.ndarray, strata: np.ndarray) -> float:
    """The sum of residual x feature over its permutation SD, over subjects with the feature."""
    total = variance = 0.0
    for k in np.unique(strata):
        inside = (strata == k) & ~np.isnan(x)
        if inside.sum() < 2:
            continue
        a, b = x[inside] - x[inside].mean(), m[inside] - m[inside].mean()
        total += a @ b
        variance += (a @ a) * (b @ b) / (inside.sum() - 1)
    return total / np.sqrt(variance) if variance > 0 else 0.0


def by_hand(groups, strata, draws):
    """Step-down p and single p from a plain loop over draws; groups of (values, residual)."""
    tests = [(x, m) for values, m in groups for x in values.T]
    observed = np.array([abs(statistic(x, m, strata)) for x, m in tests])
    nulls = np.array([[abs(statistic(x, m[d], strata)) for x, m in tests] for d in draws])
    single = (1 + (nulls >= observed - 1e-9).sum(axis=0)) / (1 + len(draws))
    adjusted, floor = np.empty(observed.size), 0.0
    order = np.argsort(-observed, kind="stable")
    for rank, at in enumerate(order):
        reached = nulls[:, order[rank:]].max(axis=1) >= observed[at] - 1e-9
        floor = max(floor, (1 + reached.sum()) / (1 + len(draws)))
        adjusted[at] = floor
    return observed, adjusted, single, nulls.max(axis=1)


@pytest.mark.parametrize("missing", [0.0, 0.25])
@pytest.mark.parametrize("strata", [1, 3])
def test_counts_are_those_of_a_loop_over_the_same_permutations(missing, strata):
    values, times, response, groups = cohort(1, missing=missing, strata=strata)
    survival = survival_residual(times, groups, none(24))[0]
    linear = linear_residual(response, groups, none(24))
    x = centred(values, groups, none(24))
    result = max_t(
        [Group(x, survival), Group(x, linear)], strata=groups, seed=9, permutations=300, most=300
    )
    stream = np.random.SeedSequence(9).spawn(1)[0]
    rng = np.random.default_rng(stream)
    draws = np.concatenate([arrangements(rng, groups, size) for size in (250, 50)])
    observed, adjusted, single, largest = by_hand(
        [(values, survival), (values, linear)], groups, draws
    )
    np.testing.assert_allclose(np.abs(np.concatenate(result.statistic)), observed, atol=1e-10)
    np.testing.assert_allclose(np.concatenate(result.p_adjusted), adjusted, atol=1e-12)
    np.testing.assert_allclose(np.concatenate(result.p_single), single, atol=1e-12)
    np.testing.assert_allclose(result.null_max, largest, atol=1e-9)
    assert result.tests == 14


def test_a_permutation_keeps_every_subject_in_its_stratum_and_uses_each_once():
    strata = np.array([0, 1, 0, 1, 2, 0, 1])
    drawn = arrangements(np.random.default_rng(1), strata, 200)
    assert (np.sort(drawn, axis=1) == np.arange(7)).all()
    assert (strata[drawn] == strata).all()
    assert len(np.unique(drawn, axis=0)) == 36


def test_the_exact_statistic_is_the_score_test_in_every_permutation():
    values, times, _, strata = cohort(2, p=5, strata=2)
    residual, information = survival_residual(times, strata, none(24))
    x = centred(values, strata, none(24))
    result = max_t(
        [Group(x, residual, information)], strata=strata, seed=4, permutations=50, most=50
    )
    z = cox_scores(values, times.time, times.event, strata=strata).z
    np.testing.assert_allclose(result.statistic[0], z, atol=1e-12)
    rng = np.random.default_rng(np.random.SeedSequence(4).spawn(1)[0])
    for largest, draw in zip(result.null_max, arrangements(rng, strata, 50), strict=True):
        shuffled = cox_scores(values, times.time[draw], times.event[draw], strata=strata).z
        assert largest == pytest.approx(np.abs(shuffled).max(), abs=1e-10)


def test_ranks_within_strata_give_van_elterens_test():
    values, _, response, strata = cohort(3, n=40, strata=3)
    x = centred(ranked(values, strata), strata, none(40))
    residual = linear_residual(response, strata, none(40))
    result = max_t([Group(x, residual)], strata=strata, seed=1, permutations=1, most=1)
    total, variance = 0.0, 0.0
    for k in range(3):
        y, v = response[strata == k], values[strata == k]
        r = np.argsort(np.argsort(v, axis=0), axis=0) + 1
        weight = 1 / (y.size + 1)
        total = total + weight * (y - y.mean()) @ r
        variance += weight**2 * y.var() * y.size * r.var(axis=0, ddof=1)
    np.testing.assert_allclose(result.statistic[0], total / np.sqrt(variance), atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1000), st.floats(-100, 100))
@settings(max_examples=25)
def test_units_do_not_change_any_p(seed, scale, shift):
    values, times, _, strata = cohort(seed, missing=0.1, strata=2)
    residual = survival_residual(times, strata, none(24))[0]

    def p(x: np.ndarray) -> np.ndarray:
        group = Group(centred(x, strata, none(24)), residual)
        return max_t([group], strata=strata, seed=1, permutations=200, most=200).p_adjusted[0]

    np.testing.assert_array_equal(p(values * scale + shift), p(values))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_a_larger_statistic_never_has_a_larger_p_and_none_is_zero(seed):
    values, times, _, strata = cohort(seed, p=30, missing=0.1)
    residual = survival_residual(times, strata, none(24))[0]
    group = Group(centred(values, strata, none(24)), residual)
    result = max_t([group], strata=strata, seed=1, permutations=99, most=99)
    size, p = np.abs(result.statistic[0]), result.p_adjusted[0]
    order = np.argsort(-size)
    assert (np.diff(p[order]) >= 0).all()
    assert p.min() >= 1 / 100
    assert (result.p_single[0] <= p + 1e-12).all()


def test_constant_features_are_not_tests():
    values, times, _, strata = cohort(4)
    values[:, 2] = 5.0
    group = Group(centred(values, strata, none(24)), survival_residual(times, strata, none(24))[0])
    result = max_t([group], strata=strata, seed=1, permutations=50, most=50)
    assert result.tests == 6
    assert np.isnan(result.p_adjusted[0][2])


def test_permutations_are_added_while_alpha_is_within_reach_and_stop_at_the_most():
    values, times, _, strata = cohort(5, p=3)
    group = Group(centred(values, strata, none(24)), survival_residual(times, strata, none(24))[0])

    def run(alpha: float):
        return max_t([group], strata=strata, seed=1, permutations=1000, most=5000, alpha=alpha)

    p = float(run(0.5).p_adjusted[0].min())
    near, far = run(p), run(p / 50)
    assert near.permutations > 1000
    assert far.permutations == 1000
    # The first permutations are the same ones.
    np.testing.assert_array_equal(near.null_max[:1000], far.null_max)


def test_two_processes_and_single_precision_give_the_counts_of_one_core():
    values, times, response, strata = cohort(6, n=40, p=900, missing=0.02, strata=2)
    x = centred(values, strata, none(40))
    groups = [
        Group(x, survival_residual(times, strata, none(40))[0]),
        Group(x, linear_residual(response, strata, none(40))),
    ]
    one = max_t(groups, strata=strata, seed=3, permutations=2500, most=2500)
    two = max_t(
        groups,
        strata=strata,
        seed=3,
        permutations=2500,
        most=2500,
        workers=Workers("processes", jobs=2),
    )
    assert one.null_max.tobytes() == two.null_max.tobytes()
    for a, b in zip(one.p_adjusted, two.p_adjusted, strict=True):
        assert a.tobytes() == b.tobytes()
    short = max_t(groups, strata=strata, seed=3, permutations=2500, most=2500, precision="float32")
    np.testing.assert_allclose(short.null_max, one.null_max, rtol=1e-4)
    np.testing.assert_allclose(short.p_adjusted[0], one.p_adjusted[0], atol=2e-3)


def test_a_true_signal_is_found_and_noise_beside_it_is_not():
    rng = np.random.default_rng(8)
    values = rng.standard_normal((60, 200))
    life = rng.exponential(6, 60) / np.exp(1.4 * values[:, 17])
    residual = survival_residual(
        Times(np.round(life, 1) + 0.1, np.ones(60, dtype=bool)), np.zeros(60, dtype=int), none(60)
    )[0]
    group = Group(centred(values, np.zeros(60, dtype=int), none(60)), residual)
    p = max_t([group], strata=np.zeros(60, dtype=int), seed=1, permutations=999).p_adjusted[0]
    assert np.flatnonzero(p <= 0.05).tolist() == [17]


@pytest.mark.parametrize("with_covariates", [False, True])
def test_what_is_permuted_is_free_of_the_design(with_covariates):
    values, times, response, strata = cohort(7, n=50, missing=0.1, strata=2)
    rng = np.random.default_rng(0)
    covariates = rng.standard_normal((50, 2)) if with_covariates else none(50)
    x = centred(values, strata, covariates)
    for column in x.T:
        there = ~np.isnan(column)
        for k in (0, 1):
            assert column[there & (strata == k)].sum() == pytest.approx(0, abs=1e-10)
        np.testing.assert_allclose(covariates[there].T @ column[there], 0, atol=1e-10)
    for residual in (
        survival_residual(times, strata, covariates)[0],
        linear_residual(response, strata, covariates),
    ):
        np.testing.assert_allclose(covariates.T @ residual, 0, atol=1e-7)
        for k in (0, 1):
            assert residual[strata == k].sum() == pytest.approx(0, abs=1e-9)
