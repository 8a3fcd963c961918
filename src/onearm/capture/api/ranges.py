"""Normal ranges of laboratories: read, added, ended, loaded from files; results of another time."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Query, Router, Schema, UploadedFile
from pydantic import Field

from onearm.capture import clock, permissions
from onearm.capture import ranges as ranges_now
from onearm.capture.actions import ranges as actions
from onearm.capture.actions.take_file import MOST_BYTES, RANGES, keep, load_ranges
from onearm.capture.api.shapes import (
    REFUSALS,
    Day,
    FatesOut,
    Given,
    Line,
    Number,
    Page,
    Paging,
    Short,
    a_file,
    fates,
    page,
)
from onearm.capture.export.layout import newest_study
from onearm.capture.models import LabRange, TakenFile
from onearm.capture.range_rules import COLUMNS, Span, gaps, lacking
from onearm.capture.ranges_since import Since, stale_results
from onearm.capture.sending import as_csv
from onearm.capture.visible import can
from onearm.study import Study

router = Router()
Cut = Annotated[str, Query(max_length=80)]
Age = Annotated[int, Field(ge=0, le=ranges_now.TO_AGE)]


class RangeOut(Schema):
    """One range: it holds from its first day (or age) until before its last; no end: for good."""

    number: int
    laboratory: str
    analyte: str
    unit: str
    sex: str
    age_from: int
    age_to: int
    low: str
    high: str
    begins: date
    ends: date | None


class RangeIn(Given):
    """A range to add; an empty sex is both. replaces: end the one without an end that it meets."""

    laboratory: Short
    analyte: Short
    unit: Short = ""
    sex: Short = ""
    age_from: Age | None = None
    age_to: Age | None = None
    low: Short = ""
    high: Short = ""
    begins: Day
    ends: Day | None = None
    replaces: bool = False


class EndIn(Given):
    """From which day a range no longer holds, and why."""

    day: Day
    reason: Line


class LackOut(Schema):
    """A laboratory and the words of what the study asks for and it has no range of."""

    laboratory: str
    analytes: list[str]


class HolesOut(Schema):
    """What the ranges leave open: people or days without one, and analytes without any."""

    gaps: list[str]
    lacking: list[LackOut]


class LimitsOut(Schema):
    """The limits that a result was compared with, or would be; ``source`` says whose they are."""

    source: str
    low: str
    high: str
    unit: str


class SinceOut(Schema):
    """A stored result with its range as stored and today's; ``flag`` is L, H or empty."""

    subject: str
    visit: str
    repeat: int
    form: str
    row: int
    label: str
    value: str
    unit: str
    was: LimitsOut | None
    was_flag: str
    now: LimitsOut | None
    now_flag: str


class RangeFileOut(Schema):
    """A file of ranges that was handed in; nothing of it holds before it is loaded."""

    number: int
    name: str
    sha256: str
    account: dict[str, Any]


class LoadRangesIn(Given):
    """Whether to say what would happen (dry) or to load; replaces: as for one range."""

    dry: bool
    replaces: bool = False


class RangeLineOut(Schema):
    """What becomes of a line: new, changed (it ends a range), same or refused, and why."""

    line: int
    fate: str
    range: str
    why: list[str]
    ends: list[str]


class RangeAccountOut(FatesOut):
    """Every line with its fate, and what the ranges would then leave open."""

    lines: list[RangeLineOut]
    gaps: list[str]


@router.get("/ranges", response={200: Page[RangeOut], **REFUSALS})
def ranges(
    request: HttpRequest, paging: Query[Paging], laboratory: Cut = "", analyte: Cut = ""
) -> Any:
    """Every range, ended ones too, in the order in which they were added."""
    _require_reader(request)
    found = LabRange.objects.order_by("pk")
    if laboratory:
        found = found.filter(laboratory=laboratory)
    if analyte:
        found = found.filter(analyte=analyte)
    return page(found, paging, _out)


@router.post("/ranges", response={200: RangeOut, **REFUSALS})
def add(request: HttpRequest, given: RangeIn) -> RangeOut:
    """Add a range; refused with everything that is wrong with it."""
    fields = given.dict(exclude={"replaces"})
    texts = {name: "" if value is None else str(value) for name, value in fields.items()}
    return _out(actions.add_range(request.user, texts, replaces=given.replaces))


@router.post("/ranges/{number}/end", response={200: RangeOut, **REFUSALS})
def end(request: HttpRequest, number: Number, given: EndIn) -> RangeOut:
    """End a range on a day; results that were compared with it keep it."""
    _require_editor(request)
    if not LabRange.objects.filter(pk=number).exists():
        raise Http404
    return _out(actions.end_range(request.user, number, given.day, given.reason))


@router.get("/ranges/holes", response={200: HolesOut, **REFUSALS})
def holes(request: HttpRequest) -> HolesOut:
    """For whom, when and of what there is no range."""
    _require_reader(request)
    spans = [Span.of(one) for one in LabRange.objects.order_by("pk")]
    return HolesOut(
        gaps=list(gaps(spans)),
        lacking=[
            LackOut(laboratory=name, analytes=list(labels))
            for name, labels in lacking(_study(), spans)
        ],
    )


@router.get("/ranges/results", response={200: Page[SinceOut], **REFUSALS})
def results(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Stored results that would be compared with another range today, at the person's sites."""
    _require_reader(request)
    sites = permissions.sites_of(request.user, "form.view", clock.now().date())
    return page(list(stale_results(sites)), paging, _since)


@router.get("/ranges/template", response=REFUSALS, openapi_extra=a_file("text/csv"))
def template(request: HttpRequest) -> HttpResponse:
    """A CSV file to fill in: what the study asks for, in its units."""
    _require_reader(request)
    # The mark by which spreadsheets know UTF-8, as on the page.
    return as_csv(["\ufeff", actions.template(_study())], "laboratory_ranges.csv")


@router.post("/ranges/files", response={200: RangeFileOut, **REFUSALS})
def hand_in(request: HttpRequest, file: Annotated[UploadedFile, File()]) -> RangeFileOut:
    """Hand in a CSV file of ranges; nothing is loaded yet. The same file is kept once."""
    _require_editor(request)  # before the file is read
    return _file_out(keep(request.user, file.name or "", RANGES, file.read(MOST_BYTES + 1)))


@router.post("/ranges/files/{number}/load", response={200: RangeAccountOut, **REFUSALS})
def load(request: HttpRequest, number: Number, given: LoadRangesIn) -> RangeAccountOut:
    """Say what would happen with every line of a file of ranges, or load it."""
    _require_editor(request)
    file = TakenFile.objects.filter(pk=number, kind=RANGES).first()
    if file is None:
        raise Http404
    return _account(load_ranges(request.user, file, replaces=given.replaces, is_dry=given.dry))


def _require_reader(request: HttpRequest) -> None:
    if not can(request.user, "form.view", None):
        _require_editor(request)


def _require_editor(request: HttpRequest) -> None:
    permissions.actor(request.user, actions.RIGHT, None, clock.now().date())


def _study() -> Study:
    study = newest_study()
    if study is None:
        raise Http404
    return study


def _out(one: LabRange) -> RangeOut:
    return RangeOut(number=one.pk, **{name: getattr(one, name) for name in COLUMNS})


def _since(one: Since) -> SinceOut:
    return SinceOut(
        subject=one.subject,
        visit=one.visit,
        repeat=one.repeat,
        form=one.form,
        row=one.row,
        label=one.label,
        value=one.value,
        unit=one.unit,
        was=_limits(one.was),
        was_flag=one.was_flag,
        now=_limits(one.now),
        now_flag=one.now_flag,
    )


def _limits(one: ranges_now.Range | None) -> LimitsOut | None:
    if one is None:
        return None
    return LimitsOut(source=one.source, low=one.low, high=one.high, unit=one.unit)


def _file_out(file: TakenFile) -> RangeFileOut:
    return RangeFileOut(number=file.pk, name=file.name, sha256=file.sha256, account=file.account)


def _account(made: actions.Account) -> RangeAccountOut:
    return RangeAccountOut(
        **fates(made).dict(),
        lines=[
            RangeLineOut(
                line=line.number,
                fate=line.fate,
                range=str(line.span) if line.span else "",
                why=list(line.why),
                ends=list(map(str, line.ends)),
            )
            for line in made.lines
        ],
        gaps=list(made.gaps),
    )
