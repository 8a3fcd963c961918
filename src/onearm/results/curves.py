"""The kind that draws: the steps of a Kaplan-Meier curve and who is at risk, one row a number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from onearm.results.cells import SHARE, SUBJECTS, Record, from_numbers, spread, woven
from onearm.results.model import COLUMN, NAME, Task, level_text
from onearm.results.timing import CENSORED, EVENT, Stratum, at_risk, curve_of, times
from onearm.stats import Note
from onearm.stats.survival import Curve

Names = npt.NDArray[np.uint64]

HEIGHTS = {"survival": SHARE, "ci_low": SHARE, "ci_high": SHARE}
COUNTS = {"n_risk": ">=", "n_ended": "=", "n_censored": "="}
"""Subjects counted at a step, and how their time compares with the step's day."""


def curve(task: Task) -> pl.DataFrame:
    """The steps of the Kaplan-Meier curve by day (group TIME), and who is at risk (group MONTH).

    There is a step at day 0 and at each day with an event or a censoring: survival, ci_low, ci_high
    (null where the curve is at 0), n_risk just before the day, n_ended (events of the day) and
    n_censored. ``at_risk`` is given at each of ``times``. Strata without subjects have no step and
    nobody at risk. The rows behind a height are those of the whole curve.
    Source: `onearm.stats.kaplan_meier`.
    """
    parts = []
    numbers: list[Record] = []
    for stratum in times(task):
        found = curve_of(task, stratum)
        if found is not None:
            parts.append(_steps(stratum, found))
        for month in task.analysis.times:
            numbers += at_risk(stratum, month, {"group2": "MONTH", "level2": level_text(month)})
    return pl.concat([*parts, from_numbers(numbers)])


def _steps(stratum: Stratum, curve: Curve) -> pl.DataFrame:
    """The curve as one row a step and operation."""
    steps = _table(curve)
    days = [level_text(day) for day in steps["day"]]
    record = stratum.record
    cells = steps.with_columns(
        pl.Series("level2", days, dtype=pl.String),
        *(pl.lit(record[key]).alias(key) for key in (COLUMN, "where", "n_used", "n_events")),
        pl.lit(record[NAME], pl.UInt64).alias(NAME),
        group2=pl.lit("TIME"),
        n_missing=pl.lit(record["n_missing"]),
        note=pl.when(pl.col("survival") == 0).then(pl.lit(str(Note.SURVIVAL_ZERO))),
    )
    parts = [spread(cells, HEIGHTS)]
    for (name, sign), names in zip(COUNTS.items(), _names(stratum, steps), strict=True):
        more = {"n_ended": EVENT, "n_censored": CENSORED}.get(name, "")
        where = [stratum.where(f"AVAL {sign} {day}", more) for day in days]
        counted = cells.with_columns(
            pl.Series("where", where, dtype=pl.String), pl.Series(NAME, names, dtype=pl.UInt64)
        )
        parts.append(spread(counted, {name: SUBJECTS}))
    return woven(parts, cells.height)


def _table(curve: Curve) -> pl.DataFrame:
    """One row a step, from day 0 on."""
    names = ("day", *HEIGHTS, *COUNTS)
    arrays = (
        curve.time,
        curve.survival,
        np.ma.filled(curve.lower, np.nan),
        np.ma.filled(curve.upper, np.nan),
        curve.n_risk,
        curve.n_event,
        curve.n_censor,
    )
    steps = pl.DataFrame(
        dict(zip(names, (np.asarray(a, dtype=np.float64) for a in arrays), strict=True))
    ).with_columns(pl.col("ci_low", "ci_high").fill_nan(None))
    if curve.time[0] > 0:
        start = (0.0, 1.0, 1.0, 1.0, float(curve.n), 0.0, 0.0)
        steps = pl.concat([pl.DataFrame([start], schema=steps.schema, orient="row"), steps])
    return steps


def _names(stratum: Stratum, steps: pl.DataFrame) -> tuple[Names, Names, Names]:
    """Sums of the row names of those at risk, ended and censored at each step."""
    place = np.searchsorted(steps["day"].to_numpy(), stratum.time)
    ended = np.zeros(steps.height, dtype=np.uint64)
    censored = np.zeros(steps.height, dtype=np.uint64)
    np.add.at(ended, place[stratum.event], stratum.names[stratum.event])
    np.add.at(censored, place[~stratum.event], stratum.names[~stratum.event])
    at_risk_from = (ended + censored)[::-1].cumsum(dtype=np.uint64)[::-1]
    return at_risk_from, ended, censored
