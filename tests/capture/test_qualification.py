"""Qualification sees what is right and what is not, in the installation and in what it does."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from typer.testing import CliRunner

from onearm.capture import serving, triggers
from onearm.capture.models import AuditEvent
from onearm.capture.qualification import installation, operation, run
from onearm.capture.qualification.outcome import COLUMNS, Outcome
from onearm.cli import app
from tests.capture.faults.servers import database
from tests.capture.postgres import programs

LOCK = Path(__file__).parents[2] / "requirements.lock"


@pytest.fixture
def installed(db: None, tmp_path: Path, settings: object) -> Path:
    """A data folder as ``onearm serve`` makes it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    settings.DATA = folder  # type: ignore[attr-defined]
    (folder / "secret.key").write_text("x")
    (folder / "secret.key").chmod(0o600)
    serving.prepare(folder, operation.STUDY)
    return folder


def looked(lock: Path | None = None) -> dict[str, Outcome]:
    return {one.what: one for one in installation.installation(lock)}


def test_a_good_installation_passes_and_says_what_it_is(installed: Path) -> None:
    found = looked()
    assert [one.id for one in found.values() if one.result == "failed"] == []
    assert found["Schema"].actual == "0 waiting"
    assert found["Triggers"].result == "passed"
    assert found["Environment"].actual == "runs as test, made for test"
    assert found["Secrets"].actual == "2 files, each 600"
    assert {"passed", "noted"} >= {one.result for one in found.values()}
    assert len({one.id for one in found.values()}) == len(found)


def test_files_that_others_can_read_fail(installed: Path) -> None:
    (installed / "secret.key").chmod(0o644)
    installed.chmod(0o755)
    found = looked()
    assert found["Secrets"].actual == "secret.key 644"
    assert (found["Secrets"].result, found["Data folder"].result) == ("failed", "failed")


def test_a_trigger_that_is_gone_fails(installed: Path) -> None:
    lifted = {
        "sqlite": "DROP TRIGGER capture_signature_no_delete",
        "postgresql": "DROP TRIGGER capture_signature_no_delete ON capture_signature",
    }
    with connection.cursor() as cursor:
        cursor.execute(lifted[connection.vendor])
    assert looked()["Triggers"].result == "failed"
    assert "capture_signature" in looked()["Triggers"].actual
    assert "capture_signature" in triggers.KEPT


def test_packages_are_compared_with_the_lock(installed: Path, tmp_path: Path) -> None:
    name = f"Packages against {LOCK.name}"
    lines = LOCK.read_text(encoding="utf-8")
    mine = tmp_path / LOCK.name
    mine.write_text(lines.replace("django==", "django==0."), encoding="utf-8")
    assert looked(mine)[name].result == "failed"
    assert "(locked 0." in looked(mine)[name].actual
    one = "django==5.2.1 ; python_version < '3.0' \\\n    --hash=sha256:0\n"
    here = f"django=={metadata.version('django')} \\\n    --hash=sha256:0\n"
    nowhere = "no-such-package==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n"
    mine.write_text(one + here.replace(" \\", " ; python_version > '3' \\", 1) + nowhere)
    assert looked(mine)[name].actual == "2 locked, 0 differ"
    mine.write_text(here + nowhere.replace(" ; sys_platform == 'win32'", ""))
    assert looked(mine)[name].actual == ("2 locked, 1 differ: no-such-package missing (locked 1.0)")
    mine.write_text("nothing\n", encoding="utf-8")
    assert "names no package" in looked(mine)[name].actual


def test_what_only_a_live_system_needs_is_noted_in_test_and_fails_in_live(
    installed: Path, settings: object
) -> None:
    names = ("Deployment check", "Second factor", "Mail", "Backup")
    settings.SECOND_FACTOR = False  # type: ignore[attr-defined]
    assert {looked()[name].result for name in names} <= {"noted", "passed"}
    settings.ENVIRONMENT = "live"  # type: ignore[attr-defined]
    found = looked()
    assert found["Environment"].result == "failed"
    assert found["Second factor"].result == "failed"
    assert (found["Backup"].actual, found["Backup"].result) == ("none was made", "failed")


def test_a_step_that_goes_wrong_is_seen_and_the_next_is_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps = [
        operation.Step("1", "divide", "1", lambda _: str(1 // 0)),
        operation.Step("1", "count", "1", lambda _: "2"),
        operation.Step("1", "count again", "2", lambda _: "2"),
    ]
    monkeypatch.setattr(operation, "STEPS", steps)
    found = list(operation.operation(tmp_path))
    assert [one.result for one in found] == ["failed", "failed", "passed"]
    assert found[0].actual.startswith("ZeroDivisionError")


def test_the_command_prints_writes_and_ends_with_1_where_a_step_failed(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("onearm.capture.serving.configure", lambda data, **_: None)
    steps = [
        Outcome("OQ-01", "1", "a < b", "yes", "yes", "passed"),
        Outcome("OQ-02", "1", "b < c", "yes", "no", "failed"),
    ]
    monkeypatch.setattr(run, "_operation", lambda _: steps)
    out = tmp_path / "report"
    words = ["capture", "qualify", "--data", str(installed), "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "1 failed" in done.stdout
    lines = list(csv.reader((out / "qualification.csv").read_text().splitlines()))
    assert tuple(lines[0]) == COLUMNS
    assert lines[-1][-1] == "failed"
    page = (out / "qualification.html").read_text(encoding="utf-8")
    assert "a &lt; b" in page
    assert 'class="failed"' in page
    act = AuditEvent.objects.get(action="system.qualify")
    assert act.details["failed"] == 1
    monkeypatch.setattr(run, "_operation", lambda _: steps[:1])
    assert CliRunner().invoke(app, words).exit_code == 0


# --- every step in a scratch of its own (a process; hashing passwords takes its time)

BROKEN = """
from pathlib import Path
import sys
from onearm.capture import serving
serving.configure(Path(sys.argv[1]), environment="test")
from onearm.capture.actions import save, sign
save.changes_filled = lambda *a: False          # a change needs no reason any more
sign._prove = lambda *a, **k: None              # a signature needs no password any more
from onearm.capture.qualification import operation
operation.main(Path(sys.argv[1]))
"""


def tried(*words: object, url: str = "") -> dict[str, Outcome]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ONEARM_", "DJANGO_"))}
    env["DATABASE_URL"] = url
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {row[2]: Outcome(*row) for row in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.slow
def test_every_step_of_the_operation_passes(tmp_path: Path) -> None:
    found = tried("-m", "onearm.capture.qualification.operation", tmp_path / "data")
    assert [one for one in found.values() if one.result != "passed"] == []
    assert len(found) == len(operation.STEPS)


@pytest.mark.slow
@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_every_step_passes_on_postgresql_and_leaves_no_database_behind(tmp_path: Path) -> None:
    operates = ("-m", "onearm.capture.qualification.operation")
    with database() as made:
        found = tried(*operates, tmp_path / "data", url=made.url)
        assert [one for one in found.values() if one.result != "passed"] == []
        assert len(found) == len(operation.STEPS)
        with psycopg.connect(made.url) as asked:
            names = asked.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
        assert names == [("postgres",), ("template0",), ("template1",)]


@pytest.mark.slow
def test_the_operation_notices_a_system_that_does_not_do_it(tmp_path: Path) -> None:
    found = tried("-c", BROKEN, tmp_path / "data")
    assert found["Change a value without a reason, then with one"].result == "failed"
    assert found["Sign with a wrong and the right password, and as a coordinator"].actual == (
        "wrong: 1; right: 2; coordinator: 2"
    )
    assert found["Load a study and release it to its sites"].result == "passed"
