"""What in the trail calls for a look, on a page and as files."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render

from onearm.capture import clock, permissions, review_aids
from onearm.capture.actions.take_lists import take_review
from onearm.capture.review_aids import Scope
from onearm.capture.sending import as_csv
from onearm.capture.words import say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import Site

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
    _reader(request)
    aid = review_aids.ALL.get(name)
    if aid is None:
        raise Http404
    sites, _ = _sites(request)
    return as_csv(take_review(request.user, aid, _scope(request, sites)), f"review_{name}.csv")


def _reader(request: HttpRequest) -> None:
    permissions.actor(request.user, "review.aids", None, clock.now().date())


def _all_sites(request: HttpRequest) -> list[Site]:
    return list(permissions.sites_of(request.user, "review.aids", clock.now().date()))


def _sites(request: HttpRequest) -> tuple[list[Site], str]:
    """The sites looked at, and the code of the one that was chosen."""
    sites = _all_sites(request)
    code = request.GET.get("site", "")
    chosen = [site for site in sites if site.code == code]
    return (chosen, code) if chosen else (sites, "")


def _scope(request: HttpRequest, sites: list[Site]) -> Scope:
    begins, ends = _day(request.GET.get("from", "")), _day(request.GET.get("to", ""))
    return review_aids.scope(sites, begins, ends)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
