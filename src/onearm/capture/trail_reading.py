"""Searching the trail: acts and saves as one list, of what the reader may see."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from onearm.capture import identity, permissions, zones
from onearm.capture.chain import canonical
from onearm.capture.document import KEY, NULL, REMOVED
from onearm.capture.models import AuditEvent, FormVersion, Site
from onearm.capture.ranges import SI, USED, Range
from onearm.capture.studies import study_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.models import User
    from onearm.capture.permissions import Actor

ACCESS_STREAMS = ("accounts", "access", "exports")
"""Streams about people and about what left the system; read with ``access.log``."""

PRINT = "print."
"""How acts begin that put data on paper: part of a site's trail and of the access log, where they
name no subject to who may see none."""

COLUMNS = (
    "at_utc",
    "at_site",
    "user",
    "role",
    "site",
    "subject",
    "where",
    "action",
    "what",
    "reason",
    "origin",
    "study_version",
    "number",
    "hash",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; empty means anything. Days are UTC, both ends included.

    text: part of subject, action or target. kind: ``data`` (saves), ``acts`` or ``access``.
    """

    begins: date | None = None
    ends: date | None = None
    user: str = ""
    text: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One act or one save: who, in which role, when (UTC and at the site), where, what and why."""

    at: datetime
    at_site: str
    user: str
    role: str
    site: str
    subject: str
    where: str
    action: str
    what: str
    reason: str
    origin: str
    study_version: int | None
    number: int
    hash: str
    save: int | None = None  # the key of the save, None for an act
    source: FormVersion | AuditEvent | None = field(default=None, repr=False, compare=False)
    hidden: identity.Names = identity.NOTHING  # items of the save that the reader may not read

    @property
    def cells(self) -> tuple[object, ...]:
        """The line in the order of ``COLUMNS``."""
        return (self.at.astimezone(UTC).isoformat(), *(getattr(self, n) for n in COLUMNS[1:]))


def reader(user: User, on: date) -> Actor:
    """The person in the role that reads the trail, of a site or of accounts.

    Raises `permissions.NotAllowed`.
    """
    if permissions.can(user, "trail.view", None, on):
        return permissions.actor(user, "trail.view", None, on)
    return permissions.actor(user, "access.log", None, on)


def lines(user: User, wanted: Wanted, on: date, *, most: int | None = None) -> Iterator[Line]:
    """Newest first, the acts and saves that the person may read on that day.

    ``trail.view`` opens the sites it holds for, ``access.log`` the streams about people and
    exports; with neither nothing is given.
    """
    versions = _versions(user, wanted, on)
    events = _events(user, wanted, on)
    sees_subjects = permissions.can(user, "subject.view", None, on)
    if most is not None:
        versions, events = versions[:most], events[:most]
    covered = _Covered(user, on)
    merged = heapq.merge(
        (_of_version(v, covered.of(v)) for v in versions.iterator(chunk_size=1000)),
        (_of_event(e, sees_subjects=sees_subjects) for e in events.iterator(chunk_size=1000)),
        key=lambda line: line.at,
        reverse=True,
    )
    for count, line in enumerate(merged, start=1):
        yield line
        if count == most:
            return


class _Covered:
    """By version of the study, form and site the items that a person may not read."""

    def __init__(self, user: User, on: date) -> None:
        self.user, self.on = user, on
        self.known: dict[tuple[int, str, int], identity.Names] = {}

    def of(self, version: FormVersion) -> identity.Names:
        """Those of the form that a save is of."""
        form, site = version.instance.form, version.instance.event.subject.site
        key = (version.study_version_id, form, site.pk)
        if key not in self.known:
            study = study_of(version.study_version)
            self.known[key] = identity.hidden_from(self.user, study, form, site, self.on)
        return self.known[key]


def _versions(user: User, wanted: Wanted, on: date) -> QuerySet[FormVersion]:
    sites = permissions.sites_of(user, "trail.view", on)
    found = FormVersion.objects.filter(instance__event__subject__site__in=sites)
    if wanted.kind in ("acts", "access"):
        return found.none()
    if wanted.text:
        found = found.filter(
            Q(instance__event__subject__code__icontains=wanted.text)
            | Q(instance__form__icontains=wanted.text)
            | Q(reason__icontains=wanted.text)
            | Q(origin__icontains=wanted.text)
        )
    chosen = found.select_related("user", "study_version", "instance__event__subject__site")
    return _in_time(chosen.defer("study_version__files"), wanted).order_by("-at", "-pk")


def _events(user: User, wanted: Wanted, on: date) -> QuerySet[AuditEvent]:
    is_access = Q(stream__in=ACCESS_STREAMS) | Q(action__icontains="export")
    is_print = Q(action__startswith=PRINT)
    readable = Q(pk=None)
    if permissions.can(user, "access.log", None, on):
        # A search would tell whose data were printed to who may not know.
        is_safe = permissions.can(user, "subject.view", None, on) or not wanted.text
        readable |= is_access | is_print if is_safe else is_access
    sites = permissions.sites_of(user, "trail.view", on)
    readable |= ~is_access & Q(site__in=sites)
    if _sees_all(user, on):
        readable |= ~is_access
    found = AuditEvent.objects.filter(readable)
    if wanted.kind == "data":
        return found.none()
    if wanted.kind == "access":
        found = found.filter(is_access | is_print)
    elif wanted.kind == "acts":
        found = found.exclude(is_access)
    if wanted.text:
        found = found.filter(
            Q(stream__icontains=wanted.text)
            | Q(action__icontains=wanted.text)
            | Q(target__icontains=wanted.text)
            | Q(reason__icontains=wanted.text)
        )
    return _in_time(found.select_related("user", "site"), wanted).order_by("-at", "-pk")


def _sees_all(user: User, on: date) -> bool:
    reach = permissions.table()["trail.view"]
    return any(reach.get(grant.role) == "all" for grant in permissions.grants(user, on))


def _in_time(found: QuerySet, wanted: Wanted) -> QuerySet:
    if wanted.begins:
        found = found.filter(at__gte=datetime.combine(wanted.begins, time(), UTC))
    if wanted.ends:
        day_after = wanted.ends + timedelta(days=1)
        found = found.filter(at__lt=datetime.combine(day_after, time(), UTC))
    if wanted.user:
        found = found.filter(user__username__iexact=wanted.user)
    return found


def _of_version(version: FormVersion, hidden: identity.Names) -> Line:
    event = version.instance.event
    site = event.subject.site
    return Line(
        at=version.at,
        at_site=zones.shown(version.at, site),
        user=version.user.username,
        role=version.role,
        site=site.code,
        subject=event.subject.code,
        where=f"{event.visit} {event.repeat} {version.instance.form}",
        action="save",
        what="; ".join(_changes(identity.covered(version.delta["rows"], hidden))),
        reason=version.reason,
        origin=version.origin,
        study_version=version.study_version.number,
        number=version.version,
        hash=version.hash,
        save=version.pk,
        source=version,
        hidden=hidden,
    )


def _changes(rows: list[dict[str, object]]) -> Iterator[str]:
    """Each changed cell as ``row.ITEM = value``; a missing reason stands as ``missing: ND``."""
    for row in rows:
        for name, stored in row.items():
            if name == KEY:
                continue
            place = f"{row[KEY]}.{'row out' if name == REMOVED else name}"
            if name in (USED, SI) and isinstance(stored, dict):
                yield from _beside(row[KEY], name, stored)
            elif isinstance(stored, dict):
                yield f"{place} = missing: {stored[NULL]}"
            else:
                yield f"{place} = {'' if stored is None else stored}"


def _beside(row: object, name: str, kept: dict[str, dict[str, str]]) -> Iterator[str]:
    """What a save kept beside laboratory results: ``row.ITEM range = 7–40`` and ``SI = 31 U/L``."""
    for item, one in kept.items():
        if name == USED:
            yield f"{row}.{item} range = {Range(**one)} ({one['source']})"
        else:
            yield f"{row}.{item} SI = {one['value']} {one['unit']}"


def detail_words(details: dict[str, object]) -> Iterator[str]:
    """What an act keeps beside its target, as ``name: value``; empty values are left out."""
    for name, value in details.items():
        if value not in (None, "", []):
            yield f"{name}: {value if isinstance(value, str | int) else canonical(value)}"


def _of_event(event: AuditEvent, *, sees_subjects: bool) -> Line:
    site: Site | None = event.site
    is_blind = event.action.startswith(PRINT) and not sees_subjects
    subject = event.stream.removeprefix("subject:") if ":" in event.stream else ""
    return Line(
        at=event.at,
        at_site=zones.shown(event.at, site) if site else "",
        user=event.user.username if event.user else "",
        role=event.role,
        site=site.code if site else "",
        subject="" if is_blind else subject,
        where="" if is_blind and subject else event.target,
        action=event.action,
        what="; ".join(detail_words(event.details)),
        reason=event.reason,
        origin="",
        study_version=None,
        number=event.number,
        hash=event.hash,
        source=event,
    )
