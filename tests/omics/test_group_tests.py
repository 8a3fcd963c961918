"""Features against response and amounts: limma, DeLong, Wilcoxon, Fisher, as other programs do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from onearm.errors import OnearmError
from onearm.omics.auc import auc
from onearm.omics.exact import exact_tables
from onearm.omics.moderated import moderated_t
from onearm.omics.voom import lowess, voom
from tests.omics.known import inspire, made, melanoma
from tests.shared import needs_shared


@pytest.mark.parametrize("name", ["limma", "limma covariates"])
def test_moderated_t_is_that_of_limma_to_rounding_with_missing_values(name):
    data = made()
    design = np.column_stack((data.column("age"), data.column("sex")))
    more = {"covariates": design} if "covariates" in name else {}
    fit = moderated_t(data.values, data.column("response"), **more)
    np.testing.assert_allclose(fit.coefficient, data.answer(name, "beta"), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(fit.t, data.answer(name, "t"), rtol=0, atol=1e-10)
    np.testing.assert_allclose(fit.p, data.answer(name, "p"), rtol=1e-9)


def test_weights_of_counts_and_the_t_they_lead_to_are_those_of_voom():
    data = made()
    response = data.column("response")
    weighted = voom(data.counts, response)
    fit = moderated_t(weighted.values, response, weights=weighted.weights)
    np.testing.assert_allclose(fit.t, data.answer("voom", "t"), rtol=0, atol=1e-10)
    np.testing.assert_allclose(fit.p, data.answer("voom", "p"), rtol=1e-9)


@needs_shared
def test_every_gene_of_a_public_cohort_agrees_with_limma():
    data = melanoma()
    fit = moderated_t(data.values, data.response)
    # The stored expression is float32.
    assert np.abs(fit.t - data.reference["limma_t"].to_numpy()).max() <= 1e-5
    assert np.abs(fit.p / data.reference["limma_p"].to_numpy() - 1).max() <= 1e-5
    assert set(fit.n) == {69}


def test_without_moderation_it_is_students_t():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((30, 5)), (np.arange(30) < 11).astype(float)
    fit = moderated_t(x, y, moderate=False)
    student = stats.ttest_ind(x[y == 1], x[y == 0])
    np.testing.assert_allclose(fit.t, student.statistic, rtol=1e-12)
    np.testing.assert_allclose(fit.p, student.pvalue, rtol=1e-10)
    interval = student.confidence_interval(0.95)
    np.testing.assert_allclose(fit.lower, interval.low, rtol=1e-10)


def test_an_intercept_a_stratum_is_the_same_as_indicators_in_the_design():
    rng = np.random.default_rng(4)
    x, y, site = rng.standard_normal((40, 60)), rng.standard_normal(40), rng.integers(0, 3, 40)
    indicators = (site[:, None] == np.array([1, 2])).astype(float)
    one, other = moderated_t(x, y, strata=site), moderated_t(x, y, covariates=indicators)
    np.testing.assert_allclose(one.t, other.t, rtol=1e-10)


def test_lowess_is_that_of_statsmodels_and_an_outlier_hardly_bends_it():
    smoothers = pytest.importorskip("statsmodels.nonparametric.smoothers_lowess")
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 10, 300))
    y = np.sin(x) + 0.1 * rng.standard_normal(300)
    y[150] += 50
    at, fit = lowess(x, y, 0.3)
    other = smoothers.lowess(y, x, frac=0.3, it=3, delta=0.01 * np.ptp(x), return_sorted=True)
    np.testing.assert_allclose(fit, other[:, 1], atol=1e-6)
    assert np.abs(fit - np.sin(at)).max() < 0.5


@needs_shared
def test_the_areas_of_the_pembrolizumab_cohort_come_out():
    data = inspire()
    response = (data["orr"] == "CR/PR").to_numpy().astype(float)
    values = data.select("tmb", "pdl1", "baseline_ctdna").to_numpy().astype(float)
    area = auc(values, response)
    np.testing.assert_allclose(area.value, [0.7796, 0.6749, 0.3566], atol=5.1e-5)
    assert area.n.tolist() == [94, 93, 94]


@needs_shared
def test_what_separates_melanoma_responders_is_what_the_readme_says():
    data = melanoma()
    values = data.clinical.select("heterogeneity", "ploidy").to_numpy().astype(float)
    np.testing.assert_allclose(auc(values, data.response).value, [0.334, 0.720], atol=5.1e-4)


def delong_by_hand(high: np.ndarray, low: np.ndarray) -> tuple[float, float]:
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / high.size + wins.mean(axis=0).var(ddof=1) / low.size
    return float(wins.mean()), float(np.sqrt(variance))


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20))
@settings(max_examples=40)
def test_area_delong_and_wilcoxon_agree_with_pairs_counted_by_hand_and_scipy(seed, m, k):
    rng = np.random.default_rng(seed)
    x = np.column_stack((rng.standard_normal(m + k), rng.integers(0, 4, m + k)))
    y = (np.arange(m + k) < m).astype(float)
    area = auc(x, y)
    for at in range(2):
        expected = delong_by_hand(x[:m, at], x[m:, at])
        assert (area.value[at], area.std_err[at]) == pytest.approx(expected, abs=1e-12)
        if np.ptp(x[:, at]) > 0:
            other = stats.mannwhitneyu(x[:m, at], x[m:, at], method="asymptotic")
            assert area.wilcoxon_p[at] == pytest.approx(other.pvalue, rel=1e-10)


def test_a_marker_that_separates_has_an_area_and_no_limits():
    area = auc(np.arange(6.0)[:, None], np.array([0.0, 0, 0, 1, 1, 1]))
    assert area.value[0] == 1
    assert np.isnan(area.lower[0])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_exact_tables_are_fishers_with_the_conditional_odds_ratio(seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.random((30, 4)) < 0.3).astype(float), (rng.random(30) < 0.4).astype(float)
    result = exact_tables(x, y)
    for at, column in enumerate(x.T):
        table = [[np.sum((column == a) & (y == b)) for b in (1, 0)] for a in (1, 0)]
        if 0 in np.sum(table, axis=0) or 0 in np.sum(table, axis=1):
            assert np.isnan(result.p[at])
            continue
        assert result.p[at] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)
        other = stats.contingency.odds_ratio(table, kind="conditional")
        assert result.odds_ratio[at] == pytest.approx(other.statistic, rel=1e-5)
        interval = other.confidence_interval(0.95)
        limits = (result.lower[at], result.upper[at])
        assert limits == pytest.approx((interval.low, interval.high), rel=1e-5)


def test_exact_tables_within_strata_are_those_of_mantelhaen_test():
    # R 4.2.2: mantelhaen.test(table, exact = TRUE): p, odds ratio, limits.
    expected = (0.0426856290835292, 4.59917512734580, 0.905291760101872, 31.7891525476013)
    tables = {0: (3, 9, 2, 12), 1: (5, 4, 1, 11)}  # altered R / NR, not altered R / NR
    rows = [
        (a, y, s)
        for s, (a1, a0, b1, b0) in tables.items()
        for a, y, times in ((1, 1, a1), (1, 0, a0), (0, 1, b1), (0, 0, b0))
        for _ in range(times)
    ]
    x, y, s = np.array(rows, dtype=float).T
    result = exact_tables(x[:, None], y, strata=s)
    assert result.p[0] == pytest.approx(expected[0], rel=1e-8)
    assert result.odds_ratio[0] == pytest.approx(expected[1], rel=2e-4)
    assert (result.lower[0], result.upper[0]) == pytest.approx(expected[2:], rel=1e-3)


def test_an_empty_cell_is_called_separated_and_keeps_its_p():
    x = np.array([[1.0], [1], [1], [0], [0], [0], [0]])
    result = exact_tables(x, np.array([1.0, 1, 1, 0, 0, 0, 1]))
    assert result.separated[0]
    assert result.p[0] == pytest.approx(0.142857142857)
    assert result.lower[0] > 0


def test_anything_but_0_and_1_is_refused_by_the_exact_test():
    with pytest.raises(OnearmError, match="0, 1 or NaN"):
        exact_tables(np.array([[2.0], [1.0]]), np.array([1.0, 0.0]))
