"""What stands over a form: how far it is, what holds it, who signed, and what the reader may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from onearm.capture import places, verification, zones
from onearm.capture.models import Hold, Signature
from onearm.capture.states import targets
from onearm.capture.views.entry_place import may
from onearm.capture.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from onearm.capture.models import FormInstance
    from onearm.capture.surroundings import Place

ORDER = {kind: n for n, kind in enumerate(Hold.Kind.values)}
"""Reviewed, frozen, locked: as they follow each other."""


@dataclass(frozen=True, slots=True)
class Badge:
    """One state in a word or two; ``title`` says since when and by whom, ``url`` shows more."""

    text: str
    look: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something the reader may do with the form as a whole, and where it is done."""

    text: str
    url: str
    is_talk: bool = False


def badges(place: Place, form: FormInstance | None) -> list[Badge]:
    """The states of a form: complete, compared, reviewed, frozen, locked, signed.

    A form that nobody saved has one. Five queries at most, however many cells there are.
    """
    if form is None:
        return [Badge(say("form_state.empty"), "empty")]
    key = "complete" if form.is_complete else "begun"
    return [
        Badge(say(f"form_state.{key}"), key),
        *_verified(place, form),
        *_held(place, form),
        *_signed(place, form),
    ]


def deeds(request: HttpRequest, place: Place, form: FormInstance | None) -> list[Deed]:
    """What the reader may do: ask; on a saved form compare with the source, hold, sign."""
    found = []
    if may(request, "query.open", place):
        found.append(Deed(say("query.ask"), talk_address(place), is_talk=True))
    if form is None:
        return found
    if may(request, "verify", place):
        found.append(Deed(say("verify.do"), reverse("verify", args=[form.pk])))
    if any(may(request, right, place) for right in ("review", "freeze", "lock")):
        found.append(Deed(say("state.do"), reverse("state", args=[f"form:{form.pk}"])))
    if may(request, "sign", place):
        found.append(Deed(say("sign.open"), reverse("sign", args=[f"form:{form.pk}"])))
    return found


def talk_address(place: Place, row: int | None = None, item: str = "") -> str:
    """Where the queries of a form, or of one row or cell of it, are read and written."""
    where = [place.subject.code, place.visit, place.repeat, place.form.form]
    address = reverse("form_queries", args=where)
    return address if row is None else f"{address}?{urlencode({'row': row, 'item': item})}"


def _verified(place: Place, form: FormInstance) -> Iterator[Badge]:
    subjects = {form.pk: place.subject.code}
    one = verification.verified(place.study, [form], subjects, verification.plan())[form.pk]
    if one.state == "not planned":
        return
    url = reverse("verify", args=[form.pk])
    counts = f"{len(one.done)}/{len(one.planned)}"
    yield Badge(say(f"verify.{one.state}"), f"verify-{one.state}", url, counts)


def _held(place: Place, form: FormInstance) -> Iterator[Badge]:
    """The strongest hold of each kind, whichever level it was set on."""
    named = targets(subject=place.subject, event=form.event, form=form)
    holds = Hold.objects.filter(target__in=named, lifted_at=None).select_related("set_by")
    for kind, hold in sorted(
        {hold.kind: hold for hold in holds}.items(), key=lambda each: ORDER[each[0]]
    ):
        who = hold.set_by.get_full_name() or hold.set_by.username
        since = zones.shown(hold.set_at, place.subject.site)
        title = f"{places.target_said(hold.target)} · {who} · {since}"
        url = reverse("state", args=[hold.target])
        yield Badge(say(f"hold.{kind}"), kind, url, title)


def _signed(place: Place, form: FormInstance) -> Iterator[Badge]:
    """The newest signature that covers the form: whether it stands for what the form holds now."""
    named = [f"form:{form.pk}", f"event:{form.event_id}", f"subject:{place.subject.code}"]
    given = Signature.objects.filter(subject=place.subject, target__in=named).order_by("-pk")
    covering = [s for s in given if str(form.pk) in s.content]
    if not covering:
        return
    standing = [s for s in covering if not s.broken_at and s.content[str(form.pk)] == form.head]
    one = (standing or covering)[0]
    when = zones.shown(one.at, place.subject.site)
    key = "signed" if standing else "broken"
    title = f"{one.printed_name} · {when}"
    if one.broken_at is not None and not standing:
        since = zones.shown(one.broken_at, place.subject.site)
        title += f" · {say('sign.broken')} {since}"
    yield Badge(say(f"form_state.{key}"), key, reverse("sign", args=[one.target]), title)
