"""Writing down incidents, and changes of the system with their approval; nothing is rewritten."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, trail
from onearm.capture.journal import CHANGE, INCIDENT, STREAM, find
from onearm.capture.models import AuditEvent
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onearm.capture.journal import Case
    from onearm.capture.models import Site, User


class JournalProblem(OnearmError):
    """A case cannot be written down or gone on with so; nothing was written."""


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened. ``ended`` is None while it goes on; times are UTC.

    paper: data were written on paper meanwhile, to be entered afterwards.
    """

    what: str
    effect: str
    began: datetime
    ended: datetime | None = None
    paper: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change: software, settings, study version. ``sites``: codes, empty for all."""

    what: str
    requested_by: str
    impact: str
    sites: str = ""


def may_note_for_all(user: User) -> bool:
    """Whether the person may write down an incident of the whole system."""
    reach = permissions.table()["incident.note"]
    standing = permissions.grants(user, clock.now().date())
    return any(reach.get(grant.role) == "all" for grant in standing)


@transaction.atomic
def note_incident(user: User, incident: Incident, site: Site | None) -> AuditEvent:
    """Write an incident down, at one site or (``site`` None) of the whole system.

    Raises `permissions.NotAllowed`, and `JournalProblem` for an empty text, times that cannot be,
    and the whole system where the right reaches single sites only.
    """
    actor = permissions.actor(user, "incident.note", site, clock.now().date())
    if site is None and not may_note_for_all(user):
        raise JournalProblem(say("journal.site"))
    _need(what=incident.what, effect=incident.effect)
    ended = incident.ended or incident.began
    if not incident.began <= ended <= clock.now():
        raise JournalProblem(say("journal.times"))
    details = {
        **{k: v.strip() if isinstance(v, str) else v for k, v in asdict(incident).items()},
        "began": _moment(incident.began),
        "ended": _moment(incident.ended) if incident.ended else "",
    }
    return trail.record(STREAM, INCIDENT, actor=actor, site=site, details=details)


@transaction.atomic
def close_incident(
    user: User, number: int, *, ended: datetime, cause: str, prevention: str
) -> AuditEvent:
    """Say when an incident ended, what its cause was and what keeps it from happening again."""
    case = _case(number, INCIDENT, "open")
    actor = permissions.actor(user, "incident.close", case.first.site, clock.now().date())
    _need(cause=cause, prevention=prevention)
    if ended > clock.now() or _moment(ended) < str(case.first.details["began"]):
        raise JournalProblem(say("journal.times"))
    details = {"ended": _moment(ended), "cause": cause.strip(), "prevention": prevention.strip()}
    return _go_on(case, "incident.close", actor, details)


@transaction.atomic
def propose(user: User, change: Change) -> AuditEvent:
    """Write down a change that somebody asks for, and what it would do."""
    actor = permissions.actor(user, "change.propose", None, clock.now().date())
    _need(what=change.what, requested_by=change.requested_by, impact=change.impact)
    details = {name: text.strip() for name, text in asdict(change).items()}
    return trail.record(STREAM, CHANGE, actor=actor, details=details)


@transaction.atomic
def decide(user: User, number: int, *, approve: bool, reason: str) -> AuditEvent:
    """Approve or refuse a change that another person wrote down, with the reason."""
    case = _case(number, CHANGE, "proposed")
    actor = permissions.actor(user, "change.approve", None, clock.now().date())
    if case.first.user_id == user.pk:
        raise JournalProblem(say("journal.own").format(number=number))
    _need(reason=reason)
    action = "change.approve" if approve else "change.refuse"
    return _go_on(case, action, actor, {}, reason=reason.strip())


@transaction.atomic
def went_live(user: User, number: int, day: date, evidence: str) -> AuditEvent:
    """Say from which day an approved change is in use, and what shows that it was tried."""
    case = _case(number, CHANGE, "approved")
    actor = permissions.actor(user, "change.propose", None, clock.now().date())
    _need(evidence=evidence)
    decided = case.later[-1].at.date()
    if not decided <= day <= clock.now().date():
        raise JournalProblem(say("journal.live_day").format(day=day, decided=decided))
    details = {"on": day.isoformat(), "evidence": evidence.strip()}
    return _go_on(case, "change.live", actor, details)


def _go_on(
    case: Case,
    action: str,
    actor: permissions.Actor,
    details: Mapping[str, object],
    *,
    reason: str = "",
) -> AuditEvent:
    return trail.record(
        STREAM,
        action,
        actor=actor,
        site=case.first.site,
        target=f"{case.number}",
        details={"case": case.number, **details},
        reason=reason,
    )


def _case(number: int, kind: str, state: str) -> Case:
    """The case, locked: of two who go on with it at once the second finds the other's act."""
    AuditEvent.objects.select_for_update().filter(stream=STREAM, number=number).first()
    case = find(number)
    if case is None or case.first.action != kind or case.state != state:
        raise JournalProblem(say("journal.state").format(number=number, state=say(f"case.{state}")))
    return case


def _need(**texts: str) -> None:
    missing = [say(f"journal.{name}") for name, text in texts.items() if not text.strip()]
    if missing:
        raise JournalProblem(say("journal.missing").format(fields=", ".join(missing)))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="minutes")
