"""Kinds that carry out the design: where its rules stand, and the inference it asks for."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from onearm.design import (
    OneStageNow,
    TwoStage,
    TwoStageNow,
    after_two_stages,
)
from onearm.design.inference import as_good
from onearm.results.cells import SHARE, Operations, Record, from_numbers, numbers_of
from onearm.results.estimating import base_record, notes
from onearm.results.model import COLUMN, Task
from onearm.results.rules import Planned
from onearm.results.watched import boundary_now, enrolment_now, rate_now
from onearm.stats import Note, exact_test
from onearm.stats import proportion as proportion_of

COUNT = ("count", "")
P_VALUE = ("p", "")
NUMBER = ("number", "")
TEXT = ("text", "")
DATE = ("date", "")
COUNTED: Operations = dict.fromkeys(
    ("N", "n", "left", "more", "needs", "planned", "awaited"), COUNT
)
STAGES: Operations = dict.fromkeys(("stage", "stage1_n", "stage1_r", "beyond"), COUNT)
POWERS: Operations = {"power_null": SHARE, "power_target": SHARE, "predictive": SHARE}
LIMITS: Operations = {"ci_low": SHARE, "ci_high": SHARE}
TESTED: Operations = {"test_level": SHARE, "test_low": SHARE, "test_high": SHARE}
NAIVE: Operations = {"naive": SHARE, "naive_low": SHARE, "naive_high": SHARE}
OVERRULED: Operations = {f"overruled_{name}": COUNT for name in ("N", "n", "needs")}
CUTS: Operations = dict.fromkeys(("cut_n1", "cut_r1", "cut_needs", "cut_n"), COUNT)
ERRORS: Operations = {"cut_alpha": SHARE, "cut_power": SHARE}


def need(task: Task) -> Planned:
    """The design of a task; the kinds here are never reached without one."""
    if task.planned is None:
        raise TypeError(f"{task.analysis.id} carries out a design and was given none")
    return task.planned


def whole(task: Task) -> Record:
    """What every number carries: the column of all subjects, and the rows behind it."""
    column = task.columns[-1]
    rows = task.rows.filter(pl.col(COLUMN) == column)
    return base_record(column, "", "", rows, task.row_wheres[column])


def said(record: Record, operation: str, text: str) -> Iterator[Record]:
    """A result that is a word of a fixed list."""
    return numbers_of(record | {"text": text}, {operation: TEXT})


def given(record: Record, operations: Operations) -> Iterator[Record]:
    """Numbers of a record; one that does not exist carries the note that nothing was tested."""
    for name, kind in operations.items():
        absent = record.get(name) is None and record.get("note") is None
        noted = record | {"note": str(Note.DESCRIPTIVE)} if absent else record
        yield from numbers_of(noted, {name: kind})


def two_stage(task: Task) -> pl.DataFrame:
    """Where a two-stage test stands, and the inference after it, the design taken into account.

    Operations: N evaluable patients who count and n responders among them; needs of planned, left,
    more, awaited, beyond, stage, stage1_n, stage1_r; standing (a word); power_null, power_target,
    predictive, stop_target; umvue (the unbiased estimate) with ci_low, ci_high at ``level``;
    test_low, test_high at test_level, which never contradict the decision; p_value (exact,
    one-sided); naive, naive_low, naive_high, which ignore the design. Before the trial has ended
    by its rule there is no estimate and no p-value. overruled_N, overruled_n, overruled_needs where
    the trial went on after a stop. Group CUTS: planned; kept and adjusted, where the interim had
    another size.
    Source: `onearm.design.after_two_stages`, `two_stage_now`, `changed_second_stage`.
    """
    planned, analysis = need(task), task.analysis
    found = rate_now(planned, analysis.rule)
    now, test = found.now, planned.rate_test(analysis.rule)
    if not isinstance(now, TwoStageNow):
        raise TypeError(f"{analysis.rule} has one stage")
    design = now.design
    record = whole(task) | {"n_used": now.n, "n_events": now.x}
    counted = {"N": now.n, "n": now.x, "left": now.left, "more": now.more, "needs": design.needs}
    counted |= {"planned": design.n, "awaited": found.awaited, "stage": now.stage}
    counted |= {"stage1_n": design.n1, "stage1_r": design.r1, "beyond": now.beyond}
    odds = {"power_null": now.power0, "power_target": now.power1, "predictive": now.predictive}
    numbers: list[Record] = [*given(record | counted, {**COUNTED, **STAGES})]
    numbers += said(record, "standing", now.standing.value)
    binding = {"note": str(Note.BINDING_FUTILITY_ASSUMED)}
    numbers += given(record | binding | odds, POWERS)
    numbers += given(record | {"stop_target": now.stop1}, {"stop_target": SHARE})
    numbers += _inference(record, now, test.alpha, analysis.level)
    numbers += _naive(record, now.x, now.n, analysis.level)
    overruled = test.if_futility_is_overruled
    numbers += _overruled(record, now, overruled.promising_from if overruled else None)
    numbers += _cuts(record, now)
    return from_numbers(numbers)


def _inference(record: Record, now: TwoStageNow, alpha: float, level: float) -> Iterator[Record]:
    operations: Operations = {"umvue": SHARE, **LIMITS, **TESTED}
    if not now.is_decided or now.standing == "ended_early":
        ended = now.other_end
        absent = {"note": notes(now.notes) if ended else str(Note.DESCRIPTIVE)}
        yield from numbers_of(record | absent, operations)
        p = ended.p_value if ended and now.standing == "ended_early" else None
        yield from numbers_of(record | absent | {"p_value": p}, {"p_value": P_VALUE})
        return
    result = after_two_stages(now.design, now.x, stage=now.stage, level=level)
    tested_at = decision_level(now.design, alpha)
    tested = after_two_stages(now.design, now.x, stage=now.stage, level=tested_at)
    values = {"umvue": result.estimate, "ci_low": result.lower, "ci_high": result.upper}
    values |= {"test_level": tested_at, "test_low": tested.lower, "test_high": tested.upper}
    noted = {"note": notes(result.notes)}
    yield from numbers_of(record | values | noted, operations)
    yield from numbers_of(record | noted | {"p_value": result.p_value}, {"p_value": P_VALUE})


def decision_level(design: TwoStage, alpha: float) -> float:
    """The two-sided level at which the limits after a two-stage trial agree with its decision.

    1 - 2 alpha where the planned cut is the smallest that keeps alpha; with a stricter cut the
    decision is a test at the attained error, and so are the limits.
    """
    best_failure = (design.r, 2) if design.r > design.r1 else (design.r1, 1)
    weaker = as_good(design, best_failure[0], design.p0, stage=best_failure[1])
    return 1 - 2 * (alpha if weaker > alpha else design.alpha)


def _naive(record: Record, x: int, n: int, level: float) -> Iterator[Record]:
    if not n:
        yield from numbers_of(record | {"note": str(Note.N_TOO_SMALL)}, NAIVE)
        return
    simple = proportion_of(x, n, level=level)
    values = {"naive": simple.estimate, "naive_low": simple.lower, "naive_high": simple.upper}
    yield from numbers_of(record | values | {"note": str(Note.DESIGN_IGNORED)}, NAIVE)


def _overruled(record: Record, now: TwoStageNow, needs: int | None) -> Iterator[Record]:
    """What a team that went on against the stop has, and the cut it must ask for."""
    if now.standing != "stopped_for_futility" or not now.beyond:
        return
    values = {
        "overruled_N": now.n + now.beyond,
        "overruled_n": now.x + now.beyond_responders,
        "overruled_needs": needs,
    }
    yield from given(record | values | {"note": str(Note.DESCRIPTIVE)}, OVERRULED)


def _cuts(record: Record, now: TwoStageNow) -> Iterator[Record]:
    """The cuts as they hold, and both ways on after an interim of another size."""
    designs: dict[str, TwoStage | None] = {"planned": now.design}
    if now.other_look is not None:
        designs |= {"kept": now.other_look.kept, "adjusted": now.other_look.adjusted}
    for name, design in designs.items():
        if design is None:
            continue
        here: Record = {"group2": "CUTS", "level2": name, "note": notes(design.notes)}
        here |= {"cut_n1": design.n1, "cut_r1": design.r1, "cut_needs": design.needs}
        here |= {"cut_n": design.n, "cut_alpha": design.alpha, "cut_power": design.power}
        yield from numbers_of(record | here, {**CUTS, **ERRORS})


def one_stage(task: Task) -> pl.DataFrame:
    """Where a one-stage test of a rate stands, and its exact test once all planned are judged.

    Operations as for ``two_stage`` without the stages; p_value is P(X >= n) at the null rate.
    Source: A'Hern, Statistics in Medicine 20:859-866 (2001).
    """
    planned, analysis = need(task), task.analysis
    found = rate_now(planned, analysis.rule)
    now = found.now
    if not isinstance(now, OneStageNow):
        raise TypeError(f"{analysis.rule} has two stages")
    record = whole(task) | {"n_used": now.n, "n_events": now.x}
    counted = {"N": now.n, "n": now.x, "left": now.left, "more": now.more}
    counted |= {"needs": now.design.needs, "planned": now.design.n, "awaited": found.awaited}
    numbers: list[Record] = [*given(record | counted, COUNTED)]
    numbers += said(record, "standing", now.standing.value)
    odds = {"power_null": now.power0, "power_target": now.power1}
    numbers += given(record | odds, {"power_null": SHARE, "power_target": SHARE})
    values: Record = {"note": str(Note.DESCRIPTIVE if now.n else Note.N_TOO_SMALL)}
    if now.n:
        simple = proportion_of(now.x, now.n, level=analysis.level)
        values = {"estimate": simple.estimate, "ci_low": simple.lower, "ci_high": simple.upper}
    numbers += numbers_of(record | values, {"estimate": SHARE, **LIMITS})
    p = exact_test(now.x, now.n, p0=now.design.p0).p_value if now.is_decided else None
    numbers += given(record | {"p_value": p}, {"p_value": P_VALUE})
    return from_numbers(numbers)


def boundary(task: Task) -> pl.DataFrame:
    """Where a safety boundary stands, with every planned look.

    Operations: N patients who can be judged, n with the event; next_look, next_stop_at, more;
    standing (holds, crossed, finished); posterior, chance (of ever crossing from here at the
    limit), limit. Group LOOK: patients, stop_at, events. A number that does not exist carries a
    note: no look is left, or no number of events stops.
    Source: `onearm.design.events_now`.
    """
    planned, analysis = need(task), task.analysis
    found = boundary_now(planned, planned.safety_rule(analysis.rule))
    now = found.now
    record = whole(task) | {"n_used": now.n, "n_events": now.events}
    counted = {"N": now.n, "n": now.events, "next_look": now.next_look, "more": now.more}
    counted |= {"next_stop_at": now.next_stop_at}
    numbers: list[Record] = [*given(record | counted, dict.fromkeys(counted, COUNT))]
    is_over = now.next_look is None
    numbers += said(
        record, "standing", "crossed" if now.is_crossed else "finished" if is_over else "holds"
    )
    odds = {"posterior": now.posterior, "chance": now.chance, "limit": now.rule.limit}
    numbers += given(record | odds, dict.fromkeys(odds, SHARE))
    for look in now.looks:
        here = {"group2": "LOOK", "level2": str(look.patients), "patients": look.patients}
        here |= {"stop_at": look.stop_at, "events": look.events}
        numbers += given(record | here, dict.fromkeys(("patients", "stop_at", "events"), COUNT))
    return from_numbers(numbers)


def enrolment(task: Task) -> pl.DataFrame:
    """Patients dosed against the plan, and the dates by which the planned ones will be.

    Operations: n dosed, planned, expected (by the planned rate), rate and planned_rate (patients a
    month), months since the first dose; group PATIENT: early, likely and late, dates as text, that
    are met later with a probability of 90, 50 and 10 %; null once that number is dosed.
    Source: `onearm.design.enrolment_forecast`.
    """
    now = enrolment_now(need(task))
    record = whole(task) | {"n_used": now.dosed}
    counts = {"n": now.dosed, "planned": now.planned}
    rates = {"expected": now.expected, "rate": now.rate, "planned_rate": now.planned_rate}
    numbers: list[Record] = [*given(record | counts, dict.fromkeys(counts, COUNT))]
    numbers += given(record | rates, dict.fromkeys(rates, NUMBER))
    numbers += given(record | {"months": now.months}, {"months": ("months", "months")})
    for size, days in now.forecast.items():
        here = record | {"group2": "PATIENT", "level2": str(size)}
        for name, day in zip(("early", "likely", "late"), days, strict=True):
            numbers += numbers_of(here | {"text": day.isoformat()}, {name: DATE})
    return from_numbers(numbers)
