"""Who could do what where on a day: read from the grants, which are ended and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from axes.handlers.proxy import AxesProxyHandler
from django.db.models import Q
from django.http import HttpRequest

from onearm.capture import permissions
from onearm.capture.models import AuditEvent, Grant

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.models import User


@dataclass(frozen=True, slots=True)
class Authorised:
    """One role of one person that stood on the day asked for.

    waits: the role needs training that was not recorded by then, so that it gave nothing.
    """

    grant: Grant
    waits: bool

    @property
    def in_words(self) -> str:
        """User name, role and site, as the review keeps them."""
        site = self.grant.site
        return f"{self.grant.user.username}: {self.grant.role} at {site.code if site else 'all'}"


def authorised(day: date) -> list[Authorised]:
    """Every role that stood on a day, by user name, role and site."""
    grants = Grant.objects.filter(begins__lte=day).filter(Q(ends=None) | Q(ends__gt=day))
    found = grants.select_related("user", "site", "given_by").order_by(
        "user__username", "role", "site__code"
    )
    return [Authorised(grant, _waits(grant, day)) for grant in found]


def reviews() -> QuerySet[AuditEvent]:
    """The reviews of who has access, newest first."""
    found = AuditEvent.objects.filter(stream="accounts", action="access.review")
    return found.select_related("user").order_by("-number")


def is_locked(user: User) -> bool:
    """Whether log-in is refused after too many failures."""
    # The lock is by name; the request, which says from where, plays no part.
    return not AxesProxyHandler.is_allowed(HttpRequest(), {"username": user.username})


def _waits(grant: Grant, day: date) -> bool:
    trained = grant.user.trained_on
    return grant.role in permissions.NEEDS_TRAINING and (trained is None or trained > day)
