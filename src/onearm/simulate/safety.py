"""Adverse events of the treated patients, and whether each is truly treatment-emergent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.simulate.chance import NEVER, NOTHING, Bools, Floats, Ints, Streams, pick, pick_key
from onearm.simulate.course import Course
from onearm.simulate.dosing import Given
from onearm.study.simulation import Event, Events

ALL_TESTS = ("DTH", "LIFE", "HOSP", "DISAB", "CONG", "MIE")


@dataclass(frozen=True, slots=True)
class Window:
    """When events may begin: days from first dose, arrays over patients.

    ``first`` is the day of consent; ``last`` the last day on which an event is recorded;
    ``last_dose`` of any drug, ``NEVER`` while a drug goes on.
    """

    first: Ints
    last: Ints
    last_dose: Ints


def window(law: Events, course: Course, given: Sequence[Given], *, consent: Ints) -> Window:
    """The stretch of each patient in which events are recorded."""
    last = np.maximum.reduce([drug.last for drug in given])
    ended = np.maximum.reduce([drug.stop for drug in given]) < NEVER
    alive = np.where(course.death <= course.end, course.end - 1, course.end)
    until = np.where(ended, np.minimum(last + law.after_days, alive), alive)
    return Window(consent, np.maximum(until, 0), np.where(ended, last, NEVER))


def events(
    law: Events,
    streams: Streams,
    *,
    course: Course,
    given: Sequence[Given],
    span: Window,
    related_to: dict[str, str],
    action_to: dict[str, str],
    immune_drugs: frozenset[str],
) -> pl.DataFrame:
    """One row an event under its SDTM targets, with days from first dose.

    Further columns: ``patient``, ``start``, ``end`` (days; null end while it goes on), ``immune``,
    ``related`` (to any drug), and answers about each drug under ``related_to`` and ``action_to``.
    An event of a term happens with its incidence in every patient, however long treated, with an
    onset inside the patient's window: incidences in the data are those of the plan. A drug that
    was stopped for toxicity has an event that led to it, one more where none had come by chance.
    """
    rows = _occurrences(law, streams, span)
    rows = _add_grades(law, streams, rows)
    rows = _fatal(law, streams, rows, course)
    rows = rows.sort("patient", "start", "term", maintain_order=True)
    # Behind the others, so that what is drawn for those stays as it is.
    rows = pl.concat([rows, _behind_stops(law, streams, rows, given)])
    return _answers(
        law,
        streams,
        rows,
        course=course,
        given=given,
        related_to=related_to,
        action_to=action_to,
        immune_drugs=immune_drugs,
    )


def _occurrences(law: Events, streams: Streams, span: Window) -> pl.DataFrame:
    n, terms = len(span.last), law.terms
    u = streams("events").random((n, max(len(terms), 1), 6))[:, : len(terms)]
    incidence = np.array([t.incidence for t in terms])
    patient, term = np.nonzero(u[:, :, 0] < incidence)
    mine = u[patient, term]
    median = np.array([t.onset for t in terms])[term]
    length = np.array([t.duration for t in terms])[term]
    # Exponential onset, cut off at the end of the window, by its quantile.
    reach = 1.0 - np.exp(-np.log(2.0) * (span.last[patient] + 1) / median)
    start = np.floor(-np.log1p(-mine[:, 1] * reach) * median / np.log(2.0)).astype(np.int64)
    start = np.minimum(start, span.last[patient])
    before = mine[:, 2] < law.before
    lead = np.floor((mine[:, 3] * 0.999) * -span.first[patient]).astype(np.int64)
    start = np.where(before, span.first[patient] + lead, start)
    lasts = np.maximum(np.floor(length * np.exp(1.8 * (mine[:, 4] - 0.5))), 1).astype(np.int64)
    first = pl.DataFrame({"patient": patient, "term": term, "start": start, "lasts": lasts})
    again = mine[:, 5] < np.array([t.again for t in terms])[term]
    gap = np.floor(7 + 300 * mine[:, 5]).astype(np.int64)
    second_start = start + lasts + gap
    keep = again & (second_start <= span.last[patient]) & ~before
    second = pl.DataFrame(
        {"patient": patient, "term": term, "start": second_start, "lasts": lasts}
    ).filter(pl.Series(keep))
    return pl.concat([first, second])


def _add_grades(law: Events, streams: Streams, rows: pl.DataFrame) -> pl.DataFrame:
    """Grades 1 to 4; a fatal event is the business of a death, not of a draw."""
    u = streams("grades").random(rows.height)
    term = rows["term"].to_numpy()
    grade = np.ones(rows.height, dtype=np.int64)
    for index, kind in enumerate(law.terms):
        mine = term == index
        grade[mine] = 1 + pick(u[mine], kind.grades[:4])
    return rows.with_columns(grade=pl.Series(grade))


def _fatal(law: Events, streams: Streams, rows: pl.DataFrame, course: Course) -> pl.DataFrame:
    """A grade 5 event for each death from harm, of a term that can kill."""
    weights = [t.grades[4] * t.incidence if len(t.grades) > 4 else 0.0 for t in law.terms]
    died = np.flatnonzero(course.toxic_death)
    if not len(died) or sum(weights) == 0:
        return rows
    u = streams("fatal events").random((len(course.death), 2))[died]
    start = np.maximum(course.death[died] - 1 - np.floor(10 * u[:, 1]).astype(np.int64), 0)
    fatal = pl.DataFrame(
        {
            "patient": died,
            "term": pick(u[:, 0], weights),
            "start": start,
            "lasts": course.death[died] - start,
            "grade": np.full(len(died), 5),
        }
    )
    return pl.concat([rows, fatal.cast(rows.schema)])


def _answers(
    law: Events,
    streams: Streams,
    rows: pl.DataFrame,
    *,
    course: Course,
    given: Sequence[Given],
    related_to: dict[str, str],
    action_to: dict[str, str],
    immune_drugs: frozenset[str],
) -> pl.DataFrame:
    n = rows.height
    patient, term = rows["patient"].to_numpy(), rows["term"].to_numpy()
    grade, start = rows["grade"].to_numpy(), rows["start"].to_numpy()
    u = streams("event answers").random((n, 8))
    kinds = law.terms
    end = start + rows["lasts"].to_numpy()
    last = course.end[patient]
    over = (end < last) | (grade == 5)
    serious = u[:, 0] < np.array(law.serious)[grade - 1]
    related = np.zeros(n, dtype=bool)
    by_immune_drug = np.zeros(n, dtype=bool)
    columns: dict[str, pl.Series] = {}
    for d, drug in enumerate(given):
        name = drug.treatment.name
        mine = _related(kinds, name, term, u[:, 1 + d % 2], start)
        related |= mine
        by_immune_drug |= mine & (name in immune_drugs)
        if name in related_to:
            columns[related_to[name]] = _words(mine, "RELATED", "NOT RELATED")
    immune = np.array([k.immune for k in kinds], dtype=bool)[term] & by_immune_drug
    actions, per_drug = _actions(law, u[:, 3], grade, start, patient, course, given)
    for name, target in action_to.items():
        columns[target] = pl.Series(per_drug[name], dtype=pl.String)
    if law.immune_to:
        columns[law.immune_to] = _words(immune, "Y", "N")
    return rows.with_columns(
        end=pl.Series(np.where(over, end, NEVER)).replace(NEVER, None),
        serious=pl.Series(serious),
        immune=pl.Series(immune),
        related=pl.Series(related),
        **{
            "AE.AETERM": pl.Series([kinds[t].text or kinds[t].code for t in term.tolist()]),
            "AE.AEDECOD": pl.Series([kinds[t].code for t in term.tolist()], dtype=pl.String),
            "AE.AEENRTPT": _words(over, "BEFORE", "ONGOING"),
            "AE.AETOXGR": rows["grade"].cast(pl.String),
            "AE.AESER": _words(serious, "Y", "N"),
            "AE.AEREL": _words(related, "RELATED", "NOT RELATED"),
            "AE.AEACN": pl.Series(actions, dtype=pl.String),
            "AE.AECONTRT": _words((grade >= 2) & (u[:, 4] < 0.7), "Y", "N"),
            "AE.AEOUT": pl.Series(_outcome(grade, over, u[:, 5]), dtype=pl.String),
            **_criteria(serious, grade, u[:, 6]),
            **columns,
        },
    )


def _words(holds: Bools, yes: str, no: str) -> pl.Series:
    return pl.Series(np.where(holds, yes, no).tolist(), dtype=pl.String)


def _related(kinds: Sequence[Event], drug: str, term: Ints, u: Floats, start: Ints) -> Bools:
    share = np.array([kind.related.get(drug, 0.0) for kind in kinds])[term]
    return (u < share) & (start >= 0)


def _outcome(grade: Ints, over: Bools, u: Floats) -> list[str]:
    words = np.where(
        grade == 5,
        "FATAL",
        np.where(
            over,
            np.where(u < 0.03, "RECOVERED/RESOLVED WITH SEQUELAE", "RECOVERED/RESOLVED"),
            np.where(u < 0.3, "RECOVERING/RESOLVING", "NOT RECOVERED/NOT RESOLVED"),
        ),
    )
    return [str(word) for word in words.tolist()]


def _criteria(serious: Bools, grade: Ints, u: Floats) -> dict[str, pl.Series]:
    """Why an event is serious; empty for the others."""
    yes = {
        "DTH": grade == 5,
        "LIFE": grade == 4,
        "HOSP": (grade < 5) & (u < 0.85),
        "DISAB": np.zeros(len(u), dtype=bool),
        "CONG": np.zeros(len(u), dtype=bool),
        "MIE": (grade < 4) & (u >= 0.85),
    }
    return {
        f"AE.AES{name}": pl.Series(
            np.where(serious, np.where(yes[name], "Y", "N"), NOTHING).tolist(), dtype=pl.String
        )
        for name in ALL_TESTS
    }


STRENGTH = ("DRUG WITHDRAWN", "DRUG INTERRUPTED", "DOSE REDUCED", "DOSE NOT CHANGED")


def _actions(
    law: Events,
    u: Floats,
    grade: Ints,
    start: Ints,
    patient: Ints,
    course: Course,
    given: Sequence[Given],
) -> tuple[list[str], dict[str, list[str]]]:
    """The strongest action, and that with each drug; withdrawal only where a drug was stopped.

    Drugs given at long intervals are never reduced. The worst event near a stop for toxicity is
    the one that led to it.
    """
    drawn = np.full(len(u), "DOSE NOT CHANGED", dtype=object)
    for level in range(1, 6):
        weights = law.actions.get(level, {"DOSE NOT CHANGED": 1.0})
        mine = grade == level
        drawn[mine] = pick_key(u[mine], weights)
    per_drug: dict[str, list[str]] = {}
    for drug in given:
        action = drawn.copy()
        if drug.treatment.every_days != 1:
            action = np.where(action == "DOSE REDUCED", "DOSE NOT CHANGED", action)
        stopped = drug.stop[patient] <= start
        action = np.where(stopped | (start < 0), "NOT APPLICABLE", action)
        action[_led_to_stop(drug, grade, start, patient)] = "DRUG WITHDRAWN"
        action = np.where((grade == 5) & (action != "NOT APPLICABLE"), "NOT APPLICABLE", action)
        per_drug[drug.treatment.name] = action.tolist()
    strongest = [
        next((word for word in STRENGTH if word in words), "NOT APPLICABLE")
        for words in zip(*per_drug.values(), strict=True)
    ]
    return strongest, per_drug


def _behind_stops(
    law: Events, streams: Streams, rows: pl.DataFrame, given: Sequence[Given]
) -> pl.DataFrame:
    """An event of grade 3 in the two weeks before each stop for toxicity that has none near it.

    The end-of-treatment form gives an adverse event as the reason; so there must be one whose
    action taken is that the drug was withdrawn. Its term is one related to the drug, by incidence.
    """
    patient, start = rows["patient"].to_numpy(), rows["start"].to_numpy()
    grade = rows["grade"].to_numpy()
    found = [rows.clear()]
    told: set[tuple[int, int]] = set()
    for drug in given:
        name = drug.treatment.name
        severe = [kind.incidence * (kind.grades[2] > 0) for kind in law.terms]
        shares = [
            share * kind.related.get(name, 0.0)
            for share, kind in zip(severe, law.terms, strict=True)
        ]
        weights = shares if sum(shares) else severe
        u = streams(f"{name} stopped by").random((len(drug.stop), 2))
        near = patient[_led_to_stop(drug, grade, start, patient)]
        alone = np.setdiff1d(np.flatnonzero(drug.reason == "toxicity"), near)
        # Two drugs that were stopped on one day were stopped for one event.
        who = np.array([k for k in alone if (k, int(drug.stop[k])) not in told], dtype=np.int64)
        told |= {(int(k), int(drug.stop[k])) for k in who}
        if not len(who) or sum(weights) == 0:
            continue
        term = pick(u[who, 0], weights)
        first = np.maximum(drug.stop[who] - 1 - np.floor(14 * u[who, 1]).astype(np.int64), 0)
        event = {
            "patient": who,
            "term": term,
            "start": first,
            "lasts": np.array([law.terms[t].duration for t in term.tolist()]).astype(np.int64),
            "grade": np.full(len(who), 3),
        }
        found.append(pl.DataFrame(event).cast(pl.Schema(rows.schema)))
    return pl.concat(found)


def _led_to_stop(drug: Given, grade: Ints, start: Ints, patient: Ints) -> Ints:
    """Row numbers of the worst event in the 30 days before a stop for toxicity, one a patient."""
    stop = drug.stop[patient]
    near = (drug.reason[patient] == "toxicity") & (start < stop) & (start >= stop - 30)
    near &= (start >= 0) & (grade < 5)
    rows = np.flatnonzero(near)
    order = rows[np.lexsort((rows, -grade[rows], patient[rows]))]
    _, first = np.unique(patient[order], return_index=True)
    return order[first]


def emergent(rows: pl.DataFrame, *, law: Events, last_dose: Ints, therapy: Ints) -> pl.Series:
    """Whether each event is treatment-emergent; days from first dose, partial dates at their worst.

    ``rows``: ``patient``, ``earliest`` and ``latest`` day the start may mean, ``end_latest`` (null
    while it goes on), ``serious``, ``immune``. From first dose to 30 days after the last dose of
    any drug; serious and immune-mediated ones to 90 days, but only to 30 once new therapy has
    begun. Rule: domain rules 4.1, cases A01 to A14.
    """
    patient = rows["patient"].to_numpy()
    last, new = last_dose[patient], therapy[patient]
    earliest, latest = rows["earliest"].to_numpy(), rows["latest"].to_numpy()
    end = rows["end_latest"].fill_null(NEVER).to_numpy()
    on = (latest >= 0) & (end >= 0)
    soon = earliest <= last + law.after_days
    late = (rows["serious"] | rows["immune"]).to_numpy() & (earliest <= last + law.late_days)
    late &= ~((new <= earliest) & (new < NEVER))
    return pl.Series(on & (soon | late), dtype=pl.Boolean)
