"""Normal ranges of laboratories: the list, adding, ending, files, and results of another time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from onearm.capture import clock, permissions, words
from onearm.capture.actions.ranges import add_range, end_range
from onearm.capture.actions.ranges import template as empty_file
from onearm.capture.actions.take_file import RANGES, keep, load_ranges
from onearm.capture.export.layout import newest_study
from onearm.capture.models import LabRange, TakenFile
from onearm.capture.range_rules import COLUMNS, Span, gaps, lacking, who
from onearm.capture.ranges import asked_analytes
from onearm.capture.ranges_since import stale_results
from onearm.capture.views.acting import act, can
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from onearm.study import Study

SHOWN = 500
FATES = ("new", "changed", "same", "refused")


@dataclass(frozen=True, slots=True)
class Listed:
    """One range as the list shows it; ``state`` is ``now``, ``later`` or ``past``."""

    span: Span
    label: str
    who: str
    state: str


@login_required
def ranges(request: HttpRequest) -> HttpResponse:
    """The ranges by laboratory and analyte, with what they leave open; adding one."""
    _require_reader(request)
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in COLUMNS}
        replaces = request.POST.get("replaces") == "1"
        done = words.say("ranges.added")
        if act(request, lambda: add_range(request.user, given, replaces=replaces), done):
            return redirect("ranges")
        return _list_page(request, given, status=409)
    return _list_page(request, {})


@login_required
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a range on a day."""
    get_object_or_404(LabRange, pk=pk)

    def do() -> None:
        try:
            day = date.fromisoformat(request.POST.get("day", ""))
        except ValueError as problem:
            text = words.say("ranges.bad_day").format(value=request.POST.get("day", ""))
            raise OnearmError(text) from problem
        end_range(request.user, pk, day, request.POST.get("reason", ""))

    act(request, do, words.say("ranges.ended"))
    return redirect("ranges")


@login_required
def results(request: HttpRequest) -> HttpResponse:
    """Stored results that would be compared with another range today, at the reader's sites."""
    _require_reader(request)
    sites = permissions.sites_of(request.user, "form.view", clock.now().date())
    found = list(stale_results(sites))
    flagged = request.GET.get("flag") == "1"
    shown = [one for one in found if one.changes_flag or not flagged]
    context = {
        "results": shown[:SHOWN],
        "count": len(found),
        "changing": sum(one.changes_flag for one in found),
        "more": max(0, len(shown) - SHOWN),
        "flagged": flagged,
    }
    return render(request, "capture/ranges_results.html", context)


@login_required
def template(request: HttpRequest) -> HttpResponse:
    """A file to fill in: the study's analytes in their units."""
    _require_reader(request)
    # A byte-order mark: spreadsheets then read UTF-8, and so do we.
    answer = HttpResponse("\ufeff" + empty_file(_study()), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="laboratory_ranges.csv"'
    return answer


@login_required
@require_POST
def hand_in(request: HttpRequest) -> HttpResponse:
    """Keep a file of ranges and show what it would do."""
    upload = request.FILES.get("file")
    if upload is None:
        _require_editor(request)
        messages.error(request, words.say("exchange.no_file"))
        return redirect("ranges")
    kept: list[TakenFile] = []

    def do() -> None:
        kept.append(keep(request.user, upload.name, RANGES, upload.read()))

    if act(request, do, words.say("exchange.kept")):
        return redirect("ranges_file", pk=kept[0].pk)
    return redirect("ranges")


@login_required
def file_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file of ranges would do, line by line, and loading it."""
    _require_editor(request)
    file = get_object_or_404(TakenFile, pk=pk, kind=RANGES)
    is_load = request.method == "POST" and request.POST.get("act") == "load"
    replaces = request.POST.get("replaces") == "1"
    context: dict[str, object] = {"file": file, "is_dry": not is_load, "replaces": replaces}
    try:
        account = load_ranges(request.user, file, replaces=replaces, is_dry=not is_load)
        context["account"] = account
        context["counts"] = [(fate, account.count(fate)) for fate in FATES]
        if is_load:
            messages.success(request, words.say("exchange.loaded"))
    except permissions.NotAllowed:
        raise
    except OnearmError as problem:
        messages.error(request, str(problem))
    return render(request, "capture/ranges_file.html", context)


def _list_page(request: HttpRequest, given: dict[str, str], status: int = 200) -> HttpResponse:
    study = _study()
    everything = [Span.of(one) for one in LabRange.objects.order_by("pk")]
    laboratory, analyte = request.GET.get("laboratory", ""), request.GET.get("analyte", "")
    past = request.GET.get("past") == "1"
    chosen = [
        one
        for one in _listed(study, everything, clock.now().date())
        if (not laboratory or one.span.laboratory == laboratory)
        and (not analyte or one.span.analyte == analyte)
        and (past or one.state != "past")
    ]
    asked = asked_analytes(study)
    context = {
        "ranges": chosen,
        "count": len(everything),
        "laboratories": sorted({span.laboratory for span in everything}),
        "analytes": [(test, words.said(items[0].label)) for test, items in asked.items()],
        "laboratory": laboratory,
        "analyte": analyte,
        "past": past,
        "gaps": list(gaps(everything)),
        "lacking": [
            (
                words.say("ranges.lacking").format(laboratory=name, n=len(labels)),
                words.say("grade.and").join(labels),
            )
            for name, labels in lacking(study, everything)
        ],
        "may_edit": can(request.user, "ranges.edit", None),
        "units": sorted({item.unit for items in asked.values() for item in items if item.unit}),
        "given": given,
    }
    return render(request, "capture/ranges.html", context, status=status)


def _listed(study: Study, spans: Iterable[Span], today: date) -> list[Listed]:
    asked = asked_analytes(study)
    order = {test: at for at, test in enumerate(asked)}
    ordered = sorted(
        spans,
        key=lambda s: (s.series[0], order.get(s.analyte, len(order)), s.sex, s.age_from, s.begins),
    )
    return [
        Listed(
            span,
            words.said(asked[span.analyte][0].label) if span.analyte in asked else span.analyte,
            who(span.sex, span.age_from, span.age_to),
            "later"
            if span.begins > today
            else "past"
            if span.ends and span.ends <= today
            else "now",
        )
        for span in ordered
    ]


def _study() -> Study:
    study = newest_study()
    if study is None:
        raise Http404
    return study


def _require_reader(request: HttpRequest) -> None:
    if not (can(request.user, "form.view", None) or can(request.user, "ranges.edit", None)):
        raise PermissionDenied


def _require_editor(request: HttpRequest) -> None:
    if not can(request.user, "ranges.edit", None):
        raise PermissionDenied
