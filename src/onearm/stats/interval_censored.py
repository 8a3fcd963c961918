"""Times known only up to an interval, such as a progression between two scans."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from onearm.stats.arguments import (
    Floats,
    InvalidArgument,
    Numbers,
    as_floats,
    check_length,
)
from onearm.stats.notes import Note

_GRADIENT = 1e-8
"""How far the optimality conditions may be missed at the end of `turnbull`."""


@dataclass(frozen=True, slots=True)
class MassInterval:
    """An interval (left, right] that holds probability ``mass``; S is ``survival`` at its end.

    A time known exactly is the single point left = right. ``right`` is None for the mass after
    the last time, which is spread nobody knows how. Inside an interval S is undefined: draw a box.
    """

    left: float
    right: float | None
    mass: float
    survival: float


@dataclass(frozen=True, slots=True)
class IntervalMedian:
    """The median lies between ``lower`` and ``upper``; None where it is not reached."""

    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Turnbull:
    """The curve as its mass intervals, ascending; ``gap`` is by how much optimality is missed."""

    intervals: tuple[MassInterval, ...]
    median: IntervalMedian
    n: int
    loglik: float
    gap: float
    method: str = "Turnbull, nonparametric maximum likelihood"
    notes: tuple[Note, ...] = ()

    def survival_at(self, t: float) -> float | None:
        """S at ``t``; None inside a mass interval, where it is undefined."""
        survival = 1.0
        for interval in self.intervals:
            if t >= (math.inf if interval.right is None else interval.right):
                survival = interval.survival
            else:
                return None if t > interval.left else survival
        return survival


def turnbull(left: Numbers, right: Numbers) -> Turnbull:
    """The nonparametric maximum-likelihood estimate of survival from intervals (left, right].

    left: the last time known to be without the event, 0 allowed; right: the first time known to
    be with it, None or NaN where censored at ``left``; left = right where known exactly.
    The Kuhn-Tucker conditions hold to 1e-8 at the result.
    Raises `InvalidArgument` naming the row for a missing or negative left or for left > right.
    Source: Turnbull, JRSS B 38:290-295 (1976); Wang, JRSS B 69:185-198 (2007) for the search.

    >>> fit = turnbull([0, 2, 4], [2, 4, None])
    >>> [(i.left, i.right, round(i.mass, 3)) for i in fit.intervals]
    [(0.0, 2.0, 0.333), (2.0, 4.0, 0.333), (4.0, None, 0.333)]
    """
    starts, ends = check_intervals(left, right)
    lows, highs = _mass_intervals(starts, ends)
    is_exact, is_point = starts == ends, lows == highs
    covers = (lows >= starts[:, None]) & (highs <= ends[:, None])
    # (left, right] leaves its left end out: an exact time there lies outside.
    covers &= ~(is_point & (lows == starts[:, None]) & ~is_exact[:, None])
    covers &= is_point | ~is_exact[:, None]
    mass, gap = _most_likely(covers.astype(np.float64))
    kept = mass > 0
    lows, highs, mass = lows[kept], highs[kept], mass[kept]
    survival = np.maximum(1 - np.cumsum(mass), 0.0)
    survival[-1] = 0.0
    intervals = tuple(
        MassInterval(low, high if math.isfinite(high) else None, weight, rest)
        for low, high, weight, rest in zip(
            lows.tolist(), highs.tolist(), mass.tolist(), survival.tolist(), strict=True
        )
    )
    loglik = float(np.log(covers[:, kept] @ mass).sum())
    median = _median(intervals)
    notes = [] if median.upper is not None else [Note.NOT_REACHED]
    if starts.size == 1:
        notes.append(Note.N_TOO_SMALL)
    return Turnbull(intervals, median, int(starts.size), loglik, gap, notes=tuple(notes))


def check_intervals(left: Numbers, right: Numbers) -> tuple[Floats, Floats]:
    """Left and right ends as floats, right infinite where missing; the row of a fault is named."""
    starts, ends = as_floats("left", left), as_floats("right", right).copy()
    if not starts.size:
        raise InvalidArgument("left", [], "a list of at least one time")
    check_length("right", ends, starts.size)
    bad = np.flatnonzero(~((starts >= 0) & np.isfinite(starts)))
    if bad.size:
        row = int(bad[0])
        valid = "a time of 0 or more, not missing and finite"
        raise InvalidArgument(f"left[{row}]", float(starts[row]), valid)
    ends[np.isnan(ends)] = math.inf
    crossed = np.flatnonzero(starts > ends)
    if crossed.size:
        row = int(crossed[0])
        valid = f"at least left[{row}], {float(starts[row])!r}, or missing"
        raise InvalidArgument(f"right[{row}]", float(ends[row]), valid)
    return starts, ends


def _mass_intervals(starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """The innermost intervals: each left end that is followed at once by a right end."""
    # At one value: exact left ends, then right ends, then left ends that leave the value out.
    rank = np.where(starts == ends, 0, 2)
    marks = sorted(
        {(s, r) for s, r in zip(starts.tolist(), rank.tolist(), strict=True)}
        | {(e, 1) for e in ends.tolist()}
    )
    pairs = [
        (low, high)
        for (low, low_rank), (high, high_rank) in pairwise(marks)
        if low_rank != 1 and high_rank == 1
    ]
    return np.array([low for low, _ in pairs]), np.array([high for _, high in pairs])


def _most_likely(covers: Floats) -> tuple[Floats, float]:
    """Masses that maximise the product over rows of the mass they cover, and the gap left.

    Each round solves the quadratic approximation with masses of at least 0 and sum 1, then goes
    as far along as the likelihood rises.
    """
    from scipy.optimize import nnls

    n, k = covers.shape
    mass = np.full(k, 1 / k)
    gap = math.inf
    for _ in range(500):
        covered = covers @ mass
        gradient = covers.T @ (1 / covered) / n
        gap = float(max(gradient.max() - 1, np.abs(mass * (gradient - 1)).max()))
        if gap <= _GRADIENT / 10:
            break
        slopes = covers / covered[:, None]
        # The heavy last row makes the masses sum to 1 while nnls keeps them from going negative.
        heavy = 1e3 * n
        target = nnls(
            np.vstack((slopes, np.full((1, k), heavy))), np.append(np.full(n, 2.0), heavy)
        )[0]
        target /= target.sum()
        mass = _rising(covers, mass, target, gradient * n)
    return mass, gap


def _rising(covers: Floats, mass: Floats, target: Floats, gradient: Floats) -> Floats:
    """The point on the way to ``target`` that gains a third of what the slope promises."""
    here, promise = float(np.log(covers @ mass).sum()), float(gradient @ (target - mass))
    share = 1.0
    for _ in range(50):
        there = np.maximum(mass + share * (target - mass), 0.0)
        covered = covers @ there
        if covered.min() > 0 and float(np.log(covered).sum()) >= here + share * promise / 3:
            return there
        share /= 2
    # Nothing gained along the way: one step of the EM algorithm always gains.
    return np.asarray(mass * gradient / covers.shape[0])


def _median(intervals: tuple[MassInterval, ...]) -> IntervalMedian:
    before = 1.0
    for k, interval in enumerate(intervals):
        if abs(interval.survival - 0.5) <= 1e-8 and k + 1 < len(intervals):
            return IntervalMedian(interval.right, intervals[k + 1].left)
        if before > 0.5 > interval.survival:
            if interval.right is None:
                return IntervalMedian(None, None)
            return IntervalMedian(interval.left, interval.right)
        before = interval.survival
    return IntervalMedian(None, None)
