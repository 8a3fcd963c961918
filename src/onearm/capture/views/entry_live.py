"""While a form is being typed: what it asks, calculates and implies now; and keeping the draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from onearm.capture import identity, zones
from onearm.capture.actions import drafts
from onearm.capture.document import row_keys
from onearm.capture.options import shown
from onearm.capture.ranges import ranges_of
from onearm.capture.surroundings import asked, look_around
from onearm.capture.views.entry_place import find_place, form_place, may
from onearm.capture.views.entry_posted import read
from onearm.capture.views.entry_sheet import split
from onearm.capture.views.lesions import panel

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Now:
    """What a cell looks like now; texts are None where the page keeps what it has."""

    name: str
    is_asked: bool | None = None
    is_cleared: bool = False
    text: str | None = None
    flag: str = ""
    range: str = ""


@login_required
@require_POST
def live(request: HttpRequest, code: str, visit: str, repeat: int, form_id: str) -> HttpResponse:
    """Skip logic, calculations, flags and the lesion panel as things stand; saves nothing."""
    place = find_place(request, code, visit, repeat, form_id)
    posted = read(place, request.POST, zones.today(place.subject.site))
    around = look_around(place)
    data = posted.on(around.data)
    keys = sorted({*row_keys(data), *(cell.row for cell in posted.cells)} or {1})
    follow = asked(around, data, keys)
    rows = {row["_key"]: row for row in data["rows"]}
    found: dict[str, Now] = {}
    today = zones.today(place.subject.site)
    hidden = identity.hidden_from(request.user, place.study, form_id, place.subject.site, today)
    for item in place.form.items:
        for key in keys:
            where = (key, item.name)
            name = f"{key}.{item.name}"
            is_filled = any(split(rows.get(key, {}).get(item.name)))
            if item.shown_when:
                is_hidden = where in follow.hidden and is_filled
                found[name] = Now(name, where in follow.asked or is_filled, is_hidden)
            if item.calculated and item.name not in hidden:
                text = shown(place.study, form_id, item, follow.calculated.get(where, ""))
                found[name] = Now(name, text=text)
    for (row, name), known in ranges_of(around, posted.cells).items():
        value, _ = split(rows.get(row, {}).get(name))
        found[f"{row}.{name}"] = Now(f"{row}.{name}", flag=known.flag(value), range=str(known))
    context = {"cells": found.values(), "panel": panel(around, data), "place": place}
    return render(request, "capture/form_live.html", context)


@login_required
@require_POST
def draft(request: HttpRequest, code: str, visit: str, repeat: int, form_id: str) -> HttpResponse:
    """Keep what is typed (204), or throw the draft away and open the form as it was saved."""
    place = find_place(request, code, visit, repeat, form_id)
    if not may(request, "form.enter", place):
        raise PermissionDenied
    if request.POST.get("discard") == "1":
        drafts.discard(request.user, form_place(place))
        return redirect("form", code, visit, repeat, form_id)
    version = request.POST.get("version", "0")
    drafts.keep(
        request.user,
        form_place(place),
        request.POST.dict(),
        int(version) if version.isdigit() else 0,
    )
    return HttpResponse(status=204)
