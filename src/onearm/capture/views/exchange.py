"""Data out and in: exports, snapshots, files to load."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from onearm.capture import clock, permissions, places, words
from onearm.capture.actions import snapshot as actions
from onearm.capture.actions.archive import archive
from onearm.capture.actions.export import Wanted, export, taken_out
from onearm.capture.actions.take_csv import Plan, guessed, guessed_units, read_lines
from onearm.capture.actions.take_entries import Row, Taken
from onearm.capture.actions.take_file import (
    KINDS,
    RANGES,
    keep,
    load_entries,
    load_lines,
    read_original,
)
from onearm.capture.export.files import FORMATS
from onearm.capture.export.layout import newest_study, sheets
from onearm.capture.models import Snapshot, TakenFile
from onearm.capture.sending import as_file, as_zip
from onearm.capture.views.acting import act, can
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import FileResponse, HttpRequest, HttpResponse

    from onearm.capture.actions.take_csv import Account

SHOWN = 200
MOST_ROWS = 500


@login_required
def exchange(request: HttpRequest) -> HttpResponse:
    """What may leave, the snapshots, and who took what out."""
    rights = _rights(request)
    if not (rights["names"] or rights["nameless"]):
        raise PermissionDenied
    context = {
        **rights,
        "formats": FORMATS,
        "forms": sheets().values(),
        "sites": permissions.sites_of(
            request.user,
            "export" if rights["names"] else "export.deidentified",
            clock.now().date(),
        ),
        "snapshots": Snapshot.objects.select_related("user").order_by("-made_at")[:SHOWN],
        "taken_out": taken_out(request.user)[:20],
    }
    return render(request, "capture/exchange.html", context)


@login_required
@require_POST
def take_out(request: HttpRequest) -> FileResponse | HttpResponse:
    """The export that the form asks for, as one zip file."""
    try:
        return as_zip(export(request.user, _wanted(request)))
    except OnearmError as problem:
        if isinstance(problem, permissions.NotAllowed):
            raise
        messages.error(request, str(problem))
        return redirect("exchange")


@login_required
@require_POST
def take_archive(request: HttpRequest) -> FileResponse | HttpResponse:
    """The whole study for the archive, as one zip file."""
    try:
        return as_zip(archive(request.user, as_of=_moment(request.POST.get("as_of", ""))))
    except OnearmError as problem:
        if isinstance(problem, permissions.NotAllowed):
            raise
        messages.error(request, str(problem))
        return redirect("exchange")


@login_required
@require_POST
def name_snapshot(request: HttpRequest) -> HttpResponse:
    """Name the data as they stand, or stood at a moment."""
    given = request.POST

    def do() -> None:
        actions.make_snapshot(
            request.user, given.get("name", ""), as_of=_moment(given.get("as_of", ""))
        )

    act(request, do, words.say("exchange.snapshot_made"))
    return redirect("exchange")


@login_required
@require_POST
def take_snapshot(request: HttpRequest, pk: int) -> FileResponse | HttpResponse:
    """A snapshot as files; its hash is compared first."""
    snapshot = get_object_or_404(Snapshot, pk=pk)
    try:
        return as_zip(actions.take_snapshot(request.user, snapshot, _wanted(request)))
    except OnearmError as problem:
        if isinstance(problem, permissions.NotAllowed):
            raise
        messages.error(request, str(problem))
        return redirect("exchange")


@login_required
def imports(request: HttpRequest) -> HttpResponse:
    """Files that were handed in, and the form that hands in another."""
    _require_import(request)
    if request.method == "POST":
        upload = request.FILES.get("file")
        if upload is None:
            messages.error(request, words.say("exchange.no_file"))
            return redirect("imports")
        kept: list[TakenFile] = []

        def do() -> None:
            kept.append(
                keep(request.user, upload.name, request.POST.get("kind", ""), upload.read())
            )

        if act(request, do, words.say("exchange.kept")):
            return redirect("taken_file", pk=kept[0].pk)
        return redirect("imports")
    files = TakenFile.objects.defer("content").select_related("user")[:SHOWN]
    return render(request, "capture/imports.html", {"files": files, "kinds": KINDS})


@login_required
def taken_file(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: which column goes where, what would happen, and loading it."""
    _require_import(request)
    file = get_object_or_404(TakenFile, pk=pk)
    if file.kind == RANGES:
        return redirect("ranges_file", pk=pk)
    is_dry = request.POST.get("act") != "load"
    context: dict[str, object] = {"file": file, "is_dry": is_dry}
    try:
        if file.kind == "csv":
            context |= _csv_context(request, file)
        if request.method == "POST" and (file.kind != "csv" or "plan" in context):
            context["account"] = _loaded(request, file, context, is_dry=is_dry)
            if not is_dry:
                messages.success(request, words.say("exchange.loaded"))
    except OnearmError as problem:
        if isinstance(problem, permissions.NotAllowed):
            raise
        messages.error(request, str(problem))
    taken = context.get("account")
    if isinstance(taken, Taken):
        context["rows"] = [(row, *_place_said(row)) for row in taken.rows[:MOST_ROWS]]
    return render(request, "capture/taken_file.html", context)


def _place_said(row: Row) -> tuple[str, str]:
    """Visit and form of a row of the account, in words."""
    study, (_, _, visit, repeat, form) = newest_study(), row.where
    if study is None:
        return visit, form
    return places.visit_said(study, visit, repeat), places.form_said(study, form)


@login_required
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it was handed in."""
    file = get_object_or_404(TakenFile, pk=pk)
    content = read_original(request.user, file)
    return as_file(content, f"file-{file.pk}.bin", "application/octet-stream")


def _csv_context(request: HttpRequest, file: TakenFile) -> dict[str, object]:
    study = newest_study()
    if study is None:
        raise Http404
    header, lines, encoding = read_lines(bytes(file.content))
    given = request.POST
    form_id = given.get("form", request.GET.get("form", ""))
    context: dict[str, object] = {
        "forms": study.forms.values(),
        "visits": study.schedule.visits if study.schedule else (),
        "header": header,
        "count": len(lines),
        "encoding": encoding,
        "chosen": form_id,
        "given": given,
    }
    form = study.forms.get(form_id)
    if form is None:
        return context
    guess = guessed(form, header)
    units = guessed_units(form, header)
    context["items"] = [
        (
            i,
            given.get(f"item.{i.name}", guess.get(i.name, "")),
            given.get(f"unit.{i.name}", units.get(i.name, "")) if i.unit else "",
            f"convert.{i.name}" in given,
        )
        for i in form.items
    ]
    context["form"] = form
    if request.method == "POST" and given.get("act"):
        keys = tuple(k for k in given.getlist("key") if k)
        chosen = {i.name: given.get(f"item.{i.name}", "") for i in form.items}
        context["plan"] = Plan(
            form=form.form,
            subject=given.get("subject", ""),
            visit=given.get("visit", ""),
            repeat=given.get("repeat", "") or "=1",
            items={item: column for item, column in chosen.items() if column},
            keys=keys,
            units={
                i.name: unit
                for i in form.items
                if chosen[i.name] and (unit := given.get(f"unit.{i.name}", ""))
            },
            convert=frozenset(i.name for i in form.items if f"convert.{i.name}" in given),
        )
    return context


def _loaded(
    request: HttpRequest, file: TakenFile, context: dict[str, object], *, is_dry: bool
) -> Account | Taken:
    plan = context.get("plan")
    if isinstance(plan, Plan):
        return load_lines(request.user, file, plan, is_dry=is_dry)
    return load_entries(request.user, file, is_dry=is_dry)


def _wanted(request: HttpRequest) -> Wanted:
    given = request.POST
    subjects = given.get("subjects", "").replace(",", " ").split()
    return Wanted(
        formats=tuple(given.getlist("format")),
        sites=tuple(given.getlist("site")),
        subjects=tuple(subjects),
        forms=tuple(given.getlist("form")),
        as_of=_moment(given.get("as_of", "")),
        only_complete=bool(given.get("only_complete")),
        with_names=bool(given.get("with_names")),
    )


def _moment(text: str) -> datetime | None:
    """A moment in UTC as the page sends it; raises ``OnearmError`` for another text."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as problem:
        raise OnearmError(words.say("exchange.no_moment")) from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {
        "names": can(request.user, "export", None),
        "nameless": can(request.user, "export.deidentified", None),
        "may_name": can(request.user, "snapshot.make", None),
        "may_import": can(request.user, "import", None),
    }


def _require_import(request: HttpRequest) -> None:
    if not can(request.user, "import", None):
        raise PermissionDenied
