"""From a spreadsheet of lesions to visits, best responses and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from onearm.errors import Finding, OnearmError
from onearm.response.best import best_response
from onearm.response.criteria import RECIST11, Criteria
from onearm.response.lesions import Lesion, check_baseline_date, check_selection
from onearm.response.sheet import Entry, Log, grouped, read_sheet
from onearm.response.sizes import UNITS_PER_MM, in_mm
from onearm.response.timepoint import time_points
from onearm.response.visits import SCHEMA

BASELINE_NAMES = ("baseline", "screening")
SAME_VISIT_DAYS = 28

VISITS = (
    "subject", "reader", "visit", "date", "sum_mm", "base_mm", "nadir_mm", "pct_change",
    "pct_change_nadir", "target", "nontarget", "new", "overall", "pd_date", "rule", "reason",
    "flags",
)  # fmt: skip
"""The columns of the visits that ``respond`` returns."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``visits``: one row a subject, reader and visit; ``best``: one a subject and reader.

    ``findings``: everything found, errors and warnings, in the order of the file; a subject with
    an error has no rows in ``visits`` and ``best``.
    """

    visits: pl.DataFrame
    best: pl.DataFrame
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Whether some subject could not be answered."""
        return any(finding.severity == "error" for finding in self.findings)


def respond(
    lesions: pl.DataFrame,
    *,
    criteria: Criteria = RECIST11,
    confirmed: bool = True,
    source: str = "",
) -> Answer:
    """Responses of a spreadsheet of lesions, and all that is wrong with it in one pass.

    ``lesions``: text columns as in ``sheet.COLUMNS``; ``source`` is the file's name, for messages.
    Baseline is the visit called baseline or screening, else the earliest. A subject with an error
    in any row is left out of the answers; the others are answered.
    """
    log = Log(source)
    entries = read_sheet(lesions, log)
    for (subject,), rows in grouped(entries, lambda x: (x.subject,)).items():
        _check_subject_dates(rows, log)
        for reading in grouped(rows, lambda x: (x.reader,)).values():
            _check_reading(subject, reading, criteria, log)
    bad = {x.place.subject for x in log.findings if x.severity == "error"}
    good = [entry for entry in entries if entry.subject not in bad]
    findings = tuple(sorted(log.findings, key=lambda x: x.place.line))
    visits, best = _answers(good, criteria, confirmed=confirmed)
    return Answer(visits, best, findings)


def _visit_order(rows: Iterable[Entry]) -> dict[str, date]:
    """The visits of one reading with their first day, baseline first, then by day."""
    first: dict[str, date] = {}
    for row in rows:
        first[row.visit] = min(first.get(row.visit, row.day), row.day)
    return dict(
        sorted(first.items(), key=lambda x: (x[0].lower() not in BASELINE_NAMES, x[1], x[0]))
    )


def _check_subject_dates(rows: list[Entry], log: Log) -> None:
    for column in ("first_dose", "new_therapy"):
        days = {getattr(x, column): x for x in rows if getattr(x, column) is not None}
        if len(days) > 1:
            first, *others = days.values()
            for row in others:
                message = f"{column} differs from line {first.line} ({getattr(first, column)})"
                hint = "A subject has one; correct the wrong one."
                log.add(row, column, getattr(row, column), message, hint)
    if not any(row.first_dose for row in rows):
        message = "there is no first_dose; day 0 is the day of the baseline scan"
        hint = "Add the column first_dose: the minimum time for stable disease counts from it."
        log.add(rows[0], "first_dose", None, message, hint, severity="note")


def _check_reading(subject: str, rows: list[Entry], criteria: Criteria, log: Log) -> None:
    """All checks of one subject by one reader that need more than one row."""
    _check_doubles(rows, log)
    _check_same(rows, log)
    if subject in log.incomplete:
        return
    visits = _visit_order(rows)
    baseline = next(iter(visits))
    start = visits[baseline]
    at_baseline = [row for row in rows if row.visit == baseline]
    _check_visits(rows, baseline, start, log)
    _check_additions(rows, baseline, log)
    _check_gaps(rows, at_baseline, visits, log)
    _check_targets(subject, at_baseline, criteria, log)
    first_dose = next((row.first_dose for row in rows if row.first_dose), None)
    if first_dose:
        old = min(row.day for row in at_baseline)
        for finding in check_baseline_date(old, first_dose, criteria=criteria):
            log.add(
                at_baseline[0], "date", finding.value, finding.message, finding.hint,
                rule=finding.rule, severity=finding.severity,
            )  # fmt: skip


def _check_visits(rows: list[Entry], baseline: str, start: date, log: Log) -> None:
    for row in rows:
        if row.visit != baseline and row.day < start:
            message = f"the date is before the baseline scan ({baseline}, {start})"
            hint = "Correct one of the two dates."
            log.add(row, "date", row.day.isoformat(), message, hint)
    for (visit,), same in grouped(rows, lambda x: (x.visit,)).items():
        days = [row.day for row in same]
        spread = (max(days) - min(days)).days
        if spread > SAME_VISIT_DAYS:
            message = f"the scans of {visit} are {spread} days apart"
            hint = "Correct a date, or give the later scans a visit of their own."
            last = max(same, key=lambda x: x.day)
            log.add(last, "date", last.day.isoformat(), message, hint, severity="warning")


def _check_doubles(rows: list[Entry], log: Log) -> None:
    for same in grouped(rows, lambda x: (x.visit, x.lesion)).values():
        for row in same[1:]:
            message = f"this lesion and visit are in line {same[0].line} already"
            hint = "Keep one row, or name the visits differently."
            log.add(row, "lesion", row.lesion, message, hint)


def _check_same(rows: list[Entry], log: Log) -> None:
    """A lesion keeps its role, its organ and whether it is a node."""
    for same in grouped(rows, lambda x: (x.lesion,)).values():
        for column in ("role", "organ", "nodal"):
            # An organ may be written once only; what is empty contradicts nothing.
            told = [x for x in same if column != "organ" or x.organ]
            for row in told[1:]:
                here, there = getattr(row, column), getattr(told[0], column)
                if str(here).lower() != str(there).lower():
                    name = "node" if column == "nodal" else column
                    shown = {True: "y", False: "n"}.get(there, there)
                    value = {True: "y", False: "n"}.get(here, here)
                    message = f"the {name} was {shown!r} in line {told[0].line}"
                    hint = "Correct it, or give another lesion another name."
                    log.add(row, name, value, message, hint)


def _check_additions(rows: list[Entry], baseline: str, log: Log) -> None:
    """Targets and non-targets are chosen at baseline; new lesions come later."""
    known = {row.lesion for row in rows if row.visit == baseline}
    for row in rows:
        if row.visit == baseline:
            if row.role == "new":
                hint = "At baseline a lesion is target or non-target."
                log.add(row, "role", row.role, "a new lesion is entered at baseline", hint)
            continue
        is_fragment = row.lesion[-1:].isalpha() and row.lesion[:-1] in known
        if row.role == "new" or row.lesion in known or is_fragment:
            continue
        message = f"a {row.role} lesion is added after baseline"
        hint = "Enter it as new, or at baseline; a fragment of T01 is called T01a."
        is_target = row.role == "target"
        log.add(
            row, "role", row.role, message, hint, rule="RECIST 1.1, 3.2.2",
            severity="error" if is_target else "warning",
        )  # fmt: skip


def _check_gaps(
    rows: list[Entry], at_baseline: list[Entry], visits: dict[str, date], log: Log
) -> None:
    """A baseline lesion without a row at a later visit counts as not assessed there."""
    seen = {(row.visit, row.lesion) for row in rows}
    stems = {(row.visit, row.lesion[:-1]) for row in rows if row.lesion[-1:].isalpha()}
    for visit in list(visits)[1:]:
        here = next(row for row in rows if row.visit == visit)
        missing = [
            row.lesion
            for row in at_baseline
            if (visit, row.lesion) not in seen | stems and row.role != "new"
        ]
        if missing:
            names = ", ".join(missing)
            message = f"no row for {names} at this visit; counted as not assessed"
            hint = "Add the rows, or leave it if they were not imaged."
            log.add(here, "lesion", None, message, hint, severity="warning")


def _check_targets(subject: str, rows: list[Entry], criteria: Criteria, log: Log) -> None:
    """Whether the choice of targets is allowed; each finding at the line it is about."""
    by_role: dict[str, list[Lesion]] = {"target": [], "non-target": [], "new": []}
    for row in rows:
        if row.is_flawed:
            continue
        if row.role != "target" or row.state == "measured":
            by_role[row.role].append(_lesion(row))
        else:
            message = "a target lesion has no diameter at baseline"
            hint = "Measure it, or follow it as a non-target lesion."
            log.add(row, "diameter_mm", row.state, message, hint, rule="RECIST 1.1, 3.1.1")
    lines = {row.lesion: row for row in rows}
    try:
        findings = check_selection(by_role["target"], criteria=criteria, subject=subject)
        findings += [
            x
            for x in check_selection([], by_role["non-target"], criteria=criteria, subject=subject)
            if "node" in x.message
        ]
    except OnearmError as problem:
        log.add(rows[0], "method", rows[0].method, str(problem), "Correct the word.")
        return
    for finding in findings:
        names = str(finding.value).split(", ")
        about = next((lines[x] for x in lines if finding.message.startswith(f"{x} ")), None)
        row = about or lines.get(names[-1], rows[0])
        log.add(
            row, "diameter_mm" if about else "lesion", finding.value, finding.message,
            finding.hint, rule=finding.rule, severity=finding.severity,
        )  # fmt: skip


def _lesion(row: Entry) -> Lesion:
    size = None if row.size is None else Decimal(row.size) / UNITS_PER_MM
    return Lesion(
        row.lesion,
        row.organ or "unknown organ of " + row.lesion,
        longest_mm=None if row.nodal else size,
        short_axis_mm=size if row.nodal else None,
        nature="node" if row.nodal else "solid",
        method=row.method or "CT",
        slice_mm=Decimal(row.slice_mm) if row.slice_mm else None,
    )


def _answers(
    entries: list[Entry], criteria: Criteria, *, confirmed: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    names: dict[tuple[str, str, int], str] = {}
    rows: list[dict[str, object]] = []
    for (subject, reader), reading in grouped(entries, lambda x: (x.subject, x.reader)).items():
        order = {visit: number for number, visit in enumerate(_visit_order(reading))}
        names |= {(subject, reader, number): visit for visit, number in order.items()}
        rows += [_row(entry, order[entry.visit]) for entry in reading]
    found = time_points(pl.DataFrame(rows, schema=SCHEMA), criteria=criteria)
    visits = found.with_columns(
        visit=pl.Series(
            [names[key] for key in found.select("subject", "reader", "time_point").iter_rows()],
            dtype=pl.String,
        ),
        sum_mm=in_mm("sum"),
        base_mm=in_mm("base"),
        nadir_mm=in_mm("nadir"),
    )
    responses = visits.filter(pl.col("time_point") > 0).rename({"overall": "response"})
    readings = visits.select("subject", "reader").unique()
    best = best_response(
        responses, _subjects(entries, found), criteria=criteria, confirmed=confirmed
    ).join(readings, on=["subject", "reader"], how="inner", maintain_order="left")
    return visits.select(VISITS), best


def _row(entry: Entry, time_point: int) -> dict[str, object]:
    return {
        "subject": entry.subject,
        "reader": entry.reader,
        "time_point": time_point,
        "date": entry.day,
        "lesion": entry.lesion,
        "role": entry.role,
        "nodal": entry.nodal,
        "size": entry.size,
        "state": entry.state,
    }


def _subjects(entries: list[Entry], visits: pl.DataFrame) -> pl.DataFrame:
    """One row a subject; without a first dose the baseline scan is day 0."""
    baseline: dict[str, date] = {}
    for subject, day in visits.filter(pl.col("time_point") == 0).select("subject", "date").rows():
        baseline[subject] = min(baseline.get(subject, day), day)
    rows = [
        {
            "subject": subject,
            "start": next((x.first_dose for x in same if x.first_dose), baseline.get(subject)),
            "new_therapy": next((x.new_therapy for x in same if x.new_therapy), None),
            "cutoff": None,
        }
        for (subject,), same in grouped(entries, lambda x: (x.subject,)).items()
    ]
    kinds = {"subject": pl.String, "start": pl.Date, "new_therapy": pl.Date, "cutoff": pl.Date}
    return pl.DataFrame(rows, schema=kinds)
