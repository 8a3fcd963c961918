"""Chance with a name: a stream of random numbers a topic, so that none disturbs another."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onearm.study.simulation import Normal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[Any]  # Any: numpy has no element type for Python's text
NOTHING = np.array(None, dtype=object)
"""An empty answer, for ``np.where``."""
NEVER = 10**6
"""A day that does not come."""


def width(columns: int) -> int:
    """How many numbers to draw a patient where ``columns`` are used.

    Far more than a patient commonly needs, so that what one patient draws does not depend on how
    long the others are followed.
    """
    return max(128, columns)


class Streams:
    """Random streams by topic from one seed.

    A stream is filled patient by patient, so that the first patients of a larger trial draw what
    they draw in a smaller one. Asking for a topic twice gives the same numbers twice.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, topic: str) -> np.random.Generator:
        """The stream of a topic, from its start."""
        name = zlib.crc32(topic.encode())
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, name])))


def normal(rng: np.random.Generator, law: Normal, size: int | tuple[int, ...]) -> Floats:
    """Draws from a distribution of ``simulation.yaml``."""
    return shaped(rng.standard_normal(size), law)


def shaped(z: Floats, law: Normal) -> Floats:
    """Standard normal numbers turned into draws from a distribution of ``simulation.yaml``."""
    raw = law.mean * np.exp(law.sd * z) if law.log else law.mean + law.sd * z
    return np.clip(raw, law.low, law.high) if (law.low, law.high) != (None, None) else raw


def pick(u: Floats, weights: Sequence[float] | Floats) -> Ints:
    """The index that each uniform number falls on, by weight."""
    total = np.cumsum(np.asarray(weights, dtype=float))
    index = np.searchsorted(total / total[-1], u, side="right")
    return np.minimum(index, len(total) - 1).astype(np.int64)


def pick_key(u: Floats, weights: Mapping[Any, float]) -> Texts:
    """The key that each uniform number falls on, by weight."""
    return np.array(list(weights), dtype=object)[pick(u, list(weights.values()))]


def waiting(u: Floats, rate_a_year: float | Floats) -> Floats:
    """Days to an event that comes at a constant rate; ``NEVER`` where the rate is 0."""
    rate = np.broadcast_to(np.asarray(rate_a_year, dtype=float), u.shape) / 365.25
    return np.where(rate > 0, -np.log1p(-u) / np.where(rate > 0, rate, 1.0), NEVER)


def weibull(u: Floats, median: Floats | float, shape: float) -> Floats:
    """Days to an event with a Weibull distribution of the given median."""
    ratio = (-np.log1p(-u) / np.log(2.0)) ** (1.0 / shape)
    return np.asarray(np.asarray(median) * ratio)


def whole_days(days: Floats) -> Ints:
    """Whole days, at most ``NEVER``."""
    return np.floor(np.minimum(days, NEVER)).astype(np.int64)


def between(u: Floats, limits: tuple[int, int]) -> Ints:
    """A whole number from the first to the last of ``limits``."""
    low, high = limits
    return low + np.minimum(np.floor(u * (high - low + 1)), high - low).astype(np.int64)
