"""What the captured data say of a subject's course: the days that the schedule hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from onearm.capture.document import Document, cells
from onearm.capture.models import FormInstance
from onearm.capture.month import Course, Happened

if TYPE_CHECKING:
    from onearm.capture.models import Subject
    from onearm.study import Study


def course_of(study: Study, subject: Subject) -> Course:
    """First and last dose, end of treatment, progression, death and end of study, as captured.

    The items are the ``milestones`` of schedule.yaml; incomplete dates tell nothing.
    """
    milestones = study.schedule.milestones if study.schedule else {}
    forms = {place.partition(".")[0] for place in milestones.values()}
    documents = FormInstance.objects.filter(event__subject=subject, form__in=forms)
    data = list(documents.values_list("form", "data"))
    days = {name: sorted(_days(data, place)) for name, place in milestones.items()}
    first = {name: found[0] for name, found in days.items() if found}
    doses = days.get("first_dose", [])
    return Course(
        first_dose=first.get("first_dose"),
        last_dose=doses[-1] if doses else None,
        end_of_treatment=first.get("end_of_treatment"),
        progression=first.get("progression"),
        death=first.get("death"),
        end_of_study=first.get("end_of_study"),
    )


def seen_of(subject: Subject) -> dict[tuple[str, int], Happened]:
    """By visit id and repeat what happened at a subject's visits."""
    return {
        (event.visit, event.repeat): Happened(event.date, event.missed_because)
        for event in subject.events.all()
    }


def _days(data: list[tuple[str, Document]], place: str) -> Iterator[date]:
    form, _, item = place.partition(".")
    for name, document in data:
        if name == form:
            for cell in cells(document):
                if cell.item == item:
                    yield from _complete(cell.value)


def _complete(text: str) -> Iterator[date]:
    try:
        yield date.fromisoformat(text)
    except ValueError:
        return
