"""Accounts, roles, the review of access, and what a person must accept before work."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from onearm.capture import access, clock, permissions, trail_words, words
from onearm.capture.actions import accounts, digest, take_lists
from onearm.capture.models import AuditEvent, Grant, Site, User
from onearm.capture.sending import as_csv
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Every account, with its roles of today."""
    _require(request, "account.manage")
    today = clock.now().date()
    standing: dict[int, list[access.Authorised]] = {}
    for row in access.authorised(today):
        standing.setdefault(row.grant.user_id, []).append(row)
    users = [(user, standing.get(user.pk, [])) for user in User.objects.order_by("username")]
    return render(request, "capture/people.html", {"people": users})


@never_cache
@login_required
def new_person(request: HttpRequest) -> HttpResponse:
    """Make an account; the first password is shown once, on the answer to this request."""
    _require(request, "account.manage")
    given = {name: request.POST.get(name, "") for name in ("username", "first", "last", "email")}
    given["language"] = request.POST.get("language", "en")
    context: dict[str, object] = {"given": given, "languages": settings.LANGUAGES}
    if request.method == "POST":
        asked = accounts.Asked(
            given["username"], given["first"], given["last"], given["email"], given["language"]
        )
        try:
            user, password = accounts.make(request.user, asked)
        except accounts.AccountProblem as problem:
            context["problem"] = str(problem)
        else:
            shown = {"person": user, "password": password}
            return render(request, "capture/first_password.html", shown)
    return render(request, "capture/person_new.html", context)


@login_required
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: roles, training, lock, second factor, and what was done with it."""
    _require(request, "account.manage")
    user = get_object_or_404(User, pk=pk)
    today = clock.now().date()
    grants = [
        (grant, grant.begins > today, grant.ends is None or grant.ends > today)
        for grant in user.grants.select_related("site")
    ]
    context = {
        "person": user,
        "grants": grants,
        "roles": permissions.roles(),
        "sites": Site.objects.all(),
        "today": today,
        "locked": access.is_locked(user),
        "factor": Authenticator.objects.filter(user=user).exists(),
        "acts": [
            (act, trail_words.action_said(act.action), trail_words.details_said(act))
            for act in AuditEvent.objects.filter(stream="accounts", target=user.username)
            .select_related("user")
            .order_by("-number")[:30]
        ],
    }
    return render(request, "capture/person.html", context)


@never_cache
@require_POST
@login_required
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Carry one act out on an account, then show the account again."""
    _require(request, "account.manage")
    user = get_object_or_404(User, pk=pk)
    try:
        password = _carry_out(request, user, what)
    except OnearmError as problem:
        messages.error(request, str(problem))
        return redirect("person", pk=pk)
    if password:
        return render(
            request, "capture/first_password.html", {"person": user, "password": password}
        )
    messages.success(request, words.say("people.done"))
    return redirect("person", pk=pk)


def _carry_out(request: HttpRequest, user: User, what: str) -> str:
    """The act by its name; returns a password where a new one has to be shown."""
    given, by = request.POST, request.user
    reason = given.get("reason", "")
    if what == "give":
        site = Site.objects.filter(code=given.get("site", "")).first()
        begins = _day(given.get("from", "")) or clock.now().date()
        role, ends = given.get("role", ""), _day(given.get("to", ""))
        accounts.give(by, user, role, site=site, begins=begins, ends=ends)
    elif what == "end-role":
        grant = get_object_or_404(Grant, pk=_number(given.get("grant", "")), user=user)
        accounts.end_role(by, grant, reason)
    elif what == "train":
        day = _day(given.get("on", "")) or clock.now().date()
        accounts.record_training(by, user, day, given.get("what", "").strip())
    elif what == "identity":
        day = _day(given.get("on", "")) or clock.now().date()
        accounts.record_identity(by, user, day, given.get("how", ""))
    elif what == "unlock":
        accounts.unlock(by, user, reason)
    elif what == "factor":
        accounts.remove_second_factor(by, user, reason)
    elif what == "end":
        accounts.end(by, user, reason)
    elif what == "password":
        return accounts.renew_password(by, user, reason)
    else:
        raise accounts.AccountProblem(words.say("error.no_act").format(act=what))
    return ""


@login_required
def authorised(request: HttpRequest) -> HttpResponse:
    """Who could do what on a day, as a page or (``?format=csv``) as a file."""
    permissions.actor(request.user, "access.log", None, clock.now().date())
    try:
        day = _day(request.GET.get("day", "")) or clock.now().date()
    except OnearmError as problem:
        messages.error(request, str(problem))
        day = clock.now().date()
    rows = access.authorised(day)
    if request.GET.get("format") != "csv":
        may_review = permissions.can(request.user, "access.review", None, clock.now().date())
        context = {
            "rows": rows,
            "day": day,
            "may_review": may_review and day == clock.now().date(),
            "reviews": access.reviews()[:5],
        }
        return render(request, "capture/authorised.html", context)
    return as_csv(take_lists.take_access(request.user, day), f"access-{day}.csv")


@require_POST
@login_required
def review(request: HttpRequest) -> HttpResponse:
    """Store the review of access: what was ticked stays, the rest is ended."""
    _require(request, "access.review")
    confirmed = [int(pk) for pk in request.POST.getlist("grant") if pk.isdigit()]
    try:
        accounts.review(request.user, confirmed, request.POST.get("remark", "").strip())
    except OnearmError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, words.say("access.reviewed"))
    return redirect("authorised")


@login_required
def accept(request: HttpRequest) -> HttpResponse:
    """The investigator takes the electronic signature as equal to the handwritten one."""
    text = words.say("signature.equal")
    if request.method == "POST" and request.POST.get("accept") == "yes":
        accounts.accept_equivalence(request.user, text)
        return redirect("month")
    return render(request, "capture/accept.html", {"text": text})


@login_required
def my_account(request: HttpRequest) -> HttpResponse:
    """What the person may do, the pages for password, second factor and mail, and the digest."""
    if request.method == "POST":
        digest.choose(request.user, wants=request.POST.get("digest") == "yes")
        key = "digest.asked" if request.user.wants_digest else "digest.ended"
        messages.success(request, words.say(key))
        return redirect("my_account")
    today = clock.now().date()
    mine = [row for row in access.authorised(today) if row.grant.user_id == request.user.pk]
    context = {"grants": [row.grant for row in mine], "waiting": any(r.waits for r in mine)}
    return render(request, "capture/my_account.html", context)


def _require(request: HttpRequest, capability: str) -> None:
    permissions.actor(request.user, capability, None, clock.now().date())


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise accounts.AccountProblem(words.say("error.day").format(text=text)) from None


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
