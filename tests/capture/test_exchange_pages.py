"""Pages of exports, files to load and amendments: within rights, in both languages."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onearm.capture import clock
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    Snapshot,
    StudyVersion,
    Subject,
    TakenFile,
    User,
)

Person = Callable[..., User]


def _client(user: User, language: str = "en") -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    return client


@pytest.fixture
def entered(visit: EventInstance, person: Person) -> FormInstance:
    cells = [Cell(1, "SEX", "F"), Cell(1, "AGE", "61")]
    return save(person("coordinator"), visit, "DM", Changes(cells, version=0)).instance


def test_an_export_leaves_as_a_zip_and_the_page_shows_who_took_it(
    entered: FormInstance, person: Person
) -> None:
    client = _client(person("data_manager"))
    answer = client.post("/exchange/export", {"format": ["csv"], "form": ["DM"], "with_names": "1"})
    bundle = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert b"01-001" in bundle.read("dm.csv")
    page = client.get("/exchange").content.decode()
    assert "Data_Manager Person" in page
    assert AuditEvent.objects.filter(action="export").count() == 1


def test_a_snapshot_is_named_and_comes_out_as_it_was(entered: FormInstance, person: Person) -> None:
    client = _client(person("statistician"), "zh-hans")
    client.post("/exchange/snapshots", {"name": "first"})
    named = Snapshot.objects.get()
    coordinator = User.objects.get(username="coordinator")
    save(coordinator, entered.event, "DM", Changes([Cell(1, "SEX", "M")], version=1, reason="x"))
    answer = client.post(f"/exchange/snapshots/{named.pk}", {"format": "csv"})
    bundle = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert b",F" in bundle.read("dm.csv")
    assert "数据快照" in client.get("/exchange").content.decode()
    refused = client.post(f"/exchange/snapshots/{named.pk}", {"format": "csv", "with_names": "1"})
    assert refused.status_code == 403


def test_a_file_is_tried_and_then_loaded(subject: Subject, person: Person) -> None:
    client = _client(person("data_manager"))
    upload = SimpleUploadedFile("lab.csv", b"Patient,ALT,AST\n01-001,31,25\n01-009,1,2\n")
    handed = client.post("/imports", {"file": upload, "kind": "csv"})
    file = TakenFile.objects.get()
    assert handed.headers["Location"] == f"/imports/{file.pk}"
    chosen = client.get(f"/imports/{file.pk}", {"form": "LB"}).content.decode()
    assert "<option selected>ALT</option>" in chosen
    given = {"form": "LB", "subject": "Patient", "visit": "=SCREENING", "repeat": "=1",
             "item.ALT": "ALT", "item.AST": "AST"}  # fmt: skip
    tried = client.post(f"/imports/{file.pk}", {**given, "act": "try"}).content.decode()
    assert "Subject 01-009 is not known" in tried
    assert not FormInstance.objects.exists()
    client.post(f"/imports/{file.pk}", {**given, "act": "load"})
    (row,) = FormInstance.objects.get().data["rows"]
    assert {n: v for n, v in row.items() if n != "_si"} == {"_key": 1, "ALT": "31", "AST": "25"}
    assert client.get("/imports").status_code == 200
    assert client.get(f"/imports/{file.pk}/file").content.startswith(b"Patient")


def test_the_amendment_pages_show_the_plan_and_move_the_forms(
    entered: FormInstance, version: StudyVersion, person: Person
) -> None:
    from onearm.capture import studies
    from onearm.capture.actions.sites import release

    builder, manager = person("study_builder"), person("data_manager")
    files = dict(version.files)
    files["forms/dm.yaml"] = "use: DM\nitems:\n  - {name: SHOE, label: Shoe size, type: integer}\n"
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as out:
        for name, text in files.items():
            out.writestr(name, text)
    upload = SimpleUploadedFile("study.zip", bundle.getvalue())
    _client(builder).post("/amendments", {"file": upload})
    second = StudyVersion.objects.get(number=2)
    release(builder, entered.event.subject.site, second, clock.now().date(), "approved")
    client = _client(manager, "zh-hans")
    page = client.get("/amendments/2").content.decode()
    assert "SHOE" in page
    assert "新增" in page
    assert FormInstance.objects.get().study_version.number == 1
    client.post("/amendments/2", {"act": "run", "site": ["01"]})
    assert FormInstance.objects.get().study_version.number == 2
    assert studies.study_of(second).forms["DM"].item("SHOE").type == "integer"


@pytest.mark.parametrize(
    ("address", "roles"),
    [
        ("/exchange", {"data_manager", "statistician"}),
        ("/imports", {"data_manager"}),
        ("/amendments/1", {"data_manager"}),
        ("/amendments", {"coordinator", "investigator", "monitor", "data_manager",
                         "medical_reviewer", "statistician", "study_builder", "administrator",
                         "auditor"}),
    ],
)  # fmt: skip
def test_only_those_with_the_right_see_the_page(
    address: str, roles: set[str], person: Person
) -> None:
    from onearm.capture import permissions

    seen = set()
    for role in permissions.roles():
        user = person(role)
        user.equivalence_accepted_at = clock.now()
        user.save()
        if _client(user).get(address).status_code == 200:
            seen.add(role)
    assert seen == roles
