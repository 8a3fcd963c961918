"""What the captured data say of a subject's course: the days that the schedule hangs on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from onearm.capture.document import REMOVED, Document
from onearm.capture.models import FormInstance
from onearm.capture.month import Course

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
    documents = list(data)
    milestones = study.schedule.milestones if study.schedule else {}
    given = _dosing(study)
    days = _days(documents, {*milestones.values(), *given})
    first = {name: min(days[place]) for name, place in milestones.items() if days[place]}
    doses = [day for place in given for day in days[place]]
    return Course(
        consent=first.get("consent"),
        enrolment=first.get("enrolment"),
        first_dose=first.get("first_dose"),
        last_dose=max(doses, default=None),
        end_of_treatment=first.get("end_of_treatment"),
        progression=first.get("progression", _progression(study, documents)),
        death=first.get("death"),
        end_of_study=first.get("end_of_study"),
    )


def telling(study: Study) -> set[str]:
    """The forms that tell the course."""
    milestones = study.schedule.milestones if study.schedule else {}
    found = {place.partition(".")[0] for place in milestones.values()}
    found |= {place.partition(".")[0] for place in _dosing(study)}
    return found | {form.form for form in study.forms.values() if _response_item(form)}


def complete(text: str) -> date | None:
    """The day that a text names; None for none and for an incomplete one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _dosing(study: Study) -> list[str]:
    """``FORM.ITEM`` of the first and the last day of doses."""
    return [
        f"{form.form}.{item.name}"
        for form in study.forms.values()
        for item in form.items
        if any((target.domain, target.variable) in DOSES for target in item.to)
    ]


def _response_item(form: Form) -> str:
    """The item that holds the overall response; empty where the form has none."""
    domain, variable, test = RESPONSE
    for item in form.items:
        for target in item.to:
            tests = [value for _, value in target.where]
            if (target.domain, target.variable) == (domain, variable) and test in tests:
                return item.name
    return ""


def _progression(study: Study, documents: Iterable[tuple[str, Document]]) -> date | None:
    items = {form.form: (_response_item(form), form.date) for form in study.forms.values()}
    found: list[date] = []
    for name, document in documents:
        response, dated = items.get(name, ("", ""))
        if response and dated:
            found += [
                day
                for row in document["rows"]
                if row.get(response) == PROGRESSION and REMOVED not in row
                if isinstance(row.get(dated), str) and (day := complete(row[dated]))
            ]
    return min(found, default=None)


def _days(
    documents: Iterable[tuple[str, Document]], places: Iterable[str]
) -> dict[str, list[date]]:
    """By ``FORM.ITEM`` the complete days that the rows that stand hold."""
    found: dict[str, list[date]] = {place: [] for place in places}
    items: dict[str, list[str]] = {}
    for place in found:
        form, _, item = place.partition(".")
        items.setdefault(form, []).append(item)
    for name, document in documents:
        for row in document["rows"] if name in items else ():
            for item in items[name] if REMOVED not in row else ():
                text = row.get(item)
                day = complete(text) if isinstance(text, str) else None
                if day is not None:
                    found[f"{name}.{item}"].append(day)
    return found
