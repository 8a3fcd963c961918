"""Files of forms: known by content, hashed, encrypted, read by those who may, never replaced."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from onearm.capture import clock, trail
from onearm.capture.actions import files
from onearm.capture.actions.files import FileDamaged, FileRefused, Upload
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import (
    Attachment,
    AuditEvent,
    EventInstance,
    FormInstance,
    Hold,
    Site,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.capture.states import Held

Person = Callable[..., User]
Enter = Callable[[User], Client]
PDF = b"%PDF-1.7\n" + b"scan report of an invented person\n" * 50
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA = tmp_path
    return tmp_path


@pytest.fixture
def nurse(person: Person) -> User:
    return person("coordinator")


@pytest.fixture
def form(nurse: User, visit: EventInstance, folder: Path) -> FormInstance:
    return save(nurse, visit, "DISEASE", Changes([Cell(1, "COHORT", "ICC")], 0)).instance


def test_a_file_is_kept_encrypted_and_comes_back_byte_for_byte(
    nurse: User, form: FormInstance, folder: Path
) -> None:
    kept = files.attach(nurse, form, Upload("report.pdf", PDF))
    assert (kept.media_type, kept.size) == ("application/pdf", len(PDF))
    assert kept.sha256 == hashlib.sha256(PDF).hexdigest()
    stored = folder / "files" / kept.stored_as
    assert b"invented person" not in stored.read_bytes()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "files.key").stat().st_mode) == 0o600
    assert files.content(nurse, kept) == PDF
    acts = list(
        AuditEvent.objects.filter(action__startswith="file.").values_list("action", flat=True)
    )
    assert acts == ["file.attach", "file.read"]
    assert list(trail.verify()) == []


def test_a_newer_file_supersedes_and_both_stay(nurse: User, form: FormInstance) -> None:
    first = files.attach(nurse, form, Upload("report.pdf", PDF))
    second = files.attach(nurse, form, Upload("better.png", PNG), instead_of=first)
    first.refresh_from_db()
    assert first.superseded_by == second
    assert files.content(nurse, first) == PDF
    with pytest.raises(FileRefused, match="not a current file"):
        files.attach(nurse, form, Upload("third.pdf", PDF), instead_of=first)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("page.pdf", b"<html><script>alert(1)</script></html>", "Attach a PDF"),
        ("run.pdf", b"MZ" + bytes(200), "Attach a PDF"),
        ("picture.pdf", PNG, "its name says otherwise"),
        ("report.html", PDF, "its name says otherwise"),
        ("empty.pdf", b"", "empty"),
        ("big.pdf", PDF + bytes(files.LARGEST), "larger than 20 MiB"),
    ],
)
def test_what_is_not_what_it_says_is_refused_and_nothing_is_kept(
    name: str, content: bytes, says: str, nurse: User, form: FormInstance, folder: Path
) -> None:
    with pytest.raises(FileRefused, match=says):
        files.attach(nurse, form, Upload(name, content))
    assert Attachment.objects.count() == 0
    assert not list(folder.glob("files/*"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(50), "a.jpg"),
        (b"II*\x00" + bytes(50), "a.tiff"),
        (bytes(128) + b"DICM" + bytes(50), "a.dcm"),
        (PNG, "A.PNG"),
    ],
)
def test_pictures_and_scans_are_taken(
    content: bytes, name: str, nurse: User, form: FormInstance
) -> None:
    assert files.content(nurse, files.attach(nurse, form, Upload(name, content))) == content


def test_names_keep_no_folders_and_no_signs_that_mean_something(
    nurse: User, form: FormInstance
) -> None:
    kept = files.attach(nurse, form, Upload('../../etc\\x;"<b>.pdf', PDF))
    assert kept.name == "xb.pdf"


@pytest.mark.parametrize("role", ["monitor", "data_manager", "auditor"])
def test_only_the_site_attaches(role: str, person: Person, form: FormInstance) -> None:
    with pytest.raises(NotAllowed):
        files.attach(person(role), form, Upload("report.pdf", PDF))


def test_a_locked_form_takes_no_file(nurse: User, form: FormInstance, folder: Path) -> None:
    Hold.objects.create(target="site:01", kind="locked", set_by=nurse, set_at=clock.now())
    with pytest.raises(Held):
        files.attach(nurse, form, Upload("report.pdf", PDF))
    assert not list(folder.glob("files/*"))


def test_a_file_that_was_changed_on_disk_is_not_given_out(
    nurse: User, form: FormInstance, folder: Path
) -> None:
    kept = files.attach(nurse, form, Upload("report.pdf", PDF))
    stored = folder / "files" / kept.stored_as
    stored.write_bytes(stored.read_bytes()[:-5] + b"AAAAA")
    with pytest.raises(FileDamaged, match="backup"):
        files.content(nurse, kept)


def test_on_the_page_a_file_is_attached_listed_and_read_only_by_those_who_may(
    nurse: User, form: FormInstance, signed_in: Enter, person: Person
) -> None:
    page = "/subjects/01-001/SCREENING/1/DISEASE"
    client = signed_in(nurse)
    sent = SimpleUploadedFile("报告.pdf", PDF, content_type="text/html")
    assert client.post(f"{page}/files", {"file": sent}).status_code == 302
    kept = Attachment.objects.get()
    assert "报告.pdf" in client.get(page).content.decode()
    answer = signed_in(person("monitor")).get(f"/files/{kept.pk}")
    assert answer.content == PDF
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    other = Site.objects.create(code="02", name="Second hospital")
    stranger = signed_in(person("coordinator", name="stranger", at=other))
    assert stranger.get(f"/files/{kept.pk}").status_code == 404
    assert Client().get(f"/files/{kept.pk}").status_code == 302  # to the log-in
    again = SimpleUploadedFile("more.pdf", PDF)
    assert signed_in(person("auditor")).post(f"{page}/files", {"file": again}).status_code == 403
    assert Attachment.objects.count() == 1


def test_what_a_browser_could_run_is_refused_or_leaves_in_a_sandbox(
    nurse: User, form: FormInstance, signed_in: Enter
) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    picture = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    for name, content in (("a.pdf", page), ("a.png", picture), ("a.html", PDF), ("a.svg", PNG)):
        with pytest.raises(FileRefused):
            files.attach(nurse, form, Upload(name, content))
    both = files.attach(nurse, form, Upload("both.pdf", PDF + page))
    answer = signed_in(nurse).get(f"/files/{both.pk}")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = {part.strip() for part in answer["Content-Security-Policy"].split(";")}
    assert {"sandbox", "script-src 'none'", "default-src 'self'"} <= policy
    assert answer["Cache-Control"] == "no-store"


def test_a_form_that_nobody_saved_takes_no_file(
    nurse: User, visit: EventInstance, signed_in: Enter
) -> None:
    sent = SimpleUploadedFile("report.pdf", PDF)
    signed_in(nurse).post("/subjects/01-001/SCREENING/1/VS/files", {"file": sent})
    assert Attachment.objects.count() == 0
