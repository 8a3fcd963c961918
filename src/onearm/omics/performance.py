"""How good out-of-fold predictions of a response are: AUC, ROC, calibration, Brier, net benefit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.special import expit, logit
from scipy.stats import rankdata

from onearm.stats.arguments import Floats, Integers
from onearm.stats.binomial_limits import wilson

THRESHOLDS = np.round(np.arange(0.05, 0.81, 0.05), 2)
"""Probabilities at which the decision curve is drawn."""

GRID = np.linspace(0.0, 1.0, 51)
"""False-positive rates at which the ROC curve is drawn."""

_GROUPS = 5
"""Groups of equal size, by predicted probability, of the calibration plot."""


def by_outcome(scores: Floats, permuted: Integers) -> Floats:
    """Scores in the order of the outcomes they were trained for: (patients, columns).

    permuted: (patients, columns), whose outcome each patient had. Row i of the result is the score
    of whoever had the outcome of patient i, so that one label vector serves all columns.
    """
    ordered = np.empty_like(scores)
    np.put_along_axis(ordered, permuted, scores, axis=0)
    return ordered


def auc_columns(scores: Floats, y: Floats, strata: Integers | None = None) -> Floats:
    """AUC of each column of scores (patients, columns) for one response; ties count one half.

    With strata: the share of concordant pairs among those of one stratum.

    >>> auc_columns(np.array([[0.1], [0.4], [0.35], [0.8]]), np.array([0.0, 0, 1, 1])).tolist()
    [0.75]
    """
    groups = np.zeros(y.size, dtype=np.int64) if strata is None else strata
    top, bottom = np.zeros(scores.shape[1]), 0.0
    for group in np.unique(groups):
        inside = groups == group
        own = y[inside]
        m, k = float(own.sum()), float((1 - own).sum())
        ranks = rankdata(scores[inside], axis=0)[own == 1].sum(axis=0)
        top += ranks - m * (m + 1) / 2
        bottom += m * k
    return top / bottom if bottom else np.full(scores.shape[1], np.nan)


def roc_columns(scores: Floats, y: Floats) -> Floats:
    """Sensitivity at each false-positive rate of `GRID`: (grid, columns).

    At a rate f the threshold is the score that at most a share f of the others lie above.
    """
    others = -np.sort(-scores[y == 0], axis=0)
    own = scores[y == 1]
    place = np.floor(GRID * len(others) + 1e-9).astype(np.int64)
    curve = np.ones((GRID.size, scores.shape[1]))
    for row, above in enumerate(place):
        if above < len(others):
            curve[row] = (own > others[above]).mean(axis=0)
    return curve


def calibration_line(y: Floats, probability: Floats) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of y on the logit of the probability.

    1 is the ideal slope; below, predictions are too extreme. NaN where the probabilities do not
    differ or separate the two outcomes.
    Source: Cox, Biometrika 45:562-565 (1958).
    """
    x = logit(probability)
    if np.ptp(x) < 1e-9 or _separates(x, y):
        return float("nan"), float("nan")
    columns = np.column_stack((np.ones(x.size), x))
    beta = np.zeros(2)
    here = _loglik(columns @ beta, y)
    for _ in range(100):
        p = expit(columns @ beta)
        information = (columns * (p * (1 - p))[:, None]).T @ columns
        step = np.linalg.solve(information, columns.T @ (y - p))
        there = _loglik(columns @ (beta + step), y)
        while there < here - 1e-12 * abs(here):
            step = step / 2
            there = _loglik(columns @ (beta + step), y)
        beta, here = beta + step, there
        if np.abs(step).max() < 1e-10:
            break
    return float(beta[0]), float(beta[1])


def _loglik(eta: Floats, y: Floats) -> float:
    return float(np.sum(y * eta - np.logaddexp(0.0, eta)))


def _separates(x: Floats, y: Floats) -> bool:
    high, low = x[y == 1], x[y == 0]
    return bool(high.min() >= low.max() or low.min() >= high.max())


def brier(y: Floats, probability: Floats) -> float:
    """Mean squared difference of outcome and probability."""
    return float(((y - probability) ** 2).mean())


CALIBRATION: Mapping[str, pl.DataType] = {
    "group": pl.Int64(),
    "n": pl.Int64(),
    "predicted": pl.Float64(),
    "observed": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
}


def calibration_table(y: Floats, probability: Floats) -> pl.DataFrame:
    """Observed share of responders by fifths of the predicted probability, Wilson limits.

    probability: one a patient, its mean over the repeats.
    """
    order = np.argsort(probability, kind="stable")
    rows = []
    for group, own in enumerate(np.array_split(order, _GROUPS), start=1):
        if own.size:
            low, high = wilson(int(y[own].sum()), own.size, 0.95)
            rows.append((group, own.size, float(probability[own].mean()), float(y[own].mean()),
                         low, high))  # fmt: skip
    return pl.DataFrame(rows, schema=pl.Schema(CALIBRATION), orient="row")


DECISION: Mapping[str, pl.DataType] = {
    "threshold": pl.Float64(),
    "model": pl.Float64(),
    "treat_all": pl.Float64(),
    "treat_none": pl.Float64(),
}


def decision_curve(y: Floats, probability: Floats) -> pl.DataFrame:
    """Net benefit of acting on a predicted probability above each threshold.

    probability: (patients, repeats); the benefit is the mean over the repeats.
    Source: Vickers and Elkin, Medical Decision Making 26:565-574 (2006).
    """
    rows = []
    for threshold in THRESHOLDS:
        odds = threshold / (1 - threshold)
        is_above = probability >= threshold
        gain = (is_above * y[:, None]).mean() - odds * (is_above * (1 - y[:, None])).mean()
        everybody = y.mean() - odds * (1 - y.mean())
        rows.append((float(threshold), float(gain), float(everybody), 0.0))
    return pl.DataFrame(rows, schema=pl.Schema(DECISION), orient="row")
