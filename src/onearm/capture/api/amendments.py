"""Versions of the study: taken in, read, and forms moved to one after a dry run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema, UploadedFile
from pydantic import Field

from onearm.capture import checkspec, clock, permissions, visible
from onearm.capture.actions.amend import MOST_BYTES, looked_at, record_look, take_in_zip
from onearm.capture.actions.migrate import Moved, migrate
from onearm.capture.actions.take_lists import take_checks
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Given,
    Line,
    Name,
    Page,
    Paging,
    Short,
    a_file,
    page,
    utc,
)
from onearm.capture.models import Site, StudyVersion
from onearm.capture.sending import as_csv
from onearm.capture.studies import sites_under, study_of

if TYPE_CHECKING:
    from onearm.study.forms import Form as StudyForm
    from onearm.study.forms import Item

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


class LookOut(Schema):
    """Who looked at the forms and checks of a version, in which role, and when."""

    by: str
    role: str
    at: datetime


class CheckOut(Schema):
    """One check of a version; ``change`` against the version before: added, changed, removed, same.

    cases: how many of each outcome. changed: what of it is another.
    """

    check: str
    form: str
    item: str
    severity: str
    when: str
    require: str
    text: dict[str, str]
    source: str
    cases: str
    change: str
    changed: list[str]


class RewordedIn(Given):
    """Why words of codes change and their meaning does not, where they change."""

    reworded: Line = ""


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
    """What a migration did, or would do.

    calculated: items that are calculated otherwise, with their values before and after.
    """

    is_dry: bool
    forms: int
    held: list[str]
    signatures: list[str]
    queries: list[str]
    calculated: list[str]
    lines: list[ChangeOut]


@router.get("/versions", response={200: Page[StudyVersionOut], **REFUSALS})
def versions(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every version of the study, newest first."""
    _require_view(request)
    found = StudyVersion.objects.defer("files").select_related("loaded_by")
    return page(found.annotate(stand=Count("forminstance")).order_by("-number"), paging, _out)


@router.post("/versions", response={200: StudyVersionOut, **REFUSALS})
def take_in(
    request: HttpRequest,
    file: Annotated[UploadedFile, File()],
    given: Annotated[RewordedIn, Form()],
) -> StudyVersionOut:
    """Take in a version from a zip file of the study folder."""
    permissions.actor(request.user, "study.load", None, clock.now().date())  # before it is read
    made = take_in_zip(request.user, file.read(MOST_BYTES + 1), reworded=given.reworded)
    return _out(StudyVersion.objects.annotate(stand=Count("forminstance")).get(pk=made.pk))


@router.get("/versions/{version}", response={200: StudyOut, **REFUSALS})
def read_study(request: HttpRequest, version: Which) -> StudyOut:
    """What a version asks: its visits, its forms and their items in both languages."""
    study = study_of(visible.version(request.user, version))
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


@router.get("/versions/{version}/looks", response={200: list[LookOut], **REFUSALS})
def looks(request: HttpRequest, version: Which) -> list[LookOut]:
    """Who looked at a version before data were entered under it, first to last."""
    found = looked_at(visible.version(request.user, version))
    return [LookOut(by=look.who, role=look.role, at=utc(look.at)) for look in found]


@router.post("/versions/{version}/looks", response={200: list[LookOut], **REFUSALS})
def look(request: HttpRequest, version: Which) -> list[LookOut]:
    """Put into the trail that the person looked at the forms and checks of a version."""
    record_look(request.user, visible.version(request.user, version))
    return looks(request, version)


@router.get("/versions/{version}/checks", response={200: Page[CheckOut], **REFUSALS})
def checks(request: HttpRequest, version: Which, paging: Query[Paging]) -> Any:
    """Every check of a version with what changed since the version before."""
    one = visible.version(request.user, version)
    return page(checkspec.lines(one, study_of(one)), paging, _check)


@router.get("/versions/{version}/{what}/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def checks_file(
    request: HttpRequest, version: Which, what: Literal["checks", "cases"]
) -> HttpResponse:
    """The checks of a version, or their cases as they come out now, as CSV; the trail keeps who."""
    one = visible.version(request.user, version)
    headings, rows = checkspec.TABLES[what](one, study_of(one))
    lines = take_checks(request.user, version, what, headings, rows)
    return as_csv(lines, f"{what}_version_{version}.csv")


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


def _items(study: Any, form: StudyForm) -> Iterator[StudyItemOut]:
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


def _check(line: checkspec.Line) -> CheckOut:
    return CheckOut(
        check=line.id,
        form=line.form,
        item=line.item,
        severity=line.severity,
        when=line.when,
        require=line.require,
        text={"en": line.text_en, "zh": line.text_zh},
        source=line.source,
        cases=line.cases,
        change=line.change,
        changed=list(line.changed),
    )


def _moved(moved: Moved) -> MovedOut:
    return MovedOut(
        is_dry=moved.is_dry,
        forms=moved.forms,
        held=list(moved.held),
        signatures=list(moved.signatures),
        queries=list(moved.queries),
        calculated=list(moved.calculated),
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
