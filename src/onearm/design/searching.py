"""Tables of binomial masses and tails shared by the two-stage searches, and what they rule out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from onearm.design.binomial import mass_table, tail_table
from onearm.stats.arguments import Floats

# Pruning compares computed bounds with computed limits; this keeps rounding from pruning a design.
SLACK = 1e-9


class Tables:
    """Masses and upper tails under both rates up to ``size`` patients, and what they rule out."""

    def __init__(self, p0: float, p1: float, alpha: float, beta: float, size: int) -> None:
        self.size, self.alpha, self.beta = size, alpha, beta
        self.mass0, self.mass1 = mass_table(size, p0), mass_table(size, p1)
        self.tail0, self.tail1 = tail_table(self.mass0), tail_table(self.mass1)
        # The largest cut with enough power in one stage: stopping early only takes power away.
        self.most_r = (self.tail1[:, 1:] >= 1 - beta - SLACK).sum(axis=1) - 1
        # The largest r1 with P(stop | p1) <= beta: more would cost more power than there is.
        sizes = np.arange(size + 1)
        stops = 1 - self.tail1[:, 1:] <= beta + SLACK
        self.most_r1 = np.minimum(stops.sum(axis=1), sizes) - 1
        self.go_on = self.tail0[sizes, self.most_r1 + 1]

    def is_possible(self, n: int) -> bool:
        """Whether any test on ``n`` patients has both errors, even one that tosses a coin.

        The most powerful test with power 1 - beta (Neyman and Pearson) has the least alpha.
        """
        r = int(self.most_r[n])
        if r < 0:
            return False
        excess = self.tail1[n, r + 1] - (1 - self.beta) + SLACK
        share = excess / self.mass1[n, r + 1] if r < n else 0.0
        least = self.tail0[n, r + 1] - min(1.0, share) * self.mass0[n, min(r + 1, n)]
        return bool(least <= self.alpha + SLACK)

    def bounds(self, n: int) -> Floats:
        """For n1 = 1..n-1, an expected size under p0 that no design with n patients goes below."""
        n1 = np.arange(1, n)
        least: Floats = n1 + (n - n1) * self.go_on[1:n]
        return least

    def reject(self, n: int, n1: npt.NDArray[np.int64], r: int) -> tuple[Floats, Floats]:
        """P(reject | p0) and P(reject | p1), one row an n1 and one column an r1 = 0..r."""
        first = np.arange(r + 1)
        rows, cols = n1[:, None], first[None, :]
        both = []
        for masses, tails in ((self.mass0, self.tail0), (self.mass1, self.tail1)):
            terms = masses[rows, cols] * tails[n - rows, r + 1 - cols]
            from_here = np.cumsum(terms[:, ::-1], axis=1)[:, ::-1]
            sure = tails[n1, r + 1][:, None]
            after = np.concatenate((from_here[:, 1:], np.zeros((n1.size, 1))), axis=1)
            both.append(after + sure)
        return both[0], both[1]
