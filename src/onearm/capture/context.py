"""What every page knows: the environment and the study's title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from onearm.capture import studies, words
from onearm.capture.models import StudyVersion

if TYPE_CHECKING:
    from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, object]:
    """Environment (shown by colour) and title of the newest study version."""
    newest = StudyVersion.objects.defer("files").order_by("-number").first()
    title = words.said(studies.study_of(newest).title) if newest else ""
    return {"environment": settings.ENVIRONMENT, "study_title": title}
