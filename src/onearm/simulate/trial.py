"""A whole made-up trial: entries as people would have typed them, and the truth behind them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from onearm.records.entry import ENTRY
from onearm.simulate.chance import Ints, Streams
from onearm.simulate.facts import people_facts, visit_facts
from onearm.simulate.fill import Facts, Filler, long
from onearm.simulate.lesions import Anatomy
from onearm.simulate.lives import lives
from onearm.simulate.measures import Measures
from onearm.simulate.mess import add_mess
from onearm.simulate.occasions import Occasions, Timeline, occasions
from onearm.simulate.people import people
from onearm.simulate.plan import plan_of
from onearm.simulate.readings import Readings
from onearm.simulate.rows import (
    doses,
    eligibility_rows,
    ended_drugs,
    event_rows,
    form_for,
    histories,
)
from onearm.simulate.safety import events, window
from onearm.simulate.truth import Truth, last_alive, truth
from onearm.simulate.tumours import lesion_rows, responses, time_points
from onearm.study import Study
from onearm.study.forms import Form

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A made-up trial: ``entries`` as ``records.at_cut`` takes them, ``truth`` by topic."""

    entries: pl.DataFrame
    truth: Truth
    cut: date


def trial(
    study: Study,
    *,
    subjects: int,
    seed: int,
    cut: date | None = None,
    mess: bool = True,
    forms: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Simulate the study with ``subjects`` enrolled patients and those who failed screening.

    Reads the study's forms, schedule, treatments and ``simulation.yaml``; the same study, number,
    seed and cut give the same entries. ``mess``: with the errors that people make (readers' slips,
    typing errors), all listed in the truth. ``forms``: only these are filled in, with what they
    would hold among all of them. ``progress`` is told what is being done.
    ``truth``: frames ``subjects``, ``time_points``, ``best``, ``times``, ``adverse_events``,
    ``mess``. Raises OnearmError where the study has no schedule, forms or simulation, and
    ``Problems`` where the simulation names what the study does not have.
    """
    plan = plan_of(study)
    say = progress or (lambda _: None)
    streams = Streams(seed)
    last_day = cut or plan.cut
    say("people")
    everybody = people(plan, streams, subjects=subjects, cut=last_day)
    say("tumours")
    line, readings, parts, measures = lives(study, plan, streams, everybody)
    say("forms")
    points = time_points(line)
    scans = responses(line, points, error=plan.mess.reader_error if mess else 0.0)
    tables = _tables(study, line, readings, parts, points)
    when = occasions(line)
    facts = _facts(study, line, parts, tables, when, measures, scans)
    wanted = set(study.forms if forms is None else forms)
    entries, seen = _fill(study, line, facts, measures, when, cut=last_day, wanted=wanted)
    say("truth")
    known = truth(study, line, points=points, scans=scans, tables=tables, alive=seen)
    if mess:
        entries, slips = add_mess(study, plan, streams, entries)
        known = {**known, "mess": pl.concat([known["mess"], slips])}
    return Simulated(entries, known, last_day)


def _tables(
    study: Study,
    line: Timeline,
    readings: Readings,
    parts: tuple[Anatomy, Anatomy, Anatomy],
    points: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Rows by SDTM domain: TR, EX, AE."""
    law = line.plan.events
    consent = (line.people.consent - line.people.first_dose)[line.treated]
    span = window(law, line.course, line.given, consent=consent)
    drugs = line.plan.drugs
    harm = events(
        law,
        line.streams,
        course=line.course,
        given=line.given,
        span=span,
        related_to={name: drug.related_to for name, drug in drugs.items() if drug.related_to},
        action_to={name: drug.action_to for name, drug in drugs.items() if drug.action_to},
        immune_drugs=frozenset(name for name, drug in drugs.items() if drug.immune),
    )
    u = line.streams("event dates").random((harm.height, 2))
    return {
        "TR": lesion_rows(line.plan, line.streams, points=points, readings=readings, parts=parts),
        "EX": doses(line, line.given),
        "AE": event_rows(line, harm, u),
    }


def _facts(
    study: Study,
    line: Timeline,
    parts: tuple[Anatomy, Anatomy, Anatomy],
    tables: dict[str, pl.DataFrame],
    when: dict[str, Occasions],
    measures: Measures,
    scans: pl.DataFrame,
) -> Facts:
    places, people = line.plan.places, line.people
    rows = histories(line.plan, line.streams, line, when)
    table = _origin(line, tables["TR"], ("TU.TUDTC", "TR.TRDTC"))
    for domain, frame in (
        ("TR", table),
        ("EX", tables["EX"]),
        ("AE", tables["AE"]),
        ("IE", eligibility_rows(study, line, when[places.screening])),
        ("DS", ended_drugs(line, line.given, when[places.end_of_treatment])),
    ):
        form = form_for(study, domain)
        if form is not None:
            rows[form.form] = frame
    visits = visit_facts(line, when, measures, study)
    written = _origin(line, scans, ("RS.RSDTC",))
    for visit in written["VISIT"].unique(maintain_order=True):
        mine = written.filter(pl.col("VISIT") == visit).select(
            "person", "VISIT_REPEAT", *(c for c in written.columns if c.startswith("RS."))
        )
        visits[visit] = visits[visit].join(mine, on=["person", "VISIT_REPEAT"], how="left")
    return Facts(
        people=people_facts(study, line, parts[:2], rows),
        rows=rows,
        visits=visits,
        first_dose=people.first_dose,
        consent=people.consent,
        cohort=people.cohort,
        names=pl.DataFrame(
            {
                "SITEID": pl.Series(people.site.tolist(), dtype=pl.String),
                "SUBJID": pl.Series(people.subject.tolist(), dtype=pl.String),
            }
        ),
    )


def _origin(line: Timeline, frame: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Days from first dose turned into dates."""
    first = pl.Series(line.people.first_dose[frame["person"].to_numpy()])
    return frame.with_columns(
        (pl.col(name) + pl.lit(first)).cast(pl.Int32).cast(pl.Date) for name in names
    )


def _fill(
    study: Study,
    line: Timeline,
    facts: Facts,
    measures: Measures,
    when: dict[str, Occasions],
    *,
    cut: date,
    wanted: Collection[str],
) -> tuple[pl.DataFrame, Ints]:
    """All entries, in the order of the schedule, and the last day each person is seen alive."""
    filler = Filler(study, line.plan, line.streams, facts, measures)
    parts, alive = [], np.zeros(len(line.people), dtype=np.int64)
    for visit in line.schedule.visits:
        held = when[visit.id]
        if not len(held):
            continue
        for name in (name for name in visit.forms if name in wanted):
            form = study.forms[name]
            wide = filler.fill(form, visit.id, _present(form, held))
            if form.date:
                wide = wide.filter(pl.col(form.date).fill_null("") <= cut.isoformat())
            alive = np.maximum(alive, last_alive(form, wide, len(alive)))
            parts.append(long(wide, form, facts.names))
    return pl.concat(parts) if parts else pl.DataFrame(schema=pl.Schema(ENTRY)), alive


def _present(form: Form, held: Occasions) -> Occasions:
    """Those who were there; forms about the end of something are filled in without the patient."""
    told = any(t.domain in ("DS", "DD") for item in form.items for t in item.to)
    if told or held.seen.all():
        return held
    keep = held.seen
    return Occasions(
        held.person[keep], held.repeat[keep], held.day[keep], held.seen[keep], held.width
    )
