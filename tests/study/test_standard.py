"""A study takes the library's rules and changes entries of them by name."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from onearm.cli.lint import catalogue
from onearm.study import Study, load
from onearm.study.library import shipped
from onearm.study.lint import check
from onearm.study.schema import schemas
from tests.study.small import problems, shown

STUDY = """\
id: X
title: T
treatments:
  - {name: ALPHA, label: {en: Alpha, zh: 甲药}, every_days: 1, doses: [{amount: 5}]}
  - {name: BETA, label: Beta, every_days: 14, doses: [{amount: 300}]}
"""
COHORTS = "cohort: {variable: TYPE, levels: [{code: A, label: A}, {code: B, label: B}]}\n"
RULES = ("subjects", "endpoints", "analyses", "outputs")


def folder(path: Path, study: str = STUDY, **files: str) -> Path:
    """A study that takes all of the library's rules, with other text for some files."""
    (path / "study.yaml").write_text(study, encoding="utf-8")
    for name in RULES:
        text = files.get(name, "use: standard\n")
        (path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def errors(study: Study) -> str:
    return "\n".join(str(f) for f in check(study, catalogue(study)) if f.severity == "error")


@pytest.mark.parametrize("study", ["id: X\ntitle: T\n", STUDY, STUDY + COHORTS])
def test_the_rules_of_the_library_fit_any_study(study: str, tmp_path: Path) -> None:
    assert errors(load(folder(tmp_path, study))) == ""


def test_what_is_said_of_a_drug_is_said_once_for_each(tmp_path: Path) -> None:
    study = load(folder(tmp_path))
    assert study.subjects is not None
    assert study.endpoints is not None
    assert study.analyses is not None
    labels = {v.name: v.label for v in study.subjects.variables}
    first, second = labels["TR01SDT"], labels["TR02SDT"]
    assert first is not None
    assert second is not None
    assert (first.en, first.zh) == ("First Dose of Alpha", "甲药首次给药日期")
    assert (second.en, second.zh) == ("First Dose of Beta", "Beta首次给药日期")
    rows = [line.level for line in study.analyses.analysis("disposition_treatment").lines]
    assert ("Alpha stopped" in rows, "Beta stopped" in rows) == (True, True)
    daily, cyclic = study.endpoints.exposure
    assert (daily.treatment, daily.kind) == ("ALPHA", "daily")
    assert (cyclic.kind, cyclic.planned_dose, cyclic.cycle_days) == ("infusion", 300, 14)
    status = next(v.expr for v in study.subjects.variables if v.name == "EOTSTT")
    assert "(TR01SDT IS NOT NULL AND EOT01FL = 'N') OR (TR02SDT IS NOT NULL" in status


def test_a_study_with_cohorts_has_them_in_columns_and_subgroups(tmp_path: Path) -> None:
    study = load(folder(tmp_path, STUDY + COHORTS))
    assert study.analyses is not None
    assert study.outputs is not None
    assert (study.analyses.columns.variable, study.outputs.cohort) == ("TYPE", "TYPE")
    assert study.analyses.analysis("orr_subgroups").by[0] == "TYPE"


def test_a_study_without_cohorts_has_no_such_subgroup(tmp_path: Path) -> None:
    study = load(folder(tmp_path))
    assert study.analyses is not None
    assert study.analyses.columns.variable == "TRT01P"
    assert study.analyses.analysis("orr_subgroups").by == ("AGEGR1", "SEX", "ECOGBL")


def test_entries_are_changed_added_and_left_out(tmp_path: Path) -> None:
    text = """\
use: standard
without: [ae_immune_onset]
analyses:
  - {id: orr_confirmed, method: wilson}
  - {id: sex, lines: [{level: Women, when: SEX = 'F'}]}
  - {id: older, after: age_group, kind: count, set: FAS, lines: [{level: Old, when: AGE > 74}]}
"""
    plan = load(folder(tmp_path, analyses=text)).analyses
    assert plan is not None
    ids = [a.id for a in plan.analyses]
    assert ids[ids.index("age_group") + 1] == "older"
    assert "ae_immune_onset" not in ids
    changed = plan.analysis("orr_confirmed")
    assert (changed.method, changed.parameter, changed.set) == ("wilson", "CRSP", "FAS")
    assert (plan.analysis("sex").variable, len(plan.analysis("sex").lines)) == ("", 1)


def test_what_is_left_out_is_not_shown_in_the_report_either(tmp_path: Path) -> None:
    text = "use: standard\nwithout: [T 14.3.1.7]\n"
    study = load(folder(tmp_path, outputs=text))
    assert study.outputs is not None
    assert all("T 14.3.1.7" not in s.outputs for s in study.outputs.report.sections)
    assert errors(study) == ""


def test_the_entered_response_decides_in_every_file(tmp_path: Path) -> None:
    text = "use: standard\nresponses:\n  - {category: RECIST 1.1, use: entered}\n"
    study = load(folder(tmp_path, endpoints=text))
    assert study.endpoints is not None
    assert study.subjects is not None
    assert study.endpoints.responses[0].answers  # the library's answers stay
    facts = {fact.param: fact.when for fact in study.endpoints.facts}
    assert "PARAMCD = 'OVRS'" in facts["ADEQUATE"]
    assert "PARAMCD = 'OVRS'" in next(v.when for v in study.subjects.variables if v.name == "NADEQ")


def test_another_way_to_a_variable_replaces_the_library_s(tmp_path: Path) -> None:
    text = "use: standard\nvariables:\n  - {name: LSTALVDT, type: date, from: DS, take: DSSTDTC}\n"
    study = load(folder(tmp_path, subjects=text))
    assert study.subjects is not None
    rule = next(v for v in study.subjects.variables if v.name == "LSTALVDT")
    assert (rule.from_, rule.latest_of, rule.not_after) == ("DS", (), "")


def test_missed_assessments_end_nothing_without_a_schedule(tmp_path: Path) -> None:
    study = load(folder(tmp_path))
    assert study.endpoints is not None
    assert {e.endpoint for e in study.endpoints.endpoints if e.gap} == set()
    schedule = shipped("standard")["subjects"].parent.parent / "schedule.yaml"  # type: ignore[attr-defined]  # a path
    (tmp_path / "schedule.yaml").write_text(schedule.read_text("utf-8"), encoding="utf-8")
    with_schedule = load(tmp_path).endpoints
    assert with_schedule is not None
    assert "PFS" in {e.endpoint for e in with_schedule.endpoints if e.gap}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("use: standart\n", 1, "the library has no rules standart"),
        ("use: standard\nwithout: [orr_confirmd]\n", 2, "did you mean orr_confirmed"),
        ("use: standard\nwithout: sex\n", 2, "expected a list"),
        ("use: standard\nanalyses:\n  - {id: sex, level: 2}\n", 3, "less than 1"),
        (
            "use: standard\nanalyses:\n  - {id: new, kind: count, set: FAS}\n",
            3,
            "either 'variable'",
        ),
        (
            "use: standard\nanalyses:\n  - {id: sex, order: written}\n  - {id: sex, kind: count}\n",
            4,
            "set: is missing",
        ),
        (
            "use: standard\nanalyses:\n  - {id: n, after: agge, kind: count, set: FAS}\n",
            3,
            "there is no entry agge",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, says: str, tmp_path: Path) -> None:
    findings = problems(folder(tmp_path, analyses=text))
    there = [f for f in findings if (f.place.file, f.place.line) == ("analyses.yaml", line)]
    assert any(says.lower() in str(f).lower() for f in there), shown(findings)


def test_the_library_s_rules_are_part_of_the_version(tmp_path: Path) -> None:
    taken = load(folder(tmp_path)).version
    (tmp_path / "outputs.yaml").unlink()
    assert load(tmp_path).version != taken


def test_the_library_names_no_drug_and_no_disease() -> None:
    own = re.compile(r"(?i)lenvatinib|pembrolizumab|hepat|cholangio|biliary|HCC|仑伐|帕博|肝细胞")
    for name, file in shipped("standard").items():
        found = [w for w in own.findall(file.read_text("utf-8")) if name != "simulation"]
        assert found == [], name


def test_files_that_take_rules_fit_the_schemas() -> None:
    for name in shipped("standard"):
        fits = jsonschema.Draft202012Validator(schemas()[name])
        assert fits.is_valid({"use": "standard"}), name
        assert not fits.is_valid({"use": "nothing"}), name
        assert not fits.is_valid({}) or name in ("subjects", "endpoints"), name


def test_rules_that_the_folder_keeps_go_before_the_package_s(tmp_path: Path) -> None:
    study = load(folder(tmp_path))
    assert {name for name in study.library if "/standard/" in name} >= {
        "library/standard/analyses.yaml"
    }
    for name, text in study.library.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    again = load(tmp_path)
    assert (again.version, again.analyses) == (study.version, study.analyses)
    kept = tmp_path / "library/standard/analyses.yaml"
    rule = "id: orr_confirmed\n"
    assert rule in kept.read_text(encoding="utf-8")
    kept.write_text(kept.read_text(encoding="utf-8").replace(rule, "id: orr_kept\n"))
    other = load(tmp_path)
    assert other.analyses is not None
    assert "orr_kept" in {analysis.id for analysis in other.analyses.analyses}
    assert other.version != study.version
