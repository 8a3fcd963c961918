"""The report of a serious event: the row as it stands, the clock, every report that was made.

Whoever makes it, nothing identifies the person but the subject number: identifying items are left
out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from onearm.capture import words
from onearm.capture.document import KEY
from onearm.capture.printing.answers import Reader, answer, label_of, moment, paper_words, person
from onearm.capture.printing.subjects import about
from onearm.capture.safety import event_rows
from onearm.capture.studies import study_of
from onearm.paper import serious_event
from onearm.paper.filled import Cell, Report

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import SeriousEvent, SeriousReport
    from onearm.capture.safety import EventRow
    from onearm.study import Study


def serious_source(event: SeriousEvent, reader: Reader, at: datetime) -> str:
    """A serious event as typst source."""
    subject = event.instance.event.subject
    study = study_of(event.instance.study_version)
    row = event_rows([], [event])[0]
    now: Mapping[str, object] = next(
        (r for r in event.instance.data["rows"] if r[KEY] == event.row), {}
    )
    return serious_event(
        about(subject, Reader(reader.name, names=True, trail=False), at),
        title=row.term or f"{words.say('sae.one')} {event.pk}",
        facts=_facts(event, row),
        now=list(_answers(study, event.instance.form, now)),
        reports=[_report(study, event, each) for each in event.reports.select_related("user")],
    )


def _facts(event: SeriousEvent, row: EventRow) -> Iterator[tuple[str, str]]:
    say, subject = paper_words(), event.instance.event.subject
    site = subject.site
    yield say("filled.subject"), subject.code
    yield say("filled.site"), f"{site.code} {site.name}"
    yield words.say("sae.number"), str(event.pk)
    yield words.say("sae.state"), words.say(f"sae.{row.state}")
    yield words.say("sae.aware"), moment(event.aware_at, site)
    yield words.say("sae.due"), row.due
    yield words.say("sae.first"), row.reported or "—"
    yield say("filled.number"), f"{event.instance_id} ({event.instance.form}), {event.row}"


def _answers(
    study: Study, form_id: str, content: Mapping[str, object]
) -> Iterator[tuple[str, Cell]]:
    form = study.forms[form_id]
    for item in form.items:
        cell = answer(study, form, item.name, content.get(item.name), names=False)
        if cell.kind not in ("empty", "hidden"):
            yield label_of(form, item.name), cell


def _report(study: Study, event: SeriousEvent, report: SeriousReport) -> Report:
    site = event.instance.event.subject.site
    by = paper_words()(
        "sae.by",
        name=person(report.user),
        role=words.say(f"role.{report.role}"),
        at=moment(report.at, site),
        version=report.version,
    )
    answers = tuple(_answers(study, event.instance.form, report.content))
    return Report(report.number, by, report.text, answers)
