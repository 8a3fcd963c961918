"""The whole river through the command line: demo, build from files, build from SDTM, failures."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from onearm.cli import app
from onearm.cli.demo import shipped_study
from onearm.errors import OnearmError
from onearm.store import read_table


def onearm(*words: str | Path) -> str:
    """What the command prints; a problem it raises is raised here too."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "trial"
    text = onearm("demo", "--subjects", "20", "--seed", "3", "--out", out)
    assert f"Report: {out / 'report.html'}" in text
    return out


@pytest.fixture(scope="module")
def without_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped study as far as its datasets: most of a build's time is the report's."""
    folder = tmp_path_factory.mktemp("study") / "without-report"
    shutil.copytree(shipped_study(), folder)
    for name in ("outputs.yaml", "biomarkers.yaml"):
        (folder / name).unlink()
    return folder


def test_a_demo_ends_with_a_report_that_needs_no_network(demo: Path) -> None:
    page = (demo / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    for outside in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert outside not in page
    assert (demo / "report.pdf").read_bytes().startswith(b"%PDF")


def test_a_demo_holds_the_datasets_of_every_stage(demo: Path) -> None:
    for name in ("sdtm/dm", "sdtm/tr", "adam/adsl", "adam/adtr", "adam/adrs", "adam/adtte"):
        assert read_table(demo / f"{name}.parquet").height > 0, name
    adsl = read_table(demo / "adam/adsl.parquet")
    assert (adsl["FASFL"] == "Y").sum() <= 20
    assert set(adsl["FASFL"].unique()) <= {"Y", "N"}


@pytest.mark.parametrize("name", ["ADTR", "ADRS", "ADTTE", "ADAE"])
def test_every_derived_row_names_its_source(demo: Path, name: str) -> None:
    rows = read_table(demo / f"adam/{name.lower()}.parquet")
    made = rows.filter(pl.col("SRCDOM").is_null())
    assert made.is_empty(), made.select("USUBJID", *({"PARAMCD"} & set(rows.columns))).head()


@pytest.mark.slow
def test_a_build_of_the_same_entries_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    cut = json.loads((demo / "onearm-build.json").read_text())["data_cut"]
    entries = demo / "entries.parquet"
    study = shipped_study()
    onearm("build", study, "--entries", entries, "--cut", cut, "--out", tmp_path / "again")
    first, second = contents(demo), contents(tmp_path / "again")
    first.pop("entries.parquet")
    # The assays lie beside the entries and are read from there; a build does not copy them.
    assert {n: c for n, c in first.items() if not n.startswith("assays/")} == second


@pytest.mark.slow
def test_rows_of_the_entries_may_stand_in_any_order(
    demo: Path, without_report: Path, tmp_path: Path
) -> None:
    cut = json.loads((demo / "onearm-build.json").read_text())["data_cut"]
    shuffled = pl.read_parquet(demo / "entries.parquet").sample(fraction=1, shuffle=True, seed=1)
    shuffled.write_csv(tmp_path / "entries.csv")
    out = tmp_path / "again"
    onearm("build", without_report, "--entries", tmp_path, "--cut", cut, "--out", out)
    made = contents(out / "adam")
    assert len(made) > 5
    assert made.items() <= contents(demo / "adam").items()


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    ["parquet", "xpt", "json", "csv"],
)
def test_the_sdtm_of_a_build_gives_the_same_analysis_from_any_file_form(
    demo: Path, without_report: Path, form: str, tmp_path: Path
) -> None:
    cut = json.loads((demo / "onearm-build.json").read_text())["data_cut"]
    build = ("build", without_report, "--cut", cut, "--formats")
    a, b = tmp_path / "a", tmp_path / "b"
    onearm(*build, form, "--entries", demo / "entries.parquet", "--out", a)
    onearm(*build, "parquet", "--sdtm", a / "sdtm", "--out", b)
    for name in ("adsl", "adtr", "adrs", "adtte", "adae", "adex"):
        assert_frame_equal(
            read_table(demo / f"adam/{name}.parquet"),
            read_table(tmp_path / f"b/adam/{name}.parquet"),
        )


@pytest.mark.slow
def test_a_build_that_fails_leaves_the_former_output_whole(
    demo: Path, without_report: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    study = without_report
    onearm("build", study, "--entries", demo / "entries.parquet", "--out", out)
    before = contents(out)
    (tmp_path / "bad.csv").write_text("SITEID,SUBJID\n01,001\n")
    with pytest.raises(OnearmError, match="VISIT"):
        onearm("build", study, "--entries", tmp_path / "bad.csv", "--out", out)
    assert contents(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.csv", "out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "name the data: --entries FILE or --sdtm FOLDER"),
        (("--entries", "a", "--sdtm", "b"), "name one source of data"),
        (("--entries", "nothing.csv"), r"there is no nothing\.csv"),
        (("--sdtm", "nowhere"), "no such folder of SDTM datasets"),
        (("--entries", "a.csv", "--cut", "30.6.2024"), "--cut 30.6.2024: not a date"),
        (("--sdtm", "b", "--use", "RS"), "--use RS: write it as DOMAIN=FILE"),
    ],
)
def test_a_command_that_cannot_work_says_what_it_needs(
    options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OnearmError, match=message):
        onearm("build", shipped_study(), "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_simulate_writes_entries_and_truth_that_build_reads(tmp_path: Path) -> None:
    study = shipped_study()
    onearm("simulate", study, "--subjects", "5", "--out", tmp_path / "sim", "--formats", "csv")
    assert (tmp_path / "sim" / "truth" / "times.csv").is_file()
    onearm("build", study, "--entries", tmp_path / "sim", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "report.pdf").is_file()


def test_the_shipped_study_lints_without_an_error() -> None:
    assert "error:" not in onearm("lint", shipped_study())


NOTICE = "Simulated data: the patients in this report do not exist"


@pytest.mark.slow
def test_a_report_on_made_up_patients_says_so_and_another_does_not(
    demo: Path, tmp_path: Path
) -> None:
    assert NOTICE in (demo / "report.html").read_text(encoding="utf-8")
    (tmp_path / "entries.parquet").write_bytes((demo / "entries.parquet").read_bytes())
    study = shipped_study()
    onearm("build", study, "--entries", tmp_path / "entries.parquet", "--out", tmp_path / "a")
    assert NOTICE not in (tmp_path / "a/report.html").read_text(encoding="utf-8")
    onearm("build", study, "--sdtm", demo / "sdtm", "--out", tmp_path / "b", "--language", "zh")
    assert "模拟数据" in (tmp_path / "b/report.html").read_text(encoding="utf-8")
