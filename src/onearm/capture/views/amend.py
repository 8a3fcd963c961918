"""Amendments: versions, taking in another, and moving forms to one after a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import clock, words
from onearm.capture.actions.amend import looked_at, take_in_zip
from onearm.capture.actions.migrate import Moved, migrate
from onearm.capture.models import FormInstance, SiteVersion, StudyVersion
from onearm.capture.studies import sites_under, study_of
from onearm.capture.views.acting import act, can
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import Site

MAP = "map."


@login_required
def amendments(request: HttpRequest) -> HttpResponse:
    """Every version, where it is released, how many forms stand under it; another by zip file."""
    if not can(request.user, "study.view", None):
        raise PermissionDenied
    if request.method == "POST":
        upload = request.FILES.get("file")
        content = upload.read() if upload else b""
        act(
            request,
            lambda: take_in_zip(request.user, content, reworded=request.POST.get("reworded", "")),
            words.say("amend.taken_in"),
        )
        return redirect("amendments")
    rows = [
        {
            "version": version,
            "title": study_of(version).title,
            "sites": SiteVersion.objects.filter(version=version).select_related("site"),
            "forms": FormInstance.objects.filter(study_version=version).count(),
            "looks": looked_at(version),
        }
        for version in StudyVersion.objects.select_related("loaded_by").order_by("-number")
    ]
    context = {
        "rows": rows,
        "may_load": can(request.user, "study.load", None),
        "may_release": can(request.user, "study.release", None),
        "may_migrate": can(request.user, "study.migrate", None),
    }
    return render(request, "capture/amendments.html", context)


@login_required
def amendment(request: HttpRequest, number: int) -> HttpResponse:
    """What moving the forms of the chosen sites to a version does; and doing it."""
    if not can(request.user, "study.migrate", None):
        raise PermissionDenied
    version = get_object_or_404(StudyVersion, number=number)
    today = clock.now().date()
    sites = sites_under(version, today)
    chosen = _chosen(request, sites)
    maps = _maps(request)
    moved: Moved | None = None
    try:
        is_run = request.POST.get("act") == "run"
        if chosen:
            moved = migrate(request.user, version, chosen, maps=maps, is_dry=not is_run)
        if moved is not None and is_run:
            messages.success(request, f"{words.say('amend.moved')} {moved.forms}")
    except OnearmError as problem:
        messages.error(request, str(problem))
        moved = migrate(request.user, version, chosen, maps=maps) if chosen else None
    context = {"version": version, "sites": sites, "chosen": chosen, "moved": moved}
    if moved is not None:
        context["changed"] = [line for line in moved.lines if line.kind != "unchanged"]
        context["same"] = sum(line.kind == "unchanged" for line in moved.lines)
        context["maps"] = [
            (f"{MAP}{form}.{item}", form, item, old, new)
            for (form, item), pairs in maps.items()
            for old, new in pairs.items()
        ]
    return render(request, "capture/amendment.html", context)


def _chosen(request: HttpRequest, sites: list[Site]) -> list[Site]:
    codes = request.POST.getlist("site") if request.method == "POST" else []
    return [site for site in sites if site.code in codes] if codes else sites


def _maps(request: HttpRequest) -> dict[tuple[str, str], dict[str, str]]:
    """Fields ``map.FORM.ITEM`` pair by pair with the old values in ``old.FORM.ITEM``."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in request.POST:
        parts = name.split(".")
        if name.startswith(MAP) and len(parts) == 3:
            olds = request.POST.getlist(f"old.{parts[1]}.{parts[2]}")
            news = request.POST.getlist(name)
            pairs = {o: n.strip() for o, n in zip(olds, news, strict=False) if n.strip()}
            if pairs:
                found[parts[1], parts[2]] = pairs
    return found
