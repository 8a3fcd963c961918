"""What is kept beside the laboratory results of many forms at once, as a file brings them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture.document import Document, applied, cells
from onearm.capture.models import FormInstance
from onearm.capture.ranges import Book, analytes, kept_beside, whose
from onearm.capture.studies import study_of
from onearm.capture.surroundings import AGE, SEX, home_of

if TYPE_CHECKING:
    from onearm.study import Study


@dataclass(frozen=True, slots=True)
class Loaded:
    """A form on its way in: as it stands (unsaved where it is new), and what the file changes."""

    instance: FormInstance
    change: Document


def with_ranges_all(loads: Iterable[Loaded]) -> Iterator[Document]:
    """Each form's change with ranges and SI values, in the order given; others as they are.

    Sex and age are those of the file where it brings them, else those that stand.
    """
    loads = list(loads)
    books: dict[int, Book] = {}
    people: dict[int, tuple[str, int | None]] = {}
    for study, mine in _by_study(loads):
        people |= _people(study, loads, mine)
    for one in loads:
        version = one.instance.study_version
        study = study_of(version)
        form = study.forms.get(one.instance.form)
        tests = analytes(form) if form else {}
        if form is None or not tests:
            yield one.change
            continue
        if version.pk not in books:
            books[version.pk] = Book(
                study, {test for each in study.forms.values() for test in analytes(each).values()}
            )
        data = applied(one.instance.data, one.change)
        who = people[one.instance.event.subject_id]
        yield kept_beside(books[version.pk], form, one.instance.data, data, one.change, who)


def _by_study(loads: list[Loaded]) -> Iterator[tuple[Study, set[int]]]:
    """Each study version with the subjects whose laboratory forms are loaded under it."""
    subjects: dict[int, set[int]] = {}
    studies = {one.instance.study_version_id: study_of(one.instance.study_version) for one in loads}
    for one in loads:
        version = one.instance.study_version_id
        form = studies[version].forms.get(one.instance.form)
        if form is not None and analytes(form):
            subjects.setdefault(version, set()).add(one.instance.event.subject_id)
    for version, mine in subjects.items():
        yield studies[version], mine


def _people(
    study: Study, loads: list[Loaded], subjects: set[int]
) -> dict[int, tuple[str, int | None]]:
    """Sex and age by subject."""
    homes = [home_of(study, SEX), home_of(study, AGE)]
    forms = {home[0] for home in homes if home}
    stand = FormInstance.objects.filter(form__in=forms, event__subject__in=subjects)
    documents: dict[tuple[int, str], Document] = {
        (subject, form): data
        for subject, form, data in stand.order_by("pk").values_list(
            "event__subject_id", "form", "data"
        )
    }
    for one in loads:
        where = (one.instance.event.subject_id, one.instance.form)
        if one.instance.form in forms and where[0] in subjects:
            documents[where] = applied(one.instance.data, one.change)
    return {
        subject: whose(*(_value(documents, subject, home) for home in homes))
        for subject in subjects
    }


def _value(
    documents: Mapping[tuple[int, str], Document], subject: int, home: tuple[str, ...]
) -> str:
    if not home or (subject, home[0]) not in documents:
        return ""
    named = (c.value for c in cells(documents[subject, home[0]]) if c.item == home[1] and c.value)
    return next(named, "")
