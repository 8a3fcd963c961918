"""What identifies a person is read by who may, nowhere by others, and the trail says who did."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from django.test import Client

from onearm.capture import identity, studies
from onearm.capture.actions.export import Wanted, export
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    FormVersion,
    Query,
    StudyVersion,
    User,
)

Person = Callable[..., User]
Enter = Callable[[User], Client]
BORN, WRONG = "1961-07-23", "1961-17-23"
MAY = ("coordinator", "investigator", "monitor", "auditor")
MAY_NOT = ("data_manager", "medical_reviewer")


@pytest.fixture
def form(visit: EventInstance, person: Person) -> FormInstance:
    """A birth date that was corrected, and a query that a check opened about the first one."""
    nurse = person("coordinator", name="nurse")
    first = [Cell(1, "BRTHDAT", BORN), Cell(1, "SEX", "F"), Cell(1, "RFICDAT", "2026-03-17")]
    save(nurse, visit, "DM", Changes(first, version=0))
    later = Changes([Cell(1, "BRTHDAT", "1961-08-24")], version=1, reason="typing error")
    saved = save(nurse, visit, "DM", later).instance
    Query.objects.create(
        subject=visit.subject, visit="SCREENING", form="DM", row=1, item="BRTHDAT",
        check_id="item.type", text=f"BRTHDAT: {WRONG} is not a date", opened_at=saved.saved_at,
        changed_at=saved.saved_at,
    )  # fmt: skip
    return saved


def pages(form: FormInstance) -> list[str]:
    """Every address that shows what stands, or stood, in a form."""
    query, newest = Query.objects.latest("pk"), FormVersion.objects.latest("pk")
    return [
        "/subjects/01-001/SCREENING/1/DM",
        f"/history/{form.pk}",
        f"/history/{form.pk}/1/BRTHDAT",
        "/trail",
        "/trail.csv",
        "/queries",
        f"/queries/{query.pk}",
        "/",
        f"/verification/{form.pk}",
        f"/redactions/ask/{newest.pk}",
        "/api/subjects/01-001/forms/SCREENING/1/DM",
        "/api/subjects/01-001/forms/SCREENING/1/DM/history",
        "/api/queries",
    ]


def shown(client: Client, address: str) -> tuple[int, str]:
    answer = client.get(address, follow=True)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, body.decode()


@pytest.mark.parametrize("role", MAY_NOT)
def test_no_page_and_no_program_shows_it_to_who_may_not_read_it(
    role: str, form: FormInstance, person: Person, signed_in: Enter
) -> None:
    client = signed_in(person(role))
    opened = 0
    for address in pages(form):
        status, body = shown(client, address)
        opened += status == 200
        for value in (BORN, WRONG, "1961-08-24", "23jul1961", "1961"):
            assert value not in body, (address, value)
    assert opened >= len(pages(form)) - 2
    page = shown(client, pages(form)[0])[1]
    assert "(hidden)" in page
    assert "Date of birth" in page
    assert identity.HIDDEN in shown(client, "/api/subjects/01-001/forms/SCREENING/1/DM")[1]
    assert not AuditEvent.objects.filter(action="identity.read").exists()


@pytest.mark.parametrize("role", MAY)
def test_who_may_read_it_does_and_the_trail_keeps_it_once_a_day(
    role: str, form: FormInstance, person: Person, signed_in: Enter
) -> None:
    reader = person(role)
    client = signed_in(reader)
    for address in pages(form)[:3]:
        status, body = shown(client, address)
        assert (status, "1961" in body) == (200, True), address
    assert WRONG in shown(client, "/queries")[1]
    seen = AuditEvent.objects.filter(action="identity.read")
    (act,) = seen
    assert (act.user, act.role, act.target) == (reader, role, f"form:{form.pk}")
    assert BORN not in str(act.details)


def test_forms_without_it_leave_no_such_line(
    visit: EventInstance, person: Person, signed_in: Enter
) -> None:
    nurse = person("coordinator")
    save(nurse, visit, "VS", Changes([Cell(1, "SYSBP", "120")], version=0))
    assert signed_in(nurse).get("/subjects/01-001/SCREENING/1/VS").status_code == 200
    assert not AuditEvent.objects.filter(action="identity.read").exists()


def test_an_export_without_names_has_neither_the_value_nor_its_column(
    form: FormInstance, person: Person
) -> None:
    made = export(person("statistician"), Wanted(formats=("csv", "spss", "odm", "odm2")))
    with zipfile.ZipFile(io.BytesIO(made.path.read_bytes())) as bundle:
        parts = {name: bundle.read(name) for name in bundle.namelist()}
    made.path.unlink()
    assert b"BRTHDAT" not in parts["dm.csv"]
    assert b"BRTHDAT" not in parts["items.csv"]
    assert b"SEX" in parts["dm.csv"]
    for name, content in parts.items():
        assert b"1961-08" not in content, name
        assert b"2026-03-17" not in content, name


def test_the_shipped_study_says_what_identifies(version: StudyVersion) -> None:
    study = studies.study_of(version)
    found = {(f, name) for f in study.forms for name in identity.identifying(study, f)}
    assert found == {("DM", "BRTHDAT")}
