"""Serious adverse events with their clocks and reports, who is told, and protocol deviations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render

from onearm.capture import identity, visible, zones
from onearm.capture.actions import sae
from onearm.capture.models import Contact
from onearm.capture.options import shown
from onearm.capture.safety import deviation_rows, event_rows
from onearm.capture.studies import study_of
from onearm.capture.views import acting
from onearm.capture.views.month import form_url
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from onearm.capture.models import SeriousEvent
    from onearm.study import Study


@dataclass(frozen=True, slots=True)
class Answer:
    """An item with its value, in words."""

    label: str
    value: str


@login_required
def serious_list(request: HttpRequest) -> HttpResponse:
    """Serious events of the sites whose safety the reader follows."""
    sites, chosen, code = acting.chosen_sites(request)
    seen = [site for site in chosen if visible.may_see_safety(request.user, site)]
    if not any(visible.may_see_safety(request.user, site) for site in sites):
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
    event = visible.serious_event(request.user, pk)
    subject = event.instance.event.subject
    if request.method == "POST":
        _report(request, event)
        return redirect("serious_event", pk)
    study = study_of(event.instance.study_version)
    where = event.instance.event
    hidden = identity.hidden_in(request.user, study, event.instance)
    current = next(r for r in event.instance.data["rows"] if r["_key"] == event.row)
    context = {
        "row": event_rows([subject.site], [event])[0],
        "subject": subject,
        "url": form_url(subject.code, where.visit, where.repeat, event.instance.form),
        "answers": _answers(study, event.instance.form, current, hidden),
        "reports": [
            (
                r,
                zones.shown(r.at, subject.site),
                _answers(study, event.instance.form, r.content, hidden),
            )
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
    rows, headings = deviation_rows(chosen, request.user)
    context = {"rows": rows, "headings": headings, "sites": sites, "site": code}
    return render(request, "capture/deviations.html", context)


def _answers(
    study: Study, form_id: str, content: Mapping[str, object], hidden: identity.Names
) -> list[Answer]:
    found = []
    for item in study.forms[form_id].items:
        value = content.get(item.name)
        if isinstance(value, str):
            text = identity.words() if item.name in hidden else shown(study, form_id, item, value)
            found.append(Answer(said(item.label), text))
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
