"""The lint finds what the files of a study say wrongly about each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from onearm.study import load
from onearm.study.lint import check
from tests.study.small import FILES, lint, shown, spoil, write


def test_the_small_study_is_clean(tmp_path: Path) -> None:
    assert shown(lint(write(tmp_path, {}))) == ""


@dataclass(frozen=True)
class Bad:
    """One disagreement: where, the change that makes it, and what must be said."""

    file: str
    old: str
    new: str
    line: int
    says: tuple[str, ...]
    severity: str = "error"
    said_in: str = ""


CHOICES = """\
    choices:
      - {code: M, label: {en: Male, zh: 男}}
      - {code: F, label: {en: Female, zh: 女}}
"""

BAD = {
    "form not there": Bad(
        "schedule.yaml", "[BASE, VS]", "[BASE, VSS]", 12, ("VSS", "forms/ does not have", "VS?")
    ),
    "form twice in a visit": Bad("schedule.yaml", "[BASE, VS]", "[BASE, VS, VS]", 12, ("twice",)),
    "form in no visit": Bad(
        "schedule.yaml",
        "[DRUG]",
        "[]",
        1,
        ("no visit holds the form DRUG",),
        "warning",
        "forms/drug.yaml",
    ),
    "visit twice": Bad("schedule.yaml", "id: LOG", "id: START", 21, ("START stands 2 times",)),
    "epoch not there": Bad(
        "schedule.yaml", "epoch: SCREENING", "epoch: SCREENIG", 9, ("SCREENIG", "SCREENING?")
    ),
    "window reversed": Bad("schedule.yaml", "[-7, 0]", "[0, -7]", 11, ("ends before it begins",)),
    "planned without day": Bad(
        "schedule.yaml", "    day: -1\n", "", 5, ("planned but has no day",)
    ),
    "day zero": Bad("schedule.yaml", "day: -1", "day: 0", 10, ("there is no day 0",)),
    "repeat without number": Bad(
        "schedule.yaml", "name: CYCLE {n}", "name: CYCLE", 14, ("same name", "{n}"), "warning"
    ),
    "overlapping windows": Bad(
        "schedule.yaml", "window: [-3, 3]", "window: [-13, 13]", 18, ("overlap",), "warning"
    ),
    "day and first day differ": Bad(
        "schedule.yaml",
        "    window: [-3, 3]",
        "    day: 2\n    window: [-3, 3]",
        18,
        ("day 2", "day 1"),
    ),
    "changes out of order": Bad(
        "schedule.yaml",
        "until: never}",
        "until: never, changes: [{after_day: 90, every: 30}, {after_day: 60, every: 40}]}",
        19,
        ("not in the order",),
    ),
    "visit number twice": Bad(
        "schedule.yaml", "number: 99", "number: 12", 24, ("visit number 12",)
    ),
    "interval differs": Bad(
        "schedule.yaml", "interval_days: 21", "interval_days: 42", 28, ("every 21 days", "42")
    ),
    "assessment visit not there": Bad(
        "schedule.yaml", "{visit: CYCLE", "{visit: CYCEL", 28, ("CYCEL", "Did you mean CYCLE?")
    ),
    "milestone form": Bad(
        "schedule.yaml", "BASE.CONSENT", "BASIS.CONSENT", 30, ("BASIS", "forms/ does not have")
    ),
    "milestone item": Bad(
        "schedule.yaml", "BASE.CONSENT", "BASE.CONSENTS", 30, ("CONSENTS", "Did you mean CONSENT?")
    ),
    "milestone no date": Bad("schedule.yaml", "BASE.CONSENT", "BASE.SEX", 30, ("not a date",)),
    "arm gives unknown drug": Bad(
        "study.yaml", "[ALPHA]", "[ALFA]", 6, ("ALFA", "Did you mean ALPHA?")
    ),
    "drug in no arm": Bad("study.yaml", "[ALPHA]", "[]", 8, ("no arm gives",), "warning"),
    "step up": Bad("study.yaml", "[{amount: 10}]", "[{amount: 30}]", 12, ("not below",)),
    "dose without condition": Bad(
        "study.yaml", "{amount: 10, when: WEIGHT < 60}", "{amount: 10}", 13, ("no condition",)
    ),
    "dose reads unknown item": Bad(
        "study.yaml", "when: WEIGHT >= 60", "when: WEIGTH >= 60", 12, ("WEIGTH", "WEIGHT?")
    ),
    "dose compares text": Bad(
        "study.yaml", "when: WEIGHT >= 60", "when: SEX + WEIGHT", 12, ("cannot be judged",)
    ),
    "dose is no expression": Bad(
        "study.yaml", "when: WEIGHT >= 60", "when: WEIGHT >=", 12, ("not an SQL expression",)
    ),
    "level twice": Bad("study.yaml", "{code: B,", "{code: A,", 18, ("A stands 2 times in levels",)),
    "cohort not captured": Bad(
        "study.yaml", "variable: COHORT", "variable: COHORTS", 15, ("no form has an item COHORTS",)
    ),
    "record not there": Bad(
        "study.yaml",
        "sites:",
        "registry: {name: R, number: N, record: registry/x.txt}\nsites:",
        23,
        ("registry/x.txt is not in the folder",),
    ),
    "item twice": Bad("forms/base.yaml", "name: PREG", "name: SEX", 22, ("item SEX 2 times",)),
    "date not there": Bad("forms/base.yaml", "date: CONSENT", "date: CONSNT", 3, ("CONSENT?",)),
    "date is no date": Bad("forms/base.yaml", "date: CONSENT", "date: SEX", 3, ("not a date",)),
    "key not there": Bad("forms/drug.yaml", "key: PERIOD", "key: PERIODE", 4, ("PERIOD?",)),
    "key without rows": Bad("forms/drug.yaml", "rows: period\n", "", 3, ("no repeating row",)),
    "code without answers": Bad("forms/base.yaml", CHOICES, "", 17, ("has no answers",)),
    "choices and codes": Bad(
        "forms/base.yaml", CHOICES, f"    codes: drugs\n{CHOICES}", 18, ("both choices and codes",)
    ),
    "choices on a text": Bad(
        "forms/base.yaml",
        f"    type: code\n{CHOICES}",
        f"    type: text\n{CHOICES}",
        17,
        ("has choices but is of type text",),
    ),
    "answer twice": Bad("forms/base.yaml", "{code: F,", "{code: M,", 20, ("answer M 2 times",)),
    "codelist not there": Bad(
        "forms/drug.yaml", "codes: drugs", "codes: drugz", 14, ("drugz", "Did you mean drugs?")
    ),
    "column of a codelist": Bad(
        "forms/drug.yaml", "EX.EXROUTE: route", "EX.EXROUTE: rout", 16, ("rout", "route?")
    ),
    "low above high": Bad("forms/vs.yaml", "low: 30", "low: 300", 8, ("300 > 150",)),
    "limit on a text": Bad("forms/vs.yaml", "type: decimal", "type: text", 8, ("is of type text",)),
    "decimals of an integer": Bad(
        "forms/vs.yaml", "type: decimal", "type: integer", 10, ("whole number with 1 decimals",)
    ),
    "skip logic misspelt": Bad(
        "forms/base.yaml", "SEX = 'F'", "SEXX = 'F'", 25, ("reads SEXX", "Did you mean SEX?")
    ),
    "skip logic never true": Bad(
        "forms/base.yaml", "SEX = 'F'", "SEX = 'F' AND SEX = 'M'", 25, ("never holds", "PREG")
    ),
    "skip logic on itself": Bad(
        "forms/base.yaml", "SEX = 'F'", "PREG = 'Y'", 25, ("depends on PREG itself",)
    ),
    "answer that is none": Bad(
        "forms/base.yaml", "SEX = 'F'", "SEX IN ('F', 'female')", 25, ("never is 'female'",)
    ),
    "visit that is none": Bad(
        "forms/vs.yaml", "'CYCLE'", "'CYCEL'", 14, ("VISIT never is 'CYCEL'", "CYCLE?")
    ),
    "visit without the form": Bad(
        "forms/vs.yaml", "VISIT = 'CYCLE'", "VISIT = 'LOG'", 14, ("never holds", "VS-001")
    ),
    "no condition": Bad(
        "forms/vs.yaml",
        "require: WEIGHT > 0.5 * previous.WEIGHT",
        "require: WEIGHT",
        15,
        ("not true or false",),
    ),
    "date against number": Bad(
        "forms/vs.yaml",
        "BASE.CONSENT IS NOT NULL",
        "BASE.CONSENT > WEIGHT",
        18,
        ("cannot be judged",),
    ),
    "no SQL": Bad(
        "forms/vs.yaml",
        "BASE.CONSENT IS NOT NULL",
        "BASE.CONSENT is there",
        18,
        ("not an SQL expression",),
    ),
    "rule reads the clock": Bad(
        "forms/vs.yaml", "BASE.CONSENT IS NOT NULL", "BASE.CONSENT <= current_date", 18, ("clock",)
    ),
    "item of another form": Bad(
        "forms/vs.yaml", "BASE.CONSENT", "BASE.CONSNET", 18, ("BASE.CONSNET", "BASE.CONSENT?")
    ),
    "another form not there": Bad(
        "forms/vs.yaml", "BASE.CONSENT", "BASIS.CONSENT", 18, ("the form BASIS", "BASE?")
    ),
    "another form with rows": Bad(
        "forms/vs.yaml", "BASE.CONSENT", "DRUG.PERIOD", 18, ("DRUG can have several rows",)
    ),
    "previous on a form filled once": Bad(
        "forms/base.yaml", "SEX = 'F'", "previous.SEX = 'F'", 25, ("BASE is filled once",)
    ),
    "check id twice": Bad("forms/vs.yaml", "VS-002", "VS-001", 17, ("VS-001 is used in",)),
    "domain not there": Bad(
        "forms/vs.yaml", "VS.VSORRES", "VX.VSORRES", 11, ("VX", "not a domain")
    ),
    "variable not there": Bad(
        "forms/vs.yaml", "VS.VSORRES", "VS.VSORES", 11, ("VS.VSORES", "Did you mean VSORRES?")
    ),
    "variable of where": Bad(
        "forms/vs.yaml", "where VSTESTCD", "where VSTSTCD", 11, ("VS.VSTSTCD", "VSTESTCD?")
    ),
    "two items in one place": Bad(
        "forms/base.yaml", "SUPPDM.COHORT", "DM.SEX", 21, ("SEX and COHORT both fill DM.SEX",)
    ),
    "rule for another domain": Bad(
        "forms/drug.yaml", "  EX: {sets", "  VS: {sets", 6, ("no item goes to",)
    ),
    "constant not there": Bad(
        "forms/drug.yaml", "EXDOSU: mg", "EXDSU: mg", 6, ("EX.EXDSU", "EXDOSU?")
    ),
    "once by no item": Bad(
        "forms/drug.yaml", "{sets: {EXDOSU: mg}}", "{once: PERIODS}", 6, ("PERIODS", "PERIOD?")
    ),
    "Chinese missing": Bad(
        "forms/vs.yaml", "{en: Weight, zh: 体重}", "Weight", 5, ("1 texts have no Chinese",), "note"
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_disagreement_is_named_with_its_line(bad: Bad, tmp_path: Path) -> None:
    findings = lint(spoil(tmp_path, bad.file, bad.old, bad.new))
    file = bad.said_in or bad.file
    there = [f for f in findings if (f.place.file, f.place.line) == (file, bad.line)]
    assert there, f"expected {file}:{bad.line}, found:\n{shown(findings)}"
    fitting = [f for f in there if all(words in str(f) for words in bad.says)]
    assert fitting, shown(there)
    assert fitting[0].severity == bad.severity


def test_rules_are_checked_against_the_catalogue(tmp_path: Path) -> None:
    text = (
        "columns: {variable: SEX}\n"
        "sets:\n"
        "  SAF: {label: Safety, when: SAFFFL = 'Y'}\n"
        "analyses: []\n"
    )
    findings = [f for f in lint(write(tmp_path, {"analyses.yaml": text})) if f.severity == "error"]
    assert [(f.place.file, f.place.line, f.value) for f in findings] == [
        ("analyses.yaml", 3, "SAFFFL")
    ]
    assert findings[0].hint == "Did you mean SAFFL?"


def test_without_a_catalogue_columns_are_not_judged(tmp_path: Path) -> None:
    folder = spoil(tmp_path, "forms/vs.yaml", "VS.VSORRES", "VX.VSORRES")
    assert check(load(folder), {}) == []


def test_an_outcome_without_an_analysis_is_a_warning(tmp_path: Path) -> None:
    text = "sets:\n  SAF: {label: Safety, when: SAFFL = 'Y'}\nanalyses: []\n"
    (finding,) = [
        f for f in lint(write(tmp_path, {"analyses.yaml": text})) if f.severity == "warning"
    ]
    assert (finding.place.file, finding.place.line) == ("study.yaml", 20)
    assert "no analysis answers the outcome ORR" in finding.message


def test_findings_are_sorted_and_said_once(tmp_path: Path) -> None:
    spoilt = FILES["forms/vs.yaml"].replace("BASE.CONSENT", "NO.WHERE AND NO.WHERE")
    findings = lint(write(tmp_path, {"forms/vs.yaml": spoilt}))
    assert len({(f.place, f.message) for f in findings}) == len(findings)
    assert findings == sorted(
        findings, key=lambda f: (f.place.file, f.place.line, f.rule, f.message)
    )
