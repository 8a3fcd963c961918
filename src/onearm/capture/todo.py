"""What waits for a person: the rules behind the first page, and their counts for the digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import clock, overview, permissions, zones
from onearm.capture.models import Query, SeriousEvent, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from django.db.models import QuerySet

    from onearm.capture.models import Site, User
    from onearm.capture.month import Planned
    from onearm.capture.overview import Overview

TO_DO = {"due", "in window", "overdue"}
"""Statuses of visits that somebody has to do."""

KINDS = ("visits", "missing", "queries", "sign", "reports")
"""What is counted, in the order of the page; the words are ``month.*`` in words.csv."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of each kind waits for a person at one site."""

    site: Site
    counts: tuple[tuple[str, int], ...]

    @property
    def is_nothing(self) -> bool:
        """Whether nothing waits."""
        return not any(count for _, count in self.counts)


def waiting(user: User, sites: Iterable[Site]) -> list[Waiting]:
    """What the first page would show the person, counted, one row a site."""
    return [_at(user, site) for site in sites]


def views_of(subjects: QuerySet[Subject]) -> list[Overview]:
    """The subjects that have something to do: all but those who failed screening."""
    found = overview.overviews(subjects)
    return [view for view in found if view.subject.stage != Subject.Stage.FAILED]


def visits(view: Overview) -> Iterator[Planned]:
    """The visits of a subject that are due, in their window or overdue."""
    return (row for row in view.planned if row.status in TO_DO)


def unsigned(user: User, view: Overview) -> Iterator[tuple[str, int, str]]:
    """The complete forms that the person has to sign: visit, repeat, form."""
    site = view.subject.site
    if permissions.can(user, "sign", site, zones.today(site)):
        yield from view.unsigned()


def queries(user: User, subjects: QuerySet[Subject], today: date) -> QuerySet[Query]:
    """Open queries for who answers, answered ones for who closes; open ones for who only reads."""
    states = [Query.State.OPEN] if permissions.can(user, "query.answer", None, today) else []
    if permissions.can(user, "query.close", None, today):
        states.append(Query.State.ANSWERED)
    return Query.objects.filter(subject__in=subjects, state__in=states or [Query.State.OPEN])


def reports(user: User, subjects: QuerySet[Subject]) -> list[SeriousEvent]:
    """Serious events whose first report the person owes."""
    owed = SeriousEvent.objects.filter(
        instance__event__subject__in=subjects, withdrawn_at=None, reports=None
    ).select_related("instance__event__subject__site")
    return [event for event in owed if _reports(user, event.instance.event.subject.site)]


def _reports(user: User, site: Site) -> bool:
    return permissions.can(user, "sae.report", site, zones.today(site))


def _at(user: User, site: Site) -> Waiting:
    mine = Subject.objects.filter(site=site)
    views = views_of(mine)
    counts = {
        "visits": sum(1 for view in views for _ in visits(view)),
        "missing": sum(1 for view in views for _ in view.missing()),
        "queries": queries(user, mine, clock.now().date()).count(),
        "sign": sum(1 for view in views for _ in unsigned(user, view)),
        "reports": len(reports(user, mine)),
    }
    return Waiting(site, tuple((kind, counts[kind]) for kind in KINDS))
