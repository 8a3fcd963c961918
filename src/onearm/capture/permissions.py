"""Who may do what where: one table, read by one function, for page, API, import and export."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from onearm.capture import words
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.models import Grant, Site, User

ADMINISTRATION = frozenset({"administrator"})
"""Roles that an account with any other role may not have (who gives rights enters no data)."""

TIME_LIMITED = frozenset({"auditor"})
"""Roles that are given only until a day."""

NEEDS_TRAINING = frozenset(
    {"coordinator", "investigator", "monitor", "data_manager", "medical_reviewer", "statistician"}
)
"""Roles that give nothing before the person's training is recorded."""


class NotAllowed(OnearmError):
    """The person's roles do not include this, or not at this site."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in the role in which an act is done; what the trail records."""

    user: User
    role: str


@cache
def table() -> dict[str, dict[str, str]]:
    """By capability and role ``site``, ``all`` or an empty text; from ``permissions.csv``."""
    text = files("onearm.capture").joinpath("permissions.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        row["capability"]: {k: v for k, v in row.items() if k not in ("capability", "means")}
        for row in rows
    }


@cache
def roles() -> tuple[str, ...]:
    """Every role, in the order of the table."""
    return tuple(next(iter(table().values())))


def grants(user: User, on: date) -> Iterable[Grant]:
    """The grants of a person that hold on a day; none for an account that was ended."""
    if not user.is_authenticated or not user.is_active:
        return []
    valid = (g for g in user.grants.all() if g.begins <= on and (g.ends is None or on < g.ends))
    return [g for g in valid if g.role not in NEEDS_TRAINING or _is_trained(user, on)]


def role_for(user: User, capability: str, site: Site | None, on: date) -> str | None:
    """The first role by which the person may do this at the site; None where there is none.

    site None asks whether the person may do it anywhere. Raises ``KeyError`` for a capability
    that the table does not have.
    """
    by_role = table()[capability]
    for grant in grants(user, on):
        reach = by_role.get(grant.role, "")
        here = site is None or grant.site_id is None or grant.site_id == site.pk
        if reach == "all" or (reach == "site" and here):
            return grant.role
    return None


def can(user: User, capability: str, site: Site | None, on: date) -> bool:
    """Whether the person may do this at the site (anywhere, where site is None) on that day."""
    return role_for(user, capability, site, on) is not None


def actor(user: User, capability: str, site: Site | None, on: date) -> Actor:
    """The person in the role that allows it; raises `NotAllowed`."""
    role = role_for(user, capability, site, on)
    if role is None:
        raise refusal(capability, site=site)
    return Actor(user, role)


def refusal(*capabilities: str, site: Site | None = None) -> NotAllowed:
    """The refusal for lack of the rights, in the reader's words, to be raised."""
    known = words.table()
    keys = {name: f"right.{name}" for name in capabilities}
    what = ", ".join(f"{say(key)} ({name})" if key in known else name for name, key in keys.items())
    if site is None:
        return NotAllowed(say("error.right").format(what=what))
    return NotAllowed(say("error.right_at").format(site=site.code, what=what))


def sites_of(user: User, capability: str, on: date) -> QuerySet[Site]:
    """The sites at which the person may do this."""
    from onearm.capture.models import Site

    by_role = table()[capability]
    codes: set[int] = set()
    for grant in grants(user, on):
        reach = by_role.get(grant.role, "")
        if reach == "all" or (reach == "site" and grant.site_id is None):
            return Site.objects.all()
        if reach == "site":
            codes.add(grant.site_id)
    return Site.objects.filter(pk__in=codes)


def _is_trained(user: User, on: date) -> bool:
    return user.trained_on is not None and user.trained_on <= on
