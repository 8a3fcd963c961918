"""Electronic signatures: who signs proves it again; the signature is bound to what was signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.db import transaction

from onearm.capture import clock, permissions, places, states, trail, zones
from onearm.capture.actions.hold import find
from onearm.capture.chain import START, link
from onearm.capture.models import FormInstance, Hold, Query, Signature
from onearm.capture.studies import study_of
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from onearm.capture.actions.hold import Held
    from onearm.capture.models import Subject, User

MEANINGS = ("reviewed", "responsible")
"""What a signature may mean; the words are ``meaning.*`` in words.csv."""

SERIES = "signing"
"""Where the session keeps that a series of signatures has begun, and whose it is."""


class NotProven(OnearmError):
    """Who signs did not prove to be who is signed in."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the person gave to prove who signs. In a series the password alone is asked again."""

    username: str = ""
    password: str = ""
    code: str = ""


def in_series(request: HttpRequest) -> bool:
    """Whether this person signed before in this session, with name and password both."""
    return request.session.get(SERIES) == request.user.pk


def needs_code(user: User) -> bool:
    """Whether the person's account has a second factor."""
    return bool(is_mfa_enabled(user))


def sign(
    request: HttpRequest, target: str, meaning: str, proof: Proof, *, is_alone: bool = False
) -> Signature:
    """Sign a form, a visit or a casebook as it stands.

    Only investigators of the site have the right, and only who has accepted that the electronic
    signature equals one by hand (asked at the first log-in) and whose identity somebody checked
    (21 CFR 11.100(b)). Raises `NotProven`,
    `permissions.NotAllowed`, `states.Held` for locked data, and ``OnearmError`` where nothing is
    there to sign, forms are incomplete or queries are open. The log-in name and the password are
    needed, with the second factor where the account has one; later in the same session the password
    alone (21 CFR 11.200(a)(1)(i)). is_alone: the signature belongs to no series (a program has no
    session in which its person sits), so that everything is needed each time.
    """
    return sign_all(request, [target], meaning, proof, is_alone=is_alone)[0]


def sign_all(
    request: HttpRequest,
    targets: Sequence[str],
    meaning: str,
    proof: Proof,
    *,
    is_alone: bool = False,
) -> list[Signature]:
    """Sign several targets in one act, as the visits of a subject: all of them or none.

    Each gets a signature of its own, bound to its own content, so that a later change breaks one
    and leaves the others. The person proves who signs once for the act, as `sign` says; raises what
    `sign` raises.
    """
    user: User = request.user
    if not targets:
        raise OnearmError(say("sign.choose"))
    named = [
        (held, subject, permissions.actor(user, "sign", held.site, zones.today(subject.site)))
        for held, subject in map(_target, targets)
    ]
    if meaning not in MEANINGS:
        raise OnearmError(say("sign.meaning"))
    if user.equivalence_accepted_at is None:
        raise OnearmError(say("sign.accept_first"))
    if user.identity_checked_on is None:
        raise OnearmError(say("sign.identity_first").format(user=user.username))
    try:
        _prove(request, user, proof, is_series=not is_alone and in_series(request))
    except NotProven:
        trail.record("accounts", "sign.failed", user=user, target=targets[0])
        raise
    with transaction.atomic():
        made = [_signed(held, subject, actor, meaning) for held, subject, actor in named]
    if not is_alone:
        request.session[SERIES] = user.pk
    return made


def signed_forms(held: Held) -> QuerySet[FormInstance]:
    """The saved forms that a signature under the target is for."""
    found = FormInstance.objects.filter(event__subject=held.subject)
    forms = found.select_related("event", "study_version").defer("study_version__files")
    forms = forms.order_by("pk")
    if held.form is not None:
        return forms.filter(pk=held.form.pk)
    return forms.filter(event=held.event) if held.event is not None else forms


def given(held: Held) -> QuerySet[Signature]:
    """The signatures that were given over the target, newest first; all of a casebook's."""
    found = Signature.objects.filter(subject=held.subject)
    if held.level != "subject" and held.subject is not None:
        event = [f"event:{held.event.pk}"] if held.event else []
        found = found.filter(target__in=[held.target, *event, f"subject:{held.subject.code}"])
    return found.select_related("user").order_by("-pk")


def stands(signature: Signature) -> bool:
    """Whether a signature holds: unbroken, its own hash right, and every form as it was signed."""
    if signature.broken_at is not None:
        return False
    if signature.hash != link(START, content_of(signature)):
        return False
    heads = dict(FormInstance.objects.filter(pk__in=signature.content).values_list("pk", "head"))
    return all(heads.get(int(pk)) == head for pk, head in signature.content.items())


def content_of(signature: Signature) -> Mapping[str, object]:
    """What the hash of a signature is taken over."""
    return {
        "target": signature.target,
        "subject": signature.subject_id,
        "user": signature.user_id,
        "printed_name": signature.printed_name,
        "meaning": signature.meaning,
        "at": signature.at.isoformat(),
        "content": signature.content,
    }


def _target(target: str) -> tuple[Held, Subject]:
    held = find(target)
    if held.subject is None or held.level not in ("form", "event", "subject"):
        raise OnearmError(say("sign.level"))
    return held, held.subject


def _signed(held: Held, subject: Subject, actor: permissions.Actor, meaning: str) -> Signature:
    """A signature with its line in the trail."""
    made = _sign(actor.user, held, meaning)
    trail.record(
        f"subject:{subject.code}",
        "sign",
        actor=actor,
        site=held.site,
        target=held.target,
        details={"meaning": meaning, "hash": made.hash, "forms": len(made.content)},
    )
    return made


def _prove(request: HttpRequest, user: User, proof: Proof, *, is_series: bool) -> None:
    name = user.username if is_series else proof.username.strip()
    try:
        # Through the log-in's own door: failures count towards the lock of the account.
        known = authenticate(request, username=name, password=proof.password)
    except PermissionDenied:
        known = None
    if known is None or known.pk != user.pk:
        raise NotProven(say("sign.wrong"))
    if needs_code(user) and not is_series and not _code_fits(user, proof.code):
        raise NotProven(say("sign.wrong_code"))


def _code_fits(user: User, code: str) -> bool:
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    with transaction.atomic():  # a recovery code is locked while it is used up
        return any(factor.wrap().validate_code(code.strip()) for factor in factors)


def _sign(user: User, held: Held, meaning: str) -> Signature:
    forms = signed_forms(held).select_for_update(of=("self",))
    content = {str(form.pk): form.head for form in forms}
    if not content:
        raise OnearmError(say("sign.nothing"))
    _require_unlocked(held)
    begun = {_form_said(form) for form in forms if not form.is_complete}
    if begun:
        raise OnearmError(say("sign.incomplete").format(forms=", ".join(sorted(begun))))
    asked = _open_queries(held)
    if asked:
        raise OnearmError(say("sign.queries").format(n=asked))
    made = Signature(
        target=held.target,
        subject=held.subject,
        user=user,
        printed_name=user.get_full_name() or user.username,
        meaning=meaning,
        at=clock.now(),
        content=content,
    )
    made.hash = link(START, content_of(made))
    made.save(force_insert=True)
    return made


def _form_said(form: FormInstance) -> str:
    return places.form_at(study_of(form.study_version), form.event, form.form)


def _require_unlocked(held: Held) -> None:
    named = states.targets(site=held.site, subject=held.subject, event=held.event, form=held.form)
    if Hold.objects.filter(target__in=named, kind=Hold.Kind.LOCKED, lifted_at=None).exists():
        raise states.Held(say("sign.locked"))


def _open_queries(held: Held) -> int:
    found = Query.objects.filter(subject=held.subject, state__in=Query.LIVE)
    event = held.event
    if event is not None:
        found = found.filter(visit=event.visit, repeat=event.repeat)
    if held.form is not None:
        found = found.filter(form=held.form.form)
    return found.count()
