"""Sums over the risk sets of many features at once, each over the subjects that have the feature.

Leaving a subject out changes more than a sum: of d tied events fewer remain, and Efron's shares of
them with it. So the shares are worked out for every feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.omics.cox_null import Deaths
from onearm.stats.arguments import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class RiskSums:
    """How to add up a matrix (subjects, features) over the risk set of every event.

    there: (subjects, features), None where nothing is missing. share: (events, features) of the
    tied events that has left already. counts: (events, features), False for an event that a feature
    does not have because subjects are missing.
    """

    deaths: Deaths
    there: Booleans | None = None
    share: Floats | None = None
    counts: Booleans | None = None

    @classmethod
    def of(cls, sets: Deaths, there: Booleans) -> RiskSums:
        """The sums for features of which ``there`` says who has them."""
        if there.all():
            return cls(sets)
        tied = sets.tied @ there.astype(np.float64)
        place = sets.place[:, None]
        return cls(sets, there, place / np.maximum(tied, 1), place < tied)

    def take(self, features: Integers | slice) -> RiskSums:
        """The same for some of the features."""
        if self.there is None or self.share is None or self.counts is None:
            return self
        there, share, counts = self.there, self.share, self.counts
        return RiskSums(self.deaths, there[:, features], share[:, features], counts[:, features])

    def only(self, values: Floats) -> Floats:
        """``values`` with 0 where a feature is missing."""
        return values if self.there is None else np.where(self.there, values, 0.0)

    def over(self, values: Floats) -> Floats:
        """(events, features): sums over the risk sets; ``values`` are 0 where missing."""
        if self.share is None:
            return np.asarray(self.deaths.weight @ values)
        at_risk = self.deaths.at_risk.astype(np.float64)
        return np.asarray(at_risk @ values - self.share * (self.deaths.tied @ values))

    def divisor(self, total: Floats) -> Floats:
        """``total`` with infinity for events a feature does not have, so that they add nothing."""
        return total if self.counts is None else np.where(self.counts, total, np.inf)

    def log(self, total: Floats) -> Floats:
        """The logarithm, 0 for events a feature does not have."""
        return np.asarray(
            np.log(total if self.counts is None else np.where(self.counts, total, 1.0))
        )
