"""The elastic net by coordinate descent, for many outcomes at once.

Minimises |y - X b|^2 / (2 n) + penalty (mix |b|_1 + (1 - mix) |b|^2 / 2) for each outcome.
Source: Friedman, Hastie and Tibshirani, Journal of Statistical Software 33(1) (2010).
"""

from __future__ import annotations

import numpy as np

from onearm.stats.arguments import Floats

MIX = 0.5
"""Share of the absolute penalty."""
PATH = (0.9, 0.7, 0.5, 0.35, 0.25)
"""Penalties tried, as multiples of the smallest one that leaves no feature."""
FEATURES = 200
"""The net sees so many features, those that vary most in the training part."""

_SWEEPS = 500
_TOLERANCE = 1e-5


def elastic_net(
    x: Floats,
    y: Floats,
    penalty: Floats,
    *,
    mix: float = MIX,
    start: Floats | None = None,
    tolerance: float = _TOLERANCE,
) -> Floats:
    """Coefficients (features, columns) of every column of ``y``.

    x: (n, features) and y: (n, columns), centred. penalty: (columns,). start: coefficients to begin
    with. Descent stops when no coefficient moves more than ``tolerance`` of the SD of its column of
    y over that of the feature, or after 500 sweeps.
    """  # fmt: skip
    n = max(len(x), 1)
    gram, toward = x.T @ x / n, x.T @ y / n
    beta = np.zeros((x.shape[1], y.shape[1])) if start is None else start.copy()
    spread = np.sqrt((y**2).mean(axis=0))
    size = np.diag(gram)
    todo = np.flatnonzero(size > 0)
    soft, divisor = penalty * mix, size[:, None] + penalty * (1 - mix)
    for _ in range(_SWEEPS):
        moved = 0.0
        for at in todo:
            pull = toward[at] - gram[at] @ beta + size[at] * beta[at]
            new = np.sign(pull) * np.maximum(np.abs(pull) - soft, 0.0) / divisor[at]
            step = np.abs(new - beta[at]) * np.sqrt(size[at])
            moved = max(moved, float((step - tolerance * spread).max(initial=0.0)))
            beta[at] = new
        if moved <= 0:
            break
    return beta


def largest_penalty(x: Floats, y: Floats, *, mix: float = MIX) -> Floats:
    """The smallest penalty that leaves no feature in, for each column of ``y``."""
    return np.asarray(np.abs(x.T @ y).max(axis=0, initial=0.0) / (max(len(x), 1) * mix))


def net_scores(train: Floats, test: Floats, targets: Floats) -> Floats:
    """Scores of the held-out patients along the path: (penalties, test, columns).

    train, test: features scaled by the training patients; targets: (train, columns), centred.
    """
    top, beta, scores = largest_penalty(train, targets), None, []
    for share in PATH:
        beta = elastic_net(train, targets, share * top, start=beta)
        scores.append(test @ beta)
    return np.stack(scores)
