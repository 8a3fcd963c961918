"""What a model is trained on: the response, or martingale residuals, for permuted outcomes too."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from onearm.omics.assay import Times
from onearm.stats.arguments import Booleans, Floats, Integers
from onearm.stats.risk import join_near_times


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A response: 1 or 0 for every patient; strata: the number of each patient's stratum."""

    y: Floats
    strata: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        object.__setattr__(self, "strata", _numbers(self.strata, self.y.size))

    @property
    def pooled(self) -> Response:
        """The same without strata."""
        return Response(self.y)

    @property
    def label(self) -> Integers:
        """What folds are stratified by."""
        return self.y.astype(np.int64)

    def target(self, rows: Integers, permuted: Integers) -> Floats:
        """The outcomes dealt to ``rows``, less their means within strata: (rows, columns).

        permuted: (patients, columns), whose outcome a patient has in each column.
        """
        return within(self.y[permuted[rows]], self.strata[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """A time to an event; equal but for rounding is tied. strata: as in `Response`."""

    time: Floats
    event: Booleans
    strata: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    at_risk: Floats = field(init=False)

    def __post_init__(self) -> None:
        joined, strata = join_near_times(self.time), _numbers(self.strata, self.time.size)
        object.__setattr__(self, "time", joined)
        object.__setattr__(self, "strata", strata)
        later = (joined[None, :] >= joined[:, None]) & (strata[None, :] == strata[:, None])
        object.__setattr__(self, "at_risk", later.astype(np.float64))

    @property
    def pooled(self) -> Survival:
        """The same without strata."""
        return Survival(self.time, self.event)

    @property
    def label(self) -> Integers:
        """What folds are stratified by."""
        return self.event.astype(np.int64)

    @property
    def times(self) -> Times:
        """The endpoint as the association engine takes it."""
        return Times(self.time, self.event)

    def target(self, rows: Integers, permuted: Integers) -> Floats:
        """Martingale residuals among ``rows`` of the outcomes dealt to them: (rows, columns).

        Event less the Nelson-Aalen hazard of these rows alone, within strata (ties as Breslow has
        them): the higher, the earlier the event. Each column has mean 0 in each stratum. Two
        products do all columns.
        Source: Therneau, Grambsch and Fleming, Biometrika 77:147-160 (1990).
        """
        dealt = permuted[rows]
        there = np.zeros((self.time.size, permuted.shape[1]))
        np.put_along_axis(there, dealt, 1.0, axis=0)
        at_risk = self.at_risk @ there
        step = np.divide(
            there * self.event[:, None], at_risk, out=np.zeros_like(there), where=at_risk > 0
        )
        residual = self.event[:, None] - self.at_risk.T @ step
        return np.take_along_axis(residual, dealt, axis=0)


Target = Response | Survival


def within(values: Floats, strata: Integers) -> Floats:
    """Columns less their means within strata: (rows, columns)."""
    own = values.copy()
    for stratum in np.unique(strata):
        inside = strata == stratum
        own[inside] -= own[inside].mean(axis=0)
    return own


def _numbers(strata: Integers, n: int) -> Integers:
    return strata if strata.size else np.zeros(n, dtype=np.int64)


def permutations(strata: Integers, count: int, stream: np.random.SeedSequence) -> Integers:
    """Whose outcome each patient has: (patients, 1 + count); the first column is the truth.

    strata: numbers; outcomes change places only within one.
    """
    rng = np.random.default_rng(stream)
    dealt = np.repeat(np.arange(strata.size)[:, None], 1 + count, axis=1)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        order = np.argsort(rng.random((rows.size, count)), axis=0)
        dealt[rows, 1:] = rows[order]
    return dealt
