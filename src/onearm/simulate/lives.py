"""What happens to the treated patients, apart from any form: tumours, scans, doses, fate."""

from __future__ import annotations

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.simulate import lesions as anatomy
from onearm.simulate.chance import Streams
from onearm.simulate.course import course, fate
from onearm.simulate.dosing import Given, give
from onearm.simulate.lesions import Anatomy
from onearm.simulate.measures import Measures
from onearm.simulate.occasions import Timeline, cycle_visit, grid
from onearm.simulate.people import People
from onearm.simulate.readings import Readings, read
from onearm.simulate.scans import Calendar, calendar
from onearm.study import Study
from onearm.study.schedule import Schedule
from onearm.study.simulation import Simulation


def lives(
    study: Study, plan: Simulation, streams: Streams, everybody: People
) -> tuple[Timeline, Readings, tuple[Anatomy, Anatomy, Anatomy], Measures]:
    """What happens to the treated patients, apart from any form."""
    assert study.schedule is not None  # noqa: S101 - the caller saw to it
    treated = everybody.treated
    cohort, horizon = everybody.cohort[treated], everybody.horizon[treated]
    scans = _calendar(plan, study.schedule, streams, everybody)
    biology = anatomy.biology(plan, streams, cohort)
    parts = (
        anatomy.targets(plan, streams, cohort),
        anatomy.nontargets(plan, streams, cohort),
        anatomy.new_sites(plan, streams, cohort),
    )
    readings = read(
        plan,
        streams,
        calendar=scans,
        biology=biology,
        targets=parts[0],
        nontargets=parts[1],
        new=parts[2],
    )
    happened = course(
        plan,
        streams,
        calendar=scans,
        biology=biology,
        readings=readings,
        may=fate(plan, streams, horizon),
    )
    measures = Measures(
        plan,
        streams,
        cohort=everybody.cohort,
        female=everybody.female,
        first_dose=everybody.first_dose,
    )
    bare = Timeline(plan, study.schedule, streams, everybody, treated, happened, scans, (), biology)
    given = _drugs(study, bare, measures)
    line = Timeline(
        plan, study.schedule, streams, everybody, treated, happened, scans, given, biology
    )
    return line, readings, parts, measures


def _calendar(
    plan: Simulation, schedule: Schedule, streams: Streams, everybody: People
) -> Calendar:
    assessments = schedule.tumour_assessments
    assert assessments is not None  # noqa: S101 - the caller saw to it
    repeat = schedule.visit(assessments.visit).repeat
    assert repeat is not None  # noqa: S101 - the caller saw to it
    treated = everybody.treated
    return calendar(
        plan.scans,
        streams,
        repeat,
        window=assessments.window_days,
        two_days=plan.tumour.two_days,
        horizon=everybody.horizon[treated],
        lead=(everybody.first_dose - everybody.consent)[treated],
    )


def _drugs(study: Study, line: Timeline, measures: Measures) -> list[Given]:
    people, treated = line.people, line.treated
    visit = cycle_visit(line.schedule)
    horizon = people.horizon[treated]
    if visit is None or visit.repeat is None:
        raise OnearmError(f"{study.name} cannot be simulated: no visit repeats with treatment")
    cycles = grid(visit, line.streams, horizon=horizon, jitter=1.2)
    baseline = _baseline(line, measures)
    return [
        give(
            treatment,
            line.plan.drugs[treatment.name],
            line.streams,
            course=line.course,
            horizon=horizon,
            baseline=baseline,
            cycles=cycles,
            cycle_days=visit.repeat.every,
        )
        for treatment in study.treatments
        if treatment.name in line.plan.drugs
    ]


def _baseline(line: Timeline, measures: Measures) -> pl.DataFrame:
    """What dose rules may read of the treated: sex, age, and every measurement at screening."""
    people, treated = line.people, line.treated
    columns: dict[str, pl.Series] = {
        "AGE": pl.Series(people.age[treated]),
        "SEX": pl.Series(np.where(people.female[treated], "F", "M").tolist(), dtype=pl.String),
    }
    ones = np.ones(len(treated), dtype=np.int64)
    for test in measures.tests:
        value = measures.value(
            test,
            line.plan.places.screening,
            person=treated,
            repeat=ones,
            day=people.first_dose[treated],
            width=1,
        )
        columns[test] = pl.Series(np.round(value, 1))
    return pl.DataFrame(columns)
