"""Sites, and accrual: how many are enrolled of how many, its pauses, and the look in between."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.db.models import Prefetch, prefetch_related_objects
from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from onearm.capture import clock, enrolment, permissions, visible, zones
from onearm.capture.actions import enrol as actions
from onearm.capture.actions import sites as site_actions
from onearm.capture.api import places
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Day,
    Given,
    Line,
    Page,
    Paging,
    Short,
    page,
    utc,
)
from onearm.capture.models import AccrualStep, Site, SiteVersion, StudyVersion
from onearm.capture.studies import study_of, version_at

router = Router()


class ReleaseOut(Schema):
    """From which day on a site enters new forms under a version."""

    version: int
    begins: date


class SiteOut(Schema):
    """A site with the versions that were released to it."""

    code: str
    name: str
    zone: str
    cap: int | None
    releases: list[ReleaseOut]


class SiteIn(Given):
    """A new site; the zone as Asia/Shanghai."""

    code: Code
    name: Short
    zone: Short = "UTC"


class ReleaseIn(Given):
    """From which day on a site enters new forms under a version, and why."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    begins: Day
    reason: Line = ""


class CapIn(Given):
    """How many subjects a site may enrol, null for no limit of its own, and why."""

    cap: Annotated[int, Field(ge=0, le=enrolment.MOST_PLACES)] | None
    reason: Line


class SiteAccrualOut(Schema):
    """How many a site has enrolled of how many it may; why it is paused, where it is."""

    site: str
    enrolled: int
    cap: int | None
    paused_because: str | None


class AccrualOut(Schema):
    """How accrual stands; None where the study says no such number."""

    enrolled: int
    planned: int | None
    stage_1: int | None
    look_held: bool
    paused_because: str | None
    sites: list[SiteAccrualOut]


class StepOut(Schema):
    """One decision about accrual; ``site`` is empty where it holds for the study."""

    kind: str
    site: str
    by: str
    at: datetime
    reason: str


class StepIn(Given):
    """Pause or resume accrual at a site, or in the study without one; or go on after the look."""

    act: Literal["pause", "resume", "go_on"]
    reason: Line
    site: Code | None = None


@router.get("/sites", response={200: list[SiteOut], **REFUSALS})
def sites(request: HttpRequest) -> list[SiteOut]:
    """The sites that the person may see; all of them for those who add sites or release to them."""
    may_all = any(visible.can(request.user, c, None) for c in ("site.manage", "study.release"))
    found = list(Site.objects.all()) if may_all else visible.sites(request.user)
    released = SiteVersion.objects.select_related("version").defer("version__files")
    prefetch_related_objects(found, Prefetch("versions", released))
    return [_site(site) for site in found]


@router.post("/sites", response={200: SiteOut, **REFUSALS})
def add_site(request: HttpRequest, given: SiteIn) -> SiteOut:
    """Add a site; its code is never given twice."""
    return _site(site_actions.make(request.user, given.code, given.name, given.zone))


@router.post("/sites/{code}/releases", response={200: SiteOut, **REFUSALS})
def release(request: HttpRequest, code: Code, given: ReleaseIn) -> SiteOut:
    """Let a site enter new forms under a version from a day on."""
    site = _site_for(request, "study.release", code)
    version = StudyVersion.objects.filter(number=given.version).first()
    if version is None:
        raise Http404
    site_actions.release(request.user, site, version, given.begins, given.reason)
    return _site(site)


@router.post("/sites/{code}/cap", response={200: SiteOut, **REFUSALS})
def cap(request: HttpRequest, code: Code, given: CapIn) -> SiteOut:
    """Say how many subjects a site may enrol."""
    site = _site_for(request, "accrual.cap", code)
    return _site(actions.set_cap(request.user, site, given.cap, given.reason))


@router.get("/accrual", response={200: AccrualOut, **REFUSALS})
def accrual(request: HttpRequest) -> AccrualOut:
    """How accrual stands in the study and at the sites that the person may see."""
    mine = visible.sites(request.user)
    if not mine:
        raise Http404
    versions = [v for site in mine if (v := version_at(site, zones.today(site)))]
    now = enrolment.accrual(study_of(versions[0]) if versions else None, mine)
    return AccrualOut(
        enrolled=now.enrolled,
        planned=now.planned,
        stage_1=now.stage_1,
        look_held=now.look_held,
        paused_because=now.study_pause.reason if now.study_pause else None,
        sites=[
            SiteAccrualOut(
                site=row.site.code,
                enrolled=row.enrolled,
                cap=row.site.cap,
                paused_because=row.pause.reason if row.pause else None,
            )
            for row in now.rows
        ],
    )


@router.get("/accrual/steps", response={200: Page[StepOut], **REFUSALS})
def steps(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every decision about accrual, newest first."""
    if not visible.sites(request.user):
        raise Http404
    found = AccrualStep.objects.select_related("user", "site").order_by("-pk")
    return page(found, paging, _step)


@router.post("/accrual/steps", response={200: StepOut, **REFUSALS})
def step(request: HttpRequest, given: StepIn) -> StepOut:
    """Pause accrual, resume it, or record that the look between the stages was held."""
    user = request.user
    site = places.site(request, given.site) if given.site else None
    if given.act == "go_on":
        return _step(actions.go_on(user, given.reason))
    act = actions.pause if given.act == "pause" else actions.resume
    return _step(act(user, given.reason, site))


def _site_for(request: HttpRequest, capability: str, code: str) -> Site:
    """The site with the code; only who has the right learns whether there is one."""
    permissions.actor(request.user, capability, None, clock.now().date())
    site = Site.objects.filter(code=code).first()
    if site is None:
        raise Http404
    return site


def _site(site: Site) -> SiteOut:
    return SiteOut(
        code=site.code,
        name=site.name,
        zone=site.zone,
        cap=site.cap,
        releases=[
            ReleaseOut(version=row.version.number, begins=row.begins) for row in site.versions.all()
        ],
    )


def _step(step: AccrualStep) -> StepOut:
    return StepOut(
        kind=step.kind,
        site=step.site.code if step.site else "",
        by=step.user.username,
        at=utc(step.at),
        reason=step.reason,
    )
