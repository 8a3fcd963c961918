"""One proportion, responders of patients: the list of intervals, an estimate, the exact test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from onearm.stats.arguments import check_between, check_choice, check_count
from onearm.stats.binomial_limits import (
    Limits,
    agresti_coull,
    blaker,
    clopper_pearson,
    exact_lower,
    jeffreys,
    jeffreys_raw,
    midp,
    student,
    wald,
    wilson,
    wilson_corrected,
)
from onearm.stats.blaker import upper_tail
from onearm.stats.notes import Note, Sides


@dataclass(frozen=True, slots=True)
class Interval:
    """One kind of confidence interval for a proportion: a line of `INTERVALS`."""

    name: str
    title: str
    function: Callable[[int, int, float], Limits]
    source: str
    is_reportable: bool = True

    def limits(self, x: int, n: int, level: float) -> Limits:
        """Two-sided limits for ``x`` of ``n`` at ``level`` (0 to 1, both excluded).

        Raises `InvalidArgument` for a count, a size or a level that cannot be.
        """
        n = check_count("n", n, low=1)
        return self.function(check_count("x", x, high=n), n, check_between("level", level))


INTERVALS = {
    interval.name: interval
    for interval in (
        Interval("exact", "Clopper-Pearson", clopper_pearson, "Biometrika 26:404-413 (1934)"),
        Interval("wilson", "Wilson score", wilson, "JASA 22:209-212 (1927)"),
        Interval(
            "wilson_cc",
            "Wilson score with continuity correction",
            wilson_corrected,
            "Statistics in Medicine 17:857-872 (1998)",
        ),
        Interval("blaker", "Blaker", blaker, "Canadian Journal of Statistics 28:783-798 (2000)"),
        Interval("midp", "mid-P", midp, "The Statistician 44:417-423 (1995)"),
        Interval(
            "jeffreys",
            "Jeffreys, ends set to 0 and 1",
            jeffreys,
            "Statistical Science 16:101-133 (2001)",
        ),
        Interval(
            "agresti_coull",
            "Agresti-Coull",
            agresti_coull,
            "The American Statistician 52:119-126 (1998)",
        ),
        Interval(
            "jeffreys_raw",
            "Jeffreys, ends as they come",
            jeffreys_raw,
            "Statistical Science 16:101-133 (2001)",
            is_reportable=False,
        ),
        Interval(
            "wald", "Wald", wald, "Statistical Science 16:101-133 (2001)", is_reportable=False
        ),
        Interval("t", "Student's t", student, "Biometrika 6:1-25 (1908)", is_reportable=False),
    )
}


@dataclass(frozen=True, slots=True)
class Proportion:
    """``x`` of ``n`` with two-sided limits; ``estimate``, ``lower`` and ``upper`` run 0 to 1."""

    x: int
    n: int
    estimate: float
    lower: float
    upper: float
    method: str
    title: str
    level: float
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def proportion(x: int, n: int, *, level: float = 0.95, method: str = "exact") -> Proportion:
    """The proportion ``x`` of ``n`` with the limits of one of `INTERVALS`.

    Raises `InvalidArgument` if n < 1, x is not an integer from 0 to n, the level does not lie
    between 0 and 1, or the method is unknown. Fewer than 5 patients carry the note `n_too_small`.

    >>> orr = proportion(12, 50)
    >>> orr.estimate, round(orr.lower, 3), round(orr.upper, 3)
    (0.24, 0.131, 0.382)
    """
    interval = INTERVALS[check_choice("method", method, list(INTERVALS))]
    low, high = interval.limits(x, n, level)
    notes = (Note.N_TOO_SMALL,) if n < 5 else ()
    return Proportion(
        int(x), int(n), x / n, low, high, interval.name, interval.title, float(level), notes=notes
    )


@dataclass(frozen=True, slots=True)
class OneSidedLimit:
    """One exact limit for ``x`` of ``n`` that holds with probability ``level`` on its side."""

    x: int
    n: int
    estimate: float
    limit: float
    side: Literal["lower", "upper"]
    level: float
    method: str = "exact"
    title: str = "Clopper-Pearson, one-sided"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()


def one_sided_limit(
    x: int, n: int, *, level: float = 0.95, side: Literal["lower", "upper"] = "lower"
) -> OneSidedLimit:
    """The exact one-sided limit at ``level``, which is one-sided here.

    Raises `InvalidArgument` as `proportion` does, and for a side other than lower and upper.
    Source: Clopper and Pearson, Biometrika 26:404-413 (1934).

    >>> round(one_sided_limit(0, 50, side="upper").limit, 3)
    0.058
    """
    check_choice("side", side, ["lower", "upper"])
    n = check_count("n", n, low=1)
    x = check_count("x", x, high=n)
    tail = 1 - check_between("level", level)
    limit = exact_lower(x, n, tail) if side == "lower" else 1 - exact_lower(n - x, n, tail)
    return OneSidedLimit(x, n, x / n, limit, side, level)


@dataclass(frozen=True, slots=True)
class ExactTest:
    """The one-sided exact test of p <= p0; small ``p_value`` speaks for a higher rate."""

    x: int
    n: int
    p0: float
    p_value: float
    method: str = "exact binomial"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()


def exact_test(x: int, n: int, *, p0: float) -> ExactTest:
    """P(X >= x) for X ~ Binomial(n, p0): the one-stage test; never for a two-stage design.

    Raises `InvalidArgument` for a count or size that cannot be or p0 outside (0, 1).
    Source: statistics of one binomial; A'Hern, Statistics in Medicine 20:859-866 (2001).

    >>> round(exact_test(8, 40, p0=0.10).p_value, 3)
    0.042
    """
    n = check_count("n", n, low=1)
    x = check_count("x", x, high=n)
    p0 = check_between("p0", p0)
    return ExactTest(x, n, p0, upper_tail(x, n, p0))
