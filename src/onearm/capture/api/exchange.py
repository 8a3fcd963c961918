"""Data out: exports, who took what, and snapshots."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import FileResponse, Http404, HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from onearm.capture.actions import snapshot as actions
from onearm.capture.actions.archive import archive
from onearm.capture.actions.export import Wanted, export, taken_out
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Given,
    Moment,
    Name,
    Number,
    Page,
    Paging,
    Short,
    a_file,
    page,
    utc,
)
from onearm.capture.export.files import FORMATS
from onearm.capture.models import AuditEvent, Snapshot
from onearm.capture.sending import as_zip

router = Router()

Format = Annotated[str, StringConstraints(pattern=f"^({'|'.join(FORMATS)})$")]


class SnapshotExportIn(Given):
    """What of a snapshot to take; empty lists mean everything that the person may export."""

    formats: Annotated[list[Format], Field(min_length=1, max_length=20)]
    sites: Annotated[list[Code], Field(default_factory=list, max_length=1000)]
    subjects: Annotated[list[Code], Field(default_factory=list, max_length=10_000)]
    forms: Annotated[list[Name], Field(default_factory=list, max_length=1000)]
    with_names: bool = False


class ExportIn(SnapshotExportIn):
    """What to export, as it stands or as it stood at a moment."""

    as_of: Moment | None = None
    only_complete: bool = False


class ArchiveIn(Given):
    """As of which moment (now where none is named)."""

    as_of: Moment | None = None


class TakenOut(Schema):
    """Who took what out."""

    by: str
    role: str
    at: datetime
    target: str
    details: dict[str, Any]


class SnapshotOut(Schema):
    """The data as they stood at a moment, and the hash that proves it."""

    number: int
    name: str
    as_of: datetime
    made_at: datetime
    by: str
    rows: int
    sha256: str


class SnapshotIn(Given):
    """A name for the data as they stand, or stood at a moment."""

    name: Short
    as_of: Moment | None = None


@router.post("/exports", response=REFUSALS, openapi_extra=a_file("application/zip"))
def take_out(request: HttpRequest, given: ExportIn) -> FileResponse:
    """An export as a zip file; the trail keeps who took what."""
    return as_zip(export(request.user, _wanted(given, given.as_of, given.only_complete)))


@router.post("/exports/archive", response=REFUSALS, openapi_extra=a_file("application/zip"))
def take_archive(request: HttpRequest, given: ArchiveIn) -> FileResponse:
    """The whole study for the archive, as one zip file; the trail keeps who took it."""
    return as_zip(archive(request.user, as_of=given.as_of))


@router.get("/exports", response={200: Page[TakenOut], **REFUSALS})
def exports(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Who took what out, newest first."""
    return page(taken_out(request.user), paging, _taken)


@router.get("/snapshots", response={200: Page[SnapshotOut], **REFUSALS})
def snapshots(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every snapshot, newest first; for those who may export."""
    taken_out(request.user)
    found = Snapshot.objects.select_related("user").order_by("-made_at", "-pk")
    return page(found, paging, _snapshot)


@router.post("/snapshots", response={200: SnapshotOut, **REFUSALS})
def make_snapshot(request: HttpRequest, given: SnapshotIn) -> SnapshotOut:
    """Name the data as they stand, or stood at a moment."""
    return _snapshot(actions.make_snapshot(request.user, given.name, as_of=given.as_of))


@router.post(
    "/snapshots/{number}/export", response=REFUSALS, openapi_extra=a_file("application/zip")
)
def take_snapshot(request: HttpRequest, number: Number, given: SnapshotExportIn) -> FileResponse:
    """A snapshot as a zip file; its hash is compared first."""
    one = Snapshot.objects.filter(pk=number).first()
    if one is None:
        raise Http404
    return as_zip(actions.take_snapshot(request.user, one, _wanted(given)))


def _wanted(
    given: SnapshotExportIn, as_of: datetime | None = None, only_complete: bool = False
) -> Wanted:
    return Wanted(
        formats=tuple(given.formats),
        sites=tuple(given.sites),
        subjects=tuple(given.subjects),
        forms=tuple(given.forms),
        as_of=as_of,
        only_complete=only_complete,
        with_names=given.with_names,
    )


def _taken(event: AuditEvent) -> TakenOut:
    return TakenOut(
        by=event.user.username if event.user else "",
        role=event.role,
        at=utc(event.at),
        target=event.target,
        details=event.details,
    )


def _snapshot(one: Snapshot) -> SnapshotOut:
    return SnapshotOut(
        number=one.pk,
        name=one.name,
        as_of=utc(one.as_of),
        made_at=utc(one.made_at),
        by=one.user.username,
        rows=one.rows,
        sha256=one.sha256,
    )
