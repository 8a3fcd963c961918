"""What is known about every person, visit and row, under the names that forms ask for.

Names of facts for ``answers`` in ``simulation.yaml``: of people ``cohort``, ``eligible``,
``failed_for``, ``prior:FORM`` (rows of a log form), ``organ:NAME``, ``death_related``; at the
end of the study ``left``; of a contact ``progressed``, ``last_scan``, ``new_therapy``; of a row
of ended treatment ``drug``, ``last_dose``, ``reason``, ``clinical``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onearm.simulate.chance import NEVER, NOTHING, Bools, Ints, Texts, pick_key
from onearm.simulate.lesions import Anatomy
from onearm.simulate.measures import Measures, child_pugh, performance
from onearm.simulate.occasions import Occasions, Timeline
from onearm.study import Study


def date_column(days: Ints) -> pl.Series:
    """Days since 1970-01-01 as dates; ``NEVER`` and later is null."""
    column = pl.Series(days, dtype=pl.Int64)
    return pl.select(pl.when(column < NEVER).then(column.cast(pl.Int32).cast(pl.Date))).to_series()


def text_column(values: Texts) -> pl.Series:
    """Python texts and None as a column."""
    return pl.Series(values.tolist(), dtype=pl.String)


def spread_out(line: Timeline, days: Ints) -> Ints:
    """Days from first dose of the treated as days since 1970-01-01 of everybody."""
    everybody = np.full(len(line.people), NEVER)
    there = days < NEVER
    everybody[line.treated[there]] = line.people.first_dose[line.treated[there]] + days[there]
    return everybody


def failed_for_criteria(line: Timeline) -> Bools:
    """Who was not enrolled because a criterion was not met; the others change their mind."""
    u = line.streams("failed for").random(len(line.people))
    return line.people.failed & (u < 0.85)


def people_facts(
    study: Study, line: Timeline, parts: Sequence[Anatomy], rows: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """One row a person."""
    people, course = line.people, line.course
    n = len(people)
    codes = np.array([kind.code for kind in line.plan.cohorts], dtype=object)
    died = spread_out(line, course.known_death)
    cause = np.full(n, None, dtype=object)
    u = line.streams("cause of death").random(len(line.treated))
    cause[line.treated] = np.where(
        course.toxic_death,
        "ADVERSE EVENT",
        np.where(
            course.progression < NEVER,
            "DISEASE UNDER STUDY",
            pick_key(u, {"DISEASE UNDER STUDY": 6, "OTHER": 2, "UNKNOWN": 2}),
        ),
    )
    related = np.zeros(n, dtype=bool)
    related[line.treated] = course.toxic_death
    facts: dict[str, pl.Series] = {
        "person": pl.Series(np.arange(n)),
        "DM.RFICDTC": date_column(people.consent),
        "DM.BRTHDTC": date_column(people.birth),
        "DM.AGE": pl.Series(people.age),
        "DM.SEX": text_column(np.where(people.female, "F", "M")),
        f"SUPPDM.{study.cohort_variable}": text_column(codes[people.cohort]),
        "DM.DTHDTC": date_column(died),
        "DD.DDORRES:PRCDTH": text_column(cause),
        "cohort": text_column(codes[people.cohort]),
        "death_related": pl.Series(related),
        "failed_for": text_column(
            np.where(
                people.failed, np.where(failed_for_criteria(line), "criteria", "withdrew"), NOTHING
            )
        ),
        **_organs(line, parts),
    }
    for form, frame in rows.items():
        if "person" in frame.columns and not frame.is_empty() and "VISIT" not in frame.columns:
            count = np.bincount(frame["person"].to_numpy(), minlength=n)
            facts[f"prior:{form}"] = pl.Series(count)
    return pl.DataFrame(facts)


def _organs(line: Timeline, parts: Sequence[Anatomy]) -> dict[str, pl.Series]:
    """Whether a person has a baseline lesion in each organ."""
    found = {}
    for organ in line.plan.tumour.organs:
        mine = np.zeros(len(line.people), dtype=bool)
        for part in parts:
            mine[line.treated] |= (part.exists & (part.organ == organ)).any(axis=1)
        found[f"organ:{organ}"] = pl.Series(mine)
    return found


def visit_facts(
    line: Timeline, occasions: Mapping[str, Occasions], measures: Measures, study: Study
) -> dict[str, pl.DataFrame]:
    """One frame a visit: what findings of judgement say there, and dispositions."""
    found = {}
    for visit, when in occasions.items():
        if not len(when):
            continue
        columns = {
            "person": pl.Series(when.person),
            "VISIT_REPEAT": pl.Series(when.repeat),
            "SV.SVSTDTC": date_column(when.day),
            **_judged(line, visit, when, measures, study),
        }
        if visit == line.plan.places.screening:
            columns |= _enrolment(line, when)
        if visit == line.plan.places.contact:
            columns |= _contact(line, when)
        if visit == line.plan.places.end_of_study:
            columns |= _left(line, when)
        found[visit] = pl.DataFrame(columns)
    return found


def _enrolment(line: Timeline, when: Occasions) -> dict[str, pl.Series]:
    people = line.people
    failed = people.failed[when.person]
    ready = np.maximum(when.day, people.first_dose[when.person] - 1)
    return {
        "DS.DSSTDTC": date_column(np.where(failed, when.day, ready)),
        "DS.DSDECOD": text_column(np.where(failed, "SCREEN FAILURE", "ENROLLED")),
    }


def _left(line: Timeline, when: Occasions) -> dict[str, pl.Series]:
    left = np.full(len(line.people), "withdrawal", dtype=object)
    left[line.treated] = line.course.left
    return {"DS.DSSTDTC": date_column(when.day), "left": text_column(left[when.person])}


def row_of(line: Timeline) -> Ints:
    """Row among the treated by person, -1 for the others."""
    rows = np.full(len(line.people), -1)
    rows[line.treated] = np.arange(len(line.treated))
    return rows


def _judged(
    line: Timeline, visit: str, when: Occasions, measures: Measures, study: Study
) -> dict[str, pl.Series]:
    """ECOG and Child-Pugh."""
    n = len(line.people)
    died = np.full(n, NEVER)
    died[line.treated] = line.people.first_dose[line.treated] + line.course.death
    u = line.streams("performance").random((n, 2))
    start = (u[:, 0] < 0.55).astype(np.int64)
    left = np.maximum(died[when.person] - when.day, 0)
    grade = performance(u[when.person, 1], left, start[when.person])
    if visit == line.plan.places.screening:
        grade = start[when.person]
    found = {"RS.RSORRES:ECOG101": pl.Series(grade).cast(pl.String)}
    if not {"BILI", "ALB", "INR"} <= set(measures.tests):
        return found
    values = [
        np.round(
            measures.value(
                test,
                visit,
                person=when.person,
                repeat=when.repeat,
                day=when.day,
                width=when.width,
            ),
            _decimals(study, test),
        )
        for test in ("BILI", "ALB", "INR")
    ]
    ascites = 1 + (line.streams("ascites").random(n) < 0.08).astype(np.int64)
    if visit == line.plan.places.screening:
        ascites = np.ones(n, dtype=np.int64)
    bilirubin, albumin, inr = values
    points = child_pugh(bilirubin, albumin, inr, ascites[when.person])
    classes = np.array(["A", "B", "C"], dtype=object)
    for code, point in points.items():
        text = text_column(classes[point]) if code == "CPS0107" else pl.Series(point)
        found[f"RS.RSORRES:{code}"] = text.cast(pl.String)
    return found


def _decimals(study: Study, test: str) -> int:
    """Decimals with which a laboratory value is entered."""
    for form in study.forms.values():
        for item in form.items:
            for target in item.to:
                if target.domain == "LB" and ("LBTESTCD", test) in target.where:
                    return 1 if item.decimals is None else item.decimals
    return 1


def _contact(line: Timeline, when: Occasions) -> dict[str, pl.Series]:
    """What is heard at a contact."""
    row = row_of(line)[when.person]
    day = when.day - line.people.first_dose[when.person]
    course, calendar = line.course, line.calendar
    scans = np.where(course.scanned, calendar.day, -NEVER)
    last = np.full(len(row), -NEVER)
    for slot in range(scans.shape[1]):
        seen = scans[row, slot]
        last = np.where((seen <= day) & (seen > last), seen, last)
    scan = np.where(last > -NEVER, last + line.people.first_dose[when.person], NEVER)
    return {
        "SS.SSDTC": date_column(when.day),
        "SS.SSORRES:SURVSTAT": text_column(np.full(len(day), "ALIVE", dtype=object)),
        "SS.SSORRES:LSCFADTC": date_column(when.day),
        "progressed": pl.Series(day >= course.progression[row]),
        "last_scan": date_column(scan),
        "new_therapy": pl.Series(day >= course.therapy[row]),
    }
