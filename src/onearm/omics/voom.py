"""Precision weights for counts: how the scatter of a gene falls with its mean count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.omics.available import check_covariates, check_strata
from onearm.omics.residuals import design_matrix, remove
from onearm.stats.arguments import Floats, Integers, InvalidArgument


@dataclass(frozen=True, slots=True, eq=False)
class Voom:
    """(subjects, features): log2 counts per million, and the weight of each observation."""

    values: Floats
    weights: Floats


def voom(
    counts: Floats,
    outcome: Floats,
    *,
    library: Floats | None = None,
    strata: Integers | None = None,
    covariates: Floats | None = None,
    span: float = 0.5,
) -> Voom:
    """Transform counts for `moderated_t` with weights.

    counts: (subjects, features), no value missing. outcome, strata, covariates: the model that the
    means are fitted with; nothing missing. library: effective library sizes, by default the sums.
    Raises `InvalidArgument` for missing or negative counts or a missing outcome.
    Source: Law, Chen, Shi and Smyth, Genome Biology 15:R29 (2014); agrees with R's ``voom``.
    """
    counts, outcome = np.asarray(counts, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    n = len(outcome)
    if counts.ndim != 2 or len(counts) != n or not np.isfinite(counts).all() or counts.min() < 0:
        raise InvalidArgument("counts", "missing or negative counts", f"counts of {n} subjects")
    groups, design = check_strata(strata, n), check_covariates(covariates, n)
    columns = np.column_stack((design_matrix(groups, design), outcome))
    if not np.isfinite(columns).all():
        raise InvalidArgument("outcome", "a missing outcome or covariate", "nothing missing")
    size = counts.sum(axis=1) if library is None else np.asarray(library, dtype=np.float64)
    values = np.log2((counts + 0.5) / (size[:, None] + 1) * 1e6)
    left = remove(columns, values)
    df = n - np.linalg.matrix_rank(columns)
    sigma = np.sqrt(np.einsum("ij,ij->j", left, left) / df)
    mean = values.mean(axis=0) + np.log2(size + 1).mean() - np.log2(1e6)
    seen = counts.sum(axis=0) > 0
    knots, heights = lowess(mean[seen], np.sqrt(sigma[seen]), span)
    fitted = values - left + np.log2(size[:, None] + 1) - np.log2(1e6)
    trend = np.interp(fitted.ravel(), knots, heights).reshape(fitted.shape)
    return Voom(values, trend**-4.0)


def lowess(x: Floats, y: Floats, span: float, *, robust: int = 3) -> tuple[Floats, Floats]:
    """Cleveland's robust local line, as R's ``lowess``: sorted distinct x and the fit there.

    Points closer than 1% of the range to the last one fitted are interpolated. Of equal x the mean
    of the fits is kept.
    Source: Cleveland, JASA 74:829-836 (1979).
    """
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    n = x.size
    near = max(2, min(n, int(span * n + 1e-7)))
    delta = 0.01 * (x[-1] - x[0])
    anchors = _anchors(x, delta)
    weight = np.ones(n)
    fit = np.empty(n)
    for turn in range(robust + 1):
        fit = np.interp(x, x[anchors], _fits(x, y, weight, anchors, near))
        if turn == robust:
            break
        size = np.abs(y - fit)
        scale = 6 * float(np.median(size))
        if scale < 1e-7 * float(size.mean()):
            break
        ratio = size / scale
        weight = np.where(ratio < 0.999, np.square(1 - np.square(ratio)), 0.0)
        weight[ratio <= 0.001] = 1.0
    distinct, which, count = np.unique(x, return_inverse=True, return_counts=True)
    return distinct, np.bincount(which, weights=fit) / count


def _anchors(x: Floats, delta: float) -> Integers:
    """The points that are fitted: the last within ``delta`` of the one before, or the next."""
    anchors, last = [0], 0
    while last < x.size - 1:
        # Equal x take the fit of the first of them.
        same = int(np.searchsorted(x, x[last], side="right")) - 1
        reach = int(np.searchsorted(x, x[last] + delta, side="right")) - 1
        last = max(same + 1, reach)
        if last >= x.size:
            break
        anchors.append(last)
    return np.asarray(anchors, dtype=np.int64)


def _fits(x: Floats, y: Floats, weight: Floats, anchors: Integers, near: int) -> Floats:
    """The local line at each anchor, over its ``near`` nearest points with tricube weights."""
    spread = x[-1] - x[0]
    # The window moves right while its left end is farther away than the next point on the right.
    gain = x[: x.size - near] + x[near:]
    lefts = np.searchsorted(gain, 2 * x[anchors], side="left")
    fits = np.empty(anchors.size)
    for at, (anchor, left) in enumerate(zip(anchors.tolist(), lefts.tolist(), strict=True)):
        centre = x[anchor]
        right = left + near - 1
        h = max(centre - x[left], x[right] - centre)
        # Ties with the last point of the window belong to it.
        stop = int(np.searchsorted(x, centre + 0.999 * h, side="right"))
        part = slice(left, max(stop, right + 1))
        distance = np.abs(x[part] - centre)
        w = np.where(distance <= 0.001 * h, 1.0, (1 - (distance / h) ** 3) ** 3) if h > 0 else 1.0
        w = np.where(distance <= 0.999 * h, w, 0.0) * weight[part]
        total = float(w.sum())
        if total <= 0:
            fits[at] = y[anchor]
            continue
        w /= total
        middle = float(w @ x[part])
        scatter = float(w @ np.square(x[part] - middle))
        if np.sqrt(scatter) > 0.001 * spread:
            w = w * (1 + (centre - middle) * (x[part] - middle) / scatter)
        fits[at] = float(w @ y[part])
    return fits
