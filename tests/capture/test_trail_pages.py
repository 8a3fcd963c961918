"""The trail on the page and in the file: what one may see of it, and that reading it is logged."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from onearm.capture import clock, trail
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import AuditEvent, EventInstance, Site, Subject, User
from onearm.capture.trail_reading import COLUMNS, Wanted, lines
from tests.capture.conduct import fill

Person = Callable[..., User]
TODAY = clock.now().date()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


@pytest.fixture
def saved(person: Person, visit: EventInstance) -> User:
    nurse = person("coordinator")
    first = Changes([Cell(1, "MHTERM", "=cmd()"), Cell(1, "HBV", reason="ND")], 0)
    save(nurse, visit, "DISEASE", first)
    save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "GBC")], 1, reason="misread"))
    return nurse


def test_a_line_says_who_when_where_what_and_why(saved: User) -> None:
    newest, first = list(lines(saved, Wanted(kind="data"), TODAY))
    assert (newest.user, newest.role, newest.site, newest.subject) == (
        "coordinator",
        "coordinator",
        "01",
        "01-001",
    )
    assert (newest.where, newest.what, newest.reason) == (
        "SCREENING 1 DISEASE",
        "1.MHTERM = GBC",
        "misread",
    )
    assert "1.HBV = missing: ND" in first.what
    assert newest.at_site.endswith("(UTC+00:00)")


def test_laboratory_results_are_told_without_the_ranges_kept_beside_them(
    person: Person, subject: Subject
) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "SCREENING", "DM", RFICDAT="2026-03-02", SEX="M", AGE="66")
    saved = fill(nurse, subject, "SCREENING", "LB", LBDAT="2026-03-03", ALT="20")
    assert "_ranges" in saved.instance.data["rows"][0]
    page = signed_in(nurse).get("/trail?kind=data")
    assert page.status_code == 200
    text = page.content.decode()
    assert "= 20" in text
    assert "_ranges" not in text


def test_the_file_equals_the_trail_and_no_cell_is_a_formula(saved: User) -> None:
    answer = signed_in(saved).get("/trail.csv?kind=data")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [row["hash"] for row in rows] == [
        line.hash for line in lines(saved, Wanted(kind="data"), TODAY)
    ]
    act = AuditEvent.objects.get(action="trail.export")
    assert act.user == saved
    assert trail.plain_cell("=cmd()") == "'=cmd()"


def test_searching_finds_by_person_day_and_text(saved: User) -> None:
    def count(**wanted: object) -> int:
        return len(list(lines(saved, Wanted(kind="data", **wanted), TODAY)))

    assert count(text="misread") == 1
    assert count(text="01-001") == 2
    assert count(user="COORDINATOR") == 2
    assert count(user="nobody") == 0
    assert count(begins=TODAY, ends=TODAY) == 2
    assert count(ends=TODAY.replace(year=TODAY.year - 1)) == 0


def test_sites_and_roles_limit_what_is_read(saved: User, person: Person) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    there = person("coordinator", name="there", at=other)
    Subject.objects.create(site=other, code="02-001", created_at=clock.now())
    trail.record("subject:02-001", "query.open", user=there, site=other, target="query 9")
    here = [line.subject for line in lines(saved, Wanted(), TODAY)]
    assert "02-001" not in here
    assert {line.site for line in lines(there, Wanted(), TODAY)} == {"02"}
    office = list(lines(person("administrator"), Wanted(), TODAY))
    assert not any(line.subject for line in office)
    auditor = list(lines(person("auditor"), Wanted(), TODAY))
    assert {"save", "query.open"} <= {line.action for line in auditor}
    assert list(lines(person("statistician"), Wanted(), TODAY)) == []


def test_log_ins_are_read_with_the_right_to_the_access_log_only(
    saved: User, person: Person
) -> None:
    Client().post("/accounts/login/", {"login": "coordinator", "password": "wrong"})

    def actions(role: str) -> set[str]:
        return {line.action for line in lines(person(role), Wanted(), TODAY)}

    assert "login.failed" in actions("administrator")
    assert "login.failed" in actions("auditor")
    assert "login.failed" not in actions("data_manager")


def test_the_page_shows_it_to_those_who_may(saved: User, person: Person) -> None:
    page = signed_in(saved).get("/trail?text=misread").content.decode()
    assert "Histological diagnosis = GBC" in page
    assert signed_in(person("administrator")).get("/trail").status_code == 200
    assert signed_in(person("study_builder")).get("/trail").status_code == 403


def test_every_chain_is_verified_and_the_anchor_is_of_settled_writes(saved: User) -> None:
    assert list(trail.verify()) == []
    made = trail.anchor()
    assert trail.holds(made.at, made.hash)
    assert not trail.holds(made.at, "0" * 64)
    assert not trail.holds(clock.now(), made.hash)
