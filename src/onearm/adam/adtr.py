"""ADTR: diameters of target lesions, their sum, and its change from baseline and from the nadir."""

from __future__ import annotations

import polars as pl

from onearm.adam.lesions import Readings
from onearm.response import in_mm
from onearm.study.assessments import Measure, Tumours

CASE = ["USUBJID", "reader"]


def derive_tumour_results(
    readings: Readings, tumours: Tumours, limits: pl.DataFrame
) -> pl.DataFrame:
    """One row a lesion and visit, and one row a sum and visit, for every reader.

    limits: one row a subject and reader: USUBJID, ``reader``, ``pd`` (Date, day of the assessment
    with the first progression) and ``new_therapy`` (Date); null where there is none.
    Returns columns of the ADTR specification; values in mm. A visit on which no target lesion was
    assessed has no sum. BASE is the complete baseline sum; NADIR the smallest complete
    sum of earlier visits, baseline included; percentages of 0 are null.
    Source: RECIST 1.1, 4.3.1.
    """
    sums = _sums(readings, tumours, limits)
    return pl.concat([*_lesion_rows(readings, tumours), sums], how="diagonal")


def _lesion_rows(readings: Readings, tumours: Tumours) -> list[pl.DataFrame]:
    targets = readings.lesions.filter(role="target")
    values = {
        "analysis": pl.when("nodal").then("LPERP").otherwise("LDIAM"),
        "longest": pl.col("LDIAM"),
        "perpendicular": pl.col("LPERP"),
    }
    return [
        targets.with_columns(AVAL=values[measure.of])
        .filter(pl.col("AVAL").is_not_null())
        .select(
            *_common(tumours),
            "AVAL",
            **_parameter(measure),
            TRLNKID="lesion",
            TULOC="TULOC",
            TULOCGR1=pl.when("nodal").then(pl.lit("NODAL")).otherwise(pl.lit("NON-NODAL")),
            ANL01FL=pl.lit("Y"),
            LSEXP="lesion",
            LSASS="lesion",
        )
        for measure in tumours.measures
    ]


def _parameter(measure: Measure) -> dict[str, pl.Expr]:
    number = pl.col("lesion").str.extract(r"(\d+)").str.strip_chars_start("0")

    def numbered(text: str) -> pl.Expr:
        if "{n}" not in text:
            return pl.lit(text)
        before, after = text.split("{n}")
        return pl.concat_str(pl.lit(before), number, pl.lit(after))

    return {"PARAMCD": numbered(measure.param), "PARAM": numbered(measure.label)}


def _common(tumours: Tumours) -> list[pl.Expr]:
    baseline = pl.col("time_point") == 0
    return [
        pl.col("USUBJID"),
        pl.lit(tumours.category).alias("PARCAT1"),
        pl.col("reader").alias("PARCAT2"),
        pl.col("VISITNUM"),
        pl.when(baseline).then(pl.lit("BASELINE")).otherwise("VISIT").alias("AVISIT"),
        pl.when(baseline).then(0.0).otherwise("VISITNUM").alias("AVISITN"),
        pl.col("date").alias("ADT"),
        pl.when("imputed").then(pl.lit("D")).alias("ADTF"),
        pl.lit("TR").alias("SRCDOM"),
        pl.lit("TRSTRESN").alias("SRCVAR"),
        pl.col("seq").alias("SRCSEQ"),
    ]


def _sums(readings: Readings, tumours: Tumours, limits: pl.DataFrame) -> pl.DataFrame:
    targets = readings.lesions.filter(role="target")
    expected = (
        targets.filter(time_point=0)
        .group_by(CASE)
        .agg(LSEXP=pl.col("lesion").unique().sort().str.join(", "))
    )
    assessed = (
        targets.filter(
            pl.col("size").is_not_null() | pl.col("state").is_in(["absent", "too_small"])
        )
        .group_by(*CASE, "time_point")
        .agg(LSASS=pl.col("lesion").unique().sort().str.join(", "))
    )
    rows = (
        readings.points.filter(pl.col("sum").is_not_null())
        .join(expected, on=CASE, how="left")
        .join(assessed, on=[*CASE, "time_point"], how="left")
        .join(limits, on=CASE, how="left")
        .with_columns(best=_is_best(tumours), before=_before_progression())
    )
    return rows.select(
        *_common(tumours),
        AVAL=in_mm("sum"),
        PARAMCD=pl.lit(tumours.sum),
        PARAM=pl.lit("Sum of diameters of target lesions (mm)"),
        BASE=in_mm("base"),
        CHG=in_mm("change"),
        PCHG="pct_change",
        NADIR=in_mm("nadir"),
        CHGNAD=in_mm("change_nadir"),
        PCHGNAD="pct_change_nadir",
        ABLFL=_flag(pl.col("time_point") == 0),
        ANL01FL=_flag(pl.col("complete")),
        ANL02FL=_flag(pl.col("best")),
        ANL03FL=_flag(pl.col("before")),
        LSEXP="LSEXP",
        LSASS="LSASS",
    )


def _flag(holds: pl.Expr) -> pl.Expr:
    return pl.when(holds).then(pl.lit("Y"))


def _before_progression() -> pl.Expr:
    before = pl.col("pd").is_null() | (pl.col("date") < pl.col("pd"))
    return pl.col("complete") & before


def _is_best(tumours: Tumours) -> pl.Expr:
    """Whether a visit has the smallest complete percent change after baseline (the first such)."""
    counts = pl.col("complete") & (pl.col("time_point") > 0) & pl.col("pct_change").is_not_null()
    if tumours.best_until == "follow-up":
        counts &= pl.col("pd").is_null() | (pl.col("date") <= pl.col("pd"))
        counts &= pl.col("new_therapy").is_null() | (pl.col("date") < pl.col("new_therapy"))
    candidate = pl.when(counts).then("pct_change")
    is_lowest = candidate == candidate.min().over(CASE)
    # Of equal changes the first in time: rows are in order of time within subject and reader.
    return (is_lowest & (is_lowest.cast(pl.Int32).cum_sum().over(CASE) == 1)).fill_null(value=False)
