"""The one root finder of this package: a bracketed root, to the last bits of a float."""

from __future__ import annotations

from collections.abc import Callable


def root_between(
    function: Callable[[float], float], low: float, high: float, *, width: float = 4e-16
) -> float:
    """The root of a function of one sign at ``low`` and not that sign at ``high``.

    False position and bisection take turns, so that the bracket at least halves each turn and a
    smooth function needs few turns. Stops when the bracket is narrower than ``width`` relative to
    its upper end, and returns its middle. A root at an end is found there.

    >>> round(root_between(lambda p: p * p - 0.25, 0.0, 1.0), 12)
    0.5
    """
    at_low, at_high = function(low), function(high)
    for _ in range(1100):
        if at_low == 0:
            return low
        if at_high == 0:
            return high
        middle = (low + high) / 2
        if high - low <= width * abs(high) or middle in (low, high):
            return middle
        secant = low - at_low * (high - low) / (at_high - at_low)
        for guess in (secant, middle):
            if low < guess < high:
                value = function(guess)
                if (value > 0) == (at_high > 0) and value != 0:
                    high, at_high = guess, value
                else:
                    low, at_low = guess, value
                    if value == 0:
                        return guess
    return (low + high) / 2
