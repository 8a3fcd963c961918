"""Serious adverse events and protocol deviations as lists, read from the forms that record them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import clock, identity, zones
from onearm.capture.actions import sae
from onearm.capture.document import cells
from onearm.capture.models import FormInstance, SeriousEvent, StudyVersion
from onearm.capture.options import shown
from onearm.capture.studies import study_of
from onearm.capture.todo import form_url
from onearm.capture.words import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onearm.capture.models import Site, User
    from onearm.study import Study

NAMED = (("AE", "AEDECOD"), ("AE", "AETERM"))
"""Targets of the words that name an event, the first that is filled counts."""

DEVIATION = ("DV", "DVTERM")


@dataclass(frozen=True, slots=True)
class EventRow:
    """A serious event: what it is, its clock, its reports. state: owed, late, reported, changed or
    withdrawn."""

    event: SeriousEvent
    subject: str
    term: str
    aware: str
    due: str
    reports: int
    reported: str
    state: str


@dataclass(frozen=True, slots=True)
class DeviationRow:
    """A protocol deviation: whose, where it stands, and its answers in words by item."""

    subject: str
    instance: FormInstance
    row: int
    answers: Mapping[str, str]


def event_rows(
    sites: Iterable[Site], events: Iterable[SeriousEvent] | None = None
) -> list[EventRow]:
    """Serious events of sites, newest first, as the pages show them."""
    if events is not None:
        return [_row(event) for event in events]
    found = SeriousEvent.objects.filter(instance__event__subject__site__in=list(sites))
    related = ("instance__event__subject__site", "instance__study_version")
    return [_row(event) for event in found.select_related(*related).prefetch_related("reports")]


def deviation_rows(
    sites: Iterable[Site], user: User
) -> tuple[list[tuple[str, str, list[str]]], list[str]]:
    """Subject, address and answers of every deviation, and the headings of the answers.

    The columns are the items of every form and study version that records some.
    """
    found = deviations(sites, user)
    labels: dict[str, str] = {}
    for one in found:
        form = study_of(one.instance.study_version).forms[one.instance.form]
        labels |= {item.name: said(item.label) for item in form.items}
    rows = []
    for one in found:
        event = one.instance.event
        url = form_url(one.subject, event.visit, event.repeat, one.instance.form)
        rows.append((one.subject, url, [one.answers.get(name, "") for name in labels]))
    return rows, list(labels.values())


def deviations(sites: Iterable[Site], user: User) -> list[DeviationRow]:
    """Every deviation on the forms that record them, by subject; what the person may not read is
    covered."""
    found = FormInstance.objects.filter(event__subject__site__in=list(sites)).select_related(
        "event__subject__site", "study_version"
    )
    ids = {form for version in _versions() for form in _deviation_forms(version)}
    rows: list[DeviationRow] = []
    for instance in found.filter(form__in=ids).order_by("event__subject__code"):
        study = study_of(instance.study_version)
        form = study.forms[instance.form]
        items = {item.name: item for item in form.items}
        by_row: dict[int, dict[str, str]] = {}
        hidden = identity.hidden_in(user, study, instance)
        for cell in cells(instance.data):
            if cell.item not in items:
                continue  # an amendment took it out; its value stays on the form
            text = shown(study, form.form, items[cell.item], cell.value)
            text = identity.words() if text and cell.item in hidden else text
            by_row.setdefault(cell.row, {})[cell.item] = text
        code = instance.event.subject.code
        rows += [DeviationRow(code, instance, row, answers) for row, answers in by_row.items()]
    return rows


def _versions() -> list[Study]:
    return [study_of(version) for version in StudyVersion.objects.all()]


def _deviation_forms(study: Study) -> list[str]:
    return [
        form.form
        for form in study.forms.values()
        if any((t.domain, t.variable) == DEVIATION for i in form.items for t in i.to)
    ]


def _row(event: SeriousEvent) -> EventRow:
    instance, subject = event.instance, event.instance.event.subject
    study, site = study_of(instance.study_version), instance.event.subject.site
    reports = list(event.reports.all())
    content: dict[str, object] = next(
        (r for r in instance.data["rows"] if r["_key"] == event.row), {}
    )
    due = sae.due_at(event)
    if event.withdrawn_at is not None:
        state = "withdrawn"
    elif not reports:
        state = "late" if due < clock.now() else "owed"
    else:
        plain = {k: v for k, v in content.items() if not k.startswith("_")}
        told = {k: v for k, v in reports[-1].content.items() if not k.startswith("_")}
        state = "reported" if plain == told else "changed"
    return EventRow(
        event,
        subject.code,
        _term(study, instance.form, content),
        zones.shown(event.aware_at, site),
        zones.shown(due, site),
        len(reports),
        zones.shown(reports[0].at, site) if reports else "",
        state,
    )


def _term(study: Study, form_id: str, content: Mapping[str, object]) -> str:
    form = study.forms[form_id]
    for target in NAMED:
        for item in form.items:
            value = content.get(item.name)
            if isinstance(value, str) and any((t.domain, t.variable) == target for t in item.to):
                return shown(study, form_id, item, value)
    return ""
