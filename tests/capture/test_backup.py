"""A backup is whole, can be restored elsewhere, and a damaged or foreign one is refused."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.capture import backup, sealing
from onearm.errors import OnearmError
from tests.capture.conftest import STUDY

FILL = """
from pathlib import Path
import sys
from onearm.capture import serving
serving.configure(Path(sys.argv[1]))
serving.prepare(Path(sys.argv[1]), Path(sys.argv[2]))
from datetime import date
from onearm.capture import clock
from onearm.capture.actions.files import Upload, attach
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import EventInstance, Grant, Site, Subject, User
site = Site.objects.get(code="01")
nurse = User.objects.create_user("nurse", password="x", trained_on=date(2020, 1, 1))
Grant.objects.create(user=nurse, role="coordinator", site=site, begins=date(2020, 1, 1))
for n in range(5):
    subject = Subject.objects.create(site=site, code=f"01-{n}", created_at=clock.now())
    visit = EventInstance.objects.create(subject=subject, visit="SCREENING")
    saved = save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", f"term {n}")], 0))
    save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "other")], 1, reason="misread"))
    attach(nurse, saved.instance, Upload("scan.pdf", b"%PDF-1.4 " + bytes([65 + n]) * 5000))
"""


def onearm(*words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("ONEARM_DATA", "ONEARM_SECRET_KEY")}
    env.pop("DATABASE_URL", None)
    env.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live") / "data"
    onearm("-c", FILL, folder, STUDY)
    return folder


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "backup.key"
    onearm("-m", "onearm", "capture", "new-key", path)
    return path


@pytest.fixture(scope="module")
def sealed(data: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("backups")
    words = ("-m", "onearm", "capture", "backup", to, "--data", data, "--key-file", key_file)
    made = onearm(*words)
    return Path(made.stdout.splitlines()[0])


def restore(file: Path, to: Path, *more: object) -> subprocess.CompletedProcess[str]:
    words = ("-m", "onearm", "capture", "restore", file, "--data", to, *more)
    return onearm(*words, check=False)


@pytest.mark.slow
def test_a_restored_database_has_every_row_every_file_and_an_unbroken_history(
    sealed: Path, key_file: Path, data: Path, tmp_path: Path
) -> None:
    to = tmp_path / "restored"
    done = restore(sealed, to, "--key-file", key_file)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((to / "restore-report.json").read_text())
    assert report["differences"] == []
    assert report["rows"]["capture_formversion"] == 10
    for path in (data / "files").iterdir():
        assert (to / "files" / path.name).read_bytes() == path.read_bytes()
    assert (to / "files.key").read_bytes() == (data / "files.key").read_bytes()
    checked = onearm("-m", "onearm", "capture", "verify", "--data", to)
    assert checked.stdout.endswith("0 broken\n")


@pytest.mark.slow
def test_a_change_of_the_restored_data_is_named(
    sealed: Path, key_file: Path, tmp_path: Path
) -> None:
    to = tmp_path / "restored"
    restore(sealed, to, "--key-file", key_file)
    changed = sqlite3.connect(to / backup.SQLITE)
    changed.execute("DROP TRIGGER capture_formversion_no_update")
    changed.execute("UPDATE capture_formversion SET reason = 'better' WHERE id = 4")
    changed.commit()
    changed.close()
    checked = onearm("-m", "onearm", "capture", "verify", "--data", to, check=False)
    assert checked.returncode == 1
    assert "form 2 (DISEASE), link 2: its content does not give its hash" in checked.stdout


def test_without_its_key_or_with_another_nothing_is_restored(sealed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    sealing.new_key(other)
    for more, says in (((), "is encrypted"), (("--key-file", other), "the key is another")):
        done = restore(sealed, tmp_path / "to", *more)
        assert done.returncode == 1
        assert says in done.stderr
        assert not list((tmp_path / "to").glob("*"))


def test_a_damaged_backup_is_refused(sealed: Path, key_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.backup"
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    bad.write_bytes(content)
    done = restore(bad, tmp_path / "to", "--key-file", key_file)
    assert done.returncode == 1
    assert "damaged" in done.stderr
    bad.write_bytes(b"something else")
    assert "no backup" in restore(bad, tmp_path / "to").stderr


def test_a_backup_goes_only_into_an_empty_folder(sealed: Path, key_file: Path, data: Path) -> None:
    done = restore(sealed, data, "--key-file", key_file)
    assert done.returncode == 1
    assert "is not empty" in done.stderr


@pytest.mark.slow
def test_an_anchor_holds_until_the_history_before_it_is_made_anew(
    data: Path, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors.txt"
    onearm("-m", "onearm", "capture", "anchor", "--data", data, "--file", anchors)
    words = ("-m", "onearm", "capture", "verify", "--data", data, "--anchors", anchors)
    assert onearm(*words).returncode == 0
    at, chains, hash_ = anchors.read_text().split()
    anchors.write_text(f"\n{at} {chains} {hash_}\nnonsense\n")
    done = onearm(*words, check=False)
    assert done.returncode == 1
    assert "'nonsense' is no anchor" in done.stderr
    anchors.write_text(f"{at} {chains} {'0' * len(hash_)}\n")
    done = onearm(*words, check=False)
    assert done.returncode == 1
    assert "not what it was" in done.stdout
    anchors.write_text(f"{at} {chains} {hash_}\n\ntwo words\n")
    done = onearm(*words, check=False)
    assert "'two words' is no anchor" in done.stderr


@given(st.binary(max_size=40), st.integers(min_value=0, max_value=3))
def test_what_is_sealed_comes_back_and_no_piece_can_go(text: bytes, pieces: int) -> None:
    key = bytes(range(32))
    plain = text + b"x" * (pieces * sealing.PIECE)
    to = io.BytesIO()
    sealing.seal(io.BytesIO(plain), to, key)
    whole = to.getvalue()
    assert b"".join(sealing.opened(io.BytesIO(whole), key)) == plain
    if pieces:
        cut = whole[: len(sealing.MARK) + 4 + sealing.PIECE + sealing.TAG]
        if cut != whole:
            with pytest.raises(OnearmError, match="damaged"):
                list(sealing.opened(io.BytesIO(cut), key))
