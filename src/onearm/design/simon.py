"""The search for Simon's designs: optimal, minimax, what lies between, the best at a given n."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_hypotheses,
    check_patients,
    check_share,
    near_limit,
    size_to_try,
)
from onearm.design.searching import SLACK, Tables
from onearm.design.twostage import TwoStage, two_stage
from onearm.stats.arguments import Floats

MOST_SEARCHED = 1_000
"""The largest ``n_max`` of the search, which takes seconds there."""


@dataclass(frozen=True, slots=True)
class Admissible:
    """A design that is best when n weighs q and EN0 weighs 1 - q, for q from low to high."""

    design: TwoStage
    q_low: float
    q_high: float


@dataclass(frozen=True, slots=True)
class SimonSearch:
    """What a search found; ``admissible`` runs from the minimax to the optimal design."""

    optimal: TwoStage
    minimax: TwoStage
    admissible: tuple[Admissible, ...]
    alpha_max: float
    beta_max: float
    n_max: int

    def sentence(self) -> str:
        """The optimal design for a protocol."""
        return self.optimal.sentence()


@dataclass(frozen=True, slots=True)
class _Cuts:
    """One candidate: its cuts, sizes and expected size under p0."""

    r1: int
    n1: int
    r: int
    n: int
    en0: float


def _best(tables: Tables, n: int, limit: float) -> _Cuts | None:
    """The design with ``n`` patients whose expected size is least and below ``limit``."""
    n1 = np.flatnonzero(tables.bounds(n) < limit) + 1
    found: _Cuts | None = None
    # Below the limit across sizes, but up to it among cuts: of two cuts the smaller one wins.
    limit = float(np.nextafter(limit, 0.0))
    for r in range(min(int(tables.most_r[n]), n - 1), -1, -1):
        alphas, powers = tables.reject(n, n1, r)
        # A lower cut or a lower r1 only raises alpha: an n1 that fails here is out for good.
        alive = alphas[np.arange(n1.size), np.clip(tables.most_r1[n1], 0, r)] <= tables.alpha
        if not alive.any():
            break
        n1, alphas, powers = n1[alive], alphas[alive], powers[alive]
        en0 = n1[:, None] + (n - n1[:, None]) * tables.tail0[n1, 1 : r + 2]
        good = (alphas <= tables.alpha) & (powers >= 1 - tables.beta)
        good &= np.arange(r + 1)[None, :] < n1[:, None]
        en0 = np.where(good & (en0 <= limit), en0, np.inf)
        row, col = np.unravel_index(np.argmin(en0), en0.shape)
        if np.isfinite(en0[row, col]):
            limit = float(en0[row, col])
            found = _Cuts(int(col), int(n1[row]), r, n, limit)
    return found


def simon(
    *, p0: float, p1: float, alpha: float = 0.05, beta: float = 0.2, n_max: int = 200
) -> SimonSearch:
    """Simon's optimal and minimax designs and the admissible ones between them.

    optimal: least EN(p0) up to ``n_max``; minimax: least n, then least EN(p0). Ties go to the
    smaller n, then n1, then r1. Errors are one-sided and compared without slack; the futility
    stop is binding. A remark says when the optimum lies within 10 of ``n_max``. Raises
    `InvalidArgument` for rates or errors that cannot be, `NoDesign` where there is no design.
    Source: Simon, Controlled Clinical Trials 10:1-10 (1989); admissible: Jung and others,
    Statistics in Medicine 23:561-569 (2004).

    >>> found = simon(p0=0.10, p1=0.25, alpha=0.05, beta=0.15)
    >>> found.optimal.r1, found.optimal.n1, found.optimal.r, found.optimal.n
    (2, 20, 8, 50)
    """
    check_hypotheses(p0, p1)
    check_errors(alpha, beta)
    n_max = check_patients("n_max", n_max, low=2, most=MOST_SEARCHED)
    steps = list(_improvements(p0, p1, alpha, beta, n_max))
    if not steps:
        best = most_power(p0, p1, alpha, n_max)
        to_try = size_to_try(p0, p1, alpha, beta, n_max)
        raise NoDesign("two-stage design", n_max, best, to_try, most=MOST_SEARCHED)
    minimax = _design(steps[0], p0, p1, "minimax")
    optimal = _design(steps[-1], p0, p1, "optimal")
    optimal = replace(optimal, remarks=near_limit(optimal.n, n_max))
    hull = tuple(
        Admissible(_design(cuts, p0, p1, "admissible"), low, high)
        for cuts, low, high in _weighted(_lower_hull(steps))
    )
    return SimonSearch(optimal, minimax, hull, alpha, beta, n_max)


def _improvements(p0: float, p1: float, alpha: float, beta: float, n_max: int) -> Iterator[_Cuts]:
    """The best design of each n that beats every smaller n, from the minimax to the optimal."""
    tables = Tables(p0, p1, alpha, beta, min(n_max, 64))
    limit = np.inf
    for n in range(2, n_max + 1):
        if n > tables.size:
            tables = Tables(p0, p1, alpha, beta, min(n_max, 2 * tables.size))
        if tables.bounds(n).min() >= limit + SLACK:
            return
        found = _best(tables, n, limit) if tables.is_possible(n) else None
        if found is not None:
            limit = found.en0
            yield found


def _design(cuts: _Cuts, p0: float, p1: float, kind: str) -> TwoStage:
    return two_stage(r1=cuts.r1, n1=cuts.n1, r=cuts.r, n=cuts.n, p0=p0, p1=p1, kind=kind)


def _lower_hull(steps: list[_Cuts]) -> list[_Cuts]:
    """The corners of the lower convex hull of (n, EN0), from the minimax to the optimal."""
    hull: list[_Cuts] = []
    for step in steps:
        # Three on one line are all admissible; the middle one at a single weight.
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) > _slope(hull[-2], step) + SLACK:
            hull.pop()
        hull.append(step)
    return hull


def _slope(a: _Cuts, b: _Cuts) -> float:
    return (b.en0 - a.en0) / (b.n - a.n)


def _weighted(hull: list[_Cuts]) -> Iterator[tuple[_Cuts, float, float]]:
    """Each corner with the weights of n for which it is best; the minimax holds up to 1."""
    high = 1.0
    for place, cuts in enumerate(hull):
        low = 0.0
        if place + 1 < len(hull):
            gain, cost = cuts.en0 - hull[place + 1].en0, hull[place + 1].n - cuts.n
            low = gain / (gain + cost)
        yield cuts, low, high
        high = low


def simon_at(
    n: int, *, p0: float, p1: float, alpha: float = 0.05, beta: float = 0.5
) -> tuple[TwoStage, ...]:
    """Given ``n``: every two-stage design with no rival better in both power and EN(p0).

    From the most power to the least expected size; designs with power below 1 - beta are left
    out. For each (n1, r1) the cut is the smallest that keeps ``alpha``. Raises `NoDesign` where
    none has that power.

    >>> simon_at(50, p0=0.10, p1=0.25, beta=0.15)[-1].r1
    2
    """
    check_hypotheses(p0, p1)
    check_share("alpha", alpha)
    check_share("beta", beta)
    n = check_patients("n", n, low=2, most=MOST_SEARCHED)
    r, power, en0 = _at_size(n, p0, p1, alpha)
    order = np.lexsort((en0.ravel(), -power.ravel()))
    designs: list[TwoStage] = []
    least = np.inf
    for row, col in zip(*np.unravel_index(order, power.shape), strict=True):
        if power[row, col] < 1 - beta:
            break
        if en0[row, col] < least:
            least = float(en0[row, col])
            cuts = _Cuts(int(col), int(row) + 1, int(r[row, col]), n, least)
            designs.append(_design(cuts, p0, p1, f"best for n = {n}"))
    if not designs:
        best = float(power.max())
        reached = best if best >= 0 else None
        to_try = size_to_try(p0, p1, alpha, beta, n)
        raise NoDesign(f"two-stage design of {n} patients", n, reached, to_try, most=MOST_SEARCHED)
    return tuple(designs)


def _at_size(
    n: int, p0: float, p1: float, alpha: float
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """The cut, the power and EN(p0) of each n1 = 1..n-1 (rows) and r1 (columns); power -1: none."""
    tables = Tables(p0, p1, alpha, 0.5, n)
    n1 = np.arange(1, n)
    most = min(int(np.argmax(tables.tail0[n, 1:] <= alpha)), n - 1)
    cut = np.full((n1.size, most + 1), -1)
    power = np.full(cut.shape, -1.0)
    for r in range(most, -1, -1):
        alphas, powers = tables.reject(n, n1, r)
        good = (alphas <= alpha) & (np.arange(r + 1) < n1[:, None])
        cut[:, : r + 1][good] = r
        power[:, : r + 1][good] = powers[good]
    en0 = n1[:, None] + (n - n1[:, None]) * tables.tail0[n1, 1 : most + 2]
    return cut, power, en0


def most_power(p0: float, p1: float, alpha: float, n_max: int) -> float | None:
    """The most power of any two-stage design that keeps alpha, among the ten largest sizes."""
    sizes = range(max(2, n_max - 10), n_max + 1)
    best = max(float(_at_size(n, p0, p1, alpha)[1].max()) for n in sizes)
    return best if best >= 0 else None
