"""Boundaries for stopping a trial for toxicity: Bayesian, Pocock-type, and crossing-probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, ndtr, ndtri

from onearm.design.arguments import (
    Prior,
    check_hypotheses,
    check_looks,
    check_prior,
    check_share,
    check_within,
)
from onearm.design.binomial import Counts, at_least
from onearm.design.counting import Bounds, Walk, walk
from onearm.stats.arguments import (
    Booleans,
    Floats,
    check_between,
    check_choice,
)
from onearm.stats.notes import Note, Sides


@dataclass(frozen=True, slots=True)
class ToxicityRule:
    """Stop when at least ``stop_at[i]`` of ``looks[i]`` patients have the event; None: never.

    ``every_n`` is the same boundary for every number of patients from the first look to the
    last, as (patients, events). ``level`` is the posterior cut-off or the pointwise level.
    """

    looks: tuple[int, ...]
    stop_at: tuple[int | None, ...]
    every_n: tuple[tuple[int, int | None], ...]
    limit: float
    level: float
    words: str
    method: str
    source: str
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()

    def operating(self, p: float) -> Walk:
        """Exact behaviour at the true event rate ``p``: `Walk.stop_high` is P(ever stop)."""
        return walk(self.looks, (None,) * len(self.looks), self.stop_at, p)

    def sentence(self) -> str:
        """The boundary for a protocol."""
        steps = ", ".join(
            f"{k}/{n}" for n, k in zip(self.looks, self.stop_at, strict=True) if k is not None
        )
        if not steps:
            return f"No number of events at these looks stops the trial ({self.words})."
        return (
            f"The trial stops for toxicity if the number of patients with the event reaches "
            f"{steps} ({self.words}). If the true rate is {self.limit:.1%}, the exact probability "
            f"of ever stopping is {self.operating(self.limit).stop_high:.3f} ({self.source})."
        )


def bayesian_toxicity(
    *, limit: float, prior: Prior, cutoff: float, looks: Sequence[int]
) -> ToxicityRule:
    """Stop if P(rate > ``limit`` | data) > ``cutoff``, under a Beta ``prior``.

    ``looks``: numbers of patients, increasing. Raises `InvalidArgument` otherwise, for a limit or
    cut-off outside (0, 1), or a prior that is not two numbers above 0.

    >>> rule = bayesian_toxicity(limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=(10, 20, 30))
    >>> rule.stop_at
    (5, 8, 11)
    """
    check_between("limit", limit)
    check_between("cutoff", cutoff)
    a, b = check_prior("prior", prior)
    sizes = check_looks(looks)

    def stop_at(n: int) -> int | None:
        return _first(posterior_above(limit, np.arange(n + 1), n, (a, b)) > cutoff)

    words = f"P(rate > {limit:.1%} | data) > {cutoff:g}, prior Beta({a:g}, {b:g})"
    source = "Thall and Simon, Biometrics 50:337-349 (1994)"
    return _rule(sizes, stop_at, limit, cutoff, words, "Bayesian toxicity", source)


def pocock_toxicity(*, rate: float, cross: float, looks: Sequence[int]) -> ToxicityRule:
    """One pointwise level at all looks, the largest with P(ever cross | ``rate``) <= ``cross``.

    Stop with k of n events if P(X >= k | n, rate) is at most the level.

    >>> pocock_toxicity(rate=0.2, cross=0.05, looks=range(1, 51)).stop_at[:6]
    (None, None, 3, 4, 4, 5)
    """
    check_between("rate", rate)
    check_share("cross", cross)
    sizes = check_looks(looks)
    scores = {n: _tails(n, rate) for n in range(sizes[0], sizes[-1] + 1)}
    level, _ = _turn(scores, sizes, lambda bounds: _ever(sizes, bounds, rate) <= cross)
    words = f"Pocock-type boundary, P(ever stop) at most {cross:g} at a rate of {rate:.1%}"
    source = "Ivanova, Qaqish and Schell, Biometrics 61:540-545 (2005)"
    return _rule(
        sizes,
        lambda n: _stops_at(scores[n], level),
        rate,
        max(level, 0.0),
        words,
        "Pocock-type toxicity",
        source,
    )


@dataclass(frozen=True, slots=True)
class CrossingBoundaries:
    """Two neighbouring boundaries of one family: ``late`` stops a little later than ``early``.

    By priority ``null``, ``late`` crosses with at most the probability allowed at the low rate
    and ``early`` with more; by priority ``alt``, ``early`` crosses with at least the probability
    wished at the high rate and ``late`` with less. ``early`` is None where no boundary is.
    """

    early: ToxicityRule | None
    late: ToxicityRule | None


def crossing_toxicity(
    *,
    low: float,
    high: float,
    looks: Sequence[int],
    cross_low: float = 0.1,
    cross_high: float = 0.9,
    delta: float = 0.0,
    priority: str = "null",
) -> CrossingBoundaries:
    """Boundaries of Wang and Tsiatis' shape between two event rates.

    ``delta``: 0 Pocock, 0.5 O'Brien-Fleming. At look n, stop with k events if the normal score of
    P(X >= k | n, low) is at least c (N / n)^delta; c is chosen exactly among all that matter.
    ``priority``: ``null`` keeps P(ever cross | low) <= ``cross_low``, ``alt`` seeks
    P(ever cross | high) >= ``cross_high``.

    >>> crossing_toxicity(low=0.2, high=0.35, looks=(10, 20, 30, 40, 50)).late.stop_at
    (5, 8, 11, 13, 16)
    """
    check_hypotheses(low, high)
    check_between("cross_low", cross_low)
    check_between("cross_high", cross_high)
    check_within("delta", delta, 0, 0.5, "a number from 0 (Pocock) to 0.5 (O'Brien-Fleming)")
    check_choice("priority", priority, ("null", "alt"))
    sizes = check_looks(looks)
    scores = {n: _shaped(n, low, sizes[-1], delta) for n in range(sizes[0], sizes[-1] + 1)}

    def is_late(bounds: Bounds) -> bool:
        if priority == "null":
            return _ever(sizes, bounds, low) <= cross_low
        return _ever(sizes, bounds, high) < cross_high

    def rule(level: float) -> ToxicityRule | None:
        if level in (-1.0, np.inf):
            return None
        wish = (
            f"P(ever stop) near {cross_low:g} at a rate of {low:.1%}"
            if priority == "null"
            else f"P(ever stop) near {cross_high:g} at a rate of {high:.1%}"
        )
        return _rule(
            sizes,
            lambda n: _stops_at(scores[n], level),
            low,
            level,
            f"shape delta = {delta:g}, {wish}",
            "crossing-probability toxicity",
            "Ivanova, Qaqish and Schell, Biometrics 61:540-545 (2005); "
            "Wang and Tsiatis, Biometrics 43:193-199 (1987)",
        )

    late, early = _turn(scores, sizes, is_late)
    return CrossingBoundaries(rule(early), rule(late))


def _shaped(n: int, rate: float, last: int, delta: float) -> Floats:
    """The tail probabilities, each moved by the shape so that one level serves all looks."""
    tails = _tails(n, rate)
    if delta == 0:
        return tails
    # A count that is no more than expected never stops; a score of 1 is above every level.
    moved = ndtr(ndtri(np.minimum(tails, 0.5)) / (last / n) ** delta)
    return np.where(tails < 0.5, moved, 1.0)


def _turn(
    scores: dict[int, Floats], looks: tuple[int, ...], is_late: Callable[[Bounds], bool]
) -> tuple[float, float]:
    """The largest level whose boundary is late enough, and the next level above it.

    -1 stands for no level (nothing ever stops), infinity for none above.
    """
    levels = np.unique(np.concatenate([scores[n][1:] for n in looks]))
    first, last = -1, levels.size
    while last - first > 1:
        middle = (first + last) // 2
        bounds = tuple(_stops_at(scores[n], float(levels[middle])) for n in looks)
        first, last = (middle, last) if is_late(bounds) else (first, middle)
    late = float(levels[first]) if first >= 0 else -1.0
    return late, float(levels[last]) if last < levels.size else np.inf


def _stops_at(scores: Floats, level: float) -> int | None:
    return _first(scores <= level)


def _ever(looks: tuple[int, ...], bounds: Bounds, rate: float) -> float:
    return walk(looks, (None,) * len(looks), bounds, rate).stop_high


def posterior_above(limit: float | Floats, x: Counts, n: int, prior: Prior) -> Floats:
    """P(rate > ``limit``) after ``x`` events of ``n``, an upper tail; the arrays are broadcast."""
    a, b = prior
    tail: Floats = betainc(b + n - x, a + x, 1.0 - limit)
    return tail


def _rule(
    looks: tuple[int, ...],
    stop_at: Callable[[int], int | None],
    limit: float,
    level: float,
    words: str,
    method: str,
    source: str,
) -> ToxicityRule:
    every = tuple((n, stop_at(n)) for n in range(looks[0], looks[-1] + 1))
    chosen = dict(every)
    at_looks = tuple(chosen[n] for n in looks)
    return ToxicityRule(looks, at_looks, every, limit, level, words, method, source)


def _first(stops: Booleans) -> int | None:
    """The smallest count that stops; None where no count can."""
    return int(np.argmax(stops)) if stops.any() else None


def _tails(n: int, rate: float) -> Floats:
    return at_least(np.arange(n + 1), n, rate)
