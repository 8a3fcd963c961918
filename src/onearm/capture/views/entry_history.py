"""The history of a form and of one cell, in words: who, when, what it was and is, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, render

from onearm.capture import clock, identity, options, permissions, words, zones
from onearm.capture.actions.identity import note_read
from onearm.capture.document import KEY, REMOVED, applied, empty
from onearm.capture.models import FormInstance, FormVersion
from onearm.capture.studies import study_of
from onearm.capture.views.entry_posted import reason_said
from onearm.capture.views.entry_sheet import split
from onearm.capture.words import said

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.study import Study


@dataclass(frozen=True, slots=True)
class Change:
    """One cell in one save: where it is, in words, what stood before and after."""

    row: int
    item: str
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Save:
    """One version: its number, who saved it in which role, when, how, why, and what changed."""

    number: int
    who: str
    role: str
    at: str
    origin: str
    reason: str
    changes: tuple[Change, ...]


@login_required
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Every version of a form, newest first."""
    instance = _visible(request, pk)
    study = study_of(instance.study_version)
    note_read(request.user, study.forms[instance.form], instance)
    hidden = identity.hidden_in(request.user, study, instance)
    context = {
        "instance": instance,
        "subject": instance.event.subject,
        "title": said(study.forms[instance.form].label),
        "rows": words.say("history.row") if study.forms[instance.form].rows else "",
        "saves": list(_saves(study, instance, hidden))[::-1],
    }
    return render(request, "capture/history.html", context)


@login_required
def cell_history(request: HttpRequest, pk: int, row: int, item: str) -> HttpResponse:
    """Every value that one cell had, newest first."""
    instance = _visible(request, pk)
    study = study_of(instance.study_version)
    items = {i.name: i for i in study.forms[instance.form].items}
    if item not in items:
        raise Http404
    note_read(request.user, study.forms[instance.form], instance)
    found = [
        (save, change)
        for save in _saves(study, instance, identity.hidden_in(request.user, study, instance))
        for change in save.changes
        if (change.row, change.item) == (row, item)
    ]
    is_part = bool(request.headers.get("HX-Request"))
    context = {
        "label": said(items[item].label),
        "row": row if study.forms[instance.form].rows else 0,
        "found": found[::-1],
        "source": words.say(f"source.{study.forms[instance.form].source_of(items[item])}"),
        "instance": instance,
        "is_part": is_part,
    }
    name = "cell_history" if is_part else "cell"
    return render(request, f"capture/{name}.html", context)


def _visible(request: HttpRequest, pk: int) -> FormInstance:
    found = FormInstance.objects.select_related("event__subject__site", "study_version").defer(
        "study_version__files"
    )
    instance = get_object_or_404(found, pk=pk)
    today = clock.now().date()
    if not permissions.can(request.user, "form.view", instance.event.subject.site, today):
        raise Http404
    return instance


def _saves(study: Study, instance: FormInstance, hidden: identity.Names) -> Iterator[Save]:
    """The versions, first to last; each tells its changes against what stood before.

    hidden: items whose values are covered: that they changed stays to be seen.
    """
    data = empty()
    site = instance.event.subject.site
    for version in FormVersion.objects.filter(instance=instance).select_related("user"):
        changes = tuple(_changes(study, instance.form, data, version.delta["rows"], hidden))
        data = applied(data, version.delta)
        yield Save(
            number=version.version,
            who=version.user.get_full_name() or version.user.username,
            role=_known(f"role.{version.role}", version.role),
            at=zones.shown(version.at, site),
            origin=_known(f"origin.{version.origin}", version.origin),
            reason=reason_said(version.reason),
            changes=changes,
        )


def _changes(
    study: Study,
    form_id: str,
    data: dict[str, list[dict[str, object]]],
    rows: Iterable[dict],
    hidden: identity.Names,
) -> Iterator[Change]:
    before = {row[KEY]: row for row in data["rows"]}
    for row in rows:
        for name, new in row.items():
            old = before.get(row[KEY], {}).get(name)
            if name == REMOVED:
                label = words.say("history.row_out" if new else "history.row_back")
                yield Change(
                    row[KEY], "", label, reason_said(str(old or "")), reason_said(str(new or ""))
                )
            elif not name.startswith("_"):
                texts = [
                    identity.words()
                    if name in hidden and isinstance(stored, str)
                    else _text(study, form_id, name, stored)
                    for stored in (old, new)
                ]
                yield Change(row[KEY], name, _label(study, form_id, name), *texts)


def _label(study: Study, form_id: str, name: str) -> str:
    items = {item.name: item for item in study.forms[form_id].items}
    return said(items[name].label) if name in items else name


def _text(study: Study, form_id: str, name: str, stored: object) -> str:
    value, reason = split(stored)
    if reason:
        return _known(f"reason.{reason}", reason)
    items = {item.name: item for item in study.forms[form_id].items}
    return options.shown(study, form_id, items[name], value) if name in items else value


def _known(key: str, otherwise: str) -> str:
    return words.say(key) if key in words.table() else otherwise
