"""Incidents and changes: written down, decided on, and taken away as a file."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from onearm.capture import clock, journal, permissions, trail, words
from onearm.capture.actions import journal as acts
from onearm.capture.models import Site
from onearm.capture.views.acting import act, can

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
def journal_page(request: HttpRequest) -> HttpResponse:
    """What happened and what changed, newest first; the forms of those who may write."""
    today = clock.now().date()
    permissions.actor(request.user, "journal.view", None, today)
    if request.method == "POST":
        act(request, lambda: _carry_out(request), words.say("journal.done"))
        return redirect("journal")
    context = {
        "incidents": journal.cases(request.user, today, action=journal.INCIDENT),
        "changes": journal.cases(request.user, today, action=journal.CHANGE),
        "sites": permissions.sites_of(request.user, "incident.note", today),
        "may_all": _is_for_all(request),
        "may_note": can(request.user, "incident.note", None),
        "may_close": can(request.user, "incident.close", None),
        "may_propose": can(request.user, "change.propose", None),
        "may_approve": can(request.user, "change.approve", None),
        "today": today,
        "now": clock.now().strftime("%Y-%m-%dT%H:%M"),
    }
    return render(request, "capture/journal.html", context)


@login_required
@require_GET
def journal_file(request: HttpRequest) -> HttpResponse:
    """The journal as a CSV file, one row an act."""
    today = clock.now().date()
    actor = permissions.actor(request.user, "journal.view", None, today)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="journal_{today}.csv"'
    lines = csv.writer(response)
    lines.writerow(journal.COLUMNS)
    found = journal.cases(request.user, today)
    lines.writerows([trail.plain_cell(cell) for cell in row] for row in journal.rows(found))
    trail.record("exports", "journal.export", actor=actor, details={"cases": len(found)})
    return response


def _carry_out(request: HttpRequest) -> None:
    given, user = request.POST, request.user
    what = given.get("act", "")
    if what == "incident":
        code = given.get("site", "")
        site = Site.objects.filter(code=code).first()
        if site is None and (code or not _is_for_all(request)):
            raise acts.JournalProblem(words.say("journal.site"))
        ended = given.get("ended", "").strip()
        incident = acts.Incident(
            given.get("what", ""),
            given.get("effect", ""),
            _moment(given.get("began", "")),
            _moment(ended) if ended else None,
            paper=given.get("paper") == "1",
        )
        acts.note_incident(user, incident, site)
    elif what == "close":
        acts.close_incident(
            user,
            _number(given.get("case", "")),
            ended=_moment(given.get("ended", "")),
            cause=given.get("cause", ""),
            prevention=given.get("prevention", ""),
        )
    elif what == "propose":
        fields = (given.get(name, "") for name in journal.CHANGE_FIELDS)
        acts.propose(user, acts.Change(*fields))
    elif what in ("approve", "refuse"):
        case, reason = _number(given.get("case", "")), given.get("reason", "")
        acts.decide(user, case, approve=what == "approve", reason=reason)
    else:
        case, evidence = _number(given.get("case", "")), given.get("evidence", "")
        acts.went_live(user, case, _moment(given.get("on", "")).date(), evidence)


def _is_for_all(request: HttpRequest) -> bool:
    reach = permissions.table()["incident.note"]
    standing = permissions.grants(request.user, clock.now().date())
    return any(reach.get(grant.role) == "all" for grant in standing)


def _moment(text: str) -> datetime:
    """A day or a minute, in UTC."""
    try:
        if len(text.strip()) == 10:
            return datetime.combine(date.fromisoformat(text.strip()), datetime.min.time(), UTC)
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError:
        raise acts.JournalProblem(words.say("journal.moment").format(text=text)) from None


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else 0
