"""Calibration and error of out-of-fold predictions, from the scores of all repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from onearm.omics.cox_wald import cox_wald
from onearm.omics.nested import Scores
from onearm.omics.performance import (
    CALIBRATION,
    DECISION,
    brier,
    calibration_line,
    calibration_table,
    decision_curve,
)
from onearm.omics.performance_survival import Weights, auc_at, ipcw_brier, survival_at
from onearm.omics.targets import Response, Survival, Target
from onearm.stats.arguments import Floats


def probabilities(target: Response, found: Sequence[Scores], model: str) -> Floats:
    """Predicted probabilities, (patients, repeats), within 1 to 99%.

    The share of responders among the training patients of the same stratum (of all, where it has
    none) plus the score.
    """
    columns = []
    for own in found:
        share = np.empty(target.y.size)
        for fold in np.unique(own.fold):
            train, test = own.fold != fold, own.fold == fold
            share[test] = target.y[train].mean()
            for stratum in np.unique(target.strata[train]):
                inside = target.strata == stratum
                share[test & inside] = target.y[train & inside].mean()
        columns.append(share + own.raw[model])
    return np.clip(np.column_stack(columns), 0.01, 0.99)


def calibration_and_decision(
    target: Target, found: Sequence[Scores], model: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The calibration table and the decision curve of a response; empty for a time."""
    if not isinstance(target, Response):
        return pl.DataFrame(schema=pl.Schema(CALIBRATION)), pl.DataFrame(schema=pl.Schema(DECISION))
    chance = probabilities(target, found, model)
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
    chance = probabilities(target, found, model)
    without = [replace(own, raw={model: np.zeros(target.y.size)}) for own in found]
    base = probabilities(target, without, model)
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
