"""Places in the reader's words: a form of a visit of a subject, and whatever a target names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from onearm.capture import zones
from onearm.capture.models import EventInstance, FormInstance, StudyVersion
from onearm.capture.overview import label
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from onearm.capture.models import Query
    from onearm.study import Study

BETWEEN = " · "


def visit_said(study: Study, visit: str, repeat: int) -> str:
    """A visit with the number of its repeat; its id where the study does not have it."""
    known = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    if visit in known:
        return label(known[visit], repeat)
    return f"{visit} {repeat}" if repeat > 1 else visit


def form_said(study: Study, form: str) -> str:
    """The words of a form; its id where the study does not have it."""
    return said(study.forms[form].label) if form in study.forms else form


def item_said(study: Study, form: str, item: str) -> str:
    """The words of an item; its name where the study does not have it."""
    items = study.forms[form].items if form in study.forms else ()
    return next((said(each.label) for each in items if each.name == item), item)


def form_at(study: Study, event: EventInstance, form: str) -> str:
    """``01-001 · Screening · Vital signs``: whose form of which visit."""
    visit = visit_said(study, event.visit, event.repeat)
    return BETWEEN.join((event.subject.code, visit, form_said(study, form)))


def query_place(query: Query, studies: dict[int, Study | None]) -> str:
    """Where a query stands: visit, form, row of a repeating form, item.

    studies: by site the study that it works with; filled as sites are met.
    """
    site = query.subject.site
    if site.pk not in studies:
        version = version_at(site, zones.today(site))
        studies[site.pk] = study_of(version) if version else None
    study = studies[site.pk]
    if study is None:
        return BETWEEN.join(filter(None, (query.visit, query.form, query.item)))
    has_rows = query.form in study.forms and bool(study.forms[query.form].rows)
    named = [
        visit_said(study, query.visit, query.repeat) if query.visit else "",
        form_said(study, query.form) if query.form else "",
        f"{say('history.row')} {query.row}" if has_rows and query.row else "",
        item_said(study, query.form, query.item) if query.item else "",
    ]
    return BETWEEN.join(filter(None, named))


def target_said(target: str) -> str:
    """What a target (as in `Hold`) names; the target itself where there is no such thing."""
    return targets_said([target])[target]


def targets_said(targets: Iterable[str]) -> dict[str, str]:
    """Each target (as in `Hold`) with what it names, in two queries however many there are."""
    wanted = {target: target.split(":") for target in targets}
    events = _events({parts[1] for parts in wanted.values() if parts[0] == "event"})
    forms = _forms({parts[1] for parts in wanted.values() if parts[0] in ("form", "item")})
    return {target: _said(parts, events, forms) or target for target, parts in wanted.items()}


def _said(
    parts: list[str], events: Mapping[str, EventInstance], forms: Mapping[str, FormInstance]
) -> str:
    """Empty where the parts name nothing."""
    level, rest = parts[0], parts[1:]
    if parts == ["study"]:
        return say("level.study")
    if level == "site" and rest:
        return f"{say('column.site')} {rest[0]}"
    if level == "subject" and rest:
        return f"{rest[0]}{BETWEEN}{say('level.subject')}"
    if level == "event" and rest and rest[0] in events:
        return _event_said(events[rest[0]])
    if level in ("form", "item") and rest and rest[0] in forms:
        return _form_said(forms[rest[0]], rest[1:])
    return ""


def _event_said(event: EventInstance) -> str:
    newest = StudyVersion.objects.defer("files").order_by("-number").first()
    if newest is None:
        return ""
    visit = visit_said(study_of(newest), event.visit, event.repeat)
    return f"{event.subject.code}{BETWEEN}{visit}"


def _form_said(form: FormInstance, cell: list[str]) -> str:
    """A form, with the row of a repeating one and the item where the target goes on to them."""
    study = study_of(form.study_version)
    named = [form_at(study, form.event, form.form)]
    has_rows = form.form in study.forms and bool(study.forms[form.form].rows)
    if cell and has_rows:
        named.append(f"{say('history.row')} {cell[0]}")
    if len(cell) > 1 and cell[1]:
        named.append(item_said(study, form.form, cell[1]))
    return BETWEEN.join(named)


def _events(keys: Iterable[str]) -> dict[str, EventInstance]:
    found = EventInstance.objects.filter(pk__in=[key for key in keys if key.isdecimal()])
    return {str(event.pk): event for event in found.select_related("subject")}


def _forms(keys: Iterable[str]) -> dict[str, FormInstance]:
    found = FormInstance.objects.filter(pk__in=[key for key in keys if key.isdecimal()])
    chosen = found.select_related("event__subject", "study_version")
    return {str(form.pk): form for form in chosen.defer("data", "study_version__files")}
