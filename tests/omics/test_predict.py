"""Nested prediction: it cannot leak, noise stays noise, known cohorts give their known answers."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from onearm.errors import OnearmError
from onearm.omics.assay import Block, Outcomes, Times
from onearm.omics.chapter import analyse
from onearm.omics.elastic_net import elastic_net, largest_penalty
from onearm.omics.folds import inner_splits, splits, stratified_folds
from onearm.omics.fusion import fuse
from onearm.omics.kernels import PENALTIES, products, ridge, scaled, scaling, similarity
from onearm.omics.nested import Part, Study, held_out
from onearm.omics.nulls import Generator, bound, draw
from onearm.omics.performance import auc_columns, calibration_line, decision_curve, roc_columns
from onearm.omics.performance_survival import Weights, auc_at, ipcw_brier, ipcw_concordance
from onearm.omics.predict import predict
from onearm.omics.predict_new import score_new
from onearm.omics.prediction_data import Question
from onearm.omics.residuals import survival_residual
from onearm.omics.stability import stability
from onearm.omics.targets import Response, Survival, permutations
from onearm.pieces import Workers
from tests.omics import cohort
from tests.omics.known import melanoma, stool
from tests.shared import needs_shared, shared

QUICK = {"repeats": 2, "permutations": 99}


def subjects(n: int) -> tuple[str, ...]:
    return tuple(f"S{row:03d}" for row in range(n))


def block(values: np.ndarray, modality: str = "RNA", first: int = 0) -> Block:
    n, p = values.shape
    names = tuple(f"G{column:04d}" for column in range(p))
    return Block(
        modality, "baseline", "log", names, subjects(first + n)[first:], values, np.full(n, np.nan)
    )


def planted(shift: float, rng: np.random.Generator, p: int = 2000) -> tuple[Block, Outcomes]:
    """15 of 50 respond; 100 of the independent genes are shifted in responders."""
    y = rng.permutation((np.arange(50) < 15).astype(np.float64))
    values = rng.standard_normal((50, p))
    values[:, :100] += shift * y[:, None]
    return block(values), Outcomes(subjects(50), {"response": y})


def survival(n: int, rng: np.random.Generator) -> Survival:
    return Survival(np.round(rng.exponential(300, n)) + 1, rng.random(n) < 0.7)


def truth(n: int) -> np.ndarray:
    return np.arange(n)[:, None]


# Nothing of the held-out patients gets into the model


def test_the_public_interface_takes_no_step_that_could_have_seen_the_outcome():
    taken = inspect.signature(predict).parameters
    assert set(taken) == {"blocks", "outcomes", "question", "seed", "workers", "progress"}
    fixed = Question("response")
    assert not any(callable(getattr(fixed, name)) for name in fixed.__dataclass_fields__)


def study_of(values: np.ndarray, y: np.ndarray, methods: tuple[str, ...]) -> Study:
    n = y.size
    part = Part("RNA", values, np.arange(n), methods)  # type: ignore[arg-type]
    target = Response(y)
    return Study(target, target.label, truth(n), (part,), {"omics": ("RNA",)}, 5, 4)


@pytest.mark.parametrize(
    "method",
    ["ridge", "kernel ridge", pytest.param("elastic net", marks=pytest.mark.slow), "best single"],
)
def test_outcomes_of_held_out_patients_do_not_touch_their_scores(method):
    rng = np.random.default_rng(1)
    values, y = rng.standard_normal((40, 300)), rng.permutation(np.arange(40) % 2).astype(float)
    split = splits(stratified_folds(y.astype(np.int64), 5, rng))[0]
    inner = inner_splits(split.train, y.astype(np.int64), 4, rng)
    flipped = y.copy()
    flipped[split.test] = 1 - flipped[split.test]
    one = held_out(study_of(values, y, (method,)), split, inner)["omics"]
    other = held_out(study_of(values, flipped, (method,)), split, inner)["omics"]
    assert np.array_equal(one.outside, other.outside)
    assert np.array_equal(one.standardised, other.standardised)


@pytest.mark.parametrize(
    "method",
    ["ridge", "kernel ridge", pytest.param("elastic net", marks=pytest.mark.slow), "best single"],
)
def test_a_held_out_patient_is_scored_as_if_alone(method):
    rng = np.random.default_rng(2)
    values, y = rng.standard_normal((40, 300)), rng.permutation(np.arange(40) % 2).astype(float)
    values[rng.random(values.shape) < 0.05] = np.nan
    split = splits(stratified_folds(y.astype(np.int64), 5, rng))[0]
    inner = inner_splits(split.train, y.astype(np.int64), 4, rng)
    together = held_out(study_of(values, y, (method,)), split, inner)["omics"]
    strange = values.copy()
    strange[split.test[1:]] = 1e6 * rng.standard_normal((split.test.size - 1, 300))
    alone = held_out(study_of(strange, y, (method,)), split, inner)["omics"]
    assert together.outside[0] == pytest.approx(alone.outside[0], abs=1e-7)
    assert np.allclose(together.inside, alone.inside, atol=1e-7)


def test_scaling_looks_at_the_training_patients_only():
    rng = np.random.default_rng(3)
    values = rng.normal(5, 2, (10, 6))
    values[2, 1], values[:, 5] = np.nan, 0.1
    train = np.array([0, 2, 4, 6, 8])
    centre, inverse = scaling(values, train)
    assert np.allclose(centre, np.nanmean(values[train], axis=0))
    assert np.allclose(1 / inverse[:5], np.nanstd(values[train], axis=0)[:5])
    assert inverse[5] == 0
    assert scaled(values, centre, inverse)[2, 1] == 0


# The pieces against independent computations


@given(st.lists(st.integers(0, 3), min_size=12, max_size=60), st.integers(2, 6), st.integers(0, 99))
def test_every_fold_has_its_share_of_every_stratum(cells, folds, seed):
    cells = np.array(cells)
    fold = stratified_folds(cells, folds, np.random.default_rng(seed))
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for cell in np.unique(cells):
        inside = np.bincount(fold[cells == cell], minlength=folds)
        assert inside.max() - inside.min() <= 1


def test_a_split_holds_out_every_patient_once():
    made = splits(stratified_folds(np.zeros(23, dtype=np.int64), 5, np.random.default_rng(1)))
    assert sorted(np.concatenate([split.test for split in made])) == list(range(23))
    assert all(not set(split.train) & set(split.test) for split in made)


def test_ridge_by_eigenvalues_is_ridge_regression():
    rng = np.random.default_rng(4)
    values, y = rng.normal(3, 2, (30, 50)), rng.standard_normal((20, 3))
    train, test = np.arange(20), np.arange(20, 30)
    y = y - y.mean(axis=0)
    scores = ridge(similarity(products(values, train), train, "ridge"), train, test, y)
    z = scaled(values, *scaling(values, train)) / np.sqrt(50)
    middle = np.linalg.eigvalsh(z[train] @ z[train].T).mean()
    for own, penalty in zip(scores, PENALTIES, strict=True):
        normal = z[train].T @ z[train] + penalty * middle * np.eye(50)
        assert np.allclose(own, z[test] @ np.linalg.solve(normal, z[train].T @ y), atol=1e-10)


def test_kernel_ridge_is_what_an_explicit_loop_gives():
    rng = np.random.default_rng(5)
    values, y = rng.standard_normal((18, 7)), rng.standard_normal((12, 1))
    train, test = np.arange(12), np.arange(12, 18)
    y = y - y.mean()
    scores = ridge(similarity(products(values, train), train, "kernel ridge"), train, test, y)
    mean, sd = values[:12].mean(axis=0), values[:12].std(axis=0)
    z = (values - mean) / sd / np.sqrt(7)
    distance = np.array([[((a - b) ** 2).sum() for b in z] for a in z])
    middle = np.median([distance[i, j] for i in range(12) for j in range(i + 1, 12)])
    raw = np.exp(-distance / middle)
    centred = np.empty((18, 18))
    for i in range(18):
        for j in range(18):
            to_i, to_j = raw[i, :12].mean(), raw[:12, j].mean()
            centred[i, j] = raw[i, j] - to_i - to_j + raw[:12, :12].mean()
    for own, penalty in zip(scores, PENALTIES, strict=True):
        shrunk = centred[:12, :12] + penalty * np.trace(centred[:12, :12]) / 12 * np.eye(12)
        assert np.allclose(own, centred[12:, :12] @ np.linalg.solve(shrunk, y), atol=1e-10)


def test_the_elastic_net_agrees_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((40, 60)), rng.standard_normal((40, 3))
    y[:, 0] += x[:, :4].sum(axis=1)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    penalty = 0.4 * largest_penalty(x, y)
    beta = elastic_net(x, y, penalty, tolerance=1e-12)
    for column in range(3):
        peer = linear_model.ElasticNet(
            alpha=penalty[column], l1_ratio=0.5, fit_intercept=False, tol=1e-14, max_iter=100_000
        ).fit(x, y[:, column])
        assert np.allclose(beta[:, column], peer.coef_, atol=1e-7)
    assert (np.abs(elastic_net(x, y, 1.0001 * largest_penalty(x, y))) == 0).all()


def test_training_residuals_of_permuted_survival_are_those_of_the_permuted_patients():
    rng = np.random.default_rng(7)
    target = survival(30, rng)
    permuted = permutations(np.zeros(30, dtype=np.int64), 5, np.random.SeedSequence(1))
    rows = np.arange(0, 30, 2)
    residual = target.target(rows, permuted)
    assert np.allclose(residual.mean(axis=0), 0)
    for column in range(6):
        time, event = target.time[permuted[rows, column]], target.event[permuted[rows, column]]
        hazard = np.array(
            [sum(1 / (time >= t).sum() for t in time[event & (time <= own)]) for own in time]
        )
        assert np.allclose(residual[:, column], event - hazard)


def test_training_residuals_without_ties_are_martingale_residuals_of_cox_model():
    rng = np.random.default_rng(8)
    target = Survival(rng.exponential(1, 25), rng.random(25) < 0.6)
    known, _ = survival_residual(target.times, np.zeros(25, dtype=np.int64), np.empty((25, 0)))
    assert np.allclose(target.target(np.arange(25), truth(25))[:, 0], known)


def test_outcomes_change_places_only_within_strata():
    strata = np.array([0, 0, 0, 1, 1, 2])
    permuted = permutations(strata, 50, np.random.SeedSequence(2))
    assert (permuted[:, 0] == np.arange(6)).all()
    assert (strata[permuted] == strata[:, None]).all()
    assert (np.sort(permuted, axis=0) == np.arange(6)[:, None]).all()
    assert len({tuple(column) for column in permuted.T}) == 12


def test_fusion_averages_over_the_modalities_a_patient_has():
    scores = np.array([[[1.0], [2.0], [4.0]], [[3.0], [6.0], [8.0]]])
    has = np.array([[True, True, False], [True, False, False]])
    assert fuse(scores, has, np.array([[1.0], [3.0]]))[:, 0].tolist() == [2.5, 2.0, 0.0]


# Measures of performance


def test_areas_and_curves_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(9)
    y, scores = (np.arange(40) < 13).astype(float), rng.standard_normal((40, 4)).round(1)
    for column, value in enumerate(auc_columns(scores, y)):
        assert value == pytest.approx(metrics.roc_auc_score(y, scores[:, column]), abs=1e-12)
    curve = roc_columns(scores, y)
    assert (np.diff(curve, axis=0) >= 0).all()
    assert (curve[-1] == 1).all()


def test_the_calibration_line_is_the_logistic_regression_of_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(10)
    p = rng.uniform(0.05, 0.9, 60)
    y = (rng.random(60) < p).astype(float)
    fit = api.Logit(y, api.add_constant(np.log(p / (1 - p)))).fit(disp=0)
    assert calibration_line(y, p) == pytest.approx(tuple(fit.params), abs=1e-8)
    assert np.isnan(calibration_line(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.7, 0.8]))[1])


def test_net_benefit_of_a_perfect_prediction_is_the_share_of_responders():
    y = np.array([1.0, 0, 0, 1, 0])
    curve = decision_curve(y, np.where(y == 1, 0.99, 0.01)[:, None])
    assert np.allclose(curve["model"], 0.4)
    assert np.allclose(curve["treat_all"], [0.4 - t / (1 - t) * 0.6 for t in curve["threshold"]])


def test_survival_measures_agree_with_scikit_survival():
    metrics = pytest.importorskip("sksurv.metrics")
    util = pytest.importorskip("sksurv.util")
    rng = np.random.default_rng(11)
    life, until = rng.exponential(10, 80), rng.uniform(2, 25, 80)
    time, event = np.minimum(life, until), life <= until
    score = -np.log(life) + rng.standard_normal(80)
    both = util.Surv.from_arrays(event, time)
    weights = Weights.of(time, event)
    concordance = metrics.concordance_index_ipcw(both, both, score)[0]
    assert ipcw_concordance(score[:, None], weights)[0] == pytest.approx(concordance, abs=1e-12)
    at = np.quantile(time[event], [0.3, 0.6])
    areas = metrics.cumulative_dynamic_auc(both, both, score, at)[0]
    curves = np.exp(-np.outer(np.exp(score / 3), at / 10))
    errors = metrics.brier_score(both, both, curves, at)[1]
    for place, t in enumerate(at):
        assert auc_at(score[:, None], weights, t)[0] == pytest.approx(areas[place], abs=1e-12)
        assert ipcw_brier(curves[:, place], weights, t) == pytest.approx(errors[place], abs=1e-12)


# The whole


def test_few_responders_or_events_give_no_model_and_a_reason():
    rng = np.random.default_rng(12)
    made = block(rng.standard_normal((30, 5)))
    y = (np.arange(30) < 9).astype(float)
    times = Times(np.arange(1.0, 31), np.arange(30) < 14)
    outcomes = Outcomes(subjects(30), {"response": y}, {"PFS": times})
    one = predict([made], outcomes, Question("response"), seed=1)
    assert "fewer than 10 responders among 30 patients" in str(one.refused)
    assert "found 9 responders" in str(one.refused)
    assert np.isnan(one.estimate)
    other = predict([made], outcomes, Question("PFS"), seed=1)
    assert "fewer than 15 events among 30 patients" in str(other.refused)
    many = Outcomes(subjects(30), {"response": 1 - y})
    assert "non-responders" in str(predict([made], many, Question("response"), seed=1).refused)


def test_pairs_of_one_stratum_are_compared():
    y, strata = np.array([0.0, 1, 0, 1]), np.array([0, 0, 1, 1])
    scores = np.array([[1.0], [2.0], [8.0], [7.0]])
    assert auc_columns(scores, y, strata)[0] == 0.5
    assert auc_columns(scores, y)[0] == 0.5
    assert auc_columns(scores + 10 * strata[:, None], y, strata)[0] == 0.5
    target = Response(y, strata).target(np.arange(4), truth(4))
    assert target[:, 0].tolist() == [-0.5, 0.5, -0.5, 0.5]


def test_an_unknown_endpoint_or_column_is_named():
    made, outcomes = planted(0, np.random.default_rng(13), 150)
    with pytest.raises(OnearmError, match=r"'PFS' is no response or time.*response"):
        predict([made], outcomes, Question("PFS"), seed=1)
    with pytest.raises(OnearmError, match="column 'centre' is not there"):
        predict([made], outcomes, Question("response", batch=("centre",)), seed=1)
    with pytest.raises(ValueError, match="inner"):
        Question("response", inner=3)


def with_columns(outcomes: Outcomes, rng: np.random.Generator) -> Outcomes:
    n = len(outcomes.subjects)
    columns = pl.DataFrame(
        {
            "subject_id": outcomes.subjects,
            "age": rng.normal(60, 10, n),
            "tumour": [f"T{row % 2}" for row in range(n)],
            "run": [f"R{row % 3}" for row in range(n)],
        }
    )
    return replace(outcomes, columns=columns)


ASKED = Question(
    "response", clinical=("age",), tumour_type="tumour", batch=("run",), strata=("tumour",), **QUICK
)


def test_every_baseline_and_table_stands_beside_the_model():
    rng = np.random.default_rng(14)
    made, outcomes = planted(1.0, rng)
    outcomes = with_columns(outcomes, rng)
    single = block(rng.standard_normal((50, 3)), "markers")
    question = replace(ASKED, candidates=(single,))
    found = predict([made], outcomes, question, seed=1)
    assert set(found.models["model"]) == {
        "omics", "clinical only", "tumour type only", "batch only", "best single candidate",
        "clinical and omics", "intercept",
    }  # fmt: skip
    assert found.estimate > 0.9
    assert found.p == 0.01
    assert found.scores.height == 2 * 50
    assert found.scores.group_by("repeat", "fold").len()["len"].max() == 10
    folds = found.scores.with_columns(tumour=pl.col("subject_id").str.tail(1).cast(pl.Int64) % 2)
    assert folds.group_by("repeat", "fold").agg(pl.col("tumour").sum())["tumour"].max() <= 6
    assert found.batches["level"].to_list() == ["R0", "R1", "R2"]
    assert found.batches["estimate"].min() > 0.7
    model = found.models.row(by_predicate=pl.col("model") == "omics", named=True)
    assert model["increment_lower"] > 0
    table = dict(found.measures.select("name", "value").iter_rows())
    assert table["Brier"] < table["Brier of the intercept"]
    assert found.roc["sensitivity"].mean() == pytest.approx(found.estimate, abs=0.03)
    planted_ones = found.selection.filter(pl.col("is_selected"))["feature"].str.tail(4)
    assert (planted_ones.cast(pl.Int64) < 100).all()
    assert found.pfer <= 1
    assert sum(found.choices.filter(pl.col("model") == "omics")["folds"]) == 10


def same(one, other) -> bool:
    frames = ("models", "per_repeat", "scores", "roc", "measures", "selection", "batches")
    return all(getattr(one, name).equals(getattr(other, name)) for name in frames)


def test_order_of_the_input_and_number_of_workers_change_no_byte():
    rng = np.random.default_rng(15)
    made, outcomes = planted(0.5, rng, 200)
    outcomes = with_columns(outcomes, rng)
    one = predict([made], outcomes, ASKED, seed=3)
    rows, columns = rng.permutation(50), rng.permutation(200)
    turned = Block(
        "RNA",
        "baseline",
        "log",
        tuple(np.array(made.features)[columns]),
        tuple(np.array(made.subjects)[rows]),
        made.values[np.ix_(rows, columns)],
        made.study_day,
    )
    back = rng.permutation(50)
    mixed = Outcomes(
        tuple(np.array(outcomes.subjects)[back]),
        {"response": outcomes.responses["response"][back]},
        {},
        {},
        outcomes.columns,
    )
    assert same(one, predict([turned], mixed, ASKED, seed=3))
    spread = predict([made], outcomes, ASKED, seed=3, workers=Workers("processes", 2))
    assert same(one, spread)
    assert not same(one, predict([made], outcomes, ASKED, seed=4))


def test_a_patient_without_a_modality_is_kept():
    rng = np.random.default_rng(16)
    made, outcomes = planted(1.0, rng)
    fewer = block(made.values[:35, 50:150], "protein")
    first = replace(made, subjects=made.subjects[10:], values=made.values[10:, :300],
                    features=made.features[:300], study_day=made.study_day[10:])  # fmt: skip
    found = predict([first, fewer], outcomes, Question("response", **QUICK), seed=1)
    assert found.n == 50
    assert found.estimate > 0.8
    assert "protein 15" in found.notes[-1]
    assert "late fusion" in set(found.choices["chosen"])


def test_survival_with_a_planted_signal_is_predicted():
    trial = draw(Generator(features=100, hazard_ratio=4.0), np.random.default_rng(17))
    only = replace(trial.block(slice(0, 1)), modality="marker")
    question = Question("survival", candidates=(only,), **QUICK)
    found = predict([trial.block(slice(0, 5))], trial.outcomes(), question, seed=1)
    assert found.measure == "C-index"
    assert found.estimate > 0.65
    assert found.p == 0.01
    table = {(name, time): value for name, time, value in found.measures.iter_rows()}
    middle = sorted({time for _, time in table if time is not None})[1]
    assert table["IPCW Brier", middle] < table["IPCW Brier of the intercept", middle]
    assert table["AUC", middle] > 0.65
    assert 0.3 < table["calibration slope", None] < 2
    assert found.roc.is_empty()


@pytest.mark.slow
def test_the_elastic_net_can_be_on_the_menu():
    made, outcomes = planted(1.5, np.random.default_rng(18), 150)
    question = Question("response", methods=("elastic net",), repeats=1, permutations=19)
    found = predict([made], outcomes, question, seed=1)
    assert found.estimate > 0.8
    assert found.p == 0.05
    assert found.choices["chosen"].str.contains("elastic net").all()


def test_stability_selection_keeps_the_number_of_false_selections_it_promises():
    false = []
    for stream in np.random.SeedSequence(19).spawn(20):
        trial = draw(Generator(features=500), np.random.default_rng(stream))
        found = stability(trial.values, Response(trial.response), stream)
        assert found.bound <= 1
        false.append(found.selected.sum())
    assert np.mean(false) <= 1


# Public cohorts


@needs_shared
def test_melanoma_expression_does_not_predict_response_as_is_known():
    known = melanoma()
    found = predict([known.block()], known.outcomes(), Question("response"), seed=1)
    assert found.estimate == pytest.approx(0.55, abs=0.03)
    assert 0.1 < found.p < 0.5
    assert found.lower < 0.5 < found.upper
    assert found.n == 69


@needs_shared
def test_stool_profiles_predict_the_study_and_not_the_response():
    known = stool()
    question = Question("response", batch=("study",), methods=("ridge",), **QUICK)
    naive = predict([known.block()], known.outcomes(), question, seed=1)
    table = dict(naive.models.select("model", "estimate").iter_rows())
    assert table["omics"] == pytest.approx(0.558, abs=0.03)
    assert table["batch only"] > table["omics"]
    left_out = naive.batches["estimate"]
    assert left_out.min() == pytest.approx(0.31, abs=0.03)
    assert left_out.max() == pytest.approx(0.57, abs=0.03)
    within = replace(question, strata=("study",))
    honest = predict([known.block()], known.outcomes(), within, seed=1)
    assert honest.estimate < naive.estimate
    assert honest.p > 0.05
    assert honest.models["pairs"][0] == "one stratum"


def breast(part: str, modality: str) -> Block:
    frame = pl.read_parquet(shared("omics", "brca_diablo", f"{part}_{modality}.parquet"))
    names = tuple(name for name in frame.columns if name != "sample")
    values = frame.select(names).to_numpy().astype(np.float64)
    day = np.full(len(values), np.nan)
    return Block(modality, "baseline", "log", names, tuple(frame["sample"]), values, day)


def basal(part: str) -> Outcomes:
    frame = pl.read_parquet(shared("omics", "brca_diablo", f"{part}_subtype.parquet"))
    return Outcomes(
        tuple(frame["sample"]), {"basal": (frame["subtype"] == "Basal").cast(pl.Float64).to_numpy()}
    )


@needs_shared
def test_breast_cancers_are_told_apart_although_the_new_patients_lack_the_proteins():
    train = [breast("train", name) for name in ("mrna", "mirna", "protein")]
    new = [breast("test", name) for name in ("mrna", "mirna")]
    scored = score_new(train, basal("train"), new, Question("basal"), seed=1)
    answer = basal("test")
    y = dict(zip(answer.subjects, answer.responses["basal"], strict=True))
    label = np.array([y[subject] for subject in scored["subject_id"]])
    assert scored.height == 70
    assert set(scored["n_modalities"]) == {2}
    assert auc_columns(scored["score"].to_numpy()[:, None], label)[0] > 0.98
    one = replace(new[0], subjects=new[0].subjects[:1], values=new[0].values[:1],
                  study_day=new[0].study_day[:1])  # fmt: skip
    alone = score_new(train, basal("train"), [one, new[1]], Question("basal"), seed=1)
    both = scored.join(alone, on="subject_id", suffix="_alone")
    same_two = both.filter(pl.col("n_modalities") == pl.col("n_modalities_alone"))
    assert same_two.height == 1
    assert same_two["score"][0] == pytest.approx(same_two["score_alone"][0], abs=1e-12)
    with pytest.raises(OnearmError, match="no block of the new patients"):
        score_new(train, basal("train"), [replace(new[0], modality="x")], Question("basal"), seed=1)


# Calibration and power (omics.md, sections 15 and 16)


@pytest.mark.slow
def test_noise_predicts_nothing():
    trials, found = 100, []
    for stream in np.random.SeedSequence(20).spawn(trials):
        trial = draw(Generator(features=2000), np.random.default_rng(stream))
        question = Question("response", repeats=10, permutations=199)
        found.append(predict([trial.block()], trial.outcomes(), question, seed=5))
    p = np.array([one.p for one in found])
    assert np.mean([one.estimate for one in found]) == pytest.approx(0.5, abs=0.03)
    assert (p <= 0.05).mean() <= bound(trials)
    # Discrete p values: half a step is spread before the comparison with the uniform law.
    assert kstest(p - 0.5 / 200, "uniform").pvalue > 0.01
    assert np.mean([one.lower <= 0.5 <= one.upper for one in found]) >= 0.93


def tumour_types(rng: np.random.Generator) -> tuple[Block, Outcomes]:
    """Half of the genes tell two tumour types apart, which respond in 10% and 55%."""
    kind = np.arange(50) % 2
    y = np.zeros(50)
    y[rng.permutation(np.flatnonzero(kind == 0))[:3]] = 1
    y[rng.permutation(np.flatnonzero(kind == 1))[:14]] = 1
    values = rng.standard_normal((50, 300))
    values[:, :150] += 2 * kind[:, None]
    columns = pl.DataFrame({"subject_id": subjects(50), "tumour": [f"T{k}" for k in kind]})
    return block(values), Outcomes(subjects(50), {"response": y}, {}, {}, columns)


@pytest.mark.slow
def test_telling_tumour_types_apart_is_no_prediction_within_them():
    trials, p, estimates = 100, [], []
    question = Question("response", tumour_type="tumour", strata=("tumour",), **QUICK)
    for stream in np.random.SeedSequence(23).spawn(trials):
        made, outcomes = tumour_types(np.random.default_rng(stream))
        found = predict([made], outcomes, question, seed=5)
        p.append(found.p)
        estimates.append(found.estimate)
    table = dict(found.models.select("model", "estimate").iter_rows())
    assert table["tumour type only"] > 0.6
    assert np.mean(estimates) == pytest.approx(0.5, abs=0.03)
    assert np.mean(np.array(p) <= 0.05) <= bound(trials)
    assert kstest(np.array(p) - 0.005, "uniform").pvalue > 0.01


@pytest.mark.slow
def test_noise_predicts_no_survival():
    trials, found = 100, []
    for stream in np.random.SeedSequence(21).spawn(trials):
        trial = draw(Generator(features=1000), np.random.default_rng(stream))
        found.append(
            predict([trial.block()], trial.outcomes(), Question("survival", **QUICK), seed=5)
        )
    p = np.array([one.p for one in found])
    assert np.mean([one.estimate for one in found]) == pytest.approx(0.5, abs=0.03)
    assert (p <= 0.05).mean() <= bound(trials)
    assert kstest(p - 0.005, "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "auc", "power"), [(0.6, 0.90, 0.90), (0.36, 0.69, 0.38)])
def test_planted_genes_are_found_as_often_as_known(shift, auc, power):
    found = []
    for stream in np.random.SeedSequence(22).spawn(100):
        made, outcomes = planted(shift, np.random.default_rng(stream))
        question = Question("response", methods=("ridge",), repeats=10, permutations=199)
        found.append(predict([made], outcomes, question, seed=5))
    # What is known of another program is reached, give or take two standard errors of the trials.
    assert np.mean([one.estimate for one in found]) >= auc - 0.02
    assert np.mean([one.p <= 0.05 for one in found]) >= power


@pytest.mark.slow
def test_the_chapter_predicts_every_endpoint_that_the_gates_leave():
    asked = replace(cohort.plan(), prediction=True)
    known = cohort.outcomes()
    chapter = analyse(asked, cohort.made(shift=1.0), known)
    assert [one.question.endpoint for one in chapter.predictions] == ["ORR", "PFS"]
    assert [one.p <= 0.05 for one in chapter.predictions] == [True, False]
    assert chapter.predictions[0].batches["column"].unique().to_list() == ["run"]
    run = np.where(known.responses["ORR"] == 1, "1", "2")
    refused = analyse(asked, cohort.made(run=run), known)
    assert [one.question.endpoint for one in refused.predictions] == ["PFS"]
    assert analyse(cohort.plan(), cohort.made(), known).predictions == ()
