"""Quality of samples and features without a look at any outcome; nothing is removed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from scipy.stats import chi2, norm

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.omics.blocks import detected
from onearm.omics.transform import (
    limits_filled,
    log2_cpm,
    mean_of_measured,
    on_log_scale,
    transformed,
)
from onearm.stats.arguments import Floats, check_between

TOP_FEATURES = 2000
COMPONENTS = 3
MAD_TO_SD = 1.4826

FEMALE_GENE = "XIST"
MALE_GENES = ("DDX3Y", "EIF1AY", "KDM5D", "RPS4Y1", "TXLNGY", "USP9Y", "UTY", "ZFY")
"""Genes of the Y chromosome outside the pseudoautosomal regions, expressed in most tissues."""


def sample_quality(assay: Assay, *, level: float = 0.999) -> pl.DataFrame:
    """One row a sample: depth, features detected, missing rate, distance from the centre.

    sample_id; depth (sum of reads; null for scales without reads); detected (features, as
    `blocks.detected`); missing_rate; score_distance and orthogonal_distance of `robust_distances`
    with their cutoffs; is_outlier where either is beyond its cutoff. level: probability that a
    sample of a Gaussian cloud lies inside each cutoff. Sorted as the assay.
    """
    n = len(assay.features)
    counted = assay.scale in ("counts", "compositional")
    depth = np.nansum(assay.values, axis=0) if counted else np.full(len(assay.samples), np.nan)
    frame = pl.DataFrame(
        {
            "sample_id": assay.samples,
            "depth": depth,
            "detected": detected(assay).sum(axis=0).astype(np.int64),
            "missing_rate": np.isnan(assay.values).sum(axis=0) / n,
        }
    ).with_columns(pl.col("depth").fill_nan(None))
    scale_free = _varying(_additive(_present(assay)))
    return frame.hstack(robust_distances(scale_free, level=level))


def robust_distances(values: Floats, *, level: float = 0.999) -> pl.DataFrame:
    """Distance of each sample from the centre of the others, by robust principal components.

    values: (features, samples) on an additive scale; a missing value counts as its feature's
    median. Features are centred and scaled by median and MAD, samples projected on the unit sphere
    to find directions no single sample can turn, and three components kept. score_distance is
    measured within their plane in robust standard deviations, against sqrt(chi-squared quantile);
    orthogonal_distance from the plane, against Hubert's normal approximation of its 2/3 power.
    Fewer than 6 samples have no distances (null). The cutoffs are approximate: in simulated clean
    cohorts of 10 to 100 samples about one sample in two cohorts is flagged, so look, do not drop.
    Source: Locantore and others, Test 8:1-73 (1999); Hubert and others, Technometrics 47:64-79
    (2005), equation 4.
    """
    check_between("level", level)
    names = ["score_distance", "score_cutoff", "orthogonal_distance", "orthogonal_cutoff"]
    n = values.shape[1]
    k = min(COMPONENTS, n - 3, values.shape[0])
    if n < 6 or k < 1:
        none: dict[str, list[None]] = {name: [None] * n for name in names}
        schema = dict.fromkeys(names, pl.Float64)
        return pl.DataFrame(none, schema=schema).with_columns(is_outlier=pl.lit(None, pl.Boolean))
    cloud = _standardised(values).T
    centre = _spatial_median(cloud)
    cloud = cloud - centre
    length = np.linalg.norm(cloud, axis=1, keepdims=True)
    sphere = np.divide(cloud, length, out=np.zeros(cloud.shape), where=length > 0)
    # Subjects are few and features many: the axes come from the small product.
    spread, axes = np.linalg.eigh(sphere @ sphere.T)
    directions = (sphere.T @ axes[:, -k:] / np.sqrt(np.maximum(spread[-k:], 1e-300))).T
    scores = cloud @ directions.T
    off = np.linalg.norm(cloud - scores @ directions, axis=1)
    width = np.maximum(_mad(scores, axis=0), 1e-300)
    score = np.sqrt((((scores - np.median(scores, axis=0)) / width) ** 2).sum(axis=1))
    score_cutoff = float(np.sqrt(chi2.ppf(level, k)))
    power = off ** (2 / 3)
    limit = np.median(power) + _mad(power, axis=0) * norm.ppf(level)
    off_cutoff = float(limit**1.5)
    outlier = (score > score_cutoff) | (off > off_cutoff)
    columns = [score, np.full(n, score_cutoff), off, np.full(n, off_cutoff)]
    frame = pl.DataFrame(dict(zip(names, columns, strict=True)))
    return frame.with_columns(pl.Series("is_outlier", outlier))


def feature_quality(assay: Assay) -> pl.DataFrame:
    """One row a feature: prevalence, variance, missing rate and share below the LOD.

    prevalence: share of samples it is detected in (`blocks.detected`). variance: of the values as
    measured, limits of detection filled in; null below two values. below_lod_share is null where
    the modality has no limit.
    """
    n = len(assay.samples)
    filled = limits_filled(assay)
    known = ~np.isnan(filled)
    count = known.sum(axis=1)
    mean = np.where(known, filled, 0).sum(axis=1) / np.maximum(count, 1)
    squares = (np.where(known, filled - mean[:, None], 0) ** 2).sum(axis=1)
    variance = np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)
    lod = assay.below_lod
    share = [None] * len(assay.features) if lod is None else (lod.sum(axis=1) / n).tolist()
    return pl.DataFrame(
        {
            "feature": assay.features,
            "prevalence": detected(assay).sum(axis=1) / n,
            "variance": variance,
            "missing_rate": np.isnan(assay.values).sum(axis=1) / n,
            "below_lod_share": pl.Series(share, dtype=pl.Float64),
        }
    ).with_columns(pl.col("variance").fill_nan(None))


def check_sex(
    assay: Assay, sex: Mapping[str, str], *, symbols: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Compare XIST and the Y chromosome's genes with the clinical sex of each sample.

    sex: ``F`` or ``M`` by sample; others are not judged. symbols: gene symbol by feature where the
    features are no symbols. One row a sample: sample_id, clinical, xist and y_genes (log2; mean of
    the genes there are), expressed (F, M or empty), verdict: ``agrees``, ``differs`` or
    ``not clear``. A sample expresses the sex whose genes lie above the middle between the
    lowest and highest value of the cohort while the other's lie below. Tumours lose XIST or Y, so
    neither or both is not clear, and so is a cohort in which a marker moves less than 2 log2 units
    (samples of one sex cannot be told apart by it). Raises where XIST
    or all genes of the Y chromosome are absent.
    """
    values = on_log_scale(assay)
    name = symbols or {}
    rows: dict[str, int] = {name.get(f, f): row for row, f in enumerate(assay.features)}
    male = [rows[gene] for gene in MALE_GENES if gene in rows]
    if FEMALE_GENE not in rows or not male:
        raise OnearmError(
            f"{assay.modality}: the sex check needs {FEMALE_GENE} and one of "
            f"{', '.join(MALE_GENES)}; the features have "
            f"{'no ' if FEMALE_GENE not in rows else ''}{FEMALE_GENE} and {len(male)} of the others"
        )
    xist, y = values[rows[FEMALE_GENE]], mean_of_measured(values[male])
    expressed = np.select(
        [_high(xist) & _low(y), _low(xist) & _high(y)], ["F", "M"], default=""
    ).tolist()
    clinical = [sex.get(sample, "") for sample in assay.samples]
    return pl.DataFrame(
        {
            "sample_id": assay.samples,
            "clinical": clinical,
            "xist": xist,
            "y_genes": y,
            "expressed": expressed,
            "verdict": [_verdict(c, e) for c, e in zip(clinical, expressed, strict=True)],
        }
    )


SEX_RANGE = 2.0  # log2 units: below it a marker shows one sex only


def _verdict(clinical: str, expressed: str) -> str:
    if clinical not in ("F", "M") or not expressed:
        return "not clear"
    return "agrees" if clinical == expressed else "differs"


def _middle(values: Floats) -> float:
    low, high = np.nanmin(values), np.nanmax(values)
    return float((low + high) / 2) if high - low >= SEX_RANGE else float("nan")


def _high(values: Floats) -> np.ndarray:
    return np.asarray(values > _middle(values))


def _low(values: Floats) -> np.ndarray:
    return np.asarray(values < _middle(values))


def _present(assay: Assay) -> Assay:
    """Features found in half of the samples, so that zeros do not make the distances."""
    enough = np.flatnonzero(detected(assay).sum(axis=1) * 2 >= len(assay.samples))
    info = assay.feature_info
    return replace(
        assay,
        features=tuple(assay.features[row] for row in enough),
        values=assay.values[enough],
        below_lod=None if assay.below_lod is None else assay.below_lod[enough],
        feature_info=info[enough] if info.height else info,
    )


def _additive(assay: Assay) -> Floats:
    """Values on an additive scale; counts by their plain totals, so that a failed sample counts."""
    if assay.scale == "counts":
        counts = limits_filled(assay)
        return log2_cpm(counts, np.nansum(counts, axis=0))
    return transformed(assay).values


def _varying(values: Floats) -> Floats:
    """The features of largest MAD, those of none left out."""
    filled = np.where(np.isnan(values), _median(values)[:, None], values)
    spread = _mad(filled, axis=1)
    order = np.argsort(-spread, kind="stable")[:TOP_FEATURES]
    return filled[order[spread[order] > 0]]


def _median(values: Floats) -> Floats:
    known = ~np.isnan(values).all(axis=1)
    medians = np.zeros(values.shape[0])
    medians[known] = np.nanmedian(values[known], axis=1)
    return medians


def _standardised(values: Floats) -> Floats:
    filled = np.where(np.isnan(values), _median(values)[:, None], values)
    spread = _mad(filled, axis=1)[:, None]
    centred = filled - np.median(filled, axis=1, keepdims=True)
    scaled: Floats = np.divide(centred, spread, out=centred, where=spread > 0)
    return scaled


def _mad(values: Floats, *, axis: int) -> Floats:
    """Median absolute deviation, scaled to a Gaussian standard deviation."""
    middle = np.median(values, axis=axis, keepdims=True)
    mad: Floats = MAD_TO_SD * np.median(np.abs(values - middle), axis=axis)
    return mad


def _spatial_median(cloud: Floats) -> Floats:
    """The point of least summed distance to the rows, by Weiszfeld's iteration."""
    centre: Floats = np.median(cloud, axis=0)
    for _ in range(100):
        distance = np.linalg.norm(cloud - centre, axis=1)
        weight = 1 / np.maximum(distance, 1e-12)
        moved = weight @ cloud / weight.sum()
        if np.linalg.norm(moved - centre) <= 1e-9 * (1 + np.linalg.norm(centre)):
            return np.asarray(moved)
        centre = moved
    return centre
