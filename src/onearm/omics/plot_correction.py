"""Batch effects taken out of a matrix, for pictures only and without any outcome.

A corrected matrix is never tested and never trained on: correcting with the outcome in the model
and testing the result finds something in every data set of noise (omics.md, section 8). What comes
out here is no `Block`, so no engine takes it, and what goes in has no place for an outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onearm.errors import OnearmError
from onearm.omics.assay import Block
from onearm.stats.arguments import Floats, check_choice

Method = Literal["mean", "combat"]
METHODS = ("mean", "combat")


@dataclass(frozen=True, slots=True, eq=False)
class PlotMatrix:
    """Subjects x features for a picture; ``note`` goes under it."""

    features: tuple[str, ...]
    subjects: tuple[str, ...]
    values: Floats
    note: str


def corrected_for_plots(block: Block, batch: str, *, method: Method = "combat") -> PlotMatrix:
    """The block's values with the differences between batches taken out.

    batch: a column of ``block.columns``, which come from the sample sheet and hold no outcome.
    ``mean``: each feature's batch means are moved to their unweighted mean, as limma's
    removeBatchEffect does. ``combat``: means and variances of batches are shrunk over the features
    (parametric empirical Bayes) and taken out; batches of one subject only get the mean. NaN stays
    NaN. Raises for an unknown column, a missing label or a single batch.
    Source: Johnson, Li and Rabinovic, Biostatistics 8:118-127 (2007).
    """
    check_choice("method", method, METHODS)
    label = _labels(block, batch)
    levels, codes = np.unique(label, return_inverse=True)
    if levels.size < 2:
        raise OnearmError(f"{block.modality}: {batch} has one value; there is nothing to correct")
    values = _by_means(block.values, codes) if method == "mean" else _combat(block.values, codes)
    note = f"values corrected for {batch} ({method}), for this figure only; no test uses them"
    return PlotMatrix(block.features, block.subjects, values, note)


def _labels(block: Block, batch: str) -> np.ndarray:
    known = block.columns.columns[1:]
    if batch not in known:
        raise OnearmError(
            f"{block.modality}: {batch!r} is no column of the sample sheet; "
            f"it has {', '.join(known) or 'none'}"
        )
    label = block.columns.select("subject_id", batch)
    missing = label.filter(label[batch].is_null())["subject_id"].to_list()
    if missing:
        raise OnearmError(f"{block.modality}: {batch} is missing for {', '.join(missing[:5])}")
    of = dict(label.iter_rows())
    return np.array([str(of[subject]) for subject in block.subjects])


def _batch_means(values: Floats, codes: np.ndarray) -> Floats:
    """Means of each batch and feature over what was measured: (batches, features)."""
    measured = ~np.isnan(values)
    member = (codes[None, :] == np.arange(codes.max() + 1)[:, None]).astype(float)
    n = member @ measured
    sums = member @ np.where(measured, values, 0.0)
    means: Floats = np.divide(sums, n, out=np.full(n.shape, np.nan), where=n > 0)
    return means


def _by_means(values: Floats, codes: np.ndarray) -> Floats:
    means = _batch_means(values, codes)
    moved: Floats = values - (means - np.nanmean(means, axis=0))[codes]
    return moved


def _combat(values: Floats, codes: np.ndarray) -> Floats:
    """Location and scale of each batch, shrunk towards what the batch does to all features."""
    measured = ~np.isnan(values)
    n = measured.sum(axis=0)
    means = _batch_means(values, codes)
    weight = np.array([measured[codes == batch].sum(axis=0) for batch in range(len(means))])
    grand = np.nansum(weight * means, axis=0) / np.maximum(n, 1)
    pooled = np.sqrt(np.nansum((values - means[codes]) ** 2, axis=0) / np.maximum(n, 1))
    pooled = np.where(pooled > 0, pooled, 1.0)
    standard = (values - grand) / pooled
    corrected = np.empty_like(values)
    for batch in range(len(means)):
        rows = codes == batch
        location, scale = _shrunk(standard[rows])
        corrected[rows] = (standard[rows] - location) / np.sqrt(scale) * pooled + grand
    return corrected


def _shrunk(own: Floats) -> tuple[Floats, Floats]:
    """Posterior means of a batch's shift and variance of every feature.

    Priors: the shift is Gaussian, the variance inverse gamma, their moments those of the batch's
    own estimates over the features.
    """
    n = (~np.isnan(own)).sum(axis=0)
    has = n > 0
    shift = np.zeros(own.shape[1])
    shift[has] = np.nanmean(own[:, has], axis=0)
    if own.shape[0] < 2:
        return shift, np.ones(own.shape[1])
    variance = np.ones(own.shape[1])
    many = n > 1
    variance[many] = np.nanvar(own[:, many], axis=0, ddof=1)
    centre, spread = float(shift[has].mean()), float(shift[has].var(ddof=1))
    mean, width = float(variance[many].mean()), float(variance[many].var(ddof=1))
    if spread <= 0 or width <= 0:
        return shift, np.where(variance > 0, variance, 1.0)
    shape, rate = mean**2 / width + 2, mean**3 / width + mean
    location, scale = shift, variance
    for _ in range(200):
        next_location = (n * spread * shift + scale * centre) / (n * spread + scale)
        squares = np.nansum((own - next_location) ** 2, axis=0)
        next_scale = (rate + squares / 2) / (n / 2 + shape - 1)
        moved = max(_change(next_location, location), _change(next_scale, scale))
        location, scale = next_location, next_scale
        if moved < 1e-6:
            break
    return location, scale


def _change(new: Floats, old: Floats) -> float:
    return float((np.abs(new - old) / np.maximum(np.abs(old), 1e-6)).max())
