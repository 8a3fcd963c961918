"""Items that identify a person: who may read them, and what others see in their place."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from onearm.capture import clock, permissions
from onearm.capture.words import say

if TYPE_CHECKING:
    from datetime import date

    from onearm.capture.models import FormInstance, Site, User
    from onearm.study import Study

HIDDEN = "[hidden]"
"""What programs get in place of a value that identifies."""

Names = frozenset[str]
NOTHING: Names = frozenset()


def identifying(study: Study, form_id: str) -> Names:
    """The items of a form that identify a person; none for a form that the version has not."""
    form = study.forms.get(form_id)
    return frozenset(item.name for item in form.items if item.identifies) if form else NOTHING


def hidden_from(user: User, study: Study, form_id: str, site: Site, on: date) -> Names:
    """The items of a form that the person may not read at a site (right ``identity.view``)."""
    names = identifying(study, form_id)
    if not names or permissions.can(user, "identity.view", site, on):
        return NOTHING
    return names


def hidden_in(user: User, study: Study, instance: FormInstance) -> Names:
    """The items of a saved form that the person may not read today."""
    site, today = instance.event.subject.site, clock.now().date()
    return hidden_from(user, study, instance.form, site, today)


def words() -> str:
    """What people read in place of a value that identifies."""
    return say("identity.hidden")


def covered(rows: Iterable[dict[str, Any]], names: Collection[str]) -> list[dict[str, Any]]:
    """Rows of a document or of a save with the values of these items covered.

    Missing reasons stay: that a birth date is unknown tells nothing of whom it is.
    """
    return [
        {k: HIDDEN if k in names and isinstance(v, str) else v for k, v in row.items()}
        for row in rows
    ]
