"""Doses given: periods of one daily dose with holds and steps down, and doses once a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm import expr
from onearm.errors import OnearmError
from onearm.simulate.chance import (
    NEVER,
    NOTHING,
    Floats,
    Ints,
    Streams,
    Texts,
    between,
    pick_key,
    waiting,
    width,
)
from onearm.simulate.chance import whole_days as whole
from onearm.simulate.course import Course
from onearm.study.identity import Dose, Treatment
from onearm.study.simulation import Drug

MOST = 8
"""Holds and steps down drawn a patient, far more than anybody has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One dosing period: days from first dose, ``end`` None while it goes on."""

    patient: int
    dose: float
    frequency: str
    start: int
    end: int | None
    why: bool


@dataclass(frozen=True, slots=True)
class Given:
    """One drug: its rows, last day of dosing, day of stopping, and why (arrays over patients)."""

    treatment: Treatment
    rows: pl.DataFrame
    last: Ints
    stop: Ints
    reason: Texts


def give(
    treatment: Treatment,
    law: Drug,
    streams: Streams,
    *,
    course: Course,
    horizon: Ints,
    baseline: pl.DataFrame,
    cycles: Ints,
    cycle_days: int,
) -> Given:
    """The doses of one drug up to its end or the data cut.

    ``baseline``: one row a patient with the columns that the dose rules read. ``cycles``: days of
    the cycle visits (patients by cycles), ``cycle_days`` apart as planned.
    """
    name, n = treatment.name, len(horizon)
    alone = whole(waiting(streams(f"{name} stopped alone").random(n), law.stopped_alone)) + 21
    alone = np.where(alone <= horizon, alone, NEVER)
    stop = np.minimum(course.treatment_end, alone)
    reason = np.where(alone < course.treatment_end, "toxicity", course.reason)
    until = np.where(reason == "death", stop - 1, stop)
    until = np.clip(np.minimum(until, horizon), 0, None)
    kinds = _start_doses(treatment, baseline)
    if treatment.every_days == 1:
        rows = _daily(treatment, law, streams, kinds=kinds, until=until, ongoing=stop == NEVER)
    else:
        grid = cycles
        if treatment.every_days and treatment.every_days != cycle_days:
            grid = np.arange(cycles.shape[1])[None, :] * treatment.every_days + 0 * cycles
        rows = _cyclic(treatment, law, streams, kinds=kinds, until=until, grid=grid)
    last = np.zeros(n, dtype=np.int64)
    for row in rows:
        if row.dose > 0:
            close = int(until[row.patient]) if row.end is None else row.end
            last[row.patient] = max(last[row.patient], close)
    return Given(treatment, _frame(treatment, law, streams, rows), last, stop, reason)


def _start_doses(treatment: Treatment, baseline: pl.DataFrame) -> list[Dose]:
    """The start dose of each patient: the first whose condition holds."""
    chosen: list[Dose | None] = [None] * baseline.height
    for dose in treatment.doses:
        holds = [True] * baseline.height
        if dose.when:
            rule = expr.parse(dose.when)
            if unknown := expr.unknown_columns(rule, baseline.columns):
                raise OnearmError(
                    f"simulate: the dose of {treatment.name} reads {', '.join(unknown)}, "
                    f"which is not simulated; there are {', '.join(baseline.columns)}"
                )
            holds = baseline.select(rule.holds()).to_series().to_list()
        chosen = [
            dose if old is None and fits else old for old, fits in zip(chosen, holds, strict=True)
        ]
    return [dose if dose is not None else treatment.doses[0] for dose in chosen]


def _daily(
    treatment: Treatment,
    law: Drug,
    streams: Streams,
    *,
    kinds: Sequence[Dose],
    until: Ints,
    ongoing: Texts,
) -> list[Row]:
    n = len(until)
    u = streams(f"{treatment.name} doses").random((n, MOST, 3))
    rate = law.reduction + law.interruption
    gaps = np.minimum(whole(waiting(u[:, :, 0], rate)) + 10, NEVER).tolist()
    down = (u[:, :, 1] * rate < law.reduction).tolist()
    holds = between(u[:, :, 2], law.hold_days).tolist()
    rows: list[Row] = []
    for k in range(n):
        rows += _one_daily(
            treatment, k, kinds[k], int(until[k]), bool(ongoing[k]), gaps[k], down[k], holds[k]
        )
    return rows


def _one_daily(
    treatment: Treatment,
    patient: int,
    kind: Dose,
    until: int,
    ongoing: bool,
    gaps: Sequence[int],
    down: Sequence[bool],
    holds: Sequence[int],
) -> list[Row]:
    """Dosing periods of one patient: dose, hold (dose 0), dose again or one step lower."""
    steps = [(kind.amount, treatment.frequency)]
    steps += [(step.amount, step.frequency or treatment.frequency) for step in kind.reductions]
    rows, day, level, changed = [], 0, 0, False
    for gap, lower, hold in zip(gaps, down, holds, strict=True):
        dose, frequency = steps[level]
        end = day + gap - 1
        if end + hold >= until:
            break
        rows.append(Row(patient, dose, frequency, day, end, changed))
        rows.append(Row(patient, 0, frequency, end + 1, end + hold, True))
        day = end + hold + 1
        changed = lower and level + 1 < len(steps)
        level += changed
    dose, frequency = steps[level]
    rows.append(Row(patient, dose, frequency, day, None if ongoing else until, changed))
    return rows


def _cyclic(
    treatment: Treatment,
    law: Drug,
    streams: Streams,
    *,
    kinds: Sequence[Dose],
    until: Ints,
    grid: Ints,
) -> list[Row]:
    """One row a dose; a skipped dose is a row of dose 0."""
    n, most = grid.shape
    u = streams(f"{treatment.name} doses").random((n, width(most), 3))[:, :most]
    late = (u[:, :, 0] < law.delay) & (np.arange(most) > 0)
    day = grid + np.where(late, between(u[:, :, 1], law.delay_days), 0)
    skipped = (u[:, :, 2] < law.skipped) & (np.arange(most) > 0)
    patient, dose_number = np.nonzero(day <= until[:, None])
    return [
        Row(k, 0.0 if skip else kinds[k].amount, treatment.frequency, d, d, skip)
        for k, d, skip in zip(
            patient.tolist(),
            day[patient, dose_number].tolist(),
            skipped[patient, dose_number].tolist(),
            strict=True,
        )
    ]


def _frame(treatment: Treatment, law: Drug, streams: Streams, rows: Sequence[Row]) -> pl.DataFrame:
    """The rows under their SDTM targets; dates still days from first dose."""
    reasons: Mapping[str, float] = law.reasons or {"ADVERSE EVENT": 1.0}
    u: Floats = streams(f"{treatment.name} reasons").random(len(rows))
    words = np.where([row.why for row in rows], pick_key(u, reasons), NOTHING)
    return pl.DataFrame(
        {
            "patient": pl.Series([row.patient for row in rows], dtype=pl.Int64),
            "EX.EXTRT": pl.Series([treatment.name] * len(rows), dtype=pl.String),
            "EX.EXDOSE": pl.Series([row.dose for row in rows], dtype=pl.Float64),
            "EX.EXDOSU": pl.Series([treatment.unit] * len(rows), dtype=pl.String),
            "EX.EXDOSFRQ": pl.Series([row.frequency for row in rows], dtype=pl.String),
            "EX.EXROUTE": pl.Series([treatment.route] * len(rows), dtype=pl.String),
            "EX.EXDOSFRM": pl.Series([treatment.form] * len(rows), dtype=pl.String),
            "EX.EXSTDTC": pl.Series([row.start for row in rows], dtype=pl.Int64),
            "EX.EXENDTC": pl.Series([row.end for row in rows], dtype=pl.Int64),
            "EX.EXADJ": pl.Series(words.tolist(), dtype=pl.String),
        }
    )
