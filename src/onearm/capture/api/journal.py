"""The journal: incidents and changes of the system, written down, gone on with, decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from onearm.capture import clock, journal, permissions
from onearm.capture.actions import journal as actions
from onearm.capture.actions.take_lists import take_journal
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Day,
    Given,
    Line,
    Moment,
    Number,
    Page,
    Paging,
    Short,
    a_file,
    page,
    utc,
)
from onearm.capture.journal import Case
from onearm.capture.models import AuditEvent, Site
from onearm.capture.sending import as_csv

router = Router()
KINDS = {"incident": journal.INCIDENT, "change": journal.CHANGE}


class CaseActOut(Schema):
    """One act of a case: what was said, by whom, in which role, when, and why."""

    action: str
    by: str
    role: str
    at: datetime
    details: dict[str, Any]
    reason: str


class CaseOut(Schema):
    """One incident or change, from its first act on.

    state: open or closed; proposed, approved, refused or live. site: empty for the whole system.
    """

    number: int
    kind: str
    state: str
    site: str
    acts: list[CaseActOut]


class IncidentIn(Given):
    """What happened; without an end it goes on, without a site it is of the whole system.

    paper: data were written on paper meanwhile.
    """

    what: Line
    effect: Line
    began: Moment
    ended: Moment | None = None
    paper: bool = False
    site: Code | None = None


class IncidentEndIn(Given):
    """When an incident ended, what it came from, and what keeps it from happening again."""

    ended: Moment
    cause: Line
    prevention: Line


class SystemChangeIn(Given):
    """What is to change, who asks for it and what it would do; ``sites``: codes, empty for all."""

    what: Line
    requested_by: Short
    impact: Line
    sites: Short = ""


class DecisionIn(Given):
    """Whether a change that another person wrote down is approved, and why."""

    approve: bool
    reason: Line


class LiveIn(Given):
    """From which day a change is in use, and what shows that it was tried."""

    day: Day
    evidence: Line


@router.get("/journal", response={200: Page[CaseOut], **REFUSALS})
def cases(
    request: HttpRequest,
    paging: Query[Paging],
    kind: Literal["", "incident", "change"] = "",
) -> Any:
    """Incidents and changes that the person may read, newest first."""
    today = clock.now().date()
    permissions.actor(request.user, "journal.view", None, today)
    found = journal.cases(request.user, today, action=KINDS.get(kind, ""))
    return page(found, paging, _case)


@router.get("/journal/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def journal_file(request: HttpRequest) -> HttpResponse:
    """The same as CSV, one row an act; the trail keeps who took it."""
    return as_csv(take_journal(request.user), f"journal_{clock.now().date()}.csv")


@router.post("/journal/incidents", response={200: CaseOut, **REFUSALS})
def note_incident(request: HttpRequest, given: IncidentIn) -> CaseOut:
    """Write an incident down."""
    permissions.actor(request.user, "incident.note", None, clock.now().date())
    site = Site.objects.filter(code=given.site).first() if given.site else None
    if given.site and site is None:
        raise Http404
    fields = given.dict(exclude={"site"})
    made = actions.note_incident(request.user, actions.Incident(**fields), site)
    return _found(made.number)


@router.post("/journal/incidents/{number}/close", response={200: CaseOut, **REFUSALS})
def close_incident(request: HttpRequest, number: Number, given: IncidentEndIn) -> CaseOut:
    """Say when an incident ended, its cause, and what keeps it from happening again."""
    _require_case(request, "incident.close", number, journal.INCIDENT)
    actions.close_incident(request.user, number, **given.dict())
    return _found(number)


@router.post("/journal/changes", response={200: CaseOut, **REFUSALS})
def propose(request: HttpRequest, given: SystemChangeIn) -> CaseOut:
    """Write down a change that somebody asks for."""
    return _found(actions.propose(request.user, actions.Change(**given.dict())).number)


@router.post("/journal/changes/{number}/decision", response={200: CaseOut, **REFUSALS})
def decide(request: HttpRequest, number: Number, given: DecisionIn) -> CaseOut:
    """Approve or refuse a change that another person wrote down."""
    _require_case(request, "change.approve", number, journal.CHANGE)
    actions.decide(request.user, number, approve=given.approve, reason=given.reason)
    return _found(number)


@router.post("/journal/changes/{number}/live", response={200: CaseOut, **REFUSALS})
def went_live(request: HttpRequest, number: Number, given: LiveIn) -> CaseOut:
    """Say from which day an approved change is in use, and what shows that it was tried."""
    _require_case(request, "change.propose", number, journal.CHANGE)
    actions.went_live(request.user, number, given.day, given.evidence)
    return _found(number)


def _require_case(request: HttpRequest, right: str, number: int, kind: str) -> None:
    """403 without the right; 404 for a case that is not among those the person may read."""
    today = clock.now().date()
    permissions.actor(request.user, right, None, today)
    mine = journal.cases(request.user, today, action=kind)
    if number not in {case.number for case in mine}:
        raise Http404


def _found(number: int) -> CaseOut:
    case = journal.find(number)
    if case is None:
        raise Http404
    return _case(case)


def _case(case: Case) -> CaseOut:
    return CaseOut(
        number=case.number,
        kind=case.first.action.partition(".")[0],
        state=case.state,
        site=case.first.site.code if case.first.site else "",
        acts=[_act(act) for act in (case.first, *case.later)],
    )


def _act(act: AuditEvent) -> CaseActOut:
    return CaseActOut(
        action=act.action,
        by=act.user.username if act.user else "",
        role=act.role,
        at=utc(act.at),
        details=act.details,
        reason=act.reason,
    )
