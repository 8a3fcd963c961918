"""Reading what identifies a person: once a day, reader and subject the trail says so."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from onearm.capture import clock, permissions, trail
from onearm.capture.document import cells
from onearm.capture.models import AuditEvent

if TYPE_CHECKING:
    from onearm.capture.models import FormInstance, User
    from onearm.study.forms import Form

ACTION = "identity.read"


def note_read(user: User, form: Form, instance: FormInstance | None) -> None:
    """Keep in the trail that the person was shown identifying values of a form.

    Nothing is kept for a form without such values, nor for who may not see them (`identity.view`):
    that person is not shown them. One act a day, person, and form: who looked, not how often.
    """
    named = {item.name for item in form.items if item.identifies}
    if instance is None or not named:
        return
    subject = instance.event.subject
    if not any(cell.item in named for cell in cells(instance.data)):
        return
    today = clock.now().date()
    role = permissions.role_for(user, "identity.view", subject.site, today)
    if role is None:
        return
    stream, target = f"subject:{subject.code}", f"form:{instance.pk}"
    seen = AuditEvent.objects.filter(
        stream=stream,
        action=ACTION,
        target=target,
        user=user,
        at__gte=datetime.combine(today, time(), UTC),
    )
    if not seen.exists():
        actor = permissions.Actor(user, role)
        trail.record(
            stream,
            ACTION,
            actor=actor,
            site=subject.site,
            target=target,
            details={"items": sorted(named)},
        )
