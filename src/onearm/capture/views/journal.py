"""Incidents and changes: written down, decided on, and taken away as a file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from onearm.capture import clock, journal, permissions, words
from onearm.capture.actions import journal as acts
from onearm.capture.actions.take_lists import take_journal
from onearm.capture.models import Site
from onearm.capture.sending import as_csv
from onearm.capture.views.acting import act, can

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


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
        "may_all": acts.may_note_for_all(request.user),
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
    lines = take_journal(request.user)
    return as_csv(lines, f"journal_{clock.now().date()}.csv")


def _carry_out(request: HttpRequest) -> None:
    given, user = request.POST, request.user
    what = given.get("act", "")
    if what == "incident":
        code = given.get("site", "")
        site = Site.objects.filter(code=code).first()
        if site is None and code:
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
