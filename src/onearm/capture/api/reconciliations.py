"""Serious events beside those of the safety database: compared, read, taken along as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema, UploadedFile

from onearm.capture import visible
from onearm.capture.actions import reconcile as actions
from onearm.capture.actions.take_lists import take_reconciliation
from onearm.capture.api.shapes import (
    REFUSALS,
    Given,
    Number,
    Page,
    Paging,
    Short,
    a_file,
    page,
    utc,
)
from onearm.capture.models import Reconciliation
from onearm.capture.sending import as_csv

router = Router()


class ReconciliationOut(Schema):
    """A comparison with a file of the safety database, and how many events have which fate."""

    number: int
    name: str
    sha256: str
    by: str
    role: str
    at: datetime
    matched: int
    differs: int
    only_here: int
    only_there: int


class ReconciledOut(Schema):
    """An event with its partner; what a side lacks is empty.

    fate: matched, differs, only_here or only_there. serious: Y or N. differs: term, onset, serious.
    """

    fate: str
    subject: str
    term_here: str
    term_there: str
    onset_here: str
    onset_there: str
    serious_here: str
    serious_there: str
    differs: list[str]


class ReconciliationWhole(Schema):
    """A comparison with every line, what does not agree first."""

    reconciliation: ReconciliationOut
    lines: list[ReconciledOut]


class ReconcileIn(Given):
    """Which columns of the file hold what; without ``serious`` every event there is serious."""

    subject: Short
    term: Short
    onset: Short
    serious: Short = ""


@router.get("/reconciliations", response={200: Page[ReconciliationOut], **REFUSALS})
def reconciliations(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every comparison with the safety database, newest first."""
    _require_reader(request)
    return page(Reconciliation.objects.select_related("user"), paging, _out)


@router.post("/reconciliations", response={200: ReconciliationWhole, **REFUSALS})
def reconcile(
    request: HttpRequest,
    file: Annotated[UploadedFile, File()],
    given: Annotated[ReconcileIn, Form()],
) -> ReconciliationWhole:
    """Compare a file of the safety database with the serious events; no data are changed."""
    _require_reader(request)  # before the file is read
    columns = actions.Columns(
        given.subject.strip(), given.term.strip(), given.onset.strip(), given.serious.strip()
    )
    content = file.read(actions.MOST_BYTES + 1)
    return _whole(actions.reconcile(request.user, file.name or "", content, columns))


@router.get("/reconciliations/{number}", response={200: ReconciliationWhole, **REFUSALS})
def reconciliation(request: HttpRequest, number: Number) -> ReconciliationWhole:
    """One comparison with every line."""
    return _whole(_one(request, number))


@router.get("/reconciliations/{number}/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def reconciliation_file(request: HttpRequest, number: Number) -> HttpResponse:
    """The same as CSV; the trail keeps who took it."""
    lines = take_reconciliation(request.user, _one(request, number))
    return as_csv(lines, f"reconciliation_{number}.csv")


def _require_reader(request: HttpRequest) -> None:
    """Comparisons hold every site's events: they are there for who follows the safety of all."""
    if not visible.can(request.user, "safety.view", None):
        raise Http404


def _one(request: HttpRequest, number: int) -> Reconciliation:
    _require_reader(request)
    found = Reconciliation.objects.filter(pk=number).select_related("user").first()
    if found is None:
        raise Http404
    return found


def _out(one: Reconciliation) -> ReconciliationOut:
    fates = [line["fate"] for line in one.lines]
    return ReconciliationOut(
        number=one.pk,
        name=one.name,
        sha256=one.sha256,
        by=one.user.username,
        role=one.role,
        at=utc(one.at),
        **{fate: fates.count(fate) for fate in actions.FATES},
    )


def _whole(one: Reconciliation) -> ReconciliationWhole:
    return ReconciliationWhole(
        reconciliation=_out(one), lines=[ReconciledOut(**line) for line in one.lines]
    )
