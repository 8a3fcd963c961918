"""Keeping what was typed and not saved, and throwing it away once it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture import clock, permissions
from onearm.capture.models import Draft

if TYPE_CHECKING:
    from onearm.capture.models import Subject, User

KEPT = ("v.", "n.", "d.", "u.")
"""How the names of fields begin that a draft keeps: values, missing reasons, rows out and back."""

OTHERS = ("reason", "why")
MOST_FIELDS, LONGEST = 5000, 4000


@dataclass(frozen=True, slots=True)
class FormPlace:
    """A form of a visit of a subject, whether anybody saved it or not."""

    subject: Subject
    visit: str
    repeat: int
    form: str


def keep(user: User, place: FormPlace, fields: Mapping[str, str], version: int) -> Draft:
    """Keep what stands in the page's fields, in place of what was kept before.

    Raises `permissions.NotAllowed` for who may not enter data there.
    """
    permissions.actor(user, "form.enter", place.subject.site, clock.now().date())
    kept = {
        name: text[:LONGEST]
        for name, text in fields.items()
        if name.startswith(KEPT) or name in OTHERS
    }
    draft, _ = Draft.objects.update_or_create(
        user=user,
        **_named(place),
        defaults={
            "version": version,
            "fields": dict(list(kept.items())[:MOST_FIELDS]),
            "at": clock.now(),
        },
    )
    return draft


def find(user: User, place: FormPlace) -> Draft | None:
    """What the person typed into the form and did not save."""
    return Draft.objects.filter(user=user, **_named(place)).first()


def discard(user: User, place: FormPlace) -> None:
    """Throw away the person's unsaved text of the form."""
    Draft.objects.filter(user=user, **_named(place)).delete()


def _named(place: FormPlace) -> dict[str, object]:
    return {
        "subject": place.subject,
        "visit": place.visit,
        "repeat": place.repeat,
        "form": place.form,
    }
