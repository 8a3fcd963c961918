"""Mails: each in its receiver's language, without subjects; the digest; the anchor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client

from onearm.capture import clock, todo, trail
from onearm.capture.actions import digest, queries
from onearm.capture.models import Anchor, AuditEvent, EventInstance, Site, Subject, User

Person = Callable[..., User]
ADDRESS = "https://trial.example.org"


def with_mail(user: User, address: str, language: str = "en", *, wants: bool = False) -> User:
    user.email, user.language, user.wants_digest = address, language, wants
    user.save()
    return user


# --- lockout


def test_a_lockout_is_told_to_each_in_an_own_mail_and_language(person: Person) -> None:
    with_mail(person("coordinator"), "nurse@example.org", "zh-hans")
    with_mail(person("administrator"), "office@example.org", "en")
    for _ in range(5):
        Client().post("/accounts/login/", {"login": "coordinator", "password": "wrong"})
    told = {message.to[0]: message for message in mail.outbox}
    assert set(told) == {"nurse@example.org", "office@example.org"}
    assert all(len(message.to) == 1 for message in mail.outbox)
    assert "已被锁定" in told["nurse@example.org"].body
    assert "如非本人操作" in told["nurse@example.org"].body
    assert "Under Accounts it can be released" in told["office@example.org"].body
    act = AuditEvent.objects.get(action="security.mail")
    assert act.details == {"sent": 2, "failed": 0}


def test_a_lockout_stands_where_the_mail_cannot_be_sent(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_mail(person("coordinator"), "nurse@example.org")

    def broken(*args: object, **rest: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("onearm.capture.accounts.send_mail", broken)
    for _ in range(5):
        answer = Client().post("/accounts/login/", {"login": "coordinator", "password": "wrong"})
    assert answer.status_code == 429
    assert AuditEvent.objects.get(action="security.mail").details == {"sent": 0, "failed": 1}


# --- digest


@pytest.fixture
def waits(person: Person, subject: Subject, visit: EventInstance) -> Subject:
    """A subject with a query that the site has to answer."""
    queries.ask(person("monitor"), subject, "why so late", visit="SCREENING", form="DM")
    return subject


def test_the_digest_goes_to_who_asked_in_their_language_with_numbers_alone(
    waits: Subject, person: Person
) -> None:
    with_mail(person("coordinator"), "nurse@example.org", "zh-hans", wants=True)
    with_mail(person("investigator"), "doctor@example.org", "en", wants=True)
    with_mail(person("coordinator", name="other"), "other@example.org")
    made = digest.send(ADDRESS)
    assert (made.sent, made.failed, made.idle) == (2, 0, 0)
    nurse, doctor = sorted(mail.outbox, key=lambda m: m.to[0], reverse=True)
    assert (nurse.to, nurse.subject) == (["nurse@example.org"], "本月待办")
    assert "中心 01" in nurse.body
    assert "未关闭的质疑：1" in nurse.body
    assert "Open queries: 1" in doctor.body
    for message in (nurse, doctor):
        assert f"{ADDRESS}/?site=01" in message.body
        assert "01-001" not in message.body
        assert "why so late" not in message.body
    assert AuditEvent.objects.get(action="digest.mail").details == {"sent": 2, "failed": 0}


def test_the_digest_counts_what_the_first_page_shows(
    waits: Subject, person: Person, site: Site, signed_in: Callable[[User], Client]
) -> None:
    nurse = person("coordinator")
    page = signed_in(nurse).get("/")
    shown = {
        "visits": page.context["overdue_in_all"] + page.context["soon_in_all"],
        "missing": page.context["forms_in_all"],
        "queries": len(page.context["queries"]),
        "sign": page.context["signs_in_all"],
        "reports": len(page.context["reports"]),
    }
    assert shown["visits"]
    assert dict(todo.waiting(nurse, [site])[0].counts) == shown


def test_who_has_nothing_to_do_gets_no_mail(person: Person, site: Site) -> None:
    with_mail(person("coordinator"), "nurse@example.org", wants=True)
    assert digest.send(ADDRESS).idle == 1
    assert mail.outbox == []


def test_ended_accounts_and_other_sites_are_left_out(waits: Subject, person: Person) -> None:
    gone = with_mail(person("coordinator"), "gone@example.org", wants=True)
    gone.is_active = False
    gone.save()
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    there = person("coordinator", name="there", at=elsewhere)
    with_mail(there, "there@example.org", wants=True)
    assert digest.send(ADDRESS).sent == 0


def test_a_mail_server_that_does_not_answer_stops_no_other_digest(
    waits: Subject, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_mail(person("coordinator"), "nurse@example.org", wants=True)
    with_mail(person("investigator"), "doctor@example.org", wants=True)
    tried: list[str] = []

    def first_fails(heading: str, text: str, sender: object, to: list[str]) -> int:
        tried.append(to[0])
        if len(tried) == 1:
            raise TimeoutError
        return 1

    monkeypatch.setattr(digest, "send_mail", first_fails)
    made = digest.send(ADDRESS)
    assert (made.sent, made.failed, len(tried)) == (1, 1, 2)


def test_people_ask_for_it_and_end_it_on_their_own_account(
    person: Person, signed_in: Callable[[User], Client]
) -> None:
    nurse = person("coordinator")
    client = signed_in(nurse)
    assert "Give an e-mail address first" in client.get("/me").content.decode()
    with_mail(nurse, "nurse@example.org")
    client.post("/me", {"digest": "yes"})
    nurse.refresh_from_db()
    assert nurse.wants_digest
    client.post("/me", {"digest": "no"})
    nurse.refresh_from_db()
    assert not nurse.wants_digest


# --- anchor


@pytest.mark.django_db
def test_the_anchor_leaves_by_mail_and_file_and_can_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from onearm.cli import capture

    trail.record("study", "system.make")
    monkeypatch.setattr(capture, "_configure", lambda data: None)
    monkeypatch.setattr(trail, "SETTLED", trail.SETTLED * 0)
    file = tmp_path / "anchors.txt"
    words = ["anchor", "--file", str(file), "--mail", "qa@example.org"]
    done = CliRunner().invoke(capture.capture_app, words)
    assert done.exit_code == 0, done.output
    made = Anchor.objects.get()
    line = f"{made.at.isoformat()} {made.chains} {made.hash}"
    assert file.read_text(encoding="utf-8").splitlines() == [line]
    assert [(m.to, m.body) for m in mail.outbox] == [(["qa@example.org"], f"{line}\n")]
    assert trail.holds(made.at, made.hash)
    assert made.at <= clock.now()
