"""What waits to be done, by whom: visits, forms, queries, signatures and reports of subjects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.urls import reverse

from onearm.capture import clock, overview, permissions, zones
from onearm.capture.actions.sae import due_at
from onearm.capture.models import Query, SeriousEvent, Subject
from onearm.capture.query_reading import QueryReader, days_since
from onearm.capture.visible import can
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from onearm.capture.models import Site, User
    from onearm.capture.month import Planned
    from onearm.capture.overview import Overview

TO_DO = {"due", "in window", "overdue"}
FAR = date.max
MOST = 200
"""Rows shown of one kind; the rest is behind the lists."""


@dataclass(frozen=True, slots=True)
class VisitToDo:
    """A visit to do: of whom, its name, where it stands, and the address of its first form.

    late: days since its window closed; 0 before that.
    """

    subject: str
    label: str
    planned: Planned
    url: str
    late: int


@dataclass(frozen=True, slots=True)
class FormToDo:
    """A form to fill in or to finish; ``lacks`` says which of the two in words."""

    subject: str
    visit: str
    label: str
    lacks: str
    url: str
    date: date | None
    where: overview.Where
    is_begun: bool


@dataclass(frozen=True, slots=True)
class QueryToDo:
    """A query that waits for the reader."""

    query: Query
    place: str
    text: str
    days: int


@dataclass(frozen=True, slots=True)
class VisitToSign:
    """A visit with complete forms that nobody has signed, or whose signature a change has broken.

    forms: how many. begun, asked: forms that lack something and queries that are not closed; either
    keeps the visit from being signed. url: the address of its first form.
    """

    target: str
    label: str
    forms: int
    begun: int
    asked: int
    url: str

    @property
    def pk(self) -> str:
        """What a page calls the visit."""
        return self.target.partition(":")[2]

    @property
    def in_the_way(self) -> str:
        """Why the visit cannot be signed yet, in words; empty where it can."""
        counts = (("sign.begun", self.begun), ("sign.asked", self.asked))
        return " · ".join(say(key).format(n=n) for key, n in counts if n)


@dataclass(frozen=True, slots=True)
class SignToDo:
    """A subject with the visits that wait for a signature."""

    subject: str
    visits: tuple[VisitToSign, ...]

    @property
    def forms(self) -> int:
        """How many forms wait."""
        return sum(visit.forms for visit in self.visits)

    @property
    def ready(self) -> int:
        """How many visits can be signed now."""
        return sum(not visit.in_the_way for visit in self.visits)

    @property
    def url(self) -> str:
        """The address of the page that signs them."""
        return reverse("sign", args=[f"subject:{self.subject}"])


@dataclass(frozen=True, slots=True)
class ReportToDo:
    """A serious event whose first report is owed."""

    event: SeriousEvent
    subject: str
    due: str
    is_late: bool
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that waits for a person at some sites."""

    visits: list[VisitToDo]
    forms: list[FormToDo]
    queries: list[QueryToDo]
    signs: list[SignToDo]
    reports: list[ReportToDo]


def work_of(user: User, mine: QuerySet[Subject]) -> Work:
    """What waits for a person among subjects that the person may see."""
    views = [
        view for view in overview.overviews(mine) if view.subject.stage != Subject.Stage.FAILED
    ]
    visits = sorted(
        (row for view in views for row in _visits(view)),
        key=lambda row: (row.planned.late or _end(row), row.subject),
    )
    return Work(
        visits=visits,
        forms=[row for view in views for row in _forms(view)],
        queries=list(_queries(user, mine)),
        signs=_signs(user, mine, views),
        reports=_reports(user, mine),
    )


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
    return [_counted(user, site) for site in sites]


def _counted(user: User, site: Site) -> Waiting:
    mine = Subject.objects.filter(site=site)
    work = work_of(user, mine)
    counts = {
        "visits": len(work.visits),
        "missing": len(work.forms),
        "queries": queries(user, mine).count(),
        "sign": sum(row.forms for row in work.signs),
        "reports": len(work.reports),
    }
    return Waiting(site, tuple((kind, counts[kind]) for kind in KINDS))


def queries(user: User, mine: QuerySet[Subject]) -> QuerySet[Query]:
    """Open queries for who answers, answered ones for who closes; open ones for who only reads."""
    today = clock.now().date()
    states = [Query.State.OPEN] if permissions.can(user, "query.answer", None, today) else []
    if permissions.can(user, "query.close", None, today):
        states.append(Query.State.ANSWERED)
    return Query.objects.filter(subject__in=mine, state__in=states or [Query.State.OPEN])


def form_url(subject: str, visit: str, repeat: int, form: str) -> str:
    """The address of a form's page."""
    return reverse("form", args=[subject, visit, repeat, form])


def _end(row: VisitToDo) -> date:
    """Where a visit without a window stands in the list: behind those that have one."""
    return (row.planned.happened.date if row.planned.happened else None) or FAR


def _visits(view: Overview) -> Iterator[VisitToDo]:
    code, today = view.subject.code, zones.today(view.subject.site)
    for planned in view.planned:
        if planned.status in TO_DO:
            url = form_url(code, planned.visit.id, planned.repeat, planned.visit.forms[0])
            label = overview.label(planned.visit, planned.repeat)
            late = max(0, (today - planned.late).days) if planned.late else 0
            yield VisitToDo(code, label, planned, url, late)


def _forms(view: Overview) -> Iterator[FormToDo]:
    code = view.subject.code
    for row, form, at in view.missing():
        yield FormToDo(
            code,
            overview.label(row.visit, row.repeat),
            said(view.study.forms[form].label),
            say("month.unsaved" if at is None else "month.begun"),
            form_url(code, row.visit.id, row.repeat, form),
            row.happened.date if row.happened else None,
            (row.visit.id, row.repeat, form),
            at is not None,
        )


def _queries(user: User, mine: QuerySet[Subject]) -> Iterator[QueryToDo]:
    """The queries that wait for the person, oldest first."""
    found = queries(user, mine)
    reader = QueryReader(user)
    for query in found.select_related("subject__site").order_by("changed_at")[:MOST]:
        days = days_since(query.changed_at, query.subject.site)
        yield QueryToDo(query, reader.place(query), reader.words(query), days)


def _signs(user: User, mine: QuerySet[Subject], views: Iterable[Overview]) -> list[SignToDo]:
    signed = [view for view in views if can(user, "sign", view.subject.site)]
    asked = _asked(mine) if signed else Counter()
    waiting = (SignToDo(v.subject.code, tuple(_visits_to_sign(v, asked))) for v in signed)
    return [row for row in waiting if row.visits]


def visits_to_sign(subject: Subject) -> list[VisitToSign]:
    """The visits of one subject that wait for a signature, in the order of the schedule."""
    mine = Subject.objects.filter(pk=subject.pk)
    return [row for view in overview.overviews(mine) for row in _visits_to_sign(view, _asked(mine))]


def _asked(mine: QuerySet[Subject]) -> Counter[tuple[int, str, int]]:
    """How many queries are not closed, by subject, visit and repeat."""
    found = Query.objects.filter(subject__in=mine, state__in=Query.LIVE).order_by()
    return Counter(found.values_list("subject", "visit", "repeat"))


def _visits_to_sign(view: Overview, asked: Counter[tuple[int, str, int]]) -> Iterator[VisitToSign]:
    unsigned = Counter((visit, repeat) for visit, repeat, _ in view.unsigned())
    begun = Counter((v, r) for (v, r, _), at in view.forms.items() if not at.is_complete)
    order = {(row.visit.id, row.repeat): n for n, row in enumerate(view.planned)}
    for visit, repeat in sorted(unsigned, key=lambda at: (order.get(at, len(order)), at)):
        row = overview.log_row(view.study, visit, repeat)
        yield VisitToSign(
            f"event:{view.events[visit, repeat]}",
            overview.label(row.visit, repeat),
            unsigned[visit, repeat],
            begun[visit, repeat],
            asked[view.subject.pk, visit, repeat],
            form_url(view.subject.code, visit, repeat, row.visit.forms[0]),
        )


def _reports(user: User, mine: QuerySet[Subject]) -> list[ReportToDo]:
    owed = SeriousEvent.objects.filter(
        instance__event__subject__in=mine, withdrawn_at=None, reports=None
    ).select_related("instance__event__subject__site")
    now = clock.now()
    return [
        ReportToDo(event, subject.code, zones.shown(due, subject.site), due < now, due)
        for event, due in sorted(((e, due_at(e)) for e in owed), key=lambda pair: pair[1])
        if can(user, "sae.report", (subject := event.instance.event.subject).site)
    ]
