"""A released study, a site and one person a role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.core.cache import cache as remembered
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from onearm.capture import clock, permissions, studies, triggers
from onearm.capture.models import (
    EventInstance,
    Grant,
    Site,
    SiteVersion,
    StudyVersion,
    Subject,
    User,
)
from onearm.study import Study, load

STUDY = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"
LONG_AGO = date(2020, 1, 1)
PASSWORD = "a long enough phrase"  # noqa: S105 - of invented people


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Each test begins in English, whatever language the page before it was in."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def unhurried() -> None:
    """What an earlier test tried does not count: limits by the minute know people by number."""
    remembered.clear()


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What module-wide fixtures write is there for every test of the module, and then taken back.

    A test's own writes are taken back after it, as always.
    """
    with django_db_blocker.unblock(), translation.override("en"), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def version(db: None) -> StudyVersion:
    return taken_in()


def taken_in() -> StudyVersion:
    """The study that ships as a version; its folder is read once for all tests."""
    with mock.patch.object(studies, "load", return_value=shipped()):
        return studies.take_in(STUDY)


@cache
def shipped() -> Study:
    return load(STUDY)


@pytest.fixture
def site(version: StudyVersion) -> Site:
    return first_site(version)


def first_site(version: StudyVersion) -> Site:
    made = Site.objects.create(code="01", name="First hospital")
    SiteVersion.objects.create(site=made, version=version, begins=LONG_AGO)
    return made


@pytest.fixture
def person(site: Site) -> Callable[..., User]:
    """Makes a person with a role, at the site where the role's rights are by site."""
    return people_of(site)


def people_of(site: Site) -> Callable[..., User]:
    """What the fixture `person` gives."""

    def make(role: str, *, name: str = "", at: Site | None = site) -> User:
        user = User.objects.create_user(
            username=name or role,
            password=PASSWORD,
            first_name=role.title(),
            last_name="Person",
            must_change_password=False,
            trained_on=LONG_AGO,
            identity_checked_on=LONG_AGO,
            equivalence_accepted_at=clock.now(),
        )
        by_site = any(reach.get(role) == "site" for reach in permissions.table().values())
        ends = date(2100, 1, 1) if role in permissions.TIME_LIMITED else None
        Grant.objects.create(
            user=user, role=role, site=at if by_site else None, begins=LONG_AGO, ends=ends
        )
        return user

    return make


@pytest.fixture
def subject(site: Site) -> Subject:
    return Subject.objects.create(
        site=site, code="01-001", stage=Subject.Stage.ENROLLED, created_at=clock.now()
    )


@pytest.fixture
def visit(subject: Subject) -> EventInstance:
    return EventInstance.objects.create(subject=subject, visit="SCREENING")


@pytest.fixture
def signed_in(db: None) -> Callable[[User], Client]:
    """A client on which a person is signed in."""

    def enter(user: User) -> Client:
        client = Client()
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        return client

    return enter


@pytest.fixture(scope="module")
def history_can_be_flushed() -> Iterator[None]:
    """After these tests the database is emptied; history refuses that elsewhere."""
    flush = TransactionTestCase._fixture_teardown

    def without_triggers(case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            for statement in triggers.lifted(connection.vendor):
                cursor.execute(statement)
        flush(case)
        with connection.cursor() as cursor:
            for statement in triggers.lifted(connection.vendor):
                cursor.execute(statement)
            for statement in triggers.all_statements(connection.vendor):
                cursor.execute(statement)

    TransactionTestCase._fixture_teardown = without_triggers
    yield
    TransactionTestCase._fixture_teardown = flush
