"""Cases of edit checks: judged by the engine of the data, and every shipped check has some."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from onearm.study import load
from onearm.study.cases import checks_of, tried
from onearm.study.forms import Form
from onearm.study.lint import check
from onearm.study.model import Study
from tests.study.small import lint, problems, shown, spoil

SHIPPED = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"

WEIGHT = """\
    require: WEIGHT > 0.5 * previous.WEIGHT
"""


def with_cases(folder: Path, *cases: str) -> Path:
    """The small study with cases for its check VS-001, the first of them on line 18."""
    lines = "".join(f"      - {case}\n" for case in cases)
    return spoil(folder, "forms/vs.yaml", WEIGHT, f"{WEIGHT}    cases:\n{lines}")


def errors(folder: Path) -> list[str]:
    return [str(finding) for finding in lint(folder) if finding.severity == "error"]


RIGHT = (
    "fires: {VISIT: CYCLE, WEIGHT: 30, previous.WEIGHT: 60}",
    "passes: {VISIT: CYCLE, WEIGHT: 30.1, previous.WEIGHT: 60}",
    "passes: {VISIT: START, WEIGHT: 30, previous.WEIGHT: 60}",
    "unknown: {VISIT: CYCLE, WEIGHT: 30}",
)


def test_cases_that_come_out_as_they_say_are_not_mentioned(tmp_path: Path) -> None:
    assert errors(with_cases(tmp_path, *RIGHT)) == []


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("fires: {VISIT: CYCLE, WEIGHT: 31, previous.WEIGHT: 60}", "VS-001 passes where its case"),
        ("passes: {VISIT: CYCLE, WEIGHT: 29, previous.WEIGHT: 60}", "VS-001 fires where its case"),
        ("fires: {VISIT: CYCLE, WEIGHT: 29}", "VS-001 cannot be judged where its case says fires"),
        ("unknown: {VISIT: START}", "VS-001 passes where its case says unknown"),
        ("fires: {VISIT: CYCLE, WIEGHT: 29}", "does not read WIEGHT; did you mean WEIGHT?"),
        ("fires: {VISIT: CYCLE, WEIGHT: heavy, previous.WEIGHT: 60}", "'heavy' cannot be read as"),
    ],
)
def test_a_case_that_does_not_hold_is_an_error_on_its_line(
    case: str, says: str, tmp_path: Path
) -> None:
    (found,) = errors(with_cases(tmp_path, case))
    assert "forms/vs.yaml:17" in found
    assert says in found


def test_a_case_with_two_outcomes_or_none_is_refused_when_the_study_is_loaded(
    tmp_path: Path,
) -> None:
    both = "{fires: {WEIGHT: 1}, passes: {WEIGHT: 2}}"
    found = shown(problems(with_cases(tmp_path, both)))
    assert "a case names one of fires, passes and unknown" in found
    assert "forms/vs.yaml:17" in found


def test_a_form_that_tries_some_checks_is_told_which_it_forgot(tmp_path: Path) -> None:
    notes = [f for f in lint(with_cases(tmp_path, *RIGHT)) if f.severity == "note"]
    (told,) = [n for n in notes if "lack a case" in n.message]
    assert (told.message, told.value) == (
        "1 checks lack a case that fires and one that passes",
        "VS-002",
    )


@pytest.fixture(scope="module")
def shipped() -> Study:
    return load(SHIPPED)


def test_every_check_of_the_shipped_study_has_a_case_on_each_side(shipped: Study) -> None:
    lacking = [
        check.id
        for form in shipped.forms.values()
        for check in checks_of(form)
        if not {"fires", "passes"} <= {case.outcome for case in check.cases}
    ]
    assert lacking == []
    assert sum(1 for form in shipped.forms.values() for _ in checks_of(form)) == 150


def test_every_case_of_the_shipped_study_comes_out_as_it_says(shipped: Study) -> None:
    wrong = [
        f"{check.id}: {one.case.outcome} {one.case.given}, found {one.outcome}"
        for form in shipped.forms.values()
        for check in checks_of(form)
        for case in check.cases
        if not (one := tried(shipped, form, check, case)).is_right
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("file", "old", "new", "check_id"),
    [
        ("lb.yaml", "PLAT >= 60", "PLAT > 60", "LB-005"),
        ("lb.yaml", "BILI < 33.3", "BILI <= 33.3", "LB-010"),
        ("ex.yaml", "EXDOSE IN (0, 4, 8, 12)", "EXDOSE IN (0, 4, 8, 10, 12)", "EX-008"),
        ("disease.yaml", "HBVDNA < 2000", "HBVDNA <= 2000", "DIS-009"),
        ("dm.yaml", "AGE >= 18", "AGE > 18", "DM-003"),
        ("ecog.yaml", "ECOG IN ('0', '1')", "ECOG IN ('0', '1', '2')", "ECO-001"),
    ],
)
def test_a_limit_moved_by_a_hair_is_noticed_by_its_case(
    file: str, old: str, new: str, check_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(SHIPPED, folder)
    path = folder / "forms" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    found = [str(f) for f in check(load(folder), {}) if f.severity == "error"]
    assert found
    assert all(re.search(rf"forms/{file}:\d+: {check_id} ", line) for line in found)


INFUSED = {
    "form": "INF",
    "label": "Infusion",
    "items": [
        {"name": "BEGAN", "label": "Began", "type": "datetime"},
        {"name": "ENDED", "label": "Ended", "type": "datetime"},
    ],
    "checks": [
        {
            "id": "INF-001",
            "require": "ENDED > BEGAN",
            "says": "an infusion ends after it began",
            "cases": [
                {"fires": {"BEGAN": "2026-05-05T14:30", "ENDED": "2026-05-05T14:30"}},
                {"passes": {"BEGAN": "2026-05-05T14:30", "ENDED": "2026-05-05T14:30:01"}},
                {"unknown": {"BEGAN": "2026-05-05T14:30"}},
            ],
        }
    ],
}


def test_cases_may_hold_a_day_with_its_time(shipped: Study) -> None:
    form = Form.model_validate(INFUSED)
    study = replace(shipped, forms={"INF": form})
    (rule,) = form.checks
    assert [tried(study, form, rule, case).outcome for case in rule.cases] == [
        "fires", "passes", "unknown"
    ]  # fmt: skip
