"""The same patients looked at every week without error or gap: what a trial tries to find out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from onearm.dates import MONTH_DAYS
from onearm.errors import OnearmError
from onearm.simulate.chance import Streams
from onearm.simulate.endpoints import Rules, progression_free_policy, response_start
from onearm.simulate.lives import lives
from onearm.simulate.people import EPOCH, people
from onearm.simulate.truth import facts_of
from onearm.study import Study
from onearm.study.schedule import Repeat, Schedule
from onearm.study.simulation import Scans, Simulation

WEEK = 7


def analysis_day(study: Study, *, subjects: int, seed: int, months: float) -> date:
    """The day so many months (of 30.4375 days) after the last first dose of a made-up trial.

    The study is one that `onearm.simulate.trial` takes; that checks it and says what is missing.
    """
    # Nobody's consent is after this cut, so that everybody's first dose is known.
    everybody = people(_law(study), Streams(seed), subjects=subjects, cut=date.max)
    last = int(everybody.first_dose[everybody.dosed].max())
    return EPOCH + timedelta(days=last + round(months * MONTH_DAYS))


def twin(study: Study, *, subjects: int, seed: int, cut: date) -> pl.DataFrame:
    """What is true of the patients of ``trial`` with the same arguments, one row a treated patient.

    Their tumours, spread and deaths are those of the trial, scanned every week, every scan held,
    read and measured exactly, nobody leaving or changing treatment before progression. Columns:
    ``responds`` (a response that lasts the 28 days of a confirmation), ``pfs`` (days
    from first dose) with ``ended``. Survival is left out: in a made-up patient it is counted from
    the scan that shows progression, so it is what it is only in the trial itself. The study is one
    that `onearm.simulate.trial` takes.
    """
    plan = _exact(_law(study))
    assert study.schedule is not None  # noqa: S101 - the caller saw to it
    exact = replace(study, schedule=_weekly(study.schedule), simulation=plan)
    streams = Streams(seed)
    everybody = people(plan, streams, subjects=subjects, cut=cut)
    line, *_ = lives(exact, plan, streams, everybody)
    known = facts_of(line, everybody.first_dose + line.people.horizon)
    rules = Rules(gap_days=10**6)
    free = [progression_free_policy(one) for one in known]
    return pl.DataFrame(
        {
            "responds": [response_start(one, rules) is not None for one in known],
            "pfs": np.array([time.day for time in free], dtype=np.float64),
            "ended": [time.event for time in free],
        }
    )


def _law(study: Study) -> Simulation:
    if study.simulation is None:
        raise OnearmError(f"{study.name} cannot be simulated: it has no simulation.yaml")
    return study.simulation


def _exact(plan: Simulation) -> Simulation:
    """The plan with everything taken away that stands between a tumour and its reading."""
    tumour = {
        "error": 0.0, "two_days": 0.0, "lesion_not_evaluable": 0.0, "merged": 0.0, "split": 0.0,
    }  # fmt: skip
    course = {
        "toxicity": 0.0, "withdrawal": 0.0, "lost": 0.0, "clinical_progression": 0.0,
        "surgery_of_responders": 0.0,
    }  # fmt: skip
    scans = Scans(
        baseline_days=plan.scans.baseline_days, jitter=0.0, late=0.0, missed=0.0,
        not_evaluable=0.0, unscheduled=0.0, no_baseline=0.0, after_progression=0.0,
    )  # fmt: skip
    return plan.model_copy(
        update={
            "tumour": plan.tumour.model_copy(update=tumour),
            "course": plan.course.model_copy(update=course),
            "scans": scans,
        }
    )


def _weekly(schedule: Schedule) -> Schedule:
    """The schedule with a scan every week from the first week on."""
    assessments = schedule.tumour_assessments
    assert assessments is not None  # noqa: S101 - the caller saw to it
    weekly = Repeat(first_day=WEEK + 1, every=WEEK, until="progression", most=1000)
    return with_scans(schedule, weekly, window_days=0)


def with_scans(schedule: Schedule, repeat: Repeat, *, window_days: int) -> Schedule:
    """The schedule with another rhythm of tumour assessments."""
    planned = schedule.tumour_assessments
    assert planned is not None  # noqa: S101 - the caller saw to it
    visits = tuple(
        visit.model_copy(update={"repeat": repeat, "day": repeat.first_day})
        if visit.id == planned.visit
        else visit
        for visit in schedule.visits
    )
    update = {"interval_days": repeat.every, "window_days": window_days}
    return schedule.model_copy(
        update={"visits": visits, "tumour_assessments": planned.model_copy(update=update)}
    )
