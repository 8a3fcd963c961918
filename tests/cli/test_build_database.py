"""A trial loaded through the application's import and built from its database, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest

from onearm.cli.database import entries_of_database, read_moment
from onearm.errors import OnearmError
from onearm.simulate import trial as simulated
from onearm.store.odm import odm_entries, read_odm
from onearm.study import load
from onearm.study.odm import draft_from_odm

STUDY = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"
SUBJECTS, SEED = 4, 3

pytestmark = pytest.mark.slow  # fills a database from a simulated trial

FILL = """
import sys
from datetime import date
from pathlib import Path
from onearm.capture import serving
serving.configure(Path(sys.argv[1]))
from django.core.management import call_command
call_command("migrate", verbosity=0)
import polars as pl
from onearm.capture import studies
from onearm.capture.actions.snapshot import make_snapshot
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.models import Grant, Site, SiteVersion, User

entries = pl.read_parquet(sys.argv[3])
version = studies.take_in(Path(sys.argv[2]))
for code in entries["SITEID"].unique().sort():
    site = Site.objects.create(code=code, name=code)
    SiteVersion.objects.create(site=site, version=version, begins=date(2020, 1, 1))
day = date(2020, 1, 1)
manager = User.objects.create(username="manager", trained_on=day, must_change_password=False)
Grant.objects.create(user=manager, role="data_manager", begins=day)
taken = take_entries(manager, entries, source="entries.parquet")
assert taken.count("new") == entries.height, [r.why for r in taken.rows if r.why][:3]
make_snapshot(manager, "whole")
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    folder = tmp_path_factory.mktemp("database")
    drawn = simulated(load(STUDY), subjects=SUBJECTS, seed=SEED)
    file = folder / "entries.parquet"
    drawn.entries.write_parquet(file)
    _run("-c", FILL, str(folder / "data"), str(STUDY), str(file))
    return folder / "data", file, drawn.cut.isoformat()


def _run(*arguments: str, ok: bool = True) -> str:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("ONEARM_", "DJANGO_", "DATABASE"))
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        env=kept,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def _built(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_build_from_the_database_is_the_build_from_the_file(
    filled: tuple[Path, Path, str], tmp_path: Path
) -> None:
    data, file, cut = filled
    build = ("-m", "onearm", "build", str(STUDY), "--cut", cut, "--out")
    _run(*build, str(tmp_path / "a"), "--entries", str(file))
    _run(*build, str(tmp_path / "b"), "--database", str(data))
    _run(*build, str(tmp_path / "c"), "--database", str(data), "--snapshot", "whole")
    one = _built(tmp_path / "a")
    assert any(name.startswith("adam/") and name.endswith(".parquet") for name in one)
    for other in ("b", "c"):
        two = _built(tmp_path / other)
        assert one.keys() == two.keys()
        assert [name for name in one if one[name] != two[name]] == []


READ = """
import sys
from onearm.cli.database import entries_of_database, read_moment
from onearm.store import read_entries
with entries_of_database(sys.argv[1], as_of=read_moment(sys.argv[2] or None)) as path:
    read_entries(path).write_parquet(sys.argv[3])
"""


def test_the_database_gives_the_entries_that_were_loaded(
    filled: tuple[Path, Path, str], tmp_path: Path
) -> None:
    _run("-c", READ, str(filled[0]), "", str(tmp_path / "out.parquet"))
    before = pl.read_parquet(filled[1])
    key = [name for name in before.columns if name not in ("VALUE", "REASON")]
    assert pl.read_parquet(tmp_path / "out.parquet").equals(before.sort(key))


def test_odm_of_the_database_gives_the_study_and_the_entries_back(
    filled: tuple[Path, Path, str], tmp_path: Path
) -> None:
    data, before, _ = filled
    command = ("-m", "onearm", "capture", "export", str(tmp_path), "--data", str(data))
    said = _run(*command, "--format", "odm2", "--format", "odm_audit", "--with-names")
    assert "rows" in said
    with zipfile.ZipFile(next(tmp_path.glob("*.zip"))) as bundle:
        bundle.extractall(tmp_path / "out")
    expected = pl.read_parquet(before)
    expected = expected.sort([n for n in expected.columns if n not in ("VALUE", "REASON")])
    for name in ("*.odm2.xml", "*.audit.odm.xml"):
        file = read_odm(next((tmp_path / "out").glob(name)))
        _, names = draft_from_odm(file.metadata, file.account)
        assert odm_entries(file, names, file.account).equals(expected)
    wrong = _run(*command, "--language", "fr", ok=False)
    assert "choose en or zh" in wrong


def test_the_archive_of_a_simulated_trial_proves_itself_without_the_package(
    filled: tuple[Path, Path, str], tmp_path: Path
) -> None:
    said = _run("-m", "onearm", "capture", "archive", str(tmp_path), "--data", str(filled[0]))
    assert "identify persons" in said
    with zipfile.ZipFile(next(tmp_path.glob("*_archive_*.zip"))) as bundle:
        bundle.extractall(tmp_path / "out")
    proof = _run("-I", "-S", str(tmp_path / "out" / "verify.py"))
    assert proof.endswith(" forms followed, 0 things do not fit\n")
    assert int(proof.split()[0]) > SUBJECTS


def test_before_the_load_there_was_nothing(filled: tuple[Path, Path, str]) -> None:
    said = _run("-c", READ, str(filled[0]), "2020-01-01", "unused", ok=False)
    assert "it holds no entry" in said


def test_a_day_means_its_end_and_other_texts_are_refused() -> None:
    moment = read_moment("2024-06-30")
    assert moment is not None
    assert moment.isoformat() == "2024-06-30T23:59:59.999999+00:00"
    zoned = read_moment("2024-06-30T18:00:00+08:00")
    assert zoned is not None
    assert zoned.astimezone(moment.tzinfo).hour == 10
    with pytest.raises(OnearmError, match="--as-of noon"):
        read_moment("noon")


def test_a_folder_without_a_database_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OnearmError, match="there is no onearm"),
        entries_of_database(str(tmp_path), as_of=None),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
