"""The trail: searched on a page, taken along as a file."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from onearm.capture import clock, permissions, trail_words
from onearm.capture.actions import take_lists
from onearm.capture.sending import as_long_csv
from onearm.capture.trail_reading import Wanted, lines, reader

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

MOST = 300
"""Lines on the page; the file has all."""


@login_required
def search(request: HttpRequest) -> HttpResponse:
    """The newest lines that fit and that the reader may see."""
    reader(request.user, clock.now().date())
    wanted = _wanted(request)
    today = clock.now().date()
    found = list(lines(request.user, wanted, today, most=MOST))
    context = {
        "lines": trail_words.worded(found),
        "wanted": wanted,
        "is_cut": len(found) == MOST,
        "query": request.GET.urlencode(),
        "may_ask": permissions.can(request.user, "redaction.request", None, today),
        "may_review": permissions.can(request.user, "review.aids", None, today),
        "may_access": permissions.can(request.user, "access.log", None, today),
    }
    return render(request, "capture/trail.html", context)


@login_required
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every line that fits, as CSV (UTF-8 with a mark); the export itself goes to the trail."""
    rows = take_lists.take_trail(request.user, _wanted(request))
    return as_long_csv(rows, "trail.csv")


def _wanted(request: HttpRequest) -> Wanted:
    given = request.GET
    return Wanted(
        begins=_day(given.get("from", "")),
        ends=_day(given.get("to", "")),
        user=given.get("user", "").strip(),
        text=given.get("text", "").strip()[:80],
        kind=given.get("kind", ""),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
