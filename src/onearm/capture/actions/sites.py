"""Sites, and the study version with which each works from a day on."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from django.db import transaction

from onearm.capture import clock, permissions, trail
from onearm.capture.actions.amend import looked_at
from onearm.capture.models import Site, SiteVersion
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import StudyVersion, User


CODE = re.compile(r"[^\x00-\x1f\x7f/:]{1,20}")
"""Codes stand in addresses, and in targets (`Hold`) behind a colon."""

LONGEST_NAME = 200


class SiteProblem(OnearmError):
    """A site cannot be made so, or a version not be released so; nothing was written."""


@transaction.atomic
def make(by: User, code: str, name: str, zone: str) -> Site:
    """Add a site; its code is never given twice. Raises `SiteProblem`."""
    actor = permissions.actor(by, "site.manage", None, clock.now().date())
    code, name, zone = code.strip(), name.strip(), zone.strip() or "UTC"
    if not CODE.fullmatch(code) or not 0 < len(name) <= LONGEST_NAME:
        raise SiteProblem(say("sites.wrong"))
    if Site.objects.filter(code__iexact=code).exists():
        raise SiteProblem(say("sites.there").format(code=code))
    if zone not in available_timezones():
        raise SiteProblem(say("sites.no_zone").format(zone=zone))
    site = Site.objects.create(code=code, name=name, zone=zone)
    details = {"name": site.name, "zone": zone}
    trail.record("study", "site.make", actor=actor, site=site, target=code, details=details)
    return site


@transaction.atomic
def release(by: User, site: Site, version: StudyVersion, begins: date, reason: str) -> SiteVersion:
    """Let a site enter new forms under a version from a day on; forms keep the version they have.

    Raises `SiteProblem` for a day that lies before a release that stands already.
    """
    actor = permissions.actor(by, "study.release", None, clock.now().date())
    later = site.versions.filter(begins__gt=begins).first()
    if later is not None:
        raise SiteProblem(say("sites.later").format(site=site.code, day=later.begins))
    released = SiteVersion.objects.create(site=site, version=version, begins=begins)
    trail.record(
        "study",
        "study.release",
        actor=actor,
        site=site,
        target=f"version {version.number}",
        details={
            "from": str(begins),
            "hash": version.hash,
            "looked_at_by": [look.who for look in looked_at(version)],
        },
        reason=reason.strip(),
    )
    return released
