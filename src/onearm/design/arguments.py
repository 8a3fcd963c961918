"""What every design asks of its arguments, and the error of a search that found nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real

from scipy.special import ndtri

from onearm.errors import OnearmError
from onearm.stats.arguments import InvalidArgument, check_between, check_count

Prior = tuple[float, float]


class NoDesign(OnearmError):
    """No design within ``n_max`` meets the errors asked for; says what to try next.

    ``best_power`` is the most that a design which keeps the type I error reached at that size,
    None where none keeps it.
    """

    def __init__(self, what: str, n_max: int, best_power: float | None, try_n: int) -> None:
        self.n_max, self.best_power, self.try_n = n_max, best_power, try_n
        reached = (
            "no rule of this kind keeps the type I error asked for"
            if best_power is None
            else f"the best power reached is {best_power:.4f}"
        )
        super().__init__(
            f"no {what} with n_max = {n_max} meets the errors asked for; {reached}. "
            f"Try n_max = {try_n}."
        )


def check_hypotheses(p0: float, p1: float) -> None:
    """Both rates inside (0, 1), and p1 above p0."""
    check_between("p0", p0)
    check_between("p1", p1)
    if p1 <= p0:
        raise InvalidArgument("p1", p1, f"a rate above p0 = {p0:g}: p1 must exceed p0")


def check_errors(alpha: float, beta: float, *, names: tuple[str, str] = ("alpha", "beta")) -> None:
    """Both errors inside (0, ½], their sum below 1. ``alpha`` is one-sided."""
    for name, value in zip(names, (alpha, beta), strict=True):
        check_share(name, value)
    if alpha + beta >= 1:
        raise InvalidArgument(
            f"{names[0]} + {names[1]}", alpha + beta, "below 1, or the trial tells nothing"
        )


def check_share(name: str, value: float) -> float:
    """An error probability: above 0 and at most ½."""
    if isinstance(value, Real) and 0 < value <= 0.5:
        return float(value)
    raise InvalidArgument(name, value, "a number above 0 and at most 0.5")


def check_rate(name: str, value: float) -> float:
    """A rate from 0 to 1, both included."""
    if isinstance(value, Real) and 0 <= value <= 1:
        return float(value)
    raise InvalidArgument(name, value, "a rate from 0 to 1")


def check_prior(name: str, prior: Prior) -> Prior:
    """The two numbers of a Beta prior, both above 0 and finite."""
    is_pair = isinstance(prior, Sequence) and len(prior) == 2
    if is_pair and all(isinstance(part, Real) and 0 < part < math.inf for part in prior):
        return (float(prior[0]), float(prior[1]))
    raise InvalidArgument(name, prior, "two numbers above 0, the a and b of Beta(a, b)")


def check_time(name: str, value: float) -> float:
    """A time of 0 or more, finite."""
    if isinstance(value, Real) and 0 <= value < math.inf:
        return float(value)
    raise InvalidArgument(name, value, "a time of 0 or more")


def check_looks(looks: Sequence[int], *, name: str = "looks") -> tuple[int, ...]:
    """Numbers of patients at the looks: at least one look, each later than the one before."""
    sizes = tuple(check_count(f"{name}[{place}]", size, low=1) for place, size in enumerate(looks))
    if not sizes:
        raise InvalidArgument(name, [], "a list of at least one look")
    for place, (before, after) in enumerate(pairwise(sizes), start=1):
        if after <= before:
            valid = f"above the look before it ({before}); looks must increase"
            raise InvalidArgument(f"{name}[{place}]", after, valid)
    return sizes


def size_to_try(p0: float, p1: float, alpha: float, beta: float, n_max: int) -> int:
    """A limit worth trying after a search up to ``n_max`` failed: the normal size and a margin."""
    spread = -ndtri(alpha) * math.sqrt(p0 * (1 - p0)) - ndtri(beta) * math.sqrt(p1 * (1 - p1))
    normal = float(spread / (p1 - p0)) ** 2
    return max(math.ceil(1.15 * normal) + 10, n_max + 10)
