"""The guide for programs: its session runs, and it lists every route with its right."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

import pytest
from django.test import Client

from onearm.capture import clock
from onearm.capture.actions.api_keys import make_key
from onearm.capture.models import FormVersion, Query, Site, User
from tests.capture.api_world import ROUTES
from tests.capture.test_api_rights import described

Person = Callable[..., User]
GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "api.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (GET|POST|PUT) \| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)


def test_the_guide_lists_every_route_with_its_rights() -> None:
    rights: dict[tuple[str, str], set[str]] = {place: set() for place in described()}
    for route in ROUTES:
        if (route.method, route.path) in rights:
            rights[route.method, route.path] |= {route.right, *route.also} - {""}
    rights["GET", "/dashboards/{name}/file"].add("export")
    listed = {
        (method, path): set() if named == "any account" else set(named.split(", "))
        for method, path, named in ROW.findall(GUIDE)
    }
    assert listed == rights


def test_the_commands_of_the_guide_name_routes_that_are_there() -> None:
    block = re.search(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert block is not None
    addresses = re.findall(r"\$SERVER/api(/[^?\s]*)", block[1])
    assert len(addresses) == 6
    for address in addresses:
        patterns = (re.sub(r"{\w+}", "[^/]+", path) for _, path in described())
        assert any(re.fullmatch(pattern, address) for pattern in patterns), address


class _Answer(io.BytesIO):
    """What the server answered, as ``urlopen`` gives it."""


def _opened(request: Request) -> _Answer:
    """The application itself behind ``urlopen``: in the test's process and database."""
    answer = Client().generic(
        request.get_method(),
        urlsplit(request.full_url).path,
        request.data or b"",  # type: ignore[arg-type]  # the guide's are bytes
        content_type=request.get_header("Content-type", ""),
        headers={"Authorization": request.get_header("Authorization")},
    )
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code >= 400:
        code, reason = answer.status_code, answer.reason_phrase
        raise HTTPError(request.full_url, code, reason, Message(), _Answer(content))
    return _Answer(content)


def test_the_session_of_the_guide_runs(
    site: Site, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = clock.now().date() + timedelta(days=1)
    monkeypatch.setattr("urllib.request.urlopen", _opened)
    monkeypatch.setenv("SERVER", "https://trial.example.org")
    monkeypatch.setenv("SITE_KEY", make_key(person("coordinator"), "ward", ends)[1])
    monkeypatch.setenv("MANAGER_KEY", make_key(person("data_manager"), "warehouse", ends)[1])
    block = re.search(r"^```py\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert block is not None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(block[1], "api.md", "exec"), {})  # noqa: S102 - the guide's own session
    lines = said.getvalue().splitlines()
    assert lines[0].startswith("409 ")
    assert lines[1:3] == ["1 coordinator api ", "2 coordinator api typing error"]
    assert any("01-001" in line and ",62," in line for line in lines[3:])
    assert FormVersion.objects.filter(origin="api").count() == 2
    assert Query.objects.get(check_id="").state == "closed"
