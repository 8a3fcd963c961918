"""While a form is being typed: what it asks, calculates and implies now; and keeping the draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from onearm.capture import zones
from onearm.capture.actions import drafts
from onearm.capture.document import row_keys
from onearm.capture.identity import NOTHING, hidden_from
from onearm.capture.labs import judged
from onearm.capture.options import shown
from onearm.capture.surroundings import asked, look_around
from onearm.capture.views.entry_place import find_place, form_place, may
from onearm.capture.views.entry_posted import read
from onearm.capture.views.entry_sheet import split
from onearm.capture.views.lesions import panel

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.capture.identity import Names
    from onearm.capture.labs import Judged
    from onearm.capture.surroundings import Around
    from onearm.capture.views.entry_posted import Posted


@dataclass(frozen=True, slots=True)
class Now:
    """What a cell looks like now; texts are None where the page keeps what it has."""

    name: str
    is_asked: bool | None = None
    is_cleared: bool = False
    text: str | None = None
    lab: Judged | None = None


@login_required
@require_POST
def live(request: HttpRequest, code: str, visit: str, repeat: int, form_id: str) -> HttpResponse:
    """Skip logic, calculations, laboratory results and lesions as things stand; saves nothing."""
    place = find_place(request, code, visit, repeat, form_id)
    posted = read(place, request.POST, zones.today(place.subject.site))
    around = look_around(place)
    site = place.subject.site
    hidden = hidden_from(request.user, place.study, form_id, site, zones.today(site))
    context = {
        "cells": cells_now(around, posted, hidden),
        "panel": panel(around, posted.on(around.data)),
        "place": place,
    }
    return render(request, "capture/form_live.html", context)


def cells_now(around: Around, posted: Posted, hidden: Names = NOTHING) -> list[Now]:
    """The cells that skip logic, calculations and ranges change while the form is being typed.

    hidden: items that the reader may not read.
    """
    place = around.place
    data = posted.on(around.data)
    keys = sorted({*row_keys(data), *(cell.row for cell in posted.cells)} or {1})
    follow = asked(around, data, keys)
    rows = {row["_key"]: row for row in data["rows"]}
    found: dict[str, Now] = {}
    for item in place.form.items:
        for key in keys:
            where = (key, item.name)
            name = f"{key}.{item.name}"
            is_filled = any(split(rows.get(key, {}).get(item.name)))
            if item.shown_when:
                is_hidden = where in follow.hidden and is_filled
                found[name] = Now(name, where in follow.asked or is_filled, is_hidden)
            if item.calculated and item.name not in hidden:
                text = shown(place.study, place.form.form, item, follow.calculated.get(where, ""))
                found[name] = Now(name, text=text)
    for (row, item_name), lab in judged(around, data).items():
        name = f"{row}.{item_name}"
        found[name] = replace(found.get(name, Now(name)), lab=lab)
    return list(found.values())


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
