"""The command: a trial, any cohort, power; and its exit status where something is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from onearm.cli import app
from onearm.cli.steps import refusals
from onearm.omics.chapter import analyse
from tests.omics import cohort
from tests.shared import needs_shared, shared


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["biomarkers", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        return 1, f"{result.output}{result.exception}"
    return result.exit_code, result.output


def files(folder: Path, made: cohort.Made) -> tuple[Path, Path]:
    """The small cohort as a laboratory would send it: matrix, sheet, manifest, outcomes."""
    assay, known = made.assays["rna"], cohort.outcomes()
    matrix = pl.DataFrame({"gene": assay.features})
    values = {s: assay.values[:, at] for at, s in enumerate(assay.samples)}
    matrix.with_columns(**{s: pl.Series(v) for s, v in values.items()}).write_csv(
        folder / "rna.tsv", separator="\t"
    )
    made.sheet.drop("exclude_reason", "collection_date").write_csv(folder / "samples.csv")
    (folder / "manifest.yaml").write_text(
        "sheet: samples.csv\nassays:\n  rna: {file: rna.tsv, format: matrix, scale: log2}\n",
        encoding="utf-8",
    )
    times = known.times["PFS"]
    known.columns.with_columns(
        orr=pl.Series(known.responses["ORR"]).cast(pl.Int64),
        pfs_days=pl.Series(times.time),
        pfs_event=pl.Series(times.event).cast(pl.Int64),
    ).write_csv(folder / "outcomes.csv")
    return folder / "outcomes.csv", folder / "manifest.yaml"


def of_cohort(folder: Path, made: cohort.Made, *more: object) -> tuple[int, str]:
    outcomes, manifest = files(folder, made)
    words = ("--outcomes", outcomes, "--samples", manifest, "--permutations", 300)
    return run(*words, "--batch", "run", "--out", folder / "out", *more)


def test_a_cohort_of_noise_ends_well_and_says_that_nothing_was_found(tmp_path: Path) -> None:
    status, text = of_cohort(tmp_path, cohort.made())
    assert status == 0, text
    assert "No biomarker of response was identified" in text
    assert (tmp_path / "out" / "report.html").is_file()
    assert (tmp_path / "out" / "markers" / "associations.csv").is_file()


def test_an_aliased_batch_ends_with_a_status_and_both_names(tmp_path: Path) -> None:
    answers = cohort.outcomes().responses["ORR"]
    status, text = of_cohort(tmp_path, cohort.made(run=np.where(answers == 1, "1", "2")))
    assert status == 1
    refused = next(line for line in text.splitlines() if line.startswith("refused"))
    assert "run" in refused
    assert "orr" in refused.lower()
    manifest = json.loads((tmp_path / "out" / "markers" / "manifest.json").read_text("utf-8"))
    assert manifest["refused"][0][0] == "run"


def test_a_build_prints_each_refusal_once() -> None:
    """What `onearm build` prints: it ends well, and says what was not tested."""
    answers = cohort.outcomes().responses["ORR"]
    made = cohort.made(run=np.where(answers == 1, "1", "2"))
    chapter = analyse(cohort.plan(permutations=99), made, cohort.outcomes())
    lines = refusals(chapter)
    assert len(lines) == len(set(lines)) == 1
    assert lines[0].startswith("refused: run / ORR")
    assert refusals(None) == []


def test_processes_give_the_same_files(tmp_path: Path) -> None:
    for name, backend in (("one", "serial"), ("two", "processes")):
        folder = tmp_path / name
        folder.mkdir()
        status, text = of_cohort(
            folder, cohort.made(), "--backend", backend, "--jobs", 2, "--permutations", 1500
        )
        assert status == 0, text
    one = tmp_path / "one" / "out" / "markers"
    for path in sorted(one.iterdir()):
        other = tmp_path / "two" / "out" / "markers" / path.name
        assert path.read_bytes() == other.read_bytes(), path.name


def test_a_plan_of_its_own_names_candidates(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "statement: Three genes\n"
        "modalities: [{name: rna, label: RNA, timepoint: C1D1}]\n"
        "endpoints: [{name: pfs, label: PFS, kind: time, parameter: pfs}]\n"
        "candidates: [{name: GA, label: Gene A, modality: rna, feature: G000}]\n"
        "permutations: 200\n",
        encoding="utf-8",
    )
    status, text = of_cohort(tmp_path, cohort.made(), "--plan", tmp_path / "plan.yaml")
    assert status == 0, text
    table = pl.read_parquet(tmp_path / "out" / "markers" / "associations.parquet")
    assert table.select("tier", "feature", "endpoint").rows() == [("candidates", "GA", "pfs")]


def test_study_and_cohort_are_not_mixed(tmp_path: Path) -> None:
    status, text = run("--outcomes", tmp_path / "x.csv")
    assert status == 1
    assert "name a study folder, or --outcomes FILE and --samples FILE" in text


def test_power_prints_a_line_for_each_family() -> None:
    status, text = run("power", "--families", "5,50", "--trials", 80, "--permutations", 200)
    assert status == 0, text
    lines = [line.split() for line in text.splitlines() if line[:1].isdigit()][1:]
    assert [line[0] for line in lines] == ["5", "50"]
    assert float(lines[0][4]) >= float(lines[1][4])  # HR 2.0 is found more often among five


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("power", "--events", 60), "there are only 50 patients"),
        (("power", "--families", "ten"), "whole numbers separated by commas"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[object, ...], message: str) -> None:
    status, text = run(*words)
    assert status == 1
    assert message in text


@needs_shared
def test_a_public_cohort_gives_its_known_answer(tmp_path: Path) -> None:
    """No gene of liu2019_pd1 survives correction: max-T p > 0.8, smallest BH q 0.996."""
    folder = shared("omics", "liu2019_pd1")
    expression = pl.read_parquet(folder / "expr_log2tpm.parquet")
    gene = next(n for n, kind in expression.schema.items() if kind == pl.String)
    patients = [n for n in expression.columns if n != gene]
    expression.select(pl.col(gene).alias("gene"), *patients).write_csv(
        tmp_path / "rna.tsv", separator="\t"
    )
    pl.DataFrame(
        {"sample_id": patients, "subject_id": patients, "modality": "rna", "timepoint": "C1D1"}
    ).write_csv(tmp_path / "samples.csv")
    (tmp_path / "manifest.yaml").write_text(
        "sheet: samples.csv\nassays:\n  rna: {file: rna.tsv, format: matrix, scale: log2}\n",
        encoding="utf-8",
    )
    answer = pl.col("response").replace_strict({"R": 1, "NR": 0}, default=None)
    pl.read_parquet(folder / "clinical.parquet").select(
        subject_id="patient",
        response=answer,
        pfs_months="survival_time_pfs",
        pfs_event="event_occurred_pfs",
    ).write_csv(tmp_path / "outcomes.csv")
    words = ("--outcomes", tmp_path / "outcomes.csv", "--samples", tmp_path / "manifest.yaml")
    status, text = run(*words, "--permutations", 500, "--out", tmp_path / "out")
    assert status == 0, text
    assert "No biomarker of response was identified; with n = 74 and 49 events" in text
    table = pl.read_parquet(tmp_path / "out" / "markers" / "associations.parquet")
    assert table["p_adjusted"].min() > 0.75  # type: ignore[operator]  # 500 permutations
    assert table["q"].min() > 0.9  # type: ignore[operator]
