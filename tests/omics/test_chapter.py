"""The whole analysis: it says no to noise, finds what is planted, and refuses aliased batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onearm.errors import OnearmError
from onearm.omics.chapter import Chapter, analyse
from onearm.omics.gene_sets import shipped
from onearm.omics.measure import measure
from onearm.omics.plan import Candidate, Plan, Split
from onearm.pieces import Workers
from tests.omics import cohort


@pytest.fixture(scope="module")
def noise() -> Chapter:
    return analyse(cohort.plan(), cohort.made(), cohort.outcomes())


def test_noise_gives_no_finding_and_says_what_could_have_been_found(noise: Chapter) -> None:
    said = noise.conclusion
    assert said.found == ()
    assert said.n == cohort.N
    assert said.events == int(cohort.outcomes().times["PFS"].event.sum())
    assert 1.5 < said.hazard_ratio < 4
    assert not noise.is_refused


def test_every_test_is_counted(noise: Chapter) -> None:
    genes = cohort.GENES + 3
    assert noise.n_tests == 2 * (3 + 1 + genes)
    assert noise.families["tests"].sum() == noise.n_tests
    assert noise.associations.height == noise.n_tests


def test_a_planted_programme_is_found_in_its_tier() -> None:
    found = analyse(cohort.plan(), cohort.made(shift=1.0), cohort.outcomes()).conclusion.found
    assert ("programmes", "rna", "TEN", "ORR") in found
    assert all(endpoint == "ORR" for *_, endpoint in found)


def test_a_batch_that_is_the_response_is_refused_by_both_names() -> None:
    known = cohort.outcomes()
    run = np.where(known.responses["ORR"] == 1, "1", "2")
    chapter = analyse(cohort.plan(), cohort.made(run=run), known)
    assert chapter.conclusion.refused == (("run", "ORR"),)
    message = str(next(f for f in chapter.findings if f.severity == "error"))
    assert "run" in message
    assert "ORR" in message
    assert chapter.associations["endpoint"].unique().to_list() == ["PFS"]


def test_a_batch_half_tied_to_response_stratifies_and_warns() -> None:
    known = cohort.outcomes()
    yes = known.responses["ORR"] == 1
    run = np.where(
        np.where(yes, np.arange(cohort.N) % 8 != 0, np.arange(cohort.N) % 6 == 0), "1", "2"
    )
    chapter = analyse(cohort.plan(), cohort.made(run=run), known)
    assert not chapter.is_refused
    assert chapter.families["strata"].str.contains("run").all()
    assert any("run" in str(f) and f.severity == "warning" for f in chapter.findings)


def test_swapped_samples_of_two_sexes_are_named_together_and_not_changed() -> None:
    chapter = analyse(cohort.plan(), cohort.made(swap=True), cohort.outcomes())
    wrong = chapter.quality.sex.filter(pl.col("verdict") == "differs")
    assert wrong.height == 2
    one, other = wrong["sample_id"].to_list()
    assert other in chapter.quality.findings[0].hint
    assert one in chapter.quality.findings[1].hint
    assert chapter.measures.blocks["rna"].subjects == cohort.SUBJECTS


def test_the_order_of_the_files_changes_nothing(noise: Chapter) -> None:
    other = analyse(cohort.plan(), cohort.shuffled(cohort.made()), cohort.outcomes())
    assert_frame_equal(other.associations, noise.associations, rel_tol=1e-9)
    assert other.associations["p_adjusted"].equals(noise.associations["p_adjusted"])


def test_two_processes_give_the_same_bytes(noise: Chapter) -> None:
    plan, made = cohort.plan(permutations=2000), cohort.made()
    one = analyse(plan, made, cohort.outcomes())
    two = analyse(plan, made, cohort.outcomes(), workers=Workers("processes", 2))
    assert one.associations.equals(two.associations)
    assert one.power == two.power


def test_columns_of_the_subjects_are_candidates_too() -> None:
    known = cohort.outcomes()
    age = pl.Series("age", np.random.default_rng(5).normal(60, 9, cohort.N))
    known = replace(known, columns=known.columns.with_columns(age))
    marker = Candidate("AGE", "clinical", "column", "age", cut=60.0)
    chapter = analyse(cohort.plan(candidates=(marker,)), cohort.made(), known)
    rows = chapter.tiers["candidates"].table
    assert rows["feature"].unique().to_list() == ["AGE"]
    assert set(chapter.curves["marker"]) == {"AGE"}
    sizes = chapter.curves.unique("group")["n"].sum()
    assert sizes == cohort.N


def test_a_change_on_treatment_is_counted_from_its_landmark() -> None:
    base = cohort.made()
    later = base.sheet.with_columns(
        pl.col("sample_id") + "2", timepoint=pl.lit("M1"), study_day=pl.lit(29, pl.Int64)
    )
    assay = base.assays["rna"]
    twice = replace(
        assay,
        samples=(*assay.samples, *(f"{s}2" for s in assay.samples)),
        values=np.hstack([assay.values, assay.values[:, ::-1]]),
    )
    made = cohort.Made(pl.concat([base.sheet, later]), {"rna": twice})
    change = Candidate("CH", "rna", "feature", "G000", change_to="M1", landmark_days=42)
    modality = replace(cohort.plan().modalities[0], later=("M1",))
    plan = cohort.plan(candidates=(change,), modalities=(modality,))
    chapter = analyse(plan, made, cohort.outcomes())
    row = chapter.tiers["candidates"].table.filter(pl.col("endpoint") == "PFS").row(0, named=True)
    times = cohort.outcomes().times["PFS"]
    assert row["analysis"] == "landmark"
    assert row["n"] == int((times.time > 42).sum())
    assert set(chapter.measures.courses["timepoint"]) == {"C1D1", "M1"}


def test_what_cannot_be_measured_is_said_and_not_replaced() -> None:
    lost = Candidate("LOST", "rna", "feature", "NOT_THERE")
    score = Candidate("CD8", "rna", "score", "cd8_t_effector")
    measures = measure(cohort.plan(candidates=(lost, score)), cohort.made())
    why = dict(measures.absent)
    assert "NOT_THERE" in why["LOST"]
    assert "0 of 8 genes" in why["CD8"]
    assert measures.markers["name"].unique().to_list() == ["TEN"]


def test_sensitivity_analyses_are_for_candidates_only_and_decide_nothing() -> None:
    known = cohort.outcomes()
    varied = np.where(np.arange(cohort.N) < 4, np.nan, known.responses["ORR"])
    known = replace(known, responses={**known.responses, "ORR_EVAL": varied})
    chapter = analyse(cohort.plan(sensitivity={"ORR_EVAL": "ORR"}), cohort.made(), known)
    assert set(chapter.sensitivity["endpoint"]) == {"ORR_EVAL"}
    assert set(chapter.sensitivity["feature"]) == {"C0", "C50", "C90"}
    assert int(chapter.sensitivity["n"].max() or 0) == cohort.N - 4  # type: ignore[arg-type]
    assert "ORR_EVAL" not in chapter.families["endpoints"].str.join(" ")


def test_a_tier_has_its_limits() -> None:
    many = tuple(Candidate(f"C{at}", "rna", "feature", f"G{at:03d}") for at in range(21))
    with pytest.raises(OnearmError, match="21 candidates are named, at most 20"):
        cohort.plan(candidates=many)
    with pytest.raises(OnearmError, match=r"more than the 0\.05 there is"):
        cohort.plan(split=Split(0.05, 0.0125, 0.0125))


def test_nothing_to_analyse_is_an_error_that_says_why() -> None:
    plan: Plan = cohort.plan()
    with pytest.raises(OnearmError, match="there is no assay of this modality"):
        measure(plan, cohort.Made(cohort.made().sheet, {}))


def test_a_candidate_that_is_found_gets_a_searched_cutpoint_that_pays_for_the_search() -> None:
    chapter = analyse(cohort.plan(), cohort.made(shift=2.0), cohort.outcomes())
    found = {(feature, endpoint) for _, _, feature, endpoint in chapter.conclusion.found}
    assert ("C0", "ORR") in found
    cuts = chapter.beside.closer.cutpoints
    assert cuts.select("feature", "endpoint").rows() == [("C0", "ORR")]
    row = cuts.row(0, named=True)
    assert row["note"] == "cutpoint chosen on these data"
    assert 0 < row["p_adjusted"] < 0.05
    assert 0 <= abs(row["shrunken"]) <= abs(row["effect"])
    assert row["bootstrap_low"] <= row["bootstrap_middle"] <= row["bootstrap_high"]
    assert chapter.n_tests == chapter.families["tests"].sum() + 1


def test_no_cutpoint_is_searched_where_nothing_was_found(noise: Chapter) -> None:
    assert noise.beside.closer.cutpoints.is_empty()
    assert noise.beside.closer.hazards.select("feature", "endpoint").rows() == [
        ("C0", "PFS"), ("C50", "PFS"), ("C90", "PFS"),
    ]  # fmt: skip


def test_gene_sets_are_tested_where_the_genes_are_known() -> None:
    """The same noise under the names of Hallmark genes: 50 sets an endpoint, all counted."""
    made = cohort.made()
    assay = made.assays["rna"]
    genes = sorted({gene for own in shipped("hallmark").sets.values() for gene in own})[:600]
    values = 6 + np.random.default_rng(5).standard_normal((len(genes), cohort.N))
    named = replace(
        assay, features=(*assay.features, *genes), values=np.vstack([assay.values, values])
    )
    plan = cohort.plan(permutations=200)
    chapter = analyse(plan, cohort.Made(made.sheet, {"rna": named}), cohort.outcomes())
    sets = chapter.beside.sets
    assert set(sets.table["endpoint"]) == {"ORR", "PFS"}
    assert sets.table["p_adjusted"].min() > 0.01  # type: ignore[operator]  # noise
    assert set(sets.table["method"]) == {"sample permutation"}
    assert sets.provenance["licence"].to_list() == ["CC BY 4.0"]
    assert chapter.n_tests == chapter.families["tests"].sum() + sets.n_tests


def test_candidates_are_estimated_with_standard_variables_in_the_model() -> None:
    plan = cohort.plan(checked=("sex",))
    chapter = analyse(plan, cohort.made(shift=1.5), cohort.outcomes())
    table = chapter.beside.with_standard
    assert set(table["columns"]) == {"sex"}
    assert set(table["endpoint"]) == {"ORR", "PFS"}
    own = table.filter(pl.col("feature") == "C0", pl.col("endpoint") == "ORR").row(0, named=True)
    assert own["lower"] < own["effect"] < own["upper"]
    assert own["lower"] > 0
    related = chapter.beside.related
    assert set(related["column"]) == {"tumour_type", "sex"}
    assert related["share"].is_between(0, 1).all()


def test_prediction_is_refused_in_words_below_ten_responders() -> None:
    known = cohort.outcomes()
    few = np.where(np.cumsum(known.responses["ORR"]) <= 8, known.responses["ORR"], 0.0)
    known = replace(known, responses={"ORR": few}, times={})
    plan = cohort.plan(prediction=True, endpoints=("ORR",))
    made = analyse(plan, cohort.made(), known).predictions
    assert [one.refused is not None for one in made] == [True]
    assert "fewer than 10 responders" in str(made[0].refused)
