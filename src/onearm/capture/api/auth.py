"""Who asks: a program by a person's key, or a page by its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import translation
from ninja.security import HttpBearer, SessionAuth

from onearm.capture import permissions, words
from onearm.capture.actions.api_keys import user_of
from onearm.capture.duties import first_duty

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.capture.models import User


class Key(HttpBearer):
    """A key that a person made; it acts as that person."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The person of the key; None for a key that is unknown, ended or revoked.

        Raises `permissions.NotAllowed` where the person has to do something on a page first: a key
        gets no further than the person would. Answers are in the person's language.
        """
        user = user_of(token)
        if user is None:
            return None
        request.user = user
        translation.activate(user.language)
        _require_no_duty(user)
        return user


class Session(SessionAuth):
    """The session of a page; writing needs the CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """The person signed in; raises what `Key` raises."""
        if not request.user.is_authenticated:
            return None
        _require_no_duty(request.user)
        return request.user


def _require_no_duty(user: User) -> None:
    duty = first_duty(user)
    if duty:
        raise permissions.NotAllowed(words.say(f"duty.{duty}"))
