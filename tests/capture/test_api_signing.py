"""Keys and signatures: what a key alone can do, and what it never can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings as django_settings
from django.test import Client

from onearm.capture import clock
from onearm.capture.actions.api_keys import make_key
from onearm.capture.actions.sign import MEANINGS, SERIES
from onearm.capture.api.cleaning import SignIn
from onearm.capture.models import ApiKey, AuditEvent, FormInstance, Signature, Subject, User
from tests.capture.api_world import with_key
from tests.capture.conduct import fill
from tests.capture.conftest import PASSWORD

Person = Callable[..., User]
JSON = "application/json"
NAMED = {"username": "investigator", "password": PASSWORD, "meaning": "reviewed"}


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    return fill(
        nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON"
    ).instance


@pytest.fixture
def doctor(person: Person) -> User:
    return person("investigator")


def test_a_key_never_signs_alone(form: FormInstance, doctor: User) -> None:
    program, address = with_key(doctor), f"/api/signatures/form:{form.pk}"
    without = {"meaning": "reviewed"}
    assert program.post(address, without, JSON).status_code == 422
    for wrong in ({"password": "another phrase"}, {"username": "coordinator"}, {"username": ""}):
        answer = program.post(address, {**NAMED, **wrong}, JSON)
        assert answer.status_code == 403, answer.content
        assert PASSWORD not in answer.content.decode()
    assert not Signature.objects.exists()
    assert AuditEvent.objects.filter(action="sign.failed").count() == 3


def test_who_proves_it_signs_and_must_prove_it_whole_the_next_time(
    form: FormInstance, doctor: User
) -> None:
    program, address = with_key(doctor), f"/api/signatures/form:{form.pk}"
    made = program.post(address, NAMED, JSON).json()
    assert (made["printed_name"], made["stands"]) == ("Investigator Person", True)
    assert made["meaning_in_words"]
    again = program.post(address, {**NAMED, "username": ""}, JSON)
    assert again.status_code == 403
    [listed] = program.get(address).json()
    assert listed["hash"] == Signature.objects.get().hash
    assert "sessionid" not in program.cookies


def test_a_series_begun_on_the_page_does_not_help_a_program(
    form: FormInstance, doctor: User
) -> None:
    browser = Client()
    browser.force_login(doctor, backend=django_settings.AUTHENTICATION_BACKENDS[-1])
    browser.post(f"/sign/form:{form.pk}", NAMED)
    assert browser.session[SERIES] == doctor.pk
    address = f"/api/signatures/form:{form.pk}"
    answer = browser.post(address, {**NAMED, "username": ""}, JSON)
    assert answer.status_code == 403
    assert Signature.objects.count() == 1


def test_the_second_factor_is_asked_for_where_the_account_has_one(
    form: FormInstance, doctor: User
) -> None:
    secret = generate_totp_secret()
    TOTP.activate(doctor, secret)
    program, address = with_key(doctor), f"/api/signatures/form:{form.pk}"
    assert program.post(address, NAMED, JSON).status_code == 403
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    assert program.post(address, {**NAMED, "code": code}, JSON).status_code == 200


def test_guessing_the_password_by_a_stolen_key_locks_the_account(
    form: FormInstance, doctor: User
) -> None:
    program, address = with_key(doctor), f"/api/signatures/form:{form.pk}"
    for _ in range(django_settings.AXES_FAILURE_LIMIT):
        answer = program.post(address, {**NAMED, "password": "a guess of mine"}, JSON)
        assert answer.status_code == 403
        assert answer["Content-Type"].startswith(JSON)
    assert program.post(address, NAMED, JSON).status_code == 403
    assert AuditEvent.objects.filter(action="login.locked").exists()
    assert not Signature.objects.exists()


def test_the_meanings_are_those_of_the_page() -> None:
    described = SignIn.model_json_schema()["properties"]["meaning"]["enum"]
    assert tuple(described) == MEANINGS


def test_a_key_that_ended_or_was_revoked_or_is_made_up_opens_nothing(
    subject: Subject, person: Person
) -> None:
    user = person("coordinator")
    key, text = make_key(user, "ward", clock.now().date() + timedelta(days=1))
    program = Client(headers={"Authorization": f"Bearer {text}"})
    assert program.get("/api/subjects").status_code == 200
    for closed in ({"ends": clock.now().date()}, {"revoked_at": clock.now()}):
        ApiKey.objects.filter(pk=key.pk).update(**closed)
        assert program.get("/api/subjects").status_code == 401
        ApiKey.objects.filter(pk=key.pk).update(ends=date(2100, 1, 1), revoked_at=None)
    assert Client(headers={"Authorization": "Bearer x"}).get("/api/me").status_code == 401


def test_a_key_of_a_person_without_training_or_role_sees_nothing(
    subject: Subject, person: Person
) -> None:
    user = person("coordinator")
    program = with_key(user)
    user.trained_on = None
    user.save()
    assert program.get("/api/subjects").json()["items"] == []
    assert program.get("/api/me").json()["may"] == []
    assert program.get("/api/me").json()["roles"][0]["waits"] is True
    user.trained_on = clock.now().date()
    user.save()
    assert program.get("/api/subjects").json()["total"] == 1
    user.grants.update(ends=clock.now().date())
    assert program.get("/api/subjects").json()["items"] == []


def test_a_key_gets_no_further_than_its_person_would(
    subject: Subject, person: Person, settings: Any
) -> None:
    doctor, manager = person("investigator"), person("data_manager")
    doctor.equivalence_accepted_at = None
    doctor.save()
    refused = with_key(doctor).get("/api/subjects")
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "Read and accept this before you go on.",
    )
    program = with_key(manager)
    assert program.get("/api/subjects").status_code == 200
    settings.SECOND_FACTOR = True
    assert program.get("/api/subjects").status_code == 403
    browser = Client()
    browser.force_login(manager, backend=django_settings.AUTHENTICATION_BACKENDS[-1])
    assert browser.get("/api/subjects").status_code == 403  # and no page to follow


def test_answers_are_in_the_language_of_the_keys_person(subject: Subject, person: Person) -> None:
    user = person("monitor")
    user.language = "zh-hans"
    user.save()
    empty = with_key(user).post("/api/subjects/01-001/queries", {"text": ""}, JSON)
    assert empty.status_code == 400
    assert any("\u4e00" <= sign <= "\u9fff" for sign in empty.json()["detail"])
