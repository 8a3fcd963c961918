"""Cox's model of every feature at once: R on every gene, our own Cox one by one, properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.errors import OnearmError
from onearm.omics.assay import Times
from onearm.omics.concordance import concordance
from onearm.omics.cox_scores import cox_scores
from onearm.omics.cox_wald import cox_wald
from onearm.omics.landmark import from_landmark
from onearm.stats import concordance_index, cox
from tests.omics.known import inspire, leukaemia, made, melanoma, times_of
from tests.shared import needs_shared


def design(name: str) -> dict[str, np.ndarray]:
    data = made()
    if name == "strata":
        return {"strata": data.subjects["site"].to_numpy()}
    if name == "covariates":
        return {"covariates": np.column_stack((data.column("age"), data.column("sex")))}
    return {}


@pytest.mark.parametrize("name", ["plain", "strata", "covariates"])
def test_coefficients_errors_and_tests_are_those_of_r_with_ties_gaps_and_designs(name):
    data = made()
    time, event = data.column("time"), data.column("event") == 1
    fit = cox_wald(data.values, time, event, **design(name))
    np.testing.assert_allclose(fit.beta, data.answer(name, "beta"), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(fit.se, data.answer(name, "se"), rtol=1e-8)
    np.testing.assert_allclose(fit.likelihood_ratio, data.answer(name, "lr"), atol=1e-9)
    score = cox_scores(data.values, time, event, **design(name))
    np.testing.assert_allclose(score.z**2, data.answer(name, "score"), rtol=1e-9, atol=1e-10)
    assert fit.n.tolist() == np.isfinite(data.values).sum(axis=0).tolist()


def test_concordance_and_its_error_within_strata_are_those_of_r():
    data = made()
    c = concordance(
        data.values,
        data.column("time"),
        data.column("event") == 1,
        strata=data.subjects["site"].to_numpy(),
    )
    np.testing.assert_allclose(c.value, data.answer("concordance", "value"), rtol=1e-14)
    np.testing.assert_allclose(c.std_err, data.answer("concordance", "se"), rtol=1e-12)


@needs_shared
def test_every_gene_of_a_public_cohort_agrees_with_r():
    data = melanoma()
    time, event = data.pfs.time, data.pfs.event
    reference = {name: data.reference[name].to_numpy() for name in data.reference.columns[1:]}
    assert data.reference["gene"].to_list() == list(data.genes)
    fit = cox_wald(data.values, time, event)
    assert np.abs(fit.beta - reference["beta"]).max() <= 1e-6
    assert np.abs(fit.z - reference["wald_z"]).max() <= 1e-6
    # The stored expression is float32: 1e-5 on the chi-squares.
    assert np.abs(fit.likelihood_ratio - reference["lrt_chisq"]).max() <= 1e-5
    score = cox_scores(data.values, time, event)
    assert np.abs(score.z**2 - reference["score_chisq"]).max() <= 1e-5
    c = concordance(data.values, time, event)
    assert np.abs(1 - c.value - reference["concordance"]).max() <= 1e-14
    assert not fit.separated.any()


@needs_shared
def test_the_genes_that_plain_newton_sends_the_wrong_way_have_the_right_sign():
    data = melanoma()
    at = [data.genes.index(gene) for gene in ("DAPK1", "PSMD11")]
    fit = cox_wald(data.values[:, at], data.pfs.time, data.pfs.event)
    expected = [data.reference["beta"][gene] for gene in at]
    np.testing.assert_allclose(fit.beta, expected, atol=1e-6)


def hazard(values: np.ndarray, times: Times, **more: np.ndarray) -> tuple[float, float, int]:
    fit = cox_wald(values[:, None], times.time, times.event, **more)
    return round(float(np.exp(fit.beta[0])), 4), round(float(fit.z[0]), 4), int(fit.n[0])


@needs_shared
def test_the_answers_of_the_pembrolizumab_cohort_come_out():
    data = inspire()
    os, pfs = (times_of(data, f"{name}_time", f"{name}_status") for name in ("os", "pfs"))
    amount = data["baseline_ctdna"].to_numpy().astype(np.float64)
    log = np.full(amount.size, np.nan)
    log[amount > 0] = np.log10(amount[amount > 0])
    # Two pairs of times 2.7e-12 months apart are ties: without that the ratio is 1.5616.
    assert hazard(log, os) == (1.5613, 3.6098, 92)
    assert hazard(log, pfs)[:2] == (1.3068, 2.7123)
    assert hazard(log, os, strata=data["cohort"].to_numpy())[:2] == (1.5494, 3.1655)
    assert hazard(data["tmb"].to_numpy(), pfs)[:2] == (0.7668, -2.4702)
    assert cox_wald(log[:, None], os.time, os.event).events[0] == 64


@needs_shared
def test_a_landmark_takes_back_what_counting_from_baseline_gave_to_the_survivors():
    data = inspire()
    os, pfs = (times_of(data, f"{name}_time", f"{name}_status") for name in ("os", "pfs"))
    change = data["change_ctdna_group"].to_list()
    rise = np.array([np.nan if word is None else float("Increase" in word) for word in change])
    responder = (data["orr"] == "CR/PR").to_numpy().astype(np.float64)
    assert hazard(rise, os) == (3.0582, 3.4485, 73)
    assert hazard(rise, pfs) == (3.3990, 4.4497, 73)
    assert hazard(rise, from_landmark(pfs, 2.1).times) == (1.9526, 1.5439, 36)
    assert hazard(responder, os)[0] == 0.0781
    assert hazard(responder, from_landmark(os, 6.0).times) == (0.1070, -3.0652, 67)


@needs_shared
def test_mutations_in_leukaemia_have_the_hazard_ratios_of_r():
    genes = ("TP53", "DNMT3A", "RUNX1", "FLT3", "NPM1")
    values, times = leukaemia(genes)
    fit = cox_wald(values, times.time, times.event)
    ratios = [3.4269, 1.9150, 1.8361, 1.3489, 1.0558]
    np.testing.assert_allclose(np.exp(fit.beta), ratios, atol=5.1e-5)
    np.testing.assert_allclose(fit.z, [4.2126, 3.1735, 2.0534, 1.4439, 0.2302], atol=5.1e-5)
    assert (set(fit.n), set(fit.events)) == ({188}, {122})


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(6, 40))
    time = rng.integers(1, draw(st.integers(3, 40)), n).astype(np.float64)
    event = rng.random(n) < draw(st.sampled_from([0.4, 0.8, 1.0]))
    event[0] = True
    values = rng.standard_normal((n, 6))
    values[:, 4] = np.round(values[:, 4])
    values[:, 5] = rng.random(n) < 0.3
    return values, time, event


@given(cohorts())
@settings(max_examples=60)
def test_all_at_once_is_the_same_as_one_by_one_with_our_own_cox(cohort):
    values, time, event = cohort
    fit, score = cox_wald(values, time, event), cox_scores(values, time, event)
    c = concordance(values, time, event)
    for at, column in enumerate(values.T):
        if np.ptp(column) == 0:
            assert np.isnan(score.z[at])
            continue
        single = cox(time, event, {"x": column})
        term = single.terms[0]
        if single.score.statistic is None:
            assert np.isnan(score.z[at])
        else:
            assert score.z[at] ** 2 == pytest.approx(single.score.statistic, rel=1e-8, abs=1e-10)
        if term.coefficient is None:
            assert np.isnan(fit.beta[at])
        else:
            assert fit.beta[at] == pytest.approx(term.coefficient, rel=1e-5, abs=1e-7)
            assert fit.se[at] == pytest.approx(term.std_err, rel=1e-5)
        index = concordance_index(time, event, column)
        if index.value is None:
            assert np.isnan(c.value[at])
        else:
            assert (c.value[at], c.std_err[at]) == pytest.approx((index.value, index.std_err))


@given(cohorts(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_missing_value_is_as_if_the_subject_were_not_there(cohort, seed):
    values, time, event = cohort
    rng = np.random.default_rng(seed)
    holes = values.copy()
    holes[rng.random(values.shape) < 0.2] = np.nan
    score, fit = cox_scores(holes, time, event), cox_wald(holes, time, event)
    c = concordance(holes, time, event)
    for at in range(values.shape[1]):
        there = ~np.isnan(holes[:, at])
        if there.sum() < 2:
            continue
        one = holes[there][:, [at]]
        alone = (one, time[there], event[there])
        np.testing.assert_allclose(score.z[at], cox_scores(*alone).z[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fit.beta[at], cox_wald(*alone).beta[0], rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(c.value[at], concordance(*alone).value[0])
        assert score.n[at] == there.sum()


@given(cohorts(), st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=40)
def test_units_and_order_do_not_matter(cohort, scale, shift):
    values, time, event = cohort
    z = cox_scores(values, time, event).z
    np.testing.assert_allclose(cox_scores(values * scale + shift, time, event).z, z, atol=1e-7)
    back = slice(None, None, -1)
    np.testing.assert_allclose(cox_scores(values[back], time[back], event[back]).z, z, atol=1e-9)
    wald, scaled = (cox_wald(x, time, event) for x in (values, values * scale))
    np.testing.assert_allclose(scaled.beta * scale, wald.beta, rtol=1e-6, atol=1e-8)


def test_strata_add_up():
    rng = np.random.default_rng(3)
    values, time = rng.standard_normal((60, 9)), np.round(rng.exponential(9, 60)) + 1
    event, site = rng.random(60) < 0.7, rng.integers(0, 3, 60)
    whole = cox_scores(values, time, event, strata=site)
    parts = [cox_scores(values[site == k], time[site == k], event[site == k]) for k in range(3)]
    np.testing.assert_allclose(whole.u, sum(part.u for part in parts), atol=1e-10)
    np.testing.assert_allclose(whole.v, sum(part.v for part in parts), rtol=1e-10)


def test_a_separated_feature_is_named_and_has_no_number_but_a_score_and_a_likelihood_ratio():
    time, event = np.arange(1.0, 9.0), np.array([True] * 4 + [False] * 4)
    values = np.column_stack((-time, (time == 3).astype(float), np.cos(time)))
    fit = cox_wald(values, time, event)
    assert fit.separated.tolist() == [True, False, False]
    assert np.isnan([fit.beta[0], fit.se[0], fit.z[0]]).all()
    assert np.isfinite(fit.likelihood_ratio).all()
    rare = np.array([[0.0], [0], [0], [0], [1], [1], [0], [0]])
    assert cox_wald(rare, time, event).separated[0]
    assert np.isfinite(cox_scores(rare, time, event).z[0])


def test_a_feature_that_the_design_holds_already_has_no_test():
    rng = np.random.default_rng(5)
    x, time = rng.standard_normal((30, 2)), rng.exponential(5, 30)
    event = rng.random(30) < 0.8
    assert np.isnan(cox_scores(x, time, event, covariates=x[:, :1]).z[0])
    fit = cox_wald(x, time, event, covariates=x[:, :1])
    assert np.isnan(fit.beta[0])
    assert np.isfinite(fit.beta[1])


def test_a_separating_column_of_the_design_is_refused_in_words():
    time, event = np.arange(1.0, 9.0), np.array([True] * 4 + [False] * 4)
    column = (time > 4).astype(float)[:, None]
    with pytest.raises(OnearmError, match="the design separates the events"):
        cox_scores(np.cos(time)[:, None], time, event, covariates=column)


def test_infinite_values_are_refused_with_their_place():
    with pytest.raises(OnearmError, match=r"values\[1, 0\] is inf"):
        cox_scores(np.array([[1.0], [np.inf]]), np.array([1.0, 2.0]), np.array([True, True]))


def test_lifelines_says_the_same_to_its_own_precision():
    pandas = pytest.importorskip("pandas")
    lifelines = pytest.importorskip("lifelines")
    data = made()
    time, event = data.column("time"), data.column("event") == 1
    fit = cox_wald(data.values[:, 3:6], time, event)
    for at in range(3):
        frame = pandas.DataFrame({"t": time, "e": event, "x": data.values[:, 3 + at]})
        other = lifelines.CoxPHFitter().fit(frame, "t", "e")
        assert fit.z[at] == pytest.approx(float(other.summary.loc["x", "z"]), abs=4e-4)
