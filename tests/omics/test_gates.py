"""Gates: what is tied to a batch is refused, what is missing by outcome is told."""

from __future__ import annotations

import inspect

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from scipy.stats.contingency import association

from onearm.errors import OnearmError, Problems
from onearm.omics.assay import Block, Outcomes, Times
from onearm.omics.association import cramers_v, eta_squared, strength
from onearm.omics.gates import benchmark_sentence, confounding, label_benchmark, missingness
from onearm.omics.plot_correction import corrected_for_plots
from onearm.stats.logrank import log_rank
from tests.shared import needs_shared, shared


def names(n: int) -> tuple[str, ...]:
    return tuple(f"P{i:02}" for i in range(n))


def respond(values: list[float] | np.ndarray) -> Outcomes:
    return Outcomes(names(len(values)), {"ORR": np.asarray(values, dtype=np.float64)})


def design(n: int, **columns: object) -> pl.DataFrame:
    return pl.DataFrame({"subject_id": names(n), **columns})  # type: ignore[arg-type]


def block(subjects: tuple[str, ...], values: np.ndarray, columns: pl.DataFrame) -> Block:
    features = tuple(f"g{i}" for i in range(values.shape[1]))
    day = np.full(len(subjects), np.nan)
    return Block("rna", "BL", "log", features, subjects, values, day, columns)


# How strong --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=4, max_size=60))
def test_cramers_v_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs).T
    found = cramers_v(np.unique(a, return_inverse=True)[1], np.unique(b, return_inverse=True)[1])
    if len(set(a)) < 2 or len(set(b)) < 2:
        assert np.isnan(found.value)
        return
    table = pl.DataFrame({"a": a, "b": b}).pivot(
        "b", index="a", values="b", aggregate_function="len"
    )
    counts = table.drop("a").fill_null(0).to_numpy()
    assert found.value == pytest.approx(association(counts, method="cramer"), abs=1e-9)


def test_for_two_groups_and_a_response_the_root_of_eta_squared_is_cramers_v() -> None:
    rng = np.random.default_rng(2)
    group, response = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    v = cramers_v(group, response).strength
    assert eta_squared(group, response.astype(float)).strength == pytest.approx(v)
    amounts = strength(pl.Series(group.astype(float)), pl.Series(response.astype(float)))
    assert (amounts.measure, amounts.strength) == ("r-squared", pytest.approx(v))


def test_twenty_centres_of_fifty_patients_look_associated_by_chance_and_it_is_said() -> None:
    rng = np.random.default_rng(3)
    values = [
        cramers_v(np.arange(50) % 20, rng.permutation([1] * 15 + [0] * 35)) for _ in range(200)
    ]
    middle = np.sqrt(np.mean([v.value**2 for v in values]))
    assert values[0].by_chance == pytest.approx(middle, rel=0.05)  # sqrt(19 / 49) = 0.62


# The gate ----------------------------------------------------------------------------------------


def test_a_batch_that_is_the_response_is_refused_with_both_names_and_the_counts() -> None:
    response = [1.0] * 8 + [0.0] * 12
    gate = confounding(respond(response), design(20, plate=["A"] * 8 + ["B"] * 12))
    assert gate.refused == (("plate", "ORR"),)
    assert gate.refused_endpoints == ("ORR",)
    with pytest.raises(Problems) as told:
        gate.require()
    text = str(told.value)
    assert "plate / ORR: plate and ORR cannot be told apart" in text
    assert "A: 8 of 8 responders, B: 0 of 12 responders" in text
    assert gate.table.row(0, named=True)["label_auc"] == 1


def test_two_columns_that_only_together_give_the_response_are_refused_together() -> None:
    rng = np.random.default_rng(1)
    site = rng.normal(size=30)
    response = rng.permutation([1.0] * 12 + [0.0] * 18)
    gate = confounding(respond(response), design(30, site=site, kit=3 * response - 2 * site))
    assert gate.refused == (("site + kit", "ORR"),)
    assert "the columns site + kit together determine ORR" in str(gate.findings[0])


def test_a_design_as_large_as_the_cohort_is_no_finding_about_the_endpoint() -> None:
    gate = confounding(respond([1.0, 0, 1, 0, 1, 0]), design(6, tube=[f"t{i}" for i in range(6)]))
    # A tube of his own for each patient names the patient: V is 1 and means nothing.
    row = gate.table.row(0, named=True)
    assert (row["value"], row["by_chance"], row["verdict"]) == (1, 1, "not judged")
    spread = confounding(
        respond([1.0, 0, 1, 0, 1, 0, 0]),
        design(7, x=[1.0, 2, 3, 4, 5, 7, 7], c=["a", "a", "b", "b", "c", "c", "d"]),
    )
    assert spread.refused == ()


def test_a_strong_column_goes_into_design_and_strata_and_a_copy_of_it_is_left_out() -> None:
    response = [1.0] * 7 + [0.0] * 3 + [1.0] * 1 + [0.0] * 9
    plate = ["A"] * 10 + ["B"] * 10
    gate = confounding(
        respond(response), design(20, plate=plate, run=[p.lower() for p in plate], age=[60.5] * 20)
    )
    assert gate.refused == ()
    assert gate.strata == {"ORR": ("plate",)}
    verdicts = dict(gate.table.select("column", "verdict").iter_rows())
    assert verdicts == {"age": "not judged", "plate": "stratify", "run": "stratify"}
    told = [str(finding) for finding in gate.findings]
    assert any("plate is strongly associated with ORR" in text for text in told)
    assert any("run says the same as plate" in text for text in told)
    gate.require()


def test_a_batch_of_all_early_events_is_seen_through_the_residual_of_the_times() -> None:
    time = np.array([1.0] * 5 + [2.0] * 5 + [30.0] * 5 + [40.0] * 5)
    outcomes = Outcomes(names(20), times={"PFS": Times(time, np.ones(20, dtype=bool))})
    gate = confounding(outcomes, design(20, plate=["A"] * 10 + ["B"] * 10))
    rows = dict(gate.table.select("measure", "verdict").iter_rows())
    assert rows == {
        "Cramer's V of the event": "not judged",
        "eta-squared of the martingale residual": "stratify",
    }
    assert gate.strata == {"PFS": ("plate",)}


def test_only_subjects_with_both_values_count() -> None:
    gate = confounding(
        respond([1.0, 1, 0, 0, np.nan, 1]), design(6, plate=["A", "A", "B", "B", "A", None])
    )
    assert gate.table.row(0, named=True)["n"] == 4
    assert gate.refused == (("plate", "ORR"),)


def test_columns_of_other_people_are_no_design() -> None:
    with pytest.raises(OnearmError, match="none of their subjects has an outcome"):
        confounding(respond([1.0, 0.0]), pl.DataFrame({"subject_id": ["X"], "plate": ["A"]}))
    twice = pl.DataFrame({"subject_id": ["P00", "P00"], "plate": ["A", "B"]})
    with pytest.raises(OnearmError, match="subject 'P00' stands there twice"):
        confounding(respond([1.0, 0.0]), twice)


@given(st.permutations(range(24)))
def test_the_order_of_the_rows_changes_no_verdict(order: list[int]) -> None:
    rng = np.random.default_rng(9)
    response = rng.integers(0, 2, 24).astype(float)
    columns = design(24, plate=rng.choice(["A", "B"], 24), purity=rng.uniform(size=24))
    straight = confounding(respond(response), columns)
    shuffled = confounding(respond(response), columns[list(order)])
    assert straight.table.equals(shuffled.table)


@needs_shared
def test_the_cohort_of_inspire_confounds_response() -> None:
    frame = pl.read_parquet(shared("omics", "inspire_pembro", "patients.parquet"))
    outcomes = Outcomes(
        tuple(frame["id"]), {"ORR": (frame["orr"] == "CR/PR").to_numpy().astype(np.float64)}
    )
    gate = confounding(outcomes, frame.select("id", "cohort", "sex"))
    row = gate.table.filter(pl.col("column") == "cohort").row(0, named=True)
    counts = frame.group_by("cohort", "orr").len().pivot("orr", index="cohort", values="len")
    expected = association(counts.drop("cohort").fill_null(0).to_numpy(), method="cramer")
    assert row["value"] == pytest.approx(expected, abs=1e-12)
    assert row["value"] > 0.5  # 8 of 12 in D, 0 of 36 in B and C
    assert gate.strata == {"ORR": ("cohort",)}


@needs_shared
def test_the_study_of_the_gut_samples_alone_predicts_response_with_auc_0_683() -> None:
    frame = pl.read_parquet(shared("omics", "gut_icb_motus", "samples.parquet"))
    response = (frame["response"] == "R").to_numpy().astype(np.float64)
    outcomes = Outcomes(tuple(frame["sample"]), {"response": response})
    found = label_benchmark(outcomes, frame.select("sample", "study"))["response"]
    sentence = benchmark_sentence("study", "response", found)
    assert sentence == "study alone predicts response with AUC 0.683"


# Missingness -------------------------------------------------------------------------------------


def test_a_modality_missing_by_response_or_time_is_tested_by_fisher_and_log_rank() -> None:
    response = np.array([1.0] * 6 + [0.0] * 9 + [np.nan])
    time = np.arange(1.0, 17)
    event = np.array([True, False] * 8)
    outcomes = Outcomes(names(16), {"ORR": response}, {"PFS": Times(time, event)})
    has = names(16)[:7]
    made = block(has, np.zeros((7, 1)), pl.DataFrame({"subject_id": has}))
    fisher, rank = missingness([made], outcomes).to_dicts()
    assert (fisher["n_available"], fisher["n_absent"]) == (7, 8)
    assert (fisher["events_available"], fisher["events_absent"]) == (6, 0)
    assert fisher["p"] == pytest.approx(fisher_exact([[6, 1], [0, 8]]).pvalue)
    expected = log_rank(time, event, [name in has for name in names(16)]).p_value
    assert (rank["test"], rank["p"]) == ("log-rank", pytest.approx(expected))


def test_a_modality_everybody_has_is_not_tested() -> None:
    outcomes = respond([1.0, 0, 1])
    made = block(names(3), np.zeros((3, 1)), pl.DataFrame({"subject_id": names(3)}))
    assert missingness([made], outcomes).get_column("p").to_list() == [None]


# Correction for pictures -------------------------------------------------------------------------


def batched(seed: int = 4) -> tuple[Block, np.ndarray]:
    rng = np.random.default_rng(seed)
    batch = np.array(["x"] * 14 + ["y"] * 10)
    values = rng.normal(size=(24, 60))
    values[batch == "y"] = values[batch == "y"] * 3 + 5
    return block(names(24), values, design(24, plate=batch)), batch


def gap(values: np.ndarray, batch: np.ndarray) -> np.ndarray:
    return np.abs(values[batch == "y"].mean(axis=0) - values[batch == "x"].mean(axis=0))


def test_the_batches_have_one_mean_after_correction_by_means() -> None:
    made, batch = batched()
    fixed = corrected_for_plots(made, "plate", method="mean").values
    assert gap(fixed, batch).max() < 1e-12
    inside = fixed[batch == "y"] - fixed[batch == "y"].mean(axis=0)
    expected = made.values[batch == "y"] - made.values[batch == "y"].mean(axis=0)
    np.testing.assert_allclose(inside, expected, atol=1e-12)


def test_correction_by_means_is_that_of_limma() -> None:
    # R 4.2, limma 3.54.1: removeBatchEffect(t(v), batch = c("a", "a", "b", "b", "b"))
    values = np.array([[1.0, 2], [3, 4], [10, 0], [11, 5], [15, 1]])
    made = block(names(5), values, design(5, plate=["a", "a", "b", "b", "b"]))
    expected = [[6, 1.5], [8, 3.5], [5, 0.5], [6, 5.5], [10, 1.5]]
    fixed = corrected_for_plots(made, "plate", method="mean").values
    np.testing.assert_allclose(fixed, expected, atol=1e-12)


def test_combat_takes_out_nine_tenths_of_shift_and_scale_and_shrinks_the_rest() -> None:
    made, batch = batched()
    fixed = corrected_for_plots(made, "plate").values
    assert gap(fixed, batch).mean() < 0.1 * gap(made.values, batch).mean()
    spread = fixed[batch == "y"].std(axis=0).mean() / fixed[batch == "x"].std(axis=0).mean()
    assert spread == pytest.approx(1, abs=0.1)  # 3 before


def test_no_outcome_can_be_handed_to_the_correction_and_no_engine_takes_what_comes_out() -> None:
    accepted = inspect.signature(corrected_for_plots).parameters
    assert list(accepted) == ["block", "batch", "method"]
    made, _ = batched()
    with pytest.raises(OnearmError, match="'response' is no column of the sample sheet; it has pl"):
        corrected_for_plots(made, "response")
    assert not isinstance(corrected_for_plots(made, "plate"), Block)


def test_a_single_batch_or_a_missing_label_is_told() -> None:
    values = np.zeros((3, 2))
    one = block(names(3), values, design(3, plate=["A"] * 3))
    with pytest.raises(OnearmError, match="plate has one value"):
        corrected_for_plots(one, "plate")
    lost = block(names(3), values, design(3, plate=["A", None, "B"]))
    with pytest.raises(OnearmError, match="plate is missing for P01"):
        corrected_for_plots(lost, "plate")
