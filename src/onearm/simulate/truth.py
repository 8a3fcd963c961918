"""What is true of every made-up patient, computed from the clean facts by the plain rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onearm import dates
from onearm.simulate.chance import NEVER, Ints
from onearm.simulate.endpoints import (
    Facts,
    Rules,
    Time,
    best_response,
    counted,
    progression_free,
    progression_free_policy,
    response_start,
    survival,
    to_progression,
)
from onearm.simulate.facts import date_column, spread_out, text_column
from onearm.simulate.fill import MISSING, key_of
from onearm.simulate.occasions import Timeline
from onearm.simulate.safety import emergent
from onearm.study import Study
from onearm.study.forms import Form

Truth = Mapping[str, pl.DataFrame]

MESS: Mapping[str, pl.DataType] = {
    "USUBJID": pl.String(),
    "VISIT": pl.String(),
    "VISIT_REPEAT": pl.Int32(),
    "FORM": pl.String(),
    "ROW": pl.Int32(),
    "ITEM": pl.String(),
    "KIND": pl.String(),
    "OLD": pl.String(),
    "NEW": pl.String(),
}
"""Columns of the frame that lists what was written wrongly."""


def last_alive(form: Form, wide: pl.DataFrame, n: int) -> Ints:
    """Last day since 1970-01-01 on which a form shows each person alive, 0 where it does not.

    Counts complete dates of everything that happens to a living person; not deaths, and not
    dispositions and deviations, which others decide.
    """
    names = [
        item.name
        for item in form.items
        if item.type in ("date", "partial_date")
        and not any(
            t.domain in ("DS", "DD", "DV") or t.variable in ("DTHDTC", "BRTHDTC") for t in item.to
        )
    ]
    last = np.zeros(n, dtype=np.int64)
    if not names or wide.is_empty():
        return last
    days = wide.select(
        "person",
        day=pl.max_horizontal(
            pl.when(pl.col(name).str.len_chars() == 10, ~pl.col(name).str.starts_with(MISSING))
            .then(dates.complete(pl.col(name)))
            .to_physical()
            for name in names
        ),
    ).drop_nulls()
    found = days.group_by("person").agg(pl.col("day").max()).sort("person")
    last[found["person"].to_numpy()] = found["day"].to_numpy()
    return last


def truth(
    study: Study,
    line: Timeline,
    *,
    points: pl.DataFrame,
    scans: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    alive: Ints,
) -> dict[str, pl.DataFrame]:
    """The frames ``subjects``, ``time_points``, ``best``, ``times``, ``adverse_events``, ``mess``.

    Every frame has USUBJID; dates are Date. Endpoints follow the default parameters of RECIST 1.1
    and the rules of ``endpoints``; the gap that censors is two intervals and two windows of the
    schedule.
    """
    assessments = line.schedule.tumour_assessments
    assert assessments is not None  # noqa: S101 - the trial could not be simulated without
    rules = Rules(gap_days=2 * (assessments.interval_days + assessments.window_days))
    ids = _ids(study, line)
    facts = facts_of(line, alive)
    first = date_column(line.people.first_dose)
    subjects = _subjects(line, ids, alive)
    return {
        "subjects": subjects,
        "time_points": _time_points(ids, first, scans),
        "best": _best(line, ids, facts, rules),
        "times": _times(line, ids, facts, rules),
        "adverse_events": _events(line, ids, tables["AE"]),
        "mess": _slips(study, ids, scans),
    }


def _ids(study: Study, line: Timeline) -> pl.Series:
    people = line.people
    return pl.Series(
        "USUBJID",
        [f"{study.id}-{s}-{n}" for s, n in zip(people.site, people.subject, strict=True)],
        dtype=pl.String,
    )


def facts_of(line: Timeline, alive: Ints) -> list[Facts]:
    """The plain facts of each treated patient, in order of ``treated``."""
    course, people = line.course, line.people
    horizon = people.horizon[line.treated].tolist()
    seen = (alive - people.first_dose)[line.treated].tolist()
    found = []
    for k, answers in enumerate(course.answers):
        found.append(
            Facts(
                points=tuple(
                    (a.overall, a.day if a.overall != "PD" or a.pd_day is None else a.pd_day)
                    for a in answers
                ),
                baseline=bool(course.scanned[k, 0]),
                spared=frozenset(a.day for a in answers if a.small_node),
                death=_day(course.known_death[k]),
                therapy=_day(course.therapy[k]),
                clinical=_clinical(course.clinical[k], course.reason[k], course.treatment_end[k]),
                withdrawn=_day(course.withdrawn[k]),
                alive=seen[k],
                cut=horizon[k],
            )
        )
    return found


def _day(value: np.int64) -> int | None:
    return int(value) if value < NEVER else None


def _clinical(day: np.int64, reason: str | None, stop: np.int64) -> int | None:
    """Clinical progression as the data show it: it is the reason for which treatment ended."""
    return int(stop) if reason == "clinical" and day < NEVER else None


def _subjects(line: Timeline, ids: pl.Series, alive: Ints) -> pl.DataFrame:
    """One row a person screened."""
    people, course, n = line.people, line.course, len(line.people)
    reason, left = np.full(n, None, dtype=object), np.full(n, None, dtype=object)
    reason[line.treated], left[line.treated] = course.reason, course.left
    died = spread_out(line, course.known_death)
    sensitive = np.zeros(n, dtype=bool)
    sensitive[line.treated] = line.biology.kill > 0
    return pl.DataFrame(
        {
            "USUBJID": ids,
            "SITEID": text_column(people.site),
            "SUBJID": text_column(people.subject),
            "COHORT": text_column(
                np.array([c.code for c in line.plan.cohorts], dtype=object)[people.cohort]
            ),
            "ENROLLED": pl.Series(~people.failed),
            "DOSED": pl.Series(people.dosed),
            "SENSITIVE": pl.Series(sensitive),
            "CONSENT": date_column(people.consent),
            "FIRST_DOSE": date_column(np.where(people.dosed, people.first_dose, NEVER)),
            "LAST_DOSE": date_column(spread_out(line, line.last_dose)),
            "TREATMENT_END": date_column(spread_out(line, course.treatment_end)),
            "END_REASON": text_column(reason),
            "PROGRESSION_SEEN": date_column(spread_out(line, course.progression)),
            "NEW_THERAPY": date_column(spread_out(line, course.therapy)),
            "WITHDRAWN": date_column(spread_out(line, course.withdrawn)),
            "LOST": date_column(spread_out(line, course.lost)),
            "DEATH": date_column(died),
            "LEFT": text_column(left),
            "LAST_ALIVE": date_column(np.where(alive > 0, np.minimum(alive, died - 1), NEVER)),
        }
    )


def _time_points(ids: pl.Series, first: pl.Series, scans: pl.DataFrame) -> pl.DataFrame:
    """One row a scan after baseline: the true answers and what was written."""
    person = scans["person"]
    origin = first.gather(person)
    return pl.DataFrame(
        {
            "USUBJID": ids.gather(person),
            "VISIT": scans["VISIT"],
            "VISIT_REPEAT": scans["VISIT_REPEAT"].cast(pl.Int32),
            "DATE": _later(origin, scans["day"]),
            "DAY": scans["day"],
            "SUM": scans["sum"],
            "COMPLETE": scans["complete"],
            "TARGET": scans["target"],
            "NONTARGET": scans["nontarget"],
            "NEW": scans["new"],
            "SEEN": scans["seen"],
            "OVERALL": scans["overall"],
            "PD_DATE": _later(origin, scans["pd_day"]),
            "WRITTEN": scans["RS.RSORRES:OVRLRESP"],
        }
    )


def _later(origin: pl.Series, days: pl.Series) -> pl.Series:
    """Dates so many days after others; null where either is."""
    return (origin.to_physical() + days).cast(pl.Int32).cast(pl.Date)


def _best(line: Timeline, ids: pl.Series, facts: Sequence[Facts], rules: Rules) -> pl.DataFrame:
    """One row a treated patient: best response with and without confirmation, first response."""
    loose = Rules(gap_days=rules.gap_days, confirmation=False)
    rows = []
    for known in facts:
        points = counted(known, rules)
        rows.append(
            (
                *best_response(points, rules),
                *best_response(points, loose),
                response_start(known, rules),
            )
        )
    names = ("CBOR", "CBOR_DATE", "BOR", "BOR_DATE", "RESPONSE_DATE")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    return pl.DataFrame(
        {
            "USUBJID": ids.gather(pl.Series(line.treated)),
            **{
                name: _dated(line, columns.get(name, ()))
                if name.endswith("DATE")
                else pl.Series(columns.get(name, ()), dtype=pl.String)
                for name in names
            },
        }
    )


def _dated(line: Timeline, days: Sequence[int | None]) -> pl.Series:
    """Days from first dose of the treated, in order, as dates."""
    values = np.array([NEVER if day is None else day for day in days], dtype=np.int64)
    origin = line.people.first_dose[line.treated]
    return date_column(np.where(values < NEVER, values + origin, NEVER))


def _times(line: Timeline, ids: pl.Series, facts: Sequence[Facts], rules: Rules) -> pl.DataFrame:
    """One row a treated patient and endpoint: PFS, PFS1, PFS2, OS, TTP; of responders DOR, TTR."""
    rows: list[tuple[int, str, int, int, bool, str]] = []
    for k, known in enumerate(facts):
        main = progression_free(known, rules)
        found = {
            "PFS": main,
            "PFS1": progression_free_policy(known),
            "PFS2": progression_free(known, rules, clinical=True),
            "OS": survival(known),
            "TTP": to_progression(known, rules),
        }
        rows += [(k, name, 0, t.day, t.event, t.why) for name, t in found.items()]
        start = response_start(known, rules)
        if start is not None:
            rows.append((k, "DOR", start, main.day, main.event, main.why))
            first = Time(start, True, "response")
            rows.append((k, "TTR", 0, first.day, True, first.why))
    patient = np.array([row[0] for row in rows], dtype=np.int64)
    person = line.treated[patient] if len(rows) else patient
    origin = line.people.first_dose[person]
    start_day = np.array([row[2] for row in rows], dtype=np.int64)
    end_day = np.array([row[3] for row in rows], dtype=np.int64)
    return pl.DataFrame(
        {
            "USUBJID": ids.gather(pl.Series(person)),
            "PARAMCD": pl.Series([row[1] for row in rows], dtype=pl.String),
            "START": date_column(origin + start_day),
            "DATE": date_column(origin + end_day),
            "DAYS": pl.Series(end_day - start_day),
            "EVENT": pl.Series([row[4] for row in rows], dtype=pl.Boolean),
            "WHY": pl.Series([row[5] for row in rows], dtype=pl.String),
        }
    )


def _events(line: Timeline, ids: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """One row an adverse event, with the true answer to whether it is treatment-emergent."""
    patient = rows["patient"].to_numpy()
    origin = date_column(line.people.first_dose[line.treated[patient]])

    def day(text: pl.Expr) -> pl.Expr:
        return (text - pl.lit(origin)).dt.total_days()

    known = rows.select(
        "patient",
        "serious",
        "immune",
        earliest=day(dates.earliest(pl.col("AE.AESTDTC"))),
        latest=day(dates.latest(pl.col("AE.AESTDTC"))),
        end_latest=day(dates.latest(pl.col("AE.AEENDTC"))),
    )
    flag = emergent(
        known, law=line.plan.events, last_dose=line.last_dose, therapy=line.course.therapy
    )
    return pl.DataFrame(
        {
            "USUBJID": ids.gather(rows["person"]),
            "ROW": rows["ROW"].cast(pl.Int32),
            "AEDECOD": rows["AE.AEDECOD"],
            "GRADE": rows["grade"],
            "SERIOUS": rows["serious"],
            "IMMUNE": rows["immune"],
            "RELATED": rows["AE.AEREL"] == "RELATED",
            "TEAE": flag,
        }
    )


def _slips(study: Study, ids: pl.Series, scans: pl.DataFrame) -> pl.DataFrame:
    """The responses that the investigator wrote wrongly: overall, and target with it."""
    found = [pl.DataFrame(schema=pl.Schema(MESS))]
    for test, right in (("OVRLRESP", "seen"), ("TRGRESP", "target")):
        written = f"RS.RSORRES:{test}"
        places = [
            (form.form, item.name)
            for form in study.forms.values()
            for item in form.items
            if written in (key_of(target) for target in item.to)
        ]
        wrong = scans.filter(pl.col(written) != pl.col(right))
        for form, item in places[:1]:
            found.append(
                wrong.select(
                    ids.gather(wrong["person"]).alias("USUBJID"),
                    "VISIT",
                    "VISIT_REPEAT",
                    FORM=pl.lit(form),
                    ROW=pl.lit(1),
                    ITEM=pl.lit(item),
                    KIND=pl.lit("reader"),
                    OLD=pl.col(right),
                    NEW=pl.col(written),
                ).cast(pl.Schema(MESS))
            )
    return pl.concat(found)
