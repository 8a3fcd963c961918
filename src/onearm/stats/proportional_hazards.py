"""Do hazards stay proportional? The score test on Schoenfeld residuals of a Cox fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import Floats
from onearm.stats.cox import CoxFit, fitted_model
from onearm.stats.cox_likelihood import RiskSets, moments
from onearm.stats.notes import Note, Sides


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """One row of the test: a column, or ``GLOBAL`` for all together; small p speaks against."""

    name: str
    statistic: float
    df: int
    p_value: float
    method: str = "score test of column x (1 - Kaplan-Meier)"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = (Note.EXPLORATORY,)


def proportional_hazards(fit: CoxFit) -> tuple[ProportionalHazardsTest, ...]:
    """Test each coefficient, then all, for a trend with 1 - S(t-), S the curve of all patients.

    Raises `InvalidArgument` for a fit without finite estimates or with exact_discrete ties.
    Source: Grambsch and Therneau, Biometrika 81:515-526 (1994), as the exact score test.
    """
    model = fitted_model(fit)
    sets = model.sets
    trend = _trend(sets)
    m = moments(sets, model.beta)
    residual = sets.x[sets.row] - m.mean
    p = residual.shape[1]
    score = np.concatenate((np.zeros(p), trend @ residual))
    plain, crossed, squared = (
        np.einsum("e,eij->ij", trend**power, m.variance) for power in (0, 1, 2)
    )
    information = np.block([[plain, crossed], [crossed, squared]])
    tests = [
        _test(name, score, information, [*range(p), p + k])
        for k, name in enumerate(model.columns.names)
    ]
    return (*tests, _test("GLOBAL", score, information, list(range(2 * p))))


def _test(
    name: str, score: Floats, information: Floats, kept: list[int]
) -> ProportionalHazardsTest:
    df = len(kept) - score.size // 2
    part = score[kept]
    statistic = float(part @ np.linalg.lstsq(information[np.ix_(kept, kept)], part)[0])
    return ProportionalHazardsTest(name, statistic, df, float(scipy.special.chdtrc(df, statistic)))


def _trend(sets: RiskSets) -> Floats:
    """1 - S just before each event, about its mean over the events."""
    # Weights of one: the sum over the risk set is the number at risk, before any tied event.
    starts = sets.tie_starts
    leaving = sets.time.size - sets.first[starts]
    waiting = 0 if sets.entry is None else sets.time.size - sets.waiting[starts]
    survival = np.cumprod(1 - np.bincount(sets.tie) / (leaving - waiting))
    before = np.concatenate(([1.0], survival[:-1]))[sets.tie]
    return np.asarray(before.mean() - before)
