"""A plain table of outcomes, for a cohort without a trial's analysis datasets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from onearm.dates import MONTH_DAYS
from onearm.errors import Finding, Problems
from onearm.omics.assay import Outcomes, Times
from onearm.omics.checks import shortened
from onearm.stats.arguments import Booleans, Floats
from onearm.store.assays.matrices import read_any
from onearm.store.assays.reading import Log, Unreadable
from onearm.store.assays.text import MISSING, Table

Unit = Literal["days", "months"]
BadTimes = Literal["refuse", "leave out"]

RESPONSES = ("orr", "dcr", "cbr", "response", "responder")
"""Columns that are responses where the caller names none."""
AMOUNTS = ("best_change", "best_change_pct", "change_pct")
"""Columns that are continuous outcomes where the caller names none."""
SHOWN = 1000
"""So many rows are named for one rule: every one has to be looked at."""
EVENT_ENDINGS = ("_event", "_status")
TIME_ENDINGS: Mapping[str, Unit | None] = {"_days": "days", "_months": "months", "_time": None}
WORDS: Mapping[str, float] = {
    "1": 1.0, "1.0": 1.0, "y": 1.0, "yes": 1.0, "true": 1.0, "r": 1.0, "responder": 1.0,
    "0": 0.0, "0.0": 0.0, "n": 0.0, "no": 0.0, "false": 0.0, "nr": 0.0, "non-responder": 0.0,
    "ne": math.nan,
}  # fmt: skip
"""Words of a response; NE and empty are not evaluable."""
BEST: Mapping[str, float] = {"cr": 1.0, "pr": 1.0, "cr/pr": 1.0, "sd": 0.0, "pd": 0.0, "sd/pd": 0.0}
"""Words of an objective response, where stable disease is none; only for ORR and response."""
EVENTS: Mapping[str, bool] = {
    "1": True, "1.0": True, "true": True, "yes": True, "y": True, "1:deceased": True,
    "0": False, "0.0": False, "false": False, "no": False, "n": False, "0:living": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutcomeColumns:
    """Which columns hold what; what is left empty is told by the names of the columns.

    times: by endpoint the columns of time and event. unit: of times whose column does not say it.
    """

    subject: str = "subject_id"
    responses: tuple[str, ...] = ()
    times: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    amounts: tuple[str, ...] = ()
    unit: Unit | None = None


def read_outcomes(
    path: Path, *, columns: OutcomeColumns | None = None, bad_times: BadTimes = "refuse"
) -> Outcomes:
    """The outcomes of a cohort from a text or Parquet table, one row a subject.

    By name: ``subject_id``; ``<endpoint>_days``, ``_months`` or ``_time`` with ``<endpoint>_event``
    or ``_status`` (1 or 0); responses `RESPONSES` (1, 0, NE); amounts `AMOUNTS`; every other column
    may confound or stratify. Months become days by 30.4375 and are not rounded, so that times that
    differ only by rounding noise stay near-equal, which the engine takes for ties. A time that is
    missing, negative or infinite is refused with its row, or with ``bad_times="leave out"`` its
    subject lacks the endpoint (NaN) and the row is not refused. Raises ``Problems``.
    """
    outcomes, findings = load_outcomes(path, columns=columns, bad_times=bad_times)
    if outcomes is None or any(each.severity == "error" for each in findings):
        raise Problems(findings, f"{path.name}: the outcomes cannot be used as they are:")
    return outcomes


def load_outcomes(
    path: Path, *, columns: OutcomeColumns | None = None, bad_times: BadTimes = "refuse"
) -> tuple[Outcomes | None, list[Finding]]:
    """The outcomes as far as they can be read, and every finding; see `read_outcomes`.

    With ``bad_times="leave out"`` the refused times are warnings.
    """
    log = Log("", path.name)
    try:
        table = _texts(read_any(path, log, comment=""))
    except Unreadable as problem:
        return None, [problem.finding]
    reading = _Reading(table, columns or OutcomeColumns(), log, bad_times)
    outcomes = reading.outcomes()
    return outcomes, shortened(log.findings, shown=SHOWN)


def _texts(table: Table) -> Table:
    return Table(table.header, table.cells.with_columns(pl.all().cast(pl.String)), table.lines)


@dataclass
class _Reading:
    table: Table
    columns: OutcomeColumns
    log: Log
    bad_times: BadTimes

    def outcomes(self) -> Outcomes | None:
        subject = self.columns.subject
        named = (*self.columns.responses, *self.columns.amounts)
        timed = [c for pair in self.columns.times.values() for c in pair]
        lacking = [c for c in (subject, *named, *timed) if c not in self.table.header]
        for name in lacking:
            self.log.say("outcome.column", "the table lacks a column", value=name, line=1)
        if lacking:
            return None
        subjects = self._subjects(subject)
        pairs = self._pairs()
        responses = self.columns.responses or self._named(RESPONSES)
        amounts = self.columns.amounts or self._named(AMOUNTS)
        used = {subject, *responses, *amounts, *(c for *two, _ in pairs.values() for c in two)}
        rest = [c for c in self.table.header if c not in used]
        times = {name: self._times(*pair) for name, pair in pairs.items()}
        if not (responses or amounts or pairs):
            said = "no endpoint is found by the names of the columns"
            self.log.say("outcome.column", said, value=", ".join(rest[:8]), line=1)
        answered = {name: self._response(name) for name in responses}
        measured = {name: self._amount(name) for name in amounts}
        if len(set(subjects)) < len(subjects):
            return None
        confounders = self.table.cells.select(
            pl.Series("subject_id", subjects, dtype=pl.String), *(pl.col(c) for c in rest)
        )
        return Outcomes(subjects, answered, times, measured, confounders)

    def _named(self, known: Sequence[str]) -> tuple[str, ...]:
        return tuple(c for c in self.table.header if c.lower() in known)

    def _subjects(self, name: str) -> tuple[str, ...]:
        subjects = self.table.column(name).to_list()
        seen: dict[str, int] = {}
        for subject, line in zip(subjects, self.table.lines, strict=True):
            if subject is None:
                self.log.say("outcome.subject", "the subject is empty", line=line)
            elif subject in seen:
                said = f"the subject stands there already (line {seen[subject]})"
                self.log.say("outcome.subject", said, value=subject, line=line, sample=subject)
            seen.setdefault(subject or "", line)
        return tuple(subject or "" for subject in subjects)

    def _pairs(self) -> dict[str, tuple[str, str, float]]:
        """By endpoint the columns of time and event, and days in a unit of the time."""
        found: dict[str, tuple[str, str, float]] = {}
        if self.columns.times:
            for name, (time, event) in self.columns.times.items():
                found[name] = (time, event, self._days(time, self._unit_of(time)))
            return found
        lower = {c.lower(): c for c in self.table.header}
        for low, column in lower.items():
            ending = next((e for e in TIME_ENDINGS if low.endswith(e)), None)
            name = low.removesuffix(ending) if ending else ""
            events = [lower[name + e] for e in EVENT_ENDINGS if name + e in lower]
            if ending and events:
                days = self._days(column, self._unit_of(low))
                found[column[: len(name)]] = (column, events[0], days)
        return found

    def _unit_of(self, column: str) -> Unit | None:
        low = column.lower()
        return next((unit for e, unit in TIME_ENDINGS.items() if low.endswith(e)), None)

    def _days(self, column: str, unit: Unit | None) -> float:
        unit = unit or self.columns.unit
        if unit is None:
            said = "it is not said whether the times are days or months"
            self.log.say("outcome.unit", said, value=column, line=1)
        return MONTH_DAYS if unit == "months" else 1.0

    def _times(self, time: str, event: str, days: float) -> Times:
        values: Floats = np.full(len(self.table.lines), np.nan)
        events: Booleans = np.zeros(values.size, dtype=np.bool_)
        for row, line in enumerate(self.table.lines):
            text, happened = self.table.column(time)[row], self.table.column(event)[row]
            number = _number(text)
            if not math.isfinite(number) or number < 0:
                self._refuse(text, number, line, time, row)
                continue
            known = EVENTS.get((happened or "").strip().lower())
            if known is None:
                said = "the event is empty" if happened is None else "neither 0 nor 1"
                self.log.say("outcome.event", said, value=happened, line=line, feature=event)
                continue
            values[row], events[row] = number * days, known
        return Times(values, events)

    def _refuse(self, text: str | None, number: float, line: int, column: str, row: int) -> None:
        what = "missing" if text in (None, *MISSING) else "no number"
        if math.isinf(number):
            what = "infinite"
        elif number < 0:
            what = "negative"
        subject = self.table.column(self.columns.subject)[row] or ""
        hint = "The subject is left out of this endpoint." if self.bad_times == "leave out" else ""
        rule = "outcome.left" if self.bad_times == "leave out" else "outcome.time"
        self.log.say(
            rule,
            f"the follow-up time is {what}",
            value=text,
            line=line,
            sample=subject,
            feature=column,
            hint=hint,
        )

    def _response(self, name: str) -> Floats:
        words = {**WORDS, **BEST} if name.lower() in ("orr", "response", "responder") else WORDS
        values: Floats = np.full(len(self.table.lines), np.nan)
        for row, line in enumerate(self.table.lines):
            text = self.table.column(name)[row]
            if text is None or text in MISSING:
                continue
            if text.lower() in words:
                values[row] = words[text.lower()]
            else:
                said = "not a word for a response"
                self.log.say("outcome.response", said, value=text, line=line, feature=name)
        return values

    def _amount(self, name: str) -> Floats:
        values: Floats = np.full(len(self.table.lines), np.nan)
        for row, line in enumerate(self.table.lines):
            text = self.table.column(name)[row]
            if text is None or text in MISSING:
                continue
            values[row] = _number(text)
            if not math.isfinite(values[row]):
                said = "not a finite number"
                self.log.say("outcome.amount", said, value=text, line=line, feature=name)
        return values


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None and "_" not in text else math.nan
    except ValueError:
        return math.nan
