"""Verification against the source, states of data, and signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from onearm.capture import (
    identity,
    overview,
    places,
    trail_words,
    verification,
    visible,
    zones,
)
from onearm.capture.actions import hold as holds
from onearm.capture.actions import sign as signing
from onearm.capture.actions import verify as verifying
from onearm.capture.actions.identity import note_read
from onearm.capture.actions.take_lists import take_lock_report
from onearm.capture.document import cells
from onearm.capture.lockcheck import checklist
from onearm.capture.models import Hold, PlanLine, Signature, StudyVersion
from onearm.capture.options import shown
from onearm.capture.sending import as_csv
from onearm.capture.studies import study_of
from onearm.capture.todo import visits_to_sign
from onearm.capture.views import acting
from onearm.capture.views.month import form_url
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from onearm.capture.actions.hold import Held
    from onearm.capture.models import FormInstance


@dataclass(frozen=True, slots=True)
class CellRow:
    """A cell as the verification page shows it; state: compared, changed or open."""

    name: str
    label: str
    value: str
    row: int
    is_planned: bool
    state: str


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold on the target itself, with whether the reader may lift it."""

    hold: Hold
    at: str
    may_lift: bool


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A signature as it is printed: name, meaning, time with zone, and whether it stands."""

    signature: Signature
    meaning: str
    at: str
    stands: bool
    broken: str


@login_required
def verify_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A form's values to compare with the source, one by one or all at once."""
    form = acting.visible_form(request, pk)
    if request.method == "POST":
        _verify(request, form)
        return redirect("verify", pk)
    study, subject = study_of(form.study_version), form.event.subject
    known = study.forms[form.form]
    one = verification.verified(study, [form], {pk: subject.code}, verification.plan())[pk]
    items = {item.name: item for item in known.items}
    hidden = identity.hidden_in(request.user, study, form)
    note_read(request.user, known, form)
    rows = [
        CellRow(
            f"{cell.row}.{cell.item}",
            said(items[cell.item].label),
            identity.words()
            if cell.value and cell.item in hidden
            else shown(study, form.form, items[cell.item], cell.value)
            if cell.value
            else say(f"reason.{cell.reason}"),
            cell.row if known.rows else 0,
            (cell.row, cell.item) in one.planned,
            "changed"
            if (cell.row, cell.item) in one.changed
            else "compared"
            if (cell.row, cell.item) in one.verified
            else "open",
        )
        for cell in cells(form.data)
        if cell.item in items and not items[cell.item].calculated
    ]
    event = form.event
    context = {
        "form": form,
        "subject": subject,
        "title": said(known.label),
        "visit": _visit_label(form),
        "url": form_url(subject.code, event.visit, event.repeat, form.form),
        "rows": rows,
        "one": one,
        "may_verify": acting.can(request.user, "verify", subject.site),
    }
    return render(request, "capture/verify.html", context)


@login_required
def plan_page(request: HttpRequest) -> HttpResponse:
    """How much of each form is compared with the source."""
    version = StudyVersion.objects.order_by("-number").first()
    if version is None or not acting.can(request.user, "form.view", None):
        raise Http404
    study = study_of(version)
    if request.method == "POST":
        percent = request.POST.get("percent", "")
        form, _, item = request.POST.get("place", "").partition(".")
        number = int(percent) if percent.isdecimal() else -1
        acting.act(
            request,
            lambda: verifying.set_plan(request.user, study, form, item, number),
            say("verify.plan_kept"),
        )
        return redirect("plan")
    plan = verification.plan()
    context = {
        "forms": [
            (
                form.form,
                said(form.label),
                plan.percent(form.form, ""),
                [
                    (item.name, said(item.label), plan.lines[form.form, item.name])
                    for item in form.items
                    if (form.form, item.name) in plan.lines
                ],
            )
            for form in study.forms.values()
        ],
        "items": [
            (f"{form.form}.{item.name}", f"{said(form.label)} · {said(item.label)}")
            for form in study.forms.values()
            for item in form.items
            if not item.calculated
        ],
        "lines": PlanLine.objects.select_related("user").order_by("-pk")[:50],
        "may_edit": acting.can(request.user, "plan.edit", None),
    }
    return render(request, "capture/plan.html", context)


@login_required
def state_page(request: HttpRequest, target: str) -> HttpResponse:
    """What holds a target, the checklist before locking, and setting and lifting of holds."""
    held = _held(request, target)
    if request.method == "POST":
        _hold(request, target)
        return redirect("state", target)
    site = held.site
    standing = [
        HoldRow(
            hold,
            _at(hold.set_at, held),
            acting.can(request.user, holds.TO_LIFT[Hold.Kind(hold.kind)], site),
        )
        for hold in holds.standing(target).select_related("set_by")
    ]
    kinds = [
        kind
        for kind in Hold.Kind.values
        if acting.can(request.user, holds.TO_SET[Hold.Kind(kind)], site)
        and kind not in {row.hold.kind for row in standing}
    ]
    context = {
        "held": held,
        "name": _name(held),
        "points": checklist(held.site, held.subject, held.event, held.form),
        "standing": standing,
        "above": Hold.objects.filter(target__in=held.above, lifted_at=None),
        "kinds": kinds,
        "past": Hold.objects.filter(target=target)
        .exclude(lifted_at=None)
        .select_related("set_by", "lifted_by"),
    }
    return render(request, "capture/state.html", context)


@login_required
def lock_report(request: HttpRequest, target: str) -> HttpResponse:
    """The checklist with everything that is open, and every hold ever set or lifted, as CSV."""
    lines = take_lock_report(request.user, _held(request, target))
    return as_csv(lines, f"lock_{target.replace(':', '_')}.csv")


@login_required
@sensitive_post_parameters("password", "code")
def sign_page(request: HttpRequest, target: str) -> HttpResponse:
    """Sign a form, a visit or a casebook; signatures that were given stay to be seen."""
    held = _held(request, target)
    if held.subject is None or held.level == "item":
        raise Http404
    if request.method == "POST":
        proof = signing.Proof(
            request.POST.get("username", ""),
            request.POST.get("password", ""),
            request.POST.get("code", ""),
        )
        meaning, chosen = request.POST.get("meaning", ""), _chosen(request, held)
        acting.act(
            request,
            lambda: signing.sign_all(request, chosen, meaning, proof),
            say("sign.done"),
        )
        return redirect("sign", target)
    may_sign = acting.can(request.user, "sign", held.site)
    visits = visits_to_sign(held.subject) if may_sign and held.level == "subject" else []
    context = {
        "held": held,
        "name": _name(held),
        "forms": [(form, _form_name(form)) for form in signing.signed_forms(held)],
        "rows": [_signature_row(signature, held) for signature in signing.given(held)],
        "may_sign": may_sign,
        "visits": visits,
        "ready": sum(not row.in_the_way for row in visits),
        "is_ticked": request.GET.get("tick") == "all",  # a signature is a choice, never the default
        "is_series": signing.in_series(request),
        "needs_code": signing.needs_code(request.user),
        "meanings": [(m, say(f"meaning.{m}")) for m in signing.MEANINGS],
    }
    return render(request, "capture/sign.html", context)


def _chosen(request: HttpRequest, held: Held) -> list[str]:
    """What is to be signed: the target itself, or on the page of a casebook the visits ticked."""
    if request.POST.get("act") != "visits" or held.subject is None:
        return [held.target]
    ticked = set(request.POST.getlist("visit"))
    return [row.target for row in visits_to_sign(held.subject) if row.pk in ticked]


def _verify(request: HttpRequest, form: FormInstance) -> None:
    version = request.POST.get("version", "")
    seen = int(version) if version.isdecimal() else -1
    chosen = []
    for text in request.POST.getlist("cell"):
        row, _, item = text.partition(".")
        if row.isdecimal():
            chosen.append((int(row), item))
    keys = None if request.POST.get("act") == "all" else chosen
    do = verifying.take_back if request.POST.get("act") == "take_back" else verifying.verify
    acting.act(request, lambda: do(request.user, form, seen, keys), say("verify.kept"))


def _hold(request: HttpRequest, target: str) -> None:
    reason, user = request.POST.get("reason", ""), request.user
    lifted = request.POST.get("lift", "")
    if lifted.isdecimal():
        hold = get_object_or_404(Hold, pk=int(lifted), target=target)
        acting.act(request, lambda: holds.lift(user, hold, reason), say("hold.lifted"))
    elif (kind := request.POST.get("kind", "")) in Hold.Kind.values:
        acting.act(request, lambda: holds.hold(user, target, kind, reason), say("hold.done"))


def _held(request: HttpRequest, target: str) -> Held:
    """What a target names, where the reader may see it; 404 otherwise."""
    return visible.target(request.user, target)


def _name(held: Held) -> str:
    """A target in words."""
    if held.level == "site" and held.site is not None:
        return f"{held.site.code} · {held.site.name}"
    return places.target_said(held.target)


def _visit_label(form: FormInstance) -> str:
    study, event = study_of(form.study_version), form.event
    known = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    return overview.label(known[event.visit], event.repeat) if event.visit in known else event.visit


def _form_name(form: FormInstance) -> str:
    study = study_of(form.study_version)
    label = said(study.forms[form.form].label) if form.form in study.forms else form.form
    return f"{_visit_label(form)} · {label}"


def _at(moment: datetime, held: Held) -> str:
    if held.site is not None:
        return zones.shown(moment, held.site)
    return f"{moment:%Y-%m-%d %H:%M:%S} (UTC)"


def _signature_row(signature: Signature, held: Held) -> SignatureRow:
    broken = ""
    if signature.broken_at is not None:
        broken = f"{_at(signature.broken_at, held)}, {trail_words.broken_said(signature.broken_by)}"
    return SignatureRow(
        signature,
        say(f"meaning.{signature.meaning}")
        if signature.meaning in signing.MEANINGS
        else signature.meaning,
        _at(signature.at, held),
        signing.stands(signature),
        broken,
    )
