"""The sample sheet: which sample is whose, and every rule it must keep, in one pass."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from onearm.errors import Finding, Problems
from onearm.expr import suggest
from onearm.omics.assay import SHEET
from onearm.omics.checks import BASELINE, finding, is_baseline, shortened
from onearm.store.assays.matrices import read_any
from onearm.store.assays.reading import Log, Unreadable
from onearm.store.assays.text import Table

NEEDED = ("sample_id", "subject_id", "modality", "timepoint")
SHOWN = 1000
"""So many rows are named for one rule: every one has to be looked at."""
DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
FLAGS = {"yes": True, "y": True, "true": True, "1": True, "pass": True,
         "no": False, "n": False, "false": False, "0": False, "fail": False}  # fmt: skip


def read_sheet(path: Path) -> pl.DataFrame:
    """The sample sheet: the columns of `SHEET`, then the batch columns (text), rows as they stand.

    Columns of `SHEET` that the file lacks are null; names of columns count without capitals.
    Raises ``Problems`` with every problem of every row, each with its line.
    """
    frame, _, findings = load_sheet(path)
    if any(f.severity == "error" for f in findings):
        raise Problems(findings, f"{path.name}: the sample sheet cannot be used as it is:")
    return frame


def load_sheet(
    path: Path, *, baseline: Collection[str] = BASELINE
) -> tuple[pl.DataFrame, list[int], list[Finding]]:
    """The sheet as far as it can be read, the line of each row, and all findings."""
    log = Log("", path.name)
    try:
        table = _lowered(read_any(path, log, comment=""), log)
    except Unreadable as problem:
        return pl.DataFrame(schema=dict(SHEET)), [], [problem.finding]
    for name in NEEDED:
        if name not in table.header:
            log.say("sheet.column", "the sample sheet lacks a column", value=name, line=1)
    if log.findings:
        return pl.DataFrame(schema=dict(SHEET)), [], log.findings
    for name in table.header:
        close = suggest(name, list(SHEET)) if name not in SHEET else ""
        if close:
            said = f"the column {name} counts as a batch column; {close}"
            log.say("sheet.spelling", said, value=name, line=1)
    frame = _typed(table, log)
    lines = list(table.lines)
    _check_rows(frame, lines, log)
    findings = [
        *log.findings,
        *check_days(frame, file=path.name, lines=lines, baseline=baseline)[1],
    ]
    return frame, lines, shortened(findings, shown=SHOWN)


def _lowered(table: Table, log: Log) -> Table:
    names = {
        c: c.strip().lower() if c.strip().lower() in SHEET else c.strip() for c in table.header
    }
    doubled = [c for c in names.values() if list(names.values()).count(c) > 1]
    if doubled:
        raise log.stop("sheet.column", f"the column {doubled[0]} is there twice", line=1)
    cells = table.cells.rename(names).with_columns(pl.all().cast(pl.String))
    return Table(tuple(names.values()), cells, table.lines)


def _typed(table: Table, log: Log) -> pl.DataFrame:
    """The columns of `SHEET` in their types, unreadable values null and said."""
    columns = []
    for name, dtype in SHEET.items():
        if name not in table.header:
            columns.append(pl.Series(name, [None] * table.cells.height, dtype=dtype))
            continue
        texts = table.column(name).to_list()
        values = [
            None if text is None else _value(name, text, line, log)
            for text, line in zip(texts, table.lines, strict=True)
        ]
        columns.append(pl.Series(name, values, dtype=dtype))
    batches = [table.column(c).cast(pl.String) for c in table.header if c not in SHEET]
    return pl.DataFrame([*columns, *batches])


def _value(name: str, text: str, line: int, log: Log) -> object:
    if name == "collection_date":
        return _day(text, line, log)
    if name == "study_day":
        if re.fullmatch(r"[+-]?\d{1,6}", text) and int(text) != 0:
            return int(text)
        said = "there is no study day 0" if text == "0" else "the study day is no whole number"
        log.say("sheet.day", said, value=text, line=line, feature=name)
        return None
    if name == "tumour_content":
        if re.fullmatch(r"0*(0?\.\d+|[01](\.0*)?)", text):
            return float(text)
        said = "a tumour content is a share between 0 and 1"
        log.say("sheet.number", said, value=text, line=line, feature=name)
        return None
    if name == "qc_pass":
        if text.lower() in FLAGS:
            return FLAGS[text.lower()]
        log.say("sheet.flag", "neither yes nor no", value=text, line=line, feature=name)
        return None
    return text


def _day(text: str, line: int, log: Log) -> date | None:
    try:
        if DAY.match(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # 2021-02-30 has the form of a day and is none
    said = "not a day of the calendar in the form YYYY-MM-DD"
    log.say("sheet.date", said, value=text, line=line, feature="collection_date")
    return None


def _check_rows(frame: pl.DataFrame, lines: Sequence[int], log: Log) -> None:
    """Empty keys, samples that stand there twice or have two subjects, spellings."""
    seen: dict[tuple[object, object], int] = {}
    owner: dict[object, tuple[object, int]] = {}
    for row, line in zip(frame.select(NEEDED).iter_rows(), lines, strict=True):
        for name, value in zip(NEEDED, row, strict=True):
            if value is None:
                log.say("sheet.empty", f"{name} is empty", line=line, feature=name)
        sample, subject, modality = row[:3]
        if sample is None:
            continue
        if (sample, modality) in seen:
            said = f"the sample stands there for {modality} already (line {seen[sample, modality]})"
            log.say("sheet.unique", said, value=sample, line=line, sample=sample)
        seen.setdefault((sample, modality), line)
        first, at = owner.setdefault(sample, (subject, line))
        if first != subject:
            said = f"the sample belongs to {first} on line {at} and to {subject} here"
            log.say("sheet.subject", said, value=sample, line=line, sample=sample)
    for name in NEEDED:
        spelled: dict[str, str] = {}
        for value, line in zip(frame.get_column(name).to_list(), lines, strict=True):
            first = spelled.setdefault(value.casefold(), value) if value else value
            if first != value:
                said = f"{value!r} and {first!r} differ only in capitals"
                log.say("sheet.case", said, value=value, line=line, feature=name)


def check_days(
    sheet: pl.DataFrame,
    first_dose: Mapping[str, date] | None = None,
    *,
    file: str = "",
    lines: Sequence[int] = (),
    baseline: Collection[str] = BASELINE,
) -> tuple[pl.DataFrame, list[Finding]]:
    """The sheet with ``study_day`` from collection and first dose, and what contradicts it.

    first_dose: date of first dose by subject, from the trial; None where the sheet's own study days
    are all there is. Findings: a sample labelled baseline (one of ``baseline``) taken after the day
    of first dose; a study day that is not that of the collection date; subjects without a first
    dose; subjects with two usable baseline samples of one modality (a note: the plan's rule
    chooses). ``lines`` are the lines of the rows, by default from 2.
    """
    numbered = list(lines) or list(range(2, sheet.height + 2))
    findings: list[Finding] = []
    days: list[int | None] = []
    unknown: dict[str, int] = {}
    for row, line in zip(sheet.iter_rows(named=True), numbered, strict=True):
        subject, sample = row["subject_id"] or "", row["sample_id"] or ""
        start = (first_dose or {}).get(subject)
        if first_dose is not None and start is None and subject:
            unknown.setdefault(subject, line)
        computed = _study_day(row["collection_date"], start)
        given = row["study_day"]
        if computed is not None and given is not None and computed != given:
            said = f"the study day is {given}, by the dates it is {computed}"
            findings.append(
                finding("sheet.days", said, value=given, sample=sample, file=file, line=line)
            )
        day = given if computed is None else computed
        days.append(day)
        if day is not None and day > 1 and is_baseline(row["timepoint"], baseline):
            said = f"the sample of study day {day} is labelled {row['timepoint']}"
            findings.append(
                finding("sheet.baseline", said, value=day, sample=sample, file=file, line=line)
            )
    for subject, line in unknown.items():
        said = "the day of first dose is not known"
        findings.append(
            finding("sheet.dose", said, value=subject, sample=subject, file=file, line=line)
        )
    with_days = sheet.with_columns(study_day=pl.Series("study_day", days, dtype=pl.Int64))
    return with_days, findings + _two_baselines(with_days, numbered, file, baseline)


def _study_day(collected: date | None, start: date | None) -> int | None:
    """First dose is day 1 and the day before is day -1."""
    if collected is None or start is None:
        return None
    days = (collected - start) // timedelta(days=1)
    return days + 1 if days >= 0 else days


def _two_baselines(
    sheet: pl.DataFrame, lines: Sequence[int], file: str, baseline: Collection[str]
) -> list[Finding]:
    rows = sheet.with_columns(_line=pl.Series(list(lines), dtype=pl.Int64)).filter(
        pl.Series(
            [is_baseline(t, baseline) for t in sheet.get_column("timepoint")], dtype=pl.Boolean
        )
        & pl.col("qc_pass").fill_null(value=True)
        & pl.col("exclude_reason").is_null()
    )
    several = rows.group_by("subject_id", "modality").agg("sample_id", "_line")
    several = several.filter(pl.col("sample_id").list.len() > 1).sort("subject_id", "modality")
    return [
        finding(
            "sheet.two",
            f"{len(samples)} baseline samples for {modality}",
            value=", ".join(map(str, samples)),
            sample=subject or "",
            file=file,
            line=at[0],
        )
        for subject, modality, samples, at in several.iter_rows()
    ]
