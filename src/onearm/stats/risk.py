"""The risk table: who is at risk, who has the event and who leaves, at each distinct time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import (
    Booleans,
    Flags,
    Floats,
    Integers,
    InvalidArgument,
    Numbers,
    as_floats,
    check_events,
    check_length,
    check_times,
)

TIME_TOLERANCE = 1.49e-8
"""Times this close, absolutely or relative to the mean time, are one time."""


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Checked times: ``time`` and ``event``, where given ``entry`` and ``weight``, one a row.

    With entry times, times that differ by floating-point error only have been made equal.
    """

    time: Floats
    event: Booleans
    entry: Floats | None = None
    weight: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RiskTable:
    """One item a distinct observed time, ascending; counts are sums of weights where given.

    ``n_event`` and ``n_censor`` leave at ``time``; ``n_risk`` were at risk just before it.
    """

    time: Floats
    n_risk: Floats | Integers
    n_event: Floats | Integers
    n_censor: Floats | Integers


def at_risk(observed: Observations, t: float) -> float:
    """How many rows (by weight) are at risk at ``t``: entry < t <= exit."""
    is_at_risk = observed.time >= t
    if observed.entry is not None:
        is_at_risk &= observed.entry < t
    if observed.weight is None:
        return int(np.count_nonzero(is_at_risk))
    return float(observed.weight[is_at_risk].sum())


def observe(
    time: Numbers, event: Flags, *, entry: Numbers | None = None, weights: Numbers | None = None
) -> Observations:
    """Check what a survival function was given and join times that differ by rounding only.

    Raises `InvalidArgument` naming the row for a negative or missing time, an event that is not
    True or False, an entry not before its exit, or a weight that is not positive.
    """
    times = check_times("time", time)
    events = check_events("event", event, times.size)
    entries = None
    if entry is not None:
        entries = check_times("entry", entry)
        check_length("entry", entries, times.size)
        joined = join_near_times(np.concatenate((entries, times)))
        entries, times = joined[: times.size], joined[times.size :]
        _check_entries(entries, times)
    return Observations(times, events, entries, _check_weights(weights, times.size))


def join_near_times(times: Floats) -> Floats:
    """The times, each replaced by the smallest of the chain of times that are one with it.

    Two times are one if they differ by at most `TIME_TOLERANCE`, absolutely or divided by the
    mean time; chains join. So 0.1 + 0.2 and 0.3 tie.

    >>> join_near_times(np.array([0.1 + 0.2, 0.3, 1.0])).tolist()
    [0.3, 0.3, 1.0]
    """
    order = np.argsort(times)
    ascending = times[order]
    starts = first_of_each_time(ascending)
    joined = np.empty_like(times)
    joined[order] = np.repeat(ascending[starts], np.diff(starts, append=times.size))
    return joined


def first_of_each_time(ascending: Floats) -> Integers:
    """The index at which each distinct time begins in times sorted upwards."""
    tolerance = TIME_TOLERANCE * max(1.0, float(ascending.mean()))
    is_new = np.empty(ascending.size, dtype=np.bool_)
    is_new[0] = True
    np.greater(ascending[1:] - ascending[:-1], tolerance, out=is_new[1:])
    return np.flatnonzero(is_new)


def risk_table(observed: Observations) -> RiskTable:
    """Count who is at risk, has the event and is censored at each distinct time.

    At equal times events come before censorings. With entry times, at risk at t means
    entry < t <= exit. Without weights the counts are integers.
    """
    ascending, event, weight = _sorted(observed)
    starts = first_of_each_time(ascending)
    time = ascending[starts]
    ends = np.append(starts[1:], ascending.size)
    if weight is None:
        n_leaving: Floats | Integers = ends - starts
        events_so_far = np.cumsum(event, dtype=np.int64)[ends - 1]
        n_event: Floats | Integers = np.diff(events_so_far, prepend=0)
        n_risk: Floats | Integers = ascending.size - starts
    else:
        n_leaving = np.add.reduceat(weight, starts)
        n_event = np.add.reduceat(weight * event, starts)
        n_risk = np.cumsum(n_leaving[::-1], dtype=np.float64)[::-1]
    if observed.entry is not None:
        n_risk = n_risk - _not_yet_entered(observed.entry, observed.weight, time)
    return RiskTable(time, n_risk, n_event, n_leaving - n_event)


def _sorted(observed: Observations) -> tuple[Floats, Booleans, Floats | None]:
    if observed.weight is None:
        return *_sorted_pairs(observed.time, observed.event), None
    order = np.argsort(observed.time)
    return observed.time[order], observed.event[order], observed.weight[order]


def _sorted_pairs(time: Floats, event: Booleans) -> tuple[Floats, Booleans]:
    """Times upwards with their events, in one sort of plain numbers: twice as fast as an argsort.

    The bits of a float that is not negative sort like the float and never use the sign bit; the
    event takes the place that shifting it out leaves free.
    """
    keys = (np.abs(time).view(np.uint64) << np.uint64(1)) | event
    keys.sort()
    return (keys >> np.uint64(1)).view(np.float64), (keys & np.uint64(1)).astype(np.bool_)


def _not_yet_entered(entry: Floats, weight: Floats | None, time: Floats) -> Floats | Integers:
    """How many (by weight) enter only at or after each time; all of them leave later still."""
    order = np.argsort(entry)
    first = np.searchsorted(entry[order], time, side="left")
    if weight is None:
        return entry.size - first
    waiting = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
    return waiting[first]


def _check_entries(entry: Floats, time: Floats) -> None:
    late = np.flatnonzero(entry >= time)
    if late.size:
        row = int(late[0])
        raise InvalidArgument(
            f"entry[{row}]", float(entry[row]), f"smaller than time[{row}], {float(time[row])!r}"
        )


def _check_weights(weights: Numbers | None, n: int) -> Floats | None:
    if weights is None:
        return None
    values = as_floats("weights", weights)
    check_length("weights", values, n)
    bad = np.flatnonzero(~((values > 0) & np.isfinite(values)))
    if bad.size:
        row = int(bad[0])
        raise InvalidArgument(f"weights[{row}]", float(values[row]), "a finite number above 0")
    return values
