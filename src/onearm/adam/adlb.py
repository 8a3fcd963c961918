"""ADLB: laboratory results with baseline, change, toxicity grades and the worst on treatment."""

from __future__ import annotations

import polars as pl

from onearm import dates
from onearm.errors import Finding, Place
from onearm.frames import Frames
from onearm.grading import CALCIUM_PER_ALBUMIN, USUAL_ALBUMIN, add_grades, terms
from onearm.study.endpoints import Labs
from onearm.terms.units import conversion, known_tests

COLUMNS = {
    "LBTEST": pl.String(), "LBSTRESN": pl.Float64(), "LBSTRESC": pl.String(),
    "LBSTRESU": pl.String(), "LBSTNRLO": pl.Float64(), "LBSTNRHI": pl.Float64(),
    "VISITNUM": pl.Float64(), "VISIT": pl.String(), "LBDTC": pl.String(), "LBORRES": pl.String(),
    "LBORRESU": pl.String(), "LBORNRLO": pl.String(), "LBORNRHI": pl.String(),
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
    return _as_entered(table).select(
        "USUBJID",
        "VISITNUM",
        "value",
        "lln",
        "uln",
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


COMPARED = {
    "value": ("LBORRES", "LBSTRESN"), "lln": ("LBORNRLO", "LBSTNRLO"),
    "uln": ("LBORNRHI", "LBSTNRHI"),
}  # fmt: skip
"""What grades compare: as it was entered, and in standard units."""
SCALES = ("_factor", "_before", "_digit")


def _as_entered(table: pl.DataFrame) -> pl.DataFrame:
    """Add ``value``, ``lln`` and ``uln``, which grades compare: LBSTRESN and its limits, or what
    was entered in another unit with its limits, converted and not rounded.

    Rounded to the digits of LBSTRESN, 3.6 mg/dL of bilirubin would lie above three times 1.2. What
    LBSTRESN is not the rounding of (another's factor), and limits in one unit alone, are left.
    """
    kept = {name: pl.col(std).cast(pl.Float64) for name, (_, std) in COMPARED.items()}
    units = ["LBTESTCD", "LBORRESU", "LBSTRESU"]
    rules = [
        (test, unit, into, float(rule.factor), float(rule.before), 10.0**-known.digits)
        for test, unit, into in table.select(units).unique().drop_nulls().iter_rows()
        if (rule := conversion(test, unit, into)) and (known := known_tests().get(("LB", test)))
    ]
    if not rules:
        return table.with_columns(**kept)
    kinds = dict.fromkeys(units, pl.String()) | dict.fromkeys(SCALES, pl.Float64())
    scales = pl.DataFrame(rules, schema=kinds, orient="row")
    joined = table.join(scales, on=units, how="left", maintain_order="left", validate="m:1")
    own = {name: _converted(entered) for name, (entered, _) in COMPARED.items()}
    is_rounding = (own["value"] - kept["value"]).abs() <= 0.51 * pl.col("_digit")
    is_whole = pl.all_horizontal(own[n].is_null() == kept[n].is_null() for n in COMPARED)
    is_own = (is_rounding & is_whole).fill_null(value=False)
    return joined.with_columns(
        pl.when(is_own).then(own[n]).otherwise(kept[n]).alias(n) for n in COMPARED
    ).drop(SCALES)


def _converted(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    return (number + pl.col("_before")) * pl.col("_factor")


def _corrected_calcium(rows: pl.DataFrame) -> pl.DataFrame:
    """Calcium corrected for albumin, where both were measured on one day in mmol/L and g/L.

    Ca + 0.02 x (40 - albumin); the limits are those of calcium. Source: `grading.grades`.
    """
    albumin = (
        rows.filter(PARAMCD="ALB", AVALU="g/L")
        .group_by("USUBJID", "ADT")
        .agg(pl.col("AVAL", "value").drop_nulls().first().name.prefix("albumin_"))
    )
    calcium = rows.filter(PARAMCD="CA", AVALU="mmol/L").join(albumin, on=["USUBJID", "ADT"])

    def corrected(name: str) -> pl.Expr:
        missing = USUAL_ALBUMIN - pl.col(f"albumin_{name}")
        return (pl.col(name) + float(CALCIUM_PER_ALBUMIN) * missing).round(6)

    return calcium.with_columns(
        AVAL=corrected("AVAL"),
        value=corrected("value"),
        AVALC=pl.lit(None, pl.String),
        PARAMCD=pl.lit("CACR"),
        PARAM=pl.lit("Calcium corrected for albumin (mmol/L)"),
        PARAMTYP=pl.lit("DERIVED"),
    ).drop("albumin_AVAL", "albumin_value")


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
        .select(
            *SERIES, BASE="AVAL", base="value", base_lln="lln", base_uln="uln", base_seq="SRCSEQ"
        )
    )
    change = pl.col("AVAL") - pl.col("BASE")
    return (
        rows.join(baseline, on=SERIES, how="left", maintain_order="left")
        .with_columns(
            CHG=change,
            PCHG=pl.when(pl.col("BASE") != 0).then(100 * change / pl.col("BASE")),
            ABLFL=pl.when(pl.col("SRCSEQ") == pl.col("base_seq")).then(pl.lit("Y")),
            ANRIND=_range("value", "lln", "uln"),
            BNRIND=_range("base", "base_lln", "base_uln"),
        )
        .drop("base_seq")
    )


def _with_grades(rows: pl.DataFrame, labs: Labs) -> pl.DataFrame:
    graded = add_grades(
        rows.with_columns(test="PARAMCD", unit="AVALU"),
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
