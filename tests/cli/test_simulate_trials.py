"""``onearm simulate --trials``: the same bytes from every backend, and after every interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import onearm
from onearm.cli import app
from onearm.errors import OnearmError
from onearm.store.folder import MARK
from tests.simulate.studies import SHIPPED

pytestmark = pytest.mark.slow  # each simulates trials in processes of its own

ASKED = ("--trials", "600", "--entered", "2", "--scenario", "planned", "--seed", "4")
FILES = ("trials.parquet", "summary.csv", "operating.svg", "operating.png", "operating.pdf", MARK)


def run(*words: str) -> str:
    words = ("simulate", str(SHIPPED), *words)
    result = CliRunner().invoke(app, words, env={"COLUMNS": "110"})
    if isinstance(result.exception, OnearmError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@dataclass(frozen=True)
class Apart:
    """Program and study copied, so that nobody who edits them while tests run changes the work."""

    folder: Path

    @classmethod
    def copied(cls, folder: Path) -> Apart:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(onearm.__file__).parent, folder / "onearm", ignore=ignored)
        shutil.copytree(SHIPPED, folder / "study")
        return cls(folder)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "onearm", "simulate", str(self.folder / "study"), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "110"},
        )

    def run(self, *words: str) -> str:
        begun = self.begin(*words)
        text, said = begun.communicate(timeout=240)
        assert begun.returncode == 0, said
        return text


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Apart:
    return Apart.copied(tmp_path_factory.mktemp("apart"))


@pytest.fixture(scope="module")
def written(apart: Apart, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("operating") / "out"
    return out, apart.run(*ASKED, "--backend", "serial", "--out", str(out))


def test_the_folder_holds_trials_summary_and_figure(written: tuple[Path, str]) -> None:
    out, _ = written
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)
    trials = pl.read_parquet(out / "trials.parquet")
    assert trials.group_by("route").len().sort("route")["len"].to_list() == [600, 2]
    assert trials["trial"].max() == 600
    summary = pl.read_csv(out / "summary.csv")
    assert {"value", "std_err", "lower", "upper", "trials"} <= set(summary.columns)
    go = summary.filter(route="drawn", measure="go").row(0, named=True)
    assert go["value"] == trials.filter(route="drawn")["go"].mean()
    assert json.loads((out / MARK).read_text())["seed"] == 4
    assert not out.with_name("out.pieces").exists()


def test_the_tables_compare_with_errors_in_brackets(written: tuple[Path, str]) -> None:
    out, text = written
    summary = pl.read_csv(out / "summary.csv").filter(route="drawn")
    for measure in ("go", "promising", "pfs_win", "joint"):
        row = summary.filter(measure=measure).row(0, named=True)
        assert f"{100 * row['value']:.1f} ({100 * row['std_err']:.1f})" in text
    bias = summary.filter(measure="pfs_median_bias").row(0, named=True)
    assert f"{bias['value']:+.2f} ({bias['std_err']:.2f})" in text
    assert "Trials as entries, through the real derivations: 2 a scenario" in text
    assert "…" not in text


def test_processes_give_the_same_bytes(
    written: tuple[Path, str], apart: Apart, tmp_path: Path
) -> None:
    out = tmp_path / "other"
    apart.run(*ASKED, "--backend", "processes", "--jobs", "2", "--out", str(out))
    assert content(out) == content(written[0])


def test_a_cluster_gives_the_same_bytes(
    written: tuple[Path, str], apart: Apart, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    out = tmp_path / "other"
    apart.run(*ASKED, "--backend", "dask", "--jobs", "1", "--out", str(out))
    assert content(out) == content(written[0])


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGINT, id="interrupted"),
        pytest.param(signal.SIGKILL, id="killed"),
    ],
)
def test_work_that_was_cut_off_goes_on_to_the_same_bytes(
    written: tuple[Path, str], apart: Apart, tmp_path: Path, how: signal.Signals
) -> None:
    out, pieces = tmp_path / "out", tmp_path / "out.pieces"
    words = (*ASKED, "--backend", "serial", "--out", str(out))
    begun = apart.begin(*words)
    until = time.monotonic() + 60
    while len(list(pieces.glob("*.ipc"))) < 2 and begun.poll() is None:
        assert time.monotonic() < until, "no piece was finished in a minute"
        time.sleep(0.01)
    os.kill(begun.pid, how)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode != 0
    kept = sorted(p.name for p in pieces.glob("*.ipc"))
    assert 2 <= len(kept) < 4
    assert not out.exists()
    if how == signal.SIGINT:
        assert begun.returncode == 130
        assert f"Interrupted: {len(kept)} of 4 pieces are kept in {pieces}" in said
    text = apart.run(*words)
    assert f"Going on: {len(kept)} of 4 pieces were finished before" in text
    assert content(out) == content(written[0])
    assert not pieces.exists()


def test_kept_pieces_of_another_run_are_refused(tmp_path: Path) -> None:
    out, pieces = tmp_path / "out", tmp_path / "out.pieces"
    pieces.mkdir()
    facts = {"of": {"seed": "5", "study": "NCT03895970"}}
    (pieces / "onearm-pieces.json").write_text(json.dumps(facts))
    small = ("--trials", "20", "--scenario", "planned", "--backend", "serial", "--out", str(out))
    with pytest.raises(OnearmError, match="unfinished work of another run") as problem:
        run(*small, "--seed", "4")
    assert "seed: 5 there, 4 now" in str(problem.value)
    assert not out.exists()
    run(*small, "--seed", "4", "--fresh")
    assert out.exists()


def test_a_scenario_by_its_values_is_compared_with_the_plan(tmp_path: Path) -> None:
    words = ("--trials", "40", "--missed", "0.5", "--no-confirmation", "--backend", "serial")
    text = run(*words, "--formats", "csv", "--out", str(tmp_path / "out"))
    assert "As planned" in text
    assert "As given" in text
    trials = pl.read_csv(tmp_path / "out" / "trials.csv")
    assert trials["scenario"].unique(maintain_order=True).to_list() == ["planned", "given"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trials", "5", "--subjects", "30"), r"--subjects 30: whole trials have the patients"),
        (("--trials", "5", "--cut", "2024-01-01"), r"--cut 2024-01-01: whole trials"),
        (("--missed", "0.2"), r"--missed: it is for whole trials; give --trials"),
        (("--scenario", "planned"), r"--scenario: it is for whole trials"),
        (("--trials", "5", "--scenario", "none"), r"--scenario none: there is no scenario"),
        (("--trials", "5", "--scenario", "planned", "--missed", "0.2"), r"not both"),
        (("--trials", "5", "--missed", "1.5"), r"--missed 1\.5: .*less than 1"),
        (("--trials", "5", "--backend", "ray"), r"backend 'ray' is not known"),
        (("--trials", "5", "--formats", "xlsx"), r"--formats xlsx: parquet or csv"),
    ],
)
def test_options_that_cannot_be_are_shown(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OnearmError, match=message):
        run(*words, "--out", str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
