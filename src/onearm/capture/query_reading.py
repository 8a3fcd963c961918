"""Reading queries: in which state, whose turn, how old, where, and what one may do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import identity, permissions, places, wording, zones
from onearm.capture.models import Query
from onearm.capture.studies import study_of, version_at
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
        queries = queries.filter(state__in=Query.LIVE)
    elif state in State.values:
        queries = queries.filter(state=state)
    return queries.filter(state__in=TURNS[turn]) if turn in TURNS else queries


def line_of(query: Query, reader: QueryReader) -> Line:
    """A query with its place, its age in days since it last moved, and whose turn it is."""
    subject = query.subject
    turns = {State.OPEN: "site", State.ANSWERED: "asker"}
    return Line(
        query,
        reader.place(query),
        reader.words(query),
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
    if query.state in Query.LIVE and closes:
        found += [State.CLOSED, State.CANCELLED]
    return found


class QueryReader:
    """The words of queries for one reader, with a value covered where the reader may not read it.

    It asks for the study and the rights of each site once.
    """

    def __init__(self, user: User) -> None:
        self.user = user
        self.studies: dict[int, Study | None] = {}
        self.hidden: dict[tuple[int, str], identity.Names] = {}

    def words(self, query: Query) -> str:
        """What a query asks, in the reader's language where it has words in it."""
        own = query.text_zh if language() == "zh" and query.text_zh else query.text
        return self._covered(query) or own

    def place(self, query: Query) -> str:
        """Where a query stands: visit, form, row of a repeating form, item."""
        return places.query_place(query, self.studies)

    def _study(self, site: Site) -> Study | None:
        if site.pk not in self.studies:
            version = version_at(site, zones.today(site))
            self.studies[site.pk] = study_of(version) if version else None
        return self.studies[site.pk]

    def _covered(self, query: Query) -> str:
        """The words about an item that the reader may not read; empty for any other."""
        site = query.subject.site
        study = self._study(site) if query.item and query.check_id else None
        if study is None:
            return ""
        where = (site.pk, query.form)
        if where not in self.hidden:
            today = zones.today(site)
            self.hidden[where] = identity.hidden_from(self.user, study, query.form, site, today)
        return wording.covered_query(study, query) if query.item in self.hidden[where] else ""


def days_since(at: datetime, site: Site) -> int:
    """Days from the day of a moment, as the site saw it, to today."""
    return (zones.today(site) - at.astimezone(zones.zone(site)).date()).days
