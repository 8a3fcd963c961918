"""One subject: the schedule, the visits that took place, and every form of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render

from onearm.capture import clock
from onearm.capture.course import course_of, seen_of
from onearm.capture.models import FormInstance
from onearm.capture.month import schedule_of
from onearm.capture.studies import study_of, version_at
from onearm.capture.views.month import visible_subjects
from onearm.capture.words import said

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.month import Planned
    from onearm.study.schedule import Visit


@dataclass(frozen=True, slots=True)
class FormLink:
    """A form of a visit: its words and how far it is."""

    id: str
    label: str
    state: str


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One visit with its forms; ``planned`` is None for one that the schedule has no day for."""

    visit: str
    repeat: int
    label: str
    planned: Planned | None
    forms: tuple[FormLink, ...]


@login_required
def subject_page(request: HttpRequest, code: str) -> HttpResponse:
    """The visits and forms of a subject that the reader may see; 404 otherwise."""
    today = clock.now().date()
    subject = get_object_or_404(visible_subjects(request.user, today), code=code)
    version = version_at(subject.site, today)
    rows: list[VisitRow] = []
    if version is not None:
        study = study_of(version)
        states = {
            (visit, repeat, form): "complete" if is_complete else "begun"
            for visit, repeat, form, is_complete in FormInstance.objects.filter(
                event__subject=subject
            ).values_list("event__visit", "event__repeat", "form", "is_complete")
        }

        def row(visit: Visit, repeat: int, planned: Planned | None) -> VisitRow:
            forms = tuple(
                FormLink(
                    form,
                    said(study.forms[form].label),
                    states.get((visit.id, repeat, form), "empty"),
                )
                for form in visit.forms
            )
            label = said(visit.label).replace("{n}", str(repeat))
            return VisitRow(visit.id, repeat, label, planned, forms)

        seen = seen_of(subject)
        planned = schedule_of(study, course_of(study, subject), seen, today)
        rows = [row(each.visit, each.repeat, each) for each in planned]
        for visit in study.schedule.visits if study.schedule else ():
            if visit.kind != "planned":
                repeats = sorted(r for id_, r in seen if id_ == visit.id) or [1]
                rows += [row(visit, repeat, None) for repeat in repeats]
    return render(request, "capture/subject.html", {"subject": subject, "rows": rows})
