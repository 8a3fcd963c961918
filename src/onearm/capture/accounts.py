"""Personal accounts: nobody signs up, an administrator makes them; sign-ins go to the trail."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import email_added, email_changed, password_changed, password_reset
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from axes.signals import user_locked_out
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.dispatch import receiver
from django.utils import translation

from onearm.capture import access, clock, trail, words
from onearm.capture.models import Grant, User

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator
    from django.http import HttpRequest

STREAM = "accounts"
LOG = logging.getLogger(__name__)


class Adapter(DefaultAccountAdapter):
    """No sign-up from the page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts are made by an administrator."""
        return False


class LongEnough(MinimumLengthValidator):
    """The framework's rule in our words: its own sentence has no Chinese."""

    def get_error_message(self) -> str:
        """What is wrong and what to do."""
        return words.say("password.short").format(n=self.min_length)

    def get_help_text(self) -> str:
        """What is asked for."""
        return words.say("password.help").format(n=self.min_length)


def name_tried(request: HttpRequest | None, credentials: Mapping[str, str] | None) -> str:
    """The user name under which failures are counted: as log-in finds it, whatever its case.

    Empty where a request names nobody.
    """
    given = dict(credentials or {}) or (request.POST if request is not None else {})
    name = given.get("username") or given.get("login") or ""
    return str(name).strip().lower()


class _Locked:
    """A code is not even looked at while the account is locked.

    The library's own limit of wrong codes is switched off with that of wrong passwords (it hides
    the lock), so wrong codes are counted as failed log-ins.
    """

    user: User

    def clean_code(self) -> str:
        """The code, checked; refused without a look where the account is locked."""
        if access.is_locked(self.user):
            raise ValidationError(words.say("locked.code"))
        return super().clean_code()  # type: ignore[misc]  # of the form it is mixed into


class CodeForm(_Locked, AuthenticateForm):
    """The second factor at log-in."""


class CodeAgainForm(_Locked, ReauthenticateForm):
    """The second factor asked for again."""


@receiver(user_logged_in)
def _logged_in(sender: object, user: User, **rest: object) -> None:
    trail.record(STREAM, "login", user=user, target=user.username)


@receiver(user_logged_out)
def _logged_out(sender: object, user: User | None, **rest: object) -> None:
    if user is not None:
        trail.record(STREAM, "logout", user=user, target=user.username)


@receiver(user_login_failed)
def _failed(sender: object, credentials: dict[str, str], **rest: object) -> None:
    trail.record(STREAM, "login.failed", target=name_tried(None, credentials)[:150])


@receiver(user_locked_out)
def _locked(sender: object, username: str | None = None, **rest: object) -> None:
    name = str(username or "")[:150]
    trail.record(STREAM, "login.locked", target=name)
    owner = User.objects.filter(username__iexact=name).first()
    mails = {} if owner is None else {owner: "locked.mail"}
    for administrator in _administrators():
        mails.setdefault(administrator, "locked.mail_admin")
    sent = [_told(user, key, name) for user, key in mails.items() if user.email]
    details = {"sent": sum(sent), "failed": len(sent) - sum(sent)}
    trail.record(STREAM, "security.mail", target=name, details=details)


def _administrators() -> list[User]:
    today = clock.now().date()
    grants = Grant.objects.filter(role="administrator", begins__lte=today, user__is_active=True)
    return [grant.user for grant in grants.exclude(ends__lte=today).select_related("user")]


def _told(user: User, key: str, name: str) -> bool:
    """One security mail, in the language of who gets it; whether it went out."""
    with translation.override(user.language):
        heading, text = words.say("locked.title"), words.say(key).format(name=name)
    try:
        send_mail(heading, text, None, [user.email])
    except OSError:  # SMTP errors are among them; the lock itself stands
        LOG.exception("a security mail to account %s was not sent", user.pk)
        return False
    return True


@receiver(password_changed)
@receiver(password_reset)
def _password_changed(sender: object, user: User, **rest: object) -> None:
    User.objects.filter(pk=user.pk).update(must_change_password=False)
    user.must_change_password = False
    trail.record(STREAM, "password.change", user=user, target=user.username)


@receiver(email_added)
@receiver(email_changed)
def _email(sender: object, user: User, **rest: object) -> None:
    trail.record(STREAM, "email.change", user=user, target=user.username)


@receiver(authenticator_added)
@receiver(authenticator_reset)
def _factor_set(sender: object, user: User, authenticator: Authenticator, **rest: object) -> None:
    kind = {"kind": str(authenticator.type)}
    trail.record(STREAM, "factor.set", user=user, target=user.username, details=kind)


@receiver(authenticator_removed)
def _factor_removed(
    sender: object, user: User, authenticator: Authenticator, **rest: object
) -> None:
    kind = {"kind": str(authenticator.type)}
    trail.record(STREAM, "factor.remove", user=user, target=user.username, details=kind)


@receiver(authentication_failed)
def _wrong_code(sender: object, request: HttpRequest, user: User, **rest: object) -> None:
    user_login_failed.send(
        sender=__name__, request=request, credentials={"username": user.username}
    )
