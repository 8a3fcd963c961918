"""Failed log-ins lock the name wherever they come from, by password and by code."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.test import Client

from onearm.capture import access
from onearm.capture.actions import accounts
from onearm.capture.models import AuditEvent, User
from tests.capture.conftest import PASSWORD

Person = Callable[..., User]


def log_in(name: str, password: str, address: str = "10.0.0.1") -> tuple[Client, int]:
    client = Client(REMOTE_ADDR=address)
    answer = client.post("/accounts/login/", {"login": name, "password": password})
    return client, answer.status_code


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_five_wrong_then_the_right_one_is_refused_from_elsewhere_until_release(
    person: Person,
) -> None:
    nurse, office = person("coordinator"), person("administrator")
    office.email = "office@example.org"
    office.save()
    for _ in range(5):
        client, _ = log_in("coordinator", "wrong")
        assert not is_in(client)
    client, status = log_in("coordinator", PASSWORD, "192.0.2.77")
    assert not is_in(client)
    assert status == 429
    assert access.is_locked(nurse)
    assert mail.outbox[0].to == ["office@example.org"]
    accounts.unlock(office, nurse, "she called, and is she")
    client, _ = log_in("coordinator", PASSWORD, "192.0.2.77")
    assert is_in(client)
    acts = AuditEvent.objects.filter(stream="accounts").values_list("action", flat=True)
    assert list(acts).count("login.failed") == 6
    assert {"login.locked", "login.unlock", "login"} <= set(acts)


def test_another_spelling_of_the_name_is_no_second_set_of_guesses(person: Person) -> None:
    person("coordinator")
    for name in ("coordinator", "Coordinator", "COORDINATOR", " coordinator", "cOordinator"):
        log_in(name, "wrong")
    client, _ = log_in("coordinator", PASSWORD)
    assert not is_in(client)


def test_four_wrong_and_a_right_one_begin_anew(person: Person) -> None:
    person("coordinator")
    for _ in range(2):
        for _ in range(4):
            log_in("coordinator", "wrong")
        client, _ = log_in("coordinator", PASSWORD)
        assert is_in(client)


def test_others_are_not_locked_with_them(person: Person) -> None:
    person("coordinator")
    person("monitor")
    for _ in range(5):
        log_in("coordinator", "wrong")
    client, _ = log_in("monitor", PASSWORD)
    assert is_in(client)


def test_wrong_codes_of_the_second_factor_lock_as_well(person: Person) -> None:
    manager = person("data_manager")
    secret = generate_totp_secret()
    TOTP.activate(manager, secret)
    client, _ = log_in("data_manager", PASSWORD)
    assert not is_in(client)
    page = "/accounts/2fa/authenticate/"
    for code in range(5):
        client.post(page, {"code": f"00000{code}"})
    assert access.is_locked(manager)
    counter = next(iter(yield_hotp_counters_from_time()))
    right = format_hotp_value(hotp_value(secret, counter))
    client.post(page, {"code": right})
    assert not is_in(client)
    accounts.unlock(person("administrator"), manager, "confirmed by telephone")
    client, _ = log_in("data_manager", PASSWORD)
    client.post(page, {"code": right})
    assert is_in(client)
