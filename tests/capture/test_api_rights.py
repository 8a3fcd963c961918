"""Every route by every role against the table of rights, at the own site and at another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from unittest import mock

import pytest
from django.test import Client, override_settings

from onearm.capture import permissions
from onearm.capture.actions import paper
from onearm.capture.api import api
from onearm.capture.models import AuditEvent, FormVersion, Site, StudyVersion, User
from tests.capture.api_world import ROUTES, Route, World, build, text_of, undone, with_key
from tests.capture.conftest import first_site, people_of, taken_in

pytestmark = pytest.mark.django_db
Person = Callable[..., User]
REFUSED = (403, 404)

WITHOUT = {
    "backup": "made and restored on the server's own command line, where its files lie",
    "identity.view": "opens no address: it decides what forms and lists show",
}
"""Capabilities that no route asks for, and why."""


@pytest.fixture(scope="module")
def version(kept: None) -> StudyVersion:
    return taken_in()


@pytest.fixture(scope="module")
def site(version: StudyVersion) -> Site:
    return first_site(version)


@pytest.fixture(scope="module")
def worlds(
    site: Site, version: StudyVersion, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, World]]:
    """Made once: every test calls routes in blocks whose writes are taken back.

    Pages are not set: what would be set is handed out, so that it can be searched for other sites'
    subjects (that it becomes a PDF is a matter of ``test_paper.py``).
    """
    with (
        override_settings(DATA=tmp_path_factory.mktemp("data")),
        mock.patch.object(paper, "pdf", str.encode),
    ):
        yield build(people_of(site), site, version)
    paper._blank.cache_clear()  # blank forms are kept for a process


def described() -> set[tuple[str, str]]:
    paths = api.get_openapi_schema(path_prefix="/api/")["paths"]
    return {
        (method.upper(), path.removeprefix("/api"))
        for path, methods in paths.items()
        for method in methods
    }


def opens(route: Route, role: str) -> bool:
    rights = (route.right, *route.also)
    return any(not right or permissions.table()[right][role] for right in rights)


def written() -> tuple[int, int]:
    return AuditEvent.objects.count(), FormVersion.objects.count()


def test_the_table_of_routes_is_complete() -> None:
    fixed = {("GET", "/dashboards/serious/file")}  # the same route, of one dashboard
    assert {(r.method, r.path) for r in ROUTES} - fixed == described()


def test_every_capability_has_a_route_or_a_reason_why_not() -> None:
    asked = {right for route in ROUTES for right in (route.right, *route.also)} - {""}
    assert asked | set(WITHOUT) == set(permissions.table())
    assert not asked & set(WITHOUT)


@pytest.mark.slow
@pytest.mark.parametrize("role", permissions.roles())
def test_a_role_may_call_what_the_table_says_and_nothing_else(
    role: str, person: Person, worlds: dict[str, World]
) -> None:
    user = person(role)
    client = with_key(user)
    for route in ROUTES:
        before = written()
        with undone():
            answer = route.call(client, worlds["01"], user)
            text = text_of(answer)
            if opens(route, role):
                assert answer.status_code not in (401, *REFUSED, 405, 422), (route.name, text)
                continue
            assert written() == before, route.name
            if route.lists:
                assert answer.status_code == 200, (route.name, text)
            else:
                assert answer.status_code in REFUSED, (route.name, text)
            assert "01-00" not in text, route.name


@pytest.mark.parametrize("role", ["coordinator", "investigator", "monitor"])
def test_things_of_another_site_are_not_there(
    role: str, person: Person, worlds: dict[str, World]
) -> None:
    user = person(role)
    client = with_key(user)
    tried = 0
    for route in ROUTES:
        before = written()
        with undone():
            answer = route.call(client, worlds["02"], user)
            text = text_of(answer)
            assert "02-00" not in text, route.name
            if route.is_of_a_site:
                assert answer.status_code in REFUSED, (route.name, text)
                assert written() == before, route.name
                tried += 1
    assert tried > 25


def test_without_a_key_nothing_opens(worlds: dict[str, World], person: Person) -> None:
    nobody = person("coordinator")
    for route in ROUTES:
        assert route.call(Client(), worlds["01"], nobody).status_code == 401, route.name


@pytest.mark.parametrize("role", ["data_manager", "investigator", "administrator"])
def test_fields_that_are_not_described_are_refused(
    role: str, person: Person, worlds: dict[str, World]
) -> None:
    user = person(role)
    client = with_key(user)
    tried = 0
    for route in ROUTES:
        if route.method == "GET" or route.upload or not opens(route, role):
            continue
        body = route.body(worlds["01"], user) if callable(route.body) else route.body
        if body is None:
            continue  # it takes no fields at all
        before = written()
        with undone():
            sneaked = {**body, "is_superuser": True}
            answer = replace(route, body=sneaked).call(client, worlds["01"], user)
            assert answer.status_code == 422, (route.name, text_of(answer))
            assert "is_superuser" in text_of(answer), route.name
            assert written() == before, route.name
            tried += 1
    assert tried > 5
