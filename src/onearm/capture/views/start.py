"""First start: the page that makes the administrator, once, and what to do after it."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from onearm.capture import clock, permissions, words
from onearm.capture.actions import sites as site_actions
from onearm.capture.actions.first_account import NotMade, make_first
from onearm.capture.models import AuditEvent, Grant, Site, StudyVersion, Subject, User
from onearm.capture.serving import TOKEN
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

BACKUP_WITHIN = timedelta(hours=48)
"""How old the newest encrypted backup may be before the first steps ask for one again."""


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
    problems: tuple[str, ...] = ()
    if request.method == "POST":
        passwords = (request.POST.get(name, "") for name in ("password", "again"))
        try:
            make_first(given["username"], given["name"], *passwords)
        except NotMade as problem:
            problems = problem.reasons
        else:
            kept.unlink(missing_ok=True)
            messages.success(request, words.say("start.done"))
            return redirect(f"{reverse('account_login')}?next={reverse('next_steps')}")
    return render(request, "capture/start.html", {**given, "token": token, "problems": problems})


@login_required
def next_steps(request: HttpRequest) -> HttpResponse:
    """What is left to do before the first subject: sites, released version, accounts, training."""
    today = clock.now().date()
    permissions.actor(request.user, "account.manage", None, today)
    roles = {g.role for g in Grant.objects.filter(user__is_active=True).exclude(ends__lte=today)}
    released = Site.objects.filter(versions__begins__lte=today).distinct()
    steps = [
        ("sites", Site.objects.exists(), "sites"),
        ("release", bool(released) and released.count() == Site.objects.count(), "sites"),
        ("builder", "study_builder" in roles, "people"),
        ("manager", "data_manager" in roles, "people"),
        ("investigator", "investigator" in roles, "people"),
        ("coordinator", "coordinator" in roles, "people"),
        ("training", _all_trained(), "people"),
        ("factor", is_mfa_enabled(request.user), "mfa_index"),
        ("mail", bool(request.user.email), "account_email"),
        ("backup", _is_backed_up(), ""),
    ]
    context = {"steps": steps, "has_subjects": Subject.objects.exists()}
    return render(request, "capture/next_steps.html", context)


def _is_backed_up() -> bool:
    """Whether an encrypted backup was made within two days."""
    since = clock.now() - BACKUP_WITHIN
    made = AuditEvent.objects.filter(action="backup.make", at__gte=since)
    return any(act.details.get("encrypted") for act in made)


def _all_trained() -> bool:
    waiting = Grant.objects.filter(
        role__in=permissions.NEEDS_TRAINING, user__is_active=True, user__trained_on=None
    )
    return not waiting.exists() and Grant.objects.exclude(role="administrator").exists()


@login_required
def sites(request: HttpRequest) -> HttpResponse:
    """The sites with the versions they work with; adding one, releasing a version to one."""
    today = clock.now().date()
    may_add = permissions.can(request.user, "site.manage", None, today)
    may_release = permissions.can(request.user, "study.release", None, today)
    if not (may_add or may_release):
        raise permissions.refusal("site.manage", "study.release")
    if request.method == "POST":
        try:
            _change_sites(request)
        except OnearmError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, words.say("people.done"))
        return redirect("sites")
    context = {
        "sites": Site.objects.prefetch_related("versions__version"),
        "versions": StudyVersion.objects.order_by("-number"),
        "may_add": may_add,
        "may_release": may_release,
        "may_cap": permissions.can(request.user, "accrual.cap", None, today),
        "cap_sites": Site.objects.all(),
        "today": today,
    }
    return render(request, "capture/sites.html", context)


def _change_sites(request: HttpRequest) -> None:
    given = request.POST
    if given.get("act") == "add":
        site_actions.make(
            request.user, given.get("code", ""), given.get("name", ""), given.get("zone", "")
        )
        return
    site = get_object_or_404(Site, code=given.get("site", ""))
    number = given.get("version", "")
    version = get_object_or_404(StudyVersion, number=int(number) if number.isdigit() else 0)
    try:
        begins = date.fromisoformat(given.get("from", ""))
    except ValueError:
        raise site_actions.SiteProblem(words.say("sites.no_day")) from None
    site_actions.release(request.user, site, version, begins, given.get("reason", ""))
