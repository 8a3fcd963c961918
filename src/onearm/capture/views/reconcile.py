"""Comparisons of serious events with the safety database: the list, one of them, its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture.actions.reconcile import FATES, Columns, reconcile
from onearm.capture.actions.take_lists import take_reconciliation
from onearm.capture.models import Reconciliation
from onearm.capture.sending import as_csv
from onearm.capture.views import acting
from onearm.capture.words import say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
def reconciliations(request: HttpRequest) -> HttpResponse:
    """Every comparison that was made, newest first; posting a file makes another."""
    _require_reader(request)
    if request.method == "POST":
        upload = request.FILES.get("file")
        content = upload.read() if upload else b""
        given = request.POST
        names = ("subject", "term", "onset", "serious")
        columns = Columns(*(given.get(name, "").strip() for name in names))
        made: list[int] = []

        def do() -> None:
            made.append(reconcile(request.user, upload.name if upload else "", content, columns).pk)

        if acting.act(request, do, say("reconcile.done")):
            return redirect("reconciliation", made[0])
        return redirect("reconciliations")
    found = Reconciliation.objects.select_related("user")
    context = {
        "rows": [(one, _counts(one)) for one in found],
        "fates": FATES,
        "may_compare": acting.can(request.user, "sae.reconcile", None),
        "columns": [("subject", True), ("term", True), ("onset", True), ("serious", False)],
    }
    return render(request, "capture/reconciliations.html", context)


@login_required
def reconciliation(request: HttpRequest, pk: int) -> HttpResponse:
    """One comparison, what does not agree first."""
    _require_reader(request)
    one = get_object_or_404(Reconciliation.objects.select_related("user"), pk=pk)
    context = {
        "one": one,
        "counts": list(zip(FATES, _counts(one), strict=True)),
    }
    return render(request, "capture/reconciliation.html", context)


@login_required
def as_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The comparison as CSV (UTF-8 with mark); the trail keeps who took it."""
    _require_reader(request)
    one = get_object_or_404(Reconciliation, pk=pk)
    return as_csv(take_reconciliation(request.user, one), f"reconciliation_{pk}.csv")


def _require_reader(request: HttpRequest) -> None:
    """Comparisons hold every site's events: for those who follow the safety of all."""
    if not acting.can(request.user, "safety.view", None):
        raise Http404


def _counts(one: Reconciliation) -> list[int]:
    fates = [line["fate"] for line in one.lines]
    return [fates.count(fate) for fate in FATES]
