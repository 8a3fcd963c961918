"""Reviewed, frozen, locked: on every level, with the checklist, the rights, and the way back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from onearm.capture import clock, lockcheck
from onearm.capture.actions import queries
from onearm.capture.actions.hold import NotReady, find, hold, lift
from onearm.capture.actions.sign import content_of
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.actions.verify import verify
from onearm.capture.chain import START, link
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    Hold,
    Query,
    Signature,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.capture.states import Held
from onearm.errors import OnearmError
from tests.capture.conduct import fill

Person = Callable[..., User]


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    return fill(
        nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON"
    ).instance


def settle(person: Person, form: FormInstance) -> None:
    """Verify and sign a form, and close its queries."""
    form.refresh_from_db()
    verify(person("monitor"), form, form.version)
    for query in Query.objects.filter(state__in=("open", "answered")):
        queries.move(User.objects.get(username="data_manager"), query, "closed")
    signed = Signature(
        target=f"form:{form.pk}",
        subject=form.event.subject,
        user=person("investigator"),
        printed_name="Investigator Person",
        meaning="reviewed",
        at=clock.now(),
        content={str(form.pk): form.head},
    )
    signed.hash = link(START, content_of(signed))
    signed.save()


def test_a_form_is_locked_once_every_point_is_settled_and_then_refuses_everything(
    person: Person, form: FormInstance, subject: Subject
) -> None:
    manager = person("data_manager")
    target = f"form:{form.pk}"
    asked = queries.ask(manager, subject, "sure?", visit="SCREENING", form="VISIT")
    with pytest.raises(NotReady) as caught:
        hold(manager, target, "locked")
    assert caught.value.points == (
        "Queries not closed: 1 (01-001 Screening · Visit)",
        "Forms not compared with the source as planned: 1 (01-001 Screening Visit)",
        "Forms not signed: 1 (01-001 Screening Visit)",
    )
    settle(person, form)
    locked = hold(manager, target, "locked")
    nurse = User.objects.get(username="coordinator")
    with pytest.raises(Held, match="locked"):
        fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04")
    with pytest.raises(Held):
        verify(User.objects.get(username="monitor"), form, form.version)
    asked.refresh_from_db()
    with pytest.raises(Held):
        queries.move(manager, asked, "open")
    with pytest.raises(OnearmError, match="Say why"):
        lift(manager, locked, " ")
    lift(manager, locked, "a late correction")
    fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04")
    acts = AuditEvent.objects.filter(target=target).values_list("action", "reason")
    assert ("lift.locked", "a late correction") in list(acts)


def test_a_locked_site_refuses_an_import(
    person: Person, form: FormInstance, subject: Subject
) -> None:
    from onearm.capture import entries

    manager = person("data_manager")
    frame = entries.of_subject(subject)
    Hold.objects.create(target="site:01", kind="locked", set_by=manager, set_at=clock.now())
    taken = take_entries(manager, frame, source="late.csv")
    assert {row.fate for row in taken.rows} == {"refused"}
    assert "Site 01 has been locked" in taken.rows[0].why[0]


@pytest.mark.parametrize("role", ["coordinator", "investigator", "monitor", "medical_reviewer"])
def test_only_a_data_manager_freezes_and_locks(
    role: str, person: Person, form: FormInstance
) -> None:
    user = User.objects.filter(username=role).first() or person(role)
    for kind in ("frozen", "locked"):
        with pytest.raises(NotAllowed):
            hold(user, "study", kind)


def test_review_is_a_mark_and_holds_nothing(
    person: Person, form: FormInstance, subject: Subject
) -> None:
    hold(person("medical_reviewer"), f"form:{form.pk}", "reviewed")
    nurse = User.objects.get(username="coordinator")
    assert fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04").changed


def test_what_stands_under_something_frozen_is_frozen_once(
    person: Person, form: FormInstance
) -> None:
    manager = person("data_manager")
    hold(manager, "subject:01-001", "frozen")
    with pytest.raises(OnearmError, match="It is that already"):
        hold(manager, "subject:01-001", "frozen")
    with pytest.raises(Held):
        hold(manager, f"form:{form.pk}", "reviewed")


@pytest.mark.parametrize(
    "target", ["", "nothing", "site:99", "subject:99", "event:x", "form:0", "form:1:1:A", "item:1"]
)
def test_a_target_that_is_not_there_is_named(target: str, form: FormInstance) -> None:
    with pytest.raises(OnearmError, match="There is nothing of the name"):
        find(target)


def test_the_checklist_of_a_subject_counts_overdue_visits_and_missing_forms(
    person: Person, form: FormInstance, subject: Subject
) -> None:
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "LOG", "EX", EXTRT="PEMBROLIZUMAB", EXSTDAT="2026-03-10")
    points = {p.key: p for p in lockcheck.checklist(subject.site, subject)}
    # Of the ten forms of the screening visit one was saved and is complete; the dose lacks items.
    assert points["forms"].open == 10
    assert points["visits"].open > 20
    assert points["signed"].open == 2


def test_the_page_shows_the_checklist_and_does_what_it_may(
    person: Person, form: FormInstance, client: Client
) -> None:
    client.force_login(person("data_manager"))
    url = f"/state/form:{form.pk}"
    page = client.get(url).content.decode()
    assert "Forms not signed: 1" in page
    client.post(url, {"kind": "locked"})
    assert not Hold.objects.exists()
    client.post(url, {"kind": "frozen", "reason": "clean"})
    held = Hold.objects.get()
    assert (held.kind, held.reason, held.lifted_at) == ("frozen", "clean", None)
    client.post(url, {"lift": str(held.pk), "reason": "not clean after all"})
    assert Hold.objects.get().lifted_at is not None
    client.force_login(User.objects.get(username="coordinator"))
    assert client.post(url, {"kind": "frozen"}).status_code == 403
