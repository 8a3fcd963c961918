"""Versions of the study: taken in, read, and forms moved to one after a dry run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from django.db.models import Count
from django.http import Http404, HttpRequest
from ninja import File, Query, Router, Schema, UploadedFile
from pydantic import Field

from onearm.capture import clock, permissions
from onearm.capture.actions.amend import MOST_BYTES, Moved, migrate, take_in_zip
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Given,
    Name,
    Page,
    Paging,
    Short,
    page,
    utc,
)
from onearm.capture.models import Site, StudyVersion
from onearm.capture.studies import sites_under, study_of

if TYPE_CHECKING:
    from onearm.study.forms import Form, Item

router = Router()
Which = Annotated[int, Field(ge=1, le=2**31 - 1)]


class StudyVersionOut(Schema):
    """A version of the study; ``forms`` stand under it now, ``sites`` work with it or did."""

    version: int
    hash: str
    loaded_at: datetime
    loaded_by: str
    sites: list[str]
    forms: int


class StudyVisitOut(Schema):
    """A visit of the schedule and its forms."""

    visit: str
    label: dict[str, str]
    kind: str
    repeats: bool
    forms: list[str]


class StudyItemOut(Schema):
    """An item of a form; ``codes`` with their words where it is chosen from a list."""

    item: str
    label: dict[str, str]
    type: str
    unit: str
    required: bool
    calculated: bool
    identifies: bool
    codes: dict[str, dict[str, str]]


class StudyFormOut(Schema):
    """A form with its items; ``rows``: it is filled in row by row."""

    form: str
    label: dict[str, str]
    rows: bool
    items: list[StudyItemOut]


class StudyOut(Schema):
    """What a version asks: its visits and its forms."""

    version: int
    title: dict[str, str]
    visits: list[StudyVisitOut]
    forms: list[StudyFormOut]


class MigrateIn(Given):
    """Which sites' forms to move (all that the version was released to, without any).

    maps: by ``FORM.ITEM`` the new code or value of old ones. dry: say what would happen.
    """

    dry: bool
    sites: Annotated[list[Code], Field(default_factory=list, max_length=1000)]
    maps: Annotated[dict[Short, dict[str, str]], Field(default_factory=dict)]


class ChangeOut(Schema):
    """What the version does to one form (``item`` empty) or item; unresolved values block."""

    form: Name
    item: str
    kind: str
    detail: str
    unresolved: list[str]


class MovedOut(Schema):
    """What a migration did, or would do."""

    is_dry: bool
    forms: int
    held: list[str]
    signatures: list[str]
    queries: list[str]
    lines: list[ChangeOut]


@router.get("/versions", response={200: Page[StudyVersionOut], **REFUSALS})
def versions(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every version of the study, newest first."""
    _require_view(request)
    found = StudyVersion.objects.defer("files").select_related("loaded_by")
    return page(found.annotate(stand=Count("forminstance")).order_by("-number"), paging, _out)


@router.post("/versions", response={200: StudyVersionOut, **REFUSALS})
def take_in(request: HttpRequest, file: Annotated[UploadedFile, File()]) -> StudyVersionOut:
    """Take in a version from a zip file of the study folder."""
    permissions.actor(request.user, "study.load", None, clock.now().date())  # before it is read
    made = take_in_zip(request.user, file.read(MOST_BYTES + 1))
    return _out(StudyVersion.objects.annotate(stand=Count("forminstance")).get(pk=made.pk))


@router.get("/versions/{version}", response={200: StudyOut, **REFUSALS})
def read_study(request: HttpRequest, version: Which) -> StudyOut:
    """What a version asks: its visits, its forms and their items in both languages."""
    _require_view(request)
    study = study_of(_version(version))
    visits = study.schedule.visits if study.schedule else ()
    return StudyOut(
        version=version,
        title=_words(study.title),
        visits=[
            StudyVisitOut(
                visit=visit.id,
                label=_words(visit.label),
                kind=visit.kind,
                repeats=visit.repeat is not None or visit.kind == "unscheduled",
                forms=list(visit.forms),
            )
            for visit in visits
        ],
        forms=[
            StudyFormOut(
                form=form.form,
                label=_words(form.label),
                rows=bool(form.rows),
                items=list(_items(study, form)),
            )
            for form in study.forms.values()
        ],
    )


@router.post("/versions/{version}/migration", response={200: MovedOut, **REFUSALS})
def move_forms(request: HttpRequest, version: Which, given: MigrateIn) -> MovedOut:
    """Say what moving forms to a version does, or do it; 409 while lines are unresolved."""
    permissions.actor(request.user, "study.migrate", None, clock.now().date())
    one = _version(version)
    chosen = list(Site.objects.filter(code__in=given.sites))
    if len(chosen) < len(set(given.sites)):
        raise Http404
    chosen = chosen or sites_under(one, clock.now().date())
    maps = {_place(place): pairs for place, pairs in given.maps.items()}
    return _moved(migrate(request.user, one, chosen, maps=maps, is_dry=given.dry))


def _require_view(request: HttpRequest) -> None:
    permissions.actor(request.user, "study.view", None, clock.now().date())


def _version(number: int) -> StudyVersion:
    found = StudyVersion.objects.filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _place(text: str) -> tuple[str, str]:
    form, _, item = text.partition(".")
    return form, item


def _items(study: Any, form: Form) -> Iterator[StudyItemOut]:
    for item in form.items:
        yield StudyItemOut(
            item=item.name,
            label=_words(item.label),
            type=item.type,
            unit=item.unit,
            required=item.required,
            calculated=bool(item.calculated),
            identifies=item.identifies,
            codes=_codes(study, item),
        )


def _codes(study: Any, item: Item) -> dict[str, dict[str, str]]:
    return {choice.code: _words(choice.label) for choice in study.choices(item)}


def _words(text: Any) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh or text.en}


def _out(version: Any) -> StudyVersionOut:
    today = clock.now().date()
    return StudyVersionOut(
        version=version.number,
        hash=version.hash,
        loaded_at=utc(version.loaded_at),
        loaded_by=version.loaded_by.username if version.loaded_by else "",
        sites=[site.code for site in sites_under(version, today)],
        forms=version.stand,
    )


def _moved(moved: Moved) -> MovedOut:
    return MovedOut(
        is_dry=moved.is_dry,
        forms=moved.forms,
        held=list(moved.held),
        signatures=list(moved.signatures),
        queries=list(moved.queries),
        lines=[
            ChangeOut(
                form=line.form,
                item=line.item,
                kind=line.kind,
                detail=line.detail,
                unresolved=list(line.unresolved),
            )
            for line in moved.lines
        ],
    )
