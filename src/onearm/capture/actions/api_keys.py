"""Keys with which programs act as a person: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, trail
from onearm.capture.models import ApiKey
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import User

LONGEST = timedelta(days=365)
LONGEST_NAME = 80


def make_key(user: User, name: str, ends: date) -> tuple[ApiKey, str]:
    """A key for oneself, and its text, which is shown this once.

    Raises ``OnearmError`` for an empty or long name and an end that is past or over a year away.
    """
    today = clock.now().date()
    if not name.strip():
        raise OnearmError(say("keys.no_name"))
    if len(name.strip()) > LONGEST_NAME:
        raise OnearmError(say("error.long_name").format(most=LONGEST_NAME))
    if not today < ends <= today + LONGEST:
        days = {"first": today + timedelta(days=1), "last": today + LONGEST}
        raise OnearmError(say("keys.no_end").format(**days))
    text = secrets.token_urlsafe(32)
    with transaction.atomic():
        made = ApiKey.objects.create(
            user=user, name=name.strip(), digest=_digest(text), made_at=clock.now(), ends=ends
        )
        trail.record(
            "accounts", "key.make", user=user, target=made.name, details={"ends": str(ends)}
        )
    return made, text


def revoke(user: User, key: ApiKey) -> None:
    """End a key of one's own at once; raises ``OnearmError`` for another person's.

    One that was ended before keeps the time at which it was.
    """
    if key.user_id != user.pk:
        raise OnearmError(say("keys.not_yours"))
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key.pk)
        if key.revoked_at is not None:
            return
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        trail.record("accounts", "key.revoke", user=user, target=key.name)


def user_of(text: str) -> User | None:
    """Whose key this is; None where it is unknown, ended or revoked, or the account is.

    An account that has to do something first (change its password) gets no further by its key. The
    person's roles are read along: a request asks for them several times.
    """
    today = clock.now().date()
    key = (
        ApiKey.objects.filter(digest=_digest(text), revoked_at=None, ends__gt=today)
        .select_related("user")
        .prefetch_related("user__grants")
        .first()
    )
    if key is None or not key.user.is_active or key.user.must_change_password:
        return None
    return key.user


def _digest(text: str) -> str:
    """The keys are long and drawn by chance: one plain hash is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
