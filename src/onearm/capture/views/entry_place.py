"""Where a form page is: found by its address for its reader, and the forms around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from onearm.capture import clock, permissions, zones
from onearm.capture.actions.drafts import FormPlace
from onearm.capture.models import FormInstance, Subject
from onearm.capture.studies import study_of, version_at
from onearm.capture.surroundings import Place
from onearm.capture.views.month import visible_subjects
from onearm.capture.words import said

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.study import Study
    from onearm.study.schedule import Visit


@dataclass(frozen=True, slots=True)
class Tab:
    """A form of the same visit: its address part, its words, how far it is."""

    id: str
    label: str
    state: str
    is_here: bool


def find_place(request: HttpRequest, code: str, visit: str, repeat: int, form_id: str) -> Place:
    """The form that an address names; 404 where it does not exist or may not be seen."""
    today = clock.now().date()
    subject = get_object_or_404(
        visible_subjects(request.user, today).select_related("site"), code=code
    )
    if not permissions.can(request.user, "form.view", subject.site, today):
        raise Http404
    study = _study(subject, visit, repeat, form_id)
    planned = visit_of(study, visit)
    once = planned is not None and planned.repeat is None and planned.kind != "unscheduled"
    if planned is None or form_id not in planned.forms or form_id not in study.forms:
        raise Http404
    if repeat < 1 or (once and repeat > 1):
        raise Http404
    return Place(study, subject, visit, repeat, study.forms[form_id])


def _study(subject: Subject, visit: str, repeat: int, form_id: str) -> Study:
    """The version a form was entered under; the site's own for a form that nobody saved."""
    saved = FormInstance.objects.filter(
        event__subject=subject, event__visit=visit, event__repeat=repeat, form=form_id
    ).select_related("study_version")
    # The files of a version are large, and the study was read from them once.
    instance = saved.defer("data", "study_version__files").first()
    version = (
        instance.study_version if instance else version_at(subject.site, zones.today(subject.site))
    )
    if version is None:
        raise Http404
    return study_of(version)


def may(request: HttpRequest, capability: str, place: Place) -> bool:
    """Whether the reader may do this at the subject's site."""
    return permissions.can(request.user, capability, place.subject.site, clock.now().date())


def visit_of(study: Study, visit: str) -> Visit | None:
    """The visit of the schedule; None where it has none of that name."""
    visits = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    return visits.get(visit)


def form_place(place: Place) -> FormPlace:
    """The place as drafts name it."""
    return FormPlace(place.subject, place.visit, place.repeat, place.form.form)


def next_address(place: Place) -> str:
    """The address of the visit's next form; that of the subject after the last."""
    visit = visit_of(place.study, place.visit)
    forms = [f for f in visit.forms if f in place.study.forms] if visit else []
    behind = forms[forms.index(place.form.form) + 1 :] if place.form.form in forms else []
    if not behind:
        return reverse("subject", args=[place.subject.code])
    return reverse("form", args=[place.subject.code, place.visit, place.repeat, behind[0]])


def tabs(place: Place) -> list[Tab]:
    """The forms of the same visit."""
    visit = visit_of(place.study, place.visit)
    known = dict(
        FormInstance.objects.filter(
            event__subject=place.subject, event__visit=place.visit, event__repeat=place.repeat
        ).values_list("form", "is_complete")
    )
    return [
        Tab(
            form,
            said(place.study.forms[form].label),
            "empty" if form not in known else "complete" if known[form] else "begun",
            form == place.form.form,
        )
        for form in (visit.forms if visit else ())
        if form in place.study.forms
    ]
