"""Keys for programs: one's own, made and ended."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from onearm.capture import clock, words
from onearm.capture.actions.api_keys import make_key, revoke
from onearm.capture.models import ApiKey
from onearm.capture.views.acting import act
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@never_cache
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """One's keys; a new one is shown once, on the answer to this request."""
    shown: list[str] = []

    def do() -> None:
        if request.POST.get("act") == "revoke":
            revoke(request.user, get_object_or_404(ApiKey, pk=request.POST.get("key", "0")))
            return
        shown.append(make_key(request.user, request.POST.get("name", ""), _day(request))[1])

    if request.method == "POST":
        act(request, do, words.say("keys.done"))
    mine = ApiKey.objects.filter(user=request.user)
    today = clock.now().date()
    context = {"keys": mine, "shown": shown, "ends": today + timedelta(days=90), "today": today}
    return render(request, "capture/api_keys.html", context)


def _day(request: HttpRequest) -> date:
    try:
        return date.fromisoformat(request.POST.get("ends", ""))
    except ValueError as problem:
        raise OnearmError(words.say("keys.day")) from problem
