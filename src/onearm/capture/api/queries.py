"""Queries: listed, read with every word that was said, asked, answered, closed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from onearm.capture import visible
from onearm.capture.actions import queries as actions
from onearm.capture.api import places
from onearm.capture.api.shapes import (
    REFUSALS,
    Chosen,
    Code,
    Given,
    Line,
    NameOrNone,
    Number,
    Page,
    Paging,
    RowOrNone,
    page,
    utc,
)
from onearm.capture.models import Query as Question
from onearm.capture.query_reading import QueryReader, days_since, filtered, moves

if TYPE_CHECKING:
    from onearm.capture.models import QueryEntry

router = Router()


class QueryOut(Schema):
    """One query; ``check_id`` is empty for one that a person asked. days: since it last moved."""

    number: int
    subject: str
    visit: str
    repeat: int
    form: str
    row: int
    item: str
    check_id: str
    text: str
    state: str
    opened_by: str
    opened_at: datetime
    changed_at: datetime
    days: int


class EntryOut(Schema):
    """One word in the talk about a query; ``by`` is empty where a check spoke."""

    state: str
    text: str
    by: str
    at: datetime


class TalkOut(Schema):
    """A query with every word that was said, and the states the person may bring it to."""

    query: QueryOut
    entries: list[EntryOut]
    moves: list[str]


class AskIn(Given):
    """A question; empty parts mean the whole of what is above them."""

    text: Line
    visit: NameOrNone = ""
    repeat: Annotated[int, Field(ge=1, le=999)] = 1
    form: NameOrNone = ""
    row: RowOrNone = 0
    item: NameOrNone = ""


class MoveIn(Given):
    """The state a query goes to, with words where they are needed."""

    state: Literal["open", "answered", "closed", "cancelled"]
    text: Line = ""


@router.get("/queries", response={200: Page[QueryOut], **REFUSALS})
def queries(
    request: HttpRequest,
    paging: Query[Paging],
    state: Annotated[str, Query(pattern="^(open|answered|closed|cancelled|live)?$")] = "",
    turn: Annotated[str, Query(pattern="^(site|asker)?$")] = "",
    site: Chosen = "",
    subject: Chosen = "",
) -> Any:
    """Queries of the subjects that the person may see, newest first (``live``: not settled)."""
    found = Question.objects.filter(subject__in=visible.subjects(request.user))
    if site:
        found = found.filter(subject__site__in=[s.pk for s in places.sites(request, site)])
    if subject:
        found = found.filter(subject=visible.subject(request.user, subject))
    found = filtered(found, state, turn).select_related("subject__site", "opened_by")
    reader = QueryReader(request.user)
    return page(found.order_by("-opened_at", "-pk"), paging, lambda one: _out(one, reader))


@router.get("/queries/{number}", response={200: TalkOut, **REFUSALS})
def query(request: HttpRequest, number: Number) -> TalkOut:
    """One query with every word that was said."""
    one = visible.query(request.user, number)
    return TalkOut(
        query=_out(one, QueryReader(request.user)),
        entries=[_entry(each) for each in one.entries.select_related("user")],
        moves=moves(request.user, one),
    )


@router.post("/subjects/{code}/queries", response={200: QueryOut, **REFUSALS})
def ask(request: HttpRequest, code: Code, given: AskIn) -> QueryOut:
    """Ask about a subject, a visit, a form, a row or a cell."""
    return _out(
        actions.ask(
            request.user,
            visible.subject(request.user, code),
            given.text,
            visit=given.visit,
            repeat=given.repeat,
            form=given.form,
            row=given.row,
            item=given.item,
        ),
        QueryReader(request.user),
    )


@router.post("/queries/{number}", response={200: QueryOut, **REFUSALS})
def move(request: HttpRequest, number: Number, given: MoveIn) -> QueryOut:
    """Answer, close, cancel or re-open a query."""
    one = visible.query(request.user, number)
    moved = actions.move(request.user, one, given.state, given.text)
    return _out(moved, QueryReader(request.user))


def _out(query: Question, reader: QueryReader) -> QueryOut:
    return QueryOut(
        number=query.pk,
        subject=query.subject.code,
        visit=query.visit,
        repeat=query.repeat,
        form=query.form,
        row=query.row,
        item=query.item,
        check_id=query.check_id,
        text=reader.words(query),
        state=query.state,
        opened_by=query.opened_by.username if query.opened_by else "",
        opened_at=utc(query.opened_at),
        changed_at=utc(query.changed_at),
        days=days_since(query.changed_at, query.subject.site),
    )


def _entry(entry: QueryEntry) -> EntryOut:
    return EntryOut(
        state=entry.state,
        text=entry.text,
        by=entry.user.username if entry.user else "",
        at=utc(entry.at),
    )
