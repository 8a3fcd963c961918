"""What a model is trained on: the response, or martingale residuals, for permuted outcomes too."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from onearm.omics.assay import Times
from onearm.stats.arguments import Booleans, Floats, Integers
from onearm.stats.risk import join_near_times


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A response: 1 or 0 for every patient."""

    y: Floats

    @property
    def label(self) -> Integers:
        """What folds are stratified by."""
        return self.y.astype(np.int64)

    def target(self, rows: Integers, permuted: Integers) -> Floats:
        """The outcomes dealt to ``rows``, less their mean: (rows, columns).

        permuted: (patients, columns), whose outcome a patient has in each column.
        """
        own = self.y[permuted[rows]]
        return np.asarray(own - own.mean(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """A time to an event; equal but for rounding is tied."""

    time: Floats
    event: Booleans
    at_risk: Floats = field(init=False)

    def __post_init__(self) -> None:
        joined = join_near_times(self.time)
        object.__setattr__(self, "time", joined)
        later = (joined[None, :] >= joined[:, None]).astype(np.float64)
        object.__setattr__(self, "at_risk", later)

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

        Event less the Nelson-Aalen hazard of these rows alone (ties as Breslow has them): the
        higher, the earlier the event. Each column has mean 0. Two products do all columns.
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
