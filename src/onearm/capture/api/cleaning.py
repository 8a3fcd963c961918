"""Verification against the source, what holds data still, and signatures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field, SecretStr

from onearm.capture import verification, visible, zones
from onearm.capture.actions import hold as holds
from onearm.capture.actions import sign as signing
from onearm.capture.actions import verify as verifying
from onearm.capture.actions.take_lists import take_lock_report
from onearm.capture.api import places
from onearm.capture.api.forms import FORM
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Given,
    Line,
    Name,
    NameOrNone,
    Number,
    Page,
    Paging,
    Reason,
    Repeat,
    Row,
    Short,
    Target,
    a_file,
    page,
    utc,
)
from onearm.capture.export.layout import newest_study
from onearm.capture.lockcheck import checklist
from onearm.capture.models import Hold, PlanLine, Signature
from onearm.capture.sending import as_csv
from onearm.capture.studies import study_of
from onearm.capture.words import say

if TYPE_CHECKING:
    from onearm.capture.actions.hold import Held
    from onearm.capture.models import FormInstance
    from onearm.capture.verification import Key

router = Router()


class CellRef(Given):
    """A cell of a form."""

    row: Row
    item: Name


class VerificationOut(Schema):
    """How far a form is compared with the source.

    planned: cells to compare by plan. compared: those that were. changed: those of them whose
    value is newer than what was compared.
    """

    version: int
    state: str
    planned: list[CellRef]
    compared: list[CellRef]
    changed: list[CellRef]


class VerifyIn(Given):
    """Cells compared with the source at the version that was seen; without cells the whole form."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    cells: list[CellRef] | None = None
    take_back: bool = False


class PlanOut(Schema):
    """For how many percent of the subjects a form (``item`` empty) or an item is compared."""

    form: str
    item: str
    percent: int
    by: str
    at: datetime


class PlanIn(Given):
    """The same, to be said anew."""

    form: Name
    item: NameOrNone = ""
    percent: Annotated[int, Field(ge=0, le=100)]


class PointOut(Schema):
    """One line of the checklist before locking: how many are open; 0 is met."""

    key: str
    text: str
    open: int


class HoldOut(Schema):
    """What holds a target still, and who lifted it where somebody has."""

    number: int
    target: str
    kind: str
    by: str
    at: datetime
    reason: str
    lifted_by: str
    lifted_at: datetime | None


class StateOut(Schema):
    """How a target stands: the checklist, its own holds, those of the levels above, past ones."""

    target: str
    points: list[PointOut]
    standing: list[HoldOut]
    above: list[HoldOut]
    past: list[HoldOut]


class HoldIn(Given):
    """Mark as reviewed, freeze or lock."""

    kind: Literal["reviewed", "frozen", "locked"]
    reason: Line = ""


class SignatureOut(Schema):
    """A signature as it is printed, and whether it stands for the content as it is now."""

    number: int
    target: str
    printed_name: str
    meaning: str
    meaning_in_words: str
    at: datetime
    at_site: str
    stands: bool
    broken_at: datetime | None
    broken_by: str
    hash: str


class SignIn(Given):
    """Who signs proves it again, each time, whatever key or session asks."""

    meaning: Literal["reviewed", "responsible"]
    username: Short
    password: SecretStr
    code: SecretStr = SecretStr("")


@router.get(f"{FORM}/verification", response={200: VerificationOut, **REFUSALS})
def verified(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name
) -> VerificationOut:
    """How far a form is compared with the source."""
    return _verified(places.saved_form(request, code, visit, repeat, form))


@router.post(f"{FORM}/verification", response={200: VerificationOut, **REFUSALS})
def verify(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name, given: VerifyIn
) -> VerificationOut:
    """Mark cells as compared with the source, or take marks back."""
    instance = places.saved_form(request, code, visit, repeat, form)
    keys = None if given.cells is None else [(c.row, c.item) for c in given.cells]
    act = verifying.take_back if given.take_back else verifying.verify
    act(request.user, instance, given.version, keys)
    return _verified(instance)


@router.get("/verification/plan", response={200: Page[PlanOut], **REFUSALS})
def plan(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every line of the plan, newest first; the newest of a form or item counts."""
    if not visible.can(request.user, "form.view", None):
        raise Http404
    return page(PlanLine.objects.select_related("user").order_by("-pk"), paging, _plan)


@router.post("/verification/plan", response={200: PlanOut, **REFUSALS})
def set_plan(request: HttpRequest, given: PlanIn) -> PlanOut:
    """Say for how many percent of the subjects a form or an item is compared with the source."""
    study = newest_study()
    if study is None:
        raise Http404
    return _plan(verifying.set_plan(request.user, study, given.form, given.item, given.percent))


@router.get("/holds/{target}", response={200: StateOut, **REFUSALS})
def state(request: HttpRequest, target: Target) -> StateOut:
    """What holds a target still, and what is open before it can be locked."""
    held = visible.target(request.user, target)
    own = Hold.objects.filter(target=target).select_related("set_by", "lifted_by")
    above = Hold.objects.filter(target__in=held.above, lifted_at=None)
    return StateOut(
        target=target,
        points=[
            PointOut(key=p.key, text=p.text, open=p.open)
            for p in checklist(held.site, held.subject, held.event, held.form)
        ],
        standing=[_hold(each) for each in own.filter(lifted_at=None).order_by("pk")],
        above=[_hold(each) for each in above.select_related("set_by", "lifted_by")],
        past=[_hold(each) for each in own.exclude(lifted_at=None).order_by("pk")],
    )


@router.get("/holds/{target}/report", response=REFUSALS, openapi_extra=a_file("text/csv"))
def lock_report(request: HttpRequest, target: Target) -> HttpResponse:
    """The checklist with all that is open, and every hold ever set or lifted, as CSV."""
    lines = take_lock_report(request.user, visible.target(request.user, target))
    return as_csv(lines, f"lock_{target.replace(':', '_')}.csv")


@router.post("/holds/{target}", response={200: HoldOut, **REFUSALS})
def hold(request: HttpRequest, target: Target, given: HoldIn) -> HoldOut:
    """Mark as reviewed, freeze, or lock; 409 with the open points where it is not ready."""
    visible.target(request.user, target)
    return _hold(holds.hold(request.user, target, given.kind, given.reason))


@router.post("/holds/{target}/{number}/lift", response={200: HoldOut, **REFUSALS})
def lift(request: HttpRequest, target: Target, number: Number, given: Reason) -> HoldOut:
    """Lift a hold, with the reason."""
    visible.target(request.user, target)
    one = Hold.objects.filter(pk=number, target=target).first()
    if one is None:
        raise Http404
    return _hold(holds.lift(request.user, one, given.reason))


@router.get("/signatures/{target}", response={200: list[SignatureOut], **REFUSALS})
def signatures(request: HttpRequest, target: Target) -> list[SignatureOut]:
    """Signatures under a form, a visit or a casebook, newest first; broken ones too."""
    held = _signable(request, target)
    return [_signature(each, held) for each in signing.given(held)]


@router.post("/signatures/{target}", response={200: SignatureOut, **REFUSALS})
def sign(request: HttpRequest, target: Target, given: SignIn) -> SignatureOut:
    """Sign. The key or session says who asks; name, password and code prove who signs.

    A key alone never signs, and no series begins: 21 CFR 11.200(a)(1) wants all components of a
    person each time, and a program has no session in which its person sits.
    """
    held = _signable(request, target)
    proof = signing.Proof(
        given.username, given.password.get_secret_value(), given.code.get_secret_value()
    )
    try:
        made = signing.sign(request, target, given.meaning, proof, is_alone=True)
    finally:
        # The lock of the account stays; only its page is not for programs.
        request.axes_locked_out = False
    return _signature(made, held)


def _signable(request: HttpRequest, target: str) -> Held:
    held = visible.target(request.user, target)
    if held.subject is None or held.level == "item":
        raise Http404
    return held


def _verified(instance: FormInstance) -> VerificationOut:
    study, subject = study_of(instance.study_version), instance.event.subject
    by = verification.plan()
    one = verification.verified(study, [instance], {instance.pk: subject.code}, by)[instance.pk]
    return VerificationOut(
        version=instance.version,
        state=one.state,
        planned=_refs(one.planned),
        compared=_refs(one.verified),
        changed=_refs(one.changed),
    )


def _refs(keys: Iterable[Key]) -> list[CellRef]:
    return [CellRef(row=row, item=item) for row, item in sorted(keys)]


def _plan(line: PlanLine) -> PlanOut:
    return PlanOut(
        form=line.form,
        item=line.item,
        percent=line.percent,
        by=line.user.username,
        at=utc(line.at),
    )


def _hold(hold: Hold) -> HoldOut:
    return HoldOut(
        number=hold.pk,
        target=hold.target,
        kind=hold.kind,
        by=hold.set_by.username,
        at=utc(hold.set_at),
        reason=hold.reason,
        lifted_by=hold.lifted_by.username if hold.lifted_by else "",
        lifted_at=utc(hold.lifted_at) if hold.lifted_at else None,
    )


def _signature(one: Signature, held: Held) -> SignatureOut:
    site = one.subject.site
    is_known = one.meaning in signing.MEANINGS
    return SignatureOut(
        number=one.pk,
        target=one.target,
        printed_name=one.printed_name,
        meaning=one.meaning,
        meaning_in_words=say(f"meaning.{one.meaning}") if is_known else one.meaning,
        at=utc(one.at),
        at_site=zones.shown(one.at, site),
        stands=signing.stands(one),
        broken_at=utc(one.broken_at) if one.broken_at else None,
        broken_by=one.broken_by,
        hash=one.hash,
    )
