"""Many subjects at once for lists and dashboards: schedules and forms in few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from onearm.capture import zones
from onearm.capture.course import course_from, telling
from onearm.capture.models import EventInstance, FormInstance, Signature, Subject
from onearm.capture.month import Course, Happened, Planned, schedule_of
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import said

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.document import Document
    from onearm.capture.models import StudyVersion
    from onearm.study import Study
    from onearm.study.schedule import Visit

Where = tuple[str, int, str]
"""Visit, repeat, form."""


@dataclass(frozen=True, slots=True)
class FormAt:
    """A form as it is kept, without its data. ``is_signed``: a signature stands for its content."""

    pk: int
    version: int
    is_complete: bool
    is_signed: bool = False

    @property
    def state(self) -> str:
        """``signed``, ``complete`` or ``begun``."""
        if self.is_signed:
            return "signed"
        return "complete" if self.is_complete else "begun"


@dataclass(frozen=True, slots=True)
class Overview:
    """One subject with its schedule and the forms that were saved.

    events: ids of the visits that stand, by visit and repeat.
    """

    subject: Subject
    study: Study
    today: date
    course: Course
    planned: list[Planned]
    forms: Mapping[Where, FormAt]
    events: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def expected(self) -> Iterator[tuple[Planned, str, FormAt | None]]:
        """The forms of visits that took place or were begun, saved or not, in their order."""
        begun = {(visit, repeat) for visit, repeat, _ in self.forms}
        for row in self.planned:
            if (row.visit.id, row.repeat) in begun or (row.happened and row.happened.date):
                for form in row.visit.forms:
                    yield row, form, self.forms.get((row.visit.id, row.repeat, form))

    def missing(self) -> Iterator[tuple[Planned, str, FormAt | None]]:
        """Expected forms that nobody saved, and saved ones that lack something required."""
        for row, form, at in self.expected():
            if at is None or not at.is_complete:
                yield row, form, at
        logs = {v.id for v in _visits(self.study) if v.kind == "log"}
        for (visit, repeat, form), at in self.forms.items():
            if visit in logs and not at.is_complete:
                yield log_row(self.study, visit, repeat), form, at

    def others(self) -> list[Planned]:
        """A row for each visit of the study that the schedule has none for yet."""
        known = {row.visit.id for row in self.planned}
        return [log_row(self.study, v.id, 1) for v in _visits(self.study) if v.id not in known]

    def unsigned(self) -> Iterator[tuple[str, int, str]]:
        """Complete forms without a signature that stands."""
        for (visit, repeat, form), at in self.forms.items():
            if at.is_complete and not at.is_signed:
                yield visit, repeat, form


def log_row(study: Study, visit: str, repeat: int) -> Planned:
    """A visit that has no day, as a row of a schedule."""
    known = {v.id: v for v in _visits(study)}
    return Planned(known[visit], repeat, None, None, None, None, "not due")


def label(visit: Visit, repeat: int) -> str:
    """A visit in the reader's language with the number of its repeat."""
    words = said(visit.label)
    if "{n}" in words:
        return words.replace("{n}", str(repeat))
    return f"{words} {repeat}" if repeat > 1 else words


def overviews(subjects: QuerySet[Subject]) -> list[Overview]:
    """Every subject whose site has a released version, in the order of site and number."""
    chosen = list(subjects.select_related("site"))
    versions: dict[int, StudyVersion | None] = {}
    for subject in chosen:
        if subject.site_id not in versions:
            versions[subject.site_id] = version_at(subject.site, zones.today(subject.site))
    studies = {pk: study_of(version) for pk, version in versions.items() if version is not None}
    told = _documents(subjects, set().union(*(telling(study) for study in studies.values())))
    seen, events = _events(subjects)
    forms = _forms(subjects)
    found = []
    for subject in chosen:
        study = studies.get(subject.site_id)
        if study is None:
            continue
        today = zones.today(subject.site)
        course = course_from(study, told[subject.pk])
        planned = schedule_of(study, course, seen[subject.pk], today)
        mine, places = forms[subject.pk], events[subject.pk]
        found.append(Overview(subject, study, today, course, planned, mine, places))
    return found


def _documents(
    subjects: QuerySet[Subject], wanted: set[str]
) -> dict[int, list[tuple[str, Document]]]:
    told: dict[int, list[tuple[str, Document]]] = defaultdict(list)
    rows = FormInstance.objects.filter(event__subject__in=subjects, form__in=wanted)
    for pk, form, data in rows.order_by().values_list("event__subject", "form", "data"):
        told[pk].append((form, data))
    return told


def _events(
    subjects: QuerySet[Subject],
) -> tuple[dict[int, dict[tuple[str, int], Happened]], dict[int, dict[tuple[str, int], int]]]:
    seen: dict[int, dict[tuple[str, int], Happened]] = defaultdict(dict)
    keys: dict[int, dict[tuple[str, int], int]] = defaultdict(dict)
    rows = EventInstance.objects.filter(subject__in=subjects).order_by()
    for pk, subject, visit, repeat, day, missed in rows.values_list(
        "pk", "subject", "visit", "repeat", "date", "missed_because"
    ):
        seen[subject][visit, repeat] = Happened(day, missed)
        keys[subject][visit, repeat] = pk
    return seen, keys


def _forms(subjects: QuerySet[Subject]) -> dict[int, dict[Where, FormAt]]:
    signed: dict[str, str] = {}
    standing = Signature.objects.filter(subject__in=subjects, broken_at=None).order_by("pk")
    for content in standing.values_list("content", flat=True):
        signed.update(content)
    found: dict[int, dict[Where, FormAt]] = defaultdict(dict)
    rows = FormInstance.objects.filter(event__subject__in=subjects).order_by()
    for pk, subject, visit, repeat, form, version, head, is_complete in rows.values_list(
        "pk",
        "event__subject",
        "event__visit",
        "event__repeat",
        "form",
        "version",
        "head",
        "is_complete",
    ):
        is_signed = signed.get(str(pk)) == head
        found[subject][visit, repeat, form] = FormAt(pk, version, is_complete, is_signed)
    return found


def _visits(study: Study) -> tuple[Visit, ...]:
    return study.schedule.visits if study.schedule else ()
