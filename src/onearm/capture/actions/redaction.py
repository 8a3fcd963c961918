"""Blackening personal data that were entered by mistake: one person asks, another does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from onearm.capture import clock, permissions, places, states, trail
from onearm.capture.actions.save import Changes, Origin, save
from onearm.capture.actions.take_csv import ENCODINGS
from onearm.capture.chain import link
from onearm.capture.document import KEY, Cell, Document, cells
from onearm.capture.models import (
    AuditEvent,
    Draft,
    FormInstance,
    FormVersion,
    Query,
    QueryEntry,
    Reconciliation,
    RedactedVersion,
    Redaction,
    SeriousReport,
    TakenFile,
)
from onearm.capture.ranges import SI
from onearm.capture.words import kept, say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import Site, User

MARK = "█████"
"""What stands in the history where the value stood."""


class RedactionProblem(OnearmError):
    """The value cannot be blackened so; nothing was changed."""


@transaction.atomic
def request(user: User, version: FormVersion, row: int, item: str, reason: str) -> Redaction:
    """Ask that the value which a save put into a cell be blackened; nothing changes yet.

    Raises `permissions.NotAllowed`, and `RedactionProblem` without a reason or a value there.
    """
    instance = version.instance
    actor = permissions.actor(user, "redaction.request", _site(instance), clock.now().date())
    if not reason.strip():
        raise RedactionProblem(say("redaction.reason"))
    if not _value(version.delta, row, item) or _value(version.delta, row, item) == MARK:
        cell = places.target_said(f"item:{instance.pk}:{row}:{item}")
        raise RedactionProblem(say("redaction.no_value").format(version=version.version, cell=cell))
    made = Redaction.objects.create(
        instance=instance,
        version=version.version,
        row=row,
        item=item,
        reason=reason.strip(),
        requested_by=user,
        requested_at=clock.now(),
    )
    _record(made, "redaction.request", actor, reason=made.reason)
    return made


@transaction.atomic
def approve(user: User, redaction: Redaction) -> Redaction:
    """Blacken the value in every save of the form that put it into the cell, and empty the cell.

    The cell is emptied as any change is (checks, signatures, history with the origin
    ``redaction``). Unsaved texts of the form go, and the value in its queries' questions, in
    reports of the row as a serious event, and in comparisons with the safety database. What was
    said about a query and the reasons of saves are history that the database lets nobody change
    (a reason is part of the chain besides), and words of reports and files that were loaded are
    somebody's own: where they quote the value they stay, and the trail names each such place, which
    `quoted_in` gives. Raises `RedactionProblem` for who asked for it, `permissions.NotAllowed` and
    `states.Held`.
    """
    found = Redaction.objects.select_related("instance__event__subject__site")
    redaction = found.select_for_update(of=("self",)).get(pk=redaction.pk)
    instance = redaction.instance
    actor = permissions.actor(user, "redaction.approve", _site(instance), clock.now().date())
    _require_pending(redaction)
    if user.pk == redaction.requested_by_id:
        raise RedactionProblem(say("redaction.own"))
    states.require_open(states.targets(form=instance, items=[(redaction.row, redaction.item)]))
    seen = instance.versions.get(version=redaction.version)
    value = _value(seen.delta, redaction.row, redaction.item)
    si = _si(seen.delta, redaction.row, redaction.item)
    _empty_cell(user, redaction, value)
    redaction.approved_by, redaction.approved_at = user, clock.now()
    redaction.save(update_fields=["approved_by", "approved_at"])
    changed = [
        _blacken(redaction, version, black)
        for version in instance.versions.order_by("version")
        if (black := _blackened(redaction, version.delta, value, si)) != version.delta
    ]
    _clean_around(instance, value)
    details = {
        "asked_by": redaction.requested_by.username,
        "versions": changed,
        "reports": _blacken_reports(redaction, value, si),
        "reconciliations": _blacken_comparisons(redaction, value),
        "quoted": _quotes(instance, value),
    }
    _record(redaction, "redaction.approve", actor, details, reason=redaction.reason)
    return redaction


def quoted_in(redaction: Redaction) -> list[str]:
    """Where an approved redaction left the value word for word, in the reader's language.

    Texts like "query 3" and "reason of version 4"; none before the approval.
    """
    act = AuditEvent.objects.filter(
        action="redaction.approve", target=f"redaction {redaction.pk}"
    ).first()
    found = act.details.get("quoted", []) if act else []
    return [say(f"redaction.quoted.{kind}").format(n=n) for kind, n in found]


@transaction.atomic
def refuse(user: User, redaction: Redaction, reason: str) -> Redaction:
    """Leave the value as it is, with the reason."""
    actor = permissions.actor(
        user, "redaction.approve", _site(redaction.instance), clock.now().date()
    )
    redaction.refresh_from_db(from_queryset=Redaction.objects.select_for_update(of=("self",)))
    _require_pending(redaction)
    if not reason.strip():
        raise RedactionProblem(say("redaction.why_stays"))
    redaction.refused_by, redaction.refused_at = user, clock.now()
    redaction.refused_because = reason.strip()
    redaction.save(update_fields=["refused_by", "refused_at", "refused_because"])
    _record(redaction, "redaction.refuse", actor, reason=redaction.refused_because)
    return redaction


def _empty_cell(user: User, redaction: Redaction, value: str) -> None:
    instance = redaction.instance
    now = {(cell.row, cell.item): cell.value for cell in cells(instance.data)}
    if now.get((redaction.row, redaction.item)) != value:
        return
    changes = Changes(
        [Cell(redaction.row, redaction.item)],
        instance.version,
        reason=kept("redaction.kept").format(n=redaction.pk, reason=redaction.reason),
        clear=True,
    )
    save(
        user,
        instance.event,
        instance.form,
        changes,
        origin=Origin.REDACTION,
        capability="redaction.approve",
    )


def _blackened(redaction: Redaction, delta: Document, value: str, si: str) -> Document:
    """A save's delta without the value, and without what was worked out from it in SI units."""
    return {"rows": [_black_row(redaction, row, value, si) for row in delta["rows"]]}


def _black_row(redaction: Redaction, row: dict[str, Any], value: str, si: str) -> dict[str, Any]:
    item, black = redaction.item, dict(row)
    if row[KEY] != redaction.row:
        return black
    if row.get(item) == value:
        black[item] = MARK
    if si and _si_beside(row, item) == si:
        black[SI] = {**row[SI], item: {**row[SI][item], "value": MARK}}
    return black


def _blacken(redaction: Redaction, version: FormVersion, black: Document) -> dict[str, object]:
    """Change one save's delta the only way the database lets it change; what the trail keeps."""
    version.delta = black
    hash_ = link(version.previous, trail.version_content(version))
    RedactedVersion.objects.create(
        redaction=redaction, form_version=version, delta=version.delta, hash=hash_
    )
    FormVersion.objects.filter(pk=version.pk).update(delta=version.delta)
    return {"version": version.version, "was": version.hash, "is": hash_}


def _clean_around(instance: FormInstance, value: str) -> None:
    event = instance.event
    Draft.objects.filter(
        subject=event.subject, visit=event.visit, repeat=event.repeat, form=instance.form
    ).delete()
    asked = Query.objects.filter(subject=event.subject, form=instance.form, text__contains=value)
    for query in asked:
        query.text = query.text.replace(value, MARK)
        query.text_zh = query.text_zh.replace(value, MARK)
        query.save(update_fields=["text", "text_zh"])


def _blacken_reports(redaction: Redaction, value: str, si: str) -> list[str]:
    """Blacken the value in the rows that reports of a serious event keep; event and number of
    each that had it."""
    found = SeriousReport.objects.filter(
        event__instance=redaction.instance, event__row=redaction.row
    )
    changed = []
    for report in found.order_by("pk"):
        black = _black_row(redaction, report.content, value, si)
        if black != report.content:
            report.content = black
            report.save(update_fields=["content"])
            changed.append(f"{report.event_id}.{report.number}")
    return changed


def _blacken_comparisons(redaction: Redaction, value: str) -> list[int]:
    """Blacken the value where it stands as an event's name in comparisons of the subject's events
    with the safety database; the numbers of those that had it."""
    code, changed = redaction.instance.event.subject.code, []
    for one in Reconciliation.objects.order_by("pk"):
        black = [
            {k: MARK if v == value and k.startswith("term_") else v for k, v in line.items()}
            if line["subject"] == code
            else line
            for line in one.lines
        ]
        if black != one.lines:
            one.lines = black
            one.save(update_fields=["lines"])
            changed.append(one.pk)
    return changed


def _quotes(instance: FormInstance, value: str) -> list[tuple[str, int]]:
    """Queries of the subject in whose talk the value stands, versions whose reason has it, serious
    events of which a report says it, and loaded files of text with it.

    Talk about other forms is searched too: people quote across forms. Short values are looked for
    as they are: a place named in vain costs a look, one that is missed costs the patient's name.
    """
    subject = instance.event.subject
    talk = QueryEntry.objects.filter(query__subject=subject, text__contains=value)
    queries = sorted(set(talk.values_list("query_id", flat=True)))
    saves = instance.versions.filter(reason__contains=value).order_by("version")
    versions = saves.values_list("version", flat=True)
    told = SeriousReport.objects.filter(
        event__instance__event__subject=subject, text__contains=value
    )
    events = sorted(set(told.values_list("event_id", flat=True)))
    coded = {value.encode(encoding) for encoding in ENCODINGS}
    taken = TakenFile.objects.order_by("pk").values_list("pk", "content")
    files = [pk for pk, content in taken.iterator() if any(c in bytes(content) for c in coded)]
    kinds = {"query": queries, "reason": versions, "report": events, "file": files}
    return [(kind, n) for kind, numbers in kinds.items() for n in numbers]


def _value(delta: Document, row: int, item: str) -> str:
    """The text that a save put into a cell; empty where it put none."""
    for each in delta["rows"]:
        stored = each.get(item)
        if each[KEY] == row and isinstance(stored, str):
            return stored
    return ""


def _require_pending(redaction: Redaction) -> None:
    if redaction.approved_at or redaction.refused_at:
        raise RedactionProblem(say("redaction.decided"))


def _si(delta: Document, row: int, item: str) -> str:
    """The value in SI units that a save kept beside a result; empty where it kept none."""
    return next((_si_beside(each, item) for each in delta["rows"] if each[KEY] == row), "")


def _si_beside(row: dict[str, Any], item: str) -> str:
    return str((row.get(SI) or {}).get(item, {}).get("value", ""))


def _site(instance: FormInstance) -> Site:
    return instance.event.subject.site


def _record(
    redaction: Redaction,
    action: str,
    actor: permissions.Actor,
    details: dict[str, object] | None = None,
    *,
    reason: str,
) -> None:
    event = redaction.instance.event
    trail.record(
        f"subject:{event.subject.code}",
        action,
        actor=actor,
        site=event.subject.site,
        target=f"redaction {redaction.pk}",
        details={
            "form": redaction.instance_id,
            "row": redaction.row,
            "item": redaction.item,
            **(details or {}),
        },
        reason=reason,
    )
