"""What every design asks of its arguments, and the error of a search that found nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Real

from scipy.special import ndtri

from onearm.errors import OnearmError
from onearm.stats.arguments import InvalidArgument, check_between, check_count

Prior = tuple[float, float]

MOST_PATIENTS = 2_000
"""The largest trial that is computed: everything stays within seconds up to here."""


class NoDesign(OnearmError):
    """No design within ``n_max`` meets the errors asked for; says what to try next.

    ``best_power`` is the most that a design which keeps the type I error reached at that size,
    None where none keeps it.
    """

    def __init__(
        self,
        what: str,
        n_max: int,
        best_power: float | None,
        try_n: int,
        *,
        most: int = MOST_PATIENTS,
    ) -> None:
        self.n_max, self.best_power, self.try_n = n_max, best_power, try_n
        reached = (
            "no rule of this kind keeps the type I error asked for"
            if best_power is None
            else f"the best power reached is {best_power:.4f}"
        )
        advice = (
            f"Try n_max = {try_n}."
            if try_n <= most
            else f"About {try_n} patients would be needed, and the search goes no further than "
            f"n_max = {most}: allow larger errors, or wish for a larger difference."
        )
        super().__init__(
            f"no {what} with n_max = {n_max} meets the errors asked for; {reached}. {advice}"
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


def check_within(name: str, value: float, low: float, high: float, valid: str) -> float:
    """A number from ``low`` to ``high``, both included; ``valid`` says so in words."""
    if isinstance(value, Real) and low <= value <= high:
        return float(value)
    raise InvalidArgument(name, value, valid)


def check_prior(name: str, prior: Prior) -> Prior:
    """The two numbers of a Beta prior, both above 0 and at most a million."""
    is_pair = isinstance(prior, Sequence) and len(prior) == 2
    if is_pair and all(isinstance(part, Real) and 0 < part <= 1e6 for part in prior):
        return (float(prior[0]), float(prior[1]))
    valid = "two numbers above 0, the a and b of Beta(a, b), neither above a million"
    raise InvalidArgument(name, prior, valid)


def check_patients(
    name: str, value: int, *, low: int = 1, high: int | None = None, most: int = MOST_PATIENTS
) -> int:
    """A number of patients from ``low`` to ``high``, and to no more than ``most``."""
    return check_count(name, value, low=low, high=most if high is None else min(high, most))


def check_scaled(name: str, value: float) -> float:
    """A time or a rate above 0 that no sensible unit puts beyond a billion or its inverse."""
    return check_between(name, value, 1e-9, 1e9)


def check_time(name: str, value: float) -> float:
    """A time of 0 or more, finite."""
    if isinstance(value, Real) and 0 <= value < math.inf:
        return float(value)
    raise InvalidArgument(name, value, "a time of 0 or more")


def check_looks(looks: Sequence[int], *, name: str = "looks") -> tuple[int, ...]:
    """Numbers of patients at the looks: at least one look, each later than the one before."""
    if not isinstance(looks, Iterable) or isinstance(looks, str):
        raise InvalidArgument(name, looks, "a list of numbers of patients")
    sizes = tuple(check_patients(f"{name}[{place}]", size) for place, size in enumerate(looks))
    if not sizes:
        raise InvalidArgument(name, [], "a list of at least one look")
    for place, (before, after) in enumerate(pairwise(sizes), start=1):
        if after <= before:
            valid = f"above the look before it ({before}); looks must increase"
            raise InvalidArgument(f"{name}[{place}]", after, valid)
    return sizes


def near_limit(n: int, n_max: int) -> tuple[str, ...]:
    """The remark that an optimum lies so near the end of the search that a better may follow."""
    if n <= n_max - 10:
        return ()
    return (f"the optimum lies within 10 of n_max = {n_max}: search further",)


def size_to_try(p0: float, p1: float, alpha: float, beta: float, n_max: int) -> int:
    """A limit worth trying after a search up to ``n_max`` failed: the normal size and a margin."""
    spread = -ndtri(alpha) * math.sqrt(p0 * (1 - p0)) - ndtri(beta) * math.sqrt(p1 * (1 - p1))
    normal = min(float(spread / max(p1 - p0, 1e-6)) ** 2, 1e12)
    return max(math.ceil(1.15 * normal) + 10, n_max + 10)
