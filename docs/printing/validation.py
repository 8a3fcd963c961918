"""The validation pack: requirements with risk, their tests, what ran, what is known to be wrong."""

from __future__ import annotations

import ast
import csv
import html
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "validation"
REQUIREMENTS, DEFECTS = FOLDER / "requirements.csv", FOLDER / "known_defects.csv"
PROCEDURES = ("system.md", "change_control.md", "incidents.md", "qualification.md", "release.md")
"""Pages of ``docs/validation`` that go along."""

STATES = ("done", "partly", "not done")
RISKS = ("high", "medium", "low")
RESULTS = ("passed", "failed", "skipped", "not run")

STYLE = (
    "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:80em;color:#1c2733}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}"
    "th,td{border:1px solid #c6cdd5;padding:.25em .5em;text-align:left;vertical-align:top}"
    "th{background:#eef2f5}code{font-size:.85em;word-break:break-word}"
    ".failed,.not-done{background:#fbe3e1}.partly,.skipped,.not-run{background:#fff5d6}"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement with its risk, how far it is met, and the tests that show it."""

    id: str
    text: str
    source: str
    priority: str
    risk: str
    risk_because: str
    status: str
    missing: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one test did in a run: ``passed``, ``failed``, ``skipped``; parameters taken together.

    The worst of its parametrised cases counts; ``cases`` says how many there were.
    """

    result: str
    cases: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the tests: when it began, and what each test did, by its name without parameters."""

    at: str
    tests: Mapping[str, Evidence]


def requirements() -> list[Requirement]:
    """Every requirement, in the order of the file."""
    return [
        Requirement(**{**row, "tests": tuple(row["tests"].split())})  # type: ignore[arg-type]  # of csv
        for row in _rows(REQUIREMENTS)
    ]


def known_defects() -> list[dict[str, str]]:
    """What is known to be wrong, newest first as the file has it."""
    return _rows(DEFECTS)


def tests_of(file: Path) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def read_runs(files: Iterable[Path]) -> Run:
    """The JUnit files that pytest wrote (``--junitxml``), taken together; the earliest start.

    Raises ``ValueError`` for a file that is none.
    """
    found: dict[str, list[str]] = {}
    began: list[str] = []
    for file in files:
        try:
            root = ET.parse(file).getroot()  # noqa: S314 - written by our own test run
        except ET.ParseError as problem:
            raise ValueError(f"{file} is no JUnit file: {problem}") from problem
        began += [suite.get("timestamp", "") for suite in root.iter("testsuite")]
        for case in root.iter("testcase"):
            found.setdefault(_node(case), []).append(_result(case))
    worst = ("failed", "passed", "skipped")
    tests = {
        name: Evidence(next(one for one in worst if one in results), len(results))
        for name, results in found.items()
    }
    return Run(min(filter(None, began), default=""), tests)


def result_of(test: str, run: Run) -> str:
    """What a test did in the run; ``not run`` where it was not in it."""
    return run.tests[test].result if test in run.tests else "not run"


def write(out: Path, run: Run, *, commit: str = "") -> Path:
    """Write the pack into a folder; returns its first page."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = requirements()
    for file in (REQUIREMENTS, DEFECTS, *(FOLDER / name for name in PROCEDURES)):
        shutil.copyfile(file, out / file.name)
    notes = "\n".join(p.read_text(encoding="utf-8") for p in _notes())
    (out / "release_note.md").write_text(notes, encoding="utf-8")
    _csv(out / "trace.csv", ("id", "test", "result"), _trace(wanted, run))
    evidence = ((n, e.result, e.cases) for n, e in sorted(run.tests.items()))
    _csv(out / "evidence.csv", ("test", "result", "cases"), evidence)
    page = out / "index.html"
    page.write_text(_page(wanted, run, commit), encoding="utf-8")
    return page


def _trace(wanted: Sequence[Requirement], run: Run) -> Iterator[tuple[str, str, str]]:
    for one in wanted:
        for test in one.tests:
            yield one.id, test, result_of(test, run)


def _node(case: ET.Element) -> str:
    """``tests/x/test_y.py::test_z`` of ``tests.x.test_y`` and ``test_z[parameters]``."""
    path = case.get("classname", "").replace(".", "/")
    return f"{path}.py::{case.get('name', '').partition('[')[0]}"


def _result(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _notes() -> list[Path]:
    return sorted((ROOT / "changelog.d").glob("*.md"))


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _csv(file: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(head)
        lines.writerows(rows)


def _page(wanted: Sequence[Requirement], run: Run, commit: str) -> str:
    about = {
        "software": f"onearm {metadata.version('onearm')}",
        "commit": commit or "not given",
        "tests began": run.at or "no run was given",
        "tests": _counted(e.result for e in run.tests.values()),
        "requirements": _counted(one.status for one in wanted),
        "tests named by requirements": _counted(row[2] for row in _trace(wanted, run)),
    }
    traced = [
        _row(
            (one.id, one.priority, one.text, one.source, f"{one.risk}: {one.risk_because}"),
            f"{one.status}{': ' if one.missing else ''}{one.missing}",
            "".join(_test(test, run) for test in one.tests),
            one.status,
        )
        for one in wanted
    ]
    defects = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row.values())}</tr>"
        for row in known_defects()
    )
    titles = "".join(f"<th>{name}</th>" for name in _heads(DEFECTS))
    files = "".join(f'<li><a href="{n}">{n}</a></li>' for n in (*PROCEDURES, "release_note.md"))
    head = "".join(f"<tr><th>{n}</th><td>{html.escape(v)}</td></tr>" for n, v in about.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Validation pack of onearm</title><style>{STYLE}</style></head><body>"
        f"<h1>Validation pack</h1><table>{head}</table>"
        "<p>Section numbers of sources are to be confirmed against the originals before they are "
        "quoted. Text of sources is in our own words.</p>"
        "<h2>Requirements, risk and tests</h2><table><tr><th>id</th><th>priority</th>"
        "<th>requirement</th><th>source</th><th>risk</th><th>state</th><th>tests</th></tr>"
        f"{''.join(traced)}</table>"
        f"<h2>Known defects</h2><table><tr>{titles}</tr>{defects}</table>"
        f"<h2>Procedures and release note</h2><ul>{files}</ul>"
        "<p>Reviewed by (name, date, signature): ______________________________</p>"
        "</body></html>\n"
    )


def _row(cells: Sequence[str], state: str, tests: str, status: str) -> str:
    plain = "".join(f"<td>{html.escape(cell)}</td>" for cell in (*cells, state))
    return f'<tr class="{status.replace(" ", "-")}">{plain}<td>{tests}</td></tr>'


def _test(test: str, run: Run) -> str:
    result = result_of(test, run)
    name = html.escape(test.removeprefix("tests/"))
    return f'<div class="{result.replace(" ", "-")}"><code>{name}</code> {result}</div>'


def _heads(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as text:
        return next(csv.reader(text))


def _counted(names: Iterable[str]) -> str:
    found = list(names)
    order = [*STATES, *RESULTS]
    said = [f"{found.count(name)} {name}" for name in order if name in found]
    return ", ".join(said) or "none"
