"""What a site has to do this month, and its subjects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse

from onearm.capture import clock, overview, permissions, zones
from onearm.capture.actions.sae import due_at
from onearm.capture.models import Query, SeriousEvent, Subject
from onearm.capture.views import acting
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import User
    from onearm.capture.month import Planned
    from onearm.capture.overview import Overview

TO_DO = {"due", "in window", "overdue"}
FAR = date.max
MOST = 200
"""Rows shown of one kind; the rest is behind the lists."""


@dataclass(frozen=True, slots=True)
class VisitToDo:
    """A visit to do: of whom, its name, where it stands, and the address of its first form."""

    subject: str
    label: str
    planned: Planned
    url: str


@dataclass(frozen=True, slots=True)
class FormToDo:
    """A form to fill in or to finish; ``lacks`` says which of the two."""

    subject: str
    visit: str
    label: str
    lacks: str
    url: str
    date: date | None


@dataclass(frozen=True, slots=True)
class QueryToDo:
    """A query that waits for the reader."""

    query: Query
    place: str
    text: str
    days: int


@dataclass(frozen=True, slots=True)
class SignToDo:
    """A visit with complete forms that nobody has signed, or that a change has broken."""

    subject: str
    label: str
    forms: int
    url: str


@dataclass(frozen=True, slots=True)
class ReportToDo:
    """A serious event whose first report is owed."""

    event: SeriousEvent
    subject: str
    due: str
    is_late: bool


@login_required
def month(request: HttpRequest) -> HttpResponse:
    """Visits, forms, queries, reports and signatures that wait, of the reader's sites or of one."""
    sites, chosen, code = acting.chosen_sites(request)
    mine = acting.subjects_of(chosen)
    views = [
        view for view in overview.overviews(mine) if view.subject.stage != Subject.Stage.FAILED
    ]
    visits = sorted(
        (row for view in views for row in _visits(view)),
        key=lambda row: (row.planned.late or view_end(row), row.subject),
    )
    forms = [row for view in views for row in _forms(view)]
    signs = [row for view in views for row in _signs(request.user, view)]
    reports = _reports(request.user, mine)
    context = {
        "today": clock.now().date() if not chosen else zones.today(chosen[0]),
        "sites": sites,
        "site": code,
        "visits": visits[:MOST],
        "forms": forms[:MOST],
        "forms_in_all": len(forms),
        "queries": list(_queries(request.user, mine)),
        "signs": signs[:MOST],
        "signs_in_all": len(signs),
        "reports": reports,
        "may_sign": acting.can(request.user, "sign", None),
    }
    return render(request, "capture/month.html", context)


@login_required
def subjects(request: HttpRequest) -> HttpResponse:
    """The subjects of the reader's sites."""
    sites, chosen, code = acting.chosen_sites(request)
    mine = acting.subjects_of(chosen).select_related("site")
    context = {
        "subjects": mine,
        "sites": sites,
        "site": code,
        "may_screen": acting.can(request.user, "subject.screen", None),
    }
    return render(request, "capture/subjects.html", context)


def visible_subjects(user: User, today: date) -> QuerySet[Subject]:
    """The subjects whose sites the person may see."""
    return Subject.objects.filter(site__in=permissions.sites_of(user, "subject.view", today))


def view_end(row: VisitToDo) -> date:
    """Where a visit without a window stands in the list: behind those that have one."""
    return (row.planned.happened.date if row.planned.happened else None) or FAR


def form_url(subject: str, visit: str, repeat: int, form: str) -> str:
    """The address of a form's page."""
    return reverse("form", args=[subject, visit, repeat, form])


def _visits(view: Overview) -> Iterator[VisitToDo]:
    code = view.subject.code
    for planned in view.planned:
        if planned.status in TO_DO:
            url = form_url(code, planned.visit.id, planned.repeat, planned.visit.forms[0])
            label = overview.label(planned.visit, planned.repeat)
            yield VisitToDo(code, label, planned, url)


def _forms(view: Overview) -> Iterator[FormToDo]:
    code = view.subject.code
    for row, form, at in view.missing():
        yield FormToDo(
            code,
            overview.label(row.visit, row.repeat),
            said(view.study.forms[form].label),
            say("month.unsaved" if at is None else "month.begun"),
            form_url(code, row.visit.id, row.repeat, form),
            row.happened.date if row.happened else None,
        )


def _queries(user: User, mine: QuerySet[Subject]) -> Iterator[QueryToDo]:
    """Open queries for who answers, answered ones for who closes, oldest first."""
    today = clock.now().date()
    states = [Query.State.OPEN] if permissions.can(user, "query.answer", None, today) else []
    closes = permissions.can(user, "query.close", None, today)
    states += [Query.State.ANSWERED] if closes else []
    if not states:
        states = [Query.State.OPEN]  # who only reads sees what is open
    found = Query.objects.filter(subject__in=mine, state__in=states)
    reader = acting.QueryReader(user)
    for query in found.select_related("subject__site").order_by("changed_at")[:MOST]:
        place = " ".join(filter(None, (query.visit, query.form, query.item)))
        days = acting.days_since(query.changed_at, query.subject.site)
        yield QueryToDo(query, place, reader.words(query), days)


def _signs(user: User, view: Overview) -> Iterator[SignToDo]:
    if not acting.can(user, "sign", view.subject.site):
        return
    by_visit: dict[tuple[str, int], int] = {}
    for visit, repeat, _ in view.unsigned():
        by_visit[visit, repeat] = by_visit.get((visit, repeat), 0) + 1
    for (visit, repeat), count in by_visit.items():
        row = overview.log_row(view.study, visit, repeat)
        url = reverse("sign", args=[f"event:{view.events[visit, repeat]}"])
        yield SignToDo(view.subject.code, overview.label(row.visit, repeat), count, url)


def _reports(user: User, mine: QuerySet[Subject]) -> list[ReportToDo]:
    owed = SeriousEvent.objects.filter(
        instance__event__subject__in=mine, withdrawn_at=None, reports=None
    ).select_related("instance__event__subject__site")
    now = clock.now()
    return [
        ReportToDo(event, subject.code, zones.shown(due, subject.site), due < now)
        for event, due in sorted(_with_due(owed), key=lambda pair: pair[1])
        if acting.can(user, "sae.report", (subject := event.instance.event.subject).site)
    ]


def _with_due(owed: QuerySet[SeriousEvent]) -> list[tuple[SeriousEvent, datetime]]:
    return [(event, due_at(event)) for event in owed]
