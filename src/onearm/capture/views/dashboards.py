"""Dashboards: where the trial stands, by site, on the page and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render

from onearm.capture import charts, clock, dashboards, overview, permissions, trail, zones
from onearm.capture.dashboards import Cell, Table
from onearm.capture.models import Site
from onearm.capture.views import acting, safety
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.capture.overview import Overview

FORMULA = ("=", "+", "@", "\t", "\r")
"""What a spreadsheet would take for a formula at the beginning of a cell."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: how its table is made, and the right that its file needs."""

    name: str
    table: Callable[[Sequence[Site], Sequence[Overview]], Table]
    download: str = "subject.view"


def _serious(sites: Sequence[Site], views: Sequence[Overview]) -> Table:
    rows = tuple(
        (
            Cell(row.subject),
            Cell(row.term, f"/serious/{row.event.pk}"),
            Cell(row.aware),
            Cell(row.due),
            Cell(row.reported),
            Cell(str(row.reports), css="number"),
            Cell(say(f"sae.{row.state}"), css=f"sae-{row.state}"),
        )
        for row in safety.event_rows(sites)
    )
    names = ("aware", "due", "first", "reports", "state")
    headings = (say("column.subject"), say("sae.term"), *(say(f"sae.{n}") for n in names))
    return Table(headings, rows)


ALL = {
    each.name: each
    for each in (
        Dashboard("accrual", dashboards.accrual),
        Dashboard("matrix", lambda sites, views: dashboards.matrix(views)),
        Dashboard("missing", lambda sites, views: dashboards.missing(views)),
        Dashboard("queries", lambda sites, views: dashboards.ageing(sites)),
        Dashboard("verification", lambda sites, views: dashboards.compared(views)),
        Dashboard("serious", _serious, download="export"),
        Dashboard("signatures", lambda sites, views: dashboards.signatures(views)),
    )
}


@login_required
def dashboard(request: HttpRequest, name: str = "accrual") -> HttpResponse:
    """One dashboard of the sites that the reader may see."""
    one = ALL.get(name)
    sites, chosen, code = acting.chosen_sites(request)
    if one is None or not sites:
        raise Http404
    views = _views(one, chosen)
    only = request.GET.get("visit", "") if name == "matrix" else ""
    table = dashboards.matrix(views, only) if only else one.table(chosen, views)
    context = {
        "name": name,
        "names": list(ALL),
        "table": table,
        "sites": sites,
        "site": code,
        "only": only,
        "visits": _repeated(views) if name == "matrix" else [],
        "marks": [(m, s.replace(" ", "-"), say(f"status.{s}")) for s, m in dashboards.MARKS.items()]
        if name == "matrix"
        else [],
        "curve": _curve(chosen, views) if name == "accrual" else None,
        "may_download": all(acting.can(request.user, one.download, site) for site in chosen),
    }
    return render(request, "capture/dashboard.html", context)


@login_required
def download(request: HttpRequest, name: str) -> HttpResponse:
    """The same table as a file (CSV, UTF-8 with mark); the trail keeps who took it."""
    one = ALL.get(name)
    _, chosen, _ = acting.chosen_sites(request)
    if one is None or not chosen:
        raise Http404
    try:
        actors = [
            permissions.actor(request.user, one.download, site, clock.now().date())
            for site in chosen
        ]
    except permissions.NotAllowed as problem:
        raise PermissionDenied(str(problem)) from problem
    table = one.table(chosen, _views(one, chosen))
    trail.record(
        "study",
        "export",
        actor=actors[0],
        site=chosen[0] if len(chosen) == 1 else None,
        target=f"dashboard:{name}",
        details={"sites": [site.code for site in chosen], "rows": len(table.rows)},
    )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.headings)
    writer.writerows([_safe(cell.plain) for cell in row] for row in table.rows)
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}_{clock.now():%Y-%m-%d}.csv"'
    return answer


def _views(one: Dashboard, sites: Sequence[Site]) -> list[Overview]:
    """Nothing is read for the dashboards that look at no schedule."""
    if one.name in ("queries", "serious"):
        return []
    return overview.overviews(acting.subjects_of(sites))


def _repeated(views: Sequence[Overview]) -> list[tuple[str, str]]:
    schedule = views[0].study.schedule if views else None
    return [
        (visit.id, said(visit.label).replace("{n}", "…"))
        for visit in (schedule.visits if schedule else ())
        if visit.repeat is not None
    ]


def _curve(sites: Sequence[Site], views: Sequence[Overview]) -> charts.Curve | None:
    if not views:
        return None
    study = views[0].study
    plan = study.design.enrolment if study.design else None
    return charts.accrual_curve(
        dashboards.enrolled_days(sites),
        zones.today(sites[0]),
        planned=study.identity.enrolment.planned,
        per_month=plan.per_month if plan else None,
    )


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
