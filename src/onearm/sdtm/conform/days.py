"""Are dates real, in order, within the cut, and counted rightly from the first dose?"""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.errors import Finding
from onearm.sdtm.conform.report import Source, has, report
from onearm.sdtm.timing import DAYS, add_epoch

FORM = r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?)?$"
UNKNOWN_PARTS = r"^(\d{4}|-)(-(\d{2}|-))?(-(\d{2}|-))?(T.*)?$"
"""Dates with a dash for an unknown part in the middle (2003---15): legal, and of no use here."""


def _date_columns(frame: pl.DataFrame) -> list[str]:
    return [c for c in frame.columns if c.endswith("DTC") and frame.schema[c] == pl.String]


def check_dates(source: Source) -> list[Finding]:
    """--DTC that is not ISO 8601 or not in the calendar, or lies after the data cut."""
    found: list[Finding] = []
    for name, frame, _ in source.known():
        for column in _date_columns(frame):
            words = frame[column].unique().drop_nulls().to_frame("w")
            text = pl.col("w")
            real = text.str.contains(FORM) & dates.earliest(text).is_not_null()
            dashed = text.str.contains(UNKNOWN_PARTS) & text.str.contains("--|^-")
            bad = words.filter(~real & ~dashed & (text != ""))["w"]
            if len(bad):
                found += report(
                    frame.filter(pl.col(column).is_in(bad.implode())),
                    dataset=name,
                    field=column,
                    rule="ISO 8601",
                    message="the date is not one of the calendar written as ISO 8601",
                    hint="Write it as in 2021-05-31, 2021-05 or 2021.",
                )
            if source.cut is None:
                continue
            late = words.filter(dates.earliest(text) > source.cut)["w"]
            if len(late):
                found += report(
                    frame.filter(pl.col(column).is_in(late.implode())),
                    dataset=name,
                    field=column,
                    rule="data cut",
                    message=f"the date lies after the data cut, {source.cut}",
                    hint="Correct the date, or cut the data again.",
                )
    return found


def check_order(source: Source) -> list[Finding]:
    """An end before its start, partial dates given the benefit of the doubt."""
    found: list[Finding] = []
    for name, frame, _ in source.known():
        start, end = f"{name}STDTC", f"{name}ENDTC"
        if not has(frame, start, end):
            continue
        before = dates.latest(pl.col(end)) < dates.earliest(pl.col(start))
        if {frame.schema[start], frame.schema[end]} != {pl.String}:
            continue
        rows = frame.filter(before)
        found += report(
            rows.with_columns(_found=pl.col(start) + " to " + pl.col(end)),
            dataset=name,
            field=end,
            rule="SDTMIG 3.4, 4.4",
            message="the end lies before the start",
            hint="Correct one of the two dates.",
            value="_found",
        )
    return found


def check_study_days(source: Source) -> list[Finding]:
    """Study days that do not follow from the date and RFSTDTC. Rule: SDTMIG 3.4, section 4.4.4."""
    found: list[Finding] = []
    origin = source.subjects.select("USUBJID", _origin="first")
    for name, frame, _ in source.main():
        pairs = {name + d: name + t for d, t in DAYS.items() if has(frame, name + d, name + t)}
        pairs = {
            d: t
            for d, t in pairs.items()
            if frame.schema[t] == pl.String and frame.schema[d].is_numeric()
        }
        if not pairs:
            continue
        joined = frame.join(origin, on="USUBJID", how="left", maintain_order="left")
        for day, text in pairs.items():
            right = dates.study_day(dates.complete(pl.col(text)), pl.col("_origin"))
            found += report(
                joined.with_columns(_right=right).filter(
                    pl.col(day).is_not_null() & (pl.col(day) != pl.col("_right"))
                ),
                dataset=name,
                field=day,
                rule="SDTMIG 3.4, 4.4.4",
                message=f"{day} does not follow from {text} and RFSTDTC",
                hint="The first dose is day 1, the day before it day -1.",
            )
    return found


def check_epochs(source: Source) -> list[Finding]:
    """EPOCH other than the element the date falls in. Rule: SDTMIG 3.4, section 5.3."""
    elements = source.get("SE", "USUBJID", "EPOCH", "TAETORD", "SESTDTC")
    if elements is None:
        return []
    found: list[Finding] = []
    for name, frame, _ in source.main():
        if name == "SE" or "EPOCH" not in frame.columns:
            continue
        text = next((f"{name}{t}" for t in ("STDTC", "DTC") if f"{name}{t}" in frame.columns), "")
        if not text or frame.schema[text] != pl.String:
            continue
        # A patient's many results of one day have one answer.
        key = ["USUBJID", text, "EPOCH"]
        seen = frame.select(key).drop_nulls().unique(maintain_order=True)
        placed = add_epoch(seen.rename({"EPOCH": "_given"}), elements, domain=name)
        if "EPOCH" not in placed.columns:
            continue
        wrong = placed.filter(pl.col("_given") != pl.col("EPOCH")).select(
            "USUBJID", text, EPOCH="_given"
        )
        found += report(
            frame.join(wrong, on=key, how="semi", maintain_order="left"),
            dataset=name,
            field="EPOCH",
            rule="SDTMIG 3.4, 5.3",
            message="EPOCH is not that of the subject's element on this date",
            hint="Derive EPOCH from SE.",
        )
    return found
