"""Markers that become known later: survival from a landmark, or as a value that changes in time.

Comparing survival from first dose by something that only survivors can show (response, a fall of a
marker at month 1) favours whoever lives long enough to show it. omics.md, sections 4 and 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onearm.errors import OnearmError
from onearm.omics.assay import Times
from onearm.stats.arguments import Booleans, Floats, Integers, InvalidArgument
from onearm.stats.cox import CoxFit, cox


@dataclass(frozen=True, slots=True, eq=False)
class Landmark:
    """Survival counted from a landmark.

    times: NaN for whoever is not at risk there. at_risk, gone (event or censored before or at it):
    numbers of subjects.
    """

    times: Times
    at_risk: int
    gone: int


def from_landmark(times: Times, day: float, *, known_at: Floats | None = None) -> Landmark:
    """Count times from ``day`` among the subjects still at risk after it.

    day: in the unit of the times, 0 or later. known_at: when the marker of each subject became
    known, NaN where it is not known; refused where that is after the landmark, because the value
    could not be used there yet.
    Source: Anderson, Cain and Gelber, Journal of Clinical Oncology 1:710-719 (1983).

    >>> t = Times(np.array([1.0, 5.0, 9.0]), np.array([True, True, False]))
    >>> from_landmark(t, 4.0).times.time.tolist()
    [nan, 1.0, 5.0]
    """
    if not 0 <= day < np.inf:
        raise InvalidArgument("day", day, "a finite day of 0 or later")
    if known_at is not None:
        late = np.flatnonzero((known_at > day) & (times.time > day))
        if late.size:
            raise OnearmError(
                f"the marker of {late.size} subjects at risk became known after the landmark at "
                f"{day:g} (row {late[0]}: {known_at[late[0]]:g}); choose a later landmark"
            )
    has_time = np.isfinite(times.time)
    stays = has_time & (times.time > day)
    time = np.where(stays, times.time - day, np.nan)
    at_risk = int(stays.sum())
    return Landmark(Times(time, times.event & stays), at_risk, int(has_time.sum()) - at_risk)


def refuse_from_first_dose(marker: str, endpoint: str, known_at: Floats) -> None:
    """Refuse a survival comparison from first dose by a marker that was known only later.

    known_at: days after first dose, NaN where the marker was never seen. Raises `OnearmError`.
    """
    late = np.asarray(known_at)[np.asarray(known_at) > 0]
    if late.size:
        raise OnearmError(
            f"{endpoint} by {marker} is not counted from first dose: {marker} became known up to "
            f"day {late.max():g} for {late.size} subjects, who had to live that long. Use a "
            "landmark at or after that day, or a time-dependent covariate."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Rows (start, stop] of a subject during which the marker has one value.

    subject: row of the subject in the times; event: whether it happens at ``stop``.
    """

    subject: Integers
    start: Floats
    stop: Floats
    event: Booleans
    value: Floats


def changing(
    times: Times,
    subject: Sequence[int] | Integers,
    measured_at: Floats,
    value: Floats,
    *,
    carried: float = np.inf,
) -> Intervals:
    """Cut follow-up where a marker is measured anew, its last value carried on.

    subject, measured_at, value: one item a measurement: row of the subject, time in the unit of the
    times, and the value. carried: how long a value may stand; afterwards the subject is out of the
    risk sets until the next one. Follow-up before the first measurement is left out, measurements
    at or after the end of follow-up are not used, and of two at one time the last given counts.
    """
    rows = np.asarray(subject, dtype=np.int64)
    made: list[tuple[int, float, float, bool, float]] = []
    for person in np.unique(rows).tolist():
        own = np.flatnonzero((rows == person) & np.isfinite(value) & np.isfinite(measured_at))
        end = float(times.time[person])
        own = own[measured_at[own] < end]
        if not own.size:
            continue
        own = own[np.argsort(measured_at[own], kind="stable")]
        starts = measured_at[own]
        stops = np.append(starts[1:], end)
        for at, start, stop in zip(own, starts.tolist(), stops.tolist(), strict=True):
            until = min(stop, start + carried)
            if until > max(start, 0.0):
                has_event = bool(times.event[person]) and until == end
                made.append((person, max(start, 0.0), until, has_event, float(value[at])))
    columns = list(zip(*made, strict=True)) if made else [()] * 5
    return Intervals(
        np.asarray(columns[0], dtype=np.int64),
        np.asarray(columns[1], dtype=np.float64),
        np.asarray(columns[2], dtype=np.float64),
        np.asarray(columns[3], dtype=np.bool_),
        np.asarray(columns[4], dtype=np.float64),
    )


def cox_changing(intervals: Intervals, *, name: str = "marker", ties: str = "efron") -> CoxFit:
    """Cox's model of a marker that changes in time; see `onearm.stats.cox` for the result."""
    return cox(
        intervals.stop,
        intervals.event,
        {name: intervals.value},
        entry=intervals.start,
        ties=ties,
    )
