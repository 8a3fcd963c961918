"""The first account: made once, while there is nobody who could give a right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from onearm.capture import clock, trail, words
from onearm.capture.models import Grant, User
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotMade(OnearmError):
    """The account cannot be made so; ``reasons`` are all there are, in the reader's language."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(self.reasons))


def make_first(username: str, name: str, password: str, again: str) -> User:
    """Make the administrator of a system without accounts, in the language of the page.

    Who asks must hold the token of the first start: that is the caller's question. Raises
    `NotMade`, also where an account exists.
    """
    if User.objects.exists():
        raise NotMade([words.say("start.gone")])
    if password != again:
        raise NotMade([words.say("start.differ")])
    user = User(
        username=username,
        first_name=name[:150],
        must_change_password=False,
        language="zh-hans" if words.language() == "zh" else "en",
    )
    user.set_password(password)
    try:
        validate_password(password, user)
        user.full_clean()
    except ValidationError as problem:
        raise NotMade(problem.messages) from problem
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
    return user
