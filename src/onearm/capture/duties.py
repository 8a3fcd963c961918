"""What a person must do on a page before any work: password, second factor, acknowledgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings

from onearm.capture import clock, permissions

if TYPE_CHECKING:
    from onearm.capture.models import User

NEEDS_SECOND_FACTOR = frozenset({"administrator", "data_manager"})
"""Roles that work only with a second factor (edc.md, check 25), wherever they work from."""


def first_duty(user: User) -> str:
    """The name of the page on which the person has to do something before any work; or empty."""
    if user.must_change_password:
        return "account_change_password"
    roles = {grant.role for grant in permissions.grants(user, clock.now().date())}
    needs = settings.SECOND_FACTOR_FOR_ALL or bool(roles & NEEDS_SECOND_FACTOR)
    if settings.SECOND_FACTOR and needs and not is_mfa_enabled(user):
        return "mfa_activate_totp"
    signs = {role for role, reach in permissions.table()["sign"].items() if reach}
    if roles & signs and user.equivalence_accepted_at is None:
        return "accept_signature"
    return ""
