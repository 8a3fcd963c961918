"""The running trial as a frame: one row a fact, with a plain sentence for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from onearm.design import Ahead, EventsAhead, OneStageNow, TwoStageNow
from onearm.errors import Finding, Place, Problems
from onearm.frames import Frames
from onearm.results.rules import Planned
from onearm.results.watched import (
    BoundaryNow,
    EnrolmentNow,
    RateNow,
    SurvivalNow,
    Watched,
    watch,
)
from onearm.study import Study
from onearm.study.analyses import Analyses
from onearm.study.design import TrialDesign

FACTS = {
    "rule": pl.String(),
    "title": pl.String(),
    "item": pl.String(),
    "value": pl.Float64(),
    "text": pl.String(),
    "kind": pl.String(),
}
"""Columns of the frame. ``kind``: count, proportion, number, date (text), text, flag, sentence."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about a rule; either a value or a text."""

    item: str
    value: float | None
    text: str | None
    kind: str


def monitor(study: Study, datasets: Frames) -> pl.DataFrame:
    """Where every rule of the study's design stands at the data cut: one row a fact.

    datasets: ADaM by name, and the domains that the design's conditions read. Columns: `FACTS`.
    Every rule has the facts ``standing`` (a word), ``stops`` (1: its boundary is crossed) and
    ``sentence``; a rule that the data cannot answer has the standing ``cannot_be_judged``.
    Raises `Problems` for a study without a design that has rules, and without analyses.
    """
    design, plan = need_rules(study)
    planned = Planned(design, plan, datasets, pl.DataFrame())
    rows = [
        {"rule": rule, "title": title, **_row(fact)}
        for rule, title, facts in _rules(watch(planned))
        for fact in facts
    ]
    return pl.DataFrame(rows, schema=FACTS)


def need_rules(study: Study) -> tuple[TrialDesign, Analyses]:
    """The design and the plan of a study that has rules to monitor by.

    Raises `Problems` where design.yaml or analyses.yaml is missing, and for a design without rules.
    """
    if study.design is None or study.analyses is None:
        missing = "design.yaml" if study.design is None else "analyses.yaml"
        message = "the study has no such file, so there is nothing to monitor by"
        hint = (
            "Write one: the guide on monitoring shows it, 'onearm design --help' has the numbers."
        )
        raise Problems([Finding(Place(file=missing), None, "design", message, hint)])
    if study.design.status == "descriptive":
        message = "the design is descriptive and has no rule to monitor by"
        hint = "Give it the status planned or planning, and a rule."
        place = study.place("design.yaml", ("status",))
        raise Problems([Finding(place, "descriptive", "design", message, hint)])
    return study.design, study.analyses


def _row(fact: Fact) -> dict[str, float | str | None]:
    return {"item": fact.item, "value": fact.value, "text": fact.text, "kind": fact.kind}


def _rules(watched: Watched) -> Iterator[tuple[str, str, Iterable[Fact]]]:
    yield "enrolment", "Enrolment", _enrolment(watched.enrolment)
    if watched.response is not None:
        title = f"Response ({watched.response.outcome})"
        yield "response", title, _rate(watched.response)
    if watched.survival is not None:
        yield (
            "survival",
            f"Time to an event ({watched.survival.outcome})",
            _survival(watched.survival),
        )
    if watched.disease_control is not None:
        title = f"Disease control ({watched.disease_control.outcome})"
        yield "disease_control", title, _rate(watched.disease_control)
    for boundary in watched.safety:
        yield boundary.rule.id, boundary.rule.title.en, _boundary(boundary)
    for rule, lacking in watched.unread.items():
        title = watched.titles[rule].en if rule in watched.titles else rule.replace("_", " ")
        yield rule, title.capitalize(), _unread(lacking)


def _count(item: str, value: int | None) -> Fact:
    return Fact(item, None if value is None else float(value), None, "count")


def _share(item: str, value: float | None) -> Fact:
    return Fact(item, value, None, "proportion")


def _number(item: str, value: float | None) -> Fact:
    return Fact(item, value, None, "number")


def _days(item: str, days: tuple[date, ...]) -> Iterator[Fact]:
    for name, day in zip(("early", "likely", "late"), days, strict=False):
        yield Fact(f"{item}, {name}", None, day.isoformat(), "date")


def _end(standing: str, sentence: str, *, stops: bool = False) -> Iterator[Fact]:
    yield Fact("standing", None, standing, "text")
    yield Fact("stops", float(stops), None, "flag")
    yield Fact("sentence", None, sentence, "sentence")


def _enrolment(now: EnrolmentNow) -> Iterator[Fact]:
    yield _count("patients dosed", now.dosed)
    yield _count("patients planned", now.planned)
    yield _number("expected by the plan", now.expected)
    yield _number("patients a month", now.rate)
    yield _number("patients a month, planned", now.planned_rate)
    for size, days in now.forecast.items():
        yield from _days(f"patient {size}", days)
    is_full = now.planned is not None and now.dosed >= now.planned
    standing = "complete" if is_full else "closed" if now.is_closed else "open"
    yield from _end(standing, _enrolment_sentence(now))


def _enrolment_sentence(now: EnrolmentNow) -> str:
    of = f" of {now.planned}" if now.planned else ""
    if not now.dosed or now.last is None:
        return f"No patient{of} is dosed yet, and nothing can be forecast."
    text = f"{now.dosed}{of} patients are dosed"
    if now.expected is not None and now.rate is not None and now.planned_rate:
        text += (
            f"; {now.expected:.1f} would be by the plan ({now.rate:.2f} a month seen, "
            f"{now.planned_rate:g} planned)"
        )
    for size, (early, likely, late) in now.forecast.items():
        if size == now.planned:
            text += f". Patient {size} is likely by {likely}, with 80 % between {early} and {late}"
    return text + "."


def _rate(found: RateNow) -> Iterator[Fact]:
    now = found.now
    yield _count("evaluable patients", now.n)
    yield _count("with success", now.x)
    if isinstance(now, TwoStageNow):
        yield _count("next look at", now.look)
    else:
        yield _count("next look at", now.design.n)
    yield _count("success still needed", now.more)
    yield _count("patients still missing", now.left)
    yield _count("earlier patients not evaluable yet", found.awaited)
    yield _share("chance of promising, at the null rate", now.power0)
    yield _share("chance of promising, at the target rate", now.power1)
    if now.predictive is not None:
        yield _share("predictive probability of promising", now.predictive)
    if isinstance(now, TwoStageNow):
        if now.stop1 is not None:
            yield _share("chance of a stop, at the target rate", now.stop1)
        if now.stop_predictive is not None:
            yield _share("predictive probability of a stop", now.stop_predictive)
        yield from _end(now.standing, _rate_sentence(found), stops=now.standing == STOPPED)
    else:
        yield from _end(now.standing, _rate_sentence(found))


STOPPED = "stopped_for_futility"


def _rate_sentence(found: RateNow) -> str:
    now = found.now
    parts = [now.sentence()]
    if found.awaited:
        are = "patient is" if found.awaited == 1 else "patients are"
        parts.append(
            f"{found.awaited} earlier {are} not evaluable yet and will count in place of a later "
            "one."
        )
    if isinstance(now, OneStageNow):
        return " ".join(parts)
    if now.other_look is not None:
        parts.append(
            f"The first {now.design.n1} decide. Had the interim used others, both ways on would "
            f"be: {now.other_look.sentence()}"
        )
    if now.other_end is not None and now.standing != "ended_early":
        parts.append(f"With all of them instead: {now.other_end.sentence()}")
    if now.standing == STOPPED and now.beyond:
        parts.append(
            f"With everybody evaluated since, {now.x + now.beyond_responders} of "
            f"{now.n + now.beyond} responded; that is described only."
        )
    return " ".join(parts)


def _survival(found: SurvivalNow) -> Iterator[Fact]:
    now, test = found.now, found.now.test
    yield _count("patients followed", test.n)
    yield _count("events", test.observed)
    yield _number("events expected under the null", test.expected)
    yield _number("Z", now.z)
    yield _number("critical value", now.design.critical)
    yield _count("most events that would exceed it", now.most_events)
    yield _share("information", now.information)
    yield _number("events planned", now.design.expected_events)
    yield from _days("analysis", found.due)
    if found.ahead is not None:
        for name, then in _ahead(found.ahead):
            yield _number(f"events by then, {name}", then.events)
            yield _share(f"significant then, {name}", then.power)
    standing = "analysis_due" if found.is_due else "before_analysis"
    yield from _end("no_follow_up" if now.z is None else standing, _survival_sentence(found))


def _ahead(ahead: EventsAhead) -> Iterator[tuple[str, Ahead]]:
    yield "if the null holds on", ahead.null
    yield "if the target holds on", ahead.target
    if ahead.seen is not None:
        yield "at the rate seen so far", ahead.seen


def _survival_sentence(found: SurvivalNow) -> str:
    text = found.now.sentence()
    if not found.due:
        return text
    early, likely, late = found.due
    if found.is_due:
        verdict = "exceeds" if found.now.exceeds else "does not exceed"
        return f"{text} The analysis was due on {likely}: Z {verdict} the critical value."
    when = f"on {likely}" if early == late else f"likely by {likely} ({early} to {late})"
    return f"{text} The analysis is {when}; before that no value of Z is a result."


def _boundary(found: BoundaryNow) -> Iterator[Fact]:
    now = found.now
    yield _count("patients who count", now.n)
    yield _count("with the event", now.events)
    yield _count("next look at", now.next_look)
    yield _count("stops there with", now.next_stop_at)
    yield _count("further events that stop", now.more)
    yield _count("boundary for exactly these patients", now.boundary_now)
    if now.posterior is not None:
        yield _share(f"P(rate > {now.rule.limit:.0%})", now.posterior)
    yield _share("chance of ever stopping, at the limit", now.chance)
    for look in now.looks:
        yield _count(f"look at {look.patients}: stop at", look.stop_at)
        yield _count(f"look at {look.patients}: events", look.events)
    over = "finished" if now.next_look is None else "holds"
    standing = "crossed" if now.is_crossed else over
    yield from _end(standing, now.sentence(), stops=now.is_crossed)


def _unread(lacking: tuple[str, ...]) -> Iterator[Fact]:
    names = ", ".join(lacking)
    yield from _end("cannot_be_judged", f"Cannot be judged: the data do not have {names}.")
