"""What the captured data say of a subject's course: the days that the schedule hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from onearm.capture.document import Cell, Document, cells
from onearm.capture.models import FormInstance
from onearm.capture.month import Course, Happened

if TYPE_CHECKING:
    from onearm.capture.models import Subject
    from onearm.study import Study
    from onearm.study.forms import Form

DOSES = (("EX", "EXSTDTC"), ("EX", "EXENDTC"))
"""Targets of the first and the last day of a dose."""

RESPONSE = ("RS", "RSORRES", "OVRLRESP")
"""Variable, column and test of the overall response at a scan."""

PROGRESSION = "PD"


def course_of(study: Study, subject: Subject) -> Course:
    """First and last dose, end of treatment, progression, death and end of study, as captured."""
    documents = FormInstance.objects.filter(event__subject=subject, form__in=telling(study))
    return course_from(study, documents.values_list("form", "data"))


def course_from(study: Study, data: Iterable[tuple[str, Document]]) -> Course:
    """The course that documents (form id, data) tell.

    The items are the ``milestones`` of schedule.yaml; where progression is none of them it is the
    first overall response of PD, dated by its form. The last dose is the latest first or last day
    of any dose. Incomplete dates tell nothing.
    """
    by_form: dict[str, list[Document]] = {}
    for name, document in data:
        by_form.setdefault(name, []).append(document)
    milestones = study.schedule.milestones if study.schedule else {}
    first = {
        name: min(found)
        for name, place in milestones.items()
        if (found := list(_days(by_form, *place.split(".", 1))))
    }
    doses = [
        day
        for form in study.forms.values()
        for item in _items(form, DOSES)
        for day in _days(by_form, form.form, item)
    ]
    return Course(
        consent=first.get("consent"),
        enrolment=first.get("enrolment"),
        first_dose=first.get("first_dose"),
        last_dose=max(doses, default=None),
        end_of_treatment=first.get("end_of_treatment"),
        progression=first.get("progression", _progression(study, by_form)),
        death=first.get("death"),
        end_of_study=first.get("end_of_study"),
    )


def telling(study: Study) -> set[str]:
    """The forms that tell the course."""
    milestones = study.schedule.milestones if study.schedule else {}
    found = {place.partition(".")[0] for place in milestones.values()}
    for form in study.forms.values():
        if _items(form, DOSES) or _response_item(form):
            found.add(form.form)
    return found


def seen_of(subject: Subject) -> dict[tuple[str, int], Happened]:
    """By visit id and repeat what happened at a subject's visits."""
    return {
        (event.visit, event.repeat): Happened(event.date, event.missed_because)
        for event in subject.events.all()
    }


def complete(text: str) -> date | None:
    """The day that a text names; None for none and for an incomplete one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _items(form: Form, targets: Iterable[tuple[str, str]]) -> list[str]:
    wanted = set(targets)
    return [i.name for i in form.items if any((t.domain, t.variable) in wanted for t in i.to)]


def _response_item(form: Form) -> str:
    """The item that holds the overall response; empty where the form has none."""
    domain, variable, test = RESPONSE
    for item in form.items:
        for target in item.to:
            tests = [value for _, value in target.where]
            if (target.domain, target.variable) == (domain, variable) and test in tests:
                return item.name
    return ""


def _progression(study: Study, by_form: dict[str, list[Document]]) -> date | None:
    found: list[date] = []
    for form in study.forms.values():
        item = _response_item(form)
        if not item or not form.date:
            continue
        for document in by_form.get(form.form, ()):
            rows: dict[int, dict[str, Cell]] = {}
            for cell in cells(document):
                rows.setdefault(cell.row, {})[cell.item] = cell
            for row in rows.values():
                day = complete(row[form.date].value) if form.date in row else None
                if item in row and row[item].value == PROGRESSION and day:
                    found.append(day)
    return min(found, default=None)


def _days(by_form: dict[str, list[Document]], form: str, item: str) -> Iterator[date]:
    for document in by_form.get(form, ()):
        for cell in cells(document):
            day = complete(cell.value) if cell.item == item else None
            if day is not None:
                yield day
