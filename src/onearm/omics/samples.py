"""Which sample of a subject stands for a time point, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Assay

RULES = ("last before first dose", "first", "last", "mean of replicates")
"""``last before first dose`` is for baseline; the others take any day of the time point."""

FIRST_DOSE_DAY = 1  # a sample of day 1 is drawn before the dose

CHOICES: Mapping[str, pl.DataType] = {
    "subject_id": pl.String(),
    "sample_id": pl.String(),
    "study_day": pl.Int64(),
    "used": pl.Boolean(),
    "reason": pl.String(),
}
"""Columns of the frame of choices, one row a sample of the time point."""


def choose_samples(
    assay: Assay, sheet: pl.DataFrame, *, timepoint: str, rule: str = RULES[0]
) -> pl.DataFrame:
    """One row a sample of this modality and time point: used or not, with the reason.

    sheet: needs sample_id, subject_id, modality and timepoint; study_day, collection_date, qc_pass
    and exclude_reason count where present. Samples that failed QC, were excluded or are not in the
    assay are never used. Of the others the rule takes one a subject (all of them for ``mean of
    replicates``): by study day, then collection date, then name; a sample whose day is not known
    ranks behind those whose day is. Returns `CHOICES`, sorted by subject and sample.
    Raises for an unknown rule, a time point the sheet does not have, or no usable sample.
    Source: omics.md, section 1.
    """
    if rule not in RULES:
        raise OnearmError(f"sample rule {rule!r} is not known; choose one of {', '.join(RULES)}")
    rows = _rows(assay, sheet, timepoint)
    rows = rows.with_columns(reason=_unusable(assay, rule)).with_columns(
        fits=pl.col("reason") == ""
    )
    order = ["fits", "known", "study_day", "collection_date", "sample_id"]
    latest = rule in ("last before first dose", "last")
    rows = rows.sort(
        "subject_id",
        *order,
        descending=[False, True, True, latest, latest, latest],
        nulls_last=True,
    )
    place = pl.int_range(pl.len()).over("subject_id")
    used = pl.col("fits") if rule == "mean of replicates" else pl.col("fits") & (place == 0)
    chosen = (
        rows.with_columns(used=used)
        .with_columns(reason=_reason(rule))
        .select(pl.col(name).cast(dtype) for name, dtype in CHOICES.items())
        .sort("subject_id", "sample_id")
    )
    if not chosen.get_column("used").any():
        raise OnearmError(_nobody(assay, timepoint, rule, chosen))
    return chosen


def reasons(chosen: pl.DataFrame) -> list[tuple[str, int]]:
    """Why samples are not used, and how many for each reason; days are not told apart."""
    kind = pl.col("reason").str.replace(r" \(study day .*\)$", "")
    lost = chosen.filter(~pl.col("used")).group_by(kind).len().sort("reason")
    return list(lost.iter_rows())


def _rows(assay: Assay, sheet: pl.DataFrame, timepoint: str) -> pl.DataFrame:
    """The sheet's rows of the modality and time point, optional columns filled with null."""
    optional = {
        "study_day": pl.Int64,
        "collection_date": pl.Date,
        "qc_pass": pl.Boolean,
        "exclude_reason": pl.String,
    }
    missing = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in optional.items()
        if name not in sheet.columns
    ]
    of_modality = sheet.filter(pl.col("modality") == assay.modality)
    rows = of_modality.filter(pl.col("timepoint") == timepoint).with_columns(missing)
    if rows.is_empty():
        known = ", ".join(sorted(of_modality.get_column("timepoint").drop_nulls().unique()))
        raise OnearmError(
            f"{assay.modality}: the sample sheet has no sample at {timepoint!r}; it has {known}"
        )
    return rows.with_columns(known=pl.col("study_day").is_not_null())


def _unusable(assay: Assay, rule: str) -> pl.Expr:
    """Why a sample cannot be used at all; empty where it can."""
    day = pl.col("study_day")
    excluded = pl.col("exclude_reason").fill_null("").str.strip_chars()
    after = (
        (day > FIRST_DOSE_DAY).fill_null(value=False)
        if rule == "last before first dose"
        else pl.lit(value=False)
    )
    return (
        pl.when(excluded != "")
        .then("excluded: " + excluded)
        .when(~pl.col("qc_pass").fill_null(value=True))
        .then(pl.lit("failed QC"))
        .when(~pl.col("sample_id").is_in(list(assay.samples)))
        .then(pl.lit(f"not in the data of {assay.modality}"))
        .when(after)
        .then(pl.format("taken after first dose (study day {})", day))
        .otherwise(pl.lit(""))
    )


def _reason(rule: str) -> pl.Expr:
    by_label = pl.col("used") & ~pl.col("known") & pl.lit(rule == "last before first dose")
    return (
        pl.when(by_label)
        .then(pl.lit("day not known: taken by the label of the time point"))
        .when(pl.col("used") | ~pl.col("fits"))
        .then(pl.col("reason"))
        .otherwise(pl.lit(f"another sample of the subject is used ({rule})"))
    )


def _nobody(assay: Assay, timepoint: str, rule: str, chosen: pl.DataFrame) -> str:
    told = "; ".join(f"{n} {reason}" for reason, n in reasons(chosen))
    hint = (
        " Give the rule 'first' for a time point on treatment."
        if rule == "last before first dose"
        else ""
    )
    return f"{assay.modality}: no sample at {timepoint!r} can be used: {told}.{hint}"
