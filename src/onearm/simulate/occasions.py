"""Which visits took place, for whom and when, by the schedule of the study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onearm.simulate.chance import NEVER, Bools, Floats, Ints, Streams, between, width
from onearm.simulate.course import Course
from onearm.simulate.dosing import Given
from onearm.simulate.lesions import Biology
from onearm.simulate.people import People
from onearm.simulate.scans import Calendar, planned_days
from onearm.study.schedule import Schedule, Visit
from onearm.study.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Occasions:
    """One visit of the schedule: arrays with one element for each time it took place.

    ``person``: row in ``People``; ``repeat`` from 1; ``day`` since 1970-01-01; ``seen``: the person
    was there (else only what others report is filled in); ``width``: the most repeats there can be.
    """

    person: Ints
    repeat: Ints
    day: Ints
    seen: Bools
    width: int = 1

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What decides which visits take place. Arrays of ``course`` are over ``treated``."""

    plan: Simulation
    schedule: Schedule
    streams: Streams
    people: People
    treated: Ints
    course: Course
    calendar: Calendar
    given: Sequence[Given]
    biology: Biology

    @property
    def alive(self) -> Ints:
        """Last day from first dose on which each treated patient can be seen."""
        return np.where(self.course.left == "death", self.course.end - 1, self.course.end)

    @property
    def last_dose(self) -> Ints:
        """Day of the last dose of any drug, ``NEVER`` while one goes on."""
        ended = np.maximum.reduce([drug.stop for drug in self.given]) < NEVER
        return np.where(ended, np.maximum.reduce([drug.last for drug in self.given]), NEVER)


def cycle_visit(schedule: Schedule) -> Visit | None:
    """The first visit that repeats until the end of treatment."""
    return next(
        (v for v in schedule.visits if v.repeat and v.repeat.until == "end_of_treatment"), None
    )


def grid(visit: Visit, streams: Streams, *, horizon: Ints, jitter: float) -> Ints:
    """Days from first dose of a repeating visit with jitter inside its window, no end yet."""
    assert visit.repeat is not None  # noqa: S101 - callers ask for repeating visits only
    days = np.array(planned_days(visit.repeat, int(max(horizon.max(initial=1), 1))))
    z = streams(f"{visit.id} day").standard_normal((len(horizon), width(len(days))))[:, : len(days)]
    low, high = visit.window
    shift = np.clip(np.rint(jitter * z), max(low, -10), min(high, 10)).astype(np.int64)
    return np.where(days > 0, days + shift, days)


def occasions(line: Timeline) -> dict[str, Occasions]:
    """Every visit of the schedule that took place by the data cut."""
    found: dict[str, Occasions] = {}
    for visit in line.schedule.visits:
        found[visit.id] = _visit(line, visit)
    return found


def _visit(line: Timeline, visit: Visit) -> Occasions:
    places = line.plan.places
    assessments = line.schedule.tumour_assessments
    if visit.id == places.screening:
        return _screening(line, visit)
    if assessments and visit.id == assessments.visit:
        return _scans(line, planned=True)
    if visit.id == places.unscheduled:
        return _scans(line, planned=False)
    if visit.id == places.end_of_treatment:
        return _end_of_treatment(line)
    if visit.id == places.end_of_study:
        return _end_of_study(line)
    if visit.id == places.death:
        return _at(line, line.course.known_death, seen=False)
    if visit.id == places.log or visit.kind == "log":
        everybody = np.arange(len(line.people))
        return _all(everybody, line.people.consent, np.ones(len(everybody), dtype=bool))
    if visit.id in places.safety:
        return _safety(line, visit, places.safety[visit.id])
    if visit.repeat:
        return _repeating(line, visit)
    return _once(line, visit) if visit.day is not None else _none()


def _none() -> Occasions:
    nobody = np.zeros(0, dtype=np.int64)
    return Occasions(nobody, nobody, nobody, nobody.astype(bool))


def _all(person: Ints, day: Ints, seen: Bools) -> Occasions:
    return Occasions(person, np.ones(len(person), dtype=np.int64), day, seen)


def _at(line: Timeline, day: Ints, *, seen: Bools | bool = True) -> Occasions:
    """A visit that happens once, on a day from first dose; not where the day never comes."""
    rows = np.flatnonzero((day < NEVER) & (day <= line.people.horizon[line.treated]))
    person = line.treated[rows]
    there = np.broadcast_to(np.asarray(seen), day.shape)[rows]
    return _all(person, line.people.first_dose[person] + day[rows], there)


def _screening(line: Timeline, visit: Visit) -> Occasions:
    people = line.people
    lead = people.first_dose - people.consent
    u = line.streams("screening visit").random(len(people))
    before = 1 + np.floor(u * np.minimum(lead, 10)).astype(np.int64)
    day = people.first_dose - np.minimum(before, lead)
    cut = people.first_dose + people.horizon
    rows = np.flatnonzero(day <= cut)
    return _all(rows, day[rows], np.ones(len(rows), dtype=bool))


def _repeating(line: Timeline, visit: Visit) -> Occasions:
    assert visit.repeat is not None  # noqa: S101 - only called for repeating visits
    horizon = line.people.horizon[line.treated]
    contact = visit.id == line.plan.places.contact
    jitter = line.plan.course.contact_jitter if contact else 1.2
    days = grid(visit, line.streams, horizon=horizon, jitter=jitter)
    until = line.alive
    if visit.repeat.until == "end_of_treatment":
        until = np.minimum(until, line.course.treatment_end)
    elif visit.repeat.until == "progression":
        until = np.minimum(until, line.course.progression)
    there = days <= until[:, None]
    if contact:
        u = line.streams("missed contact").random((len(days), width(days.shape[1])))[
            :, : days.shape[1]
        ]
        there &= u >= line.plan.course.contact_missed
    row, number = np.nonzero(there)
    person = line.treated[row]
    day = line.people.first_dose[person] + days[row, number]
    seen = np.ones(len(row), dtype=bool)
    return Occasions(person, number + 1, day, seen, max(days.shape[1], 1))


def _once(line: Timeline, visit: Visit) -> Occasions:
    assert visit.day is not None  # noqa: S101 - only called for visits with a day
    u = line.streams(f"{visit.id} day").random(len(line.treated))
    day = visit.day - 1 + between(u, visit.window)
    until = np.minimum(line.alive, line.course.treatment_end)
    return _at(line, np.where(day <= until, day, NEVER))


def _scans(line: Timeline, *, planned: bool) -> Occasions:
    held = line.course.scanned.copy()
    held[:, 0] = False
    kind = line.calendar.planned >= 0
    held &= (kind if planned else ~kind)[None, :]
    row, slot = np.nonzero(held)
    person = line.treated[row]
    repeat = line.calendar.repeat[slot]
    if not planned:
        repeat = np.cumsum(held, axis=1, dtype=np.int64)[row, slot]
    day = line.people.first_dose[person] + line.calendar.day[row, slot]
    return Occasions(person, repeat, day, np.ones(len(row), dtype=bool), held.shape[1])


def _end_of_treatment(line: Timeline) -> Occasions:
    stop = line.course.treatment_end
    all_stopped = np.maximum.reduce([drug.stop for drug in line.given])
    stop = np.where(all_stopped < NEVER, np.minimum(stop, all_stopped), NEVER)
    u: Floats = line.streams("end of treatment visit").random(len(stop))
    limit = np.minimum(line.alive, line.people.horizon[line.treated])
    absent = np.isin(line.course.reason, ["death", "lost"])
    day = np.where(absent, stop, np.minimum(stop + between(u, (0, 6)), limit))
    return _at(line, np.where(stop < NEVER, np.maximum(day, stop), NEVER), seen=~absent)


def _end_of_study(line: Timeline) -> Occasions:
    """The day of leaving the study; filled in from the chart, not with the patient."""
    gone = line.course.left != None  # noqa: E711 - elementwise
    treated = _at(line, np.where(gone, line.course.end, NEVER), seen=False)
    people = line.people
    never = np.flatnonzero(~people.failed & ~people.dosed & (people.horizon >= 0))
    untreated = _all(never, people.first_dose[never], np.zeros(len(never), dtype=bool))
    return Occasions(
        np.concatenate([treated.person, untreated.person]),
        np.concatenate([treated.repeat, untreated.repeat]),
        np.concatenate([treated.day, untreated.day]),
        np.concatenate([treated.seen, untreated.seen]),
    )


def _safety(line: Timeline, visit: Visit, days: int) -> Occasions:
    u = line.streams(f"{visit.id} day").random(len(line.treated))
    low, high = visit.window
    day = line.last_dose + days + between(u, (max(low, -7), min(high, 7)))
    here = ~np.isin(line.course.reason, ["death", "lost", "withdrawal"])
    fits = (line.last_dose < NEVER) & (day <= line.alive) & here
    return _at(line, np.where(fits, day, NEVER))
