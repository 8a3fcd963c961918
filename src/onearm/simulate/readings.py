"""What a reader writes down at each time point: sizes in tenths of a millimetre, and states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from onearm.simulate.chance import Bools, Floats, Ints, Streams, width
from onearm.simulate.lesions import NEW, NONTARGETS, TARGETS, Anatomy, Biology, relative_size
from onearm.simulate.scans import Calendar
from onearm.study.simulation import Simulation


class State(IntEnum):
    """How a lesion is found; ``NOTHING`` means that no row is written."""

    NOTHING = 0
    MEASURED = 1
    ABSENT = 2
    TOO_SMALL = 3
    MERGED = 4
    NOT_EVALUABLE = 5
    PRESENT = 6
    PROGRESSED = 7
    EQUIVOCAL = 8


WORDS = {
    State.NOTHING: None,
    State.MEASURED: None,
    State.ABSENT: "ABSENT",
    State.TOO_SMALL: "TOO SMALL TO MEASURE",
    State.MERGED: "TUMOR MERGED",
    State.NOT_EVALUABLE: "NE",
    State.PRESENT: "PRESENT",
    State.PROGRESSED: "UNEQUIVOCAL",
    State.EQUIVOCAL: "EQUIVOCAL",
}
"""The words of the lesion form; a measured lesion has a number and no word."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Arrays are patients by time points by lesions: targets, then non-targets, then new lesions.

    ``size`` is in tenths of a millimetre, 0 where nothing was measured; ``day`` is the day of the
    scan of that lesion; ``split`` says that a lesion is measured as two fragments.
    """

    state: Ints
    size: Ints
    day: Ints
    split: Bools
    nodal: Bools


TARGET = slice(0, TARGETS)
NONTARGET = slice(TARGETS, TARGETS + NONTARGETS)
FRESH = slice(TARGETS + NONTARGETS, TARGETS + NONTARGETS + NEW)


def read(
    plan: Simulation,
    streams: Streams,
    *,
    calendar: Calendar,
    biology: Biology,
    targets: Anatomy,
    nontargets: Anatomy,
    new: Anatomy,
) -> Readings:
    """What would be written down at every possible time point of every patient."""
    size, state, split = _targets(plan, streams, calendar, biology, targets)
    beside = _nontargets(plan, streams, calendar, biology, nontargets)
    fresh = _new(plan, streams, calendar, biology)
    states = np.concatenate([state, beside, fresh], axis=2)
    sizes = np.concatenate([size, np.zeros_like(beside), np.zeros_like(fresh)], axis=2)
    whole = np.concatenate([split, np.zeros(beside.shape, bool), np.zeros(fresh.shape, bool)], 2)
    states = _unreadable(plan, streams, calendar, states)
    sizes = np.where(states == State.MEASURED, sizes, 0)
    organ = np.concatenate([targets.organ, nontargets.organ, new.organ], axis=1)
    elsewhere = (organ != targets.organ[:, :1])[:, None, :] & calendar.readable[:, :, None]
    day = np.where(elsewhere, calendar.early[:, :, None], calendar.day[:, :, None])
    nodal = np.concatenate([targets.nodal, nontargets.nodal, new.nodal], axis=1)
    return Readings(states, sizes, _last_day_used(calendar, states, day), whole, nodal)


def _last_day_used(calendar: Calendar, states: Ints, day: Ints) -> Ints:
    """Scan days such that some row has the last day of its time point: else all get it."""
    written = states != State.NOTHING
    last = np.where(written, day, -(10**6)).max(axis=2, keepdims=True)
    return np.where(last == calendar.day[:, :, None], day, calendar.day[:, :, None])


def _draw(streams: Streams, topic: str, n: int, slots: int, lesions: int) -> Floats:
    """Uniform numbers patients by time points by lesions, the same for a longer calendar."""
    return streams(topic).random((n, width(slots), lesions))[:, :slots]


def _targets(
    plan: Simulation, streams: Streams, calendar: Calendar, biology: Biology, lesions: Anatomy
) -> tuple[Ints, Ints, Bools]:
    law, (n, slots) = plan.tumour, calendar.day.shape
    spread = np.exp(law.same_patient * streams("lesion rates").standard_normal((n, TARGETS)))
    true = lesions.size[:, None, :] * relative_size(plan.kinetics, biology, calendar.day, spread)
    z = streams("measurement error").standard_normal((n, width(slots), TARGETS))[:, :slots]
    z[:, 0] = 0.0
    most = np.where(lesions.nodal, law.largest_node_mm, law.largest_mm)
    seen = np.minimum(true * np.exp(law.error * z), most[:, None, :])
    scale = 10 ** (1 - law.decimals)
    size = np.rint(seen * 10 / scale).astype(np.int64) * scale
    vague = _draw(streams, "too small", n, slots, TARGETS) < law.too_small
    gone = np.where(lesions.nodal[:, None, :], true < law.gone_node_mm, true < law.gone_mm)
    small = (true < law.too_small_mm) & ~lesions.nodal[:, None, :] & vague
    state = np.where(gone | (size == 0), State.ABSENT, State.MEASURED)
    state = np.where(small & (state != State.ABSENT), State.TOO_SMALL, state)
    state = np.where(lesions.exists[:, None, :], state, State.NOTHING).astype(np.int64)
    split = _split(plan, streams, lesions, state, size)
    return *_merge(plan, streams, lesions, state, size), split


def _merge(
    plan: Simulation, streams: Streams, lesions: Anatomy, state: Ints, size: Ints
) -> tuple[Ints, Ints]:
    """Some neighbours grow together: the first of two in one organ then stands for both.

    Rule: RECIST 1.1, 4.3.2: coalesced lesions are measured as one.
    """
    n, slots, _ = state.shape
    u = streams("merge").random((n, 2))
    who = (lesions.partner > 0) & ~lesions.nodal[:, 0] & (u[:, 0] < plan.tumour.merged)
    begins = 1 + np.floor(u[:, 1] * 8).astype(np.int64)
    for k in np.flatnonzero(who):
        first, second = 0, int(lesions.partner[k])
        both = (state[k, :, first] == State.MEASURED) & (state[k, :, second] == State.MEASURED)
        now = both & (np.arange(slots) >= begins[k])
        # Once merged they stay so: nothing is measured apart behind the first such time point.
        if not now.any():
            continue
        since = np.arange(slots) >= int(np.argmax(now))
        longest = np.maximum(size[k, :, first], size[k, :, second])
        shorter = np.minimum(size[k, :, first], size[k, :, second])
        merged = np.minimum(longest + shorter * 6 // 10, int(10 * plan.tumour.largest_mm))
        size[k, since, first] = merged[since]
        state[k, since, second] = State.MERGED
    return size, state


def _split(plan: Simulation, streams: Streams, lesions: Anatomy, state: Ints, size: Ints) -> Bools:
    """Some lesions fall apart into two fragments that are measured each and added up."""
    n, slots, columns = state.shape
    u = streams("split").random((n, 2))
    last = lesions.exists.sum(axis=1) - 1
    apart = (u[:, 0] < plan.tumour.split) & (lesions.partner < 0)
    chosen = np.zeros((n, columns), dtype=bool)
    rows = np.flatnonzero(apart & (last >= 0))
    chosen[rows, last[rows]] = ~lesions.nodal[rows, last[rows]]
    begins = 1 + np.floor(u[:, 1] * 6).astype(np.int64)
    since = np.arange(slots)[None, :, None] >= begins[:, None, None]
    ready = chosen[:, None, :] & since & (state == State.MEASURED) & (size >= 150)
    return np.maximum.accumulate(ready, axis=1)


def _nontargets(
    plan: Simulation, streams: Streams, calendar: Calendar, biology: Biology, lesions: Anatomy
) -> Ints:
    """Present until nearly all of the disease has gone; the first may progress."""
    n, _ = calendar.day.shape
    spread = np.exp(0.3 * streams("nontarget rates").standard_normal((n, NONTARGETS)))
    left = relative_size(plan.kinetics, biology, calendar.day, spread)
    state = np.where(left < plan.tumour.nontarget_gone, State.ABSENT, State.PRESENT)
    worse = calendar.day >= biology.nontarget[:, None]
    state[:, :, 0] = np.where(worse, State.PROGRESSED, state[:, :, 0])
    return np.where(lesions.exists[:, None, :], state, State.NOTHING).astype(np.int64)


def _new(plan: Simulation, streams: Streams, calendar: Calendar, biology: Biology) -> Ints:
    """New lesions: definite at once, or uncertain first and then confirmed or gone."""
    law, n = plan.spread, len(calendar.day)
    u = streams("equivocal").random((n, NEW, 2))
    vague, holds = u[:, None, :, 0] < law.equivocal, u[:, None, :, 1] < law.confirmed
    looked = (calendar.held & calendar.readable)[:, :, None]
    there = calendar.day[:, :, None] >= biology.new_lesion[:, None, :]
    sighting = np.cumsum(looked & there, axis=1)
    later = np.where(holds, State.PROGRESSED, State.ABSENT)
    state = np.where(vague & (sighting == 1), State.EQUIVOCAL, State.PROGRESSED)
    state = np.where(vague & (sighting == 2), later, state)
    state = np.where(vague & ~holds & (sighting > 2), State.NOTHING, state)
    return np.where(sighting == 0, State.NOTHING, state).astype(np.int64)


def _unreadable(plan: Simulation, streams: Streams, calendar: Calendar, states: Ints) -> Ints:
    """Single lesions and whole scans that cannot be judged, never at baseline.

    A time point with two scan days has no single unreadable lesion, so that the last day of
    scanning is the last day of something seen.
    """
    n, slots, lesions = states.shape
    law = plan.tumour.lesion_not_evaluable
    single = _draw(streams, "unreadable lesion", n, slots, lesions) < law
    single &= (calendar.early == calendar.day)[:, :, None]
    single[:, :, FRESH] = False
    single[:, 0] = False
    bad = single | ~calendar.readable[:, :, None]
    return np.where(bad & (states != State.NOTHING), State.NOT_EVALUABLE, states)
