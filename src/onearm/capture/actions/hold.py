"""Reviewed, frozen, locked, and lifted again, from one item to the whole study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, states, trail
from onearm.capture.actions.under_way import locked
from onearm.capture.lockcheck import open_points
from onearm.capture.models import EventInstance, FormInstance, Hold, Site, Subject
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from onearm.capture.models import User

Kind = Hold.Kind

TO_SET = {Kind.REVIEWED: "review", Kind.FROZEN: "freeze", Kind.LOCKED: "lock"}
TO_LIFT = {Kind.REVIEWED: "review", Kind.FROZEN: "freeze", Kind.LOCKED: "unlock"}


class NotReady(OnearmError):
    """What is to be locked still has open points; ``points`` are all of them, in words."""

    def __init__(self, points: Sequence[str]) -> None:
        self.points = tuple(points)
        super().__init__(" ".join(self.points))


@dataclass(frozen=True, slots=True)
class Held:
    """What a target names; each level is None above the target's own."""

    target: str
    site: Site | None = None
    subject: Subject | None = None
    event: EventInstance | None = None
    form: FormInstance | None = None
    row: int = 0
    item: str = ""

    @property
    def level(self) -> str:
        """``study``, ``site``, ``subject``, ``event``, ``form`` or ``item``."""
        return self.target.partition(":")[0]

    @property
    def above(self) -> list[str]:
        """The targets of every level above this one."""
        cells = [(self.row, self.item)] if self.item else []
        named = states.targets(
            site=self.site, subject=self.subject, event=self.event, form=self.form, items=cells
        )
        return [name for name in named if name != self.target]


def find(target: str) -> Held:
    """What a target names (as in `Hold`); raises ``OnearmError`` where there is no such thing."""
    level, _, rest = target.partition(":")
    try:
        if target == "study":
            return Held(target)
        if level == "site":
            return Held(target, site=Site.objects.get(code=rest))
        if level == "subject":
            subject = Subject.objects.select_related("site").get(code=rest)
            return Held(target, subject.site, subject)
        if level == "event":
            event = EventInstance.objects.select_related("subject__site").get(pk=int(rest))
            return Held(target, event.subject.site, event.subject, event)
        if level in ("form", "item"):
            pk, _, cell = rest.partition(":")
            row, _, item = cell.partition(":")
            form = FormInstance.objects.select_related("event__subject__site").get(pk=int(pk))
            if (level == "item") == bool(item):
                event = form.event
                subject = event.subject
                number = int(row) if row else 0
                return Held(target, subject.site, subject, event, form, number, item)
    except (ValueError, Site.DoesNotExist, Subject.DoesNotExist) as problem:
        raise OnearmError(say("hold.unknown").format(target=target)) from problem
    except (EventInstance.DoesNotExist, FormInstance.DoesNotExist) as problem:
        raise OnearmError(say("hold.unknown").format(target=target)) from problem
    raise OnearmError(say("hold.unknown").format(target=target))


def hold(user: User, target: str, kind: str, reason: str = "") -> Hold:
    """Mark as reviewed, freeze or lock a target.

    Locking needs every point of the checklist to be met. Raises `permissions.NotAllowed`,
    `NotReady`, and ``OnearmError`` where it is held in that way already.
    """
    held = find(target)
    actor = permissions.actor(user, TO_SET[Kind(kind)], held.site, clock.now().date())
    with transaction.atomic():
        locked(_within(held))  # a save that is under way counts in the checklist
        if standing(target).filter(kind=kind).exists():
            raise OnearmError(say("hold.already").format(kind=say(f"hold.{kind}")))
        if kind == Kind.LOCKED:
            points = open_points(held.site, held.subject, held.event, held.form)
            if points:
                raise NotReady(points)
        else:
            states.require_open(held.above)
        made = Hold.objects.create(
            target=target, kind=kind, set_by=user, set_at=clock.now(), reason=reason.strip()
        )
        _record(held, f"hold.{kind}", actor, reason)
    return made


def _within(held: Held) -> QuerySet[Subject]:
    """The subjects that a target holds."""
    if held.subject is not None:
        return Subject.objects.filter(pk=held.subject.pk)
    return Subject.objects.filter(site=held.site) if held.site else Subject.objects.all()


def lift(user: User, hold: Hold, reason: str) -> Hold:
    """Lift a hold; the reason is needed and goes to the trail."""
    held = find(hold.target)
    actor = permissions.actor(user, TO_LIFT[Kind(hold.kind)], held.site, clock.now().date())
    if not reason.strip():
        raise OnearmError(say("conduct.reason_needed"))
    with transaction.atomic():
        fresh = Hold.objects.select_for_update().get(pk=hold.pk)
        if fresh.lifted_at is not None:
            raise OnearmError(say("hold.lifted_already"))
        fresh.lifted_by, fresh.lifted_at = user, clock.now()
        fresh.save(update_fields=["lifted_by", "lifted_at"])
        _record(held, f"lift.{fresh.kind}", actor, reason)
    return fresh


def standing(target: str) -> QuerySet[Hold]:
    """The holds on a target itself that are not lifted."""
    return Hold.objects.filter(target=target, lifted_at=None)


def _record(held: Held, action: str, actor: permissions.Actor, reason: str) -> None:
    trail.record(
        f"subject:{held.subject.code}" if held.subject else "study",
        action,
        actor=actor,
        site=held.site,
        target=held.target,
        reason=reason.strip(),
    )
