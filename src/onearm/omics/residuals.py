"""What a permutation shuffles and what it is multiplied with: null residuals, centred features."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from onearm.omics.assay import Times
from onearm.omics.available import check_values, patterns
from onearm.omics.cox_null import null_cox
from onearm.stats.arguments import Floats, Integers


def design_matrix(strata: Integers, covariates: Floats) -> Floats:
    """One indicator a stratum, then the covariates, which a linear model removes."""
    indicators = (strata[:, None] == np.unique(strata)[None, :]).astype(np.float64)
    return np.column_stack((indicators, covariates))


def remove(columns: Floats, values: Floats) -> Floats:
    """What is left of ``values`` (rows, any) after least squares on ``columns`` (rows, q)."""
    basis, spread, _ = np.linalg.svd(columns, full_matrices=False)
    basis = basis[:, spread > 1e-10 * max(float(spread.max(initial=0.0)), 1e-300)]
    left: Floats = values - basis @ (basis.T @ values)
    return left


def linear_residual(outcome: Floats, strata: Integers, covariates: Floats) -> Floats:
    """Residuals of a response or an amount on strata and covariates; 0 where one is missing."""
    usable = np.isfinite(outcome) & np.isfinite(covariates).all(axis=1)
    residual = np.zeros(outcome.size)
    if usable.any():
        columns = design_matrix(strata[usable], covariates[usable])
        residual[usable] = remove(columns, outcome[usable])
    return _without_dust(residual, np.abs(outcome[usable]).max(initial=0.0))


def survival_residual(
    times: Times, strata: Integers, covariates: Floats
) -> tuple[Floats, Floats | None]:
    """Martingale residuals of Cox's model without a feature; 0 where the endpoint is missing.

    The second item is the information between two subjects, (subjects, subjects): x' G x is the
    variance of the score of x. It is None where there are covariates.
    """
    usable = np.isfinite(times.time) & np.isfinite(covariates).all(axis=1)
    residual = np.zeros(times.time.size)
    rows = np.flatnonzero(usable)
    if not times.event[rows].any():
        return residual, None
    null = null_cox(times.time[rows], times.event[rows], strata[rows], covariates[rows])
    residual[rows] = null.residual
    if covariates.shape[1]:
        return residual, None
    information = np.zeros((residual.size, residual.size))
    information[np.ix_(rows, rows)] = np.diag(null.expected) - null.share.T @ null.share
    return residual, information


def centred(values: Floats, strata: Integers, covariates: Floats) -> Floats:
    """Features less their means within strata and their regression on covariates.

    values: (subjects, features). A missing value stays NaN, and one is made where a covariate is
    missing; each feature is centred over the subjects that have it. A feature that does not vary
    within strata becomes 0.
    """
    values = check_values(values, strata.size)
    left = np.full(values.shape, np.nan)
    usable = np.asarray(np.isfinite(covariates).all(axis=1))
    for rows, columns in patterns(values, usable):
        if not rows.size:
            continue
        own = values[rows][:, columns]
        residual = remove(design_matrix(strata[rows], covariates[rows]), own)
        size = np.abs(own).max(axis=0)
        part = np.where(np.abs(residual).max(axis=0) > 1e-10 * size, residual, 0.0)
        every = np.arange(values.shape[1])[columns]
        left[np.ix_(rows, every)] = part
    return left


def ranked(values: Floats, strata: Integers) -> Floats:
    """Mid-ranks of each feature within each stratum, over n + 1; missing values stay missing.

    Source: van Elteren, Bulletin of the International Statistical Institute 37:351-361 (1960).
    """
    ranks = np.full(values.shape, np.nan)
    for number in np.unique(strata):
        inside = np.flatnonzero(strata == number)
        own = values[inside]
        there = ~np.isnan(own)
        # Missing values rank last, above all that are there, and are taken out again.
        order = rankdata(np.where(there, own, np.inf), axis=0)
        ranks[inside] = np.where(there, order / (there.sum(axis=0) + 1), np.nan)
    return ranks


def _without_dust(residual: Floats, size: float) -> Floats:
    """Zero where least squares left nothing but rounding."""
    if np.abs(residual).max(initial=0.0) <= 1e-12 * size:
        return np.zeros_like(residual)
    return residual
