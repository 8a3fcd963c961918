"""Dashboards: where the trial stands, by site, on the page and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render

from onearm.capture import charts, clock, dashboards, zones
from onearm.capture.actions.take_lists import take_dashboard
from onearm.capture.dashboards import ALL, views_for
from onearm.capture.sending import as_csv
from onearm.capture.views import acting
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import Site
    from onearm.capture.overview import Overview


@login_required
def dashboard(request: HttpRequest, name: str = "accrual") -> HttpResponse:
    """One dashboard of the sites that the reader may see."""
    one = ALL.get(name)
    sites, chosen, code = acting.chosen_sites(request)
    if one is None or not sites:
        raise Http404
    views = views_for(one, chosen)
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
    lines = take_dashboard(request.user, one, chosen)
    return as_csv(lines, f"{name}_{clock.now():%Y-%m-%d}.csv")


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
