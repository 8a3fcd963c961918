"""What lies around one form of one visit: the same form before, and the forms it is judged with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from onearm.capture.document import Cell, Document, cells, empty
from onearm.capture.models import FormInstance
from onearm.records import live
from onearm.records.entry import ENTRY

if TYPE_CHECKING:
    from datetime import date

    from onearm.capture.models import Subject
    from onearm.study import Study
    from onearm.study.forms import Form

SEX, AGE = ("DM", "SEX"), ("DM", "AGE")


@dataclass(frozen=True, slots=True)
class Place:
    """Which form of which visit of whom, whether it was saved or not."""

    study: Study
    subject: Subject
    visit: str
    repeat: int
    form: Form

    @property
    def order(self) -> float:
        """The visit's place in the schedule."""
        return visit_order(self.study, self.visit, self.repeat)


@dataclass(frozen=True, slots=True)
class Around:
    """Saved forms of the subject: this one, the same at other visits, and those it reads from.

    now: the form itself where it was saved. same: the same form at earlier visits, first to last.
    """

    place: Place
    instances: tuple[FormInstance, ...]
    now: FormInstance | None
    same: tuple[FormInstance, ...]

    @property
    def data(self) -> Document:
        """The form's document as it stands; empty where nobody saved it."""
        return self.now.data if self.now else empty()


def visit_order(study: Study, visit: str, repeat: int) -> float:
    """A number by which visits stand as the schedule has them; unknown visits come last."""
    known = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    if visit not in known:
        return float("inf")
    return known[visit].number + (repeat - 1) * known[visit].step


def look_around(place: Place) -> Around:
    """One query for everything that the page of a form needs of the subject's other forms."""
    needed = {place.form.form, *home_of(place.study, SEX)[:1], *home_of(place.study, AGE)[:1]}
    read = live.followed(place.study, place.form.form)
    instances = FormInstance.objects.filter(event__subject=place.subject)
    instances = instances.select_related("event", "study_version").defer("study_version__files")
    found = tuple(instances if read is None else instances.filter(form__in=needed | read))
    for instance in found:
        instance.event.subject = place.subject  # known already, with its site
    mine = [i for i in found if i.form == place.form.form]
    here = (place.visit, place.repeat)
    now = next((i for i in mine if (i.event.visit, i.event.repeat) == here), None)
    return Around(place, found, now, tuple(_earlier(place, now, mine)))


def home_of(study: Study, target: tuple[str, str]) -> tuple[str, ...]:
    """The form and the item that fill a variable of SDTM; empty where none does."""
    for form in study.forms.values():
        for item in form.items:
            if any((t.domain, t.variable) == target for t in item.to):
                return (form.form, item.name)
    return ()


def value_of(around: Around, target: tuple[str, str]) -> str:
    """The subject's value for a variable that is asked once; empty where it was not entered."""
    home = home_of(around.place.study, target)
    for instance in around.instances:
        if home and instance.form == home[0]:
            for cell in cells(instance.data):
                if cell.item == home[1] and cell.value:
                    return cell.value
    return ""


def _earlier(
    place: Place, now: FormInstance | None, mine: list[FormInstance]
) -> Iterator[FormInstance]:
    """The same form at visits before this one: by their dates, by the schedule without dates."""
    today = now.event.date if now else None

    def before(other: FormInstance) -> bool:
        day: date | None = other.event.date
        if today is not None and day is not None and day != today:
            return day < today
        if today is None and _is_unscheduled(place, place.visit):
            return True
        return visit_order(place.study, other.event.visit, other.event.repeat) < place.order

    others = [i for i in mine if i is not now and before(i)]
    yield from sorted(
        others,
        key=lambda i: (
            i.event.date is not None,
            i.event.date or i.saved_at.date(),
            visit_order(place.study, i.event.visit, i.event.repeat),
        ),
    )


def _is_unscheduled(place: Place, visit: str) -> bool:
    visits = place.study.schedule.visits if place.study.schedule else ()
    return any(v.id == visit and v.kind == "unscheduled" for v in visits)


@dataclass(frozen=True, slots=True)
class Asked:
    """Skip logic and calculations at this visit, by row key and item.

    asked: certainly asked. hidden: filled and certainly not asked. calculated: as text.
    """

    asked: frozenset[tuple[int, str]]
    hidden: frozenset[tuple[int, str]]
    calculated: Mapping[tuple[int, str], str]


def asked(around: Around, data: Document, rows: Iterable[int]) -> Asked:
    """What the form asks when it stands as ``data``; rows: keys shown, with those still empty."""
    place = around.place
    if not any(item.shown_when or item.calculated for item in place.form.items):
        return Asked(frozenset(), frozenset(), {})
    # An empty row has no entry; one without value and reason makes it a row to be judged.
    first = place.form.items[0].name
    mine = [*cells(data), *(Cell(key, first) for key in _empty_rows(data, rows))]
    follow = live.follows(place.study, frame(around, mine), place.form.form)
    here = (place.visit, place.repeat)
    return Asked(
        frozenset((row, item) for v, r, row, item in follow.asked if (v, r) == here),
        frozenset((row, item) for v, r, row, item in follow.hidden if (v, r) == here),
        {
            (row, item): text
            for (v, r, row, item), text in follow.calculated.items()
            if (v, r) == here
        },
    )


def frame(around: Around, mine: Iterable[Cell]) -> pl.DataFrame:
    """The entries around with these cells as the form's own."""
    place = around.place
    reads_all = live.followed(place.study, place.form.form) is None
    parts = [
        (i.event.visit, i.event.repeat, i.form, cells(i.data))
        for i in around.instances
        if i is not around.now and (reads_all or i.form != place.form.form)
    ]
    parts.append((place.visit, place.repeat, place.form.form, iter(mine)))
    who = (place.subject.site.code, place.subject.code)
    columns: list[tuple[object, ...]] = [
        (*who, visit, repeat, form, c.row, c.item, c.value or None, c.reason or None)
        for visit, repeat, form, found in parts
        for c in found
    ]
    return pl.DataFrame(columns, schema=dict(ENTRY), orient="row")


def _empty_rows(data: Document, rows: Iterable[int]) -> list[int]:
    filled = {cell.row for cell in cells(data)}
    return [key for key in rows if key not in filled]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a cell held at the visit before: the value and that visit."""

    value: str
    visit: str
    repeat: int


def previous_values(around: Around) -> dict[tuple[str, str], Earlier]:
    """By key of the repeating row (empty on other forms) and item the last value before.

    Forms with repeating rows and no key have none: their rows do not come again.
    """
    form = around.place.form
    if form.rows and not form.key:
        return {}
    found: dict[tuple[str, str], Earlier] = {}
    for instance in around.same:
        keys = {c.row: c.value for c in cells(instance.data) if c.item == form.key}
        for cell in cells(instance.data):
            key = keys.get(cell.row, "") if form.key else ""
            if cell.value and (key or not form.key):
                event = instance.event
                found[key, cell.item] = Earlier(cell.value, event.visit, event.repeat)
    return found
