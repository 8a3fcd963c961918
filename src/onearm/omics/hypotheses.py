"""What max-T permutes: every feature with every endpoint, laid out for one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from onearm.stats.arguments import Booleans, Floats, Integers

FLOOR = 1e-20
"""A variance below this, of statistics scaled to about 1, is rounding: the statistic is 0."""

RawGroup = tuple[Floats, Floats, Floats | None]
"""Features in rows (features, subjects) with NaN, residual, information or None."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What is shuffled for one group, with the subjects that its incomplete features have.

    available: (patterns, subjects), 1 where the features of a pattern have a value. information:
    the upper triangle by pairs, off-diagonal doubled, is made from it in each arrangement.
    """

    residual: Floats
    available: Floats
    information: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class Hypotheses:
    """Every feature with every endpoint, one row each; NaN statistics are left out.

    rows: (hypotheses, subjects) features, 0 where missing, divided by their permutation SD where
    that is the same in every arrangement. group: whose outcome. pattern: of ``available``, -1 for a
    complete feature. weight: (hypotheses, strata) sum of squares / (n - 1) of incomplete features.
    place: position among all features of all groups. statistic: as
    observed, 0 until it is computed.
    """

    rows: Floats
    group: Integers
    pattern: Integers
    weight: Floats
    place: Integers
    statistic: Floats
    outcomes: tuple[Outcome, ...]

    @property
    def size(self) -> int:
        """How many hypotheses."""
        return self.place.size

    def take(self, which: Integers) -> Hypotheses:
        """Those at ``which``, in its order."""
        parts = {name: getattr(self, name)[which] for name in _BY_ROW}
        return replace(self, **parts)

    @classmethod
    def of(cls, groups: Sequence[RawGroup], strata: Integers, precision: str) -> Hypotheses:
        """All features that vary, in the order of groups and features."""
        made = [_of_group(number, group, strata) for number, group in enumerate(groups)]
        starts = np.cumsum([0, *(features.shape[0] for features, _, _ in groups)])
        joined = {name: np.concatenate([getattr(part, name) for part in made]) for name in _BY_ROW}
        joined["place"] = np.concatenate(
            [part.place + start for part, start in zip(made, starts[:-1], strict=True)]
        )
        joined["rows"] = joined["rows"].astype(precision)
        return cls(**joined, outcomes=tuple(part.outcomes[0] for part in made))


_BY_ROW = ("rows", "group", "pattern", "weight", "place", "statistic")


def _of_group(number: int, group: RawGroup, strata: Integers) -> Hypotheses:
    features, residual, information = group
    missing = np.isnan(features)
    is_complete: Booleans = np.logical_not(missing.any(axis=1))
    incomplete = np.flatnonzero(~is_complete)
    lacking, pattern = np.unique(missing[incomplete], axis=0, return_inverse=True)
    outcome = Outcome(residual, (~lacking).astype(np.float64), information)
    rows = np.where(missing, 0.0, features)
    numbers = np.full(len(rows), -1, dtype=np.int64)
    numbers[incomplete] = pattern.ravel()
    weight = _weights(rows, ~missing, strata)
    if information is None:
        # What is left in a stratum of one patient can take no other place.
        spread = spread_within(np.ones((1, residual.size)), residual[:, None], strata)[0, :, 0]
        sd = np.sqrt(weight @ spread)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where((sd > FLOOR)[:, None], rows / sd[:, None], 0.0)
        rows = np.where(is_complete[:, None], scaled, rows)
    kept = np.flatnonzero((rows != 0).any(axis=1) & (residual != 0).any())
    size = kept.size
    group_numbers = np.full(size, number, dtype=np.int64)
    return Hypotheses(
        rows[kept], group_numbers, numbers[kept], weight[kept], kept, np.zeros(size), (outcome,)
    )


def _weights(rows: Floats, available: np.ndarray, strata: Integers) -> Floats:
    """Sum of squares / (n - 1) of each feature in each stratum; 0 below two subjects."""
    weights = np.zeros((len(rows), int(strata.max()) + 1))
    for number in range(weights.shape[1]):
        inside = strata == number
        n = available[:, inside].sum(axis=1)
        squares = np.einsum("ij,ij->i", rows[:, inside], rows[:, inside])
        weights[:, number] = np.where(n > 1, squares / np.maximum(n - 1, 1), 0.0)
    return weights


def spread_within(available: Floats, residual: Floats, strata: Integers) -> Floats:
    """Sum of squares about the mean in each stratum: (patterns, strata, arrangements)."""
    spread = np.zeros((available.shape[0], int(strata.max()) + 1, residual.shape[1]))
    for number in range(spread.shape[1]):
        inside = strata == number
        own, part = available[:, inside], residual[inside]
        n = np.maximum(own.sum(axis=1), 1)[:, None]
        spread[:, number] = np.maximum(own @ np.square(part) - np.square(own @ part) / n, 0.0)
    return spread
