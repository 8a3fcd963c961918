"""Circulating markers on treatment by classes with stated rules: clearance, fall, rise."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.omics.samples import RULES, choose_samples
from onearm.omics.transform import limits_filled
from onearm.stats.arguments import Booleans, Floats

CLEARANCE, FALL, STABLE, RISE, NEVER = "clearance", "fall", "stable", "rise", "not detected"
CLASSES = (CLEARANCE, FALL, STABLE, RISE, NEVER)

KINETICS: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "feature": pl.String(),
    "rule": pl.String(),
    "subject_id": pl.String(),
    "timepoint": pl.String(),
    "study_day": pl.Float64(),
    "baseline": pl.Float64(),
    "value": pl.Float64(),
    "is_detected_before": pl.Boolean(),
    "is_detected": pl.Boolean(),
    "kinetics": pl.String(),
}
"""Columns of the frame of kinetics, one row a subject, feature and later time point; ``kinetics``
is one of `CLASSES`, null where it cannot be told."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an amount fell or rose.

    fall, rise: shares of the baseline that it must fall or rise by (0: any). least: the baseline
    must be at least this, in the unit of the assay, else there is no class.
    """

    name: str
    fall: float
    rise: float
    least: float
    source: str


@cache
def rules() -> Mapping[str, Rule]:
    """The rules of kinetics.csv by name."""
    text = files("onearm.omics").joinpath("kinetics.csv").read_text(encoding="utf-8")
    return {
        row["rule"]: Rule(
            row["rule"], float(row["fall"]), float(row["rise"]), float(row["least"]), row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


def rule_of(name: str) -> Rule:
    """The rule of that name; raises `OnearmError` naming those there are."""
    if name not in rules():
        raise OnearmError(f"there is no rule of kinetics {name!r}; there are {', '.join(rules())}")
    return rules()[name]


def classify(
    before: Floats, after: Floats, found_before: Booleans, found_after: Booleans, rule: Rule
) -> list[str | None]:
    """The class of each subject.

    before, after: amounts on their own scale (no logarithm), NaN where not measured. found_*: above
    the limit of detection; an amount of 0 or less never is. Detected, then not: clearance,
    whatever the size of the fall. Not detected, then detected: rise. Detected in neither: not
    detected.

    >>> one, three = np.array([1.0]), np.array([3.0])
    >>> yes = np.array([True])
    >>> classify(one, three, yes, yes, rule_of("any"))
    ['rise']
    """
    measured = np.isfinite(before) & np.isfinite(after)
    early = found_before & (np.nan_to_num(before) > 0)
    late = found_after & (np.nan_to_num(after) > 0)
    fell = after < before if rule.fall == 0 else after <= before * (1 - rule.fall)
    rose = after > before if rule.rise == 0 else after >= before * (1 + rule.rise)
    chosen = np.select(
        [~early & ~late, ~early & late, early & ~late, fell, rose],
        [NEVER, RISE, CLEARANCE, FALL, RISE],
        STABLE,
    )
    low = np.nan_to_num(before) < rule.least
    return [str(word) if ok else None for word, ok in zip(chosen, measured & ~low, strict=True)]


def kinetics(
    assay: Assay, sheet: pl.DataFrame, *, baseline: str, later: tuple[str, ...], rule: Rule
) -> pl.DataFrame:
    """Every feature of an assay of linear amounts, by subject and later time point.

    Samples are chosen as for the blocks: the last before first dose, then the first of each later
    time point. A subject without a sample at either has no row. Columns of `KINETICS`, sorted by
    feature, time point in the order of ``later``, subject. Raises `OnearmError` for another scale.
    """
    if assay.scale != "linear":
        raise OnearmError(f"{assay.modality}: kinetics need linear amounts, not {assay.scale}")
    before = _chosen(assay, sheet, baseline, RULES[0])
    # Whatever stands for "below the limit" was measured, and is not missing.
    detected, amounts = _detected(assay), limits_filled(assay)
    parts = [pl.DataFrame(schema=pl.Schema(KINETICS))]
    for timepoint in later:
        after = _chosen(assay, sheet, timepoint, "first")
        both = sorted(set(before) & set(after))
        early = [before[subject][0] for subject in both]
        late = [after[subject][0] for subject in both]
        for row in sorted(range(len(assay.features)), key=assay.features.__getitem__):
            values, found = amounts[row], detected[row]
            words = classify(values[early], values[late], found[early], found[late], rule)
            parts.append(
                pl.DataFrame(
                    {
                        "modality": assay.modality,
                        "feature": assay.features[row],
                        "rule": rule.name,
                        "subject_id": both,
                        "timepoint": timepoint,
                        "study_day": [after[subject][1] for subject in both],
                        "baseline": values[early],
                        "value": values[late],
                        "is_detected_before": found[early],
                        "is_detected": found[late],
                        "kinetics": words,
                    },
                    schema=pl.Schema(KINETICS),
                )
            )
    frame = pl.concat(parts).with_columns(pl.col(pl.Float64).fill_nan(None))
    return frame.sort("feature", maintain_order=True)


def _detected(assay: Assay) -> Booleans:
    with np.errstate(invalid="ignore"):
        found: Booleans = assay.values > 0
    return found if assay.below_lod is None else found & ~assay.below_lod


def _chosen(
    assay: Assay, sheet: pl.DataFrame, timepoint: str, rule: str
) -> dict[str, tuple[int, float | None]]:
    """Column of the assay and study day of each subject's sample of a time point."""
    try:
        used = choose_samples(assay, sheet, timepoint=timepoint, rule=rule).filter("used")
    except OnearmError:
        # No usable sample at this time point: the blocks say so, and nobody has a class.
        return {}
    at = {sample: column for column, sample in enumerate(assay.samples)}
    return {
        subject: (at[sample], None if day is None else float(day))
        for subject, sample, day in used.select("subject_id", "sample_id", "study_day").iter_rows()
    }
