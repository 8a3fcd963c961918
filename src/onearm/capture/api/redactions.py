"""Blackening personal data that were entered by mistake: one person asks, another decides."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from onearm.capture import visible
from onearm.capture.actions import redaction as actions
from onearm.capture.api.shapes import (
    REFUSALS,
    Given,
    Line,
    Name,
    Number,
    Page,
    Paging,
    Reason,
    Row,
    page,
    utc,
)
from onearm.capture.models import FormVersion, Redaction

if TYPE_CHECKING:
    from onearm.capture.models import User

router = Router()


class RedactionOut(Schema):
    """A request and what was decided; the value itself stands nowhere in it.

    quoted: what holds the value still, in words: talk about queries, reasons of saves, words of
    reports, loaded files.
    """

    number: int
    subject: str
    form: str
    version: int
    row: int
    item: str
    reason: str
    asked_by: str
    asked_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None
    refused_because: str
    quoted: list[str]


class RedactionIn(Given):
    """The cell of a save whose value is to be blackened, and why it does not belong there."""

    row: Row
    item: Name
    reason: Line


@router.get("/redactions", response={200: Page[RedactionOut], **REFUSALS})
def redactions(request: HttpRequest, paging: Query[Paging]) -> Any:
    """What was asked for at the person's sites, newest first."""
    return page(visible.redactions(request.user), paging, _out)


@router.post("/saves/{number}/redactions", response={200: RedactionOut, **REFUSALS})
def ask(request: HttpRequest, number: Number, given: RedactionIn) -> RedactionOut:
    """Ask that a value of a save (its number stands in the history) be blackened."""
    mine = visible.subjects(request.user)
    found = FormVersion.objects.filter(pk=number, instance__event__subject__in=mine)
    version = found.select_related("instance__event__subject__site").first()
    if version is None:
        raise Http404
    made = actions.request(request.user, version, given.row, given.item, given.reason)
    return _out(made)


@router.post("/redactions/{number}/approval", response={200: RedactionOut, **REFUSALS})
def approve(request: HttpRequest, number: Number) -> RedactionOut:
    """Blacken the value that another person named."""
    return _out(actions.approve(request.user, _one(request, number)))


@router.post("/redactions/{number}/refusal", response={200: RedactionOut, **REFUSALS})
def refuse(request: HttpRequest, number: Number, given: Reason) -> RedactionOut:
    """Leave the value as it is, with the reason."""
    return _out(actions.refuse(request.user, _one(request, number), given.reason))


def _one(request: HttpRequest, number: int) -> Redaction:
    one: Redaction | None = visible.redactions(request.user).filter(pk=number).first()
    if one is None:
        raise Http404
    return one


def _out(one: Redaction) -> RedactionOut:
    by: User | None = one.approved_by or one.refused_by
    at = one.approved_at or one.refused_at
    decision = "approved" if one.approved_at else "refused" if one.refused_at else ""
    return RedactionOut(
        number=one.pk,
        subject=one.instance.event.subject.code,
        form=f"form:{one.instance_id}",
        version=one.version,
        row=one.row,
        item=one.item,
        reason=one.reason,
        asked_by=one.requested_by.username,
        asked_at=utc(one.requested_at),
        decision=decision,
        decided_by=by.username if by else "",
        decided_at=utc(at) if at else None,
        refused_because=one.refused_because,
        quoted=actions.quoted_in(one) if one.approved_at else [],
    )
