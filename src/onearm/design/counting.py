"""Exact behaviour of any rule that looks at a count several times: carry its distribution along."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from onearm.design.arguments import check_rate
from onearm.design.binomial import mass
from onearm.stats.arguments import Floats

Bounds = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """What happens at the true rate ``p``: stops below and above at each look, and who is left.

    ``low[i]`` and ``high[i]`` are the probabilities of stopping at look i with a count at or
    below the lower bound, at or above the upper one; ``stay`` ends without either.
    """

    p: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    stay: float
    expected_n: float

    @property
    def stop_low(self) -> float:
        """P(ever at or below the lower bound)."""
        return min(1.0, math.fsum(self.low))

    @property
    def stop_high(self) -> float:
        """P(ever at or above the upper bound)."""
        return min(1.0, math.fsum(self.high))

    @property
    def stop_before_last(self) -> float:
        """P(a stop of either kind before the last look)."""
        return min(1.0, math.fsum(self.low[:-1] + self.high[:-1]))


def walk(looks: tuple[int, ...], low: Bounds, high: Bounds, p: float) -> Walk:
    """Carry the distribution of the count from look to look, dropping what stopped.

    ``low[i]``: stop with that count or fewer; ``high[i]``: with that count or more; None: never.
    Exact, no simulation.

    >>> round(walk((10,), (None,), (5,), 0.25).stop_high, 4)
    0.0781
    """
    p = check_rate("p", p)
    left, before, expected = np.ones(1), 0, 0.0
    lows, highs = [], []
    steps: dict[int, Floats] = {}
    for n, under, over in zip(looks, low, high, strict=True):
        added = n - before
        # Everybody still in the trial is treated up to this look.
        expected += float(left.sum()) * added
        if added not in steps:
            steps[added] = mass(np.arange(added + 1), added, p)
        left = np.convolve(left, steps[added])
        under_end = 0 if under is None else under + 1
        over_start = left.size if over is None else min(over, left.size)
        lows.append(float(left[:under_end].sum()))
        highs.append(float(left[over_start:].sum()))
        left[:under_end] = 0.0
        left[over_start:] = 0.0
        before = n
    return Walk(p, tuple(lows), tuple(highs), min(1.0, float(left.sum())), expected)
