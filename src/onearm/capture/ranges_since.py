"""Stored results that would be compared with another range today, and how they would be judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture.document import KEY, cells
from onearm.capture.models import FormInstance, StudyVersion
from onearm.capture.ranges import Book, Range, analytes, found, stored_range, whose
from onearm.capture.studies import study_of
from onearm.capture.surroundings import AGE, SEX, home_of
from onearm.capture.words import said

if TYPE_CHECKING:
    from onearm.capture.models import Site
    from onearm.study import Study

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Since:
    """One result: where it is (``place``: the visit in words), its range as stored and today's."""

    subject: str
    visit: str
    repeat: int
    form: str
    row: int
    place: str
    label: str
    value: str
    unit: str
    was: Range | None
    now: Range | None

    @property
    def was_flag(self) -> str:
        """Low, high or neither, as it was judged."""
        return self.was.flag(self.value) if self.was else ""

    @property
    def now_flag(self) -> str:
        """The same by the range of today."""
        return self.now.flag(self.value) if self.now else ""

    @property
    def changes_flag(self) -> bool:
        """Whether it would be judged otherwise."""
        return self.was_flag != self.now_flag


def stale_results(sites: Iterable[Site]) -> Iterator[Since]:
    """By subject, visit and form; nothing is rewritten: the form of each has to be saved for that.

    A result is named where the limits differ, or where it has a range now and had none, or the
    other way round.
    """
    sites = list(sites)
    for version in StudyVersion.objects.order_by("number"):
        study = study_of(version)
        forms = {form.form: analytes(form) for form in study.forms.values() if analytes(form)}
        if forms:
            yield from _of_version(study, version, forms, sites)


def _of_version(
    study: Study, version: StudyVersion, forms: dict[str, dict[str, str]], sites: list[Site]
) -> Iterator[Since]:
    book = Book(study, {test for tests in forms.values() for test in tests.values()})
    people = _people(study, sites)
    saved = FormInstance.objects.filter(
        event__subject__site__in=sites, study_version=version, form__in=list(forms)
    ).order_by("event__subject__code", "event__date", "event_id", "form")
    place = ("event__subject__code", "event__visit", "event__repeat", "form", "data")
    for subject, visit, repeat, form_id, data in saved.values_list(*place).iterator(BATCH):
        form = study.forms[form_id]
        given = [cell for cell in cells(data) if cell.value]
        fits = found(book, form, given, people.get(subject, ("", None)))
        rows = {row[KEY]: row for row in data["rows"]}
        for cell in given:
            if cell.item not in forms[form_id]:
                continue
            was, now = stored_range(rows[cell.row], cell.item), fits.get((cell.row, cell.item))
            if now.is_as(was) if now else was is None:
                continue
            item = form.item(cell.item)
            yield Since(
                subject, visit, repeat, form_id, cell.row if form.rows else 0,
                _place(study, visit, repeat), said(item.label), cell.value, item.unit, was, now,
            )  # fmt: skip


def _place(study: Study, visit: str, repeat: int) -> str:
    visits = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    return said(visits[visit].label).replace("{n}", str(repeat)) if visit in visits else visit


def _people(study: Study, sites: list[Site]) -> dict[str, tuple[str, int | None]]:
    """Sex and age by subject code."""
    homes = [home_of(study, SEX), home_of(study, AGE)]
    stand = FormInstance.objects.filter(
        event__subject__site__in=sites, form__in={home[0] for home in homes if home}
    ).order_by("pk")
    known: dict[str, dict[tuple[str, ...], str]] = {}
    for subject, form, data in stand.values_list("event__subject__code", "form", "data"):
        for cell in cells(data):
            if (form, cell.item) in homes and cell.value:
                known.setdefault(subject, {})[form, cell.item] = cell.value
    return {
        subject: whose(*(values.get(home, "") for home in homes))
        for subject, values in known.items()
    }
