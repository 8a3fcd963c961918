"""What waits this month, and where the trial stands: the dashboards as data and as files."""

from __future__ import annotations

from datetime import date, datetime

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema

from onearm.capture import clock, visible
from onearm.capture.actions.take_lists import take_dashboard
from onearm.capture.api import places
from onearm.capture.api.shapes import REFUSALS, Chosen, Short, a_file, utc
from onearm.capture.dashboards import ALL, Dashboard, table_of
from onearm.capture.models import Subject
from onearm.capture.sending import as_csv
from onearm.capture.todo import work_of

router = Router()


class VisitToDo(Schema):
    """A visit that is due, in its window or overdue."""

    subject: str
    visit: str
    repeat: int
    status: str
    early: date | None
    late: date | None


class FormToDo(Schema):
    """A form to fill in, or to finish where it is begun."""

    subject: str
    visit: str
    repeat: int
    form: str
    is_begun: bool
    date: date | None


class QueryToDo(Schema):
    """A query that waits for the person, and for how many days."""

    number: int
    subject: str
    state: str
    text: str
    days: int


class SignToDo(Schema):
    """A visit with complete forms that nobody has signed."""

    subject: str
    target: str
    forms: int


class ReportToDo(Schema):
    """A serious event whose first report is owed."""

    number: int
    subject: str
    due_at: datetime
    is_late: bool


class MonthOut(Schema):
    """Everything that waits for the person at the sites chosen."""

    visits: list[VisitToDo]
    forms: list[FormToDo]
    queries: list[QueryToDo]
    signatures: list[SignToDo]
    reports: list[ReportToDo]


class TableOut(Schema):
    """A dashboard as rows under headings, in the person's language."""

    name: str
    headings: list[str]
    rows: list[list[str]]


@router.get("/month", response={200: MonthOut, **REFUSALS})
def month(request: HttpRequest, site: Chosen = "") -> MonthOut:
    """Visits, forms, queries, signatures and reports that wait for the person."""
    sites = [each.pk for each in places.sites(request, site)]
    work = work_of(request.user, Subject.objects.filter(site__in=sites))
    return MonthOut(
        visits=[
            VisitToDo(
                subject=row.subject,
                visit=row.planned.visit.id,
                repeat=row.planned.repeat,
                status=row.planned.status,
                early=row.planned.early,
                late=row.planned.late,
            )
            for row in work.visits
        ],
        forms=[
            FormToDo(
                subject=row.subject,
                visit=row.where[0],
                repeat=row.where[1],
                form=row.where[2],
                is_begun=row.is_begun,
                date=row.date,
            )
            for row in work.forms
        ],
        queries=[
            QueryToDo(
                number=row.query.pk,
                subject=row.query.subject.code,
                state=row.query.state,
                text=row.text,
                days=row.days,
            )
            for row in work.queries
        ],
        signatures=[
            SignToDo(subject=row.subject, target=visit.target, forms=visit.forms)
            for row in work.signs
            for visit in row.visits
        ],
        reports=[
            ReportToDo(
                number=row.event.pk,
                subject=row.subject,
                due_at=utc(row.due_at),
                is_late=row.is_late,
            )
            for row in work.reports
        ],
    )


@router.get("/dashboards", response={200: list[str], **REFUSALS})
def names(request: HttpRequest) -> list[str]:
    """The names of the dashboards."""
    if not visible.sites(request.user):
        raise Http404
    return list(ALL)


@router.get("/dashboards/{name}", response={200: TableOut, **REFUSALS})
def dashboard(request: HttpRequest, name: Short, site: Chosen = "") -> TableOut:
    """One dashboard of the sites that the person may see, or of one."""
    one = _one(name)
    sites = places.sites(request, site)
    if not sites:
        raise Http404
    table = table_of(one, sites)
    return TableOut(
        name=name,
        headings=list(table.headings),
        rows=[[cell.plain for cell in row] for row in table.rows],
    )


@router.get("/dashboards/{name}/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def dashboard_file(request: HttpRequest, name: Short, site: Chosen = "") -> HttpResponse:
    """The same as CSV; the trail keeps who took it."""
    one = _one(name)
    sites = places.sites(request, site)
    if not sites:
        raise Http404
    lines = take_dashboard(request.user, one, sites)
    return as_csv(lines, f"{name}_{clock.now():%Y-%m-%d}.csv")


def _one(name: str) -> Dashboard:
    if name not in ALL:
        raise Http404
    return ALL[name]
