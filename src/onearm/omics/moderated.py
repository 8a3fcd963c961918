"""Linear models of every feature on an outcome, with variances that borrow from all features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, ndtri, polygamma, stdtr, stdtrit

from onearm.omics.available import (
    check_covariates,
    check_strata,
    check_values,
    patterns,
)
from onearm.omics.residuals import design_matrix, remove
from onearm.stats.arguments import Floats, Integers, InvalidArgument


@dataclass(frozen=True, slots=True, eq=False)
class Moderated:
    """One item a feature: slope on the outcome, its moderated error, t, p, degrees of freedom.

    coefficient: difference in the feature a unit of the outcome (responders less the others for 0
    and 1). Limits by t with ``df``. sd: of the feature beside the design, before moderation. NaN
    where too few subjects have the feature or the outcome does not vary among them.
    ``prior_df`` and ``prior_variance`` are what all features say together.
    """

    coefficient: Floats
    std_err: Floats
    t: Floats
    p: Floats
    df: Floats
    lower: Floats
    upper: Floats
    sd: Floats
    n: Integers
    prior_df: float
    prior_variance: float


@dataclass(frozen=True, slots=True, eq=False)
class LinearFit:
    """One item a feature: slope, its standard error for a residual SD of 1, residual variance."""

    coefficient: Floats
    unscaled: Floats
    variance: Floats
    df: Floats
    n: Integers


def moderated_t(
    values: Floats,
    outcome: Floats,
    *,
    strata: Integers | None = None,
    covariates: Floats | None = None,
    weights: Floats | None = None,
    moderate: bool = True,
    level: float = 0.95,
) -> Moderated:
    """limma's moderated t of every feature.

    values: (subjects, features), NaN where missing: each feature is fitted in the subjects that
    have it. outcome: (subjects,), 0 and 1 or an amount, NaN for a subject without it. strata: one
    intercept each. covariates: (subjects, q). weights: (subjects, features), positive, such as
    voom's (see `voom.voom`). moderate: False leaves every feature its own variance, for features
    that are not of one kind.
    Source: Smyth, Statistical Applications in Genetics and Molecular Biology 3:3 (2004); agrees
    with R's ``eBayes(lmFit(...))``.
    """
    values = check_values(values, len(outcome))
    groups, design = check_strata(strata, len(outcome)), check_covariates(covariates, len(outcome))
    if weights is not None and weights.shape != values.shape:
        raise InvalidArgument("weights", f"of shape {weights.shape}", f"of shape {values.shape}")
    fit = _fit(values, np.asarray(outcome, dtype=np.float64), groups, design, weights)
    prior_df, prior_variance = squeeze(fit.variance, fit.df) if moderate else (0.0, 0.0)
    if np.isinf(prior_df):
        posterior = np.full(fit.df.size, prior_variance)
    else:
        pooled = fit.df * np.where(fit.df > 0, fit.variance, 0.0) + prior_df * prior_variance
        total = fit.df + prior_df
        posterior = np.divide(pooled, total, out=np.full(total.shape, np.nan), where=total > 0)
    df = np.minimum(fit.df + prior_df, fit.df.sum())
    std_err = fit.unscaled * np.sqrt(posterior)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = fit.coefficient / std_err
    usable = np.isfinite(t) & (fit.df > 0)
    t, df = np.where(usable, t, np.nan), np.where(usable, df, np.nan)
    half = _t_quantile(df, (1 + level) / 2) * std_err
    return Moderated(
        fit.coefficient,
        np.where(usable, std_err, np.nan),
        t,
        2 * np.asarray(stdtr(df, -np.abs(t))),
        df,
        fit.coefficient - half,
        fit.coefficient + half,
        np.sqrt(np.where(usable, fit.variance, np.nan)),
        fit.n,
        prior_df,
        prior_variance,
    )


def _t_quantile(df: Floats, share: float) -> Floats:
    """Student's quantile; the normal one where the degrees of freedom are without end."""
    normal = float(ndtri(share))
    return np.where(np.isinf(df), normal, stdtrit(np.where(np.isinf(df), 1.0, df), share))


def _fit(
    values: Floats, outcome: Floats, strata: Integers, covariates: Floats, weights: Floats | None
) -> LinearFit:
    p = values.shape[1]
    coefficient, unscaled, variance = (np.full(p, np.nan) for _ in range(3))
    df, n = np.zeros(p), np.zeros(p, dtype=np.int64)
    usable = np.isfinite(outcome) & np.isfinite(covariates).all(axis=1)
    for rows, columns in patterns(values, usable):
        n[columns] = rows.size
        if rows.size < 3:
            continue
        others = design_matrix(strata[rows], covariates[rows])
        x, y = values[rows][:, columns], outcome[rows]
        part = None
        if weights is None:
            part = _plain(x, y, others)
        else:
            part = weighted(x, y, others, weights[rows][:, columns])
        if part is not None:
            coefficient[columns], unscaled[columns], variance[columns], df[columns] = part
    return LinearFit(coefficient, unscaled, variance, df, n)


def _plain(
    x: Floats, y: Floats, others: Floats
) -> tuple[Floats, Floats | float, Floats, float] | None:
    """Least squares of x on the other columns and y; None where y does not vary beside them."""
    own = remove(others, y)
    length = float(own @ own)
    df = float(y.size - np.linalg.matrix_rank(others) - 1)
    if df <= 0 or length <= 1e-12 * float(y @ y):
        return None
    left = remove(others, x)
    slope = own @ left / length
    squares = np.einsum("ij,ij->j", left, left)
    # A feature that the design explains has nothing left but rounding.
    slope = np.where(squares > 1e-20 * np.square(x).sum(axis=0), slope, np.nan)
    left -= own[:, None] * np.nan_to_num(slope)
    variance = np.einsum("ij,ij->j", left, left) / df
    return slope, 1 / np.sqrt(length), variance, df


def weighted(
    x: Floats, y: Floats, others: Floats, weights: Floats
) -> tuple[Floats, Floats, Floats, float] | None:
    """As least squares, but each feature with its own weights; None as above."""
    own = remove(others, y)
    df = float(y.size - np.linalg.matrix_rank(others) - 1)
    if df <= 0 or float(own @ own) <= 1e-12 * float(y @ y):
        return None
    basis, spread, _ = np.linalg.svd(others, full_matrices=False)
    columns = np.column_stack((basis[:, spread > 1e-10 * spread.max()], own))
    k = columns.shape[1]
    normal = np.empty((x.shape[1], k, k))
    right = columns.T @ (weights * x)
    for i in range(k):
        for j in range(i + 1):
            normal[:, i, j] = normal[:, j, i] = (columns[:, i] * columns[:, j]) @ weights
    inverse = np.linalg.inv(normal)
    slopes = np.einsum("pij,jp->ip", inverse, right)
    left = x - columns @ slopes
    variance = np.einsum("ij,ij,ij->j", weights, left, left) / df
    return slopes[-1], np.sqrt(inverse[:, -1, -1]), variance, df


def squeeze(variance: Floats, df: Floats) -> tuple[float, float]:
    """Prior degrees of freedom (may be infinite) and prior variance of the residual variances.

    The logarithms of the variances are matched with a scaled F by their mean and variance. Fewer
    than two usable variances: 0 degrees of freedom. Source: Smyth (2004), section 6.2.
    """
    ok = np.isfinite(variance) & (df > 1e-15) & (variance > -1e-15)
    kept, d = np.maximum(variance[ok], 0.0), df[ok]
    if kept.size < 2:
        return 0.0, float(kept[0]) if kept.size else float("nan")
    middle = float(np.median(kept)) or 1.0
    kept = np.maximum(kept, 1e-5 * middle)
    e = np.log(kept) - digamma(d / 2) + np.log(d / 2)
    excess = float(e.var(ddof=1) - np.mean(polygamma(1, d / 2)))
    if excess <= 0:
        return float("inf"), float(kept.mean())
    prior = 2 * _inverse_trigamma(excess)
    return prior, float(np.exp(e.mean() + digamma(prior / 2) - np.log(prior / 2)))


def _inverse_trigamma(x: float) -> float:
    """The y above 0 with trigamma(y) = x, by Newton on 1 / trigamma, which is nearly straight."""
    if x > 1e7:
        return float(1 / np.sqrt(x))
    if x < 1e-6:
        return 1 / x
    y = 0.5 + 1 / x
    for _ in range(60):
        tri = float(polygamma(1, y))
        step = tri * (1 - tri / x) / float(polygamma(2, y))
        y += step
        if abs(step) < 1e-14 * y:
            break
    return y
