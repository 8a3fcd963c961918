"""The programming interface over what the pages do: same actions, same rights, same trail.

A program signs in with a key of a person (``Authorization: Bearer KEY``), or a page uses its
session with the CSRF token. The description (OpenAPI) is at ``/api/openapi.json``. Each topic is a
router of its own; a route parses, calls one action (the one that the page calls) and answers.

Not here, on purpose: what only the person in front of a browser may do. Keys are made and revoked
on a page, so that a key that was lost cannot make another; password, second factor and the word
that one's signature is binding are the person's own; the first account is made at the first start;
unsaved drafts belong to the page that they were typed into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError
from ninja import NinjaAPI

from onearm.capture import clock, permissions, words
from onearm.capture.actions import enrol, hold, migrate, save, sign
from onearm.capture.api import (
    accrual,
    amendments,
    cleaning,
    dashboards,
    exchange,
    files,
    forms,
    imports,
    journal,
    paper,
    people,
    queries,
    ranges,
    reconciliations,
    redactions,
    review,
    safety,
    subjects,
    trail,
)
from onearm.capture.api.auth import Key, Session
from onearm.capture.export.layout import newest_study
from onearm.capture.states import Held
from onearm.capture.wording import finding_text
from onearm.errors import OnearmError, Problems

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.errors import Finding

CONFLICTS = (
    Held,
    save.Stale,
    save.MustConfirm,
    save.ReasonNeeded,
    enrol.NotEligible,
    hold.NotReady,
    migrate.Blocked,
)
"""Refusals because the data stand otherwise than the request assumes: 409."""

api = NinjaAPI(
    title="onearm",
    version="1",
    description="Everything that the pages do, for programs. Rights, history and trail are theirs.",
    auth=[Key(), Session()],
    urls_namespace="api",
    docs_url=None,  # its page would load scripts from elsewhere
)
for topic in (
    subjects,
    accrual,
    forms,
    files,
    queries,
    cleaning,
    safety,
    reconciliations,
    exchange,
    imports,
    ranges,
    paper,
    amendments,
    people,
    trail,
    review,
    journal,
    redactions,
    dashboards,
):
    api.add_router("", topic.router, tags=[topic.__name__.rpartition(".")[2]])


@api.exception_handler(permissions.NotAllowed)
@api.exception_handler(sign.NotProven)
def not_allowed(request: HttpRequest, problem: Exception) -> HttpResponse:
    """The right is missing, or the proof who signs."""
    return api.create_response(request, {"detail": str(problem), "findings": []}, status=403)


@api.exception_handler(OnearmError)
def refused(request: HttpRequest, problem: OnearmError) -> HttpResponse:
    """Every refusal of an action in its words; 409 where the data stand otherwise than assumed."""
    if isinstance(problem, clock.ClockRanBack):
        return api.create_response(request, {"detail": str(problem), "findings": []}, status=503)
    status = 409 if isinstance(problem, CONFLICTS) else 400
    details: list[str] = []
    if isinstance(problem, Problems):
        details = list(map(_said, problem.findings))
    elif isinstance(problem, enrol.NotEligible):
        details = list(problem.reasons)
    elif isinstance(problem, hold.NotReady):
        details = list(problem.points)
    first = (str(problem).splitlines() or [""])[0]
    return api.create_response(request, {"detail": first, "findings": details}, status=status)


def _said(finding: Finding) -> str:
    """A finding with its place, in the person's language."""
    newest = newest_study()
    text = finding_text(newest, finding) if newest else finding.message
    return f"{finding.place}: {text}" if str(finding.place) else text


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def no_database(request: HttpRequest, problem: Exception) -> HttpResponse:
    """The database cannot be written now; nothing was changed."""
    body = {"detail": words.say("error.database"), "findings": []}
    return api.create_response(request, body, status=503)
