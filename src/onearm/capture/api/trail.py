"""The trail: searched, and taken along as a file."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Literal

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from onearm.capture import clock
from onearm.capture.actions.take_lists import take_trail
from onearm.capture.api.shapes import REFUSALS, Day, Paging, Short, a_file, utc
from onearm.capture.sending import as_long_csv
from onearm.capture.trail_reading import Line, Wanted, lines, reader

router = Router()


class Search(Schema):
    """What to look for; empty means anything. Days are UTC, both included.

    text: part of subject, action or target. kind: saves, acts, or what concerns access.
    """

    begins: Day | None = None
    ends: Day | None = None
    user: Short = ""
    text: Annotated[Short, Field(max_length=80)] = ""
    kind: Literal["", "data", "acts", "access"] = ""


class TrailLineOut(Schema):
    """One act or one save: who, in which role, when, where, what and why.

    save: names the save in a request to blacken a value; None for an act.
    """

    at: datetime
    at_site: str
    user: str
    role: str
    site: str
    subject: str
    where: str
    action: str
    what: str
    reason: str
    origin: str
    study_version: int | None
    number: int
    hash: str
    save: int | None


class LinesOut(Schema):
    """A part of what fits, newest first; ``more``: there is more behind it."""

    items: list[TrailLineOut]
    more: bool


@router.get("/trail", response={200: LinesOut, **REFUSALS})
def search(request: HttpRequest, paging: Query[Paging], wanted: Query[Search]) -> LinesOut:
    """What fits and what the person may read, newest first."""
    today = clock.now().date()
    reader(request.user, today)
    end = paging.offset + paging.limit
    found = lines(request.user, _wanted(wanted), today, most=end + 1)
    part = list(islice(found, paging.offset, end + 1))
    return LinesOut(
        items=[_out(line) for line in part[: paging.limit]], more=len(part) > paging.limit
    )


@router.get("/trail/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def as_file(request: HttpRequest, wanted: Query[Search]) -> StreamingHttpResponse:
    """Everything that fits as CSV; the trail keeps who took it."""
    return as_long_csv(take_trail(request.user, _wanted(wanted)), "trail.csv")


def _wanted(given: Search) -> Wanted:
    return Wanted(
        begins=given.begins,
        ends=given.ends,
        user=given.user.strip(),
        text=given.text.strip(),
        kind=given.kind,
    )


def _out(line: Line) -> TrailLineOut:
    shown = TrailLineOut.from_orm(line)
    shown.at = utc(line.at)
    return shown
