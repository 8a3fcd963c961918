"""Serious events with their clocks and reports, who is told of them, and protocol deviations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from onearm.capture import visible
from onearm.capture.actions import sae
from onearm.capture.api import places
from onearm.capture.api.shapes import (
    REFUSALS,
    Chosen,
    Code,
    Given,
    Line,
    Moment,
    Number,
    Page,
    Paging,
    Short,
    page,
    utc,
)
from onearm.capture.identity import covered, hidden_in
from onearm.capture.models import Contact, SeriousReport, User
from onearm.capture.safety import DeviationRow, EventRow, deviations, event_rows
from onearm.capture.studies import study_of

router = Router()


class SeriousOut(Schema):
    """A serious event: what it is, where it stands, its clock.

    state: owed, late, reported, changed (since the last report) or withdrawn.
    """

    number: int
    site: str
    subject: str
    visit: str
    repeat: int
    form: str
    row: int
    term: str
    aware_at: datetime
    due_at: datetime
    reports: int
    state: str


class ReportOut(Schema):
    """One report: the first, then a version for each follow-up. content: the row as it stood."""

    report: int
    version: int
    content: dict[str, Any]
    text: str
    by: str
    role: str
    at: datetime


class SeriousWhole(Schema):
    """A serious event with every report."""

    event: SeriousOut
    reports: list[ReportOut]


class ReportIn(Given):
    """A report; a follow-up needs words. aware_at: when the site learnt of it, if earlier."""

    text: Line = ""
    aware_at: Moment | None = None


class ContactOut(Schema):
    """Who is told by e-mail of serious events; ``site`` is empty for every site."""

    number: int
    name: str
    email: str
    language: str
    site: str


class ContactIn(Given):
    """A person to be told, of one site's events or of all."""

    name: Short
    email: Short
    language: Literal["en", "zh-hans"] = "en"
    site: Code | None = None


class DeviationOut(Schema):
    """A protocol deviation: whose, where it stands, and its answers in words by item."""

    subject: str
    visit: str
    repeat: int
    form: str
    row: int
    answers: dict[str, str]


@router.get("/serious", response={200: Page[SeriousOut], **REFUSALS})
def serious(request: HttpRequest, paging: Query[Paging], site: Chosen = "") -> Any:
    """Serious events of the sites whose safety the person follows, newest first."""
    sites = [s for s in places.sites(request, site) if visible.may_see_safety(request.user, s)]
    if not sites:
        raise Http404
    return page(event_rows(sites), paging, _out)


@router.get("/serious/{number}", response={200: SeriousWhole, **REFUSALS})
def serious_event(request: HttpRequest, number: Number) -> SeriousWhole:
    """One serious event with every report."""
    event = visible.serious_event(request.user, number)
    [row] = event_rows([event.instance.event.subject.site], [event])
    reports = event.reports.select_related("user")
    return SeriousWhole(event=_out(row), reports=[_report(each, request.user) for each in reports])


@router.post("/serious/{number}/reports", response={200: ReportOut, **REFUSALS})
def report(request: HttpRequest, number: Number, given: ReportIn) -> ReportOut:
    """Report a serious event, or follow it up."""
    event = visible.serious_event(request.user, number)
    made = sae.report(request.user, event, given.text, aware_at=given.aware_at)
    return _report(made, request.user)


@router.get("/contacts", response={200: Page[ContactOut], **REFUSALS})
def contacts(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Who is told by e-mail of a serious event."""
    if not visible.can(request.user, "sae.contacts", None):
        raise Http404
    found = Contact.objects.filter(ends=None).select_related("site")
    return page(found, paging, _contact)


@router.post("/contacts", response={200: ContactOut, **REFUSALS})
def add_contact(request: HttpRequest, given: ContactIn) -> ContactOut:
    """Add a person who is told."""
    site = places.site(request, given.site) if given.site else None
    return _contact(
        sae.add_contact(request.user, given.name, given.email, language=given.language, site=site)
    )


@router.post("/contacts/{number}/end", response={200: ContactOut, **REFUSALS})
def end_contact(request: HttpRequest, number: Number) -> ContactOut:
    """Tell this person no more."""
    one = Contact.objects.filter(pk=number, ends=None).select_related("site").first()
    if one is None or not visible.can(request.user, "sae.contacts", one.site):
        raise Http404
    sae.end_contact(request.user, one)
    return _contact(one)


@router.get("/deviations", response={200: Page[DeviationOut], **REFUSALS})
def protocol_deviations(request: HttpRequest, paging: Query[Paging], site: Chosen = "") -> Any:
    """Every protocol deviation on the forms that record them, by subject."""
    return page(deviations(places.sites(request, site), request.user), paging, _deviation)


def _out(row: EventRow) -> SeriousOut:
    event, where = row.event, row.event.instance.event
    return SeriousOut(
        number=event.pk,
        site=where.subject.site.code,
        subject=row.subject,
        visit=where.visit,
        repeat=where.repeat,
        form=event.instance.form,
        row=event.row,
        term=row.term,
        aware_at=utc(event.aware_at),
        due_at=utc(sae.due_at(event)),
        reports=row.reports,
        state=row.state,
    )


def _report(one: SeriousReport, user: User) -> ReportOut:
    instance = one.event.instance
    [content] = covered([one.content], hidden_in(user, study_of(instance.study_version), instance))
    return ReportOut(
        report=one.number,
        version=one.version,
        content={name: value for name, value in content.items() if name[:1] != "_"},
        text=one.text,
        by=one.user.username,
        role=one.role,
        at=utc(one.at),
    )


def _contact(one: Contact) -> ContactOut:
    return ContactOut(
        number=one.pk,
        name=one.name,
        email=one.email,
        language=one.language,
        site=one.site.code if one.site else "",
    )


def _deviation(row: DeviationRow) -> DeviationOut:
    where = row.instance.event
    return DeviationOut(
        subject=row.subject,
        visit=where.visit,
        repeat=where.repeat,
        form=row.instance.form,
        row=row.row,
        answers=dict(row.answers),
    )
