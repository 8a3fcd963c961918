"""What every page knows: the environment and the study's title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from onearm.capture import clock, permissions, studies, timekeeping, words
from onearm.capture.models import StudyVersion

if TYPE_CHECKING:
    from django.http import HttpRequest


WORK = ("month", "subjects", "screening", "queries", "serious", "dashboards")
"""Pages about subjects, for whoever may see them."""

OFFICE = (
    ("study", ("study.view",)),
    ("ranges", ("ranges.edit",)),
    ("exchange", ("export", "export.deidentified")),
    ("amendments", ("study.load", "study.migrate")),
    ("people", ("account.manage",)),
    ("authorised", ("access.log",)),
    ("trail", ("trail.view", "access.log")),
    ("journal", ("journal.view",)),
)
"""Pages about people and the trail, with the capabilities of which each needs one."""


WITHIN = {
    "subjects": (
        "subject form form_queries history cell_history verify sign state add_visit miss_visit"
    ),
    "screening": "enrolment accrual",
    "queries": "query ask",
    "serious": "serious_event contacts deviations",
    "dashboards": "dashboard plan",
    "study": "study_preview form_preview check_spec",
    "ranges": "ranges_results ranges_hand_in ranges_file",
    "exchange": "imports taken_file",
    "amendments": "amendment",
    "people": "person person_new person_act next_steps sites",
    "trail": "redactions redaction_ask review",
}
"""By the name of a page in the head the names of the pages that lie behind it."""


def page(request: HttpRequest) -> dict[str, object]:
    """Environment (shown by colour), title of the newest study version, links of the head.

    clock_lost: administrators are told on every page that nothing keeps the clock right.
    """
    newest = StudyVersion.objects.defer("files").order_by("-number").first()
    title = words.said(studies.title_of(newest)) if newest else ""
    mine = _capabilities(request)
    office = [name for name, rights in OFFICE if mine & set(rights)]
    return {
        "environment": settings.ENVIRONMENT,
        "study_title": title,
        "ways": [*(WORK if "subject.view" in mine else ()), *office],
        "here": _here(request),
        "clock_lost": "account.manage" in mine and timekeeping.is_synchronised() is False,
    }


def _here(request: HttpRequest) -> str:
    """The page of the head that this page is, or lies behind; empty where there is none."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    return next((way for way, behind in WITHIN.items() if name in behind.split()), name or "")


def _capabilities(request: HttpRequest) -> set[str]:
    """What the reader may do anywhere today."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return set()
    roles = {grant.role for grant in permissions.grants(user, clock.now().date())}
    table = permissions.table()
    return {right for right, reach in table.items() if any(reach.get(role) for role in roles)}
