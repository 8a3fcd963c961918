"""The validation pack tells the truth: each requirement once, each test there, runs counted."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import pytest

from onearm.capture.qualification import operation
from tests.docs.printing import DOCS, ROOT, module

validation = module("printing.validation")
IDS = [
    *(f"F{n}" for n in range(1, 43)),
    *(str(n) for n in range(1, 46)),
    *(f"U{n}" for n in range(1, 15)),
]
"""Features, compliance checks, and what users of other systems complain of."""

JUNIT = """<?xml version="1.0" encoding="utf-8"?><testsuites>
<testsuite name="pytest" timestamp="2026-05-04T10:00:00+00:00">
<testcase classname="tests.capture.test_save" name="test_a_change_breaks_the_signature"/>
<testcase classname="tests.x.test_y" name="test_z[a &lt; b]"/>
<testcase classname="tests.x.test_y" name="test_z[b]"><failure message="no"/></testcase>
<testcase classname="tests.x.test_y" name="test_s[1]"><skipped message="no browser"/></testcase>
<testcase classname="tests.x.test_y" name="test_e"><error message="no"/></testcase>
</testsuite></testsuites>
"""


def test_every_requirement_stands_once_with_its_tests() -> None:
    found = validation.requirements()
    assert [one.id for one in found] == IDS
    for one in found:
        assert one.status in validation.STATES, one.id
        assert one.risk in validation.RISKS, one.id
        assert one.priority in ("M", "S", "C"), one.id
        assert one.text, one.id
        assert one.source, one.id
        assert one.risk_because, one.id
        assert bool(one.missing) == (one.status != "done"), one.id
        assert bool(one.tests) == (one.status != "not done"), one.id
        assert len(set(one.tests)) == len(one.tests), one.id


def test_every_test_that_is_named_is_there() -> None:
    known: dict[str, set[str]] = {}
    lost = []
    for one in validation.requirements():
        for test in one.tests:
            file, _, name = test.partition("::")
            if not (ROOT / file).is_file():
                lost.append(test)
                continue
            if name not in known.setdefault(file, validation.tests_of(ROOT / file)):
                lost.append(test)
    assert lost == []


def test_high_risk_that_is_done_has_more_than_one_test() -> None:
    thin = [
        one.id
        for one in validation.requirements()
        if (one.risk, one.status) == ("high", "done") and len(one.tests) < 2
    ]
    assert thin == []


def test_steps_of_the_qualification_name_requirements() -> None:
    assert {n for step in operation.STEPS for n in step.checks.split()} <= set(IDS)


def test_known_defects_say_effect_and_way_around() -> None:
    rows = validation.known_defects()
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(value for row in rows for value in row.values())


def test_a_run_is_read_with_the_worst_of_its_cases(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(JUNIT, encoding="utf-8")
    run = validation.read_runs([file])
    assert run.at == "2026-05-04T10:00:00+00:00"
    results = {name: (one.result, one.cases) for name, one in run.tests.items()}
    assert results == {
        "tests/capture/test_save.py::test_a_change_breaks_the_signature": ("passed", 1),
        "tests/x/test_y.py::test_z": ("failed", 2),
        "tests/x/test_y.py::test_s": ("skipped", 1),
        "tests/x/test_y.py::test_e": ("failed", 1),
    }
    file.write_text("no xml", encoding="utf-8")
    with pytest.raises(ValueError, match="is no JUnit file"):
        validation.read_runs([file])


def test_the_pack_holds_each_part_and_counts_what_ran(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence, out = tmp_path / "junit.xml", tmp_path / "pack"
    evidence.write_text(JUNIT, encoding="utf-8")
    words = [str(out), "--evidence", str(evidence)]
    assert module("validation_pack").main(words) == 1  # all other tests did not run
    assert "not run" in capsys.readouterr().out
    names = {path.name for path in out.iterdir()}
    assert {"index.html", "requirements.csv", "trace.csv", "evidence.csv"} < names
    assert {"known_defects.csv", "release_note.md", *validation.PROCEDURES} < names
    page = (out / "index.html").read_text(encoding="utf-8")
    for one in validation.requirements():
        assert html.escape(one.text) in page, one.id
    assert "2026-05-04T10:00:00" in page
    assert "1 passed, 2 failed, 1 skipped" in page
    trace = list(csv.DictReader((out / "trace.csv").read_text(encoding="utf-8").splitlines()))
    assert len(trace) == sum(len(one.tests) for one in validation.requirements())
    assert {row["result"] for row in trace} == {"passed", "not run"}
    passed = [row["id"] for row in trace if row["result"] == "passed"]
    assert "F29" in passed


def test_the_procedures_are_there() -> None:
    for name, says in {
        "system.md": ("Where the data lie", "Interfaces", "To be completed by the site"),
        "change_control.md": ("Another person approves", "Acceptance of a study version"),
        "incidents.md": ("blank case report form", "Journal", "When they are back"),
        "qualification.md": ("onearm capture qualify", "each quarter"),
        "release.md": ("pip-audit", "no test of the repository can stand in for it"),
    }.items():
        text = (DOCS / "validation" / name).read_text(encoding="utf-8")
        assert all(part in text for part in says), name


def test_what_is_not_planned_is_said_in_the_guides() -> None:
    text = (DOCS / "validation" / "README.md").read_text(encoding="utf-8")
    assert re.search(r"Not planned: entry without a network", text)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_its_version_and_its_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(lines) > 20
    for line in lines:
        assert re.match(r"[\w.\-\[\],]+==[\w.+!]+\s", line), line[:80]
        assert "--hash=sha256:" in line, line[:80]
