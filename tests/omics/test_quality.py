"""Quality and identity: what is wrong with a sample is found, and nothing is changed."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.omics.identity import correlations, snp_concordance, suggested_swaps, suspicious_pairs
from onearm.omics.quality import check_sex, feature_quality, robust_distances, sample_quality
from tests.shared import needs_shared, shared


def assay(values: np.ndarray, scale: str = "log", modality: str = "rna", **more: object) -> Assay:
    features = tuple(f"g{row:03}" for row in range(values.shape[0]))
    samples = tuple(f"{modality}{column:02}" for column in range(values.shape[1]))
    return Assay(modality, scale, features, samples, values, **more)  # type: ignore[arg-type]


def subjects_of(*assays: Assay) -> dict[str, str]:
    return {sample: f"P{sample[-2:]}" for data in assays for sample in data.samples}


# Samples and features ----------------------------------------------------------------------------


def test_depth_detected_and_missing_are_counted_by_hand() -> None:
    values = np.array([[10.0, 0, 3], [5, 0, np.nan], [0, 7, 1]])
    quality = sample_quality(assay(values, "counts"))
    assert quality.get_column("depth").to_list() == [15, 7, 4]
    assert quality.get_column("detected").to_list() == [2, 1, 2]
    assert quality.get_column("missing_rate").to_list() == pytest.approx([0, 0, 1 / 3])
    assert quality.get_column("score_distance").null_count() == 3  # too few samples for a centre


def test_one_shifted_and_one_scrambled_sample_are_the_outliers() -> None:
    rng = np.random.default_rng(11)
    module = rng.normal(size=(5, 50))
    values = np.repeat(module, 40, axis=0) + rng.normal(size=(200, 50))
    values[:40, 7] += 9  # far out along a direction the others have too
    values[:, 13] = rng.normal(scale=6, size=200)  # off their plane
    quality = sample_quality(assay(values))
    assert quality.filter("is_outlier").get_column("sample_id").to_list() == ["rna07", "rna13"]


def test_a_sample_that_failed_is_reported_and_does_not_stop_the_report() -> None:
    rng = np.random.default_rng(14)
    counts = rng.negative_binomial(5, 0.05, size=(200, 20)).astype(float)
    counts[:, 4] = 0
    counts[3, 4] = 2
    quality = sample_quality(assay(counts, "counts"))
    assert quality.get_column("is_outlier")[4]
    assert quality.get_column("orthogonal_distance").arg_max() == 4
    assert quality.get_column("depth")[4] == 2


def test_few_samples_of_a_clean_cloud_are_called_outliers() -> None:
    rng = np.random.default_rng(12)
    flagged = [
        robust_distances(rng.normal(size=(300, 50))).get_column("is_outlier").sum()
        for _ in range(12)
    ]
    assert np.mean(flagged) < 1  # of 50; 0.1% for each of two cutoffs if they were exact


def test_the_order_of_samples_does_not_move_a_distance() -> None:
    rng = np.random.default_rng(13)
    values = rng.normal(size=(80, 20))
    order = rng.permutation(20)
    straight = robust_distances(values).get_column("score_distance").to_numpy()
    shuffled = robust_distances(values[:, order]).get_column("score_distance").to_numpy()
    np.testing.assert_allclose(straight[order], shuffled, rtol=1e-7)


def test_a_feature_has_prevalence_variance_missing_rate_and_share_below_the_limit() -> None:
    values = np.array([[1.0, 2, 3, np.nan], [4, 4, 4, 4]])
    low = np.array([[True, False, False, False], [False] * 4])
    frame = feature_quality(assay(values, "log", below_lod=low))
    assert frame.get_column("prevalence").to_list() == [0.5, 1]
    assert frame.get_column("below_lod_share").to_list() == [0.25, 0]
    assert frame.get_column("missing_rate").to_list() == [0.25, 0]
    # 1 is the limit: log2(2 / sqrt 2) = 0.5 stands for it, so 0.5, 2, 3.
    expected = [np.var([0.5, 2, 3], ddof=1), 0]
    assert frame.get_column("variance").to_list() == pytest.approx(expected)


# Sex ---------------------------------------------------------------------------------------------


def sexed(xist: list[float], y: list[float]) -> Assay:
    values = np.array([xist, y, [v + 0.5 for v in y]])
    samples = tuple(f"s{i}" for i in range(len(xist)))
    return Assay("rna", "log", ("XIST", "DDX3Y", "RPS4Y1"), samples, values)


def test_the_sex_of_a_sample_is_read_from_xist_and_the_y_chromosome() -> None:
    data = sexed([6, 0.1, 5, 0.2, 6], [0, 5, 0.2, 0.1, 5.5])
    clinical = {"s0": "F", "s1": "M", "s2": "M", "s3": "M", "s4": "F"}
    found = check_sex(data, clinical).get_column("verdict").to_list()
    assert found == ["agrees", "agrees", "differs", "not clear", "not clear"]


def test_a_cohort_of_one_sex_is_not_judged_by_its_noise() -> None:
    data = sexed([5.0, 5.4, 5.9], [0.0, 0.3, 0.1])
    verdicts = check_sex(data, {"s0": "F", "s1": "F", "s2": "M"}).get_column("verdict")
    assert set(verdicts) == {"not clear"}


def test_without_the_genes_there_is_no_sex_check() -> None:
    data = Assay("rna", "log", ("XIST",), ("s",), np.array([[1.0]]))
    with pytest.raises(OnearmError, match=r"needs XIST and one of DDX3Y.*0 of the others"):
        check_sex(data, {})


# Identity ----------------------------------------------------------------------------------------


def genotypes(seed: int) -> Assay:
    rng = np.random.default_rng(seed)
    people = rng.binomial(2, rng.uniform(0.1, 0.9, size=(200, 1)), size=(200, 4)).astype(float)
    # Columns: P00 twice, P01, P02, and P01 measured again under the name of P03.
    values = people[:, [0, 0, 1, 2, 1]]
    flips = rng.random(values.shape) < 0.01
    values[flips] = 2 - values[flips]
    values[rng.random(values.shape) < 0.05] = np.nan
    return Assay("wes", "score", tuple(f"rs{i}" for i in range(200)), tuple("abcde"), values)


def test_snp_concordance_tells_one_person_from_two() -> None:
    claimed = {"a": "P00", "b": "P00", "c": "P01", "d": "P02", "e": "P03"}
    pairs = snp_concordance(genotypes(3), claimed)
    verdict = {(r["sample_a"], r["sample_b"]): r["verdict"] for r in pairs.to_dicts()}
    assert verdict.pop(("c", "e")) == "one person"
    assert set(verdict.values()) == {"as claimed"}
    wrong = snp_concordance(genotypes(3), {**claimed, "d": "P00"})
    assert wrong.filter(pl.col("verdict") == "not one person").height == 2


def test_concordance_counts_only_sites_called_in_both() -> None:
    values = np.array([[0.0, 0], [1, 2], [2, np.nan], [2, 2]])
    data = Assay("wes", "score", tuple("wxyz"), ("a", "b"), values)
    row = snp_concordance(data, {"a": "P", "b": "P"}).row(0, named=True)
    assert (row["sites"], row["concordance"]) == (3, pytest.approx(2 / 3))
    assert row["verdict"] == "too few sites"


def test_the_correlation_is_spearmans_of_the_ranks_over_the_cohort() -> None:
    rng = np.random.default_rng(4)
    rna, protein = rng.normal(size=(30, 6)), rng.normal(size=(30, 6))
    a, b = assay(rna), assay(protein, modality="prot")
    pairs = correlations(a, b, subjects_of(a, b))
    row = pairs.filter(pl.col("sample_a") == "rna02", pl.col("sample_b") == "prot05")
    ranks_a = rna.argsort(axis=1).argsort(axis=1)
    ranks_b = protein.argsort(axis=1).argsort(axis=1)
    expected = spearmanr(ranks_a[:, 2], ranks_b[:, 5]).statistic
    assert row.get_column("correlation")[0] == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 500))
def test_a_swap_of_two_labels_is_suggested_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rna = rng.normal(size=(120, 12))
    protein = rna + 0.7 * rng.normal(size=rna.shape)
    one, two = rng.choice(12, size=2, replace=False)
    protein[:, [one, two]] = protein[:, [two, one]]
    a, b = assay(rna), assay(protein, modality="prot")
    swaps = suggested_swaps(correlations(a, b, subjects_of(a, b)))
    assert set(swaps.get_column("sample_a")) == {f"rna{one:02}", f"rna{two:02}"}
    assert swaps.get_column("is_exchange").all()


def test_a_sample_measured_twice_under_two_names_is_a_duplicate() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=(150, 12))
    values[:, 5] = values[:, 2] + 0.3 * rng.normal(size=150)
    data = assay(values)
    found = suspicious_pairs(correlations(data, data, subjects_of(data)))
    assert found.select("sample_a", "sample_b", "verdict").rows() == [
        ("rna02", "rna05", "duplicate?")
    ]


def test_too_few_common_features_are_refused_with_their_number() -> None:
    a = assay(np.random.default_rng(1).normal(size=(5, 8)))
    with pytest.raises(OnearmError, match="share 5 features that vary; 20 are needed"):
        correlations(a, a, subjects_of(a))


@needs_shared
def test_tumours_of_the_acc_cohort_know_their_copy_number_and_a_planted_swap_is_found() -> None:
    rna, copies = acc("rna", "linear"), acc("cnv", "copy_number")
    subjects = {sample: sample for data in (rna, copies) for sample in data.samples}
    pairs = correlations(rna, copies, subjects)
    assert suggested_swaps(pairs).filter("is_exchange").is_empty()
    both = set(rna.samples) & set(copies.samples)
    within = pairs.filter(pl.col("sample_a").is_in(both), pl.col("sample_b").is_in(both))
    ordered = within.sort("correlation", descending=True)
    best = ordered.unique("sample_a", keep="first").filter("same_subject")
    assert best.height > 0.7 * len(both) > 50
    back = ordered.unique("sample_b", keep="first").filter("same_subject")
    sure = sorted(set(best.get_column("sample_a")) & set(back.get_column("sample_a")))
    one, two = sure[10], sure[30]
    names = {one: two, two: one}
    relabelled = tuple(names.get(sample, sample) for sample in copies.samples)
    swapped = Assay("cnv", "copy_number", copies.features, relabelled, copies.values)
    found = suggested_swaps(correlations(rna, swapped, subjects)).filter("is_exchange")
    assert set(found.get_column("sample_a")) == {one, two}


def acc(name: str, scale: str) -> Assay:
    mudata = pytest.importorskip("mudata")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader's notices of its own coming changes
        data = mudata.read_h5mu(shared("omics", "acc_multiomics", "acc.h5mu"))[name]
    values = np.asarray(data.X, dtype=np.float64).T
    features = tuple(feature.removeprefix(f"{name}:") for feature in data.var_names)
    return Assay(name, scale, features, tuple(data.obs_names), values)  # type: ignore[arg-type]


@needs_shared
def test_genes_of_the_y_chromosome_separate_the_sexes_of_the_melanoma_cohort() -> None:
    frame = pl.read_parquet(shared("omics", "liu2019_pd1", "expr_log2tpm.parquet"))
    clinical = pl.read_parquet(shared("omics", "liu2019_pd1", "clinical.parquet"))
    genes = frame.filter(pl.col("gene").is_in(["DDX3Y", "KDM5D"])).drop("gene").to_numpy()
    sex = dict(clinical.select("patient", "sex").iter_rows())
    male = np.array([sex[name] == "M" for name in frame.drop("gene").columns])
    # The excerpt has no XIST, so the check refuses it; what it would read is there.
    assert np.median(genes[:, male]) - np.median(genes[:, ~male]) > 2
