"""One subject: the schedule, the visits that took place, and every form of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from onearm.capture import clock, overview, zones
from onearm.capture.actions.visits import add_unscheduled, mark_missed
from onearm.capture.models import Hold, Query, Subject
from onearm.capture.month import Planned
from onearm.capture.studies import study_of, version_at
from onearm.capture.views import acting
from onearm.capture.views.month import form_url, visible_subjects
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.capture.overview import Overview
    from onearm.study import Study
    from onearm.study.schedule import Visit

MAY_MISS = {"due", "in window", "overdue", "missed"}


@dataclass(frozen=True, slots=True)
class FormLink:
    """A form of a visit: its words, how far it is, and how many queries it has."""

    url: str
    label: str
    state: str
    queries: int


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One visit with its forms.

    event: its id once it stands. may_miss: it can be marked as missed. to_sign: complete forms
    without a signature. held: frozen or locked, by itself.
    """

    visit: str
    repeat: int
    label: str
    planned: Planned
    forms: tuple[FormLink, ...]
    event: int | None
    may_miss: bool
    to_sign: int
    held: str


@login_required
def subject_page(request: HttpRequest, code: str) -> HttpResponse:
    """The visits and forms of a subject that the reader may see; 404 otherwise."""
    subject = _visible(request, code)
    views = overview.overviews(Subject.objects.filter(pk=subject.pk))
    context: dict[str, object] = {"subject": subject, "rows": [], "ahead": [], "logs": []}
    if views:
        view = views[0]
        context |= {
            "course": view.course,
            "rows": list(_rows(view, view.planned)),
            "ahead": list(_rows(view, _of_kind(view, "event"))),
            "logs": list(_rows(view, _of_kind(view, "log"))),
            "unscheduled": [
                (visit.id, overview.label(visit, _next_repeat(view, visit.id)))
                for visit in _visits(view.study)
                if visit.kind == "unscheduled"
            ],
        }
    site = subject.site
    context |= {
        "holds": _holds(subject),
        "queries": Query.objects.filter(subject=subject, state__in=Query.LIVE).count(),
        "may": {
            name: acting.can(request.user, capability, site)
            for name, capability in (
                ("enter", "form.enter"),
                ("ask", "query.open"),
                ("sign", "sign"),
                ("hold", "review"),
                ("print", "form.view"),
            )
        },
    }
    return render(request, "capture/subject.html", context)


@login_required
@require_POST
def add_visit(request: HttpRequest, code: str) -> HttpResponse:
    """Add an unscheduled visit and go to its first form."""
    subject = _visible(request, code)
    study, visit = _study(subject), request.POST.get("visit", "")
    if study is None:
        return redirect("subject", code)
    made: list[int] = []

    def add() -> None:
        made.append(add_unscheduled(request.user, study, subject, visit).repeat)

    if acting.act(request, add, say("visit.added")):
        known = {v.id: v for v in _visits(study)}
        return redirect(form_url(code, visit, made[0], known[visit].forms[0]))
    return redirect("subject", code)


@login_required
@require_POST
def miss_visit(request: HttpRequest, code: str) -> HttpResponse:
    """Mark a visit as missed with the reason, or take that back with an empty one."""
    subject = _visible(request, code)
    study = _study(subject)
    visit, repeat = request.POST.get("visit", ""), request.POST.get("repeat", "")
    reason = request.POST.get("reason", "")
    if study is not None and repeat.isdecimal():
        acting.act(
            request,
            lambda: mark_missed(request.user, study, subject, visit, int(repeat), reason),
            say("visit.marked" if reason.strip() else "visit.expected_again"),
        )
    return redirect("subject", code)


def _visible(request: HttpRequest, code: str) -> Subject:
    mine = visible_subjects(request.user, clock.now().date()).select_related("site")
    subject: Subject = get_object_or_404(mine, code=code)
    return subject


def _study(subject: Subject) -> Study | None:
    version = version_at(subject.site, zones.today(subject.site))
    return study_of(version) if version else None


def _visits(study: Study) -> tuple[Visit, ...]:
    return study.schedule.visits if study.schedule else ()


def _of_kind(view: Overview, kind: str) -> list[Planned]:
    """Visits of a kind that the schedule has no row for yet."""
    known = {row.visit.id for row in view.planned}
    return [
        overview.log_row(view.study, visit.id, 1)
        for visit in _visits(view.study)
        if visit.kind == kind and visit.id not in known
    ]


def _next_repeat(view: Overview, visit: str) -> int:
    """The repeat that an unscheduled visit added now would have: one that is still empty, or new.

    So does `add_unscheduled` choose it.
    """
    begun = {repeat for v, repeat, _ in view.forms if v == visit}
    added = [repeat for v, repeat in view.events if v == visit]
    return next((r for r in sorted(added) if r not in begun), max(added, default=0) + 1)


def _holds(subject: Subject) -> list[Hold]:
    named = ("study", f"site:{subject.site.code}", f"subject:{subject.code}")
    return list(Hold.objects.filter(target__in=named, lifted_at=None))


def _rows(view: Overview, planned: list[Planned]) -> Iterator[VisitRow]:
    asked = Counter(
        Query.objects.filter(subject=view.subject, state__in=Query.LIVE).values_list(
            "visit", "repeat", "form"
        )
    )
    holds = dict(
        Hold.objects.filter(
            target__in=[f"event:{pk}" for pk in view.events.values()], lifted_at=None
        ).values_list("target", "kind")
    )
    for row in planned:
        visit, where = row.visit, (row.visit.id, row.repeat)
        forms = tuple(_link(view, row, form, asked) for form in visit.forms)
        event = view.events.get(where)
        to_sign = sum(1 for v, r, _ in view.unsigned() if (v, r) == where)
        yield VisitRow(
            visit.id,
            row.repeat,
            overview.label(visit, row.repeat),
            row,
            forms,
            event,
            row.status in MAY_MISS and all(form.state == "empty" for form in forms),
            to_sign,
            holds.get(f"event:{event}", ""),
        )


def _link(
    view: Overview, row: Planned, form: str, asked: Counter[tuple[str, int, str]]
) -> FormLink:
    at = view.forms.get((row.visit.id, row.repeat, form))
    return FormLink(
        form_url(view.subject.code, row.visit.id, row.repeat, form),
        said(view.study.forms[form].label),
        at.state if at else "empty",
        asked[row.visit.id, row.repeat, form],
    )
