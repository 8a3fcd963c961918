"""A spreadsheet of lesions, read cell by cell: text into values, every problem with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches

import polars as pl

from onearm.errors import Finding, Place, Severity
from onearm.response.lesions import organ_group
from onearm.response.sizes import fixed_point, size_problems

NEEDED = ("subject", "date", "lesion", "role")
"""Columns that a sheet must have, and besides diameter_mm or state."""

COLUMNS: dict[str, str] = {
    "subject": "who",
    "visit": "name of the time point; without it each date is one",
    "date": "day of the scan, as 2021-03-02",
    "lesion": "name of the lesion, the same at every visit (T01; fragments T01a, T01b)",
    "role": "target, non-target or new",
    "organ": "where it is",
    "node": "y for a lymph node, n else",
    "diameter_mm": "longest diameter, of a node the short axis, in mm with a decimal point",
    "state": "absent, present, too_small, progressed, coalesced, not_evaluable, equivocal, "
    "unequivocal; empty where a diameter says it",
    "method": "CT, MRI, ...",
    "slice_mm": "slice thickness in mm",
    "reader": "who read the scan",
    "first_dose": "day of the first dose; without it the day of the baseline scan is day 0",
    "new_therapy": "first day of another anticancer therapy",
    "note": "anything; carried along",
}

LINE = "_line"
"""The column with the line in the file."""

_ROLES = {
    "target": "target", "t": "target",
    "non-target": "non-target", "nontarget": "non-target", "non target": "non-target",
    "nt": "non-target",
    "new": "new", "new lesion": "new",
}  # fmt: skip
_STATES = {
    "measured": "measured",
    "absent": "absent", "gone": "absent", "disappeared": "absent", "resolved": "absent",
    "present": "present",
    "too_small": "too_small", "too small": "too_small", "too small to measure": "too_small",
    "ts": "too_small",
    "progressed": "progressed", "unequivocal progression": "progressed",
    "coalesced": "coalesced", "merged": "coalesced",
    "not_evaluable": "not_evaluable", "not evaluable": "not_evaluable", "ne": "not_evaluable",
    "not assessed": "not_evaluable", "not done": "not_evaluable", "nd": "not_evaluable",
    "equivocal": "equivocal",
    "unequivocal": "unequivocal", "definite": "unequivocal",
}  # fmt: skip
_YES = {"y": True, "yes": True, "true": True, "1": True}
_NO = {"n": False, "no": False, "false": False, "0": False}
_BY_ROLE = {
    "target": ("measured", "absent", "too_small", "coalesced", "not_evaluable"),
    "non-target": ("measured", "absent", "present", "too_small", "progressed", "not_evaluable"),
    "new": (
        "measured", "absent", "present", "too_small", "not_evaluable", "equivocal", "unequivocal",
    ),
}  # fmt: skip
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_YEARS = range(1950, 2200)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the sheet as values; ``size`` in units, ``line`` in the file.

    ``is_flawed``: a cell of the row could not be read; the row still says which lesion it is about.
    """

    line: int
    subject: str
    reader: str
    visit: str
    day: date
    lesion: str
    role: str
    organ: str
    nodal: bool
    size: int | None
    state: str
    method: str
    slice_mm: str
    first_dose: date | None
    new_therapy: date | None
    note: str
    is_flawed: bool = False


@dataclass(slots=True)
class Log:
    """Findings collected while a sheet is read; ``source`` is the name of the file.

    ``incomplete``: subjects with a row that says too little to be placed; what follows from a
    missing row is not held against them.
    """

    source: str = ""
    findings: list[Finding] = field(default_factory=list)
    incomplete: set[str] = field(default_factory=set)

    def add(
        self,
        row: dict[str, str] | Entry | None,
        column: str,
        value: object,
        message: str,
        hint: str,
        *,
        rule: str = "",
        severity: Severity = "error",
        line: int = 0,
    ) -> None:
        """Note a problem at a row (or at the file, where row is None)."""
        if isinstance(row, Entry):
            subject, visit, lesion, line = row.subject, row.visit, row.lesion, row.line
        else:
            subject, visit, lesion = (
                (row or {}).get(name, "") for name in ("subject", "visit", "lesion")
            )
        place = Place(subject, visit, lesion, column, self.source, line)
        self.findings.append(Finding(place, value, rule, message, hint, severity))


def read_sheet(table: pl.DataFrame, log: Log) -> list[Entry]:
    """The rows of a sheet as entries; every problem is reported, unplaceable rows are left out.

    ``table``: text columns named as in ``COLUMNS`` (capitals and spaces do not matter), and if
    there ``_line`` (the line in the file; else counted from 2). Findings go to ``log``.
    """
    names = {name: _tidy(name) for name in table.columns}
    doubled = sorted({x for x in names.values() if list(names.values()).count(x) > 1})
    if doubled:
        hint = "Remove or rename one of them."
        log.add(None, doubled[0], None, "the column is there more than once", hint, line=1)
        return []
    named = table.rename(names)
    if not _has_columns(named, log):
        return []
    sizes, problems = _sizes(named)
    slices = size_problems(named["slice_mm"]) if "slice_mm" in named.columns else {}
    entries = []
    for number, raw in enumerate(named.iter_rows(named=True)):
        row = {name: str(cell or "").strip() for name, cell in raw.items()}
        line = int(row.get(LINE) or number + 2)
        before = len(log.findings)
        if number in problems:
            message, hint = problems[number]
            log.add(row, "diameter_mm", row["diameter_mm"], message, hint, line=line)
        if number in slices:
            message = slices[number][0].replace("diameter", "slice thickness")
            log.add(row, "slice_mm", row["slice_mm"], message, "Write it in mm.", line=line)
        entry = _entry(row, sizes[number], line, log)
        if not (entry.subject and entry.lesion and entry.role and entry.day > date.min):
            log.incomplete.add(entry.subject)
            continue
        is_flawed = any(finding.severity == "error" for finding in log.findings[before:])
        entries.append(replace(entry, is_flawed=is_flawed))
    return entries


def _tidy(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _has_columns(table: pl.DataFrame, log: Log) -> bool:
    missing = [name for name in NEEDED if name not in table.columns]
    if not {"diameter_mm", "state"} & set(table.columns):
        missing.append("diameter_mm")
    for name in missing:
        near = get_close_matches(name, table.columns, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It holds: {COLUMNS[name]}."
        log.add(None, name, None, f"the column {name} is missing", hint, line=1)
    for name in table.columns:
        if name not in COLUMNS and name != LINE:
            near = get_close_matches(name, COLUMNS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(COLUMNS)}."
            message = f"the column {name} is not known and not read"
            log.add(None, name, None, message, hint, severity="warning", line=1)
    return not missing


def _sizes(table: pl.DataFrame) -> tuple[list[int | None], dict[int, tuple[str, str]]]:
    if "diameter_mm" not in table.columns:
        return [None] * table.height, {}
    cells = table["diameter_mm"].cast(pl.String)
    return fixed_point(cells).to_list(), size_problems(cells)


def _entry(row: dict[str, str], size: int | None, line: int, log: Log) -> Entry:
    def word(column: str, words: dict[str, str]) -> str:
        text = row.get(column, "").lower()
        if text in words or not text:
            return words.get(text, "")
        near = get_close_matches(text, words, n=1)
        known = ", ".join(dict.fromkeys(words.values()))
        hint = f"Did you mean {near[0]!r}?" if near else f"Write one of: {known}."
        log.add(row, column, row[column], f"the {column} is not known", hint, line=line)
        return ""

    for column in ("subject", "lesion", "role"):
        if not row[column]:
            log.add(row, column, None, f"the {column} is empty", "Fill it in.", line=line)
    role = word("role", _ROLES)
    state = _state(row, role, word("state", _STATES), size, line, log)
    day = _date(row, "date", line, log, needed=True)
    return Entry(
        line=line,
        subject=row["subject"],
        reader=row.get("reader", "") or "reader",
        visit=row.get("visit", "") or (day or date.min).isoformat(),
        day=day or date.min,
        lesion=row["lesion"],
        role=role,
        organ=row.get("organ", ""),
        nodal=_node(row, line, log),
        size=size,
        state=state,
        method=row.get("method", ""),
        slice_mm=row.get("slice_mm", ""),
        first_dose=_date(row, "first_dose", line, log),
        new_therapy=_date(row, "new_therapy", line, log),
        note=row.get("note", ""),
    )


def _state(
    row: dict[str, str], role: str, state: str, size: int | None, line: int, log: Log
) -> str:
    """The state, filled in from the diameter; contradictions between the two are reported."""
    if state and role and state not in _BY_ROLE[role]:
        hint = f"For a {role} lesion write one of: {', '.join(_BY_ROLE[role])}."
        message = f"the state does not fit a {role} lesion"
        log.add(row, "state", row["state"], message, hint, line=line)
    if state in ("absent", "not_evaluable") and size:
        message = f"the lesion is {state.replace('_', ' ')} and has a diameter"
        hint = "Keep one of the two."
        log.add(row, "diameter_mm", row["diameter_mm"], message, hint, line=line)
    if state == "measured" and size is None and not row.get("diameter_mm"):
        message = "the lesion is measured and has no diameter"
        log.add(
            row, "diameter_mm", None, message, "Enter the diameter or another state.", line=line
        )
    if not state and size is None and not row.get("diameter_mm") and not row.get("state"):
        message = "there is neither a diameter nor a state; counted as not evaluable"
        hint = "Enter one of them."
        log.add(row, "state", None, message, hint, severity="warning", line=line)
    return state or ("measured" if size is not None else "not_evaluable")


def _node(row: dict[str, str], line: int, log: Log) -> bool:
    text = row.get("node", "").lower()
    if text in _YES or text in _NO:
        return text in _YES
    if text:
        message = "the node column says neither yes nor no"
        log.add(row, "node", row["node"], message, "Write y or n.", line=line)
    return organ_group(row.get("organ", "")) == "lymph nodes"


def _date(
    row: dict[str, str], column: str, line: int, log: Log, *, needed: bool = False
) -> date | None:
    text = row.get(column, "")
    if not text:
        if needed:
            hint = "Enter the day of the scan, as 2021-03-02."
            log.add(row, column, None, f"the {column} is empty", hint, line=line)
        return None
    try:
        day = date.fromisoformat(text) if _ISO.match(text) else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        reason = "is not a day of the calendar" if _ISO.match(text) else "is not a full date"
        hint = "Write year-month-day, as 2021-03-02."
        log.add(row, column, text, f"the {column} {reason}", hint, line=line)
        return None
    return day


def grouped(
    entries: Iterable[Entry], key: Callable[[Entry], tuple[str, ...]]
) -> dict[tuple[str, ...], list[Entry]]:
    """Entries by a key, in the order in which they stand in the file."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return groups
