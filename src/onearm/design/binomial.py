"""Binomial and beta-binomial masses and upper tails, computed directly and for whole arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln, gammaln, xlog1py, xlogy

from onearm.stats.arguments import Floats

Counts = int | npt.NDArray[np.int64]


def mass(k: Counts, n: Counts, p: float) -> Floats:
    """P(X = k) for X ~ Binomial(n, p); 0 outside 0..n.

    >>> round(float(mass(2, 9, 0.05)), 4)
    0.0629
    """
    k, n = np.asarray(k), np.asarray(n)
    inside = (k >= 0) & (k <= n)
    count = np.where(inside, k, 0)
    ways = gammaln(n + 1.0) - gammaln(count + 1.0) - gammaln(n - count + 1.0)
    values = np.exp(ways + xlogy(count, p) + xlog1py(n - count, -p))
    return np.where(inside, values, 0.0)


def at_least(k: Counts, n: Counts, p: float | Floats) -> Floats:
    """P(X >= k) for X ~ Binomial(n, p), as an upper tail and never as 1 - cdf.

    >>> round(float(at_least(8, 40, 0.10)), 4)
    0.0419
    """
    k, n = np.asarray(k), np.asarray(n)
    between = (k > 0) & (k <= n)
    tail = betainc(np.where(between, k, 1), np.where(between, n - k + 1, 1), p)
    return np.where(k <= 0, 1.0, np.where(between, tail, 0.0))


def at_most(k: Counts, n: Counts, p: float) -> Floats:
    """P(X <= k) for X ~ Binomial(n, p), as a lower tail."""
    k, n = np.asarray(k), np.asarray(n)
    return at_least(n - k, n, 1.0 - p)


def predictive_mass(k: npt.NDArray[np.int64], n: int, a: float, b: float) -> Floats:
    """P(Y = k) for Y ~ BetaBinomial(n, a, b), k within 0..n."""
    ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    values: Floats = np.exp(ways + betaln(a + k, b + n - k) - betaln(a, b))
    return values


def predictive_at_least(k: int, n: int, a: float, b: float) -> float:
    """P(Y >= k) for Y ~ BetaBinomial(n, a, b): 1 for k <= 0 and 0 for k > n."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    return float(min(1.0, predictive_mass(np.arange(k, n + 1), n, a, b).sum()))


def mass_table(size: int, p: float) -> Floats:
    """Masses of Binomial(n, p) in row n, for n and k from 0 to ``size``."""
    logs = gammaln(np.arange(size + 1) + 1.0)
    n, k = np.arange(size + 1)[:, None], np.arange(size + 1)[None, :]
    left = np.maximum(n - k, 0)
    values = logs[:, None] - logs[None, :] - logs[left]
    values += np.log(p) * k + np.log1p(-p) * left
    return np.where(k <= n, np.exp(values), 0.0)


def tail_table(masses: Floats) -> Floats:
    """P(X >= k) in row n and column k, one column more than ``masses`` (zeros)."""
    tails = np.zeros((masses.shape[0], masses.shape[1] + 1))
    # Summed from the far end, so that a tail of 1e-17 keeps its digits.
    tails[:, :-1] = np.cumsum(masses[:, ::-1], axis=1)[:, ::-1]
    return tails
