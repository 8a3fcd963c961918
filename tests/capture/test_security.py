"""Who may open and do what: the table cell by cell, every address by every role, forgery."""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from onearm import capture
from onearm.capture import clock, permissions
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import (
    EventInstance,
    FormInstance,
    Grant,
    Query,
    Site,
    SiteVersion,
    StudyVersion,
    Subject,
    User,
)
from tests.capture.conftest import LONG_AGO

Person = Callable[..., User]
PACKAGE = Path(capture.__file__).parent
TODAY = clock.now().date()

WITHOUT_LOGIN = {"health", "start", "set_language", "openapi-json"}
"""Own addresses that answer anybody."""

NO = (302, 400, 401, 403, 404, 405, 422)
"""Answers that show and change nothing: sent to log in, not understood, not allowed, not there."""

HERE, THERE = "01-001", "02-001"


def signed_in(user: User, **more: Any) -> Client:
    client = Client(**more)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


@pytest.fixture
def two_sites(site: Site, version: StudyVersion, person: Person) -> dict[str, FormInstance]:
    """By site code a form with data and a query, at the site 01 and at another."""
    other = Site.objects.create(code="02", name="Second hospital")
    SiteVersion.objects.create(site=other, version=version, begins=LONG_AGO)
    forms = {}
    for where, code in ((site, HERE), (other, THERE)):
        subject = Subject.objects.create(
            site=where, code=code, stage=Subject.Stage.ENROLLED, created_at=clock.now()
        )
        visit = EventInstance.objects.create(subject=subject, visit="SCREENING")
        nurse = person("coordinator", name=f"nurse {where.code}", at=where)
        change = Changes([Cell(1, "MHTERM", "Cholangiocarcinoma")], 0)
        forms[where.code] = save(nurse, visit, "DISEASE", change).instance
        Query.objects.create(
            subject=subject,
            visit="SCREENING",
            form="DISEASE",
            item="MHTERM",
            text=f"a question about {code}",
            opened_at=clock.now(),
            changed_at=clock.now(),
        )
    return forms


def slow(*roles: str) -> list[object]:
    """Roles that are tried only where there is time."""
    return [pytest.param(role, marks=pytest.mark.slow) for role in roles]


def addresses(resolver: URLResolver | None = None, start: str = "") -> Iterator[tuple[str, str]]:
    """Name and pattern of every address."""
    for each in (resolver or get_resolver("onearm.capture.urls_api")).url_patterns:
        if isinstance(each, URLResolver):
            yield from addresses(each, start + str(each.pattern))
        elif isinstance(each, URLPattern):
            yield each.name or "", start + str(each.pattern)


def filled(pattern: str, form: FormInstance) -> str:
    """An address of the objects of one subject."""
    subject = form.event.subject
    query = Query.objects.filter(subject=subject).first()
    save = form.versions.first()
    keys = {
        "people": User.objects.earliest("pk").pk,
        "queries": query.pk if query else 1,
        "redactions": save.pk if save else 1,
    }
    values = {
        "code": subject.code,
        "visit": "SCREENING",
        "repeat": "1",
        "form_id": "DISEASE",
        "form": "DISEASE",
        "subject": subject.code,
        "row": "1",
        "item": "MHTERM",
        "what": "give",
        "target": f"subject:{subject.code}",
        "name": "accrual",
        "pk": str(keys.get(pattern.split("/")[0], form.pk)),
    }
    pattern = re.sub(r"\(\?P<key>.*?\)", "x", pattern).strip("^$").replace("\\Z", "")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda m: values.get(m[1], "1"), pattern)


def own() -> list[tuple[str, str]]:
    """Our own addresses: those of the account library are its own to test."""
    return [(n, p) for n, p in addresses() if not p.startswith(("accounts/", "static"))]


# --- the table


def test_every_cell_of_the_table_holds_at_the_own_and_at_another_site(
    person: Person, site: Site
) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    text = (PACKAGE / "permissions.csv").read_text(encoding="utf-8")
    people = {role: person(role) for role in permissions.roles()}
    cells = 0
    for row in csv.DictReader(text.splitlines()):
        for role, user in people.items():
            reach = row[role]
            here = permissions.can(user, row["capability"], site, TODAY)
            there = permissions.can(user, row["capability"], other, TODAY)
            assert (here, there) == (reach != "", reach == "all"), (role, row["capability"])
            cells += 1
    assert cells == len(people) * len(permissions.table())


def test_the_table_keeps_the_duties_apart() -> None:
    table = permissions.table()

    def may(role: str) -> set[str]:
        return {right for right, reach in table.items() if reach[role]}

    sees_data = {"form.view", "subject.view", "export", "export.deidentified", "trail.view"}
    writes_data = {"form.enter", "file.attach", "import", "subject.enrol", "study.migrate"}
    for role in ("administrator", "study_builder"):
        assert not may(role) & (sees_data | writes_data), role
    assert not may("statistician") & (writes_data | {"form.view", "export", "identity.view"})
    assert not may("auditor") & writes_data
    assert not may("monitor") & writes_data
    assert [role for role in permissions.roles() if "sign" in may(role)] == ["investigator"]
    gives_rights = [role for role in permissions.roles() if "account.manage" in may(role)]
    assert gives_rights == ["administrator"]
    assert {table[right]["auditor"] for right in may("auditor")} == {"all"}


def test_an_ended_account_and_a_stranger_may_do_nothing(person: Person, site: Site) -> None:
    nurse = person("coordinator")
    nurse.is_active = False
    stranger = User.objects.create_user("stranger")
    for user in (nurse, stranger):
        assert not any(permissions.can(user, right, site, TODAY) for right in permissions.table())


# --- every address by every role


def test_no_address_opens_without_login(two_sites: dict[str, FormInstance]) -> None:
    for name, pattern in own():
        if name in WITHOUT_LOGIN:
            continue
        url = filled(pattern, two_sites["01"])
        for answer in (Client().get(url), Client().post(url)):
            text = answer.content.decode(errors="replace") if not answer.streaming else ""
            assert answer.status_code in NO, (name, answer.status_code)
            assert HERE not in text.replace(url, ""), name


@pytest.mark.slow
def test_no_role_meets_an_error_of_the_server_on_any_address(
    person: Person, two_sites: dict[str, FormInstance]
) -> None:
    people = {role: signed_in(person(role)) for role in permissions.roles()}
    for (name, pattern), (role, client) in product(own(), people.items()):
        url = filled(pattern, two_sites["01"])
        assert client.get(url).status_code < 500, (name, role)


@pytest.mark.slow
def test_roles_without_the_right_to_see_subjects_see_none_anywhere(
    person: Person, two_sites: dict[str, FormInstance]
) -> None:
    blind = [r for r in permissions.roles() if not permissions.table()["subject.view"][r]]
    assert {"administrator", "study_builder", "statistician"} <= set(blind)
    for role in blind:
        client = signed_in(person(role))
        for name, pattern in own():
            assert HERE not in seen(client, filled(pattern, two_sites["01"])), (name, role)


@pytest.mark.parametrize("role", ["coordinator", *slow("investigator", "monitor")])
def test_people_of_one_site_see_nothing_of_another_by_any_address(
    role: str, person: Person, two_sites: dict[str, FormInstance]
) -> None:
    client = signed_in(person(role))
    for name, pattern in own():
        url = filled(pattern, two_sites["02"])
        assert THERE not in seen(client, url), name
        if "<" in pattern and ("code" in pattern or "pk" in pattern):
            answer = client.get(url)
            assert answer.status_code in NO, (name, answer.status_code)


@pytest.mark.parametrize("role", ["coordinator", "investigator", "monitor"])
def test_nothing_of_another_site_can_be_changed(
    role: str, person: Person, two_sites: dict[str, FormInstance]
) -> None:
    client = signed_in(person(role))
    before = FormInstance.objects.get(pk=two_sites["02"].pk)
    asked = list(Query.objects.filter(subject__code=THERE).values_list("pk", "state"))
    given = {"version": "1", "v.1.MHTERM": "mine", "why": "typed", "text": "x", "reason": "x"}
    for name, pattern in own():
        if "code" in pattern or "pk" in pattern or "target" in pattern:
            answer = client.post(filled(pattern, two_sites["02"]), given)
            assert answer.status_code in NO, (name, answer.status_code)
    after = FormInstance.objects.get(pk=before.pk)
    assert (after.data, after.version) == (before.data, before.version)
    assert list(Query.objects.filter(subject__code=THERE).values_list("pk", "state")) == asked


def seen(client: Client, url: str) -> str:
    """What a person is shown there, the address itself left out."""
    answer = client.get(url)
    if answer.streaming:
        text = b"".join(answer.streaming_content).decode(errors="replace")
    else:
        text = answer.content.decode(errors="replace")
    return text.replace(url, "")


PAGES = {
    "month": "subject.view",
    "subjects": "subject.view",
    "subject": "subject.view",
    "form": "form.view",
    "history": "form.view",
    "cell_history": "form.view",
    "ranges": "form.view",
    "ranges_results": "form.view",
    "ranges_template": "form.view",
    "people": "account.manage",
    "person_new": "account.manage",
    "person": "account.manage",
    "next_steps": "account.manage",
    "authorised": "access.log",
    "review": "review.aids",
}
"""The right that opens a page; without it the page is refused or empty of subjects."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_its_right_and_not_without(
    name: str, person: Person, two_sites: dict[str, FormInstance]
) -> None:
    pattern = next(p for n, p in addresses() if n == name and not p.startswith("api/"))
    lists_only = name in ("month", "subjects")
    for role in permissions.roles():
        answer = signed_in(person(role)).get(filled(pattern, two_sites["01"]))
        if permissions.table()[PAGES[name]][role]:
            assert answer.status_code == 200, role
        elif not lists_only:
            assert answer.status_code in (302, 403, 404), role


# --- forgery, headers, content policy


def test_no_address_takes_a_change_without_its_token(
    person: Person, two_sites: dict[str, FormInstance]
) -> None:
    client = signed_in(person("coordinator"), enforce_csrf_checks=True)
    for name, pattern in addresses():
        if pattern.startswith("static"):
            continue
        answer = client.post(filled(pattern, two_sites["01"]))
        assert answer.status_code in (401, 403, 404, 405), (name, answer.status_code)


class Inline(HTMLParser):
    """Collects script and style that stands in a page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = given.get("type", "") in ("application/json", "application/ld+json")
        self._inside = tag if tag in ("script", "style") and not is_data else ""
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "src", "action") and re.match(
                r"(https?:)?//|javascript:", value or ""
            ):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.found.append(f"<{self._inside}>{data[:60]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@pytest.mark.parametrize("role", ["investigator", "", *slow("data_manager", "administrator")])
def test_every_page_carries_the_content_policy_and_nothing_inline(
    role: str, person: Person, two_sites: dict[str, FormInstance]
) -> None:
    client = signed_in(person(role)) if role else Client()
    pages = 0
    for name, pattern in addresses():
        if pattern.startswith("static") or name == "account_logout":
            continue
        answer = client.get(filled(pattern, two_sites["01"]))
        headers_hold(answer, name)
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            page = Inline()
            page.feed(answer.content.decode())
            assert page.found == [], name
            pages += 1
    assert pages > 5


def headers_hold(answer: HttpResponse, name: str) -> None:
    policy = answer.get("Content-Security-Policy", "")
    assert "default-src 'self'" in policy, name
    assert "unsafe" not in policy, name
    assert "frame-ancestors 'none'" in policy, name
    assert answer["X-Frame-Options"] == "DENY", name
    assert answer["X-Content-Type-Options"] == "nosniff", name
    assert answer["Referrer-Policy"] == "same-origin", name


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_address_sends_people_elsewhere(target: str, person: Person) -> None:
    person("coordinator")
    given = {"login": "coordinator", "password": "a long enough phrase", "next": target}
    answers = [
        Client().post("/accounts/login/", given),
        Client().post("/i18n/setlang/", {"language": "en", "next": target}),
        signed_in(User.objects.get(username="coordinator")).post(
            "/accounts/logout/", {"next": target}
        ),
    ]
    for answer in answers:
        assert answer.status_code == 302
        assert answer.url.startswith("/")
        assert "evil" not in answer.url
        assert "javascript" not in answer.url


def test_fields_that_no_page_has_change_nothing(person: Person, site: Site) -> None:
    office = signed_in(person("administrator"))
    sneaked = {
        "is_superuser": "1",
        "is_staff": "1",
        "must_change_password": "",
        "trained_on": "2020-01-01",
    }
    office.post("/people/new", {"username": "bo", "first": "Bo", "last": "Chen", **sneaked})
    made = User.objects.get(username="bo")
    assert not made.is_superuser
    assert not made.is_staff
    assert made.must_change_password
    assert made.trained_on is None
    assert not Grant.objects.filter(user=made).exists()


def test_cookies_are_out_of_reach_of_scripts(person: Person) -> None:
    person("coordinator")
    client = Client()
    client.post("/accounts/login/", {"login": "coordinator", "password": "a long enough phrase"})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_accounts_cannot_be_made_from_outside(db: None) -> None:
    given = {"username": "x", "password1": "a long phrase here", "password2": "a long phrase here"}
    page = Client().post("/accounts/signup/", given)
    assert "No sign-up" in page.content.decode()
    assert not User.objects.exists()


def test_the_deployment_check_has_nothing_to_say(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "ONEARM_DATA": str(tmp_path),
        "ONEARM_SECRET_KEY": "k" * 20 + "Zq7-" * 12,
        "ONEARM_HTTPS": "1",
        "ONEARM_HOSTS": "trial.example.org",
        "ONEARM_ENVIRONMENT": "live",
        "DJANGO_SETTINGS_MODULE": "onearm.capture.settings",
    }
    env.pop("DATABASE_URL", None)
    env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the browser tests set it for their process
    words = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_live_environment_cannot_do_without_a_second_factor(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "ONEARM_DATA": str(tmp_path),
        "ONEARM_SECRET_KEY": "x",
        "ONEARM_ENVIRONMENT": "live",
        "ONEARM_MFA": "0",
        "ONEARM_IDLE": "600",
    }
    code = (
        "from onearm.capture import settings as s; print(s.SECOND_FACTOR, s.IDLE_MINUTES, s.DEBUG)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "30", "False"], done.stderr


# --- the code itself

SCOPED = {"Subject", "EventInstance", "FormInstance", "FormVersion", "Query", "Attachment"}
"""Models of one site's data: pages reach them through ``visible_subjects`` or a visible object."""

NARROWED = ("visible", "mine", "subject", "sites", "instance", "event")
"""What a query of such a model must be narrowed by, somewhere in its call."""


COUNTED = ("Subject.objects.exists()", "Subject.objects.filter(stage__in=enrolment.IN_STUDY)")
"""Queries over all sites that give a number and no subject: whether there is any; accrual."""


def test_no_page_queries_the_data_of_all_sites() -> None:
    loose = []
    doors = [*(PACKAGE / "views").glob("*.py"), *(PACKAGE / "api").glob("*.py")]
    for path in sorted([*doors, PACKAGE / "visible.py"]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for statement in ast.walk(tree):
            if not isinstance(statement, ast.stmt) or isinstance(
                statement, ast.FunctionDef | ast.ClassDef | ast.If | ast.For | ast.With | ast.Try
            ):
                continue
            text = ast.unparse(statement)
            models = set(re.findall(r"(\w+)\.objects", text)) & SCOPED
            rest = re.sub(r"\w+\.objects|Subject|subject__", "", text)
            if models and not any(word in rest for word in NARROWED):
                loose.append(f"{path.name}:{statement.lineno}: {text[:100]}")
    assert [line for line in loose if not any(part in line for part in COUNTED)] == []
