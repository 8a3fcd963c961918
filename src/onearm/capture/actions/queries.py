"""Queries: asked by checks and by people, answered, closed; every word is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import translation

from onearm.capture import clock, permissions, places, states, trail, wording, zones
from onearm.capture.models import EventInstance, Query, QueryEntry
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import say
from onearm.errors import Finding, OnearmError
from onearm.records.places import visit_label

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from onearm.capture.models import FormInstance, Subject, User
    from onearm.study import Study

State = Query.State


def follow_checks(subject: Subject, found: dict[str, tuple[Finding, ...]], at: datetime) -> None:
    """Bring the queries that checks ask in line with what the checks find now, form by form.

    found: by form id every finding of that form for the subject. A finding without a live query
    opens one; a query whose finding is gone is closed, unless a person has written in it.
    """
    live = Query.objects.filter(subject=subject, form__in=found, state__in=Query.LIVE).exclude(
        check_id=""
    )
    standing = {_key_of(query): query for query in live.prefetch_related("entries")}
    wanted = {_key(f): f for findings in found.values() for f in findings}
    news = {key: finding for key, finding in wanted.items() if key not in standing}
    version = version_at(subject.site, zones.today(subject.site)) if news else None
    for key, finding in news.items():
        _open(subject, key, finding, at, study_of(version) if version else None)
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

    Raises `permissions.NotAllowed`, and ``OnearmError`` for an empty text and for a place that the
    study does not have.
    """
    if not text.strip():
        raise OnearmError(say("query.text_needed"))
    actor = permissions.actor(user, "query.open", subject.site, clock.now().date())
    with transaction.atomic():
        at = clock.now()
        place = Query(subject=subject, visit=visit, repeat=repeat, form=form, row=row, item=item)
        _require_place(place)
        states.require_open(_places(place))
        query = Query.objects.create(
            subject=subject,
            visit=visit,
            repeat=repeat,
            form=form,
            row=row,
            item=item,
            text=text.strip(),
            opened_at=at,
            changed_at=at,
            opened_by=user,
        )
        QueryEntry.objects.create(
            query=query, state=State.OPEN, text=text.strip(), user=user, at=at
        )
        _record(query, "query.open", actor)
    return query


def move(user: User, query: Query, state: str, text: str = "") -> Query:
    """Answer, close, cancel or re-open a query; raises what `ask` raises.

    An answer needs words. Who opened a query closes or cancels it, a data manager any query.
    """
    site, today = query.subject.site, clock.now().date()
    if state == State.ANSWERED:
        if not text.strip():
            raise OnearmError(say("query.answer_needed"))
        capability = "query.answer"
    elif state == State.OPEN or query.opened_by_id == user.pk:
        capability = "query.open" if state == State.OPEN else "query.close"
    else:
        capability = "query.close_any"
    actor = permissions.actor(user, capability, site, today)
    with transaction.atomic():
        # As it stands now: somebody may have answered or closed it since it was read.
        query.refresh_from_db(from_queryset=Query.objects.select_for_update())
        if state not in _NEXT[query.state]:
            words = {"now": say(f"query.{query.state}"), "then": say(f"query.{state}")}
            raise OnearmError(say("query.no_way").format(**words))
        states.require_open(_places(query))
        _move(query, state, user, text.strip(), clock.now())
        _record(query, f"query.{state}", actor)
    return query


def _places(query: Query) -> list[str]:
    """Every target over the query's place: what is locked is not talked about any more."""
    event, form = _standing(query)
    cells = [(query.row, query.item)] if query.item else []
    return states.targets(subject=query.subject, event=event, form=form, items=cells)


def _standing(query: Query) -> tuple[EventInstance | None, FormInstance | None]:
    """The visit and the form of a query, each None where nobody has saved it."""
    at = {"subject": query.subject, "visit": query.visit, "repeat": query.repeat}
    event = EventInstance.objects.filter(**at).first() if query.visit else None
    if event is None or not query.form:
        return event, None
    saved = event.forms.filter(form=query.form).select_related("study_version")
    return event, saved.defer("study_version__files").first()


def _require_place(query: Query) -> None:
    """Refuse a place that the version has not under which it is entered, or was."""
    site, (_, form) = query.subject.site, _standing(query)
    version = form.study_version if form else version_at(site, zones.today(site))
    if version is None or not _has(study_of(version), query):
        named = places.query_place(query, {}) or str(query.row)
        raise OnearmError(say("query.no_place").format(place=named))


def _has(study: Study, query: Query) -> bool:
    visits = {visit.id: visit for visit in study.schedule.visits} if study.schedule else {}
    if query.visit and query.visit not in visits:
        return False
    if not query.form:
        return not query.row and not query.item
    if query.form not in study.forms or (
        query.visit and query.form not in visits[query.visit].forms
    ):
        return False
    items = {item.name for item in study.forms[query.form].items}
    return not query.item or query.item in items


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


def _open(subject: Subject, key: Key, finding: Finding, at: datetime, study: Study | None) -> None:
    visit, _, repeat = key[0].partition(" ")
    query = Query.objects.create(
        subject=subject,
        visit=visit,
        repeat=int(repeat or 1),
        form=key[1],
        row=key[2],
        item=key[3],
        check_id=key[4],
        text=_said(study, finding, "en"),
        text_zh=_in_chinese(study, finding) if study else "",
        opened_at=at,
        changed_at=at,
    )
    QueryEntry.objects.create(query=query, state=State.OPEN, at=at)


def _in_chinese(study: Study, finding: Finding) -> str:
    """The finding's Chinese words, the study's or the standing rule's; empty without any."""
    text = _said(study, finding, "zh-hans")
    return "" if text == _said(None, finding, "en") else text


def _said(study: Study | None, finding: Finding, language: str) -> str:
    """A finding in a language; as it was found where no study has words for it."""
    if study is None:
        return " ".join(filter(None, (finding.message, finding.hint)))
    with translation.override(language):
        return wording.finding_text(study, finding)


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
    return Query.objects.filter(subject=subject, form=form, state__in=Query.LIVE)


def with_last_word(queries: QuerySet[Query]) -> QuerySet[Query]:
    """Queries that carry as ``last`` the newest words that a person wrote in each; None if none."""
    said = QueryEntry.objects.filter(query=OuterRef("pk"), user__isnull=False).exclude(text="")
    return queries.annotate(last=Subquery(said.order_by("-pk").values("text")[:1]))
