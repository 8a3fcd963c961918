"""What in the trail calls for a look, on a page and as files."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render

from onearm.capture import clock, permissions, review_aids, trail
from onearm.capture.review_aids import Scope
from onearm.capture.words import say

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.capture.models import Site
    from onearm.capture.permissions import Actor

LOOK_BACK = timedelta(days=92)
"""A quarter: what is looked at unless other days are named."""

SHOWN = 50
"""Rows of each list on the page; the file has all."""


@login_required
def review(request: HttpRequest) -> HttpResponse:
    """Every list with its limit and its newest rows."""
    _reader(request)
    sites, code = _sites(request)
    scope = _scope(request, sites)
    aids = []
    for aid in review_aids.ALL.values():
        table = aid.table(scope)
        newest = type(table)(table.headings, table.rows[-SHOWN:][::-1])
        aids.append((aid.name, say(f"aid.{aid.name}"), aid.limit(), newest, len(table.rows)))
    context = {
        "aids": aids,
        "scope": scope,
        "sites": _all_sites(request),
        "site": code,
        "query": request.GET.urlencode(),
    }
    return render(request, "capture/review.html", context)


@login_required
def review_file(request: HttpRequest, name: str) -> HttpResponse:
    """One list with all its rows (CSV, UTF-8 with mark); the trail keeps who took it."""
    actor = _reader(request)
    aid = review_aids.ALL.get(name)
    if aid is None:
        raise Http404
    sites, _ = _sites(request)
    scope = _scope(request, sites)
    table = aid.table(scope)
    trail.record(
        "exports",
        "export",
        actor=actor,
        site=sites[0] if len(sites) == 1 else None,
        target=f"review:{name}",
        details={"from": str(scope.begins), "to": str(scope.ends), "rows": len(table.rows)},
    )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.headings)
    writer.writerows([trail.plain_cell(cell.plain) for cell in row] for row in table.rows)
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="review_{name}.csv"'
    return answer


def _reader(request: HttpRequest) -> Actor:
    return permissions.actor(request.user, "review.aids", None, clock.now().date())


def _all_sites(request: HttpRequest) -> list[Site]:
    return list(permissions.sites_of(request.user, "review.aids", clock.now().date()))


def _sites(request: HttpRequest) -> tuple[list[Site], str]:
    """The sites looked at, and the code of the one that was chosen."""
    sites = _all_sites(request)
    code = request.GET.get("site", "")
    chosen = [site for site in sites if site.code == code]
    return (chosen, code) if chosen else (sites, "")


def _scope(request: HttpRequest, sites: list[Site]) -> Scope:
    today = clock.now().date()
    ends = _day(request.GET.get("to", "")) or today
    begins = _day(request.GET.get("from", "")) or ends - LOOK_BACK
    return Scope(tuple(sites), begins, ends)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
