"""When things happened in trial time: study days, epochs, and the last value before treatment."""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.sdtm.spec import spec_of

DAYS = {"DY": "DTC", "STDY": "STDTC", "ENDY": "ENDTC"}
"""Each study day variable and the date it is counted from, without the domain's letters."""


def add_study_days(rows: pl.DataFrame, subjects: pl.DataFrame, *, domain: str) -> pl.DataFrame:
    """Add --DY, --STDY and --ENDY (Int32) as far as the domain has them.

    rows: any rows with USUBJID and the --DTC texts. subjects: USUBJID and RFSTDTC (text).
    Days count from RFSTDTC = day 1, the day before is -1; null where either date is incomplete.
    Rule: SDTMIG 3.4, section 4.4.4.
    """
    spec = spec_of(domain)
    wanted = {
        domain + day: domain + text
        for day, text in DAYS.items()
        if spec and domain + day in spec.names and domain + text in rows.columns
    }
    if not wanted:
        return rows
    origin = subjects.select("USUBJID", _origin=dates.complete(pl.col("RFSTDTC")))
    return (
        rows.join(origin, on="USUBJID", how="left", maintain_order="left")
        .with_columns(
            dates.study_day(dates.complete(pl.col(text)), pl.col("_origin")).alias(day)
            for day, text in wanted.items()
        )
        .drop("_origin")
    )


def add_epoch(rows: pl.DataFrame, elements: pl.DataFrame, *, domain: str) -> pl.DataFrame:
    """Add EPOCH from the subject's elements, where the domain has it.

    rows: USUBJID and --STDTC or --DTC (text). elements: the SE domain. A date on which one element
    ends and the next begins belongs to the next. A partial date has an epoch only if all its days
    share one; dates before the first element have none. Rule: SDTMIG 3.4, section 5.3 (SE).
    """
    spec = spec_of(domain)
    text = next((f"{domain}{s}" for s in ("STDTC", "DTC") if f"{domain}{s}" in rows.columns), None)
    if spec is None or "EPOCH" not in spec.names or text is None or elements.is_empty():
        return rows
    wide = _bounds(elements)
    if wide.is_empty():
        return rows
    joined = rows.join(wide, on="USUBJID", how="left", maintain_order="left")
    first = _epoch_on(dates.earliest(pl.col(text)), wide)
    last = _epoch_on(dates.latest(pl.col(text)), wide)
    return (
        joined.with_columns(_e1=first, _e2=last)
        .with_columns(EPOCH=pl.when(pl.col("_e1") == pl.col("_e2")).then("_e1"))
        .drop("_e1", "_e2", *[c for c in wide.columns if c != "USUBJID"])
    )


def _bounds(elements: pl.DataFrame) -> pl.DataFrame:
    """One row a subject; for each epoch a column ``EPOCH|<epoch>`` with its first day (Date)."""
    order = (
        elements.select("EPOCH", "TAETORD")
        .unique()
        .sort("TAETORD")["EPOCH"]
        .unique(maintain_order=True)
    )
    started = elements.with_columns(_start=dates.complete(pl.col("SESTDTC")))
    return started.group_by("USUBJID").agg(
        pl.col("_start").filter(pl.col("EPOCH") == epoch).min().alias(f"EPOCH|{epoch}")
        for epoch in order
    )


def _epoch_on(day: pl.Expr, bounds: pl.DataFrame) -> pl.Expr:
    """The last epoch that had begun on a day."""
    found = pl.lit(None, pl.String)
    for column in bounds.columns:
        if column.startswith("EPOCH|"):
            name = column.removeprefix("EPOCH|")
            found = pl.when(day >= pl.col(column)).then(pl.lit(name)).otherwise(found)
    return found


def add_last_before(rows: pl.DataFrame, *, domain: str) -> pl.DataFrame:
    """Add --LOBXFL: Y on the last result of each test before the first dose.

    rows: the domain's rows with --STRESC, --DTC, VISITNUM and ``_first`` (Date, first exposure).
    A result on the day of the first dose counts as before it when no time is recorded: those
    samples are taken before dosing. Of several on the last day the highest VISITNUM is taken.
    Rule: SDTMIG 3.4, --LOBXFL; each test by category, specimen, position, lesion and evaluator.
    """
    flag = f"{domain}LOBXFL"
    spec = spec_of(domain)
    if spec is None or flag not in spec.names:
        return rows
    within = [
        domain + s
        for s in ("TESTCD", "CAT", "SPEC", "POS", "LNKID", "EVAL", "EVALID")
        if domain + s in rows.columns
    ]
    day = dates.complete(pl.col(f"{domain}DTC"))
    last = (
        rows.lazy()
        .with_row_index("_i")
        .select("_i", "USUBJID", *within, "VISITNUM", "_first", f"{domain}DTC", f"{domain}STRESC")
        .filter(pl.col(f"{domain}STRESC").is_not_null())
        .with_columns(_d=day)
        .filter(pl.col("_d") <= pl.col("_first"))
        .sort("_d", "VISITNUM", maintain_order=True)
        .group_by("USUBJID", *within)
        .agg(pl.col("_i").last())
        .collect()["_i"]
    )
    flags = pl.Series(flag, [None], dtype=pl.String).new_from_index(0, rows.height)
    return rows.with_columns(flags.scatter(last, "Y"))
