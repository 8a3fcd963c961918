"""ADTTE: times to an event, from ordered lists of starts, stops, events and censorings."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from onearm.adam.conditions import holds, require
from onearm.adam.pick import as_date, sequence_column
from onearm.errors import OnearmError
from onearm.frames import Frames
from onearm.study.endpoints import Endpoint, Rule

LINE = {
    "USUBJID": pl.String(),
    "day": pl.Date(),  # what is reported
    "at": pl.Date(),  # what stops and gaps are compared with
    "order": pl.Int32(),
    "RULE": pl.String(),
    "says": pl.String(),
    "date_says": pl.String(),
    "SRCDOM": pl.String(),
    "SRCVAR": pl.String(),
    "SRCSEQ": pl.Int32(),
}
"""The columns of a candidate: one dated row that a line of an endpoint found."""


def derive_times(
    frames: Frames, endpoints: Sequence[Endpoint], gap_days: int | None
) -> pl.DataFrame | None:
    """One row a subject and endpoint; None where the study has no endpoints.

    frames: ADSL and what the lines read. ``gap_days``: the schedule's limit of the
    missed-assessments rule, for gaps that do not name their own.
    Returns columns of the ADTTE specification. AVAL is ADT - STARTDT + 1 in days, null without a
    start and where the data contradict themselves and ADT lies before it (``doubts.check_times``
    reports those). RULE is the line that decided: the event's, else that of the stop or gap that
    ended follow-up, else the censoring's. Raises OnearmError where a line reads what is not there,
    and where no line fits a subject.
    """
    made = [_endpoint(frames, endpoint, gap_days) for endpoint in endpoints]
    return pl.concat(made) if made else None


def _endpoint(frames: Frames, endpoint: Endpoint, gap_days: int | None) -> pl.DataFrame:
    people = _with_follow_up(_people(frames, endpoint), frames, endpoint)
    event = _first_event(people, frames, endpoint)
    people = people.join(event, on="USUBJID", how="left", maintain_order="left")
    people = _after_gap(people, frames, endpoint, gap_days)
    with_event = people.filter(pl.col("day").is_not_null()).with_columns(
        CNSR=pl.lit(0, pl.Int32), date_says=pl.lit(None, pl.String)
    )
    without = people.filter(pl.col("day").is_null()).drop(list(LINE)[1:])
    censored = _censored(without, frames, endpoint)
    keep = ["USUBJID", "start", "day", "CNSR", "says", "date_says", "RULE", *list(LINE)[-3:]]
    return pl.concat([with_event.select(keep), censored.select(keep)]).select(
        "USUBJID",
        "CNSR",
        "RULE",
        "SRCDOM",
        "SRCVAR",
        "SRCSEQ",
        PARAMCD=pl.lit(endpoint.endpoint),
        PARAM=pl.lit(str(endpoint.label)),
        STARTDT="start",
        ADT="day",
        AVAL=pl.when(pl.col("day") >= pl.col("start")).then(
            (pl.col("day") - pl.col("start")).dt.total_days().cast(pl.Float64) + 1
        ),
        EVNTDESC="says",
        CNSDTDSC="date_says",
    )


def _people(frames: Frames, endpoint: Endpoint) -> pl.DataFrame:
    """USUBJID and ``start`` of the endpoint's population."""
    subjects = frames["ADSL"]
    place = f"{endpoint.endpoint}, population, ADSL"
    subjects = subjects.filter(holds(endpoint.population, subjects.columns, place=place))
    starts = candidates(frames, [endpoint.start]).sort("USUBJID", "day")
    first = starts.group_by("USUBJID", maintain_order=True).agg(start=pl.col("day").first())
    how = subjects.select("USUBJID").join(first, on="USUBJID", how="left", maintain_order="left")
    return how if endpoint.without_start == "keep" else how.filter(pl.col("start").is_not_null())


def candidates(frames: Frames, rules: Sequence[Rule]) -> pl.DataFrame:
    """The dated rows that the lines find, with columns ``LINE``; ``order`` is the line's place."""
    found = [rows for n, rule in enumerate(rules) if (rows := _found(frames, rule, n)) is not None]
    return pl.concat(found) if found else pl.DataFrame(schema=LINE)


def _found(frames: Frames, rule: Rule, order: int) -> pl.DataFrame | None:
    frame = frames.get(rule.in_)
    if frame is None or not frame.width:
        return None
    place = f"line '{rule.id}', {rule.in_}"
    compare = rule.compare or rule.column
    require([rule.column, compare], frame.columns, place=place)
    frame = frame.filter(holds(rule.when, frame.columns, place=place))
    if rule.of:
        subjects = frames["ADSL"]
        belongs = holds(rule.of, subjects.columns, place=f"line '{rule.id}', ADSL")
        members = subjects.filter(belongs).select("USUBJID")
        frame = frame.join(members, on="USUBJID", how="semi", maintain_order="left")
    seq = sequence_column(rule.in_, frame)
    says = str(rule.says) if rule.says else None
    return frame.select(
        "USUBJID",
        day=as_date(rule.column, frame.schema[rule.column], "drop"),
        at=as_date(compare, frame.schema[compare], "drop"),
        order=pl.lit(order, pl.Int32),
        RULE=pl.lit(rule.id),
        says=pl.lit(says, pl.String),
        date_says=pl.lit(str(rule.date_says) if rule.date_says else says, pl.String),
        SRCDOM=pl.lit(rule.in_),
        SRCVAR=pl.lit(rule.column),
        SRCSEQ=pl.col(seq).cast(pl.Int32) if seq else pl.lit(None, pl.Int32),
    ).filter(pl.col("day").is_not_null() & pl.col("at").is_not_null())


def _with_follow_up(people: pl.DataFrame, frames: Frames, endpoint: Endpoint) -> pl.DataFrame:
    """Add ``stop`` (the day that ends follow-up, null for never), its rule and its words."""
    same_day = {n: stop.same_day for n, stop in enumerate(endpoint.stop)}
    stops = candidates(frames, endpoint.stop).with_columns(
        same_day=pl.col("order").replace_strict(same_day, default=True, return_dtype=pl.Boolean)
    )
    # A stop that lets events of its own day count is later than one that does not.
    first = (
        stops.sort("USUBJID", "at", "same_day", "order")
        .group_by("USUBJID", maintain_order=True)
        .first()
        .select("USUBJID", "same_day", stop="at", stop_rule="RULE", stop_says="says")
    )
    return people.join(first, on="USUBJID", how="left", maintain_order="left")


def _first_event(people: pl.DataFrame, frames: Frames, endpoint: Endpoint) -> pl.DataFrame:
    """The earliest event within follow-up; of those on one day the line written first."""
    clip = {n: rule.beyond == "clip" for n, rule in enumerate(endpoint.event)}
    found = candidates(frames, endpoint.event).join(
        people.select("USUBJID", "stop", "same_day"), on="USUBJID"
    )
    within = _within(clip)
    return (
        _clipped(found, clip)
        .filter(within)
        .sort("USUBJID", "at", "order", "SRCSEQ", nulls_last=True)
        .group_by("USUBJID", maintain_order=True)
        .first()
        .select(list(LINE))
    )


def _within(clip: dict[int, bool]) -> pl.Expr:
    kept = pl.col("order").replace_strict(clip, default=False, return_dtype=pl.Boolean)
    before = pl.col("at") < pl.col("stop")
    on_day = pl.col("same_day") & (pl.col("at") == pl.col("stop"))
    return pl.col("stop").is_null() | before | on_day | kept


def _clipped(found: pl.DataFrame, clip: dict[int, bool]) -> pl.DataFrame:
    """Move dates of ``clip`` lines that lie beyond the end of follow-up back to it."""
    moves = pl.col("order").replace_strict(clip, default=False, return_dtype=pl.Boolean)
    late = moves & (pl.col("at") > pl.col("stop")).fill_null(value=False)
    return found.with_columns(
        pl.when(late).then("stop").otherwise(name).alias(name) for name in ("day", "at")
    )


def _after_gap(
    people: pl.DataFrame, frames: Frames, endpoint: Endpoint, gap_days: int | None
) -> pl.DataFrame:
    """Take back events that come too long after the last assessment; follow-up ended there."""
    gap = endpoint.gap
    if gap is None:
        return people
    limit = gap.days if gap.days is not None else gap_days
    if limit is None:
        raise OnearmError(
            f"{endpoint.endpoint}, line '{gap.id}': give days, or a schedule's tumour_assessments"
        )
    looks = candidates(frames, [gap]).select("USUBJID", look="at")
    last = (
        people.filter(pl.col("at").is_not_null())
        .select("USUBJID", "at")
        .join(looks, on="USUBJID")
        .filter(pl.col("look") <= pl.col("at"))
        .group_by("USUBJID")
        .agg(look=pl.col("look").max())
    )
    seen = people.join(last, on="USUBJID", how="left", maintain_order="left").with_columns(
        look=pl.max_horizontal("look", "start")
    )
    # After two missed assessments the event may have happened long before it was seen.
    lost = ((pl.col("at") - pl.col("look")).dt.total_days() > limit).fill_null(value=False)
    taken_back = [pl.when(~lost).then(name).alias(name) for name in LINE if name != "USUBJID"]
    return seen.with_columns(
        *taken_back,
        stop=pl.when(lost).then("look").otherwise("stop"),
        same_day=pl.when(lost).then(pl.lit(value=True)).otherwise("same_day"),
        stop_rule=pl.when(lost).then(pl.lit(gap.id)).otherwise("stop_rule"),
        stop_says=pl.when(lost)
        .then(pl.lit(str(gap.says) if gap.says else None, pl.String))
        .otherwise("stop_says"),
    ).drop("look")


def _censored(people: pl.DataFrame, frames: Frames, endpoint: Endpoint) -> pl.DataFrame:
    """The day and the words of the first censoring line that applies within follow-up."""
    clip = {n: rule.beyond == "clip" for n, rule in enumerate(endpoint.censor)}
    found = candidates(frames, endpoint.censor).join(
        people.select("USUBJID", "stop").with_columns(same_day=pl.lit(value=True)), on="USUBJID"
    )
    last = {n: rule.pick("last") == "last" for n, rule in enumerate(endpoint.censor)}
    is_last = pl.col("order").replace_strict(last, default=True, return_dtype=pl.Boolean)
    # An assessment on the day that ends follow-up still shows the subject without an event.
    best = (
        _clipped(found, clip)
        .filter(_within(clip))
        .with_columns(
            _far=pl.when(is_last)
            .then(-pl.col("at").to_physical())
            .otherwise(pl.col("at").to_physical())
        )
        .sort("USUBJID", "order", "_far", "SRCSEQ", nulls_last=True)
        .group_by("USUBJID", maintain_order=True)
        .first()
        .select(list(LINE))
    )
    rows = people.join(best, on="USUBJID", how="left", maintain_order="left")
    nowhere = rows.filter(pl.col("day").is_null())
    if nowhere.height:
        raise OnearmError(
            f"{endpoint.endpoint}: no line of 'censor' fits {nowhere['USUBJID'][0]}; "
            "end the list with a date that everybody has, for example the start"
        )
    named = pl.col("stop_says").is_not_null()
    return rows.with_columns(
        CNSR=pl.lit(1, pl.Int32),
        says=pl.when(named).then("stop_says").otherwise("says"),
        RULE=pl.when(named).then("stop_rule").otherwise("RULE"),
    )
