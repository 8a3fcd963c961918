"""The frames of a prediction, from the out-of-fold scores of all repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.omics.auc import auc
from onearm.omics.concordance import concordance
from onearm.omics.nested import Scores
from onearm.omics.performance import (
    GRID,
    auc_columns,
    by_outcome,
    roc_columns,
)
from onearm.omics.performance_survival import (
    Weights,
    ipcw_concordance,
)
from onearm.omics.prediction_quality import probabilities
from onearm.omics.targets import Response, Target
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
    """AUC or IPCW concordance of each column over the patients ``rows``, within strata."""
    own, strata = scores[rows], target.strata[rows]
    if isinstance(target, Response):
        return auc_columns(own, target.y[rows], strata)
    return ipcw_concordance(own, Weights.of(target.time[rows], target.event[rows]), strata)


def estimates(target: Target, found: Sequence[Scores], model: str, permuted: Integers) -> Estimate:
    """The discrimination of one model in every repeat and column, in pairs of one stratum."""
    table = np.stack([_measured(target, by_outcome(s.scores[model], permuted)) for s in found])
    true = np.column_stack([s.scores[model][:, 0] for s in found])
    if isinstance(target, Response):
        errors = _delong(true, target)
    else:
        errors = concordance(true, target.time, target.event, strata=target.strata).std_err
    return Estimate(
        "AUC" if isinstance(target, Response) else "C-index",
        table[:, 0],
        table[:, 1:].mean(axis=0),
        float(np.nanmean(errors)) if np.isfinite(errors).any() else 0.0,
    )


def _delong(scores: Floats, target: Response) -> Floats:
    """DeLong's standard error of the AUC within strata: strata weigh by their pairs."""
    variance, total = np.zeros(scores.shape[1]), 0.0
    for stratum in np.unique(target.strata):
        inside = target.strata == stratum
        y = target.y[inside]
        pairs = float(y.sum() * (1 - y).sum())
        if pairs:
            variance += (pairs * auc(scores[inside], y).std_err) ** 2
            total += pairs
    return np.sqrt(variance) / total


COMPARED: Mapping[str, pl.DataType] = {
    "model": pl.String(),
    "measure": pl.String(),
    "pairs": pl.String(),  # "all", or "one stratum": only patients of one stratum are compared
    "estimate": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "p": pl.Float64(),
    "increment": pl.Float64(),
    "increment_lower": pl.Float64(),
    "increment_upper": pl.Float64(),
}


def compared(
    target: Target,
    found: Sequence[Scores],
    judged: Mapping[str, Estimate],
    clinical: str,
    labels: Sequence[str],
) -> pl.DataFrame:
    """Every model, the intercept among them, with its increment over the clinical-only model.

    labels: models of a label that may be a stratum: judged over all pairs, without p (within
    strata it cannot change by permutation) and without an increment. The limits of the increment
    are those of the jackknife over patients.
    """
    pairs = "one stratum" if np.unique(target.strata).size > 1 else "all"
    rows: list[tuple[object, ...]] = []
    for name, own in judged.items():
        increment: tuple[float | None, ...] = (None, None, None)
        if clinical in judged and name not in (clinical, *labels):
            increment = _increment(target, found, name, clinical)
        is_label = name in labels
        limits = (own.estimate, own.lower, own.upper, None if is_label else own.p)
        rows.append((name, own.measure, "all" if is_label else pairs, *limits, *increment))
    measure = next(iter(judged.values())).measure
    # Without a feature all patients are tied: one half, by definition.
    rows.append(("intercept", measure, pairs, 0.5, None, None, None, None, None, None))
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


def score_table(
    subjects: tuple[str, ...], target: Target, found: Sequence[Scores], model: str
) -> pl.DataFrame:
    """Out-of-fold scores: one row a repeat and patient."""
    n = len(subjects)
    chance = probabilities(target, found, model) if isinstance(target, Response) else None
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
    """ROC over all patients, the mean of the repeats, with the 95% band of permuted outcomes."""
    if not isinstance(target, Response):
        return pl.DataFrame(schema=pl.Schema(ROC))
    total = np.zeros((GRID.size, permuted.shape[1]))
    for own in found:
        total += roc_columns(by_outcome(own.scores[model], permuted), target.y)
    mean = total / len(found)
    band = np.quantile(mean[:, 1:], [0.025, 0.5, 0.975], axis=1)
    columns = (GRID, mean[:, 0], *band)
    return pl.DataFrame(dict(zip(ROC, columns, strict=True)), schema=pl.Schema(ROC))


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
    value = float(_measured(target.pooled, scores, rows)[0])
    return None if np.isnan(value) else value


def choices(found: Sequence[Scores]) -> pl.DataFrame:
    """How often the inner folds chose what, by model; the most frequent first."""
    rows = [(model, words) for own in found for model, all_ in own.chosen.items() for words in all_]
    frame = pl.DataFrame(rows, schema=["model", "chosen"], orient="row")
    return frame.group_by("model", "chosen").len("folds").sort(
        "model", "folds", "chosen", descending=[False, True, False]
    )  # fmt: skip
