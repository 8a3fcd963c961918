"""Queries of a form, a row or a cell beside it: read, asked and answered on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import wording, zones
from onearm.capture.actions.queries import ask, move, with_last_word
from onearm.capture.document import cells
from onearm.capture.identity import hidden_from
from onearm.capture.models import EventInstance, Query
from onearm.capture.query_reading import moves
from onearm.capture.views import acting
from onearm.capture.views.entry_place import find_place, may
from onearm.capture.views.entry_sheet import Note, note_of
from onearm.capture.views.entry_state import talk_address
from onearm.capture.views.month import form_url
from onearm.capture.views.queries import Said
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.surroundings import Place


@dataclass(frozen=True, slots=True)
class Talk:
    """One query with every word about it, and the states into which the reader may bring it."""

    query: Query
    text: str
    said: tuple[Said, ...]
    moves: tuple[str, ...]


@login_required
def form_queries(
    request: HttpRequest, code: str, visit: str, repeat: int, form_id: str
) -> HttpResponse:
    """The talk about one place of a form, saved or not; posting asks, answers, closes.

    ``row`` and ``item`` name the place: no item the row, row 0 the form. 404 for a place that the
    form does not have. The page asks for a fragment; without scripts it is a page of its own.
    """
    place = find_place(request, code, visit, repeat, form_id)
    given = request.POST if request.method == "POST" else request.GET
    row, item = _where(place, given.get("row", ""), given.get("item", ""))
    is_part = bool(request.headers.get("HX-Request"))
    done = False
    if request.method == "POST":
        done = _act(request, place, row, item)
        if done and not is_part:
            return redirect(form_url(code, visit, repeat, form_id))
    found = _queries(place, row, item)
    context = {
        "address": talk_address(place),
        "place": place,
        "back": form_url(code, visit, repeat, form_id),
        "title": _title(place, row, item),
        "row": row,
        "item": item,
        "talks": [_talk(request, place, query) for query in found],
        "notes": _notes(place, found) if done else [],
        "may_ask": may(request, "query.open", place),
        "is_part": is_part,
        "text": "" if done else given.get("text", ""),
    }
    name = "talk" if is_part else "talk_page"
    return render(request, f"capture/{name}.html", context)


def _where(place: Place, row: str, item: str) -> tuple[int, str]:
    """The row and item that an address names; 404 where the form has no such place."""
    names = {one.name for one in place.form.items}
    number = int(row) if row.isascii() and row.isdigit() else 0
    if (item and item not in names) or number > (99_999 if place.form.rows else 1):
        raise Http404
    if item and not number:
        raise Http404
    return (number, item) if item or place.form.rows else (0, "")


def _queries(place: Place, row: int, item: str) -> list[Query]:
    """Live queries first, then those that are settled; a form's own stand at no row and no item."""
    at = Query.objects.filter(
        subject=place.subject, visit=place.visit, repeat=place.repeat, form=place.form.form
    )
    rows = [row] if place.form.rows else [0, 1]
    known = [one.name for one in place.form.items]
    at = at.filter(row__in=rows)
    mine = at.filter(item=item) if item else at.exclude(item__in=known)
    found = list(with_last_word(mine).prefetch_related("entries__user"))
    return sorted(found, key=lambda query: (query.state not in Query.LIVE, -query.pk))


def _act(request: HttpRequest, place: Place, row: int, item: str) -> bool:
    """Ask, or bring a query of this place into another state; False where it was refused."""
    text, pk = request.POST.get("text", ""), request.POST.get("query", "")
    if not pk:
        return acting.act(
            request,
            lambda: ask(
                request.user,
                place.subject,
                text,
                visit=place.visit,
                repeat=place.repeat,
                form=place.form.form,
                row=row,
                item=item,
            ),
            say("query.asked"),
        )
    mine: QuerySet[Query] = Query.objects.filter(subject=place.subject, form=place.form.form)
    query = get_object_or_404(mine, pk=int(pk) if pk.isdecimal() else 0)
    state = request.POST.get("state", "")
    if state not in Query.State.values:
        raise Http404
    return acting.act(request, lambda: move(request.user, query, state, text), say("query.kept"))


def _talk(request: HttpRequest, place: Place, query: Query) -> Talk:
    query.subject = place.subject  # known already: its site is asked for every right
    words = tuple(
        Said(
            (e.user.get_full_name() or e.user.username) if e.user else say("query.system"),
            zones.shown(e.at, place.subject.site),
            e.state,
            e.text if e.user or not e.text else say("query.passes"),
        )
        for e in query.entries.all()
    )
    site = place.subject.site
    hidden = hidden_from(request.user, place.study, query.form, site, zones.today(site))
    text = wording.query_text(place.study, query)
    if query.item in hidden and query.check_id:
        text = wording.covered_query(place.study, query)
    return Talk(query, text, words, tuple(moves(request.user, query)))


def _notes(place: Place, found: list[Query]) -> list[Note]:
    """What the cell shows of its queries from now on, for the page to put in place."""
    event = EventInstance.objects.filter(
        subject=place.subject, visit=place.visit, repeat=place.repeat
    ).first()
    form = event.forms.filter(form=place.form.form).first() if event else None
    stands = {(c.row, c.item): c.value or c.reason for c in cells(form.data)} if form else {}
    return [note_of(place, query, stands.get((query.row, query.item))) for query in found]


def _title(place: Place, row: int, item: str) -> str:
    parts = [said(place.form.label)]
    if place.form.rows and row:
        parts.append(f"{say('history.row')} {row}")
    if item:
        parts.append(said(place.form.item(item).label))
    return " · ".join(parts)
