"""Visits as the schedule names them: number, name, planned day of each repeat, and dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from onearm import dates
from onearm.study import Study
from onearm.study.forms import Form
from onearm.study.schedule import Repeat, Schedule, Visit

VISIT_DATE = ("SV", "SVSTDTC")
"""The SDTM target of the item that dates a visit."""

FIRST_DOSE = ("EX", "EXSTDTC")


def planned_day(visit: Visit, repeat: int) -> int | None:
    """The study day on which a visit is planned (first dose is day 1); None where none is."""
    if visit.repeat is None:
        return visit.day
    return _repeat_day(visit.repeat, repeat)


def _repeat_day(rule: Repeat, repeat: int) -> int:
    day = rule.first_day
    for _ in range(repeat - 1):
        every = rule.every
        for change in rule.changes:
            if day >= change.after_day:
                every = change.every
        day += every
    return day


def visit_name(visit: Visit, repeat: int) -> str:
    """SDTM VISIT of one repeat; a visit that came again without ``{n}`` in its name is numbered."""
    if "{n}" in visit.name:
        return visit.name.replace("{n}", str(repeat))
    return f"{visit.name} {repeat}" if repeat > 1 else visit.name


def visit_table(schedule: Schedule | None, seen: pl.DataFrame) -> pl.DataFrame:
    """What the schedule says about each visit and repeat that occurs.

    seen: VISIT, VISIT_REPEAT. Returns one row a distinct pair with VISITNUM (Float64), NAME,
    KIND, PLANNED (Int32, study day), EARLY and LATE (Int32, days of the window), ORDER (Int32,
    position in the schedule). Visits that the schedule does not have are numbered behind it.
    """
    known = {v.id: (i, v) for i, v in enumerate(schedule.visits)} if schedule else {}
    rows: list[tuple[object, ...]] = []
    for name, repeat in sorted(seen.select("VISIT", "VISIT_REPEAT").unique().iter_rows()):
        if name not in known:
            rows.append((name, repeat, None, name, "", None, 0, 0, len(known)))
            continue
        order, visit = known[name]
        rows.append(
            (
                name,
                repeat,
                visit.number + (repeat - 1) * visit.step,
                visit_name(visit, repeat),
                visit.kind,
                planned_day(visit, repeat),
                *visit.window,
                order,
            )
        )
    return pl.DataFrame(
        rows,
        schema={
            "VISIT": pl.String,
            "VISIT_REPEAT": pl.Int32,
            "VISITNUM": pl.Float64,
            "NAME": pl.String,
            "KIND": pl.String,
            "PLANNED": pl.Int32,
            "EARLY": pl.Int32,
            "LATE": pl.Int32,
            "ORDER": pl.Int32,
        },
        orient="row",
    )


def items_for(form: Form, target: tuple[str, str]) -> list[str]:
    """Names of a form's items that fill an SDTM variable, in the order of the form."""
    return [i.name for i in form.items for t in i.to if (t.domain, t.variable) == target]


def row_dates(form: Form, texts: pl.DataFrame) -> pl.Series:
    """The first day that the date of each form row may mean (Date); null without a date item."""
    if not form.date:
        return pl.Series("_date", [None], dtype=pl.Date).new_from_index(0, texts.height)
    return texts.select(_date=dates.earliest(pl.col(form.date)))["_date"]


def visit_dates(
    forms: Mapping[str, Form], texts: Mapping[str, pl.DataFrame], logs: Iterable[str]
) -> pl.DataFrame:
    """One row a subject's visit: USUBJID, VISIT, VISIT_REPEAT and its first day ``_visit`` (Date).

    The item that fills SV.SVSTDTC dates the visit; without it the earliest date of a form of the
    visit does. Visits in ``logs`` hold running forms and have no date.
    """
    key = ["USUBJID", "VISIT", "VISIT_REPEAT"]
    parts = []
    for name, frame in texts.items():
        form = forms[name]
        own = items_for(form, VISIT_DATE)
        if not own and not form.date:
            continue
        day = pl.coalesce(dates.earliest(pl.col(i)) for i in own) if own else pl.lit(None, pl.Date)
        parts.append(
            frame.select(*key, _own=day, _any=row_dates(form, frame)).filter(
                ~pl.col("VISIT").is_in(list(logs))
            )
        )
    if not parts:
        schema = {"USUBJID": pl.String, "VISIT": pl.String, "VISIT_REPEAT": pl.Int32}
        return pl.DataFrame(schema={**schema, "_visit": pl.Date})
    return (
        pl.concat(parts)
        .group_by(key)
        .agg(pl.col("_own").min(), pl.col("_any").min())
        .select(*key, _visit=pl.coalesce("_own", "_any"))
    )


def log_visits(schedule: Schedule | None) -> list[str]:
    """Ids of the visits that hold running forms."""
    return [v.id for v in schedule.visits if v.kind == "log"] if schedule else []


def visit_dates_and_order(study: Study, texts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """``visit_dates`` of every visit seen, with its planned day, window, kind and place."""
    days = visit_dates(study.forms, texts, log_visits(study.schedule))
    table = visit_table(study.schedule, days)
    return days.join(
        table.select("VISIT", "VISIT_REPEAT", "PLANNED", "EARLY", "LATE", "KIND", "ORDER"),
        on=["VISIT", "VISIT_REPEAT"],
        how="left",
    )


def first_doses(forms: Mapping[str, Form], texts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a dosed subject: USUBJID and the day of the first dose ``_first`` (Date)."""
    parts = [
        frame.select("USUBJID", _first=dates.complete(pl.col(item)))
        for name, frame in texts.items()
        for item in items_for(forms[name], FIRST_DOSE)
    ]
    if not parts:
        return pl.DataFrame(schema={"USUBJID": pl.String, "_first": pl.Date})
    return pl.concat(parts).drop_nulls().group_by("USUBJID").agg(pl.col("_first").min())
