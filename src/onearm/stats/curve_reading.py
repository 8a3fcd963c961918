"""What is read off a Kaplan-Meier curve: quantiles, the height at a time, and the follow-up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import (
    Flags,
    Floats,
    InvalidArgument,
    Numbers,
    check_between,
)
from onearm.stats.curve_limits import CURVE_INTERVALS
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import TIME_TOLERANCE, at_risk, observe
from onearm.stats.survival import Curve, kaplan_meier


@dataclass(frozen=True, slots=True)
class Quantile:
    """The time by which a share ``p`` has had the event; None where it is not reached."""

    p: float
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    method: str
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def quantile(curve: Curve, p: float = 0.5) -> Quantile:
    """The first time at which S comes down to 1 - p, and its limits, in the unit of the curve.

    A curve that equals 1 - p exactly on a plateau gives the mean of the plateau's start and the
    next time at which it falls further, or of the start and the last observed time (note
    `flat_at_quantile`) where it never does. Limits come from the limit curves by the same rule,
    at their first crossing. Not reached is None with the note `not_reached`.
    Raises `InvalidArgument` for p outside (0, 1).
    Source: Brookmeyer and Crowley, Biometrics 38:29-41 (1982).

    >>> quantile(kaplan_meier([1, 2, 3, 4, 6, 7], [1, 1, 1, 0, 1, 0])).value
    4.5
    """
    check_between("p", p)
    lower_curve, upper_curve = curve.limits
    value, is_flat = _crossing(curve, curve.survival, 1 - p)
    low, is_low_flat = _crossing(curve, lower_curve, 1 - p)
    high, is_high_flat = _crossing(curve, upper_curve, 1 - p)
    notes = []
    if value is None or low is None or high is None:
        notes.append(Note.NOT_REACHED)
    if is_flat or is_low_flat or is_high_flat:
        notes.append(Note.FLAT_AT_QUANTILE)
    method = f"Brookmeyer-Crowley, {CURVE_INTERVALS[curve.interval].title} limits"
    return Quantile(float(p), value, low, high, curve.level, method, notes=tuple(notes))


def median(curve: Curve) -> Quantile:
    """The time by which half have had the event; see `quantile`."""
    return quantile(curve, 0.5)


def _crossing(curve: Curve, heights: Floats, height: float) -> tuple[float | None, bool]:
    """The time at which ``heights`` first come down to ``height``, and whether they stay there."""
    # A NaN height (S = 0, no limit) compares as False and so never counts as a crossing.
    is_below = heights <= height + TIME_TOLERANCE
    first = int(is_below.argmax())
    if not is_below[first]:
        return None, False
    start = float(curve.time[first])
    if heights[first] < height - TIME_TOLERANCE:
        return start, False
    falls = heights[first:] < height - TIME_TOLERANCE
    further = int(falls.argmax())
    if falls[further]:
        return (start + float(curve.time[first + further])) / 2, False
    return (start + curve.last_time) / 2, True


@dataclass(frozen=True, slots=True)
class AtTime:
    """Survival at one time, with limits and how many were at risk just before it."""

    time: float
    value: float | None
    lower: float | None
    upper: float | None
    std_err: float | None
    n_risk: float
    level: float
    method: str
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def at_time(curve: Curve, t: float, *, extend: bool = False) -> AtTime:
    """S at ``t`` (in the unit of the curve; six months are 182.625 days) with limits.

    Past the last observed time the value is None with the note `beyond_follow_up`, unless the
    curve has come down to 0 or ``extend`` carries the last value on (note `extended`).
    S = 1 has the limits [1, 1] and the note `no_event_yet`; S = 0 has no limits, `survival_zero`.
    Raises `InvalidArgument` for a negative or missing time.
    """
    if not 0 <= t < np.inf:
        raise InvalidArgument("t", t, "a time of 0 or more, not missing and finite")
    method = f"Kaplan-Meier, {CURVE_INTERVALS[curve.interval].title} limits"
    exact = _read_as_curve_time(curve, float(t))
    if exact > curve.last_time and not (curve.is_complete or extend):
        return AtTime(
            float(t), None, None, None, None, 0, curve.level, method, notes=(Note.BEYOND_FOLLOW_UP,)
        )
    value, std_err, low, high, notes = _height(curve, exact)
    if exact > curve.last_time and not curve.is_complete:
        notes = (*notes, Note.EXTENDED)
    n_risk = _n_risk_at(curve, exact)
    return AtTime(float(t), value, low, high, std_err, n_risk, curve.level, method, notes=notes)


def _height(
    curve: Curve, t: float
) -> tuple[float, float | None, float | None, float | None, tuple[Note, ...]]:
    """S, its standard error and limits at ``t``, and the note that S = 1 or S = 0 asks for."""
    index = int(np.searchsorted(curve.time, t, side="right")) - 1
    value = 1.0 if index < 0 else float(curve.survival[index])
    if value == 1:
        return 1.0, 0.0, 1.0, 1.0, (Note.NO_EVENT_YET,)
    if value == 0:
        return 0.0, None, None, None, (Note.SURVIVAL_ZERO,)
    std_err = value * float(np.sqrt(curve.greenwood[index]))
    lower, upper = curve.limits
    return value, std_err, float(lower[index]), float(upper[index]), ()


def _read_as_curve_time(curve: Curve, t: float) -> float:
    """``t``, or the curve's time that it falls short of by rounding only."""
    index = int(np.searchsorted(curve.time, t, side="left"))
    if index < curve.time.size:
        following = float(curve.time[index])
        if following - t <= TIME_TOLERANCE * max(1.0, float(curve.time.mean())):
            return following
    return t


def _n_risk_at(curve: Curve, t: float) -> float:
    if curve.observed.entry is not None:
        return at_risk(curve.observed, t)
    index = int(np.searchsorted(curve.time, t, side="left"))
    return 0 if index == curve.time.size else curve.n_risk[index].item()


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """How long patients were followed: the reverse Kaplan-Meier median, and the living's range."""

    median: Quantile
    n_alive: int
    shortest_alive: float | None
    longest_alive: float | None
    curve: Curve
    method: str = "reverse Kaplan-Meier"


def follow_up(
    time: Numbers, event: Flags, *, level: float = 0.95, interval: str = "log-log"
) -> FollowUp:
    """Potential follow-up: the Kaplan-Meier estimate with events and censorings exchanged.

    time, event: overall survival as for `kaplan_meier`, event True for a death. The range of the
    living is None where nobody is alive. Raises `InvalidArgument` as `kaplan_meier` does.
    Source: Schemper and Smith, Controlled Clinical Trials 17:343-346 (1996).

    >>> follow_up([2, 4, 6, 8], [True, False, False, False]).median.value
    6.0
    """
    observed = observe(time, event)
    curve = kaplan_meier(observed.time, ~observed.event, level=level, interval=interval)
    alive = observed.time[~observed.event]
    shortest, longest = (float(alive.min()), float(alive.max())) if alive.size else (None, None)
    return FollowUp(median(curve), alive.size, shortest, longest, curve)
