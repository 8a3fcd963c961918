"""A median against a null with exponential times: how many events, how much follow-up, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from scipy.special import chdtrc, chdtri

from onearm.design.arguments import NoDesign, check_errors, check_patients, check_share
from onearm.design.forecast import expected_events
from onearm.design.timetoevent import Accrual
from onearm.stats.arguments import InvalidArgument, check_between
from onearm.stats.notes import Note, Sides

SOURCE = "Epstein and Sobel, JASA 48:486-502 (1953)"


@dataclass(frozen=True, slots=True)
class ExponentialDesign:
    """Promising if the total follow-up at the ``events``-th event exceeds ``total_time``.

    ``alpha`` and ``power`` are exact for exponential times and an analysis at that event;
    ``alpha`` is attained in full. ``n`` patients are expected to have that many events at the
    wished median by the end of follow-up. Times have the unit of the medians.
    """

    events: int
    total_time: float
    n: int
    null_median: float
    wished_median: float
    accrual: Accrual
    alpha: float
    power: float
    method: str = "exponential median, fixed number of events"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()

    @property
    def accrual_time(self) -> float:
        """Time until the last patient has entered."""
        return self.n / self.accrual.rate

    @property
    def median_needed(self) -> float:
        """The smallest observed median, ln 2 x total follow-up / events, that is promising."""
        return self.total_time * math.log(2) / self.events

    def reject(self, median: float) -> float:
        """P(promising) at the true ``median``."""
        check_between("median", median, 0.0, math.inf)
        return float(chdtrc(2 * self.events, 2 * math.log(2) * self.total_time / median))

    def limits(self, total_time: float, *, level: float = 0.95) -> tuple[float, float]:
        """Two-sided exact limits of the median after ``events`` events in ``total_time``."""
        check_between("total_time", total_time, 0.0, math.inf)
        tail = (1 - check_between("level", level)) / 2
        twice = 2 * math.log(2) * total_time
        return (
            twice / float(chdtri(2 * self.events, tail)),
            twice / float(chdtri(2 * self.events, 1 - tail)),
        )

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        return (
            f"The analysis takes place at event {self.events}. The treatment is considered "
            f"promising if the patients' total follow-up then exceeds {self.total_time:.1f}, which "
            f"is an estimated median above {self.median_needed:.2f}. With exponential times the "
            f"exact one-sided type I error at a median of {self.null_median:g} is "
            f"{self.alpha:.4f} and the power at {self.wished_median:g} is {self.power:.4f}. "
            f"{self.n} patients, entered at {self.accrual.rate:g} a unit of time and followed "
            f"for {self.accrual.follow_up:g} after the last, are expected to have that many "
            f"events ({self.source})."
        )


def exponential_design(
    *,
    null_median: float,
    wished_median: float,
    accrual: Accrual,
    alpha: float = 0.05,
    beta: float = 0.2,
) -> ExponentialDesign:
    """The fewest events with power 1 - beta, and the patients who have them in time.

    Raises `InvalidArgument` unless the wished median exceeds the null, `NoDesign` where 2,000
    events or patients do not do.

    >>> design = exponential_design(
    ...     null_median=3.0, wished_median=5.0, accrual=Accrual(rate=2.5, follow_up=6.0))
    >>> design.events, round(design.median_needed, 2), design.n, round(design.power, 3)
    (23, 4.1, 30, 0.803)
    """
    check_errors(alpha, beta)
    _check_medians(null_median, wished_median)
    low, high = 1, _MOST_EVENTS
    if _power(high, null_median, wished_median, alpha) < 1 - beta:
        best = _power(high, null_median, wished_median, alpha)
        raise NoDesign("exponential design", high, best, 2 * high)
    while low < high:
        middle = (low + high) // 2
        has_power = _power(middle, null_median, wished_median, alpha) >= 1 - beta
        low, high = (low, middle) if has_power else (middle + 1, high)
    return exponential_design_at(
        low, null_median=null_median, wished_median=wished_median, accrual=accrual, alpha=alpha
    )


def exponential_design_at(
    events: int,
    *,
    null_median: float,
    wished_median: float,
    accrual: Accrual,
    alpha: float = 0.05,
) -> ExponentialDesign:
    """Given the number of ``events``: the total follow-up to exceed, the power, the patients.

    Raises as `exponential_design`.
    """
    events = check_patients("events", events, most=_MOST_EVENTS)
    check_share("alpha", alpha)
    _check_medians(null_median, wished_median)
    total = float(chdtri(2 * events, alpha)) * null_median / (2 * math.log(2))
    return ExponentialDesign(
        events,
        total,
        _patients(events, wished_median, accrual),
        null_median,
        wished_median,
        accrual,
        alpha,
        _power(events, null_median, wished_median, alpha),
    )


_MOST_EVENTS = 2_000


def _check_medians(null: float, wished: float) -> None:
    for name, value in (("null_median", null), ("wished_median", wished)):
        if not (isinstance(value, Real) and 1e-6 <= value <= 1e6):
            raise InvalidArgument(name, value, "a time from a millionth to a million")
    if wished <= null:
        raise InvalidArgument("wished_median", wished, f"above null_median = {null:g}")


def _power(events: int, null: float, wished: float, alpha: float) -> float:
    return float(chdtrc(2 * events, float(chdtri(2 * events, alpha)) * null / wished))


def _patients(events: int, median: float, accrual: Accrual) -> int:
    """The fewest patients expected to have ``events`` events at the end of follow-up."""
    low, high = events, 4 * _MOST_EVENTS
    if _expected(high, median, accrual) < events:
        raise NoDesign("exponential design", high, None, 2 * high, most=high)
    while low < high:
        middle = (low + high) // 2
        is_enough = _expected(middle, median, accrual) >= events
        low, high = (low, middle) if is_enough else (middle + 1, high)
    return low


def _expected(n: int, median: float, accrual: Accrual) -> float:
    accrual_time = n / accrual.rate
    hazard = math.log(2) / median
    if accrual.is_restricted:
        return n * -math.expm1(-hazard * accrual.follow_up)
    time = accrual_time + accrual.follow_up
    return expected_events(n=n, accrual_time=accrual_time, hazard=hazard, time=time).events
