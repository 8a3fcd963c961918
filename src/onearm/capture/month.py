"""The schedule of one subject: every planned visit with its day, its window and its status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from onearm.records.visits import planned_day

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.schedule import Visit

Status = Literal[
    "not due",
    "due",
    "in window",
    "overdue",
    "done",
    "done outside window",
    "missed",
    "not required",
]

DUE_DAYS = 7
"""A visit is due from so many days before its window opens."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What is known of one visit: its date, or why it was missed."""

    date: date | None = None
    missed_because: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """The days that open and end parts of a schedule; None where it has not come to that."""

    consent: date | None = None
    enrolment: date | None = None
    first_dose: date | None = None
    last_dose: date | None = None
    end_of_treatment: date | None = None
    progression: date | None = None
    death: date | None = None
    end_of_study: date | None = None

    def end(self, until: str) -> tuple[date, str] | None:
        """The day after which a visit repeated ``until`` something is not required, and why."""
        ends: list[tuple[date, str]] = []
        for name in ("death", "end_of_study", *((until,) if until != "never" else ())):
            day = getattr(self, name)
            if day is not None:
                ends.append((day, name))
        return min(ends, default=None)

    def anchor(self, of: str) -> date | None:
        """The day from which a visit after an event is counted; None before that day is known."""
        if of == "last_dose" and self.end_of_treatment is None:
            return None  # another dose may follow
        day: date | None = getattr(self, of)
        return day


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit of the schedule, for one subject.

    day, early, late: None while the day it is counted from is not known.
    """

    visit: Visit
    repeat: int
    day: date | None
    early: date | None
    late: date | None
    happened: Happened | None
    status: Status
    why: str = ""


def schedule_of(
    study: Study, course: Course, seen: Mapping[tuple[str, int], Happened], today: date
) -> list[Planned]:
    """Every planned visit up to the next one that is due, in the order of their days.

    Visits that follow an event stand where it is known, or where they took place; unscheduled ones
    where they took place. A visit's place is its planned day; without one, the day it took place.

    seen: by visit id and repeat what happened. Of a repeated visit every row up to the first that
    lies after today is given, so that the months of follow-up make rows of their own; a row after
    death, end of study or what ends the repeat is ``not required`` and says why (one such row).
    """
    rows: list[Planned] = []
    if study.schedule is None:
        return rows
    for visit in study.schedule.visits:
        if visit.kind == "planned":
            rows += _rows(visit, course, seen, today)
        elif visit.kind in ("event", "unscheduled"):
            rows += _by_chance(visit, course, seen, today)
    return sorted(rows, key=_order)


def _rows(
    visit: Visit, course: Course, seen: Mapping[tuple[str, int], Happened], today: date
) -> Iterator[Planned]:
    most = visit.repeat.most if visit.repeat else 1
    until = visit.repeat.until if visit.repeat else "never"
    last_seen = max((repeat for id_, repeat in seen if id_ == visit.id), default=0)
    for repeat in range(1, most + 1):
        day, early, late = _window(visit, repeat, course.first_dose)
        happened = seen.get((visit.id, repeat))
        status, why = _status(happened, day, early, late, course.end(until), today)
        if status == "not due" and day is None and _is_next(visit, repeat, course):
            status = "due"
        yield Planned(visit, repeat, day, early, late, happened, status, why)
        is_ahead = day is None or (early is not None and early > today) or bool(why)
        if is_ahead and repeat >= last_seen:
            return


def _order(row: Planned) -> tuple[date, float, int]:
    took_place = row.happened.date if row.happened else None
    return (row.day or took_place or date.max, row.visit.number, row.repeat)


def _by_chance(
    visit: Visit, course: Course, seen: Mapping[tuple[str, int], Happened], today: date
) -> Iterator[Planned]:
    """Rows of a visit that has no day of its own: one each time that it took place or is due."""
    anchor = course.anchor(visit.after.of) if visit.after else None
    day = early = late = None
    if anchor is not None and visit.after is not None:
        day = anchor + timedelta(days=visit.after.days)
        early, late = (day + timedelta(days=days) for days in visit.window)
    repeats = sorted(repeat for id_, repeat in seen if id_ == visit.id)
    for repeat in repeats or ([1] if day else []):
        happened = seen.get((visit.id, repeat))
        # End of study and death do not end what they themselves call for.
        end = course.end("never") if visit.after else None
        status, why = _status(happened, day, early, late, end, today)
        yield Planned(visit, repeat, day, early, late, happened, status, why)


def _is_next(visit: Visit, repeat: int, course: Course) -> bool:
    """Before the first dose: screening is due at once, the first dose after enrolment."""
    number = planned_day(visit, repeat)
    if number is None or course.first_dose or course.death or course.end_of_study:
        return False
    return number < 1 or (number == 1 and course.enrolment is not None)


def _window(
    visit: Visit, repeat: int, first: date | None
) -> tuple[date | None, date | None, date | None]:
    number = planned_day(visit, repeat)
    if first is None or number is None:
        return None, None, None
    # There is no day 0: day 1 is the first dose, day -1 the day before it.
    day = first + timedelta(days=number - 1 if number > 0 else number)
    before, after = visit.window
    return day, day + timedelta(days=before), day + timedelta(days=after)


def _status(
    happened: Happened | None,
    day: date | None,
    early: date | None,
    late: date | None,
    end: tuple[date, str] | None,
    today: date,
) -> tuple[Status, str]:
    if happened is not None and happened.missed_because:
        return "missed", ""
    if happened is not None and happened.date is not None:
        outside = early is not None and late is not None and not early <= happened.date <= late
        return ("done outside window" if outside else "done"), ""
    if day is None or early is None or late is None:
        return "not due", ""
    if end is not None and early > end[0]:
        return "not required", end[1]
    if today > late:
        return "overdue", ""
    if today >= early:
        return "in window", ""
    return ("due" if today >= early - timedelta(days=DUE_DAYS) else "not due"), ""
