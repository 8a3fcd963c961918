"""The screening log, one subject's way into the trial, and accrual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from onearm.capture import clock, enrolment, permissions, zones
from onearm.capture.actions import enrol as actions
from onearm.capture.models import AccrualStep, FormInstance, Site, Subject
from onearm.capture.studies import study_of, version_at
from onearm.capture.views import acting
from onearm.capture.views.month import form_url, visible_subjects
from onearm.capture.words import said, say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from onearm.study import Study


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the screening log."""

    subject: Subject
    screened: str


@dataclass(frozen=True, slots=True)
class Step:
    """A form on the way to enrolment: its words, its address, how far it is."""

    label: str
    url: str
    state: str


@login_required
def screening_log(request: HttpRequest) -> HttpResponse:
    """Everybody who was screened, the newest first; a new person at the sites of one's own."""
    sites, chosen, code = acting.chosen_sites(request)
    mine = acting.subjects_of(chosen).select_related("site").order_by("-created_at", "-pk")
    rows = [LogRow(s, f"{s.created_at.astimezone(zones.zone(s.site)):%Y-%m-%d}") for s in mine]
    own = [site for site in sites if acting.can(request.user, "subject.screen", site)]
    context = {"rows": rows, "sites": sites, "site": code, "own": own}
    return render(request, "capture/screening.html", context)


@login_required
@require_POST
def add_subject(request: HttpRequest) -> HttpResponse:
    """Put a person in the screening log and go to the enrolment page."""
    sites = {site.code: site for site in acting.sites_seen(request)}
    site = sites.get(request.POST.get("site", ""))
    if site is None:
        raise Http404
    made: list[str] = []
    if acting.act(
        request, lambda: made.append(actions.screen(request.user, site).code), say("enrol.screened")
    ):
        return redirect("enrolment", made[0])
    return redirect("screening")


@login_required
def enrolment_page(request: HttpRequest, code: str) -> HttpResponse:
    """Where a subject in screening stands: criteria, forms, confirmation, what is in the way."""
    mine = visible_subjects(request.user, clock.now().date()).select_related("site")
    subject = get_object_or_404(mine, code=code)
    if request.method == "POST":
        _post(request, subject)
        return redirect("enrolment", code)
    version = version_at(subject.site, zones.today(subject.site))
    if version is None:
        raise Http404
    study = study_of(version)
    forms = {f.form: f for f in FormInstance.objects.filter(event__subject=subject)}
    way = enrolment.way(study, subject, forms)
    site = subject.site
    context = {
        "subject": subject,
        "criteria": way.criteria,
        "steps": _steps(study, subject, forms),
        "confirmed": way.confirmed,
        "confirmed_at": zones.shown(way.confirmed.at, site) if way.confirmed else "",
        "reasons": way.reasons,
        "fail_codes": way.fail_codes,
        "is_screening": subject.stage == Subject.Stage.SCREENING,
        "may_confirm": acting.can(request.user, "eligibility.confirm", site),
        "may_enrol": acting.can(request.user, "subject.enrol", site),
    }
    return render(request, "capture/enrolment.html", context)


@login_required
def accrual(request: HttpRequest) -> HttpResponse:
    """How many are enrolled of how many, pauses, and the look between the stages."""
    if request.method == "POST":
        _step(request)
        return redirect("accrual")
    sites = acting.sites_seen(request)
    if not sites:
        raise Http404
    versions = [v for site in sites if (v := version_at(site, zones.today(site)))]
    study = study_of(versions[0]) if versions else None
    now = enrolment.accrual(study, sites)
    context = {
        "rows": now.rows,
        "enrolled": now.enrolled,
        "planned": now.planned,
        "stage_1": now.stage_1,
        "look_held": now.look_held,
        "study_pause": now.study_pause,
        "steps": AccrualStep.objects.select_related("user", "site").order_by("-pk"),
        "may_pause": acting.can(request.user, "accrual.pause", None),
        "may_cap": acting.can(request.user, "accrual.cap", None),
        "cap_sites": sites,
    }
    return render(request, "capture/accrual.html", context)


@login_required
@require_POST
def site_cap(request: HttpRequest) -> HttpResponse:
    """Say how many subjects a site may enrol; back to the page that the person came from."""
    # Only who has the right learns whether there is a site with that code.
    permissions.actor(request.user, "accrual.cap", None, clock.now().date())
    site = get_object_or_404(Site, code=request.POST.get("site", ""))
    acting.act(
        request,
        lambda: actions.set_cap(
            request.user, site, _places(request.POST.get("cap", "")), request.POST.get("reason", "")
        ),
        say("accrual.cap_set"),
    )
    return redirect("accrual" if acting.sites_seen(request) else "sites")


def _places(text: str) -> int | None:
    """A number of places, None for an empty field; raises ``OnearmError`` for another text."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text) > enrolment.MOST_PLACES:
        most = enrolment.MOST_PLACES
        raise OnearmError(say("accrual.cap_number").format(text=text, most=most))
    return int(text)


def _post(request: HttpRequest, subject: Subject) -> None:
    act, user = request.POST.get("act", ""), request.user
    if act == "confirm":
        acting.act(request, lambda: actions.confirm(user, subject), say("enrol.confirmed"))
    elif act == "enrol":
        acting.act(request, lambda: actions.enrol(user, subject), say("enrol.done"))
    elif act == "fail":
        reason, code = request.POST.get("reason", ""), request.POST.get("code", "")
        acting.act(
            request, lambda: actions.fail(user, subject, reason, code=code), say("enrol.failed")
        )


def _step(request: HttpRequest) -> None:
    sites = {site.code: site for site in acting.sites_seen(request)}
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    site = sites.get(request.POST.get("site", ""))
    user = request.user
    if act == "pause":
        acting.act(request, lambda: actions.pause(user, reason, site), say("accrual.now_paused"))
    elif act == "resume":
        acting.act(request, lambda: actions.resume(user, reason, site), say("accrual.now_open"))
    elif act == "go_on":
        acting.act(request, lambda: actions.go_on(user, reason), say("accrual.goes_on"))


def _steps(study: Study, subject: Subject, forms: dict[str, FormInstance]) -> list[Step]:
    homes = (
        enrolment.milestone(study, "consent"),
        enrolment.eligibility(study),
        enrolment.status(study),
    )
    found: dict[str, Step] = {}
    for home in homes:
        if home is not None:
            form = forms.get(home.form.form)
            state = "empty" if form is None else "complete" if form.is_complete else "begun"
            url = form_url(subject.code, home.visit, 1, home.form.form)
            found.setdefault(home.form.form, Step(said(home.form.label), url, state))
    return list(found.values())
