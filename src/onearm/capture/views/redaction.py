"""Asking that personal data be blackened, and deciding on what others asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import clock, identity, permissions, places, visible, words
from onearm.capture.actions import redaction as actions
from onearm.capture.document import KEY
from onearm.capture.models import FormVersion
from onearm.capture.studies import study_of
from onearm.capture.views.month import visible_subjects
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
def redactions(request: HttpRequest) -> HttpResponse:
    """What was asked for at the reader's sites; approve or refuse what others asked."""
    if request.method == "POST":
        one = get_object_or_404(
            visible.redactions(request.user), pk=_number(request.POST.get("redaction", ""))
        )
        try:
            if request.POST.get("act") == "approve":
                left = actions.quoted_in(actions.approve(request.user, one))
                if left:
                    text = words.say("redaction.left").format(places=", ".join(left))
                    messages.warning(request, text)
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
    context = {
        "redactions": [(one, actions.quoted_in(one)) for one in visible.redactions(request.user)],
        "may_approve": may_approve,
    }
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
    study = study_of(version.study_version)
    hidden = identity.hidden_in(request.user, study, version.instance)
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
    return render(request, "capture/redaction_ask.html", _asked(version, cells))


def _asked(version: FormVersion, cells: list[tuple[str, str]]) -> dict[str, object]:
    """The save in words: its place, and each cell's name, words and value."""
    instance, study = version.instance, study_of(version.study_version)
    has_rows = instance.form in study.forms and bool(study.forms[instance.form].rows)
    named = []
    for name, value in cells:
        row, _, item = name.partition(".")
        label = places.item_said(study, instance.form, item)
        if has_rows:
            label = f"{words.say('history.row')} {row}{places.BETWEEN}{label}"
        named.append((name, label, value))
    place = places.form_at(study, instance.event, instance.form)
    return {"version": version, "place": place, "cells": named}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
