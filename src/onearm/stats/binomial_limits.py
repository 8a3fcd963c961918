"""Two-sided confidence limits for one proportion, a function for each published method.

Every function takes ``x`` of ``n`` and a two-sided ``level``, already checked, and returns
(lower, upper), both from 0 to 1.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import scipy

from onearm.stats.arguments import check_count
from onearm.stats.blaker import blaker_lower, upper_tail
from onearm.stats.roots import root_between

Limits: TypeAlias = tuple[float, float]


def clopper_pearson(x: int, n: int, level: float) -> Limits:
    """Exact limits from the tails of the binomial; 0 at x = 0 and 1 at x = n.

    Source: Clopper and Pearson, Biometrika 26:404-413 (1934).

    >>> [round(limit, 4) for limit in clopper_pearson(0, 50, 0.95)]
    [0.0, 0.0711]
    """
    tail = (1 - level) / 2
    return exact_lower(x, n, tail), 1 - exact_lower(n - x, n, tail)


def wilson(x: int, n: int, level: float) -> Limits:
    """Limits of the score test: all p with |x - np| <= z sqrt(np(1 - p)).

    Source: Wilson, JASA 22:209-212 (1927).

    >>> [round(limit, 4) for limit in wilson(81, 263, 0.95)]
    [0.2553, 0.3662]
    """
    z = _z(level)
    half = z * math.sqrt(x * (n - x) / n + z * z / 4)
    centre = x + z * z / 2
    # At the ends the difference is 0 by algebra but not in floating point.
    low = 0.0 if x == 0 else (centre - half) / (n + z * z)
    high = 1.0 if x == n else (centre + half) / (n + z * z)
    return low, high


def wilson_corrected(x: int, n: int, level: float) -> Limits:
    """Score limits with a continuity correction of half a patient; none at x = n / 2.

    The correction never exceeds |x - n/2|, as in the test of p = 1/2 and in R's prop.test.
    Source: Newcombe, Statistics in Medicine 17:857-872 (1998), method 4.

    >>> [round(limit, 4) for limit in wilson_corrected(81, 263, 0.95)]
    [0.2535, 0.3682]
    """
    if 2 * x == n:
        return wilson(x, n, level)
    return _wilson_corrected_lower(x, n, level), 1 - _wilson_corrected_lower(n - x, n, level)


def blaker(x: int, n: int, level: float) -> Limits:
    """The hull of all p whose acceptability exceeds 1 - level; lies inside Clopper-Pearson.

    Source: Blaker, Canadian Journal of Statistics 28:783-798 (2000).

    >>> [round(limit, 4) for limit in blaker(1, 2, 0.95)]
    [0.0253, 0.9747]
    """
    return blaker_lower(x, n, 1 - level), 1 - blaker_lower(n - x, n, 1 - level)


def midp(x: int, n: int, level: float) -> Limits:
    """Exact limits in which the observed count adds half its probability to the tail.

    Source: Berry and Armitage, The Statistician 44:417-423 (1995).

    >>> [round(limit, 3) for limit in midp(1, 2, 0.95)]
    [0.025, 0.975]
    """
    tail = (1 - level) / 2
    return _midp_lower(x, n, tail), 1 - _midp_lower(n - x, n, tail)


def jeffreys(x: int, n: int, level: float) -> Limits:
    """Equal-tailed limits under the Beta(1/2, 1/2) prior, set to 0 at x = 0 and to 1 at x = n.

    Source: Brown, Cai and DasGupta, Statistical Science 16:101-133 (2001).

    >>> [round(limit, 4) for limit in jeffreys(0, 50, 0.95)]
    [0.0, 0.0488]
    """
    low, high = jeffreys_raw(x, n, level)
    return (0.0 if x == 0 else low), (1.0 if x == n else high)


def jeffreys_raw(x: int, n: int, level: float) -> Limits:
    """Equal-tailed limits under the Beta(1/2, 1/2) prior with the ends as they come.

    At x = 0 and x = n the estimate lies outside; `jeffreys` repairs that.
    Source: Brown, Cai and DasGupta, Statistical Science 16:101-133 (2001).
    """
    tail = (1 - level) / 2
    return (
        float(scipy.special.betaincinv(x + 0.5, n - x + 0.5, tail)),
        1 - float(scipy.special.betaincinv(n - x + 0.5, x + 0.5, tail)),
    )


def agresti_coull(x: int, n: int, level: float) -> Limits:
    """Wald's shape around Wilson's centre, cut to [0, 1].

    Source: Agresti and Coull, The American Statistician 52:119-126 (1998).
    """
    z = _z(level)
    size = n + z * z
    centre = (x + z * z / 2) / size
    half = z * math.sqrt(centre * (1 - centre) / size)
    return max(0.0, centre - half), min(1.0, centre + half)


def wald(x: int, n: int, level: float) -> Limits:
    """Normal limits around x / n, cut to [0, 1]; only to replicate a paper.

    Empty at x = 0 and x = n, far below its level elsewhere.
    Source: Laplace (1812); Brown, Cai and DasGupta, Statistical Science 16:101-133 (2001).
    """
    return _around(x / n, _z(level) * math.sqrt(x * (n - x) / n**3))


def student(x: int, n: int, level: float) -> Limits:
    """Student's t limits of the mean of zeros and ones, cut to [0, 1]; only to replicate a paper.

    Needs n of at least 2.
    Source: Student, Biometrika 6:1-25 (1908).
    """
    check_count("n", n, low=2)
    t = float(scipy.special.stdtrit(n - 1, (1 + level) / 2))
    return _around(x / n, t * math.sqrt(x * (n - x) / n**2 / (n - 1)))


def exact_lower(x: int, n: int, tail: float) -> float:
    """The p at which P(X >= x) is ``tail``; 0 at x = 0."""
    return 0.0 if x == 0 else float(scipy.special.betaincinv(x, n - x + 1, tail))


def _wilson_corrected_lower(x: int, n: int, level: float) -> float:
    if x == 0:
        return 0.0
    z = _z(level)
    estimate = x / n
    root = z * z - 2 - 1 / n + 4 * estimate * (n * (1 - estimate) + 1)
    return max(0.0, (2 * x + z * z - 1 - z * math.sqrt(root)) / (2 * (n + z * z)))


def _midp_lower(x: int, n: int, tail: float) -> float:
    if x == 0:
        return 0.0

    def excess(p: float) -> float:
        return (upper_tail(x + 1, n, p) + upper_tail(x, n, p)) / 2 - tail

    return root_between(excess, exact_lower(x, n, tail), 1.0)


def _z(level: float) -> float:
    return float(scipy.special.ndtri((1 + level) / 2))


def _around(centre: float, half: float) -> Limits:
    return max(0.0, centre - half), min(1.0, centre + half)
