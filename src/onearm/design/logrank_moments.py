"""What one patient adds to the one-sample log-rank sums at an interim look and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from onearm.design.timetoevent import Accrual, SurvivalHypothesis
from onearm.stats.arguments import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


@dataclass(frozen=True, slots=True)
class Moments:
    """Per planned patient, at the calendar time of the look (1) and at the analysis (2).

    ``null1``, ``null2``: the expected null cumulative hazard under the null hypothesis, which is
    also the variance of E - O there. ``size1``, ``size2``: the same under the alternative.
    ``mean``, ``var``, ``cov``: of E - O under the alternative.
    """

    null1: float
    null2: float
    size1: float
    size2: float
    mean1: float
    mean2: float
    var1: float
    var2: float
    cov: float


def moments(
    hypothesis: SurvivalHypothesis, accrual: Accrual, accrual_time: float, look: float
) -> Moments:
    """Integrate over the time of entry, uniform on the accrual; the rest is in closed form.

    In the scale of the null's cumulative hazard an event time is exponential with the hazard
    ratio as its rate, whatever the Weibull shape.
    """
    end = accrual_time + accrual.follow_up
    entry, weight = _entries(accrual, accrual_time, look)
    first, last = np.clip(look - entry, 0.0, None), end - entry
    if accrual.is_restricted:
        first, last = np.minimum(first, accrual.follow_up), np.minimum(last, accrual.follow_up)
    a, b = hypothesis.cumulative(first), hypothesis.cumulative(last)
    hr = hypothesis.hazard_ratio

    def average(values: Floats) -> float:
        return float((weight * values).sum())

    size1, size2 = average(_followed(a, hr)), average(_followed(b, hr))
    mean1, mean2 = (1 - hr) * size1, (1 - hr) * size2
    return Moments(
        null1=average(_followed(a, 1.0)),
        null2=average(_followed(b, 1.0)),
        size1=size1,
        size2=size2,
        mean1=mean1,
        mean2=mean2,
        var1=average(_product(a, a, hr)) - mean1**2,
        var2=average(_product(b, b, hr)) - mean2**2,
        cov=average(_product(a, b, hr)) - mean1 * mean2,
    )


def _entries(accrual: Accrual, accrual_time: float, look: float) -> tuple[Floats, Floats]:
    """Nodes and weights over the time of entry, in pieces where follow-up bends."""
    bends = {0.0, accrual_time, min(look, accrual_time)}
    if accrual.is_restricted and look > accrual.follow_up:
        bends.add(min(look - accrual.follow_up, accrual_time))
    ends = sorted(bends)
    nodes, weights = [], []
    for low, high in pairwise(ends):
        # Squared nodes near the far end: follow-up starts there like a power of the time.
        half = (_NODES + 1) / 2
        nodes.append(high - (high - low) * half**2)
        weights.append(_WEIGHTS * half * (high - low) / accrual_time)
    return np.concatenate(nodes), np.concatenate(weights)


def _followed(limit: Floats, hr: float) -> Floats:
    """E min(Y, limit) for Y exponential with rate ``hr``."""
    expected: Floats = -np.expm1(-hr * limit) / hr
    return expected


def _product(a: Floats, b: Floats, hr: float) -> Floats:
    """E of (E1 - O1)(E2 - O2) for limits a <= b: an event before a, between them, or after b."""
    before = _square(np.zeros_like(a), hr) - _square(a, hr)
    between = a * (_shifted(a, hr) - _shifted(b, hr))
    product: Floats = before + between + a * b * np.exp(-hr * b)
    return product


def _square(y: Floats, hr: float) -> Floats:
    """The integral of (u - 1)^2 hr exp(-hr u) from y to infinity."""
    z = y - 1
    tail: Floats = np.exp(-hr * y) * (z**2 + 2 * z / hr + 2 / hr**2)
    return tail


def _shifted(y: Floats, hr: float) -> Floats:
    """The integral of (u - 1) hr exp(-hr u) from y to infinity."""
    tail: Floats = np.exp(-hr * y) * (y - 1 + 1 / hr)
    return tail
