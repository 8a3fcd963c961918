"""ADEX: how much of each drug was given, against what was planned."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import polars as pl

from onearm import dates
from onearm.frames import Frames
from onearm.study.endpoints import Exposure

PARAMETERS = {
    "TRTDURD": ("Duration of treatment (days)", "days"),
    "NDOSE": ("Number of doses or dosing days", None),
    "CUMDOSE": ("Cumulative dose", "dose"),
    "PLANDOSE": ("Planned dose", "dose"),
    "AVGDOSE": ("Average daily dose", "dose"),
    "RDI": ("Relative dose intensity (%)", "%"),
    "NREDUC": ("Number of dose reductions", None),
    "NINTER": ("Number of dose interruptions", None),
    "NCYCLE": ("Number of cycles", None),
    "FIRSTDT": ("First dose", None),
    "LASTDT": ("Last dose", None),
    "FREDDT": ("First dose reduction", None),
}
"""Parameter codes with their labels and units; ``dose`` is the unit of EXDOSU."""


@cache
def _frequencies() -> dict[str, float]:
    text = files("onearm.adam").joinpath("dose_frequency.csv").read_text(encoding="utf-8")
    return {r["frequency"]: float(r["a_day"]) for r in csv.DictReader(text.splitlines())}


def derive_exposure(
    domains: Frames, drugs: Sequence[Exposure], subjects: pl.DataFrame
) -> pl.DataFrame | None:
    """One row a subject, drug and parameter of ``PARAMETERS``, and the duration over all drugs.

    domains: EX. subjects: ADSL; a dosing period still open ends at its data cut-off (DCUTDT).
    Dates are values of ADT, with AVAL empty. RDI is given dose over planned dose in per cent:
    for a daily drug the first dose level on every day from first to last dose; for infusions the
    planned dose in each planned cycle up to the last one. None where there is no EX.
    """
    given = domains.get("EX")
    if given is None or not drugs:
        return None
    periods = _periods(given, drugs, subjects.select("USUBJID", cut="DCUTDT"))
    wide = [_of_drug(periods.filter(pl.col("EXTRT") == drug.treatment), drug) for drug in drugs]
    wide.append(_of_all(wide))
    return pl.concat([_long(table) for table in wide])


def _periods(given: pl.DataFrame, drugs: Sequence[Exposure], cut: pl.DataFrame) -> pl.DataFrame:
    """EX rows of the drugs with first and last day, days and dose a day; doses of 0 are holds."""
    known = set(given.columns)
    frequency = pl.col("EXDOSFRQ") if "EXDOSFRQ" in known else pl.lit(None, pl.String)
    first = dates.earliest(pl.col("EXSTDTC"))
    last = dates.latest(pl.col("EXENDTC")) if "EXENDTC" in known else pl.lit(None, pl.Date)
    return (
        given.filter(pl.col("EXTRT").is_in([drug.treatment for drug in drugs]))
        .join(cut, on="USUBJID")
        .select(
            "USUBJID",
            "EXTRT",
            unit=pl.col("EXDOSU") if "EXDOSU" in known else pl.lit(None, pl.String),
            dose=pl.col("EXDOSE").cast(pl.Float64).fill_null(0.0),
            a_day=frequency.replace_strict(_frequencies(), default=1.0, return_dtype=pl.Float64),
            first=first,
            last=pl.coalesce(last, pl.col("cut"), first),
            seq=pl.col("EXSEQ").cast(pl.Int32),
        )
        .filter(pl.col("first").is_not_null())
        .sort("USUBJID", "EXTRT", "first", "seq")
    )


def _of_drug(periods: pl.DataFrame, drug: Exposure) -> pl.DataFrame:
    """One row a subject with a column a parameter."""
    taken = periods.filter(pl.col("dose") > 0).with_columns(
        days=(pl.col("last") - pl.col("first")).dt.total_days() + 1,
        level=pl.col("dose") * pl.col("a_day"),
    )
    before = pl.col("level").shift(1).over("USUBJID")
    marked = taken.with_columns(
        reduced=(pl.col("level") < before).fill_null(value=False),
        pause=_days_since_last(drug),
    )
    daily = drug.kind == "daily"
    amount = pl.col("level") * pl.col("days") if daily else pl.col("dose")
    per_subject = marked.group_by("USUBJID", maintain_order=True).agg(
        pl.col("unit", "seq").first(),
        FIRSTDT=pl.col("first").min(),
        LASTDT=pl.col("last").max(),
        NDOSE=(pl.col("days").sum() if daily else pl.len()).cast(pl.Float64),
        CUMDOSE=amount.sum(),
        start_level=pl.col("level").first(),
        NREDUC=pl.col("reduced").sum().cast(pl.Float64),
        NINTER=(pl.col("pause") > 0).sum().cast(pl.Float64),
        FREDDT=pl.col("first").filter("reduced").min(),
    )
    return _with_intensity(per_subject, drug).with_columns(EXTRT=pl.lit(drug.treatment))


def _days_since_last(drug: Exposure) -> pl.Expr:
    """Days without drug before a period; for infusions the days beyond one and a half cycles."""
    before = pl.col("last").shift(1).over("USUBJID")
    gap = (pl.col("first") - before).dt.total_days()
    if drug.kind == "daily":
        return gap - 1
    return gap - (drug.cycle_days * 3) // 2


def _with_intensity(per_subject: pl.DataFrame, drug: Exposure) -> pl.DataFrame:
    span = (pl.col("LASTDT") - pl.col("FIRSTDT")).dt.total_days()
    if drug.kind == "daily":
        planned = pl.col("start_level") * (span + 1)
        cycles = ((span + 1) / drug.cycle_days).ceil()
    else:
        # Half a cycle late or more is a cycle missed.
        planned_cycles = (span / drug.cycle_days + 0.5).floor() + 1
        planned = pl.lit(drug.planned_dose) * planned_cycles
        cycles = pl.col("NDOSE")
    return per_subject.with_columns(
        TRTDURD=(span + 1 + drug.extra_days).cast(pl.Float64),
        PLANDOSE=planned.cast(pl.Float64),
        NCYCLE=cycles.cast(pl.Float64),
    ).with_columns(
        AVGDOSE=pl.col("CUMDOSE") / (span + 1),
        RDI=100 * pl.col("CUMDOSE") / pl.col("PLANDOSE"),
    )


def _of_all(drugs: list[pl.DataFrame]) -> pl.DataFrame:
    """Duration over all drugs: from the first dose of any to the last dose of any."""
    everything = pl.concat([d.select("USUBJID", "FIRSTDT", "LASTDT", "seq") for d in drugs])
    return everything.group_by("USUBJID", maintain_order=True).agg(
        FIRSTDT=pl.col("FIRSTDT").min(),
        LASTDT=pl.col("LASTDT").max(),
        seq=pl.col("seq").min(),
        unit=pl.lit(None, pl.String),
        EXTRT=pl.lit("ALL"),
        TRTDURD=((pl.col("LASTDT").max() - pl.col("FIRSTDT").min()).dt.total_days() + 1).cast(
            pl.Float64
        ),
    )


def _long(wide: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for code, (label, unit) in PARAMETERS.items():
        if code not in wide.columns:
            continue
        is_date = wide.schema[code] == pl.Date
        rows.append(
            wide.select(
                "USUBJID",
                "EXTRT",
                PARAMCD=pl.lit(code),
                PARAM=pl.lit(label),
                AVAL=pl.lit(None, pl.Float64) if is_date else pl.col(code),
                AVALU=pl.col("unit") if unit == "dose" else pl.lit(unit, pl.String),
                ADT=pl.col(code) if is_date else pl.lit(None, pl.Date),
                SRCDOM=pl.lit("EX"),
                SRCVAR=pl.lit("EXSTDTC" if is_date else "EXDOSE"),
                SRCSEQ="seq",
            )
        )
    return pl.concat(rows).filter(pl.col("AVAL").is_not_null() | pl.col("ADT").is_not_null())
