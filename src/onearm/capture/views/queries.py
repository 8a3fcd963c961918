"""Queries: the list, one query with all that was said, and asking a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import clock, overview, visible, zones
from onearm.capture.actions.queries import ask, move
from onearm.capture.models import Query, Subject
from onearm.capture.query_reading import TURNS, QueryReader, filtered, line_of, moves
from onearm.capture.views import acting
from onearm.capture.views.month import form_url, visible_subjects
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.study import Study

State = Query.State
AGES = (7, 14, 30, 60)
"""Days that the list can be cut at."""


@dataclass(frozen=True, slots=True)
class Said:
    """One word in the talk about a query."""

    who: str
    at: str
    state: str
    text: str


@login_required
def query_list(request: HttpRequest) -> HttpResponse:
    """The queries of the reader's sites, filtered by site, state, turn and age."""
    sites, chosen, code = acting.chosen_sites(request)
    state, turn = request.GET.get("state", "live"), request.GET.get("turn", "")
    age = request.GET.get("age", "")
    found = filtered(Query.objects.filter(subject__in=acting.subjects_of(chosen)), state, turn)
    reader = QueryReader(request.user)
    lines = [line_of(query, reader) for query in found.select_related("subject__site")]
    if age.isdecimal():
        lines = [line for line in lines if line.days >= int(age)]
    lines.sort(key=lambda line: (-line.days, line.query.subject.code, line.query.pk))
    page = Paginator(lines, 100).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "sites": sites,
        "site": code,
        "state": state,
        "turn": turn,
        "age": age,
        "ages": [str(days) for days in AGES],
        "states": ["live", *State.values, "all"],
        "turns": list(TURNS),
    }
    return render(request, "capture/queries.html", context)


@login_required
def query_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One query with every word that was said, and what the reader may do with it."""
    query = visible.query(request.user, pk)
    if request.method == "POST":
        state, text = request.POST.get("state", ""), request.POST.get("text", "")
        if state in State.values:
            acting.act(request, lambda: move(request.user, query, state, text), say("query.kept"))
        return redirect("query", pk)
    site, subject = query.subject.site, query.subject
    entries = query.entries.select_related("user")
    context = {
        "query": query,
        "line": line_of(query, QueryReader(request.user)),
        "subject": subject,
        "url": _url(query),
        "said": [
            Said(
                (e.user.get_full_name() or e.user.username) if e.user else say("query.system"),
                zones.shown(e.at, site),
                e.state,
                e.text if e.user or not e.text else say("query.passes"),
            )
            for e in entries
        ],
        "moves": moves(request.user, query),
    }
    return render(request, "capture/query.html", context)


@login_required
def ask_page(request: HttpRequest, code: str) -> HttpResponse:
    """Ask about a subject, a visit, a form or an item, saved or not."""
    today = clock.now().date()
    mine = visible_subjects(request.user, today).select_related("site")
    subject = get_object_or_404(mine, code=code)
    if not acting.can(request.user, "query.open", subject.site):
        raise Http404
    given = {**request.GET.dict(), **request.POST.dict()}
    view = next(iter(overview.overviews(Subject.objects.filter(pk=subject.pk))), None)
    if view is None:
        raise Http404
    place = given.get("place") or _place_text(given)
    visit, repeat, form = _place(view.study, place)
    items = view.study.forms[form].items if form else ()
    if request.method == "POST" and "ask" in request.POST:
        item = given.get("item", "")
        row = given.get("row", "")
        item = item if item in {i.name for i in items} else ""
        number = (int(row) if row.isdecimal() else 1) if item else 0
        made: list[int] = []

        def do() -> None:
            asked = ask(
                request.user,
                subject,
                given.get("text", ""),
                visit=visit,
                repeat=repeat,
                form=form,
                row=number,
                item=item,
            )
            made.append(asked.pk)

        if acting.act(request, do, say("query.asked")):
            return redirect("query", made[0])
    places = [
        (
            f"{row.visit.id}/{row.repeat}/{name}",
            f"{overview.label(row.visit, row.repeat)} · {label}",
        )
        for row in [*view.planned, *view.others()]
        for name in row.visit.forms
        for label in [said(view.study.forms[name].label)]
    ]
    context = {
        "subject": subject,
        "places": places,
        "place": place,
        "items": [(item.name, said(item.label)) for item in items],
        "item": given.get("item", ""),
        "row": given.get("row", ""),
        "has_rows": bool(form and view.study.forms[form].rows),
        "text": given.get("text", ""),
    }
    return render(request, "capture/ask.html", context)


def _url(query: Query) -> str:
    if not query.visit or not query.form:
        return ""
    url = form_url(query.subject.code, query.visit, query.repeat, query.form)
    return f"{url}#v.{query.row}.{query.item}" if query.item else url


def _place_text(given: dict[str, str]) -> str:
    parts = (given.get("visit", ""), given.get("repeat", "1"), given.get("form", ""))
    return "/".join(parts) if parts[0] else ""


def _place(study: Study, text: str) -> tuple[str, int, str]:
    """``CYCLE/2/VS`` as visit, repeat and form; empty where the study has no such place."""
    visit, _, rest = text.partition("/")
    repeat, _, form = rest.partition("/")
    known = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    if visit not in known or (form and form not in known[visit].forms):
        return "", 1, ""
    return visit, int(repeat) if repeat.isdecimal() and int(repeat) else 1, form
