"""What the lint lets pass as an analysis of the design's rules, a build does not refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from onearm.errors import Problems
from onearm.results.rules import check_rules
from onearm.study import load
from tests.study.test_design_file import ANALYSES, designed, found

CARRIED = """\
  - {id: orr_stages, kind: two_stage, rule: response, set: FAS}
  - {id: pfs_test, kind: one_sample_log_rank, rule: survival, set: FAS}
  - {id: deaths, kind: boundary, rule: toxicity, set: FAS}
  - {id: pace, kind: enrolment, set: FAS}
"""


def planned(folder: Path, added: str) -> Path:
    """The small study with a design, and analyses that carry out its rules."""
    return designed(folder, ANALYSES, ANALYSES + added, "analyses.yaml")


def refused_by_build(folder: Path) -> list[str]:
    """What a build says of the plan's rules; nothing where it goes on."""
    study = load(folder)
    assert study.analyses is not None
    try:
        check_rules(study.analyses, study.design)
    except Problems as problems:
        return [finding.message for finding in problems.findings]
    return []


def test_rules_that_the_design_has_pass_both(tmp_path: Path) -> None:
    folder = planned(tmp_path, CARRIED)
    assert [f for f in found(folder) if f.severity == "error"] == []
    assert refused_by_build(folder) == []


def test_without_a_design_a_plan_that_reads_none_passes_both(tmp_path: Path) -> None:
    folder = planned(tmp_path, "")
    (folder / "design.yaml").unlink()
    assert [f for f in found(folder) if f.severity == "error"] == []
    assert refused_by_build(folder) == []


def test_without_a_design_every_analysis_that_needs_it_is_named_with_its_line(
    tmp_path: Path,
) -> None:
    folder = planned(tmp_path, CARRIED)
    (folder / "design.yaml").unlink()
    errors = [f for f in found(folder) if f.severity == "error"]
    first = len(ANALYSES.splitlines()) + 1
    assert [(f.place.file, f.place.line) for f in errors] == [
        ("analyses.yaml", first + at) for at in range(4)
    ]
    assert errors[0].message == "orr_stages is of the kind two_stage, and the study has no design"
    assert [f.message for f in errors] == refused_by_build(folder)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{id: x, kind: two_stage, rule: respons, set: FAS}", "carries out the rule 'respons'"),
        ("{id: x, kind: one_stage, rule: response, set: FAS}", "for the kind one_stage"),
        ("{id: x, kind: boundary, rule: deaths, set: FAS}", "carries out the rule 'deaths'"),
        ("{id: x, kind: two_stage, rule: response, set: ALL}", "x has the set ALL, and orr"),
    ],
)
def test_a_rule_that_cannot_be_carried_out_is_named_by_both(
    entry: str, says: str, tmp_path: Path
) -> None:
    folder = designed(
        tmp_path,
        ANALYSES,
        ANALYSES.replace("analyses:\n", "  ALL: {label: All, when: SAFFL = 'Y'}\nanalyses:\n")
        + f"  - {entry}\n",
        "analyses.yaml",
    )
    (error,) = (f for f in found(folder) if f.severity == "error")
    assert says in error.message
    assert [error.message] == refused_by_build(folder)
