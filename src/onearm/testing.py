"""Patient stories, and what criteria of one's own have to keep.

A story is a course as a small table in a text file, with the answer in the last columns.

A story opens with ``# title   (source)``, may have lines ``set name = value`` (parameters of the
criteria, or ``confirmed = no``, ``new_therapy = 80``, ``cutoff = 100``: days), and is one table.
Before ``||`` stands what was seen, after it what must come out; an empty cell is not compared.
The first heading says what kind of table it is.

``day``: one row a visit, the first one baseline; days count from the first dose. Columns ``T1``
(target), ``T2 node``, ``NT1`` (non-target), ``NT2 node``, ``new 1``, ``new 2 node``, ``marker``
(high, normal). A cell is a size in mm, ``TS`` (too small to measure), ``-`` (not assessed), absent,
present, progressed, merged, equivocal or definite; ``30 @126`` was seen on day 126; an empty cell
is no row. Answers: sum, target, non-target, new, overall, day, pd day, rule, flag (a part of it),
and in the last row best, best day, response day.

``case``: one row a case. Columns ``course`` (``PR@56 NE@84 PR@112``) and ``set``, with answers
best, best day, response day, pd day, rule, flag; or ``target``, ``non-target`` and ``new``, with
overall, rule and flag.

``lesion``: one row a lesion at baseline: role, organ, longest, short, slice, nature, method,
treated, grown, removed. Answers: status, finding (a part of a message about the choice).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from onearm.errors import OnearmError
from onearm.response.best import best_response
from onearm.response.criteria import (
    RECIST11,
    Criteria,
    combinations,
    overall_response,
    rows,
)
from onearm.response.lesions import Lesion, check_selection, judge
from onearm.response.sizes import UNITS_PER_MM, units
from onearm.response.timepoint import time_points
from onearm.response.visits import SCHEMA

FIRST_DOSE = date(2021, 3, 1)

_WORDS = {
    "TS": "too_small",
    "-": "not_evaluable",
    "merged": "coalesced",
    "definite": "unequivocal",
}
_LESION = re.compile(r"^(?P<role>T|NT|new) ?(?P<name>\w*)(?P<node> node)?$")
_ROLES = {"T": "target", "NT": "non-target", "new": "new"}

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """One story: title, source, where it stands, settings, rows seen and rows expected."""

    title: str
    source: str
    place: str
    settings: dict[str, str]
    seen: tuple[Row, ...]
    expected: tuple[Row, ...]

    def __str__(self) -> str:
        return self.title


def read_stories(path: Path) -> list[Story]:
    """The stories of a file; a table of cases gives one story a row.

    Raises OnearmError with file and line where a table cannot be read.
    """
    blocks: list[list[tuple[int, str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("# "):
            blocks.append([])
        if blocks:
            blocks[-1].append((number, line.strip()))
    return [story for block in blocks for story in _split(_read_block(path, block))]


def _read_block(path: Path, block: list[tuple[int, str]]) -> Story:
    first, heading = block[0]
    title, _, source = heading[2:].rpartition("   (")
    if not title:
        title, source = source, ""
    settings: dict[str, str] = {}
    for _, line in block[1:]:
        if line.startswith("set "):
            settings |= _settings(line[4:])
    table = [(number, line) for number, line in block if line.startswith("|")]
    seen, expected = _read_table(path, table or [(first, "")])
    return Story(
        title.strip(), source.rstrip(")"), f"{path.name}:{first}", settings, seen, expected
    )


def _settings(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _read_table(
    path: Path, table: list[tuple[int, str]]
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    sides: list[tuple[list[str], list[str]]] = []
    for number, line in table:
        left, bar, right = line.partition("||")
        cells = (_cells(left + "|"), _cells("|" + right))
        if not bar or (sides and [*map(len, cells)] != [*map(len, sides[0])]):
            raise OnearmError(
                f"{path.name}:{number}: a row needs as many cells as the heading, "
                f"with || between what was seen and what must come out"
            )
        sides.append(cells)
    head, *body = sides
    return (
        tuple(dict(zip(head[0], row[0], strict=True)) for row in body),
        tuple(dict(zip(head[1], row[1], strict=True)) for row in body),
    )


def _cells(text: str) -> list[str]:
    return [cell.strip() for cell in text.strip().strip("|").split("|")]


def _split(story: Story) -> Iterator[Story]:
    if not story.seen or "case" not in story.seen[0]:
        yield story
        return
    for seen, expected in zip(story.seen, story.expected, strict=True):
        yield replace(
            story,
            title=f"{seen['case']} ({story.title})",
            settings=story.settings | _settings(seen.get("set", "")),
            seen=(seen,),
            expected=(expected,),
        )


def check_story(story: Story, criteria: Criteria = RECIST11) -> list[str]:
    """What does not come out as the story says, one sentence each; empty where all holds."""
    chosen, course = _apply(story.settings, criteria)
    head = story.seen[0]
    if "day" in head:
        answers = _run_course(story, chosen, course)
    elif "lesion" in head:
        answers = _run_baseline(story, chosen)
    elif "course" in head:
        answers = [_run_sequence(head["course"], chosen, course)]
    else:
        answers = [_run_table(head, chosen)]
    return [
        f"{story.title}, row {number}: {name} is {got.get(name, '')!r}, expected {want!r}"
        for number, (wanted, got) in enumerate(zip(story.expected, answers, strict=True), start=1)
        for name, want in wanted.items()
        if want and not _agrees(name, want, got.get(name, ""))
    ]


def check_criteria(criteria: Criteria) -> list[str]:
    """What a criteria value, ours or a plug-in's, does not keep; empty where it keeps all.

    Its table answers every combination and every row is reached; each row names its source; a new
    lesion is never better than none; every overall response has its place in ``goodness`` and
    a row, confirmed and not, in the table of best responses.
    """
    try:
        answers = combinations(criteria)
    except LookupError as problem:
        return [str(problem)]
    table = rows(criteria.timepoint_table, criteria.folder)
    best = rows(criteria.best_table, criteria.folder)
    dead = {row["rule"] for row in table} - {answer["rule"] for answer in answers}
    wrong = [f"rule {rule} is never reached" for rule in sorted(dead)]
    wrong += [f"rule {row['rule']} names no source" for row in (*table, *best) if not row["source"]]
    overall = {answer["overall"] for answer in answers}
    wrong += [f"{word} has no place in goodness" for word in sorted(overall - {*criteria.goodness})]
    for confirmed in ("yes", "no"):
        known = {row["response"] for row in best if row["confirmed"] == confirmed}
        wrong += [
            f"{word} has no row in {criteria.best_table}.csv with confirmed {confirmed}"
            for word in sorted((overall | {"none"}) - known)
        ]
    return wrong or _check_new_lesions(criteria, answers)


def _check_new_lesions(criteria: Criteria, answers: list[Row]) -> list[str]:
    place = {word: number for number, word in enumerate(criteria.goodness)}
    found = {(x["target"], x["nontarget"], x["new"]): x["overall"] for x in answers}
    return [
        f"a new lesion improves {target} / {nontarget} from {found[target, nontarget, 'no']}"
        for target, nontarget, new in found
        if new == "yes"
        and place[found[target, nontarget, "yes"]] < place[found[target, nontarget, "no"]]
    ]


def _agrees(name: str, want: str, got: str) -> bool:
    if name in ("flag", "finding"):
        return got == "" if want == "none" else want in got
    if name == "sum" and want != "none":
        return got != "" and Decimal(got) == Decimal(want)
    return got == ("" if want == "none" and name not in ("target", "non-target") else want)


def _apply(settings: dict[str, str], criteria: Criteria) -> tuple[Criteria, dict[str, str]]:
    course = {k: v for k, v in settings.items() if k in ("confirmed", "new_therapy", "cutoff")}
    words = {"true": True, "false": False, "on": True, "off": False}
    changes: dict[str, object] = {
        name: words[value] if value in words else int(value) if value.isdigit() else value
        for name, value in settings.items()
        if name not in course
    }
    return criteria.with_parameters(**changes), course


def _on(day: str) -> date:
    return FIRST_DOSE + timedelta(days=int(day))


def _day(day: date | None) -> str:
    return "" if day is None else str((day - FIRST_DOSE).days)


def _run_course(story: Story, criteria: Criteria, course: dict[str, str]) -> list[Row]:
    looks = [
        entry
        for number, seen in enumerate(story.seen)
        for column, cell in seen.items()
        if (entry := _lesion_row(number, seen["day"], column, cell))
    ]
    lesions = pl.DataFrame(looks, schema=SCHEMA)
    markers = pl.DataFrame(
        {
            "subject": ["P"] * len(story.seen),
            "time_point": list(range(len(story.seen))),
            "elevated": [
                {"high": True, "normal": False}.get(x.get("marker", "")) for x in story.seen
            ],
        },
        schema={"subject": pl.String, "time_point": pl.Int32, "elevated": pl.Boolean},
    )
    found = time_points(lesions, criteria=criteria, markers=markers)
    answers = {row["time_point"]: _course_answer(row) for row in found.iter_rows(named=True)}
    responses = found.filter(pl.col("time_point") > 0).rename({"overall": "response"})
    best = _best(responses, criteria, course)
    result = [answers.get(number, {}) for number in range(len(story.seen))]
    result[-1] = best | result[-1]
    return result


def _lesion_row(number: int, day: str, column: str, cell: str) -> dict[str, object] | None:
    match = _LESION.match(column)
    if not match or not cell:
        return None
    what, _, scanned = (part.strip() for part in cell.partition("@"))
    is_size = what.replace(".", "", 1).isdigit()
    return {
        "subject": "P",
        "reader": "R",
        "time_point": number,
        "date": _on(scanned or day),
        "lesion": f"{match['role']}{match['name']}",
        "role": _ROLES[match["role"]],
        "nodal": bool(match["node"]),
        "size": units(what) if is_size else None,
        "state": None if is_size else _WORDS.get(what, what),
    }


def _course_answer(row: dict[str, object]) -> Row:
    size, day, progressed = row["sum"], row["date"], row["pd_date"]
    return {
        "sum": _number(Decimal(size) / UNITS_PER_MM) if isinstance(size, int) else "",
        "target": str(row["target"] or ""),
        "non-target": str(row["nontarget"] or ""),
        "new": str(row["new"] or ""),
        "overall": str(row["overall"] or ""),
        "day": _day(day if isinstance(day, date) else None),
        "pd day": _day(progressed if isinstance(progressed, date) else None),
        "rule": str(row["rule"] or ""),
        "target rule": str(row["target_rule"] or ""),
        "reason": str(row["reason"] or ""),
        "flag": str(row["flags"] or ""),
    }


def _number(size: Decimal) -> str:
    return f"{size.normalize():f}"


def _best(responses: pl.DataFrame, criteria: Criteria, course: dict[str, str]) -> Row:
    subjects = pl.DataFrame(
        {
            "subject": ["P"],
            "start": [FIRST_DOSE],
            "new_therapy": [_on(course["new_therapy"]) if "new_therapy" in course else None],
            "cutoff": [_on(course["cutoff"]) if "cutoff" in course else None],
        },
        schema_overrides={"new_therapy": pl.Date, "cutoff": pl.Date},
    )
    confirmed = course.get("confirmed", "yes") == "yes"
    row = best_response(responses, subjects, criteria=criteria, confirmed=confirmed).row(
        0, named=True
    )
    return {
        "best": row["response"],
        "best day": _day(row["date"]),
        "response day": _day(row["response_date"]),
        "pd day": _day(row["pd_date"]),
        "rule": row["rule"],
        "reason": row["reason"],
        "flag": row["flags"] or "",
    }


def _run_sequence(text: str, criteria: Criteria, course: dict[str, str]) -> Row:
    visits = [part.rpartition("@") for part in text.split()]
    responses = pl.DataFrame(
        {
            "subject": ["P"] * len(visits),
            "reader": ["R"] * len(visits),
            "date": [_on(day) for _, _, day in visits],
            "response": [response for response, _, _ in visits],
        },
        schema={
            "subject": pl.String,
            "reader": pl.String,
            "date": pl.Date,
            "response": pl.String,
        },
    )
    return _best(responses, criteria, course)


def _run_table(seen: Row, criteria: Criteria) -> Row:
    row = overall_response(seen["target"], seen["non-target"], seen["new"], criteria=criteria)
    flag = "equivocal new lesion" if seen["new"] == "equivocal" else ""
    return {"overall": row["overall"], "rule": row["rule"], "flag": flag}


def _run_baseline(story: Story, criteria: Criteria) -> list[Row]:
    lesions = [(_lesion(seen), seen.get("role", "")) for seen in story.seen]
    targets = [lesion for lesion, role in lesions if role == "target"]
    others = [lesion for lesion, role in lesions if role == "non-target"]
    findings = check_selection(targets, others, criteria=criteria)
    text = "; ".join(f"{finding.severity}: {finding.message}" for finding in findings)
    return [
        {"status": judge(lesion, criteria=criteria).status, "finding": text}
        for lesion, _ in lesions
    ]


def _lesion(seen: Row) -> Lesion:
    def size(name: str) -> Decimal | None:
        return Decimal(seen[name]) if seen.get(name) else None

    return Lesion(
        seen["lesion"],
        seen["organ"],
        longest_mm=size("longest"),
        short_axis_mm=size("short"),
        nature=seen.get("nature") or "solid",
        method=seen.get("method") or "CT",
        slice_mm=size("slice"),
        treated=seen.get("treated") == "yes",
        grown_since=seen.get("grown") == "yes",
        removed=seen.get("removed") == "yes",
    )
