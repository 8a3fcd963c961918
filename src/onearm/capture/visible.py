"""What a person may see of the database; everything else answers as if it were not there (404)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404

from onearm.capture import clock, permissions, zones
from onearm.capture.actions import hold as holds
from onearm.capture.models import (
    Attachment,
    FormInstance,
    Query,
    Redaction,
    SeriousEvent,
    SiteVersion,
    StudyVersion,
    Subject,
)
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from onearm.capture.actions.hold import Held
    from onearm.capture.models import Site, User


BEFORE_RELEASE = ("study.load", "study.release", "study.migrate")
"""Rights of which one opens a version that no site has been given yet."""


def can(user: User, capability: str, site: Site | None) -> bool:
    """Whether the person may do this at the site today (anywhere, where site is None)."""
    today = zones.today(site) if site else clock.now().date()
    return permissions.can(user, capability, site, today)


def sites(user: User) -> list[Site]:
    """The sites whose subjects the person may see."""
    return list(permissions.sites_of(user, "subject.view", clock.now().date()))


def chosen_sites(user: User, code: str = "") -> list[Site]:
    """Of the sites that the person may see the one with that code, or all without a code."""
    return [site for site in sites(user) if not code or site.code == code]


def subjects(user: User, today: date | None = None) -> QuerySet[Subject]:
    """The subjects whose sites the person may see."""
    mine = permissions.sites_of(user, "subject.view", today or clock.now().date())
    return Subject.objects.filter(site__in=mine)


def subject(user: User, code: str) -> Subject:
    """The subject with that number."""
    found = subjects(user).select_related("site").filter(code=code).first()
    if found is None:
        raise Http404
    return found


def form(user: User, pk: int) -> FormInstance:
    """A saved form that the person may read."""
    found = FormInstance.objects.select_related("event__subject__site", "study_version")
    instance = found.defer("study_version__files").filter(pk=pk).first()
    if instance is None or not can(user, "form.view", instance.event.subject.site):
        raise Http404
    return instance


def target(user: User, named: str) -> Held:
    """What a target names (as in ``Hold``)."""
    try:
        held = holds.find(named)
    except OnearmError as problem:
        raise Http404 from problem
    if not can(user, "subject.view", held.site):
        raise Http404
    return held


def query(user: User, pk: int) -> Query:
    """A query about a subject that the person may see."""
    found = Query.objects.filter(pk=pk, subject__in=subjects(user)).select_related("subject__site")
    one = found.first()
    if one is None:
        raise Http404
    return one


def may_see_safety(user: User, site: Site) -> bool:
    """Whether the person follows the serious events of a site."""
    return can(user, "safety.view", site) or can(user, "form.view", site)


def serious_event(user: User, pk: int) -> SeriousEvent:
    """A serious event of a site whose safety the person follows."""
    found = SeriousEvent.objects.filter(pk=pk).select_related(
        "instance__event__subject__site", "instance__study_version"
    )
    event = found.first()
    if event is None or not may_see_safety(user, event.instance.event.subject.site):
        raise Http404
    return event


def attachment(user: User, pk: int) -> Attachment:
    """A file of a form that the person may read."""
    found = Attachment.objects.filter(pk=pk).select_related("instance__event__subject__site")
    one = found.first()
    if one is None or not can(user, "form.view", one.instance.event.subject.site):
        raise Http404
    return one


def redactions(user: User) -> QuerySet[Redaction]:
    """What was asked to be blackened at the person's sites, newest first.

    Raises `permissions.NotAllowed` for who may neither ask nor decide.
    """
    if not can(user, "redaction.approve", None):
        permissions.actor(user, "redaction.request", None, clock.now().date())
    found = Redaction.objects.filter(instance__event__subject__in=subjects(user))
    related = ("instance__event__subject", "requested_by", "approved_by", "refused_by")
    return found.select_related(*related).order_by("-pk")


def version(user: User, number: int) -> StudyVersion:
    """A version of the study that sites were given, or that the person has a hand in before."""
    found = StudyVersion.objects.filter(number=number).first()
    if found is None:
        raise Http404
    released = SiteVersion.objects.filter(version=found).exists()
    rights = ("study.view",) if released else BEFORE_RELEASE
    if not any(can(user, right, None) for right in rights):
        raise Http404
    return found
