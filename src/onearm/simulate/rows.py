"""Rows of the forms that repeat: doses, events, ended drugs, criteria, and the history logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onearm.simulate.chance import NEVER, NOTHING, Floats, Ints, Streams, pick_key
from onearm.simulate.dosing import Given
from onearm.simulate.facts import date_column, failed_for_criteria, row_of, spread_out, text_column
from onearm.simulate.history import history_rows, partial
from onearm.simulate.occasions import Occasions, Timeline
from onearm.study import Study
from onearm.study.forms import Form
from onearm.study.simulation import Simulation


def ended_drugs(line: Timeline, given: Sequence[Given], occasions: Occasions) -> pl.DataFrame:
    """One row a drug of each patient whose treatment has ended."""
    row = row_of(line)[occasions.person]
    frames = [
        pl.DataFrame(
            {
                "person": pl.Series(occasions.person),
                "ROW": pl.Series(np.full(len(row), number + 1)),
                "drug": pl.Series([drug.treatment.name] * len(row), dtype=pl.String),
                "DS.DSSTDTC": date_column(_since(line, occasions.person, drug.stop[row])),
                "last_dose": date_column(_since(line, occasions.person, drug.last[row])),
                "reason": text_column(drug.reason[row]),
                "clinical": pl.Series(drug.reason[row] == "clinical"),
            }
        )
        for number, drug in enumerate(given)
    ]
    return pl.concat(frames).sort("person", "ROW")


def _since(line: Timeline, person: Ints, day: Ints) -> Ints:
    return np.where(day < NEVER, line.people.first_dose[person] + day, NEVER)


def doses(line: Timeline, given: Sequence[Given]) -> pl.DataFrame:
    """Dosing periods of all drugs, in order of start."""
    rows = pl.concat([drug.rows for drug in given])
    person = line.treated[rows["patient"].to_numpy()]
    origin = pl.Series(line.people.first_dose[person])
    return (
        rows.with_columns(person=pl.Series(person), _origin=origin)
        .with_columns(
            (pl.col(name) + pl.col("_origin")).cast(pl.Int32).cast(pl.Date)
            for name in ("EX.EXSTDTC", "EX.EXENDTC")
        )
        .drop("patient", "_origin")
        .sort("person", "EX.EXSTDTC", "EX.EXTRT", maintain_order=True)
    )


def event_rows(line: Timeline, events: pl.DataFrame, u: Floats) -> pl.DataFrame:
    """Adverse events with their dates as they are written, some of them partial."""
    law = line.plan.events
    patient = events["patient"].to_numpy()
    person = line.treated[patient]
    origin = pl.Series(line.people.first_dose[person])
    first = (events["start"] + origin).cast(pl.Int32).cast(pl.Date)
    last = (events["end"] + origin).cast(pl.Int32).cast(pl.Date)
    return events.with_columns(
        person=pl.Series(person),
        ROW=pl.int_range(1, pl.len() + 1).over("patient"),
        **{
            "AE.AESTDTC": partial(first, u[:, 0], law.partial_start),
            "AE.AEENDTC": partial(last, u[:, 1], law.partial_end),
        },
    )


def eligibility_rows(study: Study, line: Timeline, when: Occasions) -> pl.DataFrame:
    """One row a person: all criteria met, or the one that was not."""
    n = len(line.people)
    reasons = line.plan.screening.failed_criteria
    u = line.streams("failed criterion").random(n)
    failed = failed_for_criteria(line)
    code = np.full(n, None, dtype=object)
    if reasons:
        code = np.where(failed, pick_key(u, reasons), NOTHING)
    failed = failed & bool(reasons)
    terms = study.terms.get("eligibility")
    kinds: dict[str, str] = {}
    if terms is not None and "category" in terms.columns:
        kinds = dict(terms.select("code", "category").iter_rows())
    answer = [
        None if c is None else ("N" if kinds.get(c, "").upper().startswith("INCL") else "Y")
        for c in code.tolist()
    ]
    return pl.DataFrame(
        {
            "person": pl.Series(when.person),
            "eligible": pl.Series(~failed[when.person]),
            "IE.IETESTCD": text_column(code[when.person]),
            "IE.IEORRES": pl.Series(answer, dtype=pl.String).gather(when.person),
            "IE.IEDTC": date_column(when.day),
        }
    )


TURNS = ("therapy", "surgery")
"""Beginnings that the course of disease sets; they are heard of however late they come."""


def histories(
    plan: Simulation, streams: Streams, line: Timeline, occasions: Mapping[str, Occasions]
) -> dict[str, pl.DataFrame]:
    """Rows of the log forms that ``history`` describes, by form.

    They tell what was known when a person was last seen or heard of.
    """
    people, course = line.people, line.course
    codes = [kind.code for kind in plan.cohorts]
    alive, known = spread_out(line, line.alive), people.consent.copy()
    for when in occasions.values():
        np.maximum.at(known, when.person[when.seen], when.day[when.seen])
    treated = spread_out(line, np.zeros(len(line.treated), dtype=np.int64)) < NEVER
    systemic = spread_out(line, np.where(course.surgery, NEVER, course.therapy))
    surgery = spread_out(line, np.where(course.surgery, course.therapy, NEVER))
    found: dict[str, list[pl.DataFrame]] = {}
    for number, law in enumerate(plan.history):
        origin = {
            "consent": people.consent,
            "first_dose": np.where(treated, people.first_dose, NEVER),
            "therapy": systemic,
            "surgery": surgery,
        }[law.since]
        frame = history_rows(
            law,
            streams,
            name=f"{law.form} {number}",
            codes=codes,
            cohort=people.cohort,
            enrolled=np.ones(len(people), dtype=bool),
            origin=origin,
            limit=np.where(treated, known if law.since not in TURNS else alive, people.consent),
            known=known,
            single=law.since in TURNS,
        )
        found.setdefault(law.form, []).append(frame)
    return {
        form: pl.concat(frames, how="diagonal").sort("person", maintain_order=True)
        for form, frames in found.items()
    }


def form_for(study: Study, domain: str) -> Form | None:
    """The first form with rows that fills a domain's own variables."""
    return next(
        (
            form
            for form in study.forms.values()
            if form.rows and any(t.domain == domain for item in form.items for t in item.to)
        ),
        None,
    )
