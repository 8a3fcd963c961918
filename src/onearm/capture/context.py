"""What every page knows: the environment and the study's title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from onearm.capture import clock, permissions, studies, timekeeping, words
from onearm.capture.models import StudyVersion

if TYPE_CHECKING:
    from django.http import HttpRequest


OFFICE = (
    ("ranges", ("ranges.edit",)),
    ("exchange", ("export", "export.deidentified")),
    ("amendments", ("study.load", "study.migrate")),
    ("people", ("account.manage",)),
    ("authorised", ("access.log",)),
    ("trail", ("trail.view", "access.log")),
    ("journal", ("journal.view",)),
)
"""Pages about people and the trail, with the capabilities of which each needs one."""


def page(request: HttpRequest) -> dict[str, object]:
    """Environment (shown by colour), title of the newest study version, links of the head.

    clock_lost: administrators are told on every page that nothing keeps the clock right.
    """
    newest = StudyVersion.objects.defer("files").order_by("-number").first()
    title = words.said(studies.title_of(newest)) if newest else ""
    mine = _capabilities(request)
    return {
        "environment": settings.ENVIRONMENT,
        "study_title": title,
        "sees_subjects": "subject.view" in mine,
        "clock_lost": "account.manage" in mine and timekeeping.is_synchronised() is False,
        "office": [name for name, rights in OFFICE if mine & set(rights)],
    }


def _capabilities(request: HttpRequest) -> set[str]:
    """What the reader may do anywhere today."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return set()
    roles = {grant.role for grant in permissions.grants(user, clock.now().date())}
    table = permissions.table()
    return {right for right, reach in table.items() if any(reach.get(role) for role in roles)}
