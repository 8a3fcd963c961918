"""Writing the trail, and checking every chain from its first link to its last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock
from onearm.capture.chain import START, canonical, link
from onearm.capture.document import Document, applied, empty
from onearm.capture.models import Anchor, AuditEvent, FormInstance, FormVersion, TrailHead

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import Site, User
    from onearm.capture.permissions import Actor


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first link of a chain that does not fit: where it is and what is wrong with it."""

    chain: str
    number: int
    problem: str

    def __str__(self) -> str:
        return f"{self.chain}, link {self.number}: {self.problem}"


def record(
    stream: str,
    action: str,
    *,
    actor: Actor | None = None,
    user: User | None = None,
    site: Site | None = None,
    target: str = "",
    details: Mapping[str, object] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Add one act to a stream of the trail, in the transaction of the act itself.

    actor: who did it in which role; user: where no role is at play (log-in, first start).
    """
    person = actor.user if actor else user
    role = actor.role if actor else ""
    with transaction.atomic():
        head = _locked_head(stream)
        at = clock.check(newest())
        event = AuditEvent(
            stream=stream,
            number=head.number + 1,
            action=action,
            target=target,
            details=dict(details or {}),
            user=person,
            role=role,
            site=site,
            at=at,
            reason=reason,
            previous=head.hash,
        )
        event.hash = link(head.hash, event_content(event))
        event.save(force_insert=True)
        head.number, head.hash = event.number, event.hash
        head.save()
    return event


def lock(stream: str) -> None:
    """Keep others from writing to a stream until the transaction ends: what is read after this
    cannot be changed by an act of that stream before ours is there."""
    _locked_head(stream)


def newest() -> datetime | None:
    """The time of the newest act or save: a clock that ran back is seen wherever one writes."""
    times = [
        model.objects.order_by("-at").values_list("at", flat=True).first()
        for model in (AuditEvent, FormVersion)
    ]
    return max((at for at in times if at is not None), default=None)


def plain_cell(value: object) -> object:
    """A cell of a CSV file that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def event_content(event: AuditEvent) -> dict[str, object]:
    """What the hash of an act is taken over, besides the hash before it."""
    return {
        "stream": event.stream,
        "number": event.number,
        "action": event.action,
        "target": event.target,
        "details": event.details,
        "user": event.user_id,
        "role": event.role,
        "site": event.site_id,
        "at": event.at.isoformat(),
        "reason": event.reason,
    }


def version_content(version: FormVersion) -> dict[str, object]:
    """What the hash of a form version is taken over, besides the hash before it."""
    return {
        "instance": version.instance_id,
        "version": version.version,
        "delta": version.delta,
        "user": version.user_id,
        "role": version.role,
        "at": version.at.isoformat(),
        "reason": version.reason,
        "origin": version.origin,
        "study_version": version.study_version_id,
    }


def verify() -> Iterator[BrokenLink]:
    """The first broken link of every chain that has one: forms first, then streams."""
    yield from _broken_forms()
    yield from _broken_streams()


SETTLED = timedelta(minutes=1)
"""How old a moment must be for all its writes to be finished; anchors are taken that far back."""


def anchor() -> Anchor:
    """Take a hash over all chain heads; keep it outside the system to show that none was redone.

    It is of a minute ago, when every write that was under way has ended, so that `holds` can take
    it again at any later time.
    """
    at = clock.now() - SETTLED
    chains, hash_ = _heads_at(at)
    return Anchor.objects.create(at=at, chains=chains, hash=hash_)


def holds(at: datetime, hash_: str) -> bool:
    """Whether the chains up to a moment are still those of an anchor that was kept outside."""
    return _heads_at(at)[1] == hash_


def _heads_at(at: datetime) -> tuple[int, str]:
    """How many chains there were at a moment, and one hash over the newest link of each."""
    heads: dict[str, str] = {}
    forms = FormVersion.objects.filter(at__lte=at).order_by("instance_id", "version")
    for pk, hash_ in forms.values_list("instance_id", "hash").iterator(chunk_size=5000):
        heads[f"form {pk}"] = hash_
    acts = AuditEvent.objects.filter(at__lte=at).order_by("stream", "number")
    for stream, hash_ in acts.values_list("stream", "hash").iterator(chunk_size=5000):
        heads[f"stream {stream}"] = hash_
    named = sorted(f"{chain} {hash_}" for chain, hash_ in heads.items())
    return len(heads), link(START, {"heads": named})


def _locked_head(stream: str) -> TrailHead:
    TrailHead.objects.get_or_create(stream=stream, defaults={"hash": START})
    return TrailHead.objects.select_for_update().get(stream=stream)


def _broken_forms() -> Iterator[BrokenLink]:
    versions = FormVersion.objects.order_by("instance_id", "version").select_related("instance")
    current: FormInstance | None = None
    previous, number, is_broken, data = START, 0, False, empty()
    for version in versions.iterator(chunk_size=2000):
        if current is None or version.instance_id != current.pk:
            if current is not None and not is_broken:
                yield from _form_end(current, number, previous, data)
            current, previous, number, is_broken = version.instance, START, 0, False
            data = empty()
        if is_broken:
            continue
        problem = ""
        if version.version != number + 1:
            problem = f"version {number + 1} is missing"
        elif version.previous != previous:
            problem = "it does not name the hash of the version before it"
        elif version.hash != link(previous, version_content(version)):
            problem = _not_redacted(version)
        if problem:
            is_broken = True
            yield BrokenLink(_form_name(current), version.version, problem)
            continue
        previous, number = version.hash, version.version
        data = applied(data, version.delta)
    if current is not None and not is_broken:
        yield from _form_end(current, number, previous, data)
    without = FormInstance.objects.filter(versions=None)
    for instance in without.iterator():
        yield BrokenLink(_form_name(instance), 1, "version 1 is missing")


def _not_redacted(version: FormVersion) -> str:
    """What is wrong with a save whose content does not give its hash; empty where two persons
    blackened a value and the trail says so: which save, the hash it had, the hash it has now."""
    marked = version.redacted.select_related("redaction").order_by("-pk").first()
    if marked is None:
        return "its content does not give its hash"
    redaction = marked.redaction
    if marked.hash != link(version.previous, version_content(version)):
        return "its content is not what was left when a value was blackened"
    act = AuditEvent.objects.filter(
        action="redaction.approve", target=f"redaction {redaction.pk}"
    ).first()
    named = act.details.get("versions", []) if act else []
    said = {"version": version.version, "was": version.hash, "is": marked.hash}
    if said not in named or redaction.approved_by_id in (None, redaction.requested_by_id):
        return "a value was blackened without the act of two persons in the trail"
    return ""


def _form_end(
    instance: FormInstance, number: int, head: str, data: Document
) -> Iterator[BrokenLink]:
    if instance.version != number or instance.head != head:
        problem = f"the form names version {instance.version} as its newest, the chain ends here"
        yield BrokenLink(_form_name(instance), number, problem)
    elif canonical(instance.data) != canonical(data):
        yield BrokenLink(_form_name(instance), number, "the form's data are not what was saved")


def _form_name(instance: FormInstance) -> str:
    return f"form {instance.pk} ({instance.form})"


def _broken_streams() -> Iterator[BrokenLink]:
    for head in TrailHead.objects.order_by("stream"):
        previous, number = START, 0
        for event in AuditEvent.objects.filter(stream=head.stream).order_by("number").iterator():
            problem = ""
            if event.number != number + 1:
                problem = f"act {number + 1} is missing"
            elif event.previous != previous:
                problem = "it does not name the hash of the act before it"
            elif event.hash != link(previous, event_content(event)):
                problem = "its content does not give its hash"
            if problem:
                yield BrokenLink(f"stream {head.stream}", event.number, problem)
                break
            previous, number = event.hash, event.number
        else:
            if (head.number, head.hash) != (number, previous):
                problem = f"the stream names act {head.number} as its newest, the chain ends here"
                yield BrokenLink(f"stream {head.stream}", number, problem)
