"""Stability selection: which features are picked again and again in halves of the patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from onearm.omics.kernels import scaled, scaling
from onearm.omics.targets import Target
from onearm.pieces import SERIAL, Workers, each
from onearm.stats.arguments import Floats, InvalidArgument, check_between

HALVES = 100
THRESHOLD = 0.75
PFER = 1.0
"""Expected number of falsely selected features that is asked for."""

_PIECE = 10
"""Pairs of halves in a piece of work."""


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """How often each feature was among the ``picked`` strongest of a half.

    probability: (features,). bound: expected false selections at ``threshold`` or more, at most.
    """

    probability: Floats
    picked: int
    bound: float
    threshold: float

    @property
    def selected(self) -> np.ndarray:
        """Features with the probability that is needed; none where the bound is not kept."""
        return np.asarray((self.probability >= self.threshold) & (self.bound <= PFER))


def stability(
    values: Floats,
    target: Target,
    stream: np.random.SeedSequence,
    *,
    halves: int = HALVES,
    threshold: float = THRESHOLD,
    pfer: float = PFER,
    workers: Workers = SERIAL,
) -> Stability:
    """Pick the q features that go best with the outcome in each of many half-samples.

    values: (patients, features), NaN where missing: each feature is judged in those who have it, by
    its product with the response or the martingale residual over its length. Halves come in pairs
    that share no patient. q is the largest number for which q^2 / ((2 threshold - 1) p) <= pfer.
    Source: Meinshausen and Buehlmann, JRSS B 72:417-473 (2010); pairs: Shah and Samworth, JRSS B
    75:55-80 (2013).
    """
    check_between("threshold", threshold, 0.5, 1.0)
    if halves < 2 or halves % 2:
        raise InvalidArgument("halves", halves, "an even number from 2")
    p = values.shape[1]
    picked = min(p, max(1, int(np.sqrt(pfer * (2 * threshold - 1) * p) + 1e-9)))
    pairs = stream.spawn(halves // 2)
    pieces = [tuple(pairs[at : at + _PIECE]) for at in range(0, len(pairs), _PIECE)]
    counts = each(partial(_pairs, values, target, picked), pieces, workers=workers)
    bound = picked**2 / ((2 * threshold - 1) * p)
    return Stability(np.sum(counts, axis=0) / halves, picked, bound, threshold)


def _pairs(
    values: Floats, target: Target, picked: int, streams: tuple[np.random.SeedSequence, ...]
) -> Floats:
    """How often each feature is picked in pairs of halves without a common patient."""
    n = len(values)
    truth = np.arange(n)[:, None]
    counts = np.zeros(values.shape[1])
    for stream in streams:
        order = np.random.default_rng(stream).permutation(n)
        for half in (order[: n // 2], order[n // 2 : 2 * (n // 2)]):
            rows = np.sort(half)
            strength = _strength(values[rows], target.target(rows, truth)[:, 0])
            best = np.argsort(-strength, kind="stable")[:picked]
            # A half without a responder, or features that do not vary, tell nothing.
            counts[best[strength[best] > 0]] += 1
    return counts


def _strength(values: Floats, residual: Floats) -> Floats:
    """Size of the product of each feature with the residual, over the feature's length."""
    centre, inverse = scaling(values, np.arange(len(values)))
    known = (~np.isnan(values)).sum(axis=0)
    product = residual @ scaled(values, centre, inverse)
    return np.asarray(np.abs(product) / np.sqrt(np.maximum(known, 1)))
