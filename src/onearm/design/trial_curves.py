"""Kaplan-Meier of many trials at once: one row a trial, sorted once, then cumulative products."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.special import ndtri

from onearm.stats.arguments import Booleans, Floats, Integers, InvalidArgument, check_between
from onearm.stats.risk import TIME_TOLERANCE

Estimate: TypeAlias = tuple[Floats, Floats, Floats]
"""Value, lower and upper limit of each trial; NaN where a number does not exist."""

HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves of several trials: arrays of shape (trials, patients), times ascending in a row.

    ``survival`` and ``greenwood`` are those of `onearm.stats.kaplan_meier` where ``is_last``, the
    last patient of those with one time; between tied patients they are on their way there.
    """

    time: Floats
    survival: Floats
    greenwood: Floats
    is_last: Booleans
    events: Integers

    @property
    def last_time(self) -> Floats:
        """The last observed time of each trial."""
        last: Floats = self.time[:, -1]
        return last


def curves(time: Floats, event: Booleans) -> Curves:
    """The Kaplan-Meier curve of each row of ``time`` (any unit, 0 or more), ``event`` True or not.

    Events come before censorings at equal times. Times are compared exactly but for the last bit
    of the number: they come from one continuous draw or from one list of visits, not from sums.
    Raises `InvalidArgument` where the shapes differ or a time is negative or missing.
    Source: Kaplan and Meier, JASA 53:457-481 (1958).
    """
    if time.shape != event.shape or time.ndim != 2 or time.size == 0:
        raise InvalidArgument("time", time.shape, f"trials by patients, as event has {event.shape}")
    if not np.all(time >= 0):
        raise InvalidArgument("time", float(np.min(time)), "times of 0 or more, none missing")
    # Positive floating-point numbers have the order of their bits read as integers. The last bit
    # makes room for the censoring, so that one fast sort of numbers orders times and flags.
    keys = (np.ascontiguousarray(time, dtype=np.float64) + 0.0).view(np.int64) & ~np.int64(1)
    keys |= ~event
    keys.sort(axis=1)
    is_event = (keys & 1) == 0
    ascending: Floats = np.asarray(keys & ~np.int64(1), dtype=np.int64).view(np.float64)
    n = time.shape[1]
    at_risk = np.arange(n, 0, -1, dtype=np.float64)
    # d tied events one by one give (n-d)/n and d/(n(n-d)) as together: the products telescope.
    with np.errstate(divide="ignore"):
        terms = 1 / (at_risk * (at_risk - 1))
    staying = np.where(is_event, (at_risk - 1) / at_risk, 1.0)
    survival: Floats = np.cumprod(staying, axis=1, dtype=np.float64)
    greenwood: Floats = np.cumsum(np.where(is_event, terms, 0.0), axis=1, dtype=np.float64)
    is_last = np.ones(time.shape, dtype=np.bool_)
    np.not_equal(ascending[:, 1:], ascending[:, :-1], out=is_last[:, :-1])
    return Curves(ascending, survival, greenwood, is_last, is_event.sum(axis=1))


def medians(found: Curves, *, level: float = 0.95) -> Estimate:
    """The median of each curve with Brookmeyer-Crowley limits from log-log curves.

    The rules are those of `onearm.stats.median`, plateaus at one half included. NaN: not reached.
    Source: Brookmeyer and Crowley, Biometrics 38:29-41 (1982).
    """
    inner, step = _log_log(found, check_between("level", level))
    value = _crossing(found, found.survival, HALF - TIME_TOLERANCE, HALF + TIME_TOLERANCE)
    # A limit is at or below h where ln(-ln(limit)) is at or above ln(-ln h): signs turned round.
    low, high = (-math.log(-math.log(HALF + side * TIME_TOLERANCE)) for side in (-1, 1))
    with np.errstate(invalid="ignore"):
        lower = _crossing(found, step - inner, low, high)
        upper = _crossing(found, -step - inner, low, high)
    return value, lower, upper


def rates(found: Curves, t: float, *, level: float = 0.95) -> Estimate:
    """Survival of each curve at time ``t`` with log-log limits.

    NaN beyond follow-up, unless the curve has come down to 0; at 0 the limits are NaN, at 1 they
    are 1, as in `onearm.stats.at_time`.
    """
    if not 0 <= t < math.inf:
        raise InvalidArgument("t", t, "a time of 0 or more, not missing and finite")
    z = float(ndtri((1 + check_between("level", level)) / 2))
    rows = np.arange(len(found.time))
    index = (found.time <= t).sum(axis=1) - 1
    value = np.where(index < 0, 1.0, found.survival[rows, index])
    spread = np.sqrt(np.where(index < 0, 0.0, found.greenwood[rows, index]))
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(value)
        inner, step = np.log(-log), z * spread / log
        lower, upper = np.exp(-np.exp(inner - step)), np.exp(-np.exp(inner + step))
    lower, upper = (np.where(value == 1, 1.0, limit) for limit in (lower, upper))
    lower, upper = (np.where(value == 0, np.nan, limit) for limit in (lower, upper))
    is_known = (t <= found.last_time) | (found.survival[:, -1] == 0)
    return (
        np.where(is_known, value, np.nan),
        np.where(is_known, lower, np.nan),
        np.where(is_known, upper, np.nan),
    )


def _log_log(found: Curves, level: float) -> tuple[Floats, Floats]:
    """ln(-ln S) and z se / ln S: the limits are exp(-exp(first -+ second)); NaN at S = 0 and 1."""
    z = float(ndtri((1 + level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(found.survival)
        return np.log(-log), z * np.sqrt(found.greenwood) / log


def _crossing(found: Curves, heights: Floats, low: float, high: float) -> Floats:
    """The time at which each row of ``heights`` first comes down to between ``low`` and ``high``.

    Within the two is "equal": then the mean with the time of the next fall below ``low``, or with
    the last time where there is none. NaN heights never count.
    """
    rows = np.arange(len(heights))
    is_below = (heights <= high) & found.is_last
    first = is_below.argmax(axis=1)
    answer = np.where(is_below[rows, first], found.time[rows, first], np.nan)
    is_flat = is_below[rows, first] & (heights[rows, first] >= low)
    if is_flat.any():
        mine = np.flatnonzero(is_flat)
        falls = (heights[mine] < low) & found.is_last[mine]
        further = falls.argmax(axis=1)
        some = np.arange(len(mine))
        until = np.where(falls[some, further], found.time[mine, further], found.last_time[mine])
        answer[mine] = (answer[mine] + until) / 2
    return answer
