"""Comparison with the source: marks, changes since, the plan, and what a lock refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from onearm.capture import studies, verification
from onearm.capture.actions.hold import hold
from onearm.capture.actions.verify import set_plan, take_back, verify
from onearm.capture.models import AuditEvent, FormInstance, StudyVersion, Subject, User
from onearm.capture.permissions import NotAllowed
from onearm.capture.states import Held
from onearm.capture.verification import Plan, Verified
from onearm.errors import OnearmError
from tests.capture.conduct import fill

Person = Callable[..., User]


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    return fill(nurse, subject, "SCREENING", "DISEASE", COHORT="ICC", MHTERM="Tumour").instance


def state(form: FormInstance) -> Verified:
    form.refresh_from_db()
    study = studies.study_of(form.study_version)
    codes = {form.pk: form.event.subject.code}
    return verification.verified(study, [form], codes, verification.plan())[form.pk]


def test_a_later_change_is_seen_cell_by_cell(
    person: Person, form: FormInstance, subject: Subject
) -> None:
    monitor = person("monitor")
    assert state(form).state == "open"
    verify(monitor, form, 1, [(1, "COHORT")])
    assert state(form).state == "partly"
    verify(monitor, form, 1)
    assert state(form).state == "verified"
    fill(
        User.objects.get(username="coordinator"),
        subject,
        "SCREENING",
        "DISEASE",
        reason="misread",
        COHORT="HCC",
    )
    after = state(form)
    assert after.state == "changed"
    assert after.changed == {(1, "COHORT")}
    assert (1, "MHTERM") in after.done
    with pytest.raises(OnearmError, match="saved since you opened it"):
        verify(monitor, form, 1)
    verify(monitor, form, 2, [(1, "COHORT")])
    assert state(form).state == "verified"
    acts = AuditEvent.objects.filter(action="verify")
    assert [len(a.details["cells"]) for a in acts] == [1, 1, 1]


def test_a_value_added_to_a_verified_form_is_not_verified(
    person: Person, form: FormInstance, subject: Subject
) -> None:
    verify(person("monitor"), form, 1)
    fill(User.objects.get(username="coordinator"), subject, "SCREENING", "DISEASE", HBV="NEGATIVE")
    assert state(form).changed == {(1, "HBV")}


def test_a_mark_can_be_taken_back(person: Person, form: FormInstance) -> None:
    monitor = person("monitor")
    verify(monitor, form, 1)
    take_back(monitor, form, 1, [(1, "COHORT")])
    assert state(form).state == "partly"
    with pytest.raises(OnearmError, match="Tick values"):
        verify(monitor, form, 1, [(1, "BCLC")])


@pytest.mark.parametrize("level", ["subject", "event", "form", "item"])
def test_what_is_frozen_refuses_verification(
    level: str, person: Person, form: FormInstance
) -> None:
    target = {
        "subject": "subject:01-001",
        "event": f"event:{form.event_id}",
        "form": f"form:{form.pk}",
        "item": f"item:{form.pk}:1:COHORT",
    }[level]
    hold(person("data_manager"), target, "frozen")
    with pytest.raises(Held):
        verify(person("monitor"), form, 1)


def test_only_a_monitor_of_the_site_verifies(person: Person, form: FormInstance) -> None:
    for role in ("investigator", "data_manager", "auditor"):
        with pytest.raises(NotAllowed):
            verify(person(role), form, 1)


def test_the_plan_takes_everything_unless_it_says_less(
    person: Person, form: FormInstance, version: StudyVersion
) -> None:
    study, manager = studies.study_of(version), person("data_manager")
    set_plan(manager, study, "DISEASE", "", 0)
    assert state(form).state == "not planned"
    set_plan(manager, study, "DISEASE", "COHORT", 100)
    assert state(form).planned == {(1, "COHORT")}
    with pytest.raises(OnearmError, match="0 to 100"):
        set_plan(manager, study, "DISEASE", "NOSUCH", 50)


def test_samples_have_their_size_and_grow_without_dropping_anybody() -> None:
    people = [f"01-{n:03d}" for n in range(1, 501)]
    chosen = {
        percent: {p for p in people if Plan({("VS", ""): percent}).wants(p, "VS", "SYSBP")}
        for percent in (0, 20, 50, 100)
    }
    assert [len(chosen[0]), len(chosen[100])] == [0, 500]
    # Binomial(500, 0.2) lies within 60..142 with a probability above 0.999999.
    assert 60 <= len(chosen[20]) <= 142
    assert chosen[20] <= chosen[50]


def test_the_page_marks_what_was_ticked(person: Person, form: FormInstance, client: Client) -> None:
    client.force_login(person("monitor"))
    url = f"/verification/{form.pk}"
    client.post(url, {"version": "1", "cell": ["1.COHORT"], "act": "some"})
    assert state(form).verified == {(1, "COHORT"): 1}
    page = client.get(url).content.decode()
    assert "partly compared" in page
    client.cookies["django_language"] = "zh-hans"
    assert "部分核查" in client.get(url).content.decode()
