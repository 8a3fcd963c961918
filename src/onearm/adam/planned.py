"""The planned day of a tumour assessment, from the schedule's repeating visit."""

from __future__ import annotations

import polars as pl

from onearm.study.schedule import Schedule, Visit


def planned_days(visit: Visit) -> pl.DataFrame:
    """VISITNUM and ``planned`` (days from the start, first dose = 0) of each time of a visit.

    A repeating visit comes first on ``first_day`` and then at its interval, which changes after
    the days that the schedule names. A visit that is not planned for a day has no row.
    """
    if visit.repeat is None:
        days = [] if visit.day is None else [visit.day]
    else:
        days, day, every = [], visit.repeat.first_day, visit.repeat.every
        for _ in range(visit.repeat.most):
            days.append(day)
            for stretch in visit.repeat.changes:
                if day >= stretch.after_day:
                    every = stretch.every
            day += every
    return pl.DataFrame(
        {
            "VISITNUM": [visit.number + n * visit.step for n in range(len(days))],
            "planned": [day - 1 if day > 0 else day for day in days],
        },
        schema={"VISITNUM": pl.Float64(), "planned": pl.Int64()},
    )


def gap_limit(schedule: Schedule | None) -> int | None:
    """Days that two missed assessments take: two intervals, two windows; None without a schedule.

    Source: FDA guidance on cancer endpoints (2018), table A; for 42 and 7 days the limit is 98.
    """
    if schedule is None or schedule.tumour_assessments is None:
        return None
    plan = schedule.tumour_assessments
    return 2 * plan.interval_days + 2 * plan.window_days


def add_planned_date(assessments: pl.DataFrame, schedule: Schedule | None) -> pl.DataFrame:
    """Add PLANDT: the planned day of the visit, else the next planned day on or after the scan.

    assessments: VISITNUM, ADT and ``start`` (Date). Null without a schedule, a start or a day.
    Source: FDA guidance on cancer endpoints (2018), table B.
    """
    if schedule is None or schedule.tumour_assessments is None:
        return assessments.with_columns(PLANDT=pl.lit(None, pl.Date))
    plan = planned_days(schedule.visit(schedule.tumour_assessments.visit))
    following = plan.select("planned").sort("planned").rename({"planned": "following"})
    rows = assessments.with_row_index("_row").with_columns(
        _day=(pl.col("ADT") - pl.col("start")).dt.total_days()
    )
    ahead = (
        rows.filter(pl.col("_day").is_not_null())
        .select("_row", "_day")
        .sort("_day")
        .join_asof(following, left_on="_day", right_on="following", strategy="forward")
    )
    return (
        rows.join(plan, on="VISITNUM", how="left", maintain_order="left")
        .join(ahead.select("_row", "following"), on="_row", how="left", maintain_order="left")
        .with_columns(
            PLANDT=pl.col("start") + pl.duration(days=pl.coalesce("planned", "following"))
        )
        .drop("_row", "_day", "planned", "following")
    )
