"""First start: the page that makes the administrator, once."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from onearm.capture import clock, trail, words
from onearm.capture.models import Grant, User
from onearm.capture.serving import TOKEN

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Make the first account; 404 without the token that ``onearm serve`` printed."""
    if User.objects.exists():
        messages.info(request, words.say("start.gone"))
        return redirect("account_login")
    token = request.POST.get("token") or request.GET.get("token", "")
    kept = Path(settings.DATA) / TOKEN
    known = kept.read_text(encoding="utf-8").strip() if kept.is_file() else ""
    if not known or not secrets.compare_digest(token.encode(), known.encode()):
        raise Http404
    given = {name: request.POST.get(name, "").strip() for name in ("username", "name")}
    problems: list[str] = []
    if request.method == "POST":
        problems = _make(given, request.POST.get("password", ""), request.POST.get("again", ""))
        if not problems:
            kept.unlink(missing_ok=True)
            messages.success(request, words.say("start.done"))
            return redirect("account_login")
    return render(request, "capture/start.html", {**given, "token": token, "problems": problems})


def _make(given: dict[str, str], password: str, again: str) -> list[str]:
    if password != again:
        return [words.say("start.differ")]
    user = User(
        username=given["username"], first_name=given["name"][:150], must_change_password=False
    )
    user.set_password(password)
    try:
        validate_password(password, user)
        user.full_clean()
    except ValidationError as problem:
        return list(problem.messages)
    with transaction.atomic():
        user.save()
        Grant.objects.create(user=user, role="administrator", begins=clock.now().date())
        trail.record(
            "accounts",
            "account.make",
            user=user,
            target=user.username,
            details={"role": "administrator", "first": True},
        )
    return []
