"""A shell that names a set or an operation that is not there is found before any patient exists."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from onearm.cli.lint import catalogue, operations
from onearm.study import load
from onearm.study.lint import check
from tests.study.small import problems, shown

SHIPPED = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"


@dataclass(frozen=True)
class Bad:
    """One word misspelt on the first line with ``near``, and what must be said of it."""

    near: str
    old: str
    new: str
    says: str


MISSPELT = {
    "format of a block": Bad(
        "{analysis: screening,", "{percent:", "{prcent:",
        "reads 'prcent', which an analysis of the kind count does not give",
    ),
    "format of a line": Bad(
        "{label: {en: Mean (SD), zh: 均值（标准差）}", "{sd:", "{std:",
        "reads 'std', which an analysis of the kind summary does not give",
    ),
    "format with a grade": Bad(
        "{n_grade_ge3}", "{n_grade_ge3}", "{n_grad_ge3}", "reads 'n_grad_ge3'"
    ),
    "sentence": Bad(
        '"{orr_confirmed.estimate.Total', "orr_confirmed.estimate", "orr_confirmed.estmate",
        "reads 'estmate', which an analysis of the kind proportion does not give",
    ),
    "count of a set": Bad("  SCR: {label", "operation: N", "operation: M", "reads 'M'"),
    "set of a table": Bad("    set: SCR", "SCR", "SCRN", "names the set SCRN, which sets: of"),
    "set of a listing": Bad(
        "- number: L 16.2.1", "set: ", "set: X", "which sets: of"
    ),
}  # fmt: skip


def spoilt(folder: Path, bad: Bad) -> int:
    """The shipped study with one word misspelt; returns the line of the word."""
    shutil.copytree(SHIPPED, folder)
    lines = (folder / "outputs.yaml").read_text("utf-8").split("\n")
    start = next(at for at, line in enumerate(lines) if bad.near in line)
    at = next(at for at in range(start, len(lines)) if bad.old in lines[at])
    lines[at] = lines[at].replace(bad.old, bad.new, 1)
    (folder / "outputs.yaml").write_text("\n".join(lines), "utf-8")
    return at + 1


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_word_is_said_with_its_line(name: str, tmp_path: Path) -> None:
    line = spoilt(tmp_path / "study", MISSPELT[name])
    study = load(tmp_path / "study")
    findings = check(study, catalogue(study), operations())
    assert [(f.place.file, f.place.line, f.severity) for f in findings] == [
        ("outputs.yaml", line, "error")
    ], shown(findings)
    assert MISSPELT[name].says in str(findings[0])


def test_the_right_word_is_suggested(tmp_path: Path) -> None:
    spoilt(tmp_path / "study", MISSPELT["format of a block"])
    study = load(tmp_path / "study")
    (finding,) = check(study, catalogue(study), operations())
    assert "Did you mean percent?" in str(finding)


def test_an_unknown_set_of_an_analysis_does_not_load(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "study")
    path = tmp_path / "study" / "analyses.yaml"
    path.write_text(path.read_text("utf-8").replace("set: PPROT,", "set: PPROTT,", 1), "utf-8")
    (finding,) = problems(tmp_path / "study")
    assert "unknown set 'PPROTT'; did you mean PPROT?" in str(finding)
