"""Incidents and changes: written down, decided on by another person, and never rewritten."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client

from onearm.capture import clock, journal, trail
from onearm.capture.actions import journal as acts
from onearm.capture.actions.journal import Change, Incident, JournalProblem
from onearm.capture.models import AuditEvent, Site, User
from onearm.capture.permissions import NotAllowed

Person = Callable[..., User]
Enter = Callable[[User], Client]
HOUR = timedelta(hours=1)
OUTAGE = ("No pages since the power cut", "nothing lost; two visits on paper")
UPDATE = Change("onearm 0.2.0", "the coordinating centre", "new laboratory page; data unchanged")


def today() -> date:
    return clock.now().date()


@pytest.fixture
def manager(person: Person) -> User:
    return person("data_manager")


@pytest.fixture
def office(person: Person) -> User:
    return person("administrator")


def test_an_incident_is_noted_by_the_site_and_closed_with_its_cause(
    person: Person, manager: User, site: Site
) -> None:
    nurse, began = person("coordinator"), clock.now() - 3 * HOUR
    made = acts.note_incident(nurse, Incident(*OUTAGE, began, paper=True), site)
    assert journal.find(made.number).state == "open"
    with pytest.raises(NotAllowed):
        acts.close_incident(
            nurse, made.number, ended=clock.now(), cause="power", prevention="second supply"
        )
    acts.close_incident(
        manager, made.number, ended=began + HOUR, cause="power", prevention="second supply"
    )
    case = journal.find(made.number)
    assert case.state == "closed"
    assert case.first.details["paper"] is True
    assert [act.details["cause"] for act in case.later] == ["power"]
    with pytest.raises(JournalProblem, match="not in the state"):
        acts.close_incident(
            manager, made.number, ended=clock.now(), cause="again", prevention="nothing"
        )
    assert list(trail.verify()) == []


def test_times_that_cannot_be_and_empty_texts_are_refused(manager: User) -> None:
    now = clock.now()
    for incident in (
        Incident(*OUTAGE, now + HOUR),
        Incident(*OUTAGE, now - HOUR, now - 2 * HOUR),
        Incident(*OUTAGE, now - HOUR, now + HOUR),
        Incident("", "none", now),
        Incident("something", "  ", now),
    ):
        with pytest.raises(JournalProblem, match="Nothing was written"):
            acts.note_incident(manager, incident, None)
    noted = acts.note_incident(manager, Incident(*OUTAGE, now - HOUR), None)
    with pytest.raises(JournalProblem, match="begins before"):
        acts.close_incident(manager, noted.number, ended=now - 2 * HOUR, cause="x", prevention="y")
    assert AuditEvent.objects.filter(stream="journal").count() == 1


def test_a_change_is_approved_by_another_person_before_it_is_in_use(
    manager: User, office: User, person: Person
) -> None:
    made = acts.propose(manager, UPDATE)
    with pytest.raises(JournalProblem, match="another person"):
        acts.decide(manager, made.number, approve=True, reason="fine")
    with pytest.raises(JournalProblem, match="not in the state"):
        acts.went_live(manager, made.number, today(), "tried in the test environment")
    with pytest.raises(NotAllowed):
        acts.decide(person("monitor"), made.number, approve=True, reason="fine")
    with pytest.raises(JournalProblem, match="fill in Reason"):
        acts.decide(office, made.number, approve=True, reason="")
    acts.decide(office, made.number, approve=True, reason="tests passed; backup restored")
    assert journal.find(made.number).state == "approved"
    with pytest.raises(JournalProblem, match="between the decision"):
        acts.went_live(manager, made.number, today() + timedelta(days=1), "tried")
    acts.went_live(manager, made.number, today(), "qualification of 5 May")
    case = journal.find(made.number)
    assert case.state == "live"
    assert case.first.details["requested_by"] == "the coordinating centre"
    assert [(act.action, act.user) for act in case.later] == [
        ("change.approve", office),
        ("change.live", manager),
    ]


def test_a_refused_change_does_not_go_live(manager: User, office: User) -> None:
    made = acts.propose(manager, UPDATE)
    acts.decide(office, made.number, approve=False, reason="after the interim look")
    assert journal.find(made.number).state == "refused"
    with pytest.raises(JournalProblem, match="not in the state"):
        acts.went_live(manager, made.number, today(), "tried")


def test_a_site_reads_its_own_incidents_and_those_of_the_whole_system(
    person: Person, manager: User, site: Site
) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    nurse, now = person("coordinator"), clock.now()
    acts.note_incident(manager, Incident("all down", "none", now - HOUR), None)
    acts.note_incident(nurse, Incident("no network here", "none", now - HOUR), site)
    acts.note_incident(manager, Incident("no network there", "none", now - HOUR), other)
    with pytest.raises(NotAllowed):
        acts.note_incident(nurse, Incident("x", "y", now - HOUR), other)

    def seen(user: User) -> list[str]:
        return [case.first.details["what"] for case in journal.cases(user, today())]

    assert seen(nurse) == ["no network here", "all down"]
    assert seen(manager) == ["no network there", "no network here", "all down"]
    assert seen(person("statistician")) == []


def test_the_page_writes_what_the_acts_do_and_gives_a_file(
    manager: User, office: User, person: Person, signed_in: Enter, site: Site
) -> None:
    nurse = signed_in(person("coordinator"))
    began = (clock.now() - HOUR).strftime("%Y-%m-%dT%H:%M")
    given = {"act": "incident", "what": OUTAGE[0], "effect": OUTAGE[1], "began": began}
    nurse.post("/journal", given)  # a site's person speaks for the site alone
    assert not AuditEvent.objects.filter(stream="journal").exists()
    nurse.post("/journal", {**given, "site": "01", "paper": "1"})
    desk = signed_in(manager)
    change = {"act": "propose", "what": "=1+1", "requested_by": "site 01", "impact": "none"}
    desk.post("/journal", change)
    page = signed_in(office).get("/journal").content.decode()
    assert OUTAGE[0] in page
    assert 'value="approve"' in page
    assert 'value="approve"' not in desk.get("/journal").content.decode()
    signed_in(office).post("/journal", {"act": "approve", "case": "2", "reason": "small"})
    desk.post("/journal", {"act": "live", "case": "2", "on": str(today()), "evidence": "seen"})
    desk.post(
        "/journal",
        {"act": "close", "case": "1", "ended": began, "cause": "power", "prevention": "battery"},
    )
    assert [case.state for case in journal.every_case()] == ["closed", "live"]
    lines = list(csv.reader(desk.get("/journal.csv").content.decode().splitlines()))
    assert lines[0] == list(journal.COLUMNS)
    assert len(lines) == 1 + 5
    assert not any(cell.startswith("=") for line in lines for cell in line)
    assert AuditEvent.objects.filter(action="journal.export").count() == 1
    assert desk.post("/journal", {"act": "live", "case": "9", "on": "yesterday"}).status_code == 302
    assert signed_in(person("statistician")).get("/journal").status_code == 403
