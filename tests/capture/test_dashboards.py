"""Dashboards: right numbers, few queries, site limits, and files that the trail remembers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onearm.capture import charts, clock, studies
from onearm.capture.actions import queries
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.actions.verify import verify
from onearm.capture.models import AuditEvent, FormInstance, Query, Site, StudyVersion, Subject, User
from onearm.simulate import trial
from tests.capture.conduct import fill

Person = Callable[..., User]
NAMES = ("accrual", "matrix", "missing", "queries", "verification", "serious", "signatures")


def rows_of(client: Client, name: str, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/dashboards/{name}/file{query}")
    assert answer.status_code == 200, name
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.fixture
def manager(person: Person, client: Client) -> User:
    user = person("data_manager")
    client.force_login(user)
    return user


def test_accrual_counts_by_site_and_in_all(
    manager: User, subject: Subject, site: Site, version: StudyVersion, client: Client
) -> None:
    other = Site.objects.create(code="02", name="Second hospital", cap=5)
    other.versions.create(version=version, begins=date(2020, 1, 1))
    for code, stage in (("02-001", "failed"), ("02-002", "off_study"), ("02-003", "screening")):
        Subject.objects.create(site=other, code=code, stage=stage, created_at=clock.now())
    rows = rows_of(client, "accrual")
    assert [list(row.values()) for row in rows] == [
        ["01", "1", "0", "1", ""],
        ["02", "3", "1", "1", "5"],
        ["All", "4", "1", "2", "50"],
    ]
    assert [row["Site"] for row in rows_of(client, "accrual", "?site=02")] == ["02", "All"]


def test_missing_forms_and_the_matrix_agree(
    manager: User, subject: Subject, person: Person, client: Client
) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "C1D8", "VISIT", VISDAT="2026-06-08", VISMODE="IN PERSON")
    missing = rows_of(client, "missing")
    assert [(r["Visit"], r["Form"], r["Status"]) for r in missing] == [
        ("Cycle 1, day 8", "Vital signs", "Not filled in")
    ]
    assert rows_of(client, "matrix")[0]["Cycle 1, day 8"] == "Took place; forms missing"
    everything = {"VSDAT": "2026-06-08", "SYSBP": "120", "DIABP": "80", "PULSE": "70"}
    fill(nurse, subject, "C1D8", "VS", **everything, TEMP="36.5", WEIGHT="60")
    if FormInstance.objects.get(form="VS").is_complete:
        assert rows_of(client, "missing") == []
        assert rows_of(client, "matrix")[0]["Cycle 1, day 8"] == "Done"


def test_ageing_counts_by_turn_and_days(
    manager: User, subject: Subject, person: Person, client: Client
) -> None:
    for days in (0, 7, 8, 40, 100):
        query = queries.ask(manager, subject, f"{days} days")
        Query.objects.filter(pk=query.pk).update(changed_at=clock.now() - timedelta(days=days))
    answered = Query.objects.first()
    queries.move(person("coordinator"), answered, "answered", "yes")
    site, asker = rows_of(client, "queries")
    assert list(site.values())[2:] == ["1", "1", "", "1", "1", "4"]
    assert list(asker.values())[2:] == ["1", "", "", "", "", "1"]


def test_verification_and_signatures_are_counted(
    manager: User, subject: Subject, person: Person, client: Client
) -> None:
    nurse = person("coordinator")
    form = fill(nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON")
    verify(person("monitor"), form.instance, 1, [(1, "VISDAT")])
    (row,) = rows_of(client, "verification")
    assert list(row.values()) == ["Visit", "2", "1", "0", "50"]
    (signed,) = rows_of(client, "signatures")
    assert list(signed.values()) == ["01", "01-001", "1", "1", "0", "0"]


def test_every_download_is_in_the_trail_and_a_formula_is_no_formula(
    manager: User, subject: Subject, person: Person, client: Client
) -> None:
    Site.objects.filter(code="01").update(code="=1+1")
    for name in NAMES:
        rows_of(client, name)
    acts = AuditEvent.objects.filter(action="export").values_list("target", "details__sites")
    assert list(acts) == [(f"dashboard:{name}", ["=1+1"]) for name in NAMES]
    assert rows_of(client, "accrual")[0]["Site"] == "'=1+1"


@pytest.mark.parametrize(
    ("role", "page", "file", "serious_file"),
    [
        ("coordinator", 200, 200, 403),
        ("monitor", 200, 200, 403),
        ("data_manager", 200, 200, 200),
        ("statistician", 404, 404, 404),
        ("administrator", 404, 404, 404),
    ],
)
def test_who_sees_and_who_takes_away(
    role: str,
    page: int,
    file: int,
    serious_file: int,
    person: Person,
    subject: Subject,
    client: Client,
) -> None:
    client.force_login(person(role))
    assert {client.get(f"/dashboards/{name}").status_code for name in NAMES} == {page}
    assert client.get("/dashboards/accrual/file").status_code == file
    assert client.get("/dashboards/serious/file").status_code == serious_file


def test_another_site_is_neither_shown_nor_counted(
    person: Person, subject: Subject, client: Client, version: StudyVersion
) -> None:
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    elsewhere.versions.create(version=version, begins=date(2020, 1, 1))
    client.force_login(person("coordinator", at=elsewhere))
    for name in NAMES:
        for query in ("", "?site=01"):
            assert "01-001" not in client.get(f"/dashboards/{name}{query}").content.decode()
    assert [row["Site"] for row in rows_of(client, "accrual")] == ["02", "All"]


def test_the_planned_line_ends_where_the_plan_does() -> None:
    start = date(2026, 1, 1)
    days = [start + timedelta(days=20 * n) for n in range(5)]
    curve = charts.accrual_curve(days, date(2026, 6, 30), planned=10, per_month=2.0)
    assert curve is not None
    # Ten at two a month: 152 days of the 180 shown, at the height of the target.
    x, y = curve.plan.split(" L")[1].split(" ")
    share = (float(x) - curve.left) / (curve.right - curve.left)
    assert share == pytest.approx(152 / 180, abs=0.001)
    assert float(y) == pytest.approx(curve.target, abs=0.5)
    assert curve.steps.count("V") == 5
    assert charts.accrual_curve([], start, planned=10, per_month=2.0) is None


@pytest.mark.slow
def test_the_matrix_of_fifty_subjects_asks_the_database_little(
    manager: User, version: StudyVersion, site: Site, client: Client
) -> None:
    drawn = trial(studies.study_of(version), subjects=50, seed=11)
    take_entries(manager, drawn.entries, source="simulated")
    client.get("/dashboards/matrix")
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/dashboards/matrix")
    assert page.content.decode().count("<tr>") > 50
    assert len(asked) < 30
