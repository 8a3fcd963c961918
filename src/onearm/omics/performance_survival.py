"""How good out-of-fold predictions of survival are where patients are censored.

Inverse probability of censoring weights: a patient seen to the end stands for those like him who
were not. Higher scores mean earlier events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.omics.cox_wald import cox_wald
from onearm.stats.arguments import Booleans, Floats, Integers
from onearm.stats.risk import join_near_times


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Weights of one cohort for censoring.

    before: (patients,) chance of being uncensored just before one's own time. time: joined.
    """

    time: Floats
    event: Booleans
    before: Floats
    _steps: Floats
    _chance: Floats

    @classmethod
    def of(cls, time: Floats, event: Booleans) -> Weights:
        """Kaplan-Meier of the censoring; at a tied time events come before censorings."""
        joined = join_near_times(time)
        steps = np.unique(joined)
        at_risk = (joined[None, :] >= steps[:, None]).sum(axis=1)
        tied = joined[None, :] == steps[:, None]
        events, gone = (tied & event).sum(axis=1), (tied & ~event).sum(axis=1)
        left = np.where(at_risk > events, at_risk - events, 1)
        chance = np.cumprod(1 - gone / left)
        before = np.concatenate(([1.0], chance))[np.searchsorted(steps, joined)]
        return cls(joined, event, before, steps, chance)

    def at(self, time: float) -> float:
        """Chance of being uncensored at ``time``."""
        place = int(np.searchsorted(self._steps, time, side="right"))
        return float(self._chance[place - 1]) if place else 1.0


def ipcw_concordance(scores: Floats, weights: Weights, strata: Integers | None = None) -> Floats:
    """Uno's C of each column of scores (patients, columns); equal scores count one half.

    With strata: of pairs of one stratum.

    Pairs in which the earlier time is an event, weighted by one over the squared chance of being
    uncensored just before it. NaN without a pair.
    Source: Uno and others, Statistics in Medicine 30:1105-1117 (2011).
    """
    top, bottom = np.zeros(scores.shape[1]), 0.0
    for row in np.flatnonzero(weights.event & (weights.before > 0)):
        later = weights.time > weights.time[row]
        # A censoring at the same day is known to outlive the event.
        later |= (weights.time == weights.time[row]) & ~weights.event
        if strata is not None:
            later &= strata == strata[row]
        weight = 1 / weights.before[row] ** 2
        agree = (np.sign(scores[row] - scores[later]) + 1) / 2
        top += weight * agree.sum(axis=0)
        bottom += weight * float(later.sum())
    return top / bottom if bottom else np.full(scores.shape[1], np.nan)


def auc_at(scores: Floats, weights: Weights, time: float) -> Floats:
    """Cumulative-dynamic AUC at ``time`` of each column: events so far against those beyond it.

    NaN where one of the two is empty.
    Source: Hung and Chiang, Canadian Journal of Statistics 38:8-26 (2010).
    """
    cases = np.flatnonzero((weights.time <= time) & weights.event & (weights.before > 0))
    controls = scores[weights.time > time]
    if not cases.size or not len(controls):
        return np.full(scores.shape[1], np.nan)
    weight = 1 / weights.before[cases]
    agree = np.stack([((np.sign(scores[row] - controls) + 1) / 2).mean(axis=0) for row in cases])
    return np.asarray(weight @ agree / weight.sum())


def ipcw_brier(survival: Floats, weights: Weights, time: float) -> float:
    """Mean squared error of the predicted chances of being without the event at ``time``.

    survival: (patients,). NaN where everybody is censored by then.
    Source: Graf and others, Statistics in Medicine 18:2529-2545 (1999).
    """
    gone = (weights.time <= time) & weights.event
    beyond = weights.time > time
    if not weights.at(time) and beyond.any():
        return float("nan")
    error = np.zeros(survival.size)
    error[gone] = survival[gone] ** 2 / weights.before[gone]
    if beyond.any():
        error[beyond] = (1 - survival[beyond]) ** 2 / weights.at(time)
    return float(error.mean())


def survival_at(
    score: Floats, time: Floats, event: Booleans, new: Floats, horizons: Floats
) -> tuple[Floats, Floats]:
    """Chances of being without the event at the horizons, and linear predictors, of ``new``.

    score, time, event: of training patients, scores from inner folds, so that the slope of Cox's
    model on them is not too steep. new: (patients,) scores. Returns (patients, horizons) and
    (patients,). The slope is 0 where the model has no finite one.
    """
    fit = cox_wald(score[:, None], time, event)
    slope = float(fit.beta[0])
    if not np.isfinite(slope) or fit.separated[0]:
        slope = 0.0
    centre = score.mean()
    risk = np.exp(slope * (score - centre))
    joined = join_near_times(time)
    at_risk = (joined[None, :] >= joined[:, None]) @ risk
    step = event / at_risk
    hazard = np.array([step[joined <= t].sum() for t in horizons])
    predictor = slope * (new - centre)
    return np.exp(-np.exp(predictor)[:, None] * hazard), predictor
