"""One stage, exact: how many patients, how many responders, and what a given size can show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_hypotheses,
    check_patients,
    check_rate,
    check_share,
    size_to_try,
)
from onearm.design.binomial import at_least
from onearm.stats.arguments import check_between, check_count
from onearm.stats.notes import Note, Sides
from onearm.stats.roots import root_between

MOST_IN_ONE_STAGE = 20_000
"""The largest ``n_max`` of the search in one stage."""

SOURCE = "A'Hern, Statistics in Medicine 20:859-866 (2001)"


@dataclass(frozen=True, slots=True)
class OneStage:
    """``n`` patients; the drug is promising with more than ``r`` responders.

    ``alpha`` and ``power`` are attained, exact and one-sided; ``power`` is at ``p1``.
    """

    n: int
    r: int
    p0: float
    p1: float
    alpha: float
    power: float
    method: str = "exact one-stage"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def needs(self) -> int:
        """The fewest responders that make the drug promising."""
        return self.r + 1

    def reject(self, p: float) -> float:
        """P(more than r responders) at the true rate ``p`` (0 to 1)."""
        return float(at_least(self.needs, self.n, check_rate("p", p)))

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        return (
            f"{self.n} patients are treated; the treatment is considered promising if at least "
            f"{self.needs} of {self.n} respond. The exact one-sided type I error at a response "
            f"rate of {self.p0:.1%} is {self.alpha:.4f} and the power at {self.p1:.1%} is "
            f"{self.power:.4f} (exact binomial test; {self.source})."
        )


@dataclass(frozen=True, slots=True)
class OneStageSearch:
    """The first size that has the power, and the first from which every larger size has it."""

    first: OneStage
    stable: OneStage
    alpha_max: float
    beta_max: float
    n_max: int

    def sentence(self) -> str:
        """The first design, and the size from which the power no longer falls below."""
        return (
            f"{self.first.sentence()} Power is a saw in the number of patients; from "
            f"{self.stable.n} patients on (at least {self.stable.needs} responders) every size "
            f"keeps both errors."
        )


def one_stage(
    *, p0: float, p1: float, alpha: float = 0.05, beta: float = 0.2, n_max: int = 500
) -> OneStageSearch:
    """The smallest exact one-stage design, with its stable size.

    For each n the cut is the smallest r with P(X > r | p0) <= alpha; ``first`` is the first n
    with P(X > r | p1) >= 1 - beta. ``stable`` was checked up to three times its size plus 100
    and may lie above ``n_max``. Raises `InvalidArgument` for rates or errors that cannot be, and
    `NoDesign` where no n up to ``n_max`` has the power.
    Source: A'Hern, Statistics in Medicine 20:859-866 (2001).

    >>> found = one_stage(p0=0.10, p1=0.25)
    >>> found.first.needs, found.first.n, found.stable.n
    (8, 40, 44)
    """
    check_hypotheses(p0, p1)
    check_errors(alpha, beta)
    n_max = check_patients("n_max", n_max, most=MOST_IN_ONE_STAGE)
    best = 0.0
    for n, r in _cuts(p0, alpha, n_max):
        power = float(at_least(r + 1, n, p1))
        best = max(best, power)
        if power >= 1 - beta:
            first = one_stage_at(n, p0=p0, p1=p1, alpha=alpha)
            stable = one_stage_at(_stable(n, p0, p1, alpha, beta), p0=p0, p1=p1, alpha=alpha)
            return OneStageSearch(first, stable, alpha, beta, n_max)
    to_try = size_to_try(p0, p1, alpha, beta, n_max)
    raise NoDesign("one-stage design", n_max, best, to_try, most=MOST_IN_ONE_STAGE)


def one_stage_at(n: int, *, p0: float, p1: float, alpha: float = 0.05) -> OneStage:
    """Given ``n``: the smallest cut that keeps ``alpha``, with what it attains.

    With very few patients the cut can be n: nobody can then be declared promising.
    """
    n = check_patients("n", n, most=MOST_IN_ONE_STAGE)
    check_hypotheses(p0, p1)
    check_share("alpha", alpha)
    r = smallest_cut(n, p0, alpha)
    return OneStage(n, r, p0, p1, float(at_least(r + 1, n, p0)), float(at_least(r + 1, n, p1)))


def one_stage_design(n: int, r: int, *, p0: float, p1: float) -> OneStage:
    """The design that calls more than ``r`` of ``n`` promising, with what it attains."""
    n = check_patients("n", n, most=MOST_IN_ONE_STAGE)
    r = check_count("r", r, high=n - 1)
    check_hypotheses(p0, p1)
    return OneStage(n, r, p0, p1, float(at_least(r + 1, n, p0)), float(at_least(r + 1, n, p1)))


def detectable_rate(n: int, needs: int, *, power: float = 0.8) -> float:
    """The true rate at which at least ``needs`` of ``n`` respond with probability ``power``.

    >>> round(detectable_rate(40, 8, power=0.8), 3)
    0.245
    """
    n = check_patients("n", n, most=MOST_IN_ONE_STAGE)
    needs = check_count("needs", needs, low=1, high=n)
    power = check_between("power", power)
    return root_between(lambda p: float(at_least(needs, n, p)) - power, 0.0, 1.0)


def smallest_cut(n: int, p0: float, alpha: float) -> int:
    """The smallest r with P(X > r | n, p0) <= alpha, compared without slack; at most n."""
    tails = at_least(np.arange(1, n + 2), n, p0)
    return int(np.argmax(tails <= alpha))


def _cuts(p0: float, alpha: float, n_max: float) -> Iterator[tuple[int, int]]:
    """Each n from 1 with its smallest cut, which stays or grows by one from n to n + 1."""
    n = r = 0
    while n < n_max:
        n += 1
        while at_least(r + 1, n, p0) > alpha:
            r += 1
        yield n, r


def _stable(first: int, p0: float, p1: float, alpha: float, beta: float) -> int:
    """The size after the last that fails; the teeth of the saw shrink as n grows."""
    stable = first
    for n, r in _cuts(p0, alpha, math.inf):
        if n > 3 * stable + 100:
            break
        if n > first and at_least(r + 1, n, p1) < 1 - beta:
            stable = n + 1
    return stable
