"""Kinds about time to an event: survival in numbers, and follow-up.

The rows are one a subject of a time-to-event dataset: AVAL is the time in days, CNSR is 0 for an
event. Times go to the reader in months of 30.4375 days unless the analysis asks for days.
Rows without AVAL or CNSR take no part and are counted in ``n_missing``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from onearm import expr, stats
from onearm.dates import MONTH_DAYS
from onearm.results.cells import (
    SHARE,
    SUBJECTS,
    Operations,
    Record,
    from_numbers,
    numbers_of,
    ordered_levels,
)
from onearm.results.estimating import base_record, notes, strata
from onearm.results.model import NAME, Task, both, equals, level_text
from onearm.stats import Note
from onearm.stats.survival import Curve

QUANTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}
EVENT, CENSORED = "CNSR = 0", "CNSR <> 0"
REASONS = {
    "EVNTDESC": ("EVNTDESC", EVENT),
    "CENSORED": ("EVNTDESC", CENSORED),
    "CNSDTDSC": ("CNSDTDSC", CENSORED),
}
"""Groups of reasons: the variable that says why, and of which subjects."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """The subjects of one table column (and level): times in days, events, and their rows.

    ``record`` is what every number of the stratum carries.
    """

    record: Record
    rows: pl.DataFrame
    time: npt.NDArray[np.float64]
    event: Flags
    names: npt.NDArray[np.uint64]

    @property
    def n(self) -> int:
        return self.time.size

    @property
    def slot(self) -> int:
        """The group that is still free: 3 where the stratum itself is a level of group 2."""
        return 3 if self.record["group2"] else 2

    def where(self, *conditions: str) -> str:
        """The condition of the stratum's rows, and more."""
        return both(self.record["where"], *conditions)

    def part(self, chosen: Flags, condition: str) -> Record:
        """The record for those rows of the stratum that ``condition`` selects."""
        names = int(self.names[chosen].sum(dtype=np.uint64))
        return self.record | {"where": self.where(condition), NAME: names}


def times(task: Task) -> Iterator[Stratum]:
    """The strata of an analysis: each table column, and each level of ``by`` within it."""
    for by in task.analysis.by or ("",):
        for column, level, name, rows, where in strata(task, by):
            known = rows.filter(pl.col("AVAL").is_not_null() & pl.col("CNSR").is_not_null())
            event = (known["CNSR"] == 0).to_numpy()
            record = base_record(column, level, name, known, where) | {
                "n_used": known.height,
                "n_events": int(event.sum()),
                "n_missing": rows.height - known.height,
                "where": both(where, "AVAL IS NOT NULL", "CNSR IS NOT NULL"),
            }
            time = known["AVAL"].cast(pl.Float64).to_numpy()
            yield Stratum(record, known, time, event, known[NAME].to_numpy())


def curve_of(task: Task, stratum: Stratum) -> Curve | None:
    """The Kaplan-Meier curve of a stratum; None without subjects, or with too few of them."""
    if stratum.n < max(task.analysis.smallest, 1):
        return None
    return stats.kaplan_meier(
        stratum.time,
        stratum.event,
        level=task.analysis.level,
        interval=task.analysis.chosen_method,
    )


def _scale(task: Task) -> tuple[str, float]:
    """The unit of times and the days in it."""
    return ("days", 1.0) if task.analysis.unit == "days" else ("months", MONTH_DAYS)


def survival(task: Task) -> pl.DataFrame:
    """Kaplan-Meier in numbers: events and censorings by reason, quantiles, rates, follow-up.

    Operations: n, events, percent_events, censored, percent_censored; ``reason`` and
    ``percent_reason`` in the groups EVNTDESC (kinds of event), CENSORED (reasons for censoring) and
    CNSDTDSC (what dates the censoring); median, q1, q3 with _low and _high; ``rate`` with
    _low and _high and ``at_risk`` at each of ``times`` (group MONTH); ``longest`` observed time.
    Fewer subjects than ``smallest`` are counted but not estimated: note ``n_too_small``.
    Source: `onearm.stats.kaplan_meier`, quantiles after Brookmeyer and Crowley.
    """
    unit, days = _scale(task)
    reasons = {group: _reasons(task, *found) for group, found in REASONS.items()}
    numbers: list[Record] = []
    for stratum in times(task):
        curve = curve_of(task, stratum)
        numbers += _totals(stratum)
        for group, levels in reasons.items():
            numbers += _by_reason(stratum, group, levels)
        numbers += _quantiles(stratum, curve, unit, days)
        for month in task.analysis.times:
            numbers += _rate(stratum, curve, month)
        numbers += _longest(stratum, curve, unit, days)
    return from_numbers(numbers)


def _longest(stratum: Stratum, curve: Curve | None, unit: str, days: float) -> Iterator[Record]:
    found: Record = {"note": str(Note.N_TOO_SMALL)}
    if curve is not None:
        found = {"longest": curve.last_time / days}
    return numbers_of(stratum.record | found, {"longest": (unit, unit)})


def _totals(stratum: Stratum) -> Iterator[Record]:
    n = stratum.n
    yield from numbers_of(stratum.record | {"n": n}, {"n": SUBJECTS})
    for name, chosen, condition in (
        ("events", stratum.event, EVENT),
        ("censored", ~stratum.event, CENSORED),
    ):
        count = int(chosen.sum())
        record = stratum.part(chosen, condition) | {"n_events": count}
        record |= {name: count, f"percent_{name}": count / n if n else None}
        yield from numbers_of(record, {name: SUBJECTS, f"percent_{name}": SHARE})


def _reasons(task: Task, variable: str, condition: str) -> list[str]:
    """The reasons that occur anywhere, so that every stratum shows the same ones."""
    return ordered_levels(task.rows.filter(expr.parse(condition).holds()), variable)


def _by_reason(stratum: Stratum, group: str, levels: list[str]) -> Iterator[Record]:
    variable, condition = REASONS[group]
    is_ended = stratum.event if condition == EVENT else ~stratum.event
    for level in levels:
        has_reason = equals(variable, level, is_number=False)
        holds = stratum.rows.select(expr.parse(has_reason).holds()).to_series().to_numpy()
        chosen = is_ended & holds
        count = int(chosen.sum())
        record = stratum.part(chosen, both(condition, has_reason)) | {
            f"group{stratum.slot}": group,
            f"level{stratum.slot}": level,
            "n_events": count,
            "reason": count,
            "percent_reason": count / stratum.n if stratum.n else None,
        }
        yield from numbers_of(record, {"reason": SUBJECTS, "percent_reason": SHARE})


def _quantiles(stratum: Stratum, curve: Curve | None, unit: str, days: float) -> Iterator[Record]:
    for name, p in QUANTILES.items():
        found = None if curve is None else stats.quantile(curve, p)
        values = (found.value, found.lower, found.upper) if found else (None, None, None)
        flat = Note.FLAT_AT_QUANTILE
        is_flat = found is not None and flat in found.notes
        for operation, value in zip((name, f"{name}_low", f"{name}_high"), values, strict=True):
            note = Note.N_TOO_SMALL if found is None else Note.NOT_REACHED
            said = note if value is None else flat if is_flat else None
            scaled = None if value is None else value / days
            record = stratum.record | {"note": said and str(said), operation: scaled}
            yield from numbers_of(record, {operation: (unit, unit)})


RATES: Operations = {"rate": SHARE, "rate_low": SHARE, "rate_high": SHARE}


def _rate(stratum: Stratum, curve: Curve | None, month: float) -> Iterator[Record]:
    here = {f"group{stratum.slot}": "MONTH", f"level{stratum.slot}": level_text(month)}
    values: Record = {"note": str(Note.N_TOO_SMALL)}
    if curve is not None:
        found = stats.at_time(curve, month * MONTH_DAYS)
        values = {"rate": found.value, "rate_low": found.lower, "rate_high": found.upper}
        values["note"] = notes(found.notes)
    yield from numbers_of(stratum.record | here | values, RATES)
    yield from at_risk(stratum, month, here)


def at_risk(stratum: Stratum, month: float, here: Record) -> Iterator[Record]:
    """The number ``at_risk``: subjects who are followed up to ``month`` or longer."""
    day = month * MONTH_DAYS
    chosen = stratum.time >= day
    record = stratum.part(chosen, f"AVAL >= {level_text(day)}") | here
    yield from numbers_of(record | {"at_risk": int(chosen.sum())}, {"at_risk": SUBJECTS})


def followup(task: Task) -> pl.DataFrame:
    """Follow-up by reverse Kaplan-Meier of survival, and the range of those still alive.

    Operations: n, alive, median, median_low, median_high, shortest_alive, longest_alive.
    Source: Schemper and Smith, Controlled Clinical Trials 17:343-346 (1996).
    """
    unit, days = _scale(task)
    names = ("median", "median_low", "median_high", "shortest_alive", "longest_alive")
    numbers: list[Record] = []
    for stratum in times(task):
        numbers += numbers_of(stratum.record | {"n": stratum.n}, {"n": SUBJECTS})
        living = stratum.part(~stratum.event, CENSORED) | {"alive": int((~stratum.event).sum())}
        numbers += numbers_of(living, {"alive": SUBJECTS})
        for name, value in zip(names, _followed(task, stratum), strict=True):
            absent = Note.NOT_REACHED if stratum.n else Note.N_TOO_SMALL
            carried = stratum.record if name.startswith("median") else living
            record = carried | {"note": str(absent) if value is None else None}
            record[name] = None if value is None else value / days
            numbers += numbers_of(record, {name: (unit, unit)})
    return from_numbers(numbers)


def _followed(task: Task, stratum: Stratum) -> tuple[float | None, ...]:
    if not stratum.n:
        return (None,) * 5
    found = stats.follow_up(
        stratum.time,
        stratum.event,
        level=task.analysis.level,
        interval=task.analysis.chosen_method,
    )
    median = found.median
    return median.value, median.lower, median.upper, found.shortest_alive, found.longest_alive
