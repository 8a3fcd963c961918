"""Shares of cell types in bulk expression, against a matrix the user supplies."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.optimize import nnls

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.omics.signatures import COMPARES, FOUND, MIN_FOUND, Scores

FIT = "fit_correlation"
"""Name of the further score: correlation of fitted and observed expression of the sample."""


def deconvolved(expression: Assay, profiles: Assay) -> Scores:
    """Shares of each cell type in each sample by non-negative least squares.

    expression: linear amounts (TPM), gene symbols by samples. profiles: genes by cell types, linear
    amounts of the pure types; its licence is the user's matter. On the genes both
    have, each gene is divided by its largest value over the types so that no
    gene outweighs the rest. Shares of a sample sum to 1. The last score is the correlation of
    fitted and observed values: below about 0.5 the profiles do not describe the sample.
    The numbers compare between samples, and between cell types as far as the profiles do.
    Genes with a missing value in any sample are left out. Raises for logarithms, and where fewer
    than 60% of the profiles' genes are found or fewer than there are types.
    Source: Abbas and others, PLoS ONE 4:e6098 (2009), with the weights held positive.
    """
    for one in (expression, profiles):
        if one.scale != "linear":
            raise OnearmError(
                f"{one.modality}: scale is {one.scale}; a sample is a mixture of cells on a linear "
                "scale only, so give TPM that were not logged"
            )
    at = {feature: row for row, feature in enumerate(expression.features)}
    complete = np.asarray(np.isfinite(expression.values).all(axis=1))
    genes = [g for g in sorted(profiles.features) if g in at and complete[at[g]]]
    asked, types = len(profiles.features), len(profiles.samples)
    if len(genes) < MIN_FOUND * asked or len(genes) < types:
        raise OnearmError(
            f"{profiles.modality}: {len(genes)} of {asked} genes found in {expression.modality}; "
            f"{MIN_FOUND:.0%} and at least one a cell type ({types}) are needed"
        )
    row = {feature: place for place, feature in enumerate(profiles.features)}
    pure = profiles.values[[row[gene] for gene in genes]]
    bulk = expression.values[[at[gene] for gene in genes]]
    scale = np.maximum(pure.max(axis=1, keepdims=True), 1e-12)
    pure, bulk = pure / scale, bulk / scale
    weights = np.column_stack([nnls(pure, sample)[0] for sample in bulk.T])
    total = weights.sum(axis=0)
    shares = np.divide(weights, total, out=np.full(weights.shape, np.nan), where=total > 0)
    fit = [_correlation(pure @ w, sample) for w, sample in zip(weights.T, bulk.T, strict=True)]
    assay = Assay(
        "deconvolution",
        "score",
        (*profiles.samples, FIT),
        expression.samples,
        np.vstack([shares, fit]),
        sources=(*expression.sources, *profiles.sources),
    )
    lacking = " ".join(sorted(set(profiles.features) - set(genes)))
    told = ("all types", "nnls", asked, len(genes), lacking, "scored", COMPARES["nnls"], "supplied")
    return Scores(assay, pl.DataFrame([told], schema=dict(FOUND), orient="row"))


def _correlation(fitted: np.ndarray, observed: np.ndarray) -> float:
    if np.ptp(fitted) == 0 or np.ptp(observed) == 0:
        return float("nan")
    return float(np.corrcoef(fitted, observed)[0, 1])
