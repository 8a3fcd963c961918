"""What becomes of each treated patient: progression, treatment end, new therapy, loss, death."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.simulate.chance import (
    NEVER,
    NOTHING,
    Bools,
    Floats,
    Ints,
    Streams,
    Texts,
    between,
    shaped,
    waiting,
    whole_days,
)
from onearm.simulate.lesions import Biology
from onearm.simulate.readings import FRESH, NONTARGET, TARGET, Readings, State
from onearm.simulate.scans import Calendar
from onearm.simulate.straight import Answer, Look, Mark, assess
from onearm.study.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Fate:
    """Days that would come if nothing else came first; arrays over treated patients."""

    death: Ints
    toxicity: Ints
    withdrawn: Ints
    lost: Ints
    clinical: Ints
    therapy: Ints
    stops_scans: Bools
    horizon: Ints


@dataclass(frozen=True, slots=True)
class Course:
    """What happened: days from first dose, ``NEVER`` where it did not happen by the cut.

    ``scanned``: which slots of the calendar were held; ``answers``: their truth, per patient.
    ``end``: last day of observation. ``treatment_end``: day of the decision to stop;
    ``reason``: why (progression, clinical, toxicity, death, withdrawal, lost), None while it goes
    on. ``left``: why the study ended (death, withdrawal, lost), None while it goes on.
    ``known_death``: death as the data show it, a registry's word after withdrawal included.
    """

    scanned: Bools
    answers: list[list[Answer]]
    progression: Ints
    clinical: Ints
    therapy: Ints
    surgery: Bools
    death: Ints
    known_death: Ints
    withdrawn: Ints
    lost: Ints
    end: Ints
    treatment_end: Ints
    reason: Texts
    left: Texts
    toxic_death: Bools


def fate(plan: Simulation, streams: Streams, horizon: Ints) -> Fate:
    """What may happen to each patient, drawn before anything is known of the tumour."""
    n, law = len(horizon), plan.course
    u = streams("fate").random((n, 8))
    toxicity = whole_days(waiting(u[:, 1], law.toxicity)) + 14
    early = (u[:, 5] < law.therapy_after_toxicity) & (toxicity < NEVER)
    return Fate(
        death=whole_days(waiting(u[:, 0], law.death)) + 3,
        toxicity=toxicity,
        withdrawn=whole_days(waiting(u[:, 2], law.withdrawal)) + 7,
        lost=whole_days(waiting(u[:, 3], law.lost)) + 21,
        clinical=whole_days(waiting(u[:, 4], law.clinical_progression)) + 28,
        therapy=np.where(early, toxicity + 14 + np.floor(u[:, 6] * 60).astype(np.int64), NEVER),
        stops_scans=u[:, 7] < 0.4,
        horizon=horizon,
    )


def course(
    plan: Simulation,
    streams: Streams,
    *,
    calendar: Calendar,
    biology: Biology,
    readings: Readings,
    may: Fate,
) -> Course:
    """Scan until progression or the end of follow-up, then let the rest of life follow."""
    n, law = len(may.horizon), plan.course
    u = streams("after progression").random((n, 8))
    therapy, surgery = may.therapy.copy(), np.zeros(n, dtype=bool)
    watched = np.minimum.reduce([may.death - 1, may.withdrawn, may.lost, may.clinical])
    watched = np.minimum(watched, may.horizon)
    watched = np.where(may.stops_scans, np.minimum(watched, therapy), watched)
    scanned = calendar.held & (calendar.day <= watched[:, None]) & calendar.held[:, :1]
    found = _first_progression(readings, calendar, scanned)
    for k, (_, response) in enumerate(found):
        if response is not None and u[k, 0] < law.surgery_of_responders and therapy[k] == NEVER:
            therapy[k], surgery[k] = response + 45, True
    progressed = np.array([day for day, _ in found])
    death = _death(plan, streams, biology, may, progressed, therapy)
    alive = np.minimum.reduce([death, may.withdrawn, may.lost, may.horizon + 1])
    after = u[:, 1] < plan.scans.after_progression
    scanned &= calendar.day < death[:, None]
    scanned = _stop_scans(scanned, calendar, progressed, np.where(after, alive - 1, -1))
    answers = [_answers(readings, calendar, scanned, k) for k in range(n)]
    clinical = np.where(may.clinical < np.minimum(progressed, alive), may.clinical, NEVER)
    later = progressed + between(u[:, 2], (7, 45))
    wanted = (u[:, 3] < law.therapy_after_progression) & (progressed < NEVER)
    therapy = np.where((therapy >= progressed) & ~surgery, NEVER, therapy)
    surgery &= therapy < progressed
    therapy = np.where(therapy > progressed, NEVER, therapy)
    therapy = np.where((therapy == NEVER) & wanted, later, therapy)
    therapy = np.where(therapy < alive, therapy, NEVER)
    surgery &= therapy < NEVER
    stop, reason = _treatment_end(
        plan, u, may=may, progressed=progressed, clinical=clinical, therapy=therapy, death=death
    )
    return _assemble(
        plan,
        u,
        may=may,
        scanned=scanned,
        answers=answers,
        progressed=progressed,
        clinical=clinical,
        therapy=therapy,
        surgery=surgery,
        death=death,
        stop=stop,
        reason=reason,
    )


def _assemble(
    plan: Simulation,
    u: Floats,
    *,
    may: Fate,
    scanned: Bools,
    answers: list[list[Answer]],
    progressed: Ints,
    clinical: Ints,
    therapy: Ints,
    surgery: Bools,
    death: Ints,
    stop: Ints,
    reason: Texts,
) -> Course:
    end = np.minimum.reduce([death, may.withdrawn, may.lost, may.horizon])
    left = np.where(end == death, "death", np.where(end == may.withdrawn, "withdrawal", "lost"))
    left = np.where(end < np.minimum.reduce([death, may.withdrawn, may.lost]), NOTHING, left)
    # A registry's word is used only long after the last scan, where it cannot be progression-free
    # survival any more.
    registry = (left == "withdrawal") & (u[:, 6] < plan.course.registry_death)
    registry &= (death >= may.withdrawn + 120) & (death <= may.horizon)
    known = np.where((left == "death") | registry, death, NEVER)
    toxic = (left == "death") & (progressed == NEVER) & (u[:, 7] < 0.3)
    return Course(
        scanned=scanned,
        answers=answers,
        progression=progressed,
        clinical=clinical,
        therapy=therapy,
        surgery=surgery,
        death=death,
        known_death=known,
        withdrawn=np.where(left == "withdrawal", may.withdrawn, NEVER),
        lost=np.where(left == "lost", may.lost, NEVER),
        end=end,
        treatment_end=stop,
        reason=reason,
        left=left,
        toxic_death=toxic,
    )


def _death(
    plan: Simulation,
    streams: Streams,
    biology: Biology,
    may: Fate,
    progressed: Ints,
    therapy: Ints,
) -> Ints:
    """Death without progression, or after it; those who progress slowly live longer after it.

    Where no progression is seen, other therapy or clinical progression takes its place.
    """
    law = plan.course
    own = streams("survival").standard_normal(len(may.death))
    z = law.association * biology.slowness + np.sqrt(1 - law.association**2) * own
    further = np.maximum(whole_days(shaped(z, law.survival) * biology.survival), 5)
    turn = np.where(progressed < NEVER, progressed, np.minimum(may.clinical, therapy))
    return np.where(turn < may.death, turn + further, may.death)


def _treatment_end(
    plan: Simulation,
    u: Floats,
    *,
    may: Fate,
    progressed: Ints,
    clinical: Ints,
    therapy: Ints,
    death: Ints,
) -> tuple[Ints, Texts]:
    """Day and reason of the end of treatment: the earliest of what ends it."""
    beyond = u[:, 4] < plan.course.beyond_progression
    on = progressed + np.where(beyond, between(u[:, 5], (30, 63)), between(u[:, 5], (0, 6)))
    before_therapy = np.where(therapy > progressed, NEVER, therapy - 1)
    on = np.where(therapy < NEVER, np.minimum(on, np.maximum(therapy - 1, progressed)), on)
    days = np.column_stack(
        [death, may.withdrawn, may.lost, may.toxicity, on, clinical, before_therapy]
    )
    words = np.array(
        ["death", "withdrawal", "lost", "toxicity", "progression", "clinical", "decision"],
        dtype=object,
    )
    first = days.argmin(axis=1)
    stop = np.minimum(days.min(axis=1), NEVER)
    stopped = stop <= may.horizon
    return np.where(stopped, stop, NEVER), np.where(stopped, words[first], NOTHING)


def _looks(readings: Readings, calendar: Calendar, slots: Ints, k: int) -> list[Look]:
    """The time points of patient ``k`` in the given slots, as a reader's plain list."""
    state, size = readings.state[k, slots].tolist(), readings.size[k, slots].tolist()
    day, nodal = readings.day[k, slots].tolist(), readings.nodal[k].tolist()
    nothing = int(State.NOTHING)
    looks = []
    for t, main in enumerate(calendar.day[k, slots].tolist()):
        marks = [
            Mark(s, z, d, n) for s, z, d, n in zip(state[t], size[t], day[t], nodal, strict=True)
        ]
        looks.append(
            Look(
                main,
                [m for m in marks[TARGET] if m.state != nothing],
                [m for m in marks[NONTARGET] if m.state != nothing],
                marks[FRESH],
            )
        )
    return looks


def _answers(readings: Readings, calendar: Calendar, scanned: Bools, k: int) -> list[Answer]:
    slots = np.flatnonzero(scanned[k])
    return assess(_looks(readings, calendar, slots, k)) if len(slots) else []


def _first_progression(
    readings: Readings, calendar: Calendar, scanned: Bools
) -> list[tuple[int, int | None]]:
    """Day on which each patient is first seen to have progressed, and of the first CR or PR."""
    found = []
    for k in range(len(scanned)):
        answers = _answers(readings, calendar, scanned, k)
        seen = next((a.day for a in answers if a.seen == "PD"), NEVER)
        good = next((a.day for a in answers if a.seen in ("CR", "PR") and a.day < seen), None)
        found.append((seen, good))
    return found


def _stop_scans(scanned: Bools, calendar: Calendar, progressed: Ints, until: Ints) -> Bools:
    """No scan after progression, but for one more where ``until`` allows it."""
    after = scanned & (calendar.day > progressed[:, None])
    first = after & (np.cumsum(after, axis=1) == 1) & (calendar.day <= until[:, None])
    return np.asarray((scanned & ~after) | first)
