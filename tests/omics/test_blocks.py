"""An assay becomes a block: which sample, which features, which scale."""

from __future__ import annotations

import inspect
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, kruskal

from onearm.errors import OnearmError, Problems
from onearm.omics.assay import Assay
from onearm.omics.blocks import Filters, block, detected
from onearm.omics.samples import choose_samples
from onearm.omics.transform import library_sizes, limits_filled, transformed
from tests.shared import needs_shared, shared


def assay(values: list[list[float]], scale: str = "log", **more: object) -> Assay:
    array = np.array(values, dtype=np.float64)
    features = tuple(f"g{row}" for row in range(array.shape[0]))
    samples = tuple(f"s{column}" for column in range(array.shape[1]))
    return Assay("rna", scale, features, samples, array, **more)  # type: ignore[arg-type]


def sheet(rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {
        "sample_id": pl.String,
        "subject_id": pl.String,
        "modality": pl.String,
        "timepoint": pl.String,
        "collection_date": pl.Date,
        "study_day": pl.Int64,
        "qc_pass": pl.Boolean,
        "exclude_reason": pl.String,
        "plate": pl.String,
    }
    given_all = [{"modality": "rna", "timepoint": "BL", **row} for row in rows]
    return pl.DataFrame(given_all, schema=schema)


def one_each(n: int, modality: str = "rna") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(n)],
            "subject_id": [f"P{i:02}" for i in range(n)],
            "modality": [modality] * n,
            "timepoint": ["BL"] * n,
        }
    )


# Which sample ------------------------------------------------------------------------------------


def test_the_last_sample_on_or_before_the_first_dose_is_taken_and_each_other_has_its_reason() -> (
    None
):
    data = assay([[1.0, 2, 3, 4, 5, 6, 7, 8], [8.0, 7, 6, 5, 4, 3, 2, 1]])
    rows = sheet(
        [
            {"sample_id": "s0", "subject_id": "P1", "study_day": -20},
            {"sample_id": "s1", "subject_id": "P1", "study_day": 1},
            {"sample_id": "s2", "subject_id": "P1", "study_day": 8},
            {"sample_id": "s3", "subject_id": "P2", "study_day": -3, "qc_pass": False},
            {"sample_id": "s4", "subject_id": "P2", "study_day": -9},
            {"sample_id": "s5", "subject_id": "P3", "exclude_reason": "consent withdrawn"},
            {"sample_id": "s6", "subject_id": "P4"},
            {"sample_id": "lost", "subject_id": "P5", "study_day": -1},
            {"sample_id": "s7", "subject_id": "P6", "study_day": 2},
        ]
    )
    choices = choose_samples(data, rows, timepoint="BL")
    told = {row["sample_id"]: (row["used"], row["reason"]) for row in choices.to_dicts()}
    assert told == {
        "s0": (False, "another sample of the subject is used (last before first dose)"),
        "s1": (True, ""),
        "s2": (False, "taken after first dose (study day 8)"),
        "s3": (False, "failed QC"),
        "s4": (True, ""),
        "s5": (False, "excluded: consent withdrawn"),
        "s6": (True, "day not known: taken by the label of the time point"),
        "lost": (False, "not in the data of rna"),
        "s7": (False, "taken after first dose (study day 2)"),
    }
    made, steps = block(data, rows, timepoint="BL")
    assert made.subjects == ("P1", "P2", "P4")
    assert made.values.tolist() == [[2, 7], [5, 4], [7, 2]]
    np.testing.assert_array_equal(made.study_day, [1, -9, np.nan])
    samples = steps.filter(pl.col("kind") == "samples")
    assert samples.get_column("before")[0] == 9
    assert samples.get_column("after")[-1] == 3


def test_first_last_and_mean_take_what_they_say() -> None:
    data = assay([[1.0, 2, 4, 9]])
    rows = sheet(
        [
            {"sample_id": "s0", "subject_id": "P1", "study_day": 29, "plate": "A"},
            {"sample_id": "s1", "subject_id": "P1", "study_day": 43, "plate": "B"},
            {"sample_id": "s2", "subject_id": "P1", "study_day": 50, "plate": "B"},
            {"sample_id": "s3", "subject_id": "P2", "study_day": 30, "plate": "A"},
        ]
    )
    got = {
        rule: block(data, rows, timepoint="BL", rule=rule)[0]
        for rule in ("first", "last", "mean of replicates")
    }
    assert [b.values[:, 0].tolist() for b in got.values()] == [[1, 9], [4, 9], [7 / 3, 9]]
    assert got["mean of replicates"].columns.get_column("plate").to_list() == ["A+B", "A"]
    with pytest.raises(OnearmError, match=r"4 taken after first dose.*Give the rule 'first'"):
        block(data, rows, timepoint="BL")


def test_where_no_study_day_is_known_the_collection_date_decides() -> None:
    rows = sheet(
        [
            {"sample_id": "s0", "subject_id": "P1", "collection_date": date(2024, 5, 2)},
            {"sample_id": "s1", "subject_id": "P1", "collection_date": date(2024, 5, 1)},
        ]
    )
    choices = choose_samples(assay([[1.0, 2.0]]), rows, timepoint="BL")
    assert choices.filter("used").get_column("sample_id").to_list() == ["s0"]


def test_an_unknown_time_point_or_rule_is_told_with_what_there_is() -> None:
    data, rows = assay([[1.0, 2.0]]), one_each(2)
    with pytest.raises(OnearmError, match="no sample at 'M3'; it has BL"):
        choose_samples(data, rows, timepoint="M3")
    with pytest.raises(OnearmError, match="'best' is not known; choose one of last before"):
        choose_samples(data, rows, timepoint="BL", rule="best")


# Which features ----------------------------------------------------------------------------------


def test_counts_need_ten_reads_in_as_many_samples_as_the_smaller_group_has_patients() -> None:
    data = assay([[10.0, 10, 10, 0], [10, 10, 9, 500], [50, 60, 9, 0], [9, 9, 9, 9]], "counts")
    made, steps = block(data, one_each(4), timepoint="BL", smaller_group=3)
    assert made.features == ("g0", "g1")
    row = steps.row(1, named=True)
    assert (row["step"], row["before"], row["after"]) == ("count of 10 or more in 3 samples", 4, 2)


def test_five_of_fifty_is_a_prevalence_of_ten_per_cent_and_four_is_not() -> None:
    five, four = [1.0] * 5 + [0.0] * 45, [1.0] * 4 + [0.0] * 46
    made, _ = block(assay([five, four], "binary"), one_each(50), timepoint="BL")
    assert made.features == ("g0",)
    kept, _ = block(
        assay([five, four], "binary"), one_each(50), timepoint="BL", filters=Filters(keep=("g1",))
    )
    assert kept.features == ("g0", "g1")


def test_constant_features_go_and_the_most_variable_may_be_asked_for() -> None:
    data = assay([[1.0, 1, 1], [1, 2, 3], [1, 5, 9], [np.nan, 4, 4]])
    assert block(data, one_each(3), timepoint="BL")[0].features == ("g1", "g2")
    top = Filters(top_variance=1)
    assert block(data, one_each(3), timepoint="BL", filters=top)[0].features == ("g2",)
    with pytest.raises(OnearmError, match="no feature varies"):
        block(assay([[1.0, 1.0]]), one_each(2), timepoint="BL")


def test_features_mostly_below_the_limit_of_detection_go_with_their_count() -> None:
    low = np.array([[True, True, False], [True, False, False]])
    data = assay([[1.0, 1, 5], [1, 5, 6]], below_lod=low)
    made, steps = block(data, one_each(3), timepoint="BL")
    assert made.features == ("g1",)
    assert made.values[0, 0] == pytest.approx(0.5)  # log2(2 / sqrt(2))
    lod = steps.filter(pl.col("step").str.starts_with("below"))
    assert lod.select("before", "after").row(0) == (2, 1)


def test_no_outcome_can_be_handed_to_filters_or_transformation() -> None:
    accepted = set(inspect.signature(block).parameters)
    assert accepted == {"assay", "sheet", "timepoint", "rule", "smaller_group", "filters"}
    known = ["min_count", "prevalence", "max_below_lod", "top_variance", "keep"]
    assert list(inspect.signature(Filters).parameters) == known


def test_a_filter_that_leaves_nothing_says_which() -> None:
    with pytest.raises(OnearmError, match="no feature passes the filter 'prevalence of 10%'"):
        block(assay([[0.0, 0.0]], "binary"), one_each(2), timepoint="BL")


# Which scale -------------------------------------------------------------------------------------


def test_log_cpm_is_free_of_depth_when_a_sample_is_sequenced_three_times_as_deep() -> None:
    rng = np.random.default_rng(5)
    one = rng.negative_binomial(20, 0.02, size=400).astype(float)
    counts = np.column_stack([one, 3 * one])
    sizes = library_sizes(counts)
    assert sizes[1] / sizes[0] == pytest.approx(3)
    made = transformed(assay(counts.tolist(), "counts"))
    assert np.abs(made.values[:, 0] - made.values[:, 1]).max() < 0.01
    assert made.scale == "log"


def test_one_gene_that_takes_half_of_the_reads_does_not_move_the_others() -> None:
    rng = np.random.default_rng(6)
    counts = rng.poisson(200, size=(300, 2)).astype(float)
    counts[0, 1] += counts[:, 1].sum()
    logs = transformed(assay(counts.tolist(), "counts")).values
    assert abs(np.median(logs[:, 1] - logs[:, 0])) < 0.02


def test_a_sample_too_shallow_for_library_sizes_is_named() -> None:
    counts = [[10.0, 0], [12, 0], [9, 3], [11, 0], [8, 0]]
    with pytest.raises(Problems, match="sample s1: the upper quartile of its counts is 0"):
        transformed(assay(counts, "counts"))


def test_amounts_get_the_offset_the_rule_states() -> None:
    tpm = transformed(assay([[0.0, 3.0]], "linear", unit="TPM"))
    assert tpm.values.tolist() == [[0, 2]]
    plain = transformed(assay([[0.25, 8.0]], "linear"))
    assert (plain.values.tolist(), plain.rule) == ([[-2, 3]], "log2")
    zeros = transformed(assay([[0.0, 4, 8], [16, 2, 4]], "linear"))
    assert zeros.values.tolist() == [[1, 2, 3], [4, 1, 2]]
    with pytest.raises(Problems, match=r"feature g0: a value is negative on a linear scale, in s"):
        transformed(assay([[-1.0, 2.0]], "linear"))


def test_shares_become_m_values_and_a_percentage_is_refused() -> None:
    made = transformed(assay([[0.5, 0.8, 0.0, 1.0]], "share"))
    assert made.values[0, :2].tolist() == pytest.approx([0, 2])
    assert made.values[0, 3] == pytest.approx(-made.values[0, 2]) == pytest.approx(9.964, abs=1e-3)
    with pytest.raises(Problems, match="is not between 0 and 1"):
        transformed(assay([[50.0, 20.0]], "share"))


def test_a_limit_of_detection_in_the_feature_table_wins_over_the_value_that_stands_there() -> None:
    low = np.array([[True, False]])
    info = pl.DataFrame({"feature": ["g0"], "lod": [2.0]})
    data = assay([[np.nan, 7.0]], "linear", below_lod=low, feature_info=info)
    assert limits_filled(data).tolist() == [[pytest.approx(2**0.5), 7.0]]
    bare = assay([[np.nan, 7.0]], "linear", below_lod=low)
    assert limits_filled(bare)[0, 0] == pytest.approx(7 / 2**0.5)


@given(st.integers(0, 10_000), st.floats(0.1, 50))
def test_a_composition_of_proportions_ignores_the_total(seed: int, factor: float) -> None:
    shares = np.random.default_rng(seed).dirichlet(np.ones(6), size=4).T
    first = transformed(assay(shares.tolist(), "compositional")).values
    again = transformed(assay((shares * factor).tolist(), "compositional")).values
    np.testing.assert_allclose(first, again, atol=1e-9)
    np.testing.assert_allclose(first.sum(axis=0), 0, atol=1e-9)


@given(st.integers(0, 10_000))
def test_the_order_of_samples_features_and_rows_of_the_sheet_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.poisson(30, size=(12, 8)).astype(float)
    data = assay(values.tolist(), "counts")
    rows, columns = rng.permutation(12), rng.permutation(8)
    shuffled = Assay(
        "rna",
        "counts",
        tuple(data.features[i] for i in rows),
        tuple(data.samples[i] for i in columns),
        values[np.ix_(rows, columns)],
    )
    first, told = block(data, one_each(8), timepoint="BL", smaller_group=3)
    order = one_each(8).sample(fraction=1, shuffle=True, seed=seed)
    second, told_again = block(shuffled, order, timepoint="BL", smaller_group=3)
    assert (first.features, first.subjects) == (second.features, second.subjects)
    assert first.values.tobytes() == second.values.tobytes()
    assert told.equals(told_again)


def test_detected_means_measured_on_a_log_scale_and_altered_for_copy_number() -> None:
    assert detected(assay([[0.0, np.nan]])).tolist() == [[True, False]]
    assert detected(assay([[0.0, -1.0, np.nan]], "copy_number")).tolist() == [[False, True, False]]


# Real cohorts ------------------------------------------------------------------------------------


def gut() -> tuple[Assay, pl.DataFrame]:
    counts = pl.read_parquet(shared("omics", "gut_icb_motus", "motus_counts.parquet"))
    rows = pl.read_parquet(shared("omics", "gut_icb_motus", "samples.parquet"))
    samples = tuple(name for name in counts.columns if name != "motu")
    data = Assay(
        "stool",
        "compositional",
        tuple(counts.get_column("motu")),
        samples,
        counts.select(samples).to_numpy().astype(np.float64),
    )
    of = rows.with_columns(modality=pl.lit("stool"), timepoint=pl.lit("BL"))
    return data, of.rename({"sample": "sample_id", "subject": "subject_id"}).drop("response")


@needs_shared
def test_the_gut_cohort_keeps_446_motus_of_which_352_differ_between_studies() -> None:
    data, rows = gut()
    # p001 of one study is not p001 of another: the subject is study and number together.
    rows = rows.with_columns(subject_id=pl.col("study") + pl.col("subject_id"))
    made, steps = block(data, rows, timepoint="BL")
    assert made.values.shape == (230, 446)
    assert steps.filter(pl.col("step") == "prevalence of 10%").select("before", "after").row(0) == (
        1425,
        446,
    )
    study = made.columns.get_column("study").to_numpy()
    groups = [study == label for label in np.unique(study)]
    p = [kruskal(*[column[group] for group in groups]).pvalue for column in made.values.T]
    assert int((false_discovery_control(p) <= 0.05).sum()) == 352
