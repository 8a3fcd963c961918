"""Incidents and changes of the system, read from the trail: what happened, who decided, since when.

Both are acts of the stream ``journal``; the number of the first act names the case, and later acts
say in ``details["case"]`` which they go on with. So a case cannot be changed, only gone on with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import permissions
from onearm.capture.models import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from onearm.capture.models import User

STREAM = "journal"
INCIDENT, CHANGE = "incident.note", "change.propose"

CHANGE_FIELDS = ("what", "requested_by", "impact", "sites")
"""What is said of a change before anybody decides on it."""

COLUMNS = ("case", "kind", "state", "site", "at_utc", "user", "role", "action", "details", "reason")


@dataclass(frozen=True, slots=True)
class Case:
    """One incident or change: its first act, and what followed in order of time."""

    first: AuditEvent
    later: tuple[AuditEvent, ...]

    @property
    def number(self) -> int:
        """By which people speak of it."""
        return self.first.number

    @property
    def state(self) -> str:
        """``open`` or ``closed`` for an incident; ``proposed``, ``approved``, ``refused`` or
        ``live`` for a change."""
        acts = [act.action for act in self.later]
        if self.first.action == INCIDENT:
            return "closed" if "incident.close" in acts else "open"
        for action, state in (
            ("change.live", "live"),
            ("change.refuse", "refused"),
            ("change.approve", "approved"),
        ):
            if action in acts:
                return state
        return "proposed"


def cases(user: User, on: date, *, action: str = "") -> list[Case]:
    """The cases that the person may read, newest first; of one kind where ``action`` names it.

    Without a case's site it is of the whole system and read by all who may read any.
    """
    sites = {site.pk for site in permissions.sites_of(user, "journal.view", on)}
    if not permissions.can(user, "journal.view", None, on):
        return []
    found = [
        case for case in every_case() if case.first.site_id is None or case.first.site_id in sites
    ]
    return [case for case in found if not action or case.first.action == action][::-1]


def find(number: int) -> Case | None:
    """The case of a number; None where there is none."""
    return next((case for case in every_case() if case.number == number), None)


def every_case() -> Iterator[Case]:
    """All cases, first to last."""
    acts = AuditEvent.objects.filter(stream=STREAM).select_related("user", "site")
    later: dict[int, list[AuditEvent]] = {}
    first: list[AuditEvent] = []
    for act in acts.order_by("number"):
        if act.action in (INCIDENT, CHANGE):
            first.append(act)
        else:
            later.setdefault(act.details["case"], []).append(act)
    for act in first:
        yield Case(act, tuple(later.get(act.number, ())))


def rows(found: Iterable[Case]) -> Iterator[tuple[object, ...]]:
    """One row an act, in the order of ``COLUMNS``."""
    for case in found:
        for act in (case.first, *case.later):
            details = "; ".join(f"{k}: {v}" for k, v in act.details.items() if v and k != "case")
            yield (
                case.number,
                case.first.action.partition(".")[0],
                case.state,
                act.site.code if act.site else "",
                act.at.isoformat(),
                act.user.username if act.user else "",
                act.role,
                act.action,
                details,
                act.reason,
            )
