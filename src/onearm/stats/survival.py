"""The Kaplan-Meier curve: survival at every observed time, with pointwise limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from onearm.stats.arguments import (
    Flags,
    Floats,
    Integers,
    Numbers,
    check_between,
    check_choice,
)
from onearm.stats.curve_limits import CURVE_INTERVALS, LimitCurves
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import Observations, observe, risk_table

MaskedFloats: TypeAlias = "np.ma.MaskedArray[tuple[int], np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True)
class CurveRow:
    """One distinct time of a curve; None where a number does not exist."""

    time: float
    n_risk: float
    n_event: float
    n_censor: float
    survival: float
    std_err: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, eq=False)
class Curve:
    """A Kaplan-Meier curve: arrays with one item a distinct observed time, ascending.

    ``n_risk`` is at risk just before ``time``; ``survival`` is S at ``time``, from 0 to 1;
    ``greenwood`` is the sum of d / (n (n - d)), infinite where S = 0. ``n`` rows and ``events``
    are sums of weights where weights were given. ``notes`` has `no_event_yet` without any event,
    `n_too_small` for a single row, and `survival_zero` where S is 0 before the last time because
    an early risk set ran empty (entry times).
    """

    time: Floats
    n_risk: Floats | Integers
    n_event: Floats | Integers
    n_censor: Floats | Integers
    survival: Floats
    greenwood: Floats
    n: float
    events: float
    level: float
    interval: str
    observed: Observations
    method: str = "Kaplan-Meier, Greenwood variance"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()

    @cached_property
    def limits(self) -> LimitCurves:
        """Lower and upper limit curves as plain arrays for arithmetic; NaN where S = 0."""
        interval = CURVE_INTERVALS[self.interval]
        return interval.limits(self.survival, self.greenwood, self.level)

    @property
    def std_err(self) -> MaskedFloats:
        """Greenwood's standard error of S; masked where S = 0."""
        with np.errstate(invalid="ignore"):
            return self._masked(self.survival * np.sqrt(self.greenwood))

    @property
    def lower(self) -> MaskedFloats:
        """The lower limit of S; masked where S = 0."""
        return self._masked(self.limits[0])

    @property
    def upper(self) -> MaskedFloats:
        """The upper limit of S; masked where S = 0."""
        return self._masked(self.limits[1])

    @property
    def last_time(self) -> float:
        """The last observed time, of an event or of a censoring."""
        return float(self.time[-1])

    @property
    def is_complete(self) -> bool:
        """True where the curve ends at 0, so that it is known at every later time."""
        return bool(self.survival[-1] == 0)

    def rows(self) -> list[CurveRow]:
        """The curve as one value a distinct time."""
        columns = (
            self.time,
            self.n_risk,
            self.n_event,
            self.n_censor,
            self.survival,
            self.std_err,
            self.lower,
            self.upper,
        )
        return [CurveRow(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]

    def _masked(self, values: Floats) -> MaskedFloats:
        return np.ma.MaskedArray(values, mask=self.survival == 0)


def kaplan_meier(
    time: Numbers,
    event: Flags,
    *,
    entry: Numbers | None = None,
    weights: Numbers | None = None,
    level: float = 0.95,
    interval: str = "log-log",
) -> Curve:
    """The product-limit estimate of survival with pointwise limits.

    time: follow-up from time 0, in any unit, 0 allowed; event: True where the event was seen,
    False where the time is censored; entry: start of the time at risk (left truncation, or rows
    from start to stop), smaller than ``time``; weights: positive, taken as case counts.
    At equal times events come before censorings; times equal up to rounding are one time.
    Raises `InvalidArgument` naming the row for missing, negative or contradictory values, and for
    a level outside (0, 1) or an unknown interval (`CURVE_INTERVALS`).
    Source: Kaplan and Meier, JASA 53:457-481 (1958).

    >>> curve = kaplan_meier([6, 6, 6, 6, 7, 10], [True, True, True, False, True, False])
    >>> curve.survival.round(2).tolist()
    [0.5, 0.25, 0.25]
    """
    check_between("level", level)
    check_choice("interval", interval, list(CURVE_INTERVALS))
    return _curve(observe(time, event, entry=entry, weights=weights), level, interval)


def _curve(observed: Observations, level: float, interval: str) -> Curve:
    table = risk_table(observed)
    n_risk, n_event = table.n_risk, table.n_event
    staying = n_risk - n_event
    if observed.weight is not None:
        # Sums of weights taken in two orders can leave a rounding error where nobody stays.
        staying[staying < 1e-12 * n_risk] = 0.0
    survival: Floats = np.cumprod(staying / n_risk, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = n_event / (n_risk * staying)
    if survival[-1] == 0:
        terms[np.flatnonzero(survival == 0)] = np.inf
    return Curve(
        table.time,
        n_risk,
        n_event,
        table.n_censor,
        survival,
        np.cumsum(terms),
        n=observed.time.size if observed.weight is None else float(observed.weight.sum()),
        events=n_event.sum().item(),
        level=float(level),
        interval=interval,
        observed=observed,
        notes=_curve_notes(survival, observed.time.size),
    )


def _curve_notes(survival: Floats, n_rows: int) -> tuple[Note, ...]:
    notes = []
    if survival[-1] == 1:
        notes.append(Note.NO_EVENT_YET)
    if survival.size > 1 and survival[-2] == 0:
        notes.append(Note.SURVIVAL_ZERO)
    if n_rows == 1:
        notes.append(Note.N_TOO_SMALL)
    return tuple(notes)
