"""Concordance of every feature with survival: all comparable pairs counted, none sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from onearm.omics.available import check_strata, check_values
from onearm.stats.arguments import Booleans, Floats, Integers
from onearm.stats.risk import join_near_times

_TILE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Concordances:
    """One item a feature: C-index, its standard error, limits within 0 and 1, comparable pairs.

    ``value`` above 0.5: the higher the feature, the earlier the event. NaN without a comparable
    pair. R's ``concordance(Surv(time, event) ~ x)`` is 1 - value.
    """

    value: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    pairs: Integers
    n: Integers


def concordance(
    values: Floats,
    time: Floats,
    event: Booleans,
    *,
    strata: Integers | None = None,
    level: float = 0.95,
) -> Concordances:
    """Harrell's C of all features with the infinitesimal-jackknife standard error.

    values: (subjects, features), NaN where missing: each feature is judged in the subjects that
    have it. time, event, strata as in `cox_scores`; pairs are compared within strata. A pair is
    comparable as in `onearm.stats.concordance_index`; equal features count one half.
    Source: Harrell et al., JAMA 247:2543-2546 (1982); Therneau and Watson (2015) for the error.

    >>> x = np.array([[2.0], [3.0], [1.0]])
    >>> float(concordance(x, np.array([1.0, 2, 3]), np.array([True, True, False])).value[0])
    0.6666666666666666
    """
    values, groups = check_values(values, len(time)), check_strata(strata, len(time))
    p = values.shape[1]
    value, std_err = np.full(p, np.nan), np.full(p, np.nan)
    pairs, n = np.zeros(p, dtype=np.int64), np.zeros(p, dtype=np.int64)
    rows = np.flatnonzero(np.isfinite(time))
    comparable = _comparable(time[rows], event[rows], groups[rows])
    own = values[rows]
    n[:] = np.count_nonzero(~np.isnan(own), axis=0)
    for start in range(0, p if comparable.first.size else 0, _TILE):
        tile = slice(start, min(start + _TILE, p))
        value[tile], std_err[tile], pairs[tile] = _tile(own[:, tile], comparable)
    half = float(ndtri((1 + level) / 2)) * std_err
    lower, upper = np.clip(value - half, 0, 1), np.clip(value + half, 0, 1)
    return Concordances(value, std_err, lower, upper, pairs, n)


@dataclass(frozen=True, slots=True, eq=False)
class _Comparable:
    """For each subject who has the event, the rows that outlast it."""

    first: Integers
    later: tuple[Integers, ...]


def _comparable(time: Floats, event: Booleans, strata: Integers) -> _Comparable:
    joined = join_near_times(time) if time.size else time
    first = np.flatnonzero(event)
    own = joined[first][:, None]
    # At equal times an event comes before a censoring; two events at one time are not compared.
    outlasts = (joined[None, :] > own) | ((joined[None, :] == own) & ~event[None, :])
    outlasts &= strata[None, :] == strata[first][:, None]
    return _Comparable(first, tuple(np.flatnonzero(row) for row in outlasts))


def _tile(x: Floats, comparable: _Comparable) -> tuple[Floats, Floats, Integers]:
    """C, its standard error and the pairs; on ranks, because small numbers go faster."""
    ranks, there = _dense_ranks(x), ~np.isnan(x)
    is_complete = bool(there.all())
    # Of each subject the pairs it is in, +1 for a concordant and -1 for a discordant one.
    balance, pairs_of = np.zeros(x.shape, dtype=np.int32), np.zeros(x.shape, dtype=np.int32)
    for row, later in zip(comparable.first, comparable.later, strict=True):
        sign = np.sign(ranks[row] - ranks[later])
        if is_complete:
            pairs_of[later] += 1
            pairs_of[row] += later.size
        else:
            both = there[row] & there[later]
            sign *= both
            pairs_of[later] += both
            pairs_of[row] += both.sum(axis=0, dtype=np.int32)
        balance[later] += sign
        balance[row] += sign.sum(axis=0, dtype=np.int32)
    total = pairs_of.sum(axis=0, dtype=np.int64) // 2
    divisor = np.where(total > 0, total, np.nan)
    value = (balance.sum(axis=0, dtype=np.int64) / (2 * divisor) + 1) / 2
    score = (balance + pairs_of) / 2
    influence = (score - value * pairs_of) / divisor
    return value, np.sqrt(np.einsum("ij,ij->j", influence, influence)), total


def _dense_ranks(x: Floats) -> npt.NDArray[np.int16] | npt.NDArray[np.int32]:
    """Ranks within each column that tie where the numbers tie; missing ones rank last."""
    order = np.argsort(x, axis=0)
    ascending = np.take_along_axis(x, order, axis=0)
    steps = np.zeros(x.shape, dtype=np.int16 if x.shape[0] < 2**14 else np.int32)
    steps[1:] = ascending[1:] > ascending[:-1]
    ranks = np.empty_like(steps)
    np.put_along_axis(ranks, order, np.cumsum(steps, axis=0, dtype=steps.dtype), axis=0)
    return ranks
