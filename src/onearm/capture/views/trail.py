"""The trail: searched on a page, taken along as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import StreamingHttpResponse
from django.shortcuts import render

from onearm.capture import clock, permissions, trail
from onearm.capture.trail_reading import COLUMNS, Wanted, lines

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import User
    from onearm.capture.permissions import Actor

MOST = 300
"""Lines on the page; the file has all."""


@login_required
def search(request: HttpRequest) -> HttpResponse:
    """The newest lines that fit and that the reader may see."""
    _reader(request)
    wanted = _wanted(request)
    today = clock.now().date()
    found = list(lines(request.user, wanted, today, most=MOST))
    context = {
        "lines": found,
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
    actor = _reader(request)
    wanted = _wanted(request)
    trail.record(
        "access",
        "trail.export",
        actor=actor,
        details={
            "from": str(wanted.begins or ""),
            "to": str(wanted.ends or ""),
            "user": wanted.user,
            "text": wanted.text,
            "kind": wanted.kind,
        },
    )
    response = StreamingHttpResponse(
        _rows(request.user, wanted), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="trail.csv"'
    return response


class _Echo:
    """What the csv module writes to: it gives each line back."""

    def write(self, text: str) -> str:
        return text


def _rows(user: User, wanted: Wanted) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for line in lines(user, wanted, clock.now().date()):
        yield writer.writerow(trail.plain_cell(cell) for cell in line.cells)


def _reader(request: HttpRequest) -> Actor:
    """The person in the role that reads the trail, of a site or of accounts."""
    today = clock.now().date()
    if permissions.can(request.user, "trail.view", None, today):
        return permissions.actor(request.user, "trail.view", None, today)
    return permissions.actor(request.user, "access.log", None, today)


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
