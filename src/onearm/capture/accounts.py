"""Personal accounts: nobody signs up, an administrator makes them; sign-ins go to the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from onearm.capture import trail

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.capture.models import User

STREAM = "accounts"


class Adapter(DefaultAccountAdapter):
    """No sign-up from the page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts are made by an administrator."""
        return False


@receiver(user_logged_in)
def _logged_in(sender: object, user: User, **rest: object) -> None:
    trail.record(STREAM, "login", user=user, target=user.username)


@receiver(user_logged_out)
def _logged_out(sender: object, user: User | None, **rest: object) -> None:
    if user is not None:
        trail.record(STREAM, "logout", user=user, target=user.username)


@receiver(user_login_failed)
def _failed(sender: object, credentials: dict[str, str], **rest: object) -> None:
    name = str(credentials.get("username", ""))[:150]
    trail.record(STREAM, "login.failed", target=name)


@receiver(user_locked_out)
def _locked(sender: object, username: str | None = None, **rest: object) -> None:
    trail.record(STREAM, "login.locked", target=str(username or "")[:150])
