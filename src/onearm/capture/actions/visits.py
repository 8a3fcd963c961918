"""When visits took place: the day that their forms give, kept beside the visit for lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from onearm.capture.document import Document, cells
from onearm.records.visits import VISIT_DATE, items_for

if TYPE_CHECKING:
    from onearm.capture.models import EventInstance
    from onearm.study import Study


def dated(study: Study, documents: Iterable[tuple[str, Document]]) -> date | None:
    """The day of a visit from its forms' documents (form id, data).

    The item that fills SV.SVSTDTC dates the visit; without it the earliest date of a form does.
    Incomplete dates tell nothing.
    """
    own: list[date] = []
    others: list[date] = []
    for form_id, data in documents:
        form = study.forms.get(form_id)
        if form is None:
            continue
        visit_items = items_for(form, VISIT_DATE)
        for cell in cells(data):
            if cell.item in visit_items:
                own += _complete(cell.value)
            elif cell.item == form.date:
                others += _complete(cell.value)
    return min(own or others, default=None)


def keep_date(study: Study, event: EventInstance) -> None:
    """Bring the visit's date in line with its forms; visits that hold running forms have none."""
    visits = {visit.id: visit for visit in study.schedule.visits} if study.schedule else {}
    visit = visits.get(event.visit)
    if visit is None or visit.kind == "log":
        return
    day = dated(study, event.forms.values_list("form", "data"))
    if day != event.date:
        event.date = day
        event.save(update_fields=["date"])


def _complete(text: str) -> list[date]:
    try:
        return [date.fromisoformat(text)]
    except ValueError:
        return []
