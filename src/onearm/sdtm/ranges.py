"""Reference ranges of laboratory tests: limits in both units, and low, normal or high."""

from __future__ import annotations

import polars as pl

from onearm.terms.units import conversion, known_tests

TABLE = "lab_ranges"
"""The study's table of ranges: LBTESTCD, SEX (empty for both), low, high, unit."""

DIGITS = 12


def standard_ranges(table: pl.DataFrame) -> pl.DataFrame:
    """One row a test and sex with its limits in the table's unit and in the standard unit.

    table: ``terms/lab_ranges.csv`` of the study, all text. Returns LBTESTCD, SEX (M, F), _unit,
    _factor (Float64, from the table's unit to the standard), LBSTNRLO and LBSTNRHI (Float64) and
    the limits as written, _low and _high. Rows without a sex count for both.
    """
    both = table.with_columns(
        SEX=pl.when(pl.col("SEX").is_null() | (pl.col("SEX") == ""))
        .then(pl.lit("M F"))
        .otherwise("SEX")
        .str.split(" ")
    ).explode("SEX")
    factors = [_factor(code, unit) for code, unit in both.select("LBTESTCD", "unit").iter_rows()]
    scaled = both.with_columns(_factor=pl.Series(factors, dtype=pl.Float64))
    return scaled.select(
        "LBTESTCD",
        "SEX",
        _unit=pl.when(pl.col("unit") != "").then("unit"),
        _low="low",
        _high="high",
        LBSTNRLO=_scaled("low"),
        LBSTNRHI=_scaled("high"),
    )


def _scaled(limit: str) -> pl.Expr:
    value = pl.col(limit).cast(pl.Float64, strict=False) * pl.col("_factor")
    return value.round_sig_figs(DIGITS)


def _factor(code: str, unit: str | None) -> float:
    """What a limit is multiplied by to come into the standard unit; 1 where no table says."""
    known = known_tests().get(("LB", code))
    if not unit or known is None or known.unit == unit:
        return 1.0
    rule = conversion(code, unit, known.unit)
    return float(rule.factor) if rule else 1.0


def add_ranges(rows: pl.DataFrame, ranges: pl.DataFrame | None) -> pl.DataFrame:
    """Add LBORNRLO, LBORNRHI, LBSTNRLO, LBSTNRHI and LBNRIND to laboratory rows, in their order.

    rows: LBTESTCD, LBORRES, LBORRESU, LBSTRESN and SEX. Original limits are the table's where the
    result has the table's unit, and then both are compared as they were entered, not as LBSTRESN is
    rounded. LBNRIND is LOW, NORMAL or HIGH; limits themselves are normal; null without a number or
    without any limit. Rule: SDTMIG 3.4, section 6.3 (LB).
    """
    if ranges is None:
        return rows
    # Only the keys are joined: the other thirty columns stay where they are, uncopied.
    found = rows.select("LBTESTCD", "SEX", "LBORRES", "LBORRESU", "LBSTRESN").join(
        ranges, on=["LBTESTCD", "SEX"], how="left", maintain_order="left"
    )
    same = pl.col("LBORRESU").eq_missing(pl.col("_unit"))
    value, low, high = (
        pl.when(same & pl.col("LBSTRESN").is_not_null())
        .then(pl.col(own).str.strip_chars().cast(pl.Float64, strict=False))
        .otherwise(pl.col(standard))
        for own, standard in (
            ("LBORRES", "LBSTRESN"), ("_low", "LBSTNRLO"), ("_high", "LBSTNRHI")
        )
    )  # fmt: skip
    limits = found.select(
        "LBSTNRLO",
        "LBSTNRHI",
        LBORNRLO=pl.when(same).then("_low"),
        LBORNRHI=pl.when(same).then("_high"),
        LBNRIND=pl.when(value < low)
        .then(pl.lit("LOW"))
        .when(value > high)
        .then(pl.lit("HIGH"))
        .when(value.is_not_null() & (low.is_not_null() | high.is_not_null()))
        .then(pl.lit("NORMAL")),
    )
    given = [c for c in ("LBORNRLO", "LBORNRHI") if c in rows.columns]
    kept = [pl.coalesce(rows[c], limits[c]).alias(c) for c in given]
    return rows.with_columns(limits.get_columns()).with_columns(kept)
