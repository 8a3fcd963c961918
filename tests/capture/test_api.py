"""The programming interface: the pages' acts, rights and history, for programs."""

from __future__ import annotations

import gc
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import schemathesis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from onearm.capture import api as api_package
from onearm.capture import clock, trail
from onearm.capture.actions.api_keys import make_key, revoke
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    Query,
    Site,
    SiteVersion,
    StudyVersion,
    Subject,
    User,
)
from onearm.errors import OnearmError
from tests.capture.test_api_rights import described

Person = Callable[..., User]
FORM = "/api/subjects/01-001/forms/SCREENING/1/DM"


def _key(user: User) -> str:
    return make_key(user, "test", clock.now().date() + timedelta(days=1))[1]


def _client(user: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {_key(user)}"})


def _cells(**values: str) -> list[dict[str, object]]:
    return [{"item": item, "value": value} for item, value in values.items()]


def test_a_form_is_saved_read_and_changed_as_on_the_page(subject: Subject, person: Person) -> None:
    client = _client(person("coordinator"))
    empty = client.get(FORM).json()
    assert (empty["version"], empty["cells"]) == (0, [])
    first = client.put(FORM, {"version": 0, "cells": _cells(SEX="F", AGE="61")}, "application/json")
    assert first.json()["version"] == 1
    stale = client.put(FORM, {"version": 0, "cells": _cells(SEX="M")}, "application/json")
    unsaid = client.put(FORM, {"version": 1, "cells": _cells(SEX="M")}, "application/json")
    assert (stale.status_code, unsaid.status_code) == (409, 409)
    assert "reason" not in stale.json()["detail"]
    wrong = client.put(
        FORM, {"version": 1, "cells": _cells(SEX="X"), "reason": "r"}, "application/json"
    )
    assert (wrong.status_code, "SEX" in wrong.json()["findings"][0]) == (400, True)
    given = {"version": 1, "cells": _cells(SEX="M"), "reason": "typing error"}
    assert client.put(FORM, given, "application/json").json()["version"] == 2
    history = client.get(f"{FORM}/history").json()["items"]
    assert [(v["version"], v["origin"], v["reason"]) for v in history] == [
        (1, "api", ""), (2, "api", "typing error"),
    ]  # fmt: skip
    assert list(trail.verify()) == []


def test_a_refused_save_leaves_nothing_behind(subject: Subject, person: Person) -> None:
    client = _client(person("coordinator"))
    assert (
        client.put(FORM, {"version": 0, "cells": _cells(SEX="X")}, "application/json").status_code
        == 400
    )
    assert not EventInstance.objects.exists()
    Hold.objects.create(
        target="site:01", kind="locked", set_by=person("data_manager"), set_at=clock.now()
    )
    assert (
        client.put(FORM, {"version": 0, "cells": _cells(SEX="F")}, "application/json").status_code
        == 409
    )
    assert not FormVersion.objects.exists()


def test_other_sites_subjects_are_not_there(subject: Subject, person: Person) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    stranger = person("coordinator", name="stranger", at=other)
    client = _client(stranger)
    assert client.get("/api/subjects").json() == {"total": 0, "items": []}
    for address in (FORM, f"{FORM}/history", "/api/subjects/01-001/schedule"):
        assert client.get(address).status_code == 404
    assert client.put(FORM, {"version": 0}, "application/json").status_code == 404


@pytest.mark.parametrize(
    ("role", "read", "write", "out"),
    [
        ("coordinator", 200, 200, 403),
        ("monitor", 200, 403, 403),
        ("data_manager", 200, 403, 200),
        ("statistician", 404, 404, 200),
        ("administrator", 404, 404, 403),
    ],
)
def test_rights_are_those_of_the_pages(
    role: str, read: int, write: int, out: int, subject: Subject, person: Person
) -> None:
    client = _client(person(role))
    assert client.get(FORM).status_code == read
    given = {"version": 0, "cells": _cells(SEX="F")}
    assert client.put(FORM, given, "application/json").status_code == write
    assert FormInstance.objects.exists() == (write == 200)
    answer = client.post("/api/exports", {"formats": ["csv"]}, "application/json")
    assert answer.status_code == out
    assert AuditEvent.objects.filter(action="export").exists() == (out == 200)
    if out == 200:
        assert (
            "dm.csv" in zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist()
        )


def test_queries_are_asked_answered_and_closed(subject: Subject, person: Person) -> None:
    monitor, coordinator = _client(person("monitor")), _client(person("coordinator"))
    asked = monitor.post(
        "/api/subjects/01-001/queries", {"text": "Please check", "form": "DM"}, "application/json"
    ).json()
    number = asked["number"]
    answered = {"state": "answered", "text": "checked"}
    assert (
        coordinator.post(f"/api/queries/{number}", answered, "application/json").json()["state"]
        == "answered"
    )
    closed = monitor.post(f"/api/queries/{number}", {"state": "closed"}, "application/json")
    assert closed.json()["state"] == "closed"
    assert [q["number"] for q in monitor.get("/api/queries?state=closed").json()["items"]] == [
        number
    ]
    assert Query.objects.get().state == "closed"


def test_a_key_ends_with_its_day_its_revocation_and_its_account(
    subject: Subject, person: Person
) -> None:
    user = person("coordinator")
    key, text = make_key(user, "ward system", clock.now().date() + timedelta(days=1))
    assert text not in str(key.__dict__)
    client = Client(headers={"Authorization": f"Bearer {text}"})
    assert client.get("/api/subjects").status_code == 200
    with pytest.raises(OnearmError):
        revoke(person("monitor"), key)
    revoke(user, key)
    key.refresh_from_db()
    ended = key.revoked_at
    revoke(user, key)
    key.refresh_from_db()
    assert key.revoked_at == ended is not None
    assert AuditEvent.objects.filter(action="key.revoke").count() == 1
    assert client.get("/api/subjects").status_code == 401
    client = _client(user)
    user.is_active = False
    user.save()
    assert client.get("/api/subjects").status_code == 401
    for days in (0, 400):
        with pytest.raises(OnearmError):
            make_key(
                person("investigator", name=f"i{days}"),
                "x",
                clock.now().date() + timedelta(days=days),
            )


def test_a_session_needs_the_csrf_token_to_write(subject: Subject, person: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("coordinator"), backend=settings.AUTHENTICATION_BACKENDS[-1])
    assert client.get("/api/subjects").status_code == 200
    given = {"version": 0, "cells": _cells(SEX="F")}
    assert client.put(FORM, given, "application/json").status_code == 403
    assert Client().get("/api/subjects").status_code == 401
    assert not FormInstance.objects.exists()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests that no test client makes share the test's database connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    gc.collect()  # what was left open is found here and not in another test


def _tried(user: User, examples: int) -> int:
    """Call every operation with what its description allows and what it does not.

    That a request is as described does not mean that it is accepted: the rules of the study and of
    the acts go further, and refuse with 400.
    """
    headers = {"Authorization": f"Bearer {_key(user)}"}
    described = schemathesis.openapi.from_wsgi("/api/openapi.json", WSGIHandler())
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @hypothesis_settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        call()
        tried += 1
    return tried


@pytest.mark.slow
@pytest.mark.usefixtures("one_connection")
# The test tool's client reads an export to its end and does not close it; a server does.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*FileIO")
@pytest.mark.parametrize(
    "role", ["coordinator", "investigator", "data_manager", "study_builder", "administrator"]
)
def test_the_interface_is_as_described_whatever_is_sent(
    role: str, subject: Subject, person: Person
) -> None:
    assert _tried(person(role), examples=4) == len(described())
    assert list(trail.verify()) == []


def test_no_two_shapes_share_a_name() -> None:
    """The description names shapes by their class: of two with one name, one would be lost."""
    shapes = [
        name
        for path in sorted(Path(api_package.__file__).parent.glob("*.py"))
        for name in re.findall(r"^class (\w+)\((?:Schema|Given|\w+In)\b", path.read_text(), re.M)
    ]
    assert len(shapes) > 60
    assert sorted(shapes) == sorted(set(shapes))


@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("auditor", "/api/review/late?ends=0001-01-01"),
        ("auditor", "/api/review/late?ends=9999-12-31"),
        ("auditor", "/api/trail?ends=9999-12-31"),
        ("auditor", "/api/access?day=0001-01-01"),
    ],
)
def test_a_day_beyond_all_trials_is_refused(role: str, address: str, person: Person) -> None:
    answer = _client(person(role)).get(address)
    assert answer.status_code == 422
    assert "between 1900 and 2999" in answer.content.decode()


def test_a_list_of_sites_takes_as_many_queries_for_four_as_for_one(
    site: Site, version: StudyVersion, person: Person
) -> None:
    program = _client(person("administrator"))
    counts = []
    for codes in ((), ("02", "03", "04")):
        for code in codes:
            made = Site.objects.create(code=code, name=code)
            SiteVersion.objects.create(
                site=made, version=version, begins=site.versions.get().begins
            )
        with CaptureQueriesContext(connection) as asked:
            answer = program.get("/api/sites").json()
        assert [each["releases"][0]["version"] for each in answer] == [1] * (1 + len(codes))
        counts.append(len(asked))
        assert not any('"files"' in query["sql"] for query in asked.captured_queries)
    assert counts[0] == counts[1]
