"""Similarity of patients by one modality, and ridge regression on it for many outcomes at once.

With features scaled in the training part, ridge needs only the products between patients. Their
eigenvalues do not depend on the outcome, so that permuted outcomes are further columns.
Source: Saunders, Gammerman and Vovk, ICML 515-521 (1998); omics.md, section 11.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from onearm.stats.arguments import Floats, Integers

Kernel = Literal["ridge", "kernel ridge"]
"""Linear in the features, or Gaussian in the distance between patients."""

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Penalties tried, as multiples of the mean eigenvalue of the training kernel."""

_TILE = 2048
"""Features scaled at once: 50 patients by 2,048 stay in a cache of 1 MiB."""


def scaling(values: Floats, train: Integers) -> tuple[Floats, Floats]:
    """Mean of each feature in the training patients, and one over its standard deviation.

    values: (patients, features), NaN where missing. A feature that does not vary among them has
    0 for the second, so that it takes no part. Nobody outside ``train`` is looked at.
    """
    own = values[train]
    known = ~np.isnan(own)
    n = known.sum(axis=0)
    if known.all():
        centre = own.mean(axis=0)
        spread = np.sqrt(np.einsum("ij,ij->j", own - centre, own - centre) / max(len(own), 1))
    else:
        centre = np.where(known, own, 0.0).sum(axis=0) / np.maximum(n, 1)
        own = np.where(known, own - centre, 0.0)
        spread = np.sqrt(np.einsum("ij,ij->j", own, own) / np.maximum(n, 1))
    # Less than rounding leaves of a constant is no spread.
    varies = spread > 1e-10 * np.abs(centre)
    return centre, np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)


def scaled(values: Floats, centre: Floats, inverse: Floats) -> Floats:
    """(values - centre) x inverse, row by row; a missing value becomes 0, the training mean."""
    z: Floats = (values - centre) * inverse
    z[np.isnan(z)] = 0.0
    return z


def products(values: Floats, train: Integers) -> Floats:
    """Mean product of the scaled features of every two patients, (patients, patients).

    Scaled by the training patients alone; divided by the number of features that vary among them.
    """
    total = np.zeros((len(values), len(values)))
    count = 0
    for start in range(0, values.shape[1], _TILE):
        tile = values[:, start : start + _TILE]
        centre, inverse = scaling(tile, train)
        z = scaled(tile, centre, inverse)
        total += z @ z.T
        count += int(np.count_nonzero(inverse))
    return total / max(count, 1)


def similarity(product: Floats, train: Integers, kernel: Kernel) -> Floats:
    """The kernel of all patients, centred at the mean of the training patients.

    ``kernel ridge``: exp(-d^2 / median), with the median of the squared distances between two
    training patients.
    """
    own = product
    if kernel == "kernel ridge":
        size = np.diag(product)
        distance = np.maximum(size[:, None] + size[None, :] - 2 * product, 0.0)
        pairs = distance[np.ix_(train, train)][np.triu_indices(train.size, 1)]
        middle = float(np.median(pairs)) if pairs.size else 0.0
        own = np.exp(-distance / middle) if middle > 0 else np.ones_like(distance)
    row = own[:, train].mean(axis=1)
    centred: Floats = own - row[:, None] - row[None, :] + row[train].mean()
    return centred


def ridge(kernel: Floats, train: Integers, test: Integers, targets: Floats) -> Floats:
    """Scores of the held-out patients for every penalty: (penalties, test, columns).

    kernel: centred (`similarity`); targets: (train, columns), each column centred. The score is
    what the model adds to the training mean. All 0 where the training patients do not differ.
    """
    values, vectors = np.linalg.eigh(kernel[np.ix_(train, train)])
    values = np.maximum(values, 0.0)
    middle = values.mean() if values.size else 0.0
    if middle <= 1e-12:
        return np.zeros((len(PENALTIES), test.size, targets.shape[1]))
    left = kernel[np.ix_(test, train)] @ vectors
    right = vectors.T @ targets
    return np.stack([(left / (values + middle * own)) @ right for own in PENALTIES])


def ridge_weights(kernel: Floats, targets: Floats, penalty: float) -> Floats:
    """Dual weights of the training patients: a new score is its kernel with them, times these.

    kernel: (train, train), centred; targets: (train,), centred.
    """
    middle = np.trace(kernel) / max(len(kernel), 1)
    if middle <= 1e-12:
        return np.zeros(len(kernel))
    return np.asarray(
        np.linalg.solve(kernel + penalty * middle * np.eye(len(kernel)), targets), dtype=np.float64
    )
