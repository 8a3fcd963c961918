"""Change on treatment: paired tests and slopes as R gives them, sign-flips, kinetics, dropout."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import stats

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Block, Outcomes, Times
from onearm.omics.change import change, limma_with_subjects, paired, slopes
from onearm.omics.kinetics import CLASSES, classify, kinetics, rule_of
from onearm.omics.mixed import random_intercept
from onearm.omics.nulls import bound
from onearm.omics.signflip import sign_flip
from onearm.omics.visits import after_landmark, carried_on, dropout
from onearm.pieces import Workers
from tests.omics.known import inspire, times_of
from tests.omics.repeated import repeated
from tests.shared import needs_shared, shared


def test_paired_t_with_a_block_a_patient_is_that_of_limma() -> None:
    data = repeated()
    before, after = data.block(0), data.block(1)
    differences = paired(before, after)
    fit = limma_with_subjects(before, after, differences)
    expected = [data.answer("limma pairs", what) for what in ("beta", "t", "p")]
    np.testing.assert_allclose(fit.coefficient, expected[0], rtol=1e-9)
    np.testing.assert_allclose(fit.t, expected[1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit.p, expected[2], rtol=1e-8)
    table = change([(before, after)], seed=1, permutations=999).table.sort("feature")
    np.testing.assert_allclose(table["statistic"].to_numpy(), expected[1], atol=1e-9)
    assert set(table["n"]) == {len(differences.subjects)}


def test_slopes_with_a_random_intercept_are_those_of_nlme() -> None:
    data = repeated()
    blocks = [data.block(visit) for visit in (0, 1, 2)]
    found = slopes(blocks, data.features[:8], data.outcomes(), ["ORR"])
    for term, name in (
        ("month", "lme slope month"),
        ("month", "lme by response month"),
        ("response", "lme by response response"),
        ("month x response", "lme by response month x response"),
    ):
        endpoint = "ORR" if "by response" in name else ""
        own = found.filter(pl.col("term") == term, pl.col("endpoint") == endpoint)
        # nlme stops when the likelihood does not move: the variances agree to about 1e-5.
        estimate, p = data.answer(name, "estimate"), data.answer(name, "p")
        np.testing.assert_allclose(own["estimate"].to_numpy(), estimate, atol=2e-5)
        np.testing.assert_allclose(own["p_nominal"].to_numpy(), p, rtol=2e-3)
        assert own["df"].to_list() == data.answer(name, "df").tolist()
    own = found.filter(pl.col("endpoint") == "")
    for what in ("between", "within"):
        answer = data.answer("lme slope", f"sd {what}")
        np.testing.assert_allclose(own[f"sd_{what}"].to_numpy(), answer, rtol=1e-4)


def test_the_mixed_model_is_that_of_statsmodels_and_of_least_squares_without_patients() -> None:
    models = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    rng = np.random.default_rng(3)
    who = np.repeat(np.arange(15), 4)
    month = np.tile(np.arange(4.0), 15)
    columns = np.column_stack((np.ones(60), month))
    y = rng.normal(0, 1, 15)[who] + 0.3 * month + rng.normal(0, 0.7, 60)
    mine = random_intercept(y, columns, who)
    other = models.MixedLM(y, columns, groups=who).fit(reml=True)
    np.testing.assert_allclose(mine.estimate, other.fe_params, rtol=1e-6)
    np.testing.assert_allclose(mine.std_err, other.bse_fe, rtol=1e-4)
    # Patients who differ less than chance: the variance between them is 0.
    y = y - np.bincount(who, y)[who] / 4
    flat = random_intercept(y, columns, who)
    beta = np.linalg.lstsq(columns, y, rcond=None)[0]
    assert flat.sd_between == 0
    np.testing.assert_allclose(flat.estimate, beta, atol=1e-12)


def test_every_pattern_of_signs_of_a_few_patients_is_counted() -> None:
    rng = np.random.default_rng(5)
    values = rng.standard_normal((7, 4)) + 0.5
    values[2, 1] = np.nan
    found = sign_flip(values, seed=1)
    assert found.is_exact
    assert found.flips == 2**6 - 1
    scaled = np.nan_to_num(values) / np.sqrt(np.nansum(values**2, axis=0))
    every = np.array(list(product([1, -1], repeat=7))) @ scaled
    assert found.p_single == pytest.approx(
        (np.abs(every) >= np.abs(scaled.sum(axis=0)) - 1e-9).mean(axis=0)
    )
    largest = np.abs(every).max(axis=1)
    top = np.nanargmax(np.abs(found.statistic))
    expected = (largest >= np.abs(found.statistic[top]) - 1e-9).mean()
    assert found.p_adjusted[top] == pytest.approx(expected)
    assert found.mc_se.tolist() == [0.0] * 4


def test_one_feature_flipped_at_random_is_close_to_scipys_permutation_test() -> None:
    rng = np.random.default_rng(9)
    values = rng.standard_normal((30, 1)) + 0.35
    mine = sign_flip(values, seed=2, permutations=20_000)
    other = stats.permutation_test(
        (values[:, 0],), np.mean, permutation_type="samples", n_resamples=20_000, rng=rng
    )
    assert not mine.is_exact
    assert mine.p_adjusted[0] == pytest.approx(other.pvalue, abs=0.006)
    assert mine.p_adjusted[0] == pytest.approx(stats.ttest_1samp(values, 0).pvalue[0], abs=0.006)


def test_two_processes_flip_the_same_signs() -> None:
    values = np.random.default_rng(1).standard_normal((25, 40)) + 0.2
    one = sign_flip(values, seed=3, permutations=3000)
    two = sign_flip(values, seed=3, permutations=3000, workers=Workers("processes", 2))
    assert one.p_adjusted.tobytes() == two.p_adjusted.tobytes()
    assert one.null_max.tobytes() == two.null_max.tobytes()


@pytest.mark.slow
def test_something_changed_by_chance_in_one_cohort_of_twenty() -> None:
    found = []
    for stream in np.random.SeedSequence(12).spawn(400):
        rng = np.random.default_rng(stream)
        latent = rng.standard_normal((30, 10))[:, np.arange(100) % 10]
        values = latent + rng.standard_normal((30, 100))
        values[:, ::2] **= 3
        found.append(sign_flip(values, seed=1, permutations=199).p_adjusted.min() <= 0.05)
    assert 0.02 <= np.mean(found) <= bound(400)


def measured(seed: int = 4, features: int = 12) -> tuple[Block, Block]:
    rng = np.random.default_rng(seed)
    names = tuple(f"A{number:02d}" for number in range(features))
    subjects = tuple(f"S{number:02d}" for number in range(20))
    before = rng.standard_normal((20, features))
    after = before + rng.standard_normal((20, features))
    after[:, 0] += 2.0
    after[3, 1] = np.nan
    columns = pl.DataFrame({"subject_id": subjects})
    first = Block("cytokines", "C1D1", "log", names, subjects, before, np.ones(20), columns)
    later = replace(first, timepoint="M1", values=after, study_day=np.full(20, 29.0))
    return first, later


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_order_of_patients_and_features_changes_nothing(seed: int) -> None:
    first, later = measured()
    rng = np.random.default_rng(seed)

    def shuffled(block: Block) -> Block:
        rows, columns = (rng.permutation(size) for size in block.values.shape)
        return Block(
            block.modality, block.timepoint, block.scale,
            tuple(block.features[c] for c in columns), tuple(block.subjects[r] for r in rows),
            block.values[np.ix_(rows, columns)], block.study_day[rows],
            block.columns[rows.tolist()],
        )  # fmt: skip

    plain = change([(first, later)], seed=7, permutations=300)
    other = change([(shuffled(first), shuffled(later))], seed=7, permutations=300)
    assert other.table["p_adjusted"].equals(plain.table["p_adjusted"])
    assert_frame_equal(other.table, plain.table, rel_tol=1e-9)
    assert plain.table["feature"][0] == "A00"
    assert plain.table.filter(pl.col("feature") == "A01")["n"].item() == 19


def test_a_change_is_taken_on_a_logarithm_only_and_of_one_modality() -> None:
    first, later = measured()
    with pytest.raises(OnearmError, match="a difference on the scale linear is no log-ratio"):
        paired(replace(first, scale="linear"), replace(later, scale="linear"))
    with pytest.raises(OnearmError, match=r"cytokines \(log\) less ctdna \(log\) means nothing"):
        paired(first, replace(later, modality="ctdna"))
    with pytest.raises(OnearmError, match="no subject and feature is in both"):
        paired(first, replace(later, subjects=tuple(f"T{n}" for n in range(20))))


def test_the_classes_follow_their_rules() -> None:
    #                 any fall, any rise, cleared, appeared, neither, not measured, the same
    before = np.array([10.0, 10.0, 10.0, 0.0, 0.0, 10.0, 10.0])
    after = np.array([9.0, 11.0, 0.1, 5.0, 0.0, np.nan, 10.0])
    early = before > 0
    late = np.array([True, True, False, True, False, True, True])
    expected = ["fall", "rise", "clearance", "rise", "not detected", None, "stable"]
    assert classify(before, after, early, late, rule_of("any")) == expected
    yes = np.ones(5, dtype=bool)
    start = np.array([100.0, 100.0, 100.0, 100.0, 19.9])
    end = np.array([80.0, 80.1, 119.9, 120.0, 1.0])
    assert classify(start, end, yes, yes, rule_of("fifth")) == [
        "fall", "stable", "stable", "rise", None,
    ]  # fmt: skip
    with pytest.raises(OnearmError, match="no rule of kinetics 'half'; there are any, fifth"):
        rule_of("half")


@given(
    st.floats(0, 1e4), st.floats(0, 1e4), st.booleans(), st.booleans(),
    st.sampled_from(["any", "fifth"]),
)  # fmt: skip
def test_a_larger_amount_later_is_never_a_better_class(
    before: float, after: float, early: bool, late: bool, name: str
) -> None:
    worse = {"clearance": 0, "not detected": 0, "fall": 1, "stable": 2, "rise": 3}
    flags = (np.array([early]), np.array([late]))
    one = classify(np.array([before]), np.array([after]), *flags, rule_of(name))[0]
    more = classify(np.array([before]), np.array([after + 1]), *flags, rule_of(name))[0]
    assert (one is None) == (more is None)
    if one is not None and more is not None:
        assert {one, more} <= set(CLASSES)
        assert worse[one] <= worse[more]


def test_kinetics_take_the_amounts_of_the_chosen_samples_and_know_the_limit_of_detection() -> None:
    values = np.array([[8.0, 4.0, 8.0, 2.0, 6.0]])
    low = np.array([[False, False, False, True, False]])
    assay = Assay("ctdna", "linear", ("MTM",), ("a0", "a1", "b0", "b1", "c0"), values, "", low)
    sheet = pl.DataFrame(
        {
            "sample_id": ["a0", "a1", "b0", "b1", "c0"],
            "subject_id": ["A", "A", "B", "B", "C"],
            "modality": "ctdna",
            "timepoint": ["C1D1", "M1", "C1D1", "M1", "C1D1"],
            "study_day": [1, 29, -2, 30, 1],
        }
    )
    found = kinetics(assay, sheet, baseline="C1D1", later=("M1", "M2"), rule=rule_of("any"))
    assert found.select("subject_id", "study_day", "kinetics").rows() == [
        ("A", 29.0, "fall"),
        ("B", 30.0, "clearance"),
    ]
    with pytest.raises(OnearmError, match="kinetics need linear amounts, not log"):
        kinetics(replace(assay, scale="log"), sheet, baseline="C1D1", later=(), rule=rule_of("any"))


@needs_shared
def test_the_answers_of_the_pembrolizumab_cohort_come_out() -> None:
    data = inspire()
    os, pfs = (times_of(data, f"{name}_time", f"{name}_status") for name in ("os", "pfs"))
    words = data["change_ctdna_group"].to_list()
    rise = np.array([np.nan if word is None else float("Increase" in word) for word in words])
    naive = after_landmark(rise, os, 0.0)
    assert (round(naive.hazard_ratio, 4), round(naive.z, 4), naive.n) == (3.0582, 3.4485, 73)
    naive = after_landmark(rise, pfs, 0.0)
    assert (round(naive.hazard_ratio, 3), round(naive.z, 3)) == (3.399, 4.450)
    moved = after_landmark(rise, pfs, 2.1)
    assert (round(moved.hazard_ratio, 3), round(moved.z, 3), moved.n) == (1.953, 1.544, 36)
    responder = (data["orr"] == "CR/PR").to_numpy().astype(np.float64)
    found = after_landmark(responder, os, 6.0)
    assert (round(found.hazard_ratio, 4), round(found.z, 3), found.n) == (0.1070, -3.065, 67)
    # The start of cycle 3 is six weeks after first dose: counting from first dose is refused.
    with pytest.raises(OnearmError, match="became known after the landmark at 0"):
        after_landmark(rise, pfs, 0.0, known_at=np.full(rise.size, 1.4))


@needs_shared
def test_who_cleared_his_ctdna_was_alive_at_last_contact() -> None:
    visits = pl.read_parquet(shared("omics", "inspire_pembro", "ctdna_visits.parquet"))
    cleared = visits.filter(pl.col("ctdna_status") == "Clearance")["id"].unique().to_list()
    rows = inspire().filter(pl.col("id").is_in(cleared))
    assert (rows.height, rows["os_status"].sum()) == (14, 0)


def series() -> tuple[list[Block], Outcomes]:
    """Five patients: two sampled at M1, one missed, two gone before."""
    subjects = ("A", "B", "C", "D", "E")
    columns = pl.DataFrame({"subject_id": subjects})
    base = np.array([[1.0], [2.0], [3.0], [4.0], [8.0]])
    first = Block("ctdna", "C1D1", "log", ("MTM",), subjects, base, np.ones(5), columns)
    later = Block(
        "ctdna", "M1", "log", ("MTM",), ("A", "B"), np.array([[3.0], [0.5]]),
        np.array([29.0, 31.0]), columns[:2],
    )  # fmt: skip
    times = Times(np.array([60.0, 200.0, 90.0, 20.0, 10.0]), np.array([1, 0, 1, 1, 1], dtype=bool))
    return [first, later], Outcomes(subjects, {}, {"PFS": times}, {}, columns)


def test_who_was_lost_is_counted_with_the_baseline_they_had() -> None:
    blocks, outcomes = series()
    rows = dropout(blocks, ["MTM"], outcomes, "PFS").rows(named=True)
    assert [(r["at_risk"], r["sampled"], r["missed"], r["gone"]) for r in rows] == [
        (5, 5, 0, 0),
        (3, 2, 1, 2),
    ]
    last = rows[1]
    assert last["study_day"] == 30
    assert (last["baseline_sampled"], last["baseline_missed"], last["baseline_gone"]) == (1.5, 3, 6)


def test_a_value_is_carried_for_45_days_and_no_longer() -> None:
    blocks, outcomes = series()
    found = carried_on(blocks, "MTM", outcomes, "PFS")
    # A dies at day 60 with the value of day 29; C dies at 90, long after his value of day 1.
    assert (found.n, found.events) == (5, 3)
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(2)
    n = 40
    subjects = tuple(f"S{k:02d}" for k in range(n))
    columns = pl.DataFrame({"subject_id": subjects})
    base = Block(
        "x", "C1D1", "log", ("M",), subjects, rng.standard_normal((n, 1)), np.zeros(n), columns
    )
    later = replace(base, timepoint="M1", values=rng.standard_normal((n, 1)),
                    study_day=np.full(n, 30.0))  # fmt: skip
    time = rng.permutation(np.arange(1, n + 1)) * 3.0
    event = rng.random(n) < 0.8
    mine = carried_on([base, later], "M", Outcomes(subjects, {}, {"OS": Times(time, event)}), "OS")
    rows = []
    for k in range(n):
        rows.append((k, 0.0, min(30.0, time[k]), event[k] and time[k] <= 30, base.values[k, 0]))
        if time[k] > 30:
            rows.append(
                (k, 30.0, min(75.0, time[k]), event[k] and time[k] <= 75, later.values[k, 0])
            )
    frame = pl.DataFrame(rows, schema=["id", "start", "stop", "event", "m"], orient="row")
    other = lifelines.CoxTimeVaryingFitter().fit(
        frame.to_pandas(), id_col="id", event_col="event", start_col="start", stop_col="stop"
    )
    assert mine.z == pytest.approx(other.summary["z"]["m"], abs=2e-3)
    assert mine.hazard_ratio == pytest.approx(other.summary["exp(coef)"]["m"], rel=1e-3)


def test_a_marker_that_separates_has_a_p_and_no_ratio() -> None:
    marker = np.array([0.0, 0, 0, 1, 1, 1])
    times = Times(np.array([5.0, 6, 7, 8, 9, 10]), np.array([1, 1, 1, 0, 0, 0], dtype=bool))
    found = after_landmark(marker, times, 1.0)
    assert found.is_separated
    assert np.isnan(found.hazard_ratio)
    assert 0 < found.p < 0.1
