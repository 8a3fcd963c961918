"""A family of tests from blocks and outcomes to tidy rows: known answers, order, refusals."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.errors import OnearmError
from onearm.omics.assay import ASSOCIATIONS, Block, Outcomes, Times
from onearm.omics.nulls import Generator, draw
from onearm.omics.screen import Family, screen
from onearm.omics.tidy import benjamini_hochberg
from onearm.omics.tiers import across_modalities, holm, number_of_tests
from tests.omics.known import melanoma, stool
from tests.shared import needs_shared


def block(values: np.ndarray, *, name: str = "lab", scale: str = "log", day: float = 1.0) -> Block:
    n, p = values.shape
    features, subjects = (f"f{k:03d}" for k in range(p)), (f"S{k:03d}" for k in range(n))
    return Block(name, "baseline", scale, tuple(features), tuple(subjects), values, np.full(n, day))


def outcomes(n: int = 40, seed: int = 1) -> Outcomes:
    rng = np.random.default_rng(seed)
    subjects = tuple(f"S{k:03d}" for k in range(n))
    site = ["north" if k % 3 else "south" for k in range(n)]
    return Outcomes(
        subjects,
        {"ORR": rng.permutation((np.arange(n) < n // 3).astype(float))},
        {"PFS": Times(np.round(rng.exponential(150, n)) + 1, rng.random(n) < 0.7)},
        {"change": rng.standard_normal(n)},
        pl.DataFrame({"subject_id": subjects, "site": site, "age": rng.integers(40, 80, n)}),
    )


@needs_shared
def test_no_gene_of_the_melanoma_cohort_survives_correction():
    data = melanoma()
    family = Family("discovery", (data.block(),), ("PFS",))
    found = screen(family, data.outcomes(), seed=1, permutations=2000)
    reference = dict(zip(data.reference["gene"], data.reference["wald_z"], strict=True))
    assert found.n_tests == 1741
    assert found.table["p_adjusted"].min() > 0.8
    assert found.table.columns == list(ASSOCIATIONS)
    width = (pl.col("upper") / pl.col("lower")).log() / 2 / 1.959963984540054
    wald = found.table.with_columns(z=pl.col("effect").log() / width)
    z = dict(wald.select("feature", "z").iter_rows())
    assert max(abs(z[gene] - reference[gene]) for gene in data.genes) < 1e-6
    response = screen(Family("discovery", (data.block(),), ("response",)), data.outcomes(), seed=1)
    assert response.table["p_adjusted"].min() > 0.6
    assert response.table["q"].min() > 0.95
    assert benjamini_hochberg(data.reference["limma_p"].to_numpy()).min() == pytest.approx(
        0.996, abs=5e-4
    )


@needs_shared
def test_ploidy_and_heterogeneity_are_found_among_candidates():
    data = melanoma()
    numbers = data.clinical.select("heterogeneity", "ploidy", pl.col("TMB_raw").log(2))
    values = numbers.to_numpy().astype(float)
    candidates = Block(
        "clinical",
        "baseline",
        "score",
        ("heterogeneity", "ploidy", "TMB"),
        data.patients,
        values,
        np.full(74, np.nan),
    )
    found = screen(
        Family("candidates", (candidates,), ("PFS", "response")), data.outcomes(), seed=1
    )
    p = {
        (row["feature"], row["endpoint"]): row["p_adjusted"]
        for row in found.table.iter_rows(named=True)
    }
    assert p["ploidy", "response"] < 0.025
    assert p["TMB", "PFS"] > 0.3
    assert found.table["feature"][0] == "ploidy"


@needs_shared
def test_no_stool_profile_goes_with_response_and_the_largest_statistic_is_the_known_one():
    data = stool()
    assert len(data.features) == 446
    family = Family("discovery", (data.block(),), ("response",), strata=("study",), on_ranks=True)
    found = screen(family, data.outcomes(), seed=1, permutations=5000)
    assert found.table["p_adjusted"].min() > 0.3
    # Maximum 3.10 (Wilcoxon within studies), 95% point of max-T 3.82.
    assert np.quantile(found.null_max, 0.95) == pytest.approx(3.82, abs=0.08)
    naive = screen(Family("discovery", (data.block(),), ("response",)), data.outcomes(), seed=1)
    assert naive.table["p_adjusted"].min() > 0.3


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8)
def test_order_of_subjects_features_blocks_and_endpoints_never_changes_a_row(seed):
    rng = np.random.default_rng(seed)
    values, other = rng.standard_normal((40, 12)), (rng.random((40, 5)) < 0.3).astype(float)
    values[rng.random(values.shape) < 0.1] = np.nan
    blocks = (block(values), block(other, name="mutations", scale="binary"))
    given_outcomes = outcomes()
    family = Family("", blocks, ("PFS", "ORR", "change"), ("age",), ("site",))
    first = screen(family, given_outcomes, seed=5, permutations=300, most=300)
    people, features = rng.permutation(40), [rng.permutation(12), rng.permutation(5)]
    turned = tuple(
        Block(
            b.modality,
            b.timepoint,
            b.scale,
            tuple(b.features[k] for k in order),
            tuple(b.subjects[k] for k in people),
            b.values[np.ix_(people, order)],
            b.study_day[people],
        )
        for b, order in zip(blocks, features, strict=True)
    )
    again = rng.permutation(40)
    o = given_outcomes
    mixed = Outcomes(
        tuple(o.subjects[k] for k in again),
        {"ORR": o.responses["ORR"][again]},
        {"PFS": Times(o.times["PFS"].time[again], o.times["PFS"].event[again])},
        {"change": o.amounts["change"][again]},
        o.columns[again.tolist()],
    )
    family = Family("", turned[::-1], ("change", "PFS", "ORR"), ("age",), ("site",))
    second = screen(family, mixed, seed=5, permutations=300, most=300)
    assert first.table.equals(second.table)
    assert first.effects.equals(second.effects)
    assert first.null_max.tobytes() == second.null_max.tobytes()


def test_a_row_says_how_many_subjects_and_events_it_rests_on():
    values = np.random.default_rng(1).standard_normal((40, 3))
    values[:10, 1] = np.nan
    data = outcomes()
    found = screen(Family("", (block(values),), ("PFS", "ORR")), data, seed=1, permutations=99)
    rows = {(r["feature"], r["endpoint"]): r for r in found.table.iter_rows(named=True)}
    assert rows["f000", "PFS"]["n"] == 40
    assert rows["f001", "PFS"]["n"] == 30
    assert rows["f001", "PFS"]["events"] == int(data.times["PFS"].event[10:].sum())
    assert rows["f001", "ORR"]["events"] == int(data.responses["ORR"][10:].sum())
    names = set(found.effects["effect_name"])
    assert {"HR per SD", "HR per IQR", "C-index", "difference in SD", "AUC"} <= names


def test_a_separated_feature_prints_words_and_a_p_but_no_ratio():
    values = np.zeros((40, 1))
    data = outcomes()
    censored = np.flatnonzero(~data.times["PFS"].event)[-3:]
    values[censored] = 1.0
    found = screen(
        Family("", (block(values, scale="binary"),), ("PFS",)), data, seed=1, permutations=99
    )
    row = found.table.row(0, named=True)
    assert row["flags"] == "separated"
    assert (row["effect"], row["lower"], row["upper"]) == (None, None, None)
    assert 0 < row["p_nominal"] <= 1
    assert 0 < row["p_adjusted"] <= 1


def test_a_feature_that_does_not_vary_is_said_and_not_counted():
    values = np.random.default_rng(1).standard_normal((40, 3))
    values[:, 1] = 2.0
    found = screen(
        Family("", (block(values),), ("PFS", "ORR")), outcomes(), seed=1, permutations=99
    )
    assert found.n_tests == 4
    flat = found.table.filter(pl.col("feature") == "f001")
    assert set(flat["flags"]) == {"does not vary"}
    assert flat["p_adjusted"].is_null().all()


def test_survival_from_first_dose_is_refused_for_a_sample_taken_later_but_not_from_a_landmark():
    late = block(np.random.default_rng(1).standard_normal((40, 3)), day=29.0)
    found = screen(Family("", (late,), ("PFS", "ORR")), outcomes(), seed=1, permutations=99)
    assert set(found.table["endpoint"]) == {"ORR"}
    (refusal,) = found.refused
    assert "40 samples were taken later" in refusal.message
    assert "landmark" in refusal.hint
    allowed = Family("", (late,), ("PFS",), analysis="landmark", landmark=28.0)
    assert not screen(allowed, outcomes(), seed=1, permutations=99).refused


def test_an_endpoint_without_contrast_is_refused_and_the_others_are_tested():
    data = outcomes()
    data = Outcomes(data.subjects, {"ORR": np.zeros(40)}, data.times, {}, data.columns)
    values = np.random.default_rng(1).standard_normal((40, 3))
    found = screen(Family("", (block(values),), ("PFS", "ORR")), data, seed=1, permutations=99)
    assert [finding.place.field for finding in found.refused] == ["lab at baseline, ORR"]
    assert found.n_tests == 3
    only = screen(Family("", (block(values),), ("ORR",)), data, seed=1, permutations=99)
    assert (only.n_tests, only.table.height, len(only.refused)) == (0, 0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoints": ("OSS",)}, "endpoint 'OSS' is not in the outcomes; endpoints: ORR, PFS"),
        ({"design": ("plate",)}, "column 'plate' is in the design but not there"),
    ],
)
def test_names_nobody_has_are_refused_with_those_that_exist(change, message):
    settings_of = {"endpoints": ("PFS",), **change}
    family = Family("", (block(np.zeros((40, 1))),), **settings_of)
    with pytest.raises(OnearmError, match=message):
        screen(family, outcomes(), seed=1)


def test_a_negative_follow_up_time_is_refused_with_the_subject():
    data = outcomes()
    time = data.times["PFS"].time.copy()
    time[3] = -2
    data = Outcomes(data.subjects, {}, {"PFS": Times(time, data.times["PFS"].event)})
    with pytest.raises(OnearmError, match=r"negative or infinite: S003 \(-2\)"):
        screen(Family("", (block(np.zeros((40, 1))),), ("PFS",)), data, seed=1)


def test_a_block_with_fewer_subjects_keeps_the_others_in_the_family():
    rng = np.random.default_rng(1)
    whole = block(rng.standard_normal((40, 3)))
    values = rng.standard_normal((40, 2))
    part = Block(
        "protein",
        "baseline",
        "log",
        ("a", "b"),
        whole.subjects[:25],
        values[:25],
        np.ones(25),
    )
    found = screen(Family("", (whole, part), ("PFS",)), outcomes(), seed=1, permutations=99)
    n = dict(found.table.select("modality", "n").unique().iter_rows())
    assert n == {"lab": 40, "protein": 25}


def test_strata_of_one_subject_are_noted():
    data = outcomes()
    lonely = data.columns.with_columns(site=pl.Series(["x", *["y"] * 39]))
    data = Outcomes(data.subjects, data.responses, data.times, {}, lonely)
    values = np.random.default_rng(1).standard_normal((40, 3))
    family = Family("", (block(values),), ("PFS",), strata=("site",))
    assert "1 of 40 subjects are alone" in screen(family, data, seed=1, permutations=99).notes[0]


def test_a_batch_column_of_the_samples_can_be_design_and_stratum():
    values = np.random.default_rng(1).standard_normal((40, 3))
    plate = pl.DataFrame(
        {"subject_id": [f"S{k:03d}" for k in range(40)], "plate": ["P1", "P2"] * 20}
    )
    b = block(values)
    b = Block(
        b.modality, b.timepoint, b.scale, b.features, b.subjects, b.values, b.study_day, plate
    )
    for more in ({"design": ("plate",)}, {"strata": ("plate",)}):
        found = screen(
            Family("", (b,), ("PFS", "ORR", "change"), **more), outcomes(), seed=1, permutations=99
        )
        assert found.n_tests == 9
        assert not found.refused


def test_amounts_are_tested_by_t_and_shown_as_correlations():
    from scipy.stats import pearsonr, spearmanr

    values = np.random.default_rng(1).standard_normal((40, 3))
    data = outcomes()
    found = screen(Family("", (block(values),), ("change",)), data, seed=1, permutations=99)
    for row in found.table.iter_rows(named=True):
        x = values[:, int(row["feature"][1:])]
        expected = pearsonr(x, data.amounts["change"])
        assert row["effect"] == pytest.approx(expected.statistic)
        assert row["p_nominal"] == pytest.approx(expected.pvalue)
        low, high = expected.confidence_interval()
        assert (row["lower"], row["upper"]) == pytest.approx((low, high))
        rank = spearmanr(x, data.amounts["change"]).statistic
        assert row["second_effect"] == pytest.approx(rank)


def test_holm_is_for_modalities_and_single_features_pay_for_all_of_them():
    assert holm({"a": 0.01, "b": 0.02, "c": 0.5}) == pytest.approx({"a": 0.03, "b": 0.04, "c": 0.5})
    values = np.random.default_rng(1).standard_normal((40, 3))
    one = screen(Family("discovery", (block(values),), ("PFS",)), outcomes(), seed=1)
    shared = across_modalities([one.table, one.table])
    assert shared[0]["p_adjusted"].to_list() == [
        min(1.0, 2 * p) for p in one.table["p_adjusted"].to_list()
    ]
    assert number_of_tests({"RNA": one, "protein": one}) == (
        "RNA: 3 features x 1 endpoints, 3 tests",
        "protein: 3 features x 1 endpoints, 3 tests",
        "6 tests in 2 analyses",
    )


def test_q_values_are_those_of_scipy():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(1).uniform(size=50) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p))


def test_a_planted_feature_has_the_hazard_ratio_it_was_given():
    trial = draw(Generator(n=2000, features=3, hazard_ratio=2.0), np.random.default_rng(1))
    found = screen(
        Family("", (trial.block(),), ("survival",)), trial.outcomes(), seed=1, permutations=99
    )
    first = found.table.row(0, named=True)
    assert first["feature"] == "F00000"
    assert math.log(first["effect"]) == pytest.approx(math.log(2.0), abs=0.1)
