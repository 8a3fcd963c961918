"""Arguments are checked here, once, and every refusal says what was found and what is valid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from onearm.errors import OnearmError

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = Sequence[float | None] | npt.NDArray[np.floating | np.integer]
Flags: TypeAlias = Sequence[bool] | Sequence[int] | npt.NDArray[np.bool_ | np.integer | np.floating]


class InvalidArgument(OnearmError, ValueError):
    """An argument no result exists for: its name, its value, and what would be valid.

    >>> str(InvalidArgument("level", 95, "a number between 0 and 1, both excluded"))
    'level is 95; it must be a number between 0 and 1, both excluded'
    """

    def __init__(self, argument: str, value: object, valid: str) -> None:
        self.argument, self.value, self.valid = argument, value, valid
        super().__init__(f"{argument} is {value!r}; it must be {valid}")


def check_between(argument: str, value: float, low: float = 0.0, high: float = 1.0) -> float:
    """``value`` as a float strictly between ``low`` and ``high``."""
    if isinstance(value, Real) and low < value < high:
        return float(value)
    raise InvalidArgument(argument, value, f"a number between {low:g} and {high:g}, both excluded")


def check_count(argument: str, value: int, *, low: int = 0, high: int | None = None) -> int:
    """``value`` as an integer from ``low`` to ``high``; 3.0 and numpy integers are integers."""
    is_whole = isinstance(value, Integral) or (
        isinstance(value, Real) and math.isfinite(value) and value == int(value)
    )
    is_inside = is_whole and value >= low and (high is None or value <= high)
    if is_inside and not isinstance(value, bool):
        return int(value)
    upper = "" if high is None else f" and at most {high}"
    raise InvalidArgument(argument, value, f"an integer of at least {low}{upper}")


def check_choice(argument: str, value: str, choices: Sequence[str]) -> str:
    """``value`` if it is one of ``choices``."""
    if value in choices:
        return value
    raise InvalidArgument(argument, value, f"one of {', '.join(choices)}")


def check_times(argument: str, values: Numbers) -> Floats:
    """Times as floats: at least one, none negative, missing or infinite; the row is named."""
    times = as_floats(argument, values)
    # One reduction settles the usual case; NaN and infinity fail it too.
    if times.size and times.min() >= 0 and times.max() < math.inf:
        return times
    if not times.size:
        raise InvalidArgument(argument, [], "a list of at least one time")
    row = int(np.flatnonzero(~((times >= 0) & np.isfinite(times)))[0])
    raise InvalidArgument(
        f"{argument}[{row}]", float(times[row]), "a time of 0 or more, not missing and finite"
    )


def check_events(argument: str, values: Flags, n: int) -> Booleans:
    """Event flags as booleans: ``n`` of them, each True, False, 1 or 0; the row is named."""
    flags = np.asarray(values)
    check_length(argument, flags, n)
    if flags.dtype == np.bool_:
        return flags
    events: Booleans = flags == 1
    is_flag = events | (flags == 0)
    if is_flag.all():
        return events
    row = int(np.flatnonzero(~is_flag)[0])
    raise InvalidArgument(
        f"{argument}[{row}]",
        flags[row].item() if flags.dtype != object else flags[row],
        "True or 1 for an event, False or 0 for a censored time",
    )


def check_length(argument: str, values: npt.NDArray[np.generic], n: int) -> None:
    """Refuse anything but a plain list of ``n`` values."""
    if values.shape != (n,):
        shape = f"an array of shape {values.shape}"
        raise InvalidArgument(argument, shape, f"a list of {n} values")


def as_floats(argument: str, values: Numbers) -> Floats:
    """Any list of numbers as a one-dimensional float array; None becomes NaN."""
    try:
        floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidArgument(argument, values, "a list of numbers") from None
    if floats.ndim != 1:
        raise InvalidArgument(argument, f"an array of shape {floats.shape}", "a plain list")
    return floats
