"""One state machine in the save path: whether data may change at all, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onearm.capture import places
from onearm.capture.models import Hold, Site
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onearm.capture.models import EventInstance, FormInstance, Subject

STILL = (Hold.Kind.FROZEN, Hold.Kind.LOCKED)


class Held(OnearmError):
    """The data are frozen or locked; nothing changes them until that is lifted."""


def targets(
    *,
    site: Site | None = None,
    subject: Subject | None = None,
    event: EventInstance | None = None,
    form: FormInstance | None = None,
    items: Iterable[tuple[int, str]] = (),
) -> list[str]:
    """Every target whose hold would hold this: the study, and each level given and above it."""
    event = form.event if form is not None else event
    subject = event.subject if event is not None else subject
    site = subject.site if subject is not None else site
    named = ["study"]
    named += [f"site:{site.code}"] if site is not None else []
    named += [f"subject:{subject.code}"] if subject is not None else []
    named += [f"event:{event.pk}"] if event is not None else []
    if form is not None and form.pk is not None:
        named.append(f"form:{form.pk}")
        named += [f"item:{form.pk}:{row}:{item}" for row, item in items]
    return named


def require_open(named: Iterable[str]) -> None:
    """Raise `Held` if anything of the targets is frozen or locked."""
    holds = Hold.objects.filter(target__in=list(named), kind__in=STILL, lifted_at=None)
    hold = holds.order_by("-kind", "target").first()
    if hold is not None:
        since = f"{hold.set_at:%Y-%m-%d %H:%M} UTC"
        place, kind = places.target_said(hold.target), say(f"hold.is_{hold.kind}")
        raise Held(say("form.held_at").format(place=place, kind=kind, since=since))
