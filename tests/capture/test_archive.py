"""The archive: read and checked with Python alone, complete, and the same for the same moment."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from onearm.capture import clock, entries, studies, trail
from onearm.capture.actions import files, redaction
from onearm.capture.actions.api_keys import make_key
from onearm.capture.actions.archive import archive
from onearm.capture.actions.export import Exported, Wanted, export
from onearm.capture.actions.files import Upload
from onearm.capture.actions.queries import ask
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.export.archive import ELSEWHERE, INSIDE
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormVersion,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError

from .api_world import with_key
from .test_files import PDF

Person = Callable[..., User]


@pytest.fixture
def captured(
    subject: Subject,
    visit: EventInstance,
    person: Person,
    tmp_path: Path,
    settings: Settings,
) -> User:
    """A form that was changed, rows taken out, a name blackened, a file, a query, an API key."""
    settings.DATA = tmp_path / "data"
    (tmp_path / "data").mkdir()
    nurse, manager = person("coordinator"), person("data_manager")
    demography = save(nurse, visit, "DM", Changes([Cell(1, "SEX", "F")], version=0)).instance
    save(nurse, visit, "DM", Changes([Cell(1, "SEX", "M")], version=1, reason="typing error"))
    named = [Cell(1, "MHTERM", "Zhang Wei"), Cell(1, "HBV", reason="ND")]
    disease = save(nurse, visit, "DISEASE", Changes(named, 0)).instance
    log = EventInstance.objects.create(subject=subject, visit="LOG")
    cells = [Cell(1, "CMTRT", "=1+1"), Cell(2, "CMTRT", 'two\nlines, "quoted"\r\nand 中文')]
    save(nurse, log, "CM", Changes(cells, version=0))
    save(nurse, log, "CM", Changes([], version=1, removed={1: "twice"}, reason="twice"))
    files.attach(nurse, demography, Upload("扫描 report.pdf", PDF))
    ask(manager, subject, "Is this right?", visit="SCREENING", repeat=1, form="DM", item="SEX")
    wanted = redaction.request(
        nurse, disease.versions.get(version=1), 1, "MHTERM", "the patient's name"
    )
    redaction.approve(manager, wanted)
    make_key(manager, "nightly", clock.now().date() + timedelta(days=30))
    return manager


def unpacked(user: User, folder: Path, as_of: datetime | None = None) -> Path:
    made = archive(user, as_of=as_of)
    with zipfile.ZipFile(made.path) as bundle:
        bundle.extractall(folder)
    made.path.unlink()
    return folder


def verified(folder: Path) -> tuple[int, str]:
    """What the archive's own program says, run by a Python that sees no installed package."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_python_alone_reads_the_archive_and_finds_every_chain_whole(
    captured: User, tmp_path: Path
) -> None:
    folder = unpacked(captured, tmp_path / "a")
    code, said = verified(folder)
    assert (code, said) == (0, "3 forms followed, 0 things do not fit\n")
    frame = entries.as_of(clock.now())
    assert [tuple(row.values()) for row in read(folder, "data/entries.csv")] == [
        tuple("" if cell is None else str(cell) for cell in row) for row in frame.iter_rows()
    ]
    assert [row["CMTRT"] for row in read(folder, "data/cm.csv")] == [
        'two\nlines, "quoted"\r\nand 中文'
    ]
    assert len(read(folder, "trail/saves.csv")) == FormVersion.objects.count()
    assert len(read(folder, "trail/acts.csv")) == AuditEvent.objects.count() - 1  # its own


def test_nothing_is_forgotten_and_no_secret_leaves(captured: User, tmp_path: Path) -> None:
    folder = unpacked(captured, tmp_path / "a")
    kept = {row["table"] for row in read(folder, "tables/tables.csv")}
    models = {model.__name__ for model in apps.get_app_config("capture").get_models()}
    assert kept == {f"{name.lower()}.csv" for name in models - ELSEWHERE - INSIDE}
    assert all(row["what"] for row in read(folder, "tables/tables.csv"))
    (file,) = read(folder, "files/files.csv")
    assert (folder / "files" / file["file"]).read_bytes() == PDF
    assert file["name"] == "扫描 report.pdf"
    assert "Is this right?" in {row["text"] for row in read(folder, "tables/query.csv")}
    whole = b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())
    for secret in (captured.password, captured.api_keys.get().digest, "Zhang Wei"):
        assert secret.encode() not in whole
    for name in ("odm", "audit.odm", "odm2", "audit.odm2"):
        assert list((folder / "odm").glob(f"*.{name}.xml"))
    study = studies.study_of(StudyVersion.objects.get())
    listed = {(row["form"], row["item"]) for row in read(folder, "study/items.csv")}
    assert listed == {(f.form, i.name) for f in study.forms.values() for i in f.items}


def test_the_same_moment_gives_the_same_bytes_and_later_saves_stay_out(
    captured: User, visit: EventInstance, tmp_path: Path
) -> None:
    moment = clock.now()
    first = archive(captured, as_of=moment)
    second = archive(None, as_of=moment)
    assert first.sha256 == second.sha256
    nurse = User.objects.get(username="coordinator")
    save(nurse, visit, "VS", Changes([Cell(1, "SYSBP", "120")], version=0))
    folder = unpacked(captured, tmp_path / "past", as_of=moment)
    assert verified(folder)[0] == 0
    assert "VS" not in {row["FORM"] for row in read(folder, "data/entries.csv")}
    act = AuditEvent.objects.filter(action="export.archive").latest("number")
    assert (act.user, act.details["as_of"]) == (captured, moment.isoformat())


def _edit(folder: Path, name: str, change: Callable[[str], str], *, hide: bool = True) -> None:
    """Change a file as somebody would who makes the manifest fit again."""
    path = folder / name
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    changed = change(text)
    assert changed != text
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(changed)
    if hide:
        lines = read(folder, "MANIFEST.csv")
        for line in lines:
            if line["path"] == name:
                line["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        out = io.StringIO()
        writer = csv.DictWriter(out, lines[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        (folder / "MANIFEST.csv").write_text(out.getvalue())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("trail/saves.csv", lambda t: t.replace('""SEX"":""F""', '""SEX"":""M""'), "give its hash"),
        ("trail/saves.csv", lambda t: t.replace("typing error", "other"), "give its hash"),
        ("trail/acts.csv", lambda t: _without(t, "query.open"), "does not follow"),
        ("trail/acts.csv", lambda t: t.replace("redaction.approve", "redaction.x"), "its hash"),
        ("data/entries.csv", lambda t: t.replace("SEX,M", "SEX,F"), "only data/entries.csv"),
        ("study/version-001/schedule.yaml", lambda t: t + "\n# x\n", "study version 1"),
    ],
)
def test_what_was_changed_is_found(
    name: str, change: Callable[[str], str], said: str, captured: User, tmp_path: Path
) -> None:
    folder = unpacked(captured, tmp_path / "a")
    _edit(folder, name, change)
    code, told = verified(folder)
    assert code == 1
    assert said in told


def _without(text: str, action: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if f",{action}," not in line)


def test_a_file_that_is_changed_missing_or_new_is_named(captured: User, tmp_path: Path) -> None:
    folder = unpacked(captured, tmp_path / "a")
    _edit(folder, "README.txt", str.upper, hide=False)
    (folder / "data" / "dm.csv").unlink()
    (folder / "new.txt").write_text("x")
    told = verified(folder)[1]
    assert "README.txt: it was changed" in told
    assert "data/dm.csv: it is missing" in told
    assert "new.txt: it is not in MANIFEST.csv" in told


def test_a_moment_before_the_first_version_has_no_archive(
    captured: User, version: StudyVersion
) -> None:
    before = version.loaded_at - timedelta(days=1)
    with pytest.raises(OnearmError, match="holds no study yet"):
        archive(captured, as_of=before)
    answer = with_key(captured).post(
        "/api/exports/archive", {"as_of": before.isoformat()}, "application/json"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("take", [archive, lambda user: export(user, Wanted(with_names=True))])
def test_what_leaves_leaves_nothing_open_and_nothing_behind_where_it_is_refused(
    take: Callable[[User], Exported],
    captured: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, opened = set(tmp_path.iterdir()), len(list(Path("/proc/self/fd").iterdir()))
    made = take(captured)
    assert set(tmp_path.iterdir()) - before == {made.path}
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
    made.path.unlink()

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(trail, "record", fail)
    with pytest.raises(OSError, match="disk is full"):
        take(captured)
    assert set(tmp_path.iterdir()) == before


def test_the_page_sends_it_to_who_may_export(captured: User, person: Person) -> None:
    def client(user: User) -> Client:
        made = Client()
        made.force_login(user, backend=configured.AUTHENTICATION_BACKENDS[-1])
        return made

    answer = client(captured).post("/exchange/archive", {})
    bundle = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert {"README.txt", "MANIFEST.csv", "verify.py"} <= set(bundle.namelist())
    assert "截至" in bundle.read("README.txt").decode()
    assert client(person("statistician")).post("/exchange/archive", {}).status_code == 403
    with pytest.raises(NotAllowed):
        archive(person("monitor"))
    with pytest.raises(OnearmError, match="future"):
        archive(captured, as_of=clock.now() + timedelta(days=1))
    details = AuditEvent.objects.get(action="export.archive").details
    assert json.loads(json.dumps(details))["formats"] == ["archive"]
