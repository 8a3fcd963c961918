"""Are the samples good, and are they whose they say: quality, sex, duplicates, swaps suggested."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import polars as pl

from onearm.errors import Finding, OnearmError, Place
from onearm.omics.assay import Assay
from onearm.omics.identity import (
    MIN_FEATURES,
    correlations,
    suggested_swaps,
    suspicious_pairs,
)
from onearm.omics.marked import marked
from onearm.omics.measure import Measured, Measures
from onearm.omics.quality import check_sex, sample_quality

MATRIX = ("counts", "linear", "log", "compositional", "share")
FEWEST_SAMPLES = 10
RULE = "omics.md, section 2"


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Quality of the samples; nothing is removed here.

    samples: modality and the columns of `sample_quality`. sex: modality and the columns of
    `check_sex`, for modalities with the genes of sex. pairs: pairs that look like one subject
    though two are claimed, or the reverse. swaps: samples of two modalities with common features
    whose best partner is another subject's (`suggested_swaps`). findings: what a person must look
    into.
    """

    samples: pl.DataFrame
    sex: pl.DataFrame
    pairs: pl.DataFrame
    swaps: pl.DataFrame
    findings: tuple[Finding, ...]


def verify(measured: Measured, found: Measures, columns: pl.DataFrame, *, sex: str = "") -> Quality:
    """Look at every modality of the measures that is a matrix of amounts.

    columns: of the subjects, first column ``subject_id``; sex: which of them holds F or M, empty
    where none does. Swaps are suggested, never applied: two samples whose genes show each other's
    sex are named together. Samples are those of the sheet.
    """
    samples, sexes, pairs = [], [], []
    findings: list[Finding] = []
    for name in sorted(found.blocks):
        assay = measured.assays[name]
        if assay.scale not in MATRIX or len(assay.samples) < FEWEST_SAMPLES:
            continue
        subjects = _subjects(assay, measured.sheet)
        quality = sample_quality(assay)
        samples.append(marked(quality, modality=name))
        if len(assay.features) >= MIN_FEATURES:
            odd = suspicious_pairs(correlations(assay, assay, subjects))
            pairs.append(marked(odd, modality=name))
        if sex and sex in columns.columns:
            judged = _sex(assay, subjects, columns.select("subject_id", sex))
            if judged is not None:
                sexes.append(judged)
                findings += _swaps(name, judged, subjects)
    swaps = _across(measured, found)
    return Quality(_together(samples), _together(sexes), _together(pairs), swaps, tuple(findings))


def _across(measured: Measured, found: Measures) -> pl.DataFrame:
    """Suggested swaps between every two modalities that share features."""
    names = [n for n in sorted(found.blocks) if measured.assays[n].scale in MATRIX]
    parts = []
    for one, other in combinations(names, 2):
        first, second = measured.assays[one], measured.assays[other]
        if len(set(first.features) & set(second.features)) < MIN_FEATURES:
            continue
        subjects = {**_subjects(first, measured.sheet), **_subjects(second, measured.sheet)}
        try:
            odd = suggested_swaps(correlations(first, second, subjects))
        except OnearmError:
            continue  # too few of the common features vary
        parts.append(marked(odd, modality_a=one, modality_b=other))
    return _together(parts)


def _together(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def _subjects(assay: Assay, sheet: pl.DataFrame) -> dict[str, str]:
    rows = sheet.filter(pl.col("modality") == assay.modality).select("sample_id", "subject_id")
    return dict(rows.iter_rows())


def _sex(assay: Assay, subjects: dict[str, str], columns: pl.DataFrame) -> pl.DataFrame | None:
    """The sex check, None for an assay without the genes."""
    clinical = dict(columns.iter_rows())
    told = {sample: str(clinical.get(subject) or "") for sample, subject in subjects.items()}
    try:
        judged = check_sex(assay, told)
    except OnearmError:
        return None
    return marked(judged, modality=assay.modality)


def _swaps(modality: str, judged: pl.DataFrame, subjects: dict[str, str]) -> list[Finding]:
    """One finding a sample of the wrong sex, naming whose it could be."""
    wrong = judged.filter(pl.col("verdict") == "differs").sort("sample_id")
    by_sex = {s: wrong.filter(pl.col("clinical") == s)["sample_id"].to_list() for s in ("F", "M")}
    found = []
    for row in wrong.iter_rows(named=True):
        others = by_sex["M" if row["clinical"] == "F" else "F"]
        hint = "Look up the tube, the plate and the request in the laboratory."
        if others:
            words = ", ".join(f"{o} ({subjects.get(o, '')})" for o in others)
            hint = f"A swap with {words} would explain it; nothing was changed. {hint}"
        found.append(
            Finding(
                Place(subject=subjects.get(row["sample_id"], ""), field=row["sample_id"]),
                row["expressed"],
                RULE,
                f"{modality}: the genes show sex {row['expressed']}, the trial has "
                f"{row['clinical']}",
                hint,
                "warning",
            )
        )
    return found
