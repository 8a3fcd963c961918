"""Cytokines and other analytes with a limit of detection: ranked as censored, or seen at all.

`blocks.block` takes log2 with LOD / sqrt(2) below the limit; these are the other two readings.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from scipy.stats import rankdata

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.stats.arguments import Booleans


def censored(assay: Assay) -> Assay:
    """Ranks within each analyte, all values below the limit tied below all others.

    The substitute plays no part: nothing is claimed of a censored value but that it is small. With
    several limits an analyte's values above the lowest limit but below a higher one are treated as
    measured. Ranks are centred and scaled to standard deviation 1 over the samples that have the
    analyte; an analyte of one value is 0. Missing stays missing.
    Source: Helsel, Statistics for Censored Environmental Data, 2nd edition (2012), chapter 9.
    """
    low = _limits(assay)
    values = np.where(low, -np.inf, assay.values)
    values = np.where(np.isnan(assay.values) & ~low, np.nan, values)
    ranks = np.asarray(rankdata(values, axis=1, nan_policy="omit"), dtype=np.float64)
    known = ~np.isnan(values)
    n = np.maximum(known.sum(axis=1, keepdims=True), 1)
    gap = np.where(known, ranks - np.where(known, ranks, 0).sum(axis=1, keepdims=True) / n, 0.0)
    sd = np.sqrt((gap**2).sum(axis=1, keepdims=True) / np.maximum(n - 1, 1))
    scaled = np.divide(gap, sd, out=np.zeros(gap.shape), where=sd > 0)
    scores = np.where(known, scaled, np.nan)
    said = _said(assay, "ranks, values below the limit of detection tied lowest")
    return replace(assay, scale="score", values=scores, unit="", below_lod=None, details=said)


def seen(assay: Assay) -> Assay:
    """Above the limit of detection or not, as a binary assay; missing stays missing."""
    low = _limits(assay)
    values = np.where(low, 0.0, np.where(np.isnan(assay.values), np.nan, 1.0))
    return replace(assay, scale="binary", values=values, unit="", below_lod=None)


def flags(assay: Assay, *, share: float = 0.5) -> pl.DataFrame:
    """Analytes of which more than ``share`` of the values lie below the limit, with that share."""
    low = _limits(assay)
    known = np.maximum((~np.isnan(assay.values) | low).sum(axis=1), 1)
    frame = pl.DataFrame({"feature": assay.features, "below_lod_share": low.sum(axis=1) / known})
    return frame.filter(pl.col("below_lod_share") > share).sort("feature")


def _limits(assay: Assay) -> Booleans:
    if assay.scale not in ("linear", "log"):
        raise OnearmError(f"{assay.modality}: scale is {assay.scale}; linear or log is needed")
    if assay.below_lod is None:
        return np.zeros(assay.values.shape, dtype=bool)
    return assay.below_lod


def _said(assay: Assay, rule: str) -> dict[str, float | str]:
    return {**assay.details, "transformation": rule}
