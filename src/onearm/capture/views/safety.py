"""Serious adverse events with their clocks and reports, who is told, and protocol deviations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import clock, zones
from onearm.capture.actions import sae
from onearm.capture.document import cells
from onearm.capture.models import Contact, FormInstance, SeriousEvent, StudyVersion
from onearm.capture.options import shown
from onearm.capture.studies import study_of
from onearm.capture.views import acting
from onearm.capture.views.month import form_url
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import Site
    from onearm.study import Study

NAMED = (("AE", "AEDECOD"), ("AE", "AETERM"))
"""Targets of the words that name an event, the first that is filled counts."""

DEVIATION = ("DV", "DVTERM")


@dataclass(frozen=True, slots=True)
class EventRow:
    """A serious event: what it is, its clock, its reports. state: owed, late, reported, changed or
    withdrawn."""

    event: SeriousEvent
    subject: str
    term: str
    aware: str
    due: str
    reports: int
    reported: str
    state: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An item with its value, in words."""

    label: str
    value: str


@login_required
def serious_list(request: HttpRequest) -> HttpResponse:
    """Serious events of the sites whose safety the reader follows."""
    sites, chosen, code = acting.chosen_sites(request)
    seen = [site for site in chosen if _may_see(request, site)]
    if not any(_may_see(request, site) for site in sites):
        raise Http404
    rows = event_rows(seen)
    context = {
        "rows": rows,
        "sites": sites,
        "site": code,
        "may_reconcile": acting.can(request.user, "safety.view", None),
        "may_edit_contacts": acting.can(request.user, "sae.contacts", None),
    }
    return render(request, "capture/serious.html", context)


@login_required
def serious_event(request: HttpRequest, pk: int) -> HttpResponse:
    """One serious event: the row, the clock, every report, and the next one."""
    found = SeriousEvent.objects.select_related(
        "instance__event__subject__site", "instance__study_version"
    )
    event = get_object_or_404(found, pk=pk)
    subject = event.instance.event.subject
    if not _may_see(request, subject.site):
        raise Http404
    if request.method == "POST":
        _report(request, event)
        return redirect("serious_event", pk)
    study = study_of(event.instance.study_version)
    where = event.instance.event
    current = next(r for r in event.instance.data["rows"] if r["_key"] == event.row)
    context = {
        "row": event_rows([subject.site], [event])[0],
        "subject": subject,
        "url": form_url(subject.code, where.visit, where.repeat, event.instance.form),
        "answers": _answers(study, event.instance.form, current),
        "reports": [
            (r, zones.shown(r.at, subject.site), _answers(study, event.instance.form, r.content))
            for r in event.reports.select_related("user")
        ],
        "aware": event.aware_at.astimezone(zones.zone(subject.site)).strftime("%Y-%m-%dT%H:%M"),
        "may_report": acting.can(request.user, "sae.report", subject.site),
    }
    return render(request, "capture/serious_event.html", context)


@login_required
def contacts(request: HttpRequest) -> HttpResponse:
    """Who is told by e-mail of a serious event."""
    if not acting.can(request.user, "sae.contacts", None):
        raise Http404
    if request.method == "POST":
        _contact(request)
        return redirect("contacts")
    context = {
        "contacts": Contact.objects.filter(ends=None).select_related("site"),
        "sites": acting.sites_seen(request),
    }
    return render(request, "capture/contacts.html", context)


@login_required
def deviations(request: HttpRequest) -> HttpResponse:
    """Every protocol deviation on the forms that record them."""
    sites, chosen, code = acting.chosen_sites(request)
    rows, headings = deviation_rows(chosen)
    context = {"rows": rows, "headings": headings, "sites": sites, "site": code}
    return render(request, "capture/deviations.html", context)


def event_rows(
    sites: Iterable[Site], events: Iterable[SeriousEvent] | None = None
) -> list[EventRow]:
    """Serious events of sites, newest first, as the pages show them."""
    if events is not None:
        return [_row(event) for event in events]
    found = SeriousEvent.objects.filter(instance__event__subject__site__in=list(sites))
    related = ("instance__event__subject__site", "instance__study_version")
    return [_row(event) for event in found.select_related(*related).prefetch_related("reports")]


def deviation_rows(sites: Iterable[Site]) -> tuple[list[tuple[str, str, list[str]]], list[str]]:
    """Subject, address and answers of every deviation, and the headings of the answers."""
    rows: list[tuple[str, str, list[str]]] = []
    headings: list[str] = []
    found = FormInstance.objects.filter(event__subject__site__in=list(sites)).select_related(
        "event__subject", "study_version"
    )
    ids = {form for v in _versions() for form in _deviation_forms(v)}
    for instance in found.filter(form__in=ids).order_by("event__subject__code"):
        study = study_of(instance.study_version)
        form = study.forms[instance.form]
        headings = [said(item.label) for item in form.items]
        by_row: dict[int, dict[str, str]] = {}
        for cell in cells(instance.data):
            text = shown(study, form.form, form.item(cell.item), cell.value)
            by_row.setdefault(cell.row, {})[cell.item] = text
        code, event = instance.event.subject.code, instance.event
        url = form_url(code, event.visit, event.repeat, form.form)
        rows += [(code, url, [row.get(i.name, "") for i in form.items]) for row in by_row.values()]
    return rows, headings


def _versions() -> list[Study]:
    return [study_of(version) for version in StudyVersion.objects.all()]


def _deviation_forms(study: Study) -> list[str]:
    return [
        form.form
        for form in study.forms.values()
        if any((t.domain, t.variable) == DEVIATION for i in form.items for t in i.to)
    ]


def _row(event: SeriousEvent) -> EventRow:
    instance, subject = event.instance, event.instance.event.subject
    study, site = study_of(instance.study_version), instance.event.subject.site
    reports = list(event.reports.all())
    content: dict[str, object] = next(
        (r for r in instance.data["rows"] if r["_key"] == event.row), {}
    )
    due = sae.due_at(event)
    if event.withdrawn_at is not None:
        state = "withdrawn"
    elif not reports:
        state = "late" if due < clock.now() else "owed"
    else:
        plain = {k: v for k, v in content.items() if not k.startswith("_")}
        told = {k: v for k, v in reports[-1].content.items() if not k.startswith("_")}
        state = "reported" if plain == told else "changed"
    return EventRow(
        event,
        subject.code,
        _term(study, instance.form, content),
        zones.shown(event.aware_at, site),
        zones.shown(due, site),
        len(reports),
        zones.shown(reports[0].at, site) if reports else "",
        state,
    )


def _term(study: Study, form_id: str, content: Mapping[str, object]) -> str:
    form = study.forms[form_id]
    for target in NAMED:
        for item in form.items:
            value = content.get(item.name)
            if isinstance(value, str) and any((t.domain, t.variable) == target for t in item.to):
                return shown(study, form_id, item, value)
    return ""


def _answers(study: Study, form_id: str, content: Mapping[str, object]) -> list[Answer]:
    found = []
    for item in study.forms[form_id].items:
        value = content.get(item.name)
        if isinstance(value, str):
            found.append(Answer(said(item.label), shown(study, form_id, item, value)))
        elif isinstance(value, dict):
            found.append(Answer(said(item.label), say(f"reason.{value['null']}")))
    return found


def _report(request: HttpRequest, event: SeriousEvent) -> None:
    site = event.instance.event.subject.site
    aware = None
    text = request.POST.get("aware", "")
    if text:
        try:
            aware = datetime.fromisoformat(text).replace(tzinfo=zones.zone(site))
        except ValueError:
            aware = None
    shown_at = event.aware_at.astimezone(zones.zone(site)).strftime("%Y-%m-%dT%H:%M")
    if text == shown_at:
        aware = None  # the page shows minutes; nobody changed it
    acting.act(
        request,
        lambda: sae.report(request.user, event, request.POST.get("text", ""), aware_at=aware),
        say("sae.reported"),
    )


def _contact(request: HttpRequest) -> None:
    user, post = request.user, request.POST
    ended = post.get("end", "")
    if ended.isdecimal():
        contact = get_object_or_404(Contact, pk=int(ended), ends=None)
        acting.act(request, lambda: sae.end_contact(user, contact), say("sae.contact_ended"))
        return
    sites = {site.code: site for site in acting.sites_seen(request)}
    language = "zh-hans" if post.get("language") == "zh-hans" else "en"
    acting.act(
        request,
        lambda: sae.add_contact(
            user,
            post.get("name", ""),
            post.get("email", ""),
            language=language,
            site=sites.get(post.get("site", "")),
        ),
        say("sae.contact_added"),
    )


def _may_see(request: HttpRequest, site: Site) -> bool:
    return acting.can(request.user, "safety.view", site) or (
        acting.can(request.user, "form.view", site)
    )
