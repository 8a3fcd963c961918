"""One form of one visit: shown, saved, and its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import clock, permissions, words
from onearm.capture.actions.queries import live_queries
from onearm.capture.actions.save import Changes, MustConfirm, ReasonNeeded, Stale, save
from onearm.capture.document import NULL, Cell, Document, empty, next_key, row_keys
from onearm.capture.models import EventInstance, FormInstance, FormVersion
from onearm.capture.studies import study_of, version_at
from onearm.capture.typing_in import typed
from onearm.capture.views.month import visible_subjects
from onearm.capture.words import said
from onearm.errors import OnearmError, Problems
from onearm.records.codes import choices
from onearm.records.entry import REASONS

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import Query, Subject
    from onearm.study import Study
    from onearm.study.forms import Form, Item

GIVEN_REASONS = tuple(reason for reason in REASONS if reason != "CUT")
"""Reasons that people give; after the data cut is set by the cut alone."""


@dataclass(frozen=True, slots=True)
class Box:
    """One cell as the page shows it."""

    row: int
    item: Item
    label: str
    value: str
    reason: str
    choices: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()
    theirs: str = ""

    @property
    def name(self) -> str:
        """The field's name in the page; its missing reason is sent under ``n.`` and the rest."""
        return f"{self.row}.{self.item.name}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page of a form needs; ``rows`` by key in the order shown."""

    form: Form
    title: str
    version: int
    rows: Mapping[int, tuple[Box, ...]]
    problems: tuple[str, ...] = ()
    asks_reason: bool = False
    asks_clear: bool = False
    queries: tuple[Query, ...] = field(default=())


@login_required
def form_page(
    request: HttpRequest, code: str, visit: str, repeat: int, form_id: str
) -> HttpResponse:
    """Show a form, or save it; 404 for what the reader may not see, as for what does not exist."""
    today = clock.now().date()
    subject = get_object_or_404(visible_subjects(request.user, today), code=code)
    study = _study(subject)
    form = _form(study, visit, form_id)
    event = EventInstance.objects.filter(subject=subject, visit=visit, repeat=repeat).first()
    instance = event.forms.filter(form=form_id).first() if event else None
    if request.method == "POST":
        permissions.actor(request.user, "form.enter", subject.site, today)
        if event is None:
            event = EventInstance.objects.create(subject=subject, visit=visit, repeat=repeat)
        answer = _save(request, study, form, event)
        if answer is None:
            return redirect("form", code, visit, repeat, form_id)
        sheet = answer
    else:
        data = instance.data if instance else empty()
        sheet = _sheet(study, form, instance.version if instance else 0, _shown(form, data))
    context = {
        "subject": subject,
        "visit": study.schedule.visit(visit) if study.schedule else None,
        "repeat": repeat,
        "sheet": sheet,
        "queries": live_queries(subject, form_id).filter(visit=visit, repeat=repeat),
        "may_enter": permissions.can(request.user, "form.enter", subject.site, today),
        "reasons": [(reason, words.say(f"reason.{reason}")) for reason in GIVEN_REASONS],
        "instance": instance,
    }
    return render(request, "capture/form.html", context, status=409 if sheet.problems else 200)


@login_required
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Every version of a form, newest first: who, in which role, when, why, and what changed."""
    instance = get_object_or_404(
        FormInstance.objects.select_related("event__subject__site", "study_version"), pk=pk
    )
    mine = visible_subjects(request.user, clock.now().date())
    if not mine.filter(pk=instance.event.subject_id).exists():
        raise Http404
    versions = FormVersion.objects.filter(instance=instance).select_related("user")
    context = {
        "instance": instance,
        "form": study_of(instance.study_version).forms[instance.form],
        "versions": versions.order_by("-version"),
    }
    return render(request, "capture/history.html", context)


def _study(subject: Subject) -> Study:
    version = version_at(subject.site, clock.now().date())
    if version is None:
        raise Http404
    return study_of(version)


def _form(study: Study, visit: str, form_id: str) -> Form:
    visits = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    if visit not in visits or form_id not in visits[visit].forms or form_id not in study.forms:
        raise Http404
    return study.forms[form_id]


def _save(request: HttpRequest, study: Study, form: Form, event: EventInstance) -> Sheet | None:
    """None where the form was saved; else the page again, with what was typed and what is wrong."""
    posted = request.POST
    cells = list(_typed(form, posted))
    version = int(posted.get("version", "0"))
    changes = Changes(
        cells,
        version,
        reason=posted.get("reason", "").strip(),
        clear=posted.get("clear") == "1",
    )
    shown = {(cell.row, cell.item): cell for cell in cells}
    again: dict[str, Any] = {}
    try:
        saved = save(request.user, event, form.form, changes)
    except Problems as problem:
        by_cell: dict[tuple[int, str], list[str]] = {}
        for found in problem.findings:
            by_cell.setdefault((found.place.row, found.place.field), []).append(found.message)
        again = {"problems": (problem.title,), "by_cell": by_cell}
    except Stale as problem:
        theirs = {
            (row["_key"], item): stored
            for row in problem.theirs["rows"]
            for item, stored in row.items()
        }
        again = {"problems": (words.say("form.stale"),), "theirs": theirs}
        version = problem.version
    except MustConfirm as problem:
        again = {"problems": (words.say("form.clear"), str(problem)), "asks_clear": True}
    except ReasonNeeded:
        again = {"problems": (words.say("form.reason"),), "asks_reason": True}
    except OnearmError as problem:
        again = {"problems": (str(problem),)}
    if not again:
        messages.success(request, words.say("form.saved" if saved.changed else "form.nothing"))
        return None
    return _sheet(study, form, version, shown, **again)


def _typed(form: Form, posted: Mapping[str, str]) -> Iterator[Cell]:
    today = clock.now().date()
    items = {item.name: item for item in form.items}
    for name, text in posted.items():
        kind, _, rest = name.partition(".")
        row, _, item = rest.partition(".")
        if kind != "v" or item not in items or not row.isdigit():
            continue
        value = typed(items[item].type, text, today)
        reason = "" if value else posted.get(f"n.{rest}", "")
        yield Cell(int(row), item, value, reason if reason in GIVEN_REASONS else "")


def _shown(form: Form, data: Document) -> dict[tuple[int, str], Cell]:
    """The cells that the page shows: those that stand, and an empty row to write on."""
    rows = {row["_key"]: row for row in data["rows"]}
    keys = row_keys(data) or ([] if form.rows else [1])
    shown = {}
    for key in [*keys, *([next_key(data)] if form.rows else [])]:
        for item in form.items:
            stored = rows.get(key, {}).get(item.name, "")
            is_reason = isinstance(stored, dict)
            shown[key, item.name] = Cell(
                key,
                item.name,
                "" if is_reason else stored,
                stored[NULL] if is_reason else "",
            )
    return shown


def _sheet(
    study: Study,
    form: Form,
    version: int,
    shown: Mapping[tuple[int, str], Cell],
    *,
    problems: tuple[str, ...] = (),
    by_cell: Mapping[tuple[int, str], list[str]] | None = None,
    theirs: Mapping[tuple[int, str], object] | None = None,
    asks_reason: bool = False,
    asks_clear: bool = False,
) -> Sheet:
    rows: dict[int, list[Box]] = {}
    for key in sorted({row for row, _ in shown}):
        for item in form.items:
            cell = shown.get((key, item.name), Cell(key, item.name))
            rows.setdefault(key, []).append(
                Box(
                    row=key,
                    item=item,
                    label=said(item.label),
                    value=cell.value,
                    reason=cell.reason,
                    choices=choices(study, item, words.language()),
                    problems=tuple((by_cell or {}).get((key, item.name), ())),
                    theirs=str((theirs or {}).get((key, item.name), "")),
                )
            )
    return Sheet(
        form=form,
        title=said(form.label),
        version=version,
        rows={key: tuple(boxes) for key, boxes in rows.items()},
        problems=problems,
        asks_reason=asks_reason or version > 0,
        asks_clear=asks_clear,
    )
