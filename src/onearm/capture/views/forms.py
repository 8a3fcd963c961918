"""One form of one visit: shown and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse

from onearm.capture import clock, identity, lesions, words, zones
from onearm.capture.actions import drafts
from onearm.capture.actions.identity import note_read
from onearm.capture.actions.queries import live_queries, with_last_word
from onearm.capture.actions.save import Changes, MustConfirm, ReasonNeeded, Stale, save
from onearm.capture.models import EventInstance
from onearm.capture.states import Held
from onearm.capture.surroundings import Around, Place, look_around
from onearm.capture.views.entry_cell import Cells, sheet_words
from onearm.capture.views.entry_place import (
    find_place,
    form_place,
    may,
    next_address,
    tabs,
    visit_of,
)
from onearm.capture.views.entry_posted import CHANGE_REASONS, REMOVE_REASONS, Posted, read
from onearm.capture.views.entry_refused import after_clear, after_problems, after_stale
from onearm.capture.views.entry_sheet import Again, Sheet, sheet
from onearm.capture.views.entry_state import badges, deeds, talk_address
from onearm.capture.words import said
from onearm.errors import OnearmError, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.document import Cell, Document
    from onearm.capture.models import Attachment, Draft, Query


@login_required
def form_page(
    request: HttpRequest, code: str, visit: str, repeat: int, form_id: str
) -> HttpResponse:
    """Show a form, or save it; 404 for what the reader may not see, as for what does not exist."""
    place = find_place(request, code, visit, repeat, form_id)
    may_enter = may(request, "form.enter", place)
    if request.method == "POST":
        if not may_enter:
            raise PermissionDenied
        posted = _read(place, request.POST)
        refused = _save(request, place, posted)
        if refused is None:
            return redirect(next_address(place) if "next" in request.POST else request.path)
        around = look_around(place)
        posted, version, again = refused
        shown = sheet(
            around,
            posted.on(around.data) if again.compared else _typed_on(around, posted),
            version=version,
            queries=_queries(place),
            again=again,
            out=posted.removed,
            hidden=_hidden(request, place),
        )
        return _page(request, place, around, shown, status=again.status, posted=posted)
    around = look_around(place)
    note_read(request.user, place.form, around.now)
    shown = _shown(request, place, around, may_enter=may_enter)
    return _page(request, place, around, shown, may_enter=may_enter)


def _read(place: Place, fields: Mapping[str, str]) -> Posted:
    try:
        return read(place, fields, zones.today(place.subject.site))
    except ValueError as problem:
        raise Http404 from problem


def _save(request: HttpRequest, place: Place, posted: Posted) -> tuple[Posted, int, Again] | None:
    """None where the form was saved; else what to show again, at which version, and why."""
    reason = posted.reason or next((why for why in posted.removed.values() if why), "")
    changes = Changes(
        posted.kept,
        posted.version,
        removed=posted.removed,
        reason=reason,
        clear=posted.clear,
        anew=request.POST.get("anew") == "1",
    )
    form_id = place.form.form
    try:
        with transaction.atomic():
            event, _ = EventInstance.objects.get_or_create(
                subject=place.subject, visit=place.visit, repeat=place.repeat
            )
            saved = save(request.user, event, form_id, changes)
    except Problems as problem:
        return posted, posted.version, after_problems(place, problem)
    except Stale as problem:
        return after_stale(place, posted, problem)
    except MustConfirm as problem:
        return posted, posted.version, after_clear(place, problem.hidden)
    except ReasonNeeded:
        again = Again(problems=(words.say("form.needs_reason"),), wants_reason=True)
        return posted, posted.version, again
    except Held as problem:
        return posted, posted.version, Again(problems=(words.say("form.held"), str(problem)))
    except clock.ClockRanBack as problem:
        return posted, posted.version, Again(problems=(str(problem),), status=503)
    except OnearmError as problem:
        return posted, posted.version, Again(problems=(str(problem),))
    drafts.discard(request.user, form_place(place))
    here = [f for f in saved.findings if f.place.form == form_id]
    text = words.say("form.saved" if saved.changed else "form.nothing")
    if here and saved.changed:
        text += " " + words.say("form.asks").format(n=len(here))
    messages.success(request, text)
    return None


def _typed_on(around: Around, posted: Posted) -> Document:
    """The document with what was typed; rows marked to go stay in sight."""
    kept = {row: "" for row, why in posted.removed.items() if not why}
    return Posted(posted.cells, kept, posted.version, "", clear=False, theirs=posted.theirs).on(
        around.data
    )


def _shown(request: HttpRequest, place: Place, around: Around, *, may_enter: bool) -> Sheet:
    """The form as it stands, or as the reader's draft left it, with the lesions carried forward."""
    version = around.now.version if around.now else 0
    if may_enter and request.GET.get("draft") == "1":
        draft = drafts.find(request.user, form_place(place))
        if draft is not None:
            posted = _read(place, {**draft.fields, "version": str(draft.version)})
            data = _typed_on(around, posted)
            return sheet(
                around,
                data,
                version=draft.version,
                queries=_queries(place),
                out=posted.removed,
                hidden=_hidden(request, place),
            )
    carried: list[Cell] = []
    if may_enter and (around.now is None or request.GET.get("carry") == "1"):
        carried = carried_lesions(place, around)
    return sheet(
        around,
        around.data,
        version=version,
        queries=_queries(place),
        carried=carried,
        base=_baseline(place, around),
        may_enter=may_enter,
        hidden=_hidden(request, place),
    )


def _hidden(request: HttpRequest, place: Place) -> identity.Names:
    """The items that the reader may not read here."""
    today = clock.now().date()
    return identity.hidden_from(
        request.user, place.study, place.form.form, place.subject.site, today
    )


def _baseline(place: Place, around: Around) -> dict[tuple[str, str], str]:
    """What the lesions measured at baseline; nothing on other forms, or where there is none."""
    what = lesions.lesion_form(place.study)
    if what is None or what.form.form != place.form.form or not around.same:
        return {}
    dosed = lesions.first_dose(place.study, place.subject)
    return lesions.baseline_values(what, [i.data for i in around.same], dosed)


def carried_lesions(place: Place, around: Around) -> list[Cell]:
    """Rows for the lesions of earlier scans; none on forms that hold no lesions."""
    what = lesions.lesion_form(place.study)
    if what is None or what.form.form != place.form.form:
        return []
    return lesions.carried(what, (i.data for i in around.same), around.data)


def _queries(place: Place) -> QuerySet[Query]:
    """The form's live queries, each with the last word that a person said about it."""
    mine = live_queries(place.subject, place.form.form)
    return with_last_word(mine.filter(visit=place.visit, repeat=place.repeat))


def _draft_words(place: Place, draft: Draft | None) -> str:
    if draft is None:
        return ""
    return words.say("draft.found").format(at=zones.shown(draft.at, place.subject.site))


def _files(place: Place, around: Around) -> list[Attachment]:
    """The form's files, newest first, each with its moment in the site's zone."""
    if around.now is None:
        return []
    files = list(around.now.files.select_related("user").order_by("-at", "-pk"))
    for file in files:
        file.shown_at = zones.shown(file.at, place.subject.site)
    return files


def _page(
    request: HttpRequest,
    place: Place,
    around: Around,
    shown: Sheet,
    *,
    may_enter: bool = True,
    status: int = 200,
    posted: Posted | None = None,
) -> HttpResponse:
    visit = visit_of(place.study, place.visit)
    label = said(visit.label).replace("{n}", str(place.repeat)) if visit else place.visit
    draft = None
    if may_enter and posted is None and request.GET.get("draft") != "1":
        draft = drafts.find(request.user, form_place(place))
    what = lesions.lesion_form(place.study)
    holds_lesions = what is not None and what.form.form == place.form.form
    shared = sheet_words(place.form)
    ask = talk_address(place) if may(request, "query.open", place) else ""
    history = reverse("history", args=[around.now.pk]) + "/" if around.now else ""
    blank = reverse("paper_blank", args=[place.form.form])
    if around.now:
        blank += f"?version={around.now.study_version.number}"
    context = {
        "place": place,
        "form": place.form,
        "subject": place.subject,
        "visit_label": label,
        "title": said(place.form.label),
        "sheet": shown,
        "instance": around.now,
        "blank": blank,
        "tabs": tabs(place),
        "badges": badges(place, around.now),
        "deeds": deeds(request, place, around.now),
        "talk": ask,
        "talks": talk_address(place),
        "may_enter": may_enter,
        "change_reasons": [(r, words.say(f"change.{r}")) for r in CHANGE_REASONS],
        "remove_reasons": [(r, words.say(f"remove.{r}")) for r in REMOVE_REASONS],
        "fields": request.POST if posted else {},
        "draft": draft,
        "draft_words": _draft_words(place, draft),
        "files": _files(place, around),
        "may_attach": may(request, "file.attach", place),
        "w": shared,
        "cells": Cells(shared, may_enter, not place.form.rows, history, ask),
        "stale_words": words.say("ranges.stale").format(n=shown.stale) if shown.stale else "",
        "has_panel": holds_lesions or "OVRLRESP" in lesions.response_items(place.form),
        "may_carry": holds_lesions and around.now is not None and may_enter,
        "today": zones.today(place.subject.site).isoformat(),
        "template": "capture/form_rows.html" if place.form.rows else "capture/form_sheet.html",
    }
    return render(request, "capture/form.html", context, status=status)
