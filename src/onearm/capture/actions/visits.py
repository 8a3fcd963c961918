"""Visits: the day that their forms give, unscheduled and missed ones, and how far subjects are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import enrolment, permissions, states, trail, zones
from onearm.capture.course import complete, course_of
from onearm.capture.document import Document, cells
from onearm.capture.models import EventInstance, Subject
from onearm.capture.places import visit_said
from onearm.capture.words import say
from onearm.errors import OnearmError
from onearm.records.visits import VISIT_DATE, items_for

if TYPE_CHECKING:
    from onearm.capture.models import User
    from onearm.study import Study
    from onearm.study.schedule import Visit

ENDS = ("enrolment", "end_of_treatment", "death", "end_of_study")
"""Milestones that move a subject on."""

MOST_REPEATS = 1000
"""The number of a repeat is below, on pages, in addresses and in files."""


def dated(study: Study, documents: Iterable[tuple[str, Document]]) -> date | None:
    """The day of a visit from its forms' documents (form id, data).

    The item that fills SV.SVSTDTC dates the visit; without it the earliest date of a form does.
    Incomplete dates tell nothing.
    """
    own: list[date] = []
    others: list[date] = []
    for form_id, data in documents:
        form = study.forms.get(form_id)
        if form is None:
            continue
        visit_items = items_for(form, VISIT_DATE)
        for cell in cells(data):
            day = complete(cell.value)
            if day is None:
                continue
            if cell.item in visit_items:
                own.append(day)
            elif cell.item == form.date:
                others.append(day)
    return min(own or others, default=None)


def keep_date(study: Study, event: EventInstance) -> None:
    """Bring the visit's date, and the subject's stage, in line with the forms of the visit.

    Visits that hold running forms have no date; a visit that took place was not missed.
    """
    visit = _visits(study).get(event.visit)
    documents = list(event.forms.values_list("form", "data"))
    keep_stage(study, event.subject, {form for form, _ in documents})
    if visit is None or visit.kind == "log":
        return
    day = dated(study, documents)
    missed = "" if documents else event.missed_because
    if (day, missed) != (event.date, event.missed_because):
        event.date, event.missed_because = day, missed
        event.save(update_fields=["date", "missed_because"])


def keep_stage(study: Study, subject: Subject, saved: set[str]) -> None:
    """How far a subject is, by the milestones on its forms; only if one of ``saved`` has any."""
    homes = [home for name in ENDS if (home := enrolment.milestone(study, name))]
    if not any(home.form.form in saved for home in homes):
        return
    before = (subject.stage, subject.failed_because, subject.enrolled_on)
    if subject.slot is None:
        enrolment.follow_form(study, subject)
    if subject.stage in enrolment.IN_STUDY:
        course = course_of(study, subject)
        subject.stage = Subject.Stage.ENROLLED
        if course.end_of_treatment:
            subject.stage = Subject.Stage.OFF_TREATMENT
        if course.death or course.end_of_study:
            subject.stage = Subject.Stage.OFF_STUDY
        subject.enrolled_on = subject.enrolled_on or course.enrolment
    if (subject.stage, subject.failed_because, subject.enrolled_on) != before:
        subject.save(update_fields=["stage", "failed_because", "enrolled_on"])


def settle_stage(study: Study, subject: Subject) -> None:
    """The stage of a subject that came from a file: in screening until something says enrolled."""
    if subject.slot is not None or subject.stage != Subject.Stage.ENROLLED:
        return
    course = course_of(study, subject)
    home = enrolment.milestone(study, "enrolment")
    if home is not None and course.enrolment is None and course.first_dose is None:
        subject.stage = Subject.Stage.SCREENING
        subject.save(update_fields=["stage"])


def add_unscheduled(user: User, study: Study, subject: Subject, visit_id: str) -> EventInstance:
    """Add a visit that the schedule has no day for; its forms then give its date."""
    actor = permissions.actor(user, "form.enter", subject.site, zones.today(subject.site))
    visit = _visits(study).get(visit_id)
    if visit is None or visit.kind != "unscheduled":
        raise OnearmError(say("visit.not_unscheduled").format(visit=visit_said(study, visit_id, 1)))
    with transaction.atomic():
        Subject.objects.select_for_update().get(pk=subject.pk)
        states.require_open(states.targets(subject=subject))
        stand = subject.events.filter(visit=visit_id)
        open_one = stand.filter(forms=None, missed_because="").first()
        if open_one is not None:
            return open_one
        repeat = max(stand.values_list("repeat", flat=True), default=0) + 1
        event = EventInstance.objects.create(subject=subject, visit=visit_id, repeat=repeat)
        _record(event, "visit.add", actor)
    return event


def mark_missed(
    user: User, study: Study, subject: Subject, visit_id: str, repeat: int, reason: str
) -> EventInstance:
    """Say that a planned visit did not take place, and why; an empty reason takes that back.

    Raises ``OnearmError`` for a visit with forms, and for one that the schedule does not plan.
    """
    actor = permissions.actor(user, "form.enter", subject.site, zones.today(subject.site))
    visit = _visits(study).get(visit_id)
    if visit is None or visit.kind not in ("planned", "event") or not _is_one(visit, repeat):
        named = visit_said(study, visit_id, repeat)
        raise OnearmError(say("visit.not_planned").format(visit=named))
    with transaction.atomic():
        event, _ = EventInstance.objects.get_or_create(
            subject=subject, visit=visit_id, repeat=repeat
        )
        states.require_open(states.targets(event=event))
        if event.forms.exists():
            raise OnearmError(say("visit.has_forms"))
        if reason.strip() == event.missed_because:
            return event
        event.missed_because = reason.strip()
        event.save(update_fields=["missed_because"])
        _record(event, "visit.missed" if event.missed_because else "visit.expected", actor)
    return event


def _is_one(visit: Visit, repeat: int) -> bool:
    """Whether a visit has such a repeat; those that are not repeated have the first alone."""
    return repeat == 1 or (visit.repeat is not None and 1 < repeat < MOST_REPEATS)


def _visits(study: Study) -> dict[str, Visit]:
    return {visit.id: visit for visit in study.schedule.visits} if study.schedule else {}


def _record(event: EventInstance, action: str, actor: permissions.Actor) -> None:
    trail.record(
        f"subject:{event.subject.code}",
        action,
        actor=actor,
        site=event.subject.site,
        target=f"event:{event.pk}",
        details={"visit": event.visit, "repeat": event.repeat},
        reason=event.missed_because,
    )
