"""What a site has to do this month, and its subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from onearm.capture import clock, zones
from onearm.capture.todo import MOST, form_url, work_of
from onearm.capture.views import acting
from onearm.capture.visible import subjects as visible_subjects

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["form_url", "month", "subjects", "visible_subjects"]


@login_required
def month(request: HttpRequest) -> HttpResponse:
    """Visits, forms, queries, reports and signatures that wait, of the reader's sites or of one."""
    sites, chosen, code = acting.chosen_sites(request)
    work = work_of(request.user, acting.subjects_of(chosen))
    overdue = [row for row in work.visits if row.planned.status == "overdue"]
    soon = [row for row in work.visits if row.planned.status != "overdue"]
    context = {
        "today": clock.now().date() if not chosen else zones.today(chosen[0]),
        "sites": sites,
        "site": code,
        "overdue": overdue[:MOST],
        "overdue_in_all": len(overdue),
        "soon": soon[:MOST],
        "soon_in_all": len(soon),
        "forms": work.forms[:MOST],
        "forms_in_all": len(work.forms),
        "queries": work.queries,
        "signs": work.signs[:MOST],
        "signs_in_all": sum(row.forms for row in work.signs),
        "reports": work.reports,
        "may_sign": acting.can(request.user, "sign", None),
    }
    return render(request, "capture/month.html", context)


@login_required
def subjects(request: HttpRequest) -> HttpResponse:
    """The subjects of the reader's sites."""
    sites, chosen, code = acting.chosen_sites(request)
    mine = acting.subjects_of(chosen).select_related("site")
    context = {
        "subjects": mine,
        "sites": sites,
        "site": code,
        "may_screen": acting.can(request.user, "subject.screen", None),
    }
    return render(request, "capture/subjects.html", context)
