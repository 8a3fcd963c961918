"""The chapter's part on treatment: fed from the plan, counted, the same in any order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onearm.omics.assay import Assay, Outcomes
from onearm.omics.chapter import Chapter, analyse
from onearm.omics.ontreatment import BY_RESPONSE, OnTreatment
from onearm.omics.plan import Candidate, Modality, Plan
from onearm.pieces import Workers
from tests.omics import cohort

ANALYTES = tuple(f"P{number:02d}" for number in range(8))


def plan(**changes: object) -> Plan:
    """ctDNA with kinetics beside the RNA of the cohort; a change of it is a candidate."""
    later = Modality("ctdna", "C1D1", ("M1", "M2"), False, "any")
    marker = Candidate("CH", "ctdna", "feature", "P00", change_to="M1", landmark_days=42)
    base = cohort.plan()
    return cohort.plan(
        modalities=(*base.modalities, later), candidates=(*base.candidates, marker), **changes
    )


def made(seed: int = 3) -> cohort.Made:
    """Amounts at baseline and two months; P00 falls in everybody, P01 rises in responders."""
    base, known = cohort.made(), cohort.outcomes()
    chance = np.random.default_rng(seed)
    times = known.times["PFS"].time
    start = chance.normal(5, 1, (len(ANALYTES), cohort.N))
    rows, columns, samples = [], [], []
    for month, name in enumerate(("C1D1", "M1", "M2")):
        own = start + (chance.normal(0, 0.5, start.shape) if month else 0.0)
        own[0] -= 1.0 * month
        own[1] += 1.5 * month * known.responses["ORR"]
        for place, subject in enumerate(cohort.SUBJECTS):
            day = 1 + 28 * month
            if month and times[place] < day:
                continue
            samples.append(f"{subject}-{name}")
            columns.append(np.exp2(own[:, place]))
            rows.append((f"{subject}-{name}", subject, "ctdna", name, day))
    names = ["sample_id", "subject_id", "modality", "timepoint", "study_day"]
    sheet = pl.DataFrame(rows, schema=names, orient="row").with_columns(qc_pass=pl.lit(True))
    low = np.column_stack(columns) < 2.0
    assay = Assay("ctdna", "linear", ANALYTES, tuple(samples), np.column_stack(columns), "", low)
    return cohort.Made(
        pl.concat([base.sheet, sheet], how="diagonal_relaxed"), {**base.assays, "ctdna": assay}
    )


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    return analyse(plan(), made(), cohort.outcomes())


def of(chapter: Chapter) -> OnTreatment:
    assert chapter.change is not None
    return chapter.change


def test_what_fell_in_everybody_and_what_rose_in_responders_is_found(chapter: Chapter) -> None:
    table = of(chapter).table
    fell = table.filter(pl.col("analysis") == "change", pl.col("feature") == "P00")
    assert (fell["p_adjusted"] <= 0.01).all()
    assert fell.sort("timepoint")["effect"].to_list() == pytest.approx([-1, -2], abs=0.3)
    by_response = table.filter(pl.col("analysis") == BY_RESPONSE, pl.col("p_adjusted") <= 0.05)
    assert set(by_response["feature"]) == {"P01"}
    assert set(by_response["endpoint"]) == {"ORR"}
    slope = of(chapter).slopes.filter(pl.col("feature") == "P01")
    steeper = slope.filter(pl.col("term") == "month x response").row(0, named=True)
    assert steeper["lower"] < 1.5 * 30.4375 / 28 < steeper["upper"]


def test_the_chapter_counts_these_tests_and_spends_no_alpha_on_them(chapter: Chapter) -> None:
    change = of(chapter)
    tables = (change.table, change.slopes, change.survival)
    assert change.n_tests == sum(table.height for table in tables)
    tiers = sum(tested.n_tests for tested in chapter.tiers.values())
    assert chapter.n_tests >= tiers + change.n_tests
    assert set(change.table["tier"]) == {""}
    assert "cannot attribute change to a drug" in change.words
    assert not any(found[2].startswith("P") for found in chapter.conclusion.found)


def test_survival_counts_from_a_landmark_no_earlier_than_the_last_sample(chapter: Chapter) -> None:
    survival, times = of(chapter).survival, cohort.outcomes().times["PFS"]
    landmarks = survival.filter(pl.col("analysis") == "landmark", pl.col("feature") == "P00")
    assert dict(landmarks.select("timepoint", "landmark_days").rows()) == {"M1": 42.0, "M2": 57.0}
    for row in landmarks.iter_rows(named=True):
        assert row["at_risk"] == int((times.time > row["landmark_days"]).sum())
    carried = survival.filter(pl.col("analysis") == "last value carried")
    assert carried.height == len(ANALYTES)


def test_patients_lost_before_a_visit_are_counted(chapter: Chapter) -> None:
    times = cohort.outcomes().times["PFS"].time
    rows = of(chapter).dropout.filter(pl.col("feature") == "P00").rows(named=True)
    assert [row["gone"] for row in rows] == [0, int((times < 29).sum()), int((times < 57).sum())]
    assert all(row["missed"] == 0 for row in rows)


def test_kinetics_know_the_limit_of_detection(chapter: Chapter) -> None:
    table = of(chapter).kinetics
    gone = table.filter(pl.col("is_detected_before") & ~pl.col("is_detected"))
    assert gone.height > 0
    assert set(gone["kinetics"]) == {"clearance"}


def shuffled(one: cohort.Made, seed: int = 8) -> cohort.Made:
    chance = np.random.default_rng(seed)
    assays = {}
    for name, assay in one.assays.items():
        rows, columns = (
            chance.permutation(assay.values.shape[0]),
            chance.permutation(assay.values.shape[1]),
        )
        grid = np.ix_(rows, columns)
        assays[name] = replace(
            assay,
            features=tuple(assay.features[row] for row in rows),
            samples=tuple(assay.samples[column] for column in columns),
            values=assay.values[grid],
            below_lod=None if assay.below_lod is None else assay.below_lod[grid],
        )
    return cohort.Made(one.sheet.sample(fraction=1.0, shuffle=True, seed=seed), assays)


def reordered(known: Outcomes, seed: int = 9) -> Outcomes:
    at = np.random.default_rng(seed).permutation(len(known.subjects))
    return Outcomes(
        tuple(known.subjects[row] for row in at),
        {name: values[at] for name, values in known.responses.items()},
        {name: replace(t, time=t.time[at], event=t.event[at]) for name, t in known.times.items()},
        {},
        known.columns[at.tolist()],
    )


def test_the_order_of_samples_features_and_patients_changes_no_adjusted_p(chapter: Chapter) -> None:
    other = analyse(plan(), shuffled(made()), reordered(cohort.outcomes()))
    for one, two in ((chapter, other),):
        assert two.associations["p_adjusted"].equals(one.associations["p_adjusted"])
        assert of(two).table["p_adjusted"].equals(of(one).table["p_adjusted"])
        assert_frame_equal(of(two).table, of(one).table, rel_tol=1e-9)
        assert_frame_equal(of(two).survival, of(one).survival, rel_tol=1e-9)
        assert_frame_equal(of(two).kinetics, of(one).kinetics)
        assert_frame_equal(of(two).dropout, of(one).dropout)


def test_one_or_two_workers_give_the_same_bytes() -> None:
    asked = plan(permutations=2000)
    one = analyse(asked, made(), cohort.outcomes())
    two = analyse(asked, made(), cohort.outcomes(), workers=Workers("processes", 2))
    assert one.associations.equals(two.associations)
    assert of(one).table.equals(of(two).table)
    assert of(one).survival.equals(of(two).survival)


def test_without_later_samples_there_is_no_such_part() -> None:
    assert analyse(cohort.plan(), cohort.made(), cohort.outcomes()).change is None


def test_a_model_of_counts_stands_beside_discovery_where_it_is_asked_for() -> None:
    base = cohort.made(shift=3.0)
    counts = np.rint(np.exp2(base.assays["rna"].values + 3))
    assay = replace(base.assays["rna"], scale="counts", values=counts)
    rna = replace(cohort.plan().modalities[0], counts=("voom",))
    chapter = analyse(
        cohort.plan(modalities=(rna,)), cohort.Made(base.sheet, {"rna": assay}), cohort.outcomes()
    )
    table = chapter.counts
    assert set(table["endpoint"]) == {"ORR"}
    planted = {f"G{at:03d}" for at in range(10)}
    assert set(table.head(10)["feature"]) == planted
    discovery = chapter.tiers["discovery"].table.filter(pl.col("endpoint") == "ORR")
    both = table.join(discovery, on="feature")
    assert both.height == table.height
    assert np.corrcoef(both["statistic"], both["statistic_right"])[0, 1] > 0.9
    without = analyse(
        cohort.plan(modalities=(replace(rna, counts=()),)),
        cohort.Made(base.sheet, {"rna": assay}),
        cohort.outcomes(),
    )
    assert chapter.n_tests == without.n_tests + table.height
    assert chapter.associations.equals(without.associations)
