"""ADLB: laboratory results with baseline, change, toxicity grades and the worst on treatment."""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.errors import Finding, Place
from onearm.frames import Frames
from onearm.grading import CALCIUM_PER_ALBUMIN, USUAL_ALBUMIN, add_grades, terms
from onearm.study.endpoints import Labs

COLUMNS = {
    "LBTEST": pl.String(), "LBSTRESN": pl.Float64(), "LBSTRESC": pl.String(),
    "LBSTRESU": pl.String(), "LBSTNRLO": pl.Float64(), "LBSTNRHI": pl.Float64(),
    "VISITNUM": pl.Float64(), "VISIT": pl.String(), "LBDTC": pl.String(),
}  # fmt: skip
SERIES = ["USUBJID", "PARAMCD"]


def check_units(results: pl.DataFrame, labs: Labs) -> list[Finding]:
    """A finding for each test whose unit is not the one that its absolute grade limits are in.

    results: LB. Such results have no grade: a haemoglobin in mmol/L is not compared with g/L.
    """
    if "LBSTRESU" not in results.columns:
        return []
    units = (
        results.filter(pl.col("LBSTRESN").is_not_null())
        .group_by("LBTESTCD", "LBSTRESU")
        .agg(n=pl.len(), subject=pl.col("USUBJID").first(), value=pl.col("LBSTRESN").first())
    )
    wanted = {test: term.units for term in terms(labs.grading) if term.units for test in term.tests}
    return [
        Finding(
            Place(subject=row["subject"], form="LB", field=row["LBTESTCD"]),
            f"{row['value']} {row['LBSTRESU']}",
            labs.grading,
            f"the unit of {row['LBTESTCD']} is not one that its grades are written in "
            f"({row['n']} results are not graded)",
            f"Convert to {wanted[row['LBTESTCD']][0]}.",
        )
        for row in units.sort("LBTESTCD", "LBSTRESU", nulls_last=True).iter_rows(named=True)
        if row["LBTESTCD"] in wanted and row["LBSTRESU"] not in wanted[row["LBTESTCD"]]
    ]


def derive_labs(
    domains: Frames, labs: Labs | None, subjects: pl.DataFrame, start: str
) -> pl.DataFrame | None:
    """One row a result of LB, and of each parameter worked out from others.

    domains: LB in standard units. subjects: ADSL with ``start`` and TRTEDT.
    Returns columns of the ADLB specification. Baseline is the last result on or before the
    start; on treatment is after the start, up to ``on_treatment_days`` after the last dose.
    None where the trial has no LB or the study no rules for it.
    """
    results = domains.get("LB")
    if results is None or labs is None:
        return None
    rows = _rows(results, labs)
    if "corrected_calcium" in labs.derived:
        rows = pl.concat([rows, _corrected_calcium(rows)], how="diagonal")
    rows = _with_baseline(_with_subjects(rows, subjects, start))
    return _with_worst(_with_grades(rows, labs), labs)


def _rows(results: pl.DataFrame, labs: Labs) -> pl.DataFrame:
    known = results.columns
    table = results.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in COLUMNS.items() if name not in known
    )
    symptoms = (
        pl.col(labs.symptoms_from) if labs.symptoms_from in known else pl.lit(None, pl.String)
    )
    return table.select(
        "USUBJID",
        "VISITNUM",
        PARAMCD="LBTESTCD",
        PARAM=pl.when(pl.col("LBSTRESU").is_null())
        .then("LBTEST")
        .otherwise(pl.format("{} ({})", "LBTEST", "LBSTRESU")),
        AVISIT="VISIT",
        ADT=dates.complete(pl.col("LBDTC")),
        AVAL=pl.col("LBSTRESN").cast(pl.Float64),
        AVALC="LBSTRESC",
        AVALU="LBSTRESU",
        ANRLO=pl.col("LBSTNRLO").cast(pl.Float64),
        ANRHI=pl.col("LBSTNRHI").cast(pl.Float64),
        symptoms=symptoms,
        SRCDOM=pl.lit("LB"),
        SRCVAR=pl.lit("LBSTRESN"),
        SRCSEQ=pl.col("LBSEQ").cast(pl.Int32),
    )


def _corrected_calcium(rows: pl.DataFrame) -> pl.DataFrame:
    """Calcium corrected for albumin, where both were measured on one day in mmol/L and g/L.

    Ca + 0.02 x (40 - albumin); the limits are those of calcium. Source: `grading.grades`.
    """
    albumin = (
        rows.filter(PARAMCD="ALB", AVALU="g/L")
        .group_by("USUBJID", "ADT")
        .agg(albumin=pl.col("AVAL").drop_nulls().first())
    )
    calcium = rows.filter(PARAMCD="CA", AVALU="mmol/L").join(albumin, on=["USUBJID", "ADT"])
    missing = USUAL_ALBUMIN - pl.col("albumin")
    corrected = (pl.col("AVAL") + float(CALCIUM_PER_ALBUMIN) * missing).round(6)
    return calcium.with_columns(
        AVAL=corrected,
        AVALC=pl.lit(None, pl.String),
        PARAMCD=pl.lit("CACR"),
        PARAM=pl.lit("Calcium corrected for albumin (mmol/L)"),
        PARAMTYP=pl.lit("DERIVED"),
    ).drop("albumin")


def _with_subjects(rows: pl.DataFrame, subjects: pl.DataFrame, start: str) -> pl.DataFrame:
    nothing = pl.lit(None, pl.Date)
    people = subjects.select(
        "USUBJID",
        start=pl.col(start) if start in subjects.columns else nothing,
        last_dose=pl.col("TRTEDT") if "TRTEDT" in subjects.columns else nothing,
    )
    return rows.join(people, on="USUBJID", validate="m:1", maintain_order="left")


def _range(value: str, low: str, high: str) -> pl.Expr:
    return (
        pl.when(pl.col(value) < pl.col(low))
        .then(pl.lit("LOW"))
        .when(pl.col(value) > pl.col(high))
        .then(pl.lit("HIGH"))
        .when(pl.col(value).is_not_null() & pl.any_horizontal(pl.col(low, high).is_not_null()))
        .then(pl.lit("NORMAL"))
    )


def _with_baseline(rows: pl.DataFrame) -> pl.DataFrame:
    """Add BASE, its range, CHG, PCHG, ABLFL, ANRIND and BNRIND."""
    baseline = (
        rows.filter(pl.col("AVAL").is_not_null() & (pl.col("ADT") <= pl.col("start")))
        .sort(*SERIES, "ADT", "VISITNUM", "SRCSEQ")
        .group_by(SERIES, maintain_order=True)
        .last()
        .select(*SERIES, BASE="AVAL", base_lln="ANRLO", base_uln="ANRHI", base_seq="SRCSEQ")
    )
    change = pl.col("AVAL") - pl.col("BASE")
    return (
        rows.join(baseline, on=SERIES, how="left", maintain_order="left")
        .with_columns(
            CHG=change,
            PCHG=pl.when(pl.col("BASE") != 0).then(100 * change / pl.col("BASE")),
            ABLFL=pl.when(pl.col("SRCSEQ") == pl.col("base_seq")).then(pl.lit("Y")),
            ANRIND=_range("AVAL", "ANRLO", "ANRHI"),
            BNRIND=_range("BASE", "base_lln", "base_uln"),
        )
        .drop("base_seq")
    )


def _with_grades(rows: pl.DataFrame, labs: Labs) -> pl.DataFrame:
    graded = add_grades(
        rows.with_columns(
            test="PARAMCD", value="AVAL", unit="AVALU", uln="ANRHI", lln="ANRLO", base="BASE"
        ),
        table=labs.grading,
    )
    at_base = graded.filter(pl.col("ABLFL") == "Y").select(
        *SERIES, BTOXGRL="ATOXGRL", BTOXGRH="ATOXGRH"
    )
    return graded.join(at_base, on=SERIES, how="left", maintain_order="left").with_columns(
        ATOXGRN=pl.max_horizontal("ATOXGRL", "ATOXGRH")
    )


def _with_worst(rows: pl.DataFrame, labs: Labs) -> pl.DataFrame:
    """Add ONTRTFL, and a flag a direction on the first result with the worst grade on treatment."""
    late = (pl.col("ADT") - pl.col("last_dose")).dt.total_days() > labs.on_treatment_days
    on_treatment = ((pl.col("ADT") > pl.col("start")) & ~late.fill_null(value=False)).fill_null(
        value=False
    )
    table = rows.with_columns(on=on_treatment).with_row_index("_row")
    worst = [
        pl.col("_row").is_in(_worst_rows(table, grade).implode()).alias(flag)
        for flag, grade in (("AWLOFL", "ATOXGRL"), ("AWHIFL", "ATOXGRH"))
    ]
    text = ["ATOXGRL", "ATOXGRH", "BTOXGRL", "BTOXGRH"]
    return table.with_columns(worst).with_columns(
        pl.col(text).cast(pl.String),
        *(pl.when(flag).then(pl.lit("Y")).alias(flag) for flag in ("AWLOFL", "AWHIFL")),
        ONTRTFL=pl.when("on").then(pl.lit("Y")),
    )


def _worst_rows(table: pl.DataFrame, grade: str) -> pl.Series:
    """The row numbers of each series' first result with the highest grade on treatment."""
    counted = table.filter(pl.col("on") & pl.col(grade).is_not_null()).select(
        *SERIES, "_row", "ADT", "SRCSEQ", grade
    )
    at_worst = counted.filter(pl.col(grade) == pl.col(grade).max().over(SERIES))
    return at_worst.group_by(SERIES).agg(pl.col("_row").sort_by("ADT", "SRCSEQ").first())["_row"]
