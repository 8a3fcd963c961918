"""Serious adverse events: noticed at the save, told without identifiers, reported in versions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks

from onearm.capture import clock, studies
from onearm.capture.actions import sae
from onearm.capture.models import (
    AuditEvent,
    Contact,
    FormInstance,
    SeriousEvent,
    Site,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.capture.safety import deviation_rows
from onearm.capture.views.safety import event_rows
from onearm.errors import OnearmError
from tests.capture.conduct import fill
from tests.capture.conftest import STUDY

Person = Callable[..., User]
Commit = DjangoCaptureOnCommitCallbacks
EVENT = {
    "AETERM": "Vomiting of blood",
    "AECTCAE": "Gastric hemorrhage",
    "AESTDAT": "2026-06-01",
    "AESER": "Y",
    "AESHOSP": "Y",
}


@pytest.fixture
def nurse(person: Person) -> User:
    return person("coordinator")


@pytest.fixture
def event(nurse: User, subject: Subject) -> SeriousEvent:
    fill(nurse, subject, "LOG", "AE", **EVENT)
    return SeriousEvent.objects.get()


def state(event: SeriousEvent) -> str:
    fresh = SeriousEvent.objects.get(pk=event.pk)
    return event_rows([], [fresh])[0].state


def test_the_clock_begins_when_a_row_becomes_serious(nurse: User, subject: Subject) -> None:
    fill(nurse, subject, "LOG", "AE", **{**EVENT, "AESER": "N", "AESHOSP": ""})
    assert not SeriousEvent.objects.exists()
    fill(nurse, subject, "LOG", "AE", reason="admitted at night", AESER="Y")
    event = SeriousEvent.objects.get()
    assert event.row == 1
    assert sae.due_at(event) - event.noticed_at == timedelta(hours=24)
    fill(nurse, subject, "LOG", "AE", row=2, **EVENT)
    assert SeriousEvent.objects.count() == 2


def test_an_event_that_is_not_serious_after_all_stops_its_clock_and_starts_again(
    nurse: User, subject: Subject, event: SeriousEvent
) -> None:
    fill(nurse, subject, "LOG", "AE", reason="outpatient", AESER="N", AESHOSP="")
    assert state(event) == "withdrawn"
    fill(nurse, subject, "LOG", "AE", reason="admitted after all", AESER="Y")
    assert state(event) == "owed"


def test_contacts_are_told_at_once_and_nothing_identifies_the_patient(
    nurse: User,
    subject: Subject,
    person: Person,
    site: Site,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    manager = person("data_manager")
    other = Site.objects.create(code="02", name="Second hospital")
    sae.add_contact(manager, "Safety desk", "safety@example.org")
    sae.add_contact(manager, "安全组", "anquan@example.org", language="zh-hans", site=site)
    sae.add_contact(manager, "Elsewhere", "elsewhere@example.org", site=other)
    gone = sae.add_contact(manager, "Gone", "gone@example.org")
    sae.end_contact(manager, gone)
    with django_capture_on_commit_callbacks(execute=True):
        fill(nurse, subject, "LOG", "AE", **EVENT)
    assert [m.to for m in mail.outbox] == [["anquan@example.org"], ["safety@example.org"]]
    chinese, english = mail.outbox
    assert english.subject == "Serious adverse event at site 01"
    assert chinese.subject == "中心 01 发生严重不良事件"
    for message in mail.outbox:
        words = message.subject + message.body
        for secret in (subject.code, "Gastric hemorrhage", "Vomiting", "2026-06-01"):
            assert secret not in words
    told = AuditEvent.objects.get(action="sae.mail")
    assert (told.details["sent"], told.details["failed"]) == (2, 0)


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("Safety", "not an address"),
        ("Safety", "a@example.org\nBcc: b@example.org"),
        ("Safety", f"{'a' * 250}@example.org"),
        (" ", "safety@example.org"),
        ("S" * 201, "safety@example.org"),
    ],
)
def test_nobody_is_kept_whom_no_mail_reaches(name: str, email: str, person: Person) -> None:
    with pytest.raises(OnearmError, match="Give a name and an e-mail address"):
        sae.add_contact(person("data_manager"), name, email)
    assert not Contact.objects.exists()


def test_mail_that_fails_does_not_undo_the_entry(
    nurse: User,
    subject: Subject,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    sae.add_contact(person("data_manager"), "Safety desk", "safety@example.org")

    def down(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("onearm.capture.actions.sae.send_mail", down)
    with django_capture_on_commit_callbacks(execute=True):
        fill(nurse, subject, "LOG", "AE", **EVENT)
    assert SeriousEvent.objects.count() == 1
    assert AuditEvent.objects.get(action="sae.mail").details["failed"] == 1


def test_reports_are_versions_of_the_row_and_a_later_change_owes_a_follow_up(
    nurse: User, subject: Subject, event: SeriousEvent
) -> None:
    assert state(event) == "owed"
    first = sae.report(nurse, event, "Admitted on 1 June")
    assert state(event) == "reported"
    fill(nurse, subject, "LOG", "AE", AEOUT="RECOVERED/RESOLVED", AEONGO="BEFORE")
    assert state(event) == "changed"
    with pytest.raises(OnearmError, match="Say what is new"):
        sae.report(nurse, event, "")
    second = sae.report(nurse, event, "Recovered")
    assert (first.number, second.number) == (1, 2)
    assert "AEOUT" not in first.content
    assert second.content["AEOUT"] == "RECOVERED/RESOLVED"
    assert state(event) == "reported"


def test_a_report_after_24_hours_is_late_by_when_the_site_learnt_of_it(
    nurse: User, event: SeriousEvent
) -> None:
    SeriousEvent.objects.update(aware_at=clock.now() - timedelta(hours=25))
    assert state(event) == "late"
    with pytest.raises(OnearmError, match="after it was entered"):
        sae.report(nurse, event, "x", aware_at=clock.now() + timedelta(hours=1))
    earlier = event.noticed_at - timedelta(hours=30)
    sae.report(nurse, event, "heard by telephone", aware_at=earlier)
    assert SeriousEvent.objects.get().aware_at == earlier


def test_who_may_report_and_who_says_whom_to_tell(person: Person, event: SeriousEvent) -> None:
    for role in ("monitor", "data_manager"):
        with pytest.raises(NotAllowed):
            sae.report(person(role), event, "x")
    with pytest.raises(NotAllowed):
        sae.add_contact(User.objects.get(username="monitor"), "Me", "me@example.org")
    with pytest.raises(OnearmError, match="e-mail"):
        sae.add_contact(User.objects.get(username="data_manager"), "Me", "me")
    assert not Contact.objects.exists()


def test_the_pages_list_the_event_and_take_the_report(
    nurse: User, event: SeriousEvent, client: Client, person: Person
) -> None:
    client.force_login(nurse)
    page = client.get("/serious").content.decode()
    assert "Gastric hemorrhage" in page
    assert "report owed" in page
    client.post(f"/serious/{event.pk}", {"text": "Admitted", "aware": ""})
    assert state(event) == "reported"
    client.cookies["django_language"] = "zh-hans"
    assert "已报告" in client.get(f"/serious/{event.pk}").content.decode()
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    client.force_login(person("coordinator", name="other", at=elsewhere))
    assert client.get(f"/serious/{event.pk}").status_code == 404


def test_deviations_are_listed_from_their_form(
    nurse: User, subject: Subject, client: Client
) -> None:
    told = {"DVTERM": "Scan three weeks late", "DVDECOD": "ASSESSMENT", "DVCAT": "MINOR"}
    fill(nurse, subject, "LOG", "DV", DVSTDAT="2026-06-01", **told)
    client.force_login(nurse)
    page = client.get("/deviations").content.decode()
    assert "Scan three weeks late" in page
    assert "Minor" in page


def test_deviations_of_several_versions_stand_under_their_own_headings(
    nurse: User, subject: Subject, client: Client, tmp_path: Path
) -> None:
    told = {"DVTERM": "Scan late", "DVDECOD": "ASSESSMENT", "DVCAT": "MINOR"}
    fill(nurse, subject, "LOG", "DV", DVSTDAT="2026-06-01", **told)
    shutil.copytree(STUDY, tmp_path / "study")
    form = tmp_path / "study" / "forms" / "dv.yaml"
    form.write_text(f"{form.read_text(encoding='utf-8')}without: [DVCAT]\n", encoding="utf-8")
    newer = studies.take_in(tmp_path / "study")
    fill(nurse, subject, "CYCLE", "DV", DVSTDAT="2026-06-02", **told)
    later = FormInstance.objects.get(event__visit="CYCLE", form="DV")
    FormInstance.objects.filter(pk=later.pk).update(study_version=newer)
    rows, headings = deviation_rows([subject.site], nurse)
    weight = headings.index("Weight")
    assert [(len(answers), answers[weight]) for _, _, answers in rows] == [(4, "Minor"), (4, "")]
    client.force_login(nurse)
    assert client.get("/deviations").status_code == 200
