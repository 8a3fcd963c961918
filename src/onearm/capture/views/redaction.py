"""Asking that personal data be blackened, and deciding on what others asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import clock, identity, permissions, words
from onearm.capture.actions import redaction as actions
from onearm.capture.document import KEY
from onearm.capture.models import FormVersion, Redaction
from onearm.capture.studies import study_of
from onearm.capture.views.month import visible_subjects
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


@login_required
def redactions(request: HttpRequest) -> HttpResponse:
    """What was asked for at the reader's sites; approve or refuse what others asked."""
    if request.method == "POST":
        one = get_object_or_404(_visible(request), pk=_number(request.POST.get("redaction", "")))
        try:
            if request.POST.get("act") == "approve":
                actions.approve(request.user, one)
            else:
                actions.refuse(request.user, one, request.POST.get("reason", ""))
        except permissions.NotAllowed:
            raise
        except OnearmError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, words.say("people.done"))
        return redirect("redactions")
    today = clock.now().date()
    may_approve = permissions.can(request.user, "redaction.approve", None, today)
    may_request = permissions.can(request.user, "redaction.request", None, today)
    if not (may_approve or may_request):
        raise permissions.NotAllowed("your roles do not allow this: redaction.request")
    asked = _visible(request).select_related(
        "instance__event__subject", "requested_by", "approved_by", "refused_by"
    )
    context = {"redactions": asked.order_by("-pk"), "may_approve": may_approve}
    return render(request, "capture/redactions.html", context)


@login_required
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the cell of one save whose value has to be blackened, and say why."""
    mine = visible_subjects(request.user, clock.now().date())
    version = get_object_or_404(
        FormVersion.objects.select_related("study_version", "instance__event__subject__site"),
        pk=pk,
        instance__event__subject__in=mine,
    )
    site = version.instance.event.subject.site
    permissions.actor(request.user, "redaction.request", site, clock.now().date())
    hidden = identity.hidden_from(
        request.user,
        study_of(version.study_version),
        version.instance.form,
        site,
        clock.now().date(),
    )
    cells = [
        (f"{row[KEY]}.{name}", identity.words() if name in hidden else value)
        for row in version.delta["rows"]
        for name, value in row.items()
        if isinstance(value, str) and not name.startswith("_") and value != actions.MARK
    ]
    if not cells:
        raise Http404
    if request.method == "POST":
        row, _, item = request.POST.get("cell", "").partition(".")
        try:
            actions.request(
                request.user, version, _number(row), item, request.POST.get("reason", "")
            )
        except OnearmError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, words.say("redaction.asked"))
            return redirect("redactions")
    return render(request, "capture/redaction_ask.html", {"version": version, "cells": cells})


def _visible(request: HttpRequest) -> QuerySet[Redaction]:
    mine = visible_subjects(request.user, clock.now().date())
    return Redaction.objects.filter(instance__event__subject__in=mine)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
