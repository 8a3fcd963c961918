"""When tumours are looked at: planned scans, late, missed, unreadable and extra ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.simulate.chance import Bools, Ints, Streams, between, whole_days, width
from onearm.study.schedule import Repeat
from onearm.study.simulation import Scans


@dataclass(frozen=True, slots=True)
class Calendar:
    """Possible time points of every patient: columns are slots, slot 0 is the baseline.

    Odd slots are the planned scans (``repeat`` counts them), the even ones behind are extra scans
    between two planned ones. ``day`` is the last day of scanning and ``early`` that of the organs
    scanned on another day, both counted from first dose; ``held`` says whether the scan is made
    if the patient is still followed.
    """

    planned: Ints
    repeat: Ints
    day: Ints
    early: Ints
    held: Bools
    readable: Bools


def planned_days(repeat: Repeat, last: int) -> list[int]:
    """Days from first dose (= 0) of a repeating visit, up to day ``last``."""
    days = [repeat.first_day - 1]
    while days[-1] <= last and len(days) < repeat.most:
        every = repeat.every
        for change in repeat.changes:
            if days[-1] + 1 >= change.after_day:
                every = change.every
        days.append(days[-1] + every)
    return [day for day in days if day <= last]


def calendar(
    law: Scans,
    streams: Streams,
    repeat: Repeat,
    *,
    window: int,
    two_days: float,
    horizon: Ints,
    lead: Ints,
) -> Calendar:
    """The time points at which each patient could be scanned up to the data cut.

    ``horizon``: the cut in days from first dose; ``lead``: days from consent to first dose.
    ``two_days``: share of time points scanned on two days. Slots stay in order of date.
    """
    n = len(horizon)
    plan = np.array(planned_days(repeat, int(max(horizon.max(initial=1), repeat.first_day))))
    slots = 2 * len(plan) + 1
    planned, number = np.full(slots, -1), np.zeros(slots, dtype=np.int64)
    planned[1::2], number[1::2] = plan, np.arange(1, len(plan) + 1)
    day = np.zeros((n, slots), dtype=np.int64)
    day[:, 0] = -np.minimum(between(streams("baseline scan").random(n), law.baseline_days), lead)
    z = streams("scan jitter").standard_normal((n, width(len(plan))))[:, : len(plan)]
    late = streams("late scan").random((n, width(len(plan))))[:, : len(plan)]
    shift = np.clip(np.rint(law.jitter * z), -window, window).astype(np.int64)
    shift = np.where(late < law.late, window + 1 + np.floor(10 * late / max(law.late, 1e-9)), shift)
    day[:, 1::2] = plan + shift.astype(np.int64)
    extra = streams("extra scan day").random((n, width(len(plan))))[:, : len(plan)]
    following = np.column_stack([day[:, 3::2], day[:, -2] + repeat.every])
    day[:, 2::2] = day[:, 1::2] + whole_days((following - day[:, 1::2]) * (0.25 + 0.5 * extra))
    held = np.ones((n, slots), dtype=bool)
    held[:, 1::2] = (
        streams("missed scan").random((n, width(len(plan))))[:, : len(plan)] >= law.missed
    )
    held[:, 2::2] = (
        streams("extra scan").random((n, width(len(plan))))[:, : len(plan)] < law.unscheduled
    )
    held[:, 0] = streams("baseline missing").random(n) >= law.no_baseline
    apart = streams("scan apart").random((n, width(slots)))[:, :slots]
    lead = np.where(apart < two_days, 1 + np.floor(3 * apart / max(two_days, 1e-9)), 0)
    readable = streams("unreadable scan").random((n, width(slots)))[:, :slots] >= law.not_evaluable
    readable[:, 0] = True
    return Calendar(planned, number, day, day - lead.astype(np.int64), held, readable)
