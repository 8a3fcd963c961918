"""Cox's model before any feature is in it: Efron weights, martingale residuals, information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.errors import OnearmError
from onearm.stats.arguments import Booleans, Floats, Integers
from onearm.stats.risk import join_near_times


@dataclass(frozen=True, slots=True, eq=False)
class Deaths:
    """The events in order of stratum and time, and who is at risk at each.

    row: (events,) who has it. weight: (events, subjects) Efron's weights: 1 at risk, less l / d for
    the d subjects of a tied event at its l-th place (l from 0), 0 for everybody else. tied:
    (events, subjects) 1 for those d; place: (events,) l.
    """

    row: Integers
    weight: Floats
    tied: Floats
    place: Integers

    @property
    def at_risk(self) -> Booleans:
        """(events, subjects): who is at risk; Efron's weight of a tied subject stays above 0."""
        return self.weight > 0


def deaths(time: Floats, event: Booleans, strata: Integers) -> Deaths:
    """Lay out the events; times equal but for rounding are ties, as in `onearm.stats.cox`.

    time, event, strata: (subjects,), nothing missing.
    Source: Efron, JASA 72:557-565 (1977).
    """
    joined = join_near_times(time) if time.size else time
    row = np.flatnonzero(event)
    row = row[np.lexsort((row, joined[row], strata[row]))]
    own = joined[row][:, None]
    same_stratum = strata[None, :] == strata[row][:, None]
    at_risk = same_stratum & (joined[None, :] >= own)
    tied = same_stratum & (joined[None, :] == own) & event[None, :]
    before = (tied & (np.arange(time.size)[None, :] < row[:, None])).sum(axis=1)
    share = before / np.maximum(tied.sum(axis=1), 1)
    return Deaths(row, at_risk - share[:, None] * tied, tied.astype(np.float64), before)


@dataclass(frozen=True, slots=True, eq=False)
class NullCox:
    """The model without a feature, over the subjects it was given.

    residual: martingale residuals, event minus expected. share: (events, subjects) of each risk
    set; expected: its column sums. covariates: (subjects, q), ``gamma`` their coefficients.
    """

    deaths: Deaths
    residual: Floats
    share: Floats
    expected: Floats
    covariates: Floats
    gamma: Floats
    loglik: float

    def information(self, left: Floats, right: Floats) -> Floats:
        """left' (diag(expected) - share' share) right, the information between two matrices."""
        plain: Floats = left.T @ (self.expected[:, None] * right)
        return plain - (self.share @ left).T @ (self.share @ right)


def null_cox(time: Floats, event: Booleans, strata: Integers, covariates: Floats) -> NullCox:
    """Fit the covariates alone (none: nothing to fit) by Newton with step halving.

    covariates: (subjects, q) without missing values. Raises `OnearmError` where a covariate
    separates the events, or no information on one is left within the strata.
    """
    sets = deaths(time, event, strata)
    centred = covariates - covariates.mean(axis=0) if time.size else covariates
    scale = np.where(np.ptp(centred, axis=0) > 0, centred.std(axis=0), 1.0) if time.size else 1.0
    columns = centred / scale
    gamma = np.zeros(columns.shape[1])
    here = _null_at(sets, event, columns, gamma)
    for turn in range(50 if gamma.size else 0):
        score = columns.T @ here.residual
        information = here.information(columns, columns)
        if np.linalg.matrix_rank(information, tol=1e-9, hermitian=True) < gamma.size:
            what = "cannot be told apart at" if turn == 0 else "separates"
            raise OnearmError(f"the design {what} the events: no finite estimate of it")
        step = np.linalg.solve(information, score)
        there = _null_at(sets, event, columns, gamma + step)
        while there.loglik < here.loglik - 1e-12 * abs(here.loglik):
            step = step / 2
            there = _null_at(sets, event, columns, gamma + step)
        gamma, here = gamma + step, there
        if np.abs(step).max() < 1e-10:
            break
        if np.abs(gamma).max() > 15:
            raise OnearmError("the design separates the events: no finite estimate of it")
    return here


def _null_at(sets: Deaths, event: Booleans, columns: Floats, gamma: Floats) -> NullCox:
    eta = columns @ gamma
    risk = np.exp(eta)
    weighted = sets.weight * risk
    total = weighted.sum(axis=1)
    share = weighted / total[:, None]
    expected = share.sum(axis=0)
    loglik = float(np.sum(eta[sets.row] - np.log(total)))
    return NullCox(sets, event - expected, share, expected, columns, gamma, loglik)
