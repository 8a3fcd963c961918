"""Acts around accounts: made, trained, given roles, unlocked, reviewed, ended; never deleted."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from onearm.capture import access, clock, permissions, trail
from onearm.capture.models import Grant, User
from onearm.capture.words import kept, say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import AuditEvent, Site
    from onearm.capture.permissions import Actor

STREAM = "accounts"


class AccountProblem(OnearmError):
    """An account or a role cannot be made or changed so; nothing was written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A new account: the name to sign in with, the person's own name, mail and language."""

    username: str
    first_name: str
    last_name: str
    email: str = ""
    language: str = "en"


@transaction.atomic
def make(by: User, asked: Asked) -> tuple[User, str]:
    """Make an account; returns it with the password for the first log-in, shown only now.

    Raises `AccountProblem` for a user name that was ever given (upper and lower case are one).
    """
    actor = _actor(by)
    if User.objects.filter(username__iexact=asked.username.strip()).exists():
        raise AccountProblem(say("account.given").format(name=asked.username.strip()))
    user = User(
        username=asked.username.strip(),
        first_name=asked.first_name.strip(),
        last_name=asked.last_name.strip(),
        email=asked.email.strip(),
        language=asked.language,
        must_change_password=True,
    )
    if not user.get_full_name():
        raise AccountProblem(say("account.no_name"))
    password = _new_password(user)
    try:
        user.full_clean()
    except ValidationError as problem:
        raise AccountProblem("; ".join(problem.messages)) from problem
    user.save()
    _record(actor, "account.make", user, {"name": user.get_full_name()})
    return user, password


@transaction.atomic
def end(by: User, user: User, reason: str) -> None:
    """End an account at once, with its roles. The last administrator's cannot be ended."""
    actor, today = _actor(by), clock.now().date()
    _need(reason)
    _keep_an_administrator(user, today)
    for grant in user.grants.all():
        if grant.ends is None or grant.ends > today:
            grant.ends = max(grant.begins, today)
            grant.save(update_fields=["ends"])
    user.is_active = False
    user.save(update_fields=["is_active"])
    _record(actor, "account.end", user, reason=reason)


@transaction.atomic
def give(
    by: User, user: User, role: str, *, site: Site | None, begins: date, ends: date | None
) -> Grant:
    """Give a role at a site (at all sites where ``site`` is None), before ``ends`` if given.

    Raises `AccountProblem` for a role beside an administrator's, for an auditor's without an end,
    and for a role by site that names no site.
    """
    actor = _actor(by)
    _require_role(role, site, begins, ends)
    if not user.is_active:
        raise AccountProblem(say("account.is_ended").format(name=user.username))
    with_it = [g for g in user.grants.all() if _overlap(g, begins, ends)]
    for other in with_it:
        if (role in permissions.ADMINISTRATION) != (other.role in permissions.ADMINISTRATION):
            named = {"name": user.username, "role": say(f"role.{other.role}")}
            raise AccountProblem(say("account.alone").format(**named))
        if other.role == role and (other.site_id is None or other.site == site):
            named = {"name": user.username, "role": say(f"role.{role}")}
            raise AccountProblem(say("account.has_role").format(**named))
    grant = Grant.objects.create(
        user=user, role=role, site=site, begins=begins, ends=ends, given_by=by
    )
    details = {"role": role, "from": str(begins), "to": str(ends) if ends else None}
    _record(actor, "role.give", user, details, site=site)
    return grant


@transaction.atomic
def end_role(by: User, grant: Grant, reason: str) -> None:
    """End a role at once; it stays in the list of who could do what on past days.

    Raises `AccountProblem` for one that has ended: its day is history and stays.
    """
    actor, today = _actor(by), clock.now().date()
    _need(reason)
    if grant.ends is not None and grant.ends <= today:
        named = {"name": grant.user.username, "role": say(f"role.{grant.role}"), "day": grant.ends}
        raise AccountProblem(say("account.role_ended").format(**named))
    if grant.role in permissions.ADMINISTRATION:
        _keep_an_administrator(grant.user, today)
    grant.ends = max(grant.begins, today)
    grant.save(update_fields=["ends"])
    _record(actor, "role.end", grant.user, {"role": grant.role}, site=grant.site, reason=reason)


@transaction.atomic
def record_training(by: User, user: User, day: date, what: str) -> None:
    """Record that a person was trained on a day; roles that need it give nothing before.

    The first training counts for access; every later one stands in the trail.
    """
    actor = _actor(by)
    if day > clock.now().date():
        raise AccountProblem(say("account.future_training").format(day=day))
    if user.trained_on is None or day < user.trained_on:
        user.trained_on = day
        user.save(update_fields=["trained_on"])
    _record(actor, "account.train", user, {"on": str(day), "what": what})


@transaction.atomic
def record_identity(by: User, user: User, day: date, how: str) -> None:
    """Record that somebody saw who the person is; nothing is signed before (21 CFR 11.100(b)).

    how: what was looked at, as a kind ("identity card"), never its number. A person does not check
    the own identity. The first day counts; every later check stands in the trail.
    """
    actor = _actor(by)
    if by.pk == user.pk:
        raise AccountProblem(say("identity.own"))
    if day > clock.now().date():
        raise AccountProblem(say("identity.future").format(day=day))
    if not how.strip():
        raise AccountProblem(say("identity.how_needed"))
    if user.identity_checked_on is None or day < user.identity_checked_on:
        user.identity_checked_on = day
        user.save(update_fields=["identity_checked_on"])
    _record(actor, "identity.check", user, {"on": str(day), "how": how.strip()})


@transaction.atomic
def renew_password(by: User, user: User, reason: str) -> str:
    """A new password for the next log-in, where the old was forgotten; ends open sessions."""
    actor = _actor(by)
    _need(reason)
    password = _new_password(user)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    _record(actor, "password.renew", user, reason=reason)
    return password


@transaction.atomic
def remove_second_factor(by: User, user: User, reason: str) -> None:
    """Take away a lost second factor; the person sets a new one up at the next log-in."""
    actor = _actor(by)
    _need(reason)
    removed, _ = Authenticator.objects.filter(user=user).delete()
    _record(actor, "factor.lost", user, {"removed": removed}, reason=reason)


@transaction.atomic
def unlock(by: User, user: User, reason: str) -> None:
    """Release an account that was locked after failed log-ins."""
    actor = _actor(by)
    _need(reason)
    AxesProxyHandler.reset_attempts(username=user.username.lower())
    _record(actor, "login.unlock", user, reason=reason)


@transaction.atomic
def review(by: User, confirmed: Iterable[int], remark: str) -> AuditEvent:
    """Store a review of who has access: which grants were confirmed; the others are ended now."""
    today = clock.now().date()
    actor = permissions.actor(by, "access.review", None, today)
    keep = set(confirmed)
    standing = access.authorised(today)
    for row in standing:
        if row.grant.pk not in keep:
            end_role(by, row.grant, kept("account.not_confirmed"))
    return trail.record(
        STREAM,
        "access.review",
        actor=actor,
        details={
            "confirmed": [row.in_words for row in standing if row.grant.pk in keep],
            "ended": [row.in_words for row in standing if row.grant.pk not in keep],
        },
        reason=remark,
    )


@transaction.atomic
def accept_equivalence(user: User, text: str) -> None:
    """Store that the person takes the electronic signature as equal to the handwritten one."""
    if user.equivalence_accepted_at is not None:
        return
    user.equivalence_accepted_at = clock.now()
    user.save(update_fields=["equivalence_accepted_at"])
    trail.record(
        STREAM, "signature.accept", user=user, target=user.username, details={"text": text}
    )


def choose_language(user: User, language: str) -> None:
    """Keep the language in which a person reads; no act of the trail."""
    if language in dict(settings.LANGUAGES) and user.language != language:
        user.language = language
        User.objects.filter(pk=user.pk).update(language=language)


def _actor(by: User) -> Actor:
    return permissions.actor(by, "account.manage", None, clock.now().date())


def _record(
    actor: Actor,
    action: str,
    user: User,
    details: Mapping[str, object] | None = None,
    *,
    site: Site | None = None,
    reason: str = "",
) -> None:
    trail.record(
        STREAM,
        action,
        actor=actor,
        target=user.username,
        details=details,
        site=site,
        reason=reason.strip(),
    )


def _new_password(user: User) -> str:
    password = secrets.token_urlsafe(15)
    user.set_password(password)
    return password


def _need(reason: str) -> None:
    if not reason.strip():
        raise AccountProblem(say("account.reason"))


def _require_role(role: str, site: Site | None, begins: date, ends: date | None) -> None:
    if role not in permissions.roles():
        raise AccountProblem(say("account.no_role").format(role=role))
    said = say(f"role.{role}")
    if ends is not None and ends <= begins:
        raise AccountProblem(say("account.ends_early").format(ends=ends, begins=begins))
    if role in permissions.TIME_LIMITED and ends is None:
        raise AccountProblem(say("account.needs_end").format(role=said))
    by_site = any(reach[role] == "site" for reach in permissions.table().values())
    if by_site and site is None:
        raise AccountProblem(say("account.needs_site").format(role=said))
    if not by_site and site is not None:
        raise AccountProblem(say("account.no_site").format(role=said))


def _overlap(grant: Grant, begins: date, ends: date | None) -> bool:
    if grant.ends is not None and grant.ends <= grant.begins:
        return False
    return (grant.ends is None or begins < grant.ends) and (ends is None or grant.begins < ends)


def _keep_an_administrator(user: User, today: date) -> None:
    others = Grant.objects.filter(
        role="administrator", begins__lte=today, user__is_active=True
    ).exclude(ends__lte=today)
    mine = others.filter(user=user).exists()
    if mine and not others.exclude(user=user).exists():
        raise AccountProblem(say("account.last").format(name=user.username))
