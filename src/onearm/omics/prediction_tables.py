"""The frames of a prediction, from the out-of-fold scores of all repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onearm.omics.auc import auc
from onearm.omics.concordance import concordance
from onearm.omics.cox_wald import cox_wald
from onearm.omics.nested import Scores
from onearm.omics.performance import (
    CALIBRATION,
    DECISION,
    GRID,
    auc_columns,
    brier,
    by_outcome,
    calibration_line,
    calibration_table,
    decision_curve,
    roc_columns,
)
from onearm.omics.performance_survival import (
    Weights,
    auc_at,
    ipcw_brier,
    ipcw_concordance,
    survival_at,
)
from onearm.omics.targets import Response, Survival, Target
from onearm.stats.arguments import Booleans, Floats, Integers

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """One model's discrimination: values (repeats,) for the truth, null (permutations,) means."""

    measure: str
    values: Floats
    null: Floats
    std_err: float

    @property
    def estimate(self) -> float:
        """The mean over the repeats."""
        return float(self.values.mean())

    @property
    def spread(self) -> float:
        """The larger of the standard error and the SD under permutation."""
        return max(self.std_err, float(self.null.std(ddof=1)) if self.null.size > 1 else 0.0)

    @property
    def lower(self) -> float:
        """The lower 95% limit."""
        return max(0.0, self.estimate - 1.96 * self.spread)

    @property
    def upper(self) -> float:
        """The upper 95% limit."""
        return min(1.0, self.estimate + 1.96 * self.spread)

    @property
    def p(self) -> float:
        """One-sided, of the permutations; never 0."""
        better = int(np.count_nonzero(self.null >= self.estimate - _ROUNDING))
        return (1 + better) / (1 + self.null.size)

    def per_repeat(self, model: str) -> pl.DataFrame:
        """One row a repeat."""
        return pl.DataFrame(
            {"model": [model] * self.values.size, "repeat": np.arange(1, self.values.size + 1),
             "value": self.values}
        )  # fmt: skip


def _measured(target: Target, scores: Floats, rows: Integers | slice = slice(None)) -> Floats:
    """AUC or IPCW concordance of each column over the patients ``rows``."""
    if isinstance(target, Response):
        return auc_columns(scores[rows], target.y[rows])
    return ipcw_concordance(scores[rows], Weights.of(target.time[rows], target.event[rows]))


def estimates(target: Target, found: Sequence[Scores], model: str, permuted: Integers) -> Estimate:
    """The discrimination of one model in every repeat and column."""
    table = np.stack([_measured(target, by_outcome(s.scores[model], permuted)) for s in found])
    true = np.column_stack([s.scores[model][:, 0] for s in found])
    if isinstance(target, Response):
        errors = auc(true, target.y).std_err
    else:
        errors = concordance(true, target.time, target.event).std_err
    return Estimate(
        "AUC" if isinstance(target, Response) else "C-index",
        table[:, 0],
        table[:, 1:].mean(axis=0),
        float(np.mean(errors)),
    )


COMPARED: Mapping[str, pl.DataType] = {
    "model": pl.String(),
    "measure": pl.String(),
    "estimate": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "p": pl.Float64(),
    "increment": pl.Float64(),
    "increment_lower": pl.Float64(),
    "increment_upper": pl.Float64(),
}


def compared(
    target: Target, found: Sequence[Scores], judged: Mapping[str, Estimate], clinical: str
) -> pl.DataFrame:
    """Every model, the intercept among them, with its increment over the clinical-only model.

    The limits of the increment are those of the jackknife over patients.
    """
    rows: list[tuple[object, ...]] = []
    for name, own in judged.items():
        increment: tuple[float | None, ...] = (None, None, None)
        if clinical in judged and name != clinical:
            increment = _increment(target, found, name, clinical)
        limits = (own.estimate, own.lower, own.upper, own.p)
        rows.append((name, own.measure, *limits, *increment))
    measure = next(iter(judged.values())).measure
    # Without a feature all patients are tied: one half, by definition.
    rows.append(("intercept", measure, 0.5, None, None, None, None, None, None))
    return pl.DataFrame(rows, schema=pl.Schema(COMPARED), orient="row")


def _increment(
    target: Target, found: Sequence[Scores], model: str, clinical: str
) -> tuple[float, float, float]:
    """Difference of the means over the repeats with jackknife limits."""
    one, other = (
        np.column_stack([s.scores[name][:, 0] for s in found]) for name in (model, clinical)
    )
    both, repeats, n = np.hstack((one, other)), len(found), len(one)

    def difference(rows: Integers) -> float:
        values = _measured(target, both, rows)
        return float(values[:repeats].mean() - values[repeats:].mean())

    every = np.arange(n)
    value = difference(every)
    left = np.array([difference(np.delete(every, row)) for row in range(n)])
    error = float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))
    return value, value - 1.96 * error, value + 1.96 * error


def _probabilities(target: Response, found: Sequence[Scores], model: str) -> Floats:
    """Predicted probabilities, (patients, repeats): training share plus score, within 1 to 99%."""
    columns = []
    for own in found:
        share = np.empty(target.y.size)
        for fold in np.unique(own.fold):
            share[own.fold == fold] = target.y[own.fold != fold].mean()
        columns.append(share + own.raw[model])
    return np.clip(np.column_stack(columns), 0.01, 0.99)


def score_table(
    subjects: tuple[str, ...], target: Target, found: Sequence[Scores], model: str
) -> pl.DataFrame:
    """Out-of-fold scores: one row a repeat and patient."""
    n = len(subjects)
    chance = _probabilities(target, found, model) if isinstance(target, Response) else None
    frames = [
        pl.DataFrame(
            {
                "subject_id": subjects,
                "repeat": np.full(n, number + 1),
                "fold": own.fold + 1,
                "score": own.scores[model][:, 0],
                "probability": np.full(n, np.nan) if chance is None else chance[:, number],
            }
        )
        for number, own in enumerate(found)
    ]
    return pl.concat(frames).with_columns(pl.col("probability").fill_nan(None))


ROC: Mapping[str, pl.DataType] = {
    "false_positive_rate": pl.Float64(),
    "sensitivity": pl.Float64(),
    "null_lower": pl.Float64(),
    "null_median": pl.Float64(),
    "null_upper": pl.Float64(),
}


def roc_table(
    target: Target, found: Sequence[Scores], model: str, permuted: Integers
) -> pl.DataFrame:
    """ROC averaged over the repeats, with the pointwise 95% band of permuted outcomes."""
    if not isinstance(target, Response):
        return pl.DataFrame(schema=pl.Schema(ROC))
    total = np.zeros((GRID.size, permuted.shape[1]))
    for own in found:
        total += roc_columns(by_outcome(own.scores[model], permuted), target.y)
    mean = total / len(found)
    band = np.quantile(mean[:, 1:], [0.025, 0.5, 0.975], axis=1)
    columns = (GRID, mean[:, 0], *band)
    return pl.DataFrame(dict(zip(ROC, columns, strict=True)), schema=pl.Schema(ROC))


def calibration_and_decision(
    target: Target, found: Sequence[Scores], model: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The calibration table and the decision curve of a response; empty for a time."""
    if not isinstance(target, Response):
        return pl.DataFrame(schema=pl.Schema(CALIBRATION)), pl.DataFrame(schema=pl.Schema(DECISION))
    chance = _probabilities(target, found, model)
    return calibration_table(target.y, chance.mean(axis=1)), decision_curve(target.y, chance)


PERFORMANCE: Mapping[str, pl.DataType] = {
    "name": pl.String(),
    "time": pl.Float64(),
    "value": pl.Float64(),
}


def performance(
    target: Target, found: Sequence[Scores], model: str, horizons: Floats
) -> pl.DataFrame:
    """Calibration and error of the predictions, means over the repeats."""
    if isinstance(target, Response):
        rows = _response_rows(target, found, model)
    else:
        rows = _survival_rows(target, found, model, horizons)
    frame = pl.DataFrame(rows, schema=pl.Schema(PERFORMANCE), orient="row")
    return frame.with_columns(pl.col("value").fill_nan(None))


Row = tuple[str, float | None, float]


def _response_rows(target: Response, found: Sequence[Scores], model: str) -> list[Row]:
    chance = _probabilities(target, found, model)
    without = [replace(own, raw={model: np.zeros(target.y.size)}) for own in found]
    base = _probabilities(target, without, model)
    lines = np.array([calibration_line(target.y, column) for column in chance.T])
    return [
        ("calibration slope", None, float(lines[:, 1].mean())),
        ("calibration intercept", None, float(lines[:, 0].mean())),
        ("Brier", None, float(np.mean([brier(target.y, column) for column in chance.T]))),
        (
            "Brier of the intercept",
            None,
            float(np.mean([brier(target.y, column) for column in base.T])),
        ),
    ]


def _survival_rows(
    target: Survival, found: Sequence[Scores], model: str, horizons: Floats
) -> list[Row]:
    weights = Weights.of(target.time, target.event)
    slopes: list[float] = []
    errors: list[list[float]] = []
    flat: list[list[float]] = []
    for own in found:
        curves, predictor = _absolute(target, own, model, horizons)
        base, _ = _absolute(target, own, model, horizons, flat=True)
        slopes.append(float(cox_wald(predictor[:, None], target.time, target.event).beta[0]))
        for made, into in ((curves, errors), (base, flat)):
            into.append([ipcw_brier(c, weights, t) for c, t in zip(made.T, horizons, strict=True)])
    true = np.column_stack([own.scores[model][:, 0] for own in found])
    rows: list[Row] = [("calibration slope", None, float(np.mean(slopes)))]
    for place, time in enumerate(horizons):
        at = float(time)
        rows.append(("AUC", at, float(auc_at(true, weights, at).mean())))
        rows.append(("IPCW Brier", at, float(np.mean([e[place] for e in errors]))))
        rows.append(("IPCW Brier of the intercept", at, float(np.mean([e[place] for e in flat]))))
    return rows


def _absolute(
    target: Survival, own: Scores, model: str, horizons: Floats, *, flat: bool = False
) -> tuple[Floats, Floats]:
    """Chances at the horizons and linear predictors of every patient, from his training part."""
    curves, predictor = np.empty((target.time.size, horizons.size)), np.empty(target.time.size)
    for inside, fold in zip(own.inside[model], np.unique(own.fold), strict=True):
        test = own.fold == fold
        train = ~test
        score = np.zeros_like(inside) if flat else inside
        curves[test], predictor[test] = survival_at(
            score, target.time[train], target.event[train], own.raw[model][test], horizons
        )
    return curves, predictor


BATCHES: Mapping[str, pl.DataType] = {
    "column": pl.String(),
    "level": pl.String(),
    "n": pl.Int64(),
    "events": pl.Int64(),
    "estimate": pl.Float64(),
}


def batch_table(
    target: Target, left_out: Sequence[tuple[str, tuple[str, ...], Scores]], model: str
) -> pl.DataFrame:
    """Discrimination within each batch by a model trained in the others; null where undefined."""
    rows: list[tuple[str, str, int, int, float | None]] = []
    for column, labels, own in left_out:
        for level in sorted(set(labels)):
            inside: Booleans = np.array(labels) == level
            value = _within(target, own.scores[model][:, :1], np.flatnonzero(inside))
            events = int(target.label[inside].sum())
            rows.append((column, level, int(inside.sum()), events, value))
    return pl.DataFrame(rows, schema=pl.Schema(BATCHES), orient="row")


def _within(target: Target, scores: Floats, rows: Integers) -> float | None:
    events = int(target.label[rows].sum())
    if not events or (isinstance(target, Response) and events == rows.size):
        return None
    value = float(_measured(target, scores, rows)[0])
    return None if np.isnan(value) else value


def choices(found: Sequence[Scores]) -> pl.DataFrame:
    """How often the inner folds chose what, by model; the most frequent first."""
    rows = [(model, words) for own in found for model, all_ in own.chosen.items() for words in all_]
    frame = pl.DataFrame(rows, schema=["model", "chosen"], orient="row")
    return frame.group_by("model", "chosen").len("folds").sort(
        "model", "folds", "chosen", descending=[False, True, False]
    )  # fmt: skip
