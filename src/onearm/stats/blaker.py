"""Blaker's limit, found exactly by walking over the jumps of the acceptability function.

For a lower limit p the smaller tail is P(X >= x). Acceptability adds to it the largest lower tail
P(X <= k) that is not larger; k grows by one at each jump. Between two jumps acceptability is
1 - P(k < X < x), which first falls and then rises, so that the first p at which it exceeds a is
either a jump or the single root of a rising piece: no search can land on the wrong side.
"""

from __future__ import annotations

import scipy

from onearm.stats.roots import root_between


def blaker_lower(x: int, n: int, a: float) -> float:
    """The smallest p whose acceptability for ``x`` of ``n`` exceeds ``a``; 0 at x = 0.

    Source: Blaker, Canadian Journal of Statistics 28:783-798 (2000).
    """
    if x == 0:
        return 0.0
    # Acceptability is at most twice the smaller tail: nothing below this p can exceed a.
    start = root_between(lambda p: upper_tail(x, n, p) - a / 2, 0.0, 1.0)
    k = _largest_tail(x, n, start)
    while True:
        jump = _jump(k + 1, x, n)
        if _acceptability(k, x, n, jump) > a:
            low = max(start, _jump(k, x, n)) if k >= 0 else start
            if _acceptability(k, x, n, low) > a:
                return low
            return _crossing(k, x, n, a, low, jump)
        if _acceptability(k + 1, x, n, jump) > a:
            return jump
        k += 1


def upper_tail(x: int, n: int, p: float) -> float:
    """P(X >= x) for X ~ Binomial(n, p), computed as such; x from 0 to n + 1."""
    if x <= 0:
        return 1.0
    return 0.0 if x > n else float(scipy.special.betainc(x, n - x + 1, p))


def lower_tail(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p); k from -1 to n."""
    if k >= n:
        return 1.0
    return 0.0 if k < 0 else float(scipy.special.betainc(n - k, k + 1, 1 - p))


def _acceptability(k: int, x: int, n: int, p: float) -> float:
    return upper_tail(x, n, p) + lower_tail(k, n, p)


def _crossing(k: int, x: int, n: int, a: float, low: float, high: float) -> float:
    return root_between(lambda p: _acceptability(k, x, n, p) - a, low, high)


def _largest_tail(x: int, n: int, p: float) -> int:
    """The largest k with P(X <= k) <= P(X >= x); -1 where there is none."""
    low, high, tail = -1, x, upper_tail(x, n, p)
    while high - low > 1:
        middle = (low + high) // 2
        if lower_tail(middle, n, p) <= tail:
            low = middle
        else:
            high = middle
    return low


def _jump(k: int, x: int, n: int) -> float:
    """The p at which P(X <= k) comes down to P(X >= x)."""
    if k >= x:
        return 1.0
    return root_between(lambda p: upper_tail(x, n, p) - lower_tail(k, n, p), 0.0, 1.0)
