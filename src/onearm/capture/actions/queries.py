"""Queries: asked by checks and by people, answered, closed; every word is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, states, trail
from onearm.capture.models import Query, QueryEntry
from onearm.errors import Finding, OnearmError
from onearm.records.places import visit_label

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from onearm.capture.models import Subject, User

State = Query.State
LIVE = (State.OPEN, State.ANSWERED)


def follow_checks(subject: Subject, found: dict[str, tuple[Finding, ...]], at: datetime) -> None:
    """Bring the queries that checks ask in line with what the checks find now, form by form.

    found: by form id every finding of that form for the subject. A finding without a live query
    opens one; a query whose finding is gone is closed, unless a person has written in it.
    """
    live = Query.objects.filter(subject=subject, form__in=found, state__in=LIVE).exclude(
        check_id=""
    )
    standing = {_key_of(query): query for query in live.prefetch_related("entries")}
    wanted = {_key(f): f for findings in found.values() for f in findings}
    for key, finding in wanted.items():
        if key not in standing:
            _open(subject, key, finding, at)
    for key, query in standing.items():
        if key not in wanted and not any(e.user_id for e in query.entries.all()):
            _move(query, State.CLOSED, None, "the check passes", at)


def ask(
    user: User,
    subject: Subject,
    text: str,
    *,
    visit: str = "",
    repeat: int = 1,
    form: str = "",
    row: int = 0,
    item: str = "",
) -> Query:
    """A person's question about a subject, a visit, a form, a row or a cell, saved or not.

    Raises `permissions.NotAllowed`, and ``OnearmError`` for an empty text.
    """
    if not text.strip():
        raise OnearmError("write what the query asks")
    actor = permissions.actor(user, "query.open", subject.site, clock.now().date())
    with transaction.atomic():
        at = clock.now()
        query = Query.objects.create(
            subject=subject,
            visit=visit,
            repeat=repeat,
            form=form,
            row=row,
            item=item,
            text=text,
            opened_at=at,
            changed_at=at,
            opened_by=user,
        )
        QueryEntry.objects.create(query=query, state=State.OPEN, text=text, user=user, at=at)
        _record(query, "query.open", actor)
    return query


def move(user: User, query: Query, state: str, text: str = "") -> Query:
    """Answer, close, cancel or re-open a query; raises what `ask` raises.

    An answer needs words. Who opened a query closes or cancels it, a data manager any query.
    """
    site, today = query.subject.site, clock.now().date()
    if state == State.ANSWERED:
        if not text.strip():
            raise OnearmError("write the answer")
        capability = "query.answer"
    elif state == State.OPEN or query.opened_by_id == user.pk:
        capability = "query.open" if state == State.OPEN else "query.close"
    else:
        capability = "query.close_any"
    actor = permissions.actor(user, capability, site, today)
    if state not in _NEXT[query.state]:
        raise OnearmError(f"a query that is {query.state} cannot become {state}")
    with transaction.atomic():
        states.require_open(states.targets(subject=query.subject))
        _move(query, state, user, text, clock.now())
        _record(query, f"query.{state}", actor)
    return query


_NEXT = {
    State.OPEN: {State.ANSWERED, State.CLOSED, State.CANCELLED},
    State.ANSWERED: {State.OPEN, State.CLOSED, State.CANCELLED},
    State.CLOSED: {State.OPEN},
    State.CANCELLED: {State.OPEN},
}

Key = tuple[str, str, int, str, str]
"""Visit as a message names it, form, row, item, check."""


def _key(finding: Finding) -> Key:
    place = finding.place
    return (place.visit, place.form, place.row, place.field, finding.rule)


def _key_of(query: Query) -> Key:
    visit = visit_label(query.visit, query.repeat)
    return (visit, query.form, query.row, query.item, query.check_id)


def _open(subject: Subject, key: Key, finding: Finding, at: datetime) -> None:
    visit, _, repeat = key[0].partition(" ")
    query = Query.objects.create(
        subject=subject,
        visit=visit,
        repeat=int(repeat or 1),
        form=key[1],
        row=key[2],
        item=key[3],
        check_id=key[4],
        text=" ".join(filter(None, (finding.message, finding.hint))),
        opened_at=at,
        changed_at=at,
    )
    QueryEntry.objects.create(query=query, state=State.OPEN, at=at)


def _move(query: Query, state: str, user: User | None, text: str, at: datetime) -> None:
    query.state, query.changed_at = state, at
    query.save(update_fields=["state", "changed_at"])
    QueryEntry.objects.create(query=query, state=state, text=text, user=user, at=at)


def _record(query: Query, action: str, actor: permissions.Actor) -> None:
    trail.record(
        f"subject:{query.subject.code}",
        action,
        actor=actor,
        site=query.subject.site,
        target=f"query {query.pk}",
        details={"visit": query.visit, "form": query.form, "item": query.item},
    )


def live_queries(subject: Subject, form: str) -> QuerySet[Query]:
    """Open and answered queries on one form of a subject."""
    return Query.objects.filter(subject=subject, form=form, state__in=LIVE)
