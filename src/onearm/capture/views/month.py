"""What a site has to do this month, and its subjects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from onearm.capture import clock, permissions
from onearm.capture.course import course_of, seen_of
from onearm.capture.models import Query, Subject
from onearm.capture.month import Planned, schedule_of
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import said

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import User

TO_DO = {"due", "in window", "overdue"}


@dataclass(frozen=True, slots=True)
class Row:
    """One visit to do: of whom, its name, and where it stands."""

    subject: str
    label: str
    planned: Planned


@login_required
def month(request: HttpRequest) -> HttpResponse:
    """Visits due and overdue, open queries, forms to finish and to sign, of the reader's sites."""
    today = clock.now().date()
    mine = visible_subjects(request.user, today)
    rows = [row for subject in mine for row in _to_do(subject, today)]
    queries = Query.objects.filter(subject__in=mine, state=Query.State.OPEN)
    context = {
        "today": today,
        "visits": sorted(rows, key=lambda row: (row.planned.late or today, row.subject)),
        "queries": queries.select_related("subject")[:200],
    }
    return render(request, "capture/month.html", context)


@login_required
def subjects(request: HttpRequest) -> HttpResponse:
    """The subjects of the reader's sites."""
    mine = visible_subjects(request.user, clock.now().date()).select_related("site")
    return render(request, "capture/subjects.html", {"subjects": mine})


def visible_subjects(user: User, today: date) -> QuerySet[Subject]:
    """The subjects whose sites the person may see."""
    return Subject.objects.filter(site__in=permissions.sites_of(user, "subject.view", today))


def _to_do(subject: Subject, today: date) -> Iterator[Row]:
    version = version_at(subject.site, today)
    if version is None or subject.stage == Subject.Stage.FAILED:
        return
    study = study_of(version)
    for planned in schedule_of(study, course_of(study, subject), seen_of(subject), today):
        if planned.status in TO_DO:
            label = said(planned.visit.label).replace("{n}", str(planned.repeat))
            yield Row(subject.code, label, planned)
