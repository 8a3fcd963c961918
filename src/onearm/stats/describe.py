"""Summaries of a list: mean and quartiles of numbers, counts of categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from onearm.stats.arguments import Floats, InvalidArgument, check_choice, check_count
from onearm.stats.notes import Note

Quartiles: TypeAlias = Literal["averaged", "interpolated"]

QUARTILE_DEFINITIONS = {
    "averaged": "the smallest value with at least the share at or below it, averaged with the "
    "next where the share is met exactly (SAS definition 5, R type 2)",
    "interpolated": "linear between the values at place 1 + share (n - 1) (R type 7)",
}


@dataclass(frozen=True, slots=True)
class Description:
    """A summary in the unit of the values; None where a number needs more values than there are.

    ``sd`` divides by n - 1 and needs two values. ``quartiles`` names the definition in
    `QUARTILE_DEFINITIONS`.
    """

    n: int
    n_missing: int
    mean: float | None
    sd: float | None
    minimum: float | None
    q1: float | None
    median: float | None
    q3: float | None
    maximum: float | None
    quartiles: str
    notes: tuple[Note, ...] = ()


def describe(
    values: Sequence[float | None] | Floats, *, quartiles: Quartiles = "averaged"
) -> Description:
    """Number, mean, SD, quartiles and range of the values that are not missing.

    Missing is None or NaN; missing values are counted in ``n_missing`` and left out. No value at
    all gives None throughout with the note `n_too_small`. Raises `InvalidArgument` for an infinite
    value, a value that is no number, and an unknown definition of quartiles.
    Source: Hyndman and Fan, The American Statistician 50:361-365 (1996).

    >>> summary = describe([1, 2, 3, 4, None])
    >>> summary.n, summary.n_missing, summary.mean, summary.q1, summary.median, summary.q3
    (4, 1, 2.5, 1.5, 2.5, 3.5)
    """
    check_choice("quartiles", quartiles, list(QUARTILE_DEFINITIONS))
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidArgument("values", values, "a list of numbers") from None
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise InvalidArgument(f"values[{row}]", float(numbers[row]), "finite or missing")
    seen = numbers[~np.isnan(numbers)]
    n, n_missing = int(seen.size), int(numbers.size - seen.size)
    if n == 0:
        notes = (Note.N_TOO_SMALL,)
        return Description(0, n_missing, None, None, None, None, None, None, None, quartiles, notes)
    q1, middle, q3 = _quartiles(seen, quartiles)
    return Description(
        n,
        n_missing,
        float(seen.mean()),
        float(seen.std(ddof=1)) if n > 1 else None,
        float(seen.min()),
        q1,
        middle,
        q3,
        float(seen.max()),
        quartiles,
        notes=() if n > 1 else (Note.N_TOO_SMALL,),
    )


def _quartiles(seen: Floats, quartiles: Quartiles) -> list[float]:
    shares = (0.25, 0.5, 0.75)
    if quartiles == "averaged":
        return [float(np.quantile(seen, p, method="averaged_inverted_cdf")) for p in shares]
    return [float(np.quantile(seen, p, method="linear")) for p in shares]


@dataclass(frozen=True, slots=True)
class Count:
    """How many have a level; ``proportion`` is 0 to 1, None where the denominator is 0."""

    level: Hashable
    n: int
    denominator: int
    proportion: float | None


def count(
    values: Sequence[Hashable],
    *,
    levels: Sequence[Hashable] | None = None,
    denominator: int | None = None,
) -> tuple[Count, ...]:
    """How often each level occurs, in the order of ``levels``, those never seen included.

    values: one label an item, missing is None and not counted. levels: by default those seen, in
    the order in which they first appear. denominator: by default the number of items that are
    not missing; give the size of the analysis set to count missing ones as well.
    Raises `InvalidArgument` for a value not among ``levels``, or a denominator below a count.

    >>> best = count(["PR", "SD", "PR", None], levels=["CR", "PR", "SD"], denominator=4)
    >>> [(c.level, c.n, c.proportion) for c in best]
    [('CR', 0, 0.0), ('PR', 2, 0.5), ('SD', 1, 0.25)]
    """
    tally = Counter(value for value in values if value is not None)
    order = list(tally) if levels is None else list(levels)
    for value in tally:
        if value not in order:
            raise InvalidArgument("values", value, f"one of {', '.join(map(repr, order))}")
    total = sum(tally.values())
    if denominator is not None:
        total = check_count("denominator", denominator, low=max(tally.values(), default=0))
    return tuple(
        Count(level, tally[level], total, tally[level] / total if total else None)
        for level in order
    )
