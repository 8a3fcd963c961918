"""Lesion rows and the investigator's responses, as they are written on the forms."""

from __future__ import annotations

import numpy as np
import polars as pl

from onearm.simulate.chance import NOTHING, Ints, Streams, Texts, pick_key
from onearm.simulate.lesions import NEW, NONTARGETS, TARGETS, Anatomy
from onearm.simulate.occasions import Timeline
from onearm.simulate.readings import WORDS, Readings, State
from onearm.study.simulation import Simulation

FIRST_ROW = {"T": 1, "NT": 11, "NEW": 21}
FRAGMENT_ROW = 50
ROLES = {"T": "TARGET", "NT": "NON-TARGET", "NEW": "NEW"}


def time_points(line: Timeline) -> pl.DataFrame:
    """One row a scan that was held: ``patient``, ``slot``, ``person``, VISIT and VISIT_REPEAT."""
    assessments = line.schedule.tumour_assessments
    patient, slot = np.nonzero(line.course.scanned)
    extra = line.course.scanned & (line.calendar.planned < 0)[None, :]
    extra[:, 0] = False
    number = np.cumsum(extra, axis=1)[patient, slot]
    planned = line.calendar.planned[slot] >= 0
    places = line.plan.places
    visit = np.where(planned, assessments.visit if assessments else "", places.unscheduled)
    visit = np.where(slot == 0, places.screening, visit)
    repeat = np.where(planned, line.calendar.repeat[slot], number)
    return pl.DataFrame(
        {
            "patient": patient,
            "slot": slot,
            "person": line.treated[patient],
            "VISIT": pl.Series(visit.tolist(), dtype=pl.String),
            "VISIT_REPEAT": np.where(slot == 0, 1, repeat),
            "day": line.calendar.day[patient, slot],
        }
    )


def lesion_rows(
    plan: Simulation,
    streams: Streams,
    *,
    points: pl.DataFrame,
    readings: Readings,
    parts: tuple[Anatomy, Anatomy, Anatomy],
) -> pl.DataFrame:
    """One row a lesion and time point under its SDTM targets; days from first dose.

    A lesion in two fragments has two rows, a and b, whose sizes add up to that of the lesion; where
    it is not measured the second is absent.
    """
    patient, slot = points["patient"].to_numpy(), points["slot"].to_numpy()
    state = readings.state[patient, slot]
    point, lesion = np.nonzero(state != State.NOTHING)
    who, when = patient[point], slot[point]
    split = readings.split[who, when, lesion]
    second = np.flatnonzero(split)
    order = np.concatenate([np.arange(len(point)), second])
    fragment = np.concatenate([np.where(split, 1, 0), np.full(len(second), 2)])
    point, lesion, who, when = point[order], lesion[order], who[order], when[order]
    size = readings.size[who, when, lesion]
    larger = size * 3 // 5
    size = np.where(fragment == 0, size, np.where(fragment == 1, larger, size - larger))
    found = readings.state[who, when, lesion]
    lost = (fragment == 2) & ~np.isin(found, [State.MEASURED, State.NOT_EVALUABLE])
    found = np.where(lost, State.ABSENT, found)
    frame = _rows(plan, streams, readings, parts, who, lesion, found, size, fragment)
    return (
        frame.with_columns(
            points[point].select("person", "VISIT", "VISIT_REPEAT"),
            _day=pl.Series(readings.day[who, when, lesion]),
        )
        .with_columns(**{"TU.TUDTC": pl.col("_day"), "TR.TRDTC": pl.col("_day")})
        .drop("_day")
        .sort("person", "VISIT", "VISIT_REPEAT", "ROW")
    )


def _rows(
    plan: Simulation,
    streams: Streams,
    readings: Readings,
    parts: tuple[Anatomy, Anatomy, Anatomy],
    who: Ints,
    lesion: Ints,
    found: Ints,
    size: Ints,
    fragment: Ints,
) -> pl.DataFrame:
    kinds = ["T"] * TARGETS + ["NT"] * NONTARGETS + ["NEW"] * NEW
    numbers = [*range(1, TARGETS + 1), *range(1, NONTARGETS + 1), *range(1, NEW + 1)]
    ids = [f"{kind}{number:02d}" for kind, number in zip(kinds, numbers, strict=True)]
    rows = [FIRST_ROW[kind] + number - 1 for kind, number in zip(kinds, numbers, strict=True)]
    name = _text(np.array(ids, dtype=object)[lesion] + np.array(["", "a", "b"], object)[fragment])
    role = _text(np.array([ROLES[kind] for kind in kinds], dtype=object)[lesion])
    location = np.concatenate([part.location for part in parts], axis=1)[who, lesion]
    side = np.concatenate([part.side for part in parts], axis=1)[who, lesion]
    n = len(readings.nodal)
    method = pick_key(streams("method").random(n), plan.tumour.methods)[who]
    slices = plan.tumour.slices or {"": 1.0}
    thickness = pick_key(streams("slice").random(n), slices)[who]
    nodal = readings.nodal[who, lesion]
    words = np.array([WORDS[State(code)] for code in range(len(State))], dtype=object)
    reasons = dict.fromkeys(plan.tumour.not_evaluable_reasons, 1.0)
    reason = pick_key(streams("not evaluable").random(len(who)), reasons)
    measured = found == State.MEASURED
    millimetres = np.where(measured, size / 10.0, np.nan)
    return pl.DataFrame(
        {
            "ROW": np.array(rows)[lesion] + np.where(fragment == 2, FRAGMENT_ROW, 0),
            "TU.TULNKID": name,
            "TR.TRLNKID": name,
            "TU.TUORRES:TUMIDENT": role,
            "TR.TRGRPID": role,
            "TU.TULOC": _text(location),
            "TU.TULAT": _text(side),
            "TU.TUMETHOD": _text(method),
            "TR.TRMETHOD": _text(method),
            "SUPPTR.SLICE": _text(np.where(thickness == "", NOTHING, thickness)),
            "TR.TRORRES:LDIAM": pl.Series(np.where(nodal, np.nan, millimetres)).fill_nan(None),
            "TR.TRORRES:LPERP": pl.Series(np.where(nodal, millimetres, np.nan)).fill_nan(None),
            "TR.TRORRES:TUMSTATE": _text(words[found]),
            "TR.TRREASND": _text(np.where(found == State.NOT_EVALUABLE, reason, NOTHING)),
        }
    )


def _text(values: Texts) -> pl.Series:
    return pl.Series(values.tolist(), dtype=pl.String)


SLIP = {
    "CR": ("PR",),
    "PR": ("SD",),
    "SD": ("PR", "PD"),
    "PD": ("SD",),
    "NE": ("SD",),
    "NON-CR/NON-PD": ("PD",),
}
"""What a reader writes by mistake in place of the right answer."""


def responses(line: Timeline, points: pl.DataFrame, *, error: float) -> pl.DataFrame:
    """One row a scan after baseline: the truth, and what the investigator writes.

    Truth: ``target``, ``nontarget``, ``new``, ``seen`` (the answer on the day), ``overall`` (as it
    stands once uncertain new lesions are decided), ``pd_day``, ``sum`` (mm, exact decimal text),
    ``complete``. Written: the RS targets; ``slip`` where they are wrong. ``error``: share wrong.
    """
    answers = [answer for patient in line.course.answers for answer in patient]
    after = points.filter(pl.col("slot") > 0).sort("patient", "slot")
    u = line.streams("reader error").random((after.height, 2))
    written, slips = [], []
    for answer, (first, second) in zip(answers, u.tolist(), strict=True):
        options = SLIP[answer.seen]
        wrong = first < error
        written.append(options[int(second * len(options))] if wrong else answer.seen)
        slips.append(wrong)
    overall = [answer.seen for answer in answers]
    target = [
        w if wrong and a.target == a.seen else a.target
        for a, w, wrong in zip(answers, written, slips, strict=True)
    ]
    return after.with_columns(
        target=pl.Series([a.target for a in answers], dtype=pl.String),
        nontarget=pl.Series([a.nontarget for a in answers], dtype=pl.String),
        new=pl.Series([a.new for a in answers], dtype=pl.String),
        seen=pl.Series(overall, dtype=pl.String),
        overall=pl.Series([a.overall for a in answers], dtype=pl.String),
        pd_day=pl.Series([a.pd_day for a in answers], dtype=pl.Int64),
        sum=pl.Series(
            [None if a.total is None else f"{a.total // 10}.{a.total % 10}" for a in answers],
            dtype=pl.String,
        ),
        complete=pl.Series([a.complete for a in answers], dtype=pl.Boolean),
        slip=pl.Series(slips, dtype=pl.Boolean),
        **{
            "RS.RSDTC": after["day"],
            "RS.RSORRES:TRGRESP": pl.Series(target, dtype=pl.String),
            "RS.RSORRES:NTRGRESP": pl.Series(
                [None if a.nontarget == "none" else a.nontarget for a in answers], dtype=pl.String
            ),
            "RS.RSORRES:NEWLIND": pl.Series(
                ["Y" if a.new == "yes" else "N" for a in answers], dtype=pl.String
            ),
            "RS.RSORRES:OVRLRESP": pl.Series(written, dtype=pl.String),
        },
    )
