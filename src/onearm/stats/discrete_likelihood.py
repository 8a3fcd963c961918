"""The exact discrete partial likelihood: which of those at risk had the tied events.

At a time with d events among m at risk the likelihood is exp(sum of x beta of the d) over the sum
of the same over all subsets of size d: an elementary symmetric polynomial in exp(x beta), built up
one patient at a time together with its two derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import Floats, Integers
from onearm.stats.cox_likelihood import RiskSets


@dataclass(slots=True, eq=False)
class _Subsets:
    """Sums over all subsets of size 0, 1, ... of the patients added so far, and derivatives."""

    value: Floats
    gradient: Floats
    hessian: Floats

    @classmethod
    def empty(cls, largest: int, columns: int) -> _Subsets:
        value = np.zeros(largest + 1)
        value[0] = 1.0
        return cls(
            value, np.zeros((largest + 1, columns)), np.zeros((largest + 1, columns, columns))
        )

    def add(self, weight: float, x: Floats) -> None:
        """Count every subset once more with this patient in it."""
        value, gradient, hessian = self.value[:-1], self.gradient[:-1], self.hessian[:-1]
        cross = gradient[:, :, None] * x
        more_hessian = (
            hessian + cross + cross.transpose(0, 2, 1) + value[:, None, None] * np.outer(x, x)
        )
        more_gradient = gradient + value[:, None] * x
        self.hessian[1:] += weight * more_hessian
        self.gradient[1:] += weight * more_gradient
        self.value[1:] += weight * value.copy()


def evaluate_discrete(sets: RiskSets, beta: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, score and information at ``beta`` under the exact discrete likelihood.

    Raises OverflowError where the number of subsets leaves the range of a float (hundreds of
    events at one time).
    Source: Gail, Lubin and Rubinstein, Biometrika 68:703-707 (1981).
    """
    eta = sets.x @ beta
    shift = float(eta.mean())
    weight = np.exp(eta - shift)
    counts = np.bincount(sets.tie)
    loglik = float(np.sum(eta[sets.row] - shift))
    score: Floats = sets.x[sets.row].sum(axis=0)
    information = np.zeros((beta.size, beta.size))
    subsets = _Subsets.empty(int(counts.max()), beta.size)
    added = sets.time.size
    for start in sets.tie_starts[::-1]:
        d, first = int(counts[sets.tie[start]]), int(sets.first[start])
        if sets.entry is None:
            # Without entry times a risk set contains every later one: go on where that ended.
            newcomers = np.arange(first, added)
            added = first
        else:
            subsets = _Subsets.empty(d, beta.size)
            newcomers = _at_risk(sets, first, float(sets.time[sets.row[start]]))
        for row in newcomers:
            subsets.add(float(weight[row]), sets.x[row])
        total = float(subsets.value[d])
        if not np.isfinite(total):
            raise OverflowError(f"{d} events at one time are too many for the exact likelihood")
        mean = subsets.gradient[d] / total
        loglik -= float(np.log(total))
        score = score - mean
        information += subsets.hessian[d] / total - np.outer(mean, mean)
    return loglik, score, information


def _at_risk(sets: RiskSets, first: int, time: float) -> Integers:
    later = np.arange(first, sets.time.size)
    return later if sets.entry is None else later[sets.entry[first:] < time]
