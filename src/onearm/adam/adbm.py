"""ADBM: the markers of the analysis plan, one row a subject, parameter and time point."""

from __future__ import annotations

import polars as pl

from onearm.study.biomarkers import Biomarkers

PROGRAMME = "P{number:02d}"
"""Parameter code of a programme: its place in biomarkers.yaml."""


def derive_markers(markers: pl.DataFrame, plan: Biomarkers) -> pl.DataFrame:
    """The rows of ADBM from the markers that the engine measured, without any outcome.

    markers: the frame of `onearm.omics.measure.markers`: subject_id, tier, name, modality,
    timepoint, study_day, value, unit, cut, source. Only candidates and programmes are there: single
    features of discovery stay in the assay's own files. CRIT1FL says whether the value is at or
    above the cutpoint that the plan fixed, empty without one. Rows without a value are left out.
    """
    words = parameters(plan)
    codes = {name: code for name, (code, _) in words.items()}
    labels = {name: label for name, (_, label) in words.items()}
    baseline = {assay.name: assay.timepoint for assay in plan.modalities}
    flag = pl.when(pl.col("value") >= pl.col("cut")).then(pl.lit("Y")).otherwise(pl.lit("N"))
    first = pl.col("modality").replace_strict(baseline, default=None, return_dtype=pl.String)
    return markers.filter(pl.col("value").is_not_null(), pl.col("name").is_in(list(words))).select(
        USUBJID="subject_id",
        PARCAT1="modality",
        PARCAT2="tier",
        PARAM=pl.col("name").replace_strict(labels, return_dtype=pl.String),
        PARAMCD=pl.col("name").replace_strict(codes, return_dtype=pl.String),
        ATPT="timepoint",
        ADY=pl.col("study_day").round(0).cast(pl.Int32),
        AVAL="value",
        AVALU="unit",
        CRIT1=pl.when(pl.col("cut").is_not_null()).then(pl.format(">= {}", pl.col("cut").round(4))),
        CRIT1FL=pl.when(pl.col("cut").is_not_null()).then(flag),
        ABLFL=pl.when(pl.col("timepoint") == first).then(pl.lit("Y")),
        SRCDOM=pl.lit("assay"),
        SRCVAR="source",
    )


def parameters(plan: Biomarkers) -> dict[str, tuple[str, str]]:
    """Code and label of each marker by the name that the engine knows it by."""
    found = {c.name: (c.name, str(c.label)) for c in plan.candidates}
    for number, name in enumerate(plan.programmes.names if plan.programmes else (), start=1):
        label = name.replace("_", " ").capitalize()
        found[name] = (PROGRAMME.format(number=number), label)
    return found
