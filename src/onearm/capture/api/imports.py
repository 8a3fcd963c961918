"""Data in: a file is handed in, tried, and loaded; it is kept byte by byte with its account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema, UploadedFile
from pydantic import Field

from onearm.capture import clock, permissions
from onearm.capture.actions.take_csv import Account, Plan, read_lines
from onearm.capture.actions.take_entries import Taken
from onearm.capture.actions.take_file import (
    MOST_BYTES,
    keep,
    load_entries,
    load_lines,
    read_original,
)
from onearm.capture.api.shapes import (
    REFUSALS,
    FatesOut,
    Given,
    Name,
    Number,
    Page,
    Paging,
    Short,
    a_file,
    fates,
    page,
    utc,
)
from onearm.capture.models import TakenFile
from onearm.capture.sending import as_file
from onearm.capture.words import say
from onearm.errors import OnearmError

router = Router()


class TakenFileOut(Schema):
    """A file that was handed in. account: what became of its lines, by fate; state: tried, loaded.

    columns: the header of a CSV file, empty where it cannot be read and for other kinds.
    """

    number: int
    name: str
    kind: str
    sha256: str
    account: dict[str, Any]
    columns: list[str]
    by: str
    at: datetime


class TakenFileIn(Given):
    """What the file is: entries, ODM, or a CSV of results."""

    kind: Literal["entries", "odm", "csv"]


class ColumnsIn(Given):
    """Which column of a CSV goes where; ``=SCREENING`` stands for a fixed value.

    items: column by item. keys: items by which a line finds its row. codes: by item the file's
    codes and ours. units: by item the column of the unit. convert: items whose results may be
    converted from another unit.
    """

    form: Name
    subject: Short
    visit: Short
    items: dict[Name, Short]
    repeat: Short = "=1"
    keys: Annotated[list[Name], Field(default_factory=list, max_length=100)]
    codes: Annotated[dict[Name, dict[str, str]], Field(default_factory=dict)]
    units: Annotated[dict[Name, Short], Field(default_factory=dict)]
    convert: Annotated[list[Name], Field(default_factory=list, max_length=1000)]


class LoadIn(Given):
    """Whether to say what would happen (dry) or to load; a CSV needs its plan."""

    dry: bool
    plan: ColumnsIn | None = None


class FateOut(Schema):
    """What becomes of a line, or of a form of the file: new, changed, same or refused, and why.

    converted: each result that is converted, as it is in the file and as it is stored.
    """

    line: int
    subject: str
    visit: str
    form: str
    fate: str
    why: list[str]
    converted: list[str]


class AccountOut(FatesOut):
    """Everything that the file holds is stored, the same as before, or refused."""

    read: int
    lines: list[FateOut]


@router.get("/imports", response={200: Page[TakenFileOut], **REFUSALS})
def imports(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Files that were handed in, newest first."""
    _require_import(request)
    found = TakenFile.objects.defer("content").select_related("user").order_by("-at", "-pk")
    return page(found, paging, _out)


@router.post("/imports", response={200: TakenFileOut, **REFUSALS})
def hand_in(
    request: HttpRequest,
    file: Annotated[UploadedFile, File()],
    given: Annotated[TakenFileIn, Form()],
) -> TakenFileOut:
    """Hand a file in; nothing is loaded yet. The same file is kept once."""
    _require_import(request)  # before the file is read
    return _whole(keep(request.user, file.name or "", given.kind, file.read(MOST_BYTES + 1)))


@router.get("/imports/{number}", response={200: TakenFileOut, **REFUSALS})
def taken_file(request: HttpRequest, number: Number) -> TakenFileOut:
    """One file with its columns and what became of it."""
    return _whole(_file(request, number))


@router.get(
    "/imports/{number}/file", response=REFUSALS, openapi_extra=a_file("application/octet-stream")
)
def original(request: HttpRequest, number: Number) -> HttpResponse:
    """The file as it was handed in; the trail keeps that it was read."""
    file = _file(request, number)
    content = read_original(request.user, file)
    return as_file(content, f"file-{file.pk}.bin", "application/octet-stream")


@router.post("/imports/{number}/load", response={200: AccountOut, **REFUSALS})
def load(request: HttpRequest, number: Number, given: LoadIn) -> AccountOut:
    """Say what would happen with every line, or load the file."""
    file = _file(request, number)
    if file.kind != "csv":
        return _of_entries(load_entries(request.user, file, is_dry=given.dry))
    if given.plan is None:
        raise OnearmError(say("exchange.plan_needed"))
    plan = Plan(
        form=given.plan.form,
        subject=given.plan.subject,
        visit=given.plan.visit,
        items=given.plan.items,
        repeat=given.plan.repeat,
        keys=tuple(given.plan.keys),
        codes=given.plan.codes,
        units=given.plan.units,
        convert=frozenset(given.plan.convert),
    )
    return _of_lines(load_lines(request.user, file, plan, is_dry=given.dry))


def _require_import(request: HttpRequest) -> None:
    permissions.actor(request.user, "import", None, clock.now().date())


def _file(request: HttpRequest, number: int) -> TakenFile:
    _require_import(request)
    found = TakenFile.objects.filter(pk=number).select_related("user").first()
    if found is None:
        raise Http404
    return found


def _of_lines(made: Account) -> AccountOut:
    return AccountOut(
        **fates(made).dict(),
        read=len(made.lines),
        lines=[
            FateOut(
                line=line.number,
                subject=line.subject,
                visit=line.visit,
                form="",
                fate=line.fate,
                why=[line.why] if line.why else [],
                converted=list(line.converted),
            )
            for line in made.lines
        ],
    )


def _of_entries(made: Taken) -> AccountOut:
    return AccountOut(
        **fates(made).dict(),
        read=made.read,
        lines=[
            FateOut(
                line=0,
                subject=row.where[1],
                visit=f"{row.where[2]} {row.where[3]}",
                form=row.where[4],
                fate=row.fate,
                why=list(row.why),
                converted=[],
            )
            for row in made.rows
        ],
    )


def _out(file: TakenFile) -> TakenFileOut:
    return TakenFileOut(
        number=file.pk,
        name=file.name,
        kind=file.kind,
        sha256=file.sha256,
        account=file.account,
        columns=[],
        by=file.user.username,
        at=utc(file.at),
    )


def _whole(file: TakenFile) -> TakenFileOut:
    shown = _out(file)
    if file.kind == "csv":
        try:
            shown.columns = read_lines(bytes(file.content))[0]
        except OnearmError:
            shown.columns = []  # loading says what is wrong with it
    return shown
