"""A version before data are entered: its forms as the site sees them, and its checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_POST

from onearm.capture import checkspec, clock, overview, visible, words, zones
from onearm.capture.actions.amend import looked_at, record_look
from onearm.capture.actions.take_lists import take_checks
from onearm.capture.models import Site, SiteVersion, Subject
from onearm.capture.sending import as_csv
from onearm.capture.studies import study_of
from onearm.capture.surroundings import Around, Place
from onearm.capture.views import acting
from onearm.capture.views.entry_cell import Cells, sheet_words
from onearm.capture.views.entry_live import cells_now
from onearm.capture.views.entry_posted import CHANGE_REASONS, REMOVE_REASONS, read
from onearm.capture.views.entry_sheet import sheet
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from onearm.capture.checkspec import CaseLine
    from onearm.capture.models import StudyVersion
    from onearm.study import Study
    from onearm.study.forms import Form, Item
    from onearm.study.schedule import Visit

LOOKS = ("en", "zh", "both")


@dataclass(frozen=True, slots=True)
class FormRow:
    """A form with the visits at which it is filled in, in the order of the schedule."""

    form: Form
    label: str
    at: tuple[bool, ...]
    items: int
    checks: int


@dataclass(frozen=True, slots=True)
class Words:
    """An item with its texts in both languages side by side."""

    item: Item
    answers: tuple[tuple[str, str, str], ...]
    lacks: bool


@login_required
def study_now(request: HttpRequest) -> HttpResponse:
    """To the forms of the newest version that a site works with."""
    released = SiteVersion.objects.filter(begins__lte=clock.now().date()).select_related("version")
    newest = released.defer("version__files").order_by("-version__number").first()
    if newest is None:
        raise Http404
    return redirect("study_preview", newest.version.number)


@login_required
def study_preview(request: HttpRequest, number: int) -> HttpResponse:
    """The schedule as a matrix of forms and visits, who has looked at the version, and the act."""
    version, study = _version(request, number)
    if request.method == "POST":
        acting.act(request, lambda: record_look(request.user, version), say("preview.recorded"))
        return redirect("study_preview", number)
    visits = study.schedule.visits if study.schedule else ()
    rows = [
        FormRow(
            form,
            said(form.label),
            tuple(name in visit.forms for visit in visits),
            len(form.items),
            len(form.checks) + sum(len(item.checks) for item in form.items),
        )
        for name, form in _in_order(study)
    ]
    context = {
        "version": version,
        "study": study,
        "visits": [(visit, overview_label(visit)) for visit in visits],
        "rows": rows,
        "looks": looked_at(version),
        "is_released": SiteVersion.objects.filter(version=version).exists(),
        "may_record": any(
            acting.can(request.user, right, None) for right in visible.BEFORE_RELEASE
        ),
    }
    return render(request, "capture/study_preview.html", context)


@login_required
def form_preview(request: HttpRequest, number: int, form_id: str) -> HttpResponse:
    """One form as the entry page shows it, in either language, with its checks; nothing is kept."""
    version, study = _version(request, number)
    place = _place(study, form_id, request.GET.get("visit", ""))
    look = request.GET.get("look", "")
    look = look if look in LOOKS else "zh" if words.language() == "zh" else "en"
    visits = [v for v in _visits(study) if form_id in v.forms]
    spoken = {"en": "en", "zh": "zh-hans"}.get(look, translation.get_language())
    with translation.override(spoken):
        context = {
            "version": version,
            "place": place,
            "form": place.form,
            "title": said(place.form.label),
            "look": look,
            "looks": LOOKS,
            "visits": [(visit.id, overview_label(visit)) for visit in visits],
            "others": [(name, said(form.label)) for name, form in _in_order(study)],
            "lines": list(checkspec.of_form(study, place.form)),
            **_as_entered(place),
        }
        if look == "both":
            context["texts"] = list(_texts(study, place.form))
        return render(request, "capture/form_preview.html", context)


@login_required
@require_POST
def preview_live(request: HttpRequest, number: int, form_id: str) -> HttpResponse:
    """Skip logic, calculations and flags as the form is tried out; nothing is kept."""
    _, study = _version(request, number)
    place = _place(study, form_id, request.GET.get("visit", ""))
    try:
        posted = read(place, request.POST, zones.today(place.subject.site))
    except ValueError as problem:
        raise Http404 from problem
    cells = cells_now(_nothing_around(place), posted)
    return render(request, "capture/form_live.html", {"cells": cells, "place": place})


@login_required
def check_spec(request: HttpRequest, number: int) -> HttpResponse:
    """Every check of a version with what changed since the version before."""
    version, study = _version(request, number)
    lines = checkspec.lines(version, study)
    cases = list(checkspec.case_lines(study))
    only = request.GET.get("only", "")
    shown = [
        line
        for line in lines
        if (only != "edit" or line.id not in checkspec.STANDING)
        and (only != "changed" or line.change not in ("", "same"))
    ]
    context = {
        "version": version,
        "lines": shown,
        "only": only,
        "has_before": version.number > 1,
        "tested": _tested(cases, sum(line.id not in checkspec.STANDING for line in lines)),
        "wrong": [case for case in cases if not case.is_right],
    }
    return render(request, "capture/check_spec.html", context)


@login_required
def check_file(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """The specification (``checks``) or the cases as they came out now (``cases``), as CSV."""
    version, study = _version(request, number)
    if what not in checkspec.TABLES:
        raise Http404
    headings, rows = checkspec.TABLES[what](version, study)
    lines = take_checks(request.user, number, what, headings, rows)
    return as_csv(lines, f"{what}_version_{number}.csv")


def overview_label(visit: Visit) -> str:
    """A visit's words; a repeating one without a number."""
    return said(visit.label).replace("{n}", "n") if visit.repeat else overview.label(visit, 1)


def _version(request: HttpRequest, number: int) -> tuple[StudyVersion, Study]:
    """A version that the reader may see; 404 for any other."""
    version = visible.version(request.user, number)
    return version, study_of(version)


def _place(study: Study, form_id: str, visit: str) -> Place:
    """The form at a visit that holds it, of a subject who does not exist."""
    if form_id not in study.forms:
        raise Http404
    holding = [v.id for v in _visits(study) if form_id in v.forms]
    if visit and visit not in holding:
        raise Http404
    nobody = Subject(site=Site(code="", zone="UTC"), code="")
    return Place(study, nobody, visit or next(iter(holding), ""), 1, study.forms[form_id])


def _visits(study: Study) -> tuple[Visit, ...]:
    return study.schedule.visits if study.schedule else ()


def _in_order(study: Study) -> list[tuple[str, Form]]:
    """The forms as a subject meets them in the schedule; those of no visit come last."""
    met = dict.fromkeys(name for visit in _visits(study) for name in visit.forms)
    return [(n, study.forms[n]) for n in {**met, **dict.fromkeys(study.forms)} if n in study.forms]


def _nothing_around(place: Place) -> Around:
    return Around(place, (), None, ())


def _as_entered(place: Place) -> dict[str, object]:
    """What the templates of the entry page need, as for a form that nobody has saved."""
    around = _nothing_around(place)
    shared = sheet_words(place.form)
    return {
        "sheet": sheet(around, around.data, version=0),
        "may_enter": True,
        "change_reasons": [(r, say(f"change.{r}")) for r in CHANGE_REASONS],
        "remove_reasons": [(r, say(f"remove.{r}")) for r in REMOVE_REASONS],
        "today": zones.today(place.subject.site).isoformat(),
        "template": "capture/form_rows.html" if place.form.rows else "capture/form_sheet.html",
        "w": shared,
        "cells": Cells(shared, may_enter=True, has_units=not place.form.rows),
    }


def _texts(study: Study, form: Form) -> Iterator[Words]:
    for item in form.items:
        choices = study.choices(item) if item.type in ("code", "multiple") else ()
        own = choices if len(choices) <= 30 else ()
        answers = tuple((c.code, c.label.en, c.label.zh) for c in own)
        lacks = not item.label.zh or any(not zh for _, _, zh in answers)
        yield Words(item, answers, lacks or bool(item.help and not item.help.zh))


def _tested(cases: list[CaseLine], checks: int) -> str:
    """How the cases came out, in a sentence."""
    wrong = sum(not case.is_right for case in cases)
    key = "spec.some_wrong" if wrong else "spec.all_right" if cases else "spec.no_cases"
    return say(key).format(n=len(cases), checks=checks, wrong=wrong)
