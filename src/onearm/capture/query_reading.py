"""Reading queries: in which state, whose turn, how old, where, and what one may do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import permissions, places, zones
from onearm.capture.models import Query
from onearm.capture.words import language

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from onearm.capture.models import Site, User
    from onearm.study import Study

State = Query.State

TURNS = {"site": [State.OPEN], "asker": [State.ANSWERED]}
"""Whose turn it is, by state: the site answers, who asked looks at the answer."""


@dataclass(frozen=True, slots=True)
class Line:
    """A query as the list shows it."""

    query: Query
    place: str
    text: str
    days: int
    turn: str


def filtered(queries: QuerySet[Query], state: str, turn: str) -> QuerySet[Query]:
    """Queries in a state (``live``: open or answered) and of a turn."""
    if state == "live":
        queries = queries.filter(state__in=(State.OPEN, State.ANSWERED))
    elif state in State.values:
        queries = queries.filter(state=state)
    return queries.filter(state__in=TURNS[turn]) if turn in TURNS else queries


def line_of(query: Query, studies: dict[int, Study | None]) -> Line:
    """A query with its place, its age in days since it last moved, and whose turn it is.

    studies: by site the study that it works with; filled as sites are met.
    """
    subject = query.subject
    turns = {State.OPEN: "site", State.ANSWERED: "asker"}
    return Line(
        query,
        places.query_place(query, studies),
        query_words(query),
        days_since(query.changed_at, subject.site),
        turns.get(State(query.state), ""),
    )


def moves(user: User, query: Query) -> list[str]:
    """The states into which the reader may bring a query."""
    site, today = query.subject.site, zones.today(query.subject.site)
    own = query.opened_by_id == user.pk
    closes = permissions.can(user, "query.close" if own else "query.close_any", site, today)
    found: list[str] = []
    if query.state == State.OPEN and permissions.can(user, "query.answer", site, today):
        found.append(State.ANSWERED)
    if query.state != State.OPEN and permissions.can(user, "query.open", site, today):
        found.append(State.OPEN)
    if query.state in (State.OPEN, State.ANSWERED) and closes:
        found += [State.CLOSED, State.CANCELLED]
    return found


def query_words(query: Query) -> str:
    """What a query asks, in the reader's language where it has words in it."""
    return query.text_zh if language() == "zh" and query.text_zh else query.text


def days_since(at: datetime, site: Site) -> int:
    """Days from the day of a moment, as the site saw it, to today."""
    return (zones.today(site) - at.astimezone(zones.zone(site)).date()).days
