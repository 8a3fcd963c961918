"""Subjects: the screening log, the way into the trial, and the schedule of visits."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from onearm.capture import enrolment, overview, visible
from onearm.capture.actions import enrol as actions
from onearm.capture.actions import visits as visit_actions
from onearm.capture.actions.save import Origin
from onearm.capture.api import places
from onearm.capture.api.shapes import (
    REFUSALS,
    Chosen,
    Code,
    Given,
    Line,
    Name,
    Page,
    Paging,
    Reason,
    Repeat,
    Short,
    page,
    utc,
)
from onearm.capture.models import FormInstance

if TYPE_CHECKING:
    from onearm.capture.models import EventInstance, Subject
    from onearm.capture.month import Planned
    from onearm.capture.overview import Overview

router = Router()


class SubjectOut(Schema):
    """One subject: how far it is, and why it failed screening where it did."""

    site: str
    subject: str
    stage: str
    screened_at: datetime
    enrolled_on: date | None
    place: int | None
    failed_because: str


class ScreenIn(Given):
    """The site at which a person is put in the screening log."""

    site: Code


class FailIn(Given):
    """Why screening failed: the form's own answer, words, or both."""

    code: Short = ""
    reason: Line = ""


class CriterionOut(Schema):
    """One criterion; ``met`` is None before the form is filled in."""

    id: str
    text: str
    is_inclusion: bool
    met: bool | None


class WayOut(Schema):
    """Where a subject stands on the way into the trial; ``reasons`` hold it up now.

    failure_codes: the answers to the form's own question why screening failed, with their words.
    """

    subject: str
    stage: str
    criteria: list[CriterionOut]
    confirmed_by: str
    confirmed_at: datetime | None
    reasons: list[str]
    failure_codes: dict[str, str]


class VisitOut(Schema):
    """One visit; days are None where the day they are counted from is not known.

    target: names the visit for holds and signatures once it stands, else empty.
    """

    visit: str
    repeat: int
    kind: str
    day: date | None
    early: date | None
    late: date | None
    happened: date | None
    missed_because: str
    status: str
    forms: list[str]
    target: str


class UnscheduledIn(Given):
    """An unscheduled visit of the study."""

    visit: Name


class EventOut(Schema):
    """A visit that stands."""

    visit: str
    repeat: int
    date: date | None
    missed_because: str
    target: str


@router.get("/subjects", response={200: Page[SubjectOut], **REFUSALS})
def subjects(request: HttpRequest, paging: Query[Paging], site: Chosen = "") -> Any:
    """The subjects of the sites that the person may see, by site and number."""
    found = visible.subjects(request.user).select_related("site")
    if site:
        found = found.filter(site__in=[each.pk for each in places.sites(request, site)])
    return page(found, paging, _out)


@router.post("/subjects", response={200: SubjectOut, **REFUSALS})
def screen(request: HttpRequest, given: ScreenIn) -> SubjectOut:
    """Put a person in the screening log of a site, under the next number."""
    return _out(actions.screen(request.user, places.site(request, given.site)))


@router.get("/subjects/{code}", response={200: SubjectOut, **REFUSALS})
def subject(request: HttpRequest, code: Code) -> SubjectOut:
    """One subject."""
    return _out(visible.subject(request.user, code))


@router.get("/subjects/{code}/enrolment", response={200: WayOut, **REFUSALS})
def way(request: HttpRequest, code: Code) -> WayOut:
    """Criteria, confirmation, and what is in the way of enrolment."""
    one = visible.subject(request.user, code)
    forms = {form.form: form for form in FormInstance.objects.filter(event__subject=one)}
    stands = enrolment.way(places.study(one), one, forms)
    confirmed = stands.confirmed
    return WayOut(
        subject=one.code,
        stage=one.stage,
        criteria=[
            CriterionOut(id=c.id, text=c.text, is_inclusion=c.is_inclusion, met=c.met)
            for c in stands.criteria
        ],
        confirmed_by=confirmed.user.username if confirmed else "",
        confirmed_at=utc(confirmed.at) if confirmed else None,
        reasons=stands.reasons,
        failure_codes=dict(stands.fail_codes),
    )


@router.post("/subjects/{code}/confirmation", response={200: WayOut, **REFUSALS})
def confirm(request: HttpRequest, code: Code) -> WayOut:
    """The investigator's word that every criterion is met, on the forms as they stand."""
    actions.confirm(request.user, visible.subject(request.user, code))
    return way(request, code)


@router.post("/subjects/{code}/enrolment", response={200: SubjectOut, **REFUSALS})
def enrol(request: HttpRequest, code: Code) -> SubjectOut:
    """Take a place for an eligible subject; 409 with every reason where it cannot be enrolled."""
    one = visible.subject(request.user, code)
    return _out(actions.enrol(request.user, one, origin=Origin.API))


@router.post("/subjects/{code}/failure", response={200: SubjectOut, **REFUSALS})
def fail(request: HttpRequest, code: Code, given: FailIn) -> SubjectOut:
    """A screen failure with its reason."""
    one = visible.subject(request.user, code)
    return _out(actions.fail(request.user, one, given.reason, code=given.code, origin=Origin.API))


@router.get("/subjects/{code}/schedule", response={200: list[VisitOut], **REFUSALS})
def schedule(request: HttpRequest, code: Code) -> list[VisitOut]:
    """Every visit with its window and how it stands; empty before a version is released."""
    one = visible.subject(request.user, code)
    views = overview.overviews(visible.subjects(request.user).filter(pk=one.pk))
    return [_visit(view, row) for view in views for row in (*view.planned, *view.others())]


@router.post("/subjects/{code}/visits", response={200: EventOut, **REFUSALS})
def add_visit(request: HttpRequest, code: Code, given: UnscheduledIn) -> EventOut:
    """Add an unscheduled visit; its forms then give its date."""
    one = visible.subject(request.user, code)
    return _event(visit_actions.add_unscheduled(request.user, places.study(one), one, given.visit))


@router.post(
    "/subjects/{code}/visits/{visit}/{repeat}/missed", response={200: EventOut, **REFUSALS}
)
def miss_visit(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, given: Reason
) -> EventOut:
    """Say that a visit did not take place and why; an empty reason takes that back."""
    one = visible.subject(request.user, code)
    study = places.study(one)
    if study.schedule is None:
        raise Http404
    return _event(visit_actions.mark_missed(request.user, study, one, visit, repeat, given.reason))


def _out(one: Subject) -> SubjectOut:
    return SubjectOut(
        site=one.site.code,
        subject=one.code,
        stage=one.stage,
        screened_at=utc(one.created_at),
        enrolled_on=one.enrolled_on,
        place=one.slot,
        failed_because=one.failed_because,
    )


def _event(event: EventInstance) -> EventOut:
    return EventOut(
        visit=event.visit,
        repeat=event.repeat,
        date=event.date,
        missed_because=event.missed_because,
        target=f"event:{event.pk}",
    )


def _visit(view: Overview, row: Planned) -> VisitOut:
    pk = view.events.get((row.visit.id, row.repeat))
    return VisitOut(
        visit=row.visit.id,
        repeat=row.repeat,
        kind=row.visit.kind,
        day=row.day,
        early=row.early,
        late=row.late,
        happened=row.happened.date if row.happened else None,
        missed_because=row.happened.missed_because if row.happened else "",
        status=row.status,
        forms=list(row.visit.forms),
        target=f"event:{pk}" if pk else "",
    )
