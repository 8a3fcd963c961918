"""Max-T by flipping signs within patients: is a change over time more than chance?

If nothing changes, a patient's difference is as likely to be minus itself. One sign is drawn for a
patient and holds for all features, which keep their dependence on each other.
Source: Westfall and Young, Resampling-Based Multiple Testing (1993); omics.md, section 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from onearm.omics.available import check_values
from onearm.omics.permute import monte_carlo_error
from onearm.omics.tiles import Counts, Piece
from onearm.pieces import SERIAL, Workers, each
from onearm.stats.arguments import Floats, Integers, check_count

_PIECE = 1000
_BATCH = 250
_TILE = 512


@dataclass(frozen=True, slots=True, eq=False)
class SignFlip:
    """One item a feature; NaN for one that no patient has or that is 0 in all.

    statistic: sum of the differences over the root of their sum of squares; a larger one means a
    larger t. p_adjusted: step-down; p_single: of this feature alone; mc_se: Monte Carlo standard
    error of ``p_adjusted``, 0 where every pattern of signs was tried. null_max: (flips,).
    """

    statistic: Floats
    p_adjusted: Floats
    p_single: Floats
    mc_se: Floats
    null_max: Floats
    flips: int
    is_exact: bool


def sign_flip(
    differences: Floats,
    *,
    seed: int,
    permutations: int = 10_000,
    workers: Workers = SERIAL,
) -> SignFlip:
    """Step-down adjusted p of every feature's mean difference.

    differences: (patients, features), NaN where missing; patients and features in an order that
    does not depend on the files. Where the patients have no more patterns of signs than
    ``permutations`` all are tried and p is exact; else as many are drawn. Never 0. Rests on
    differences that are symmetric about 0 where nothing changes, as later less earlier is when the
    two may be exchanged.
    """
    check_count("permutations", permutations, low=1)
    values = check_values(differences, len(differences))
    size = np.sqrt(np.nansum(np.square(values), axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(np.isnan(values), 0.0, values) / size
    statistic = scaled.sum(axis=0)
    usable = np.flatnonzero(np.isfinite(statistic))
    # Statistics equal but for rounding keep the order they came in.
    order = usable[np.argsort(np.round(np.abs(statistic[usable]), 10), kind="stable")]
    n = len(values)
    # The first patient keeps his sign: flipping all changes no absolute statistic.
    patterns = 2 ** min(n - 1, 60) if n else 1
    is_exact = patterns <= permutations + 1
    root = np.random.SeedSequence(seed)
    pieces = list(_all(patterns) if is_exact else _drawn(root, permutations))
    rows = np.ascontiguousarray(scaled[:, order].T)
    counts = Counts.none(order.size)
    with threadpool_limits(limits=1):
        for part in each(partial(_count, rows), pieces, workers=workers):
            counts = counts + part
    return _judged(statistic, order, counts, is_exact=is_exact)


def _judged(statistic: Floats, order: Integers, counts: Counts, *, is_exact: bool) -> SignFlip:
    flips = counts.permutations
    stepped = np.maximum.accumulate(((1 + counts.adjusted) / (1 + flips))[::-1])[::-1]
    adjusted, single = np.full(statistic.size, np.nan), np.full(statistic.size, np.nan)
    adjusted[order], single[order] = stepped, (1 + counts.single) / (1 + flips)
    error = monte_carlo_error(adjusted, max(flips, 1))
    return SignFlip(
        np.where(np.isfinite(statistic), statistic, np.nan),
        adjusted,
        single,
        np.where(np.isfinite(adjusted), 0.0, np.nan) if is_exact else error,
        counts.null_max,
        flips,
        is_exact,
    )


@dataclass(frozen=True, slots=True)
class _Listed:
    """Patterns of signs by their numbers, of which bit k is the sign of patient k + 1."""

    numbers: range


def _all(patterns: int) -> Iterator[_Listed]:
    """Every pattern but the one that flips nobody, which is what was observed."""
    for start in range(1, patterns, _PIECE):
        yield _Listed(range(start, min(start + _PIECE, patterns)))


def _drawn(root: np.random.SeedSequence, permutations: int) -> Iterator[Piece]:
    seeds = root.spawn(-(-permutations // _PIECE))
    for number, seed in enumerate(seeds):
        yield Piece(seed, min(_PIECE, permutations - number * _PIECE), _BATCH)


def _signs(piece: Piece | _Listed, n: int) -> Iterator[Floats]:
    """Signs in batches: (patients, patterns)."""
    if isinstance(piece, _Listed):
        numbers = np.array(piece.numbers, dtype=np.int64)
        for start in range(0, numbers.size, _BATCH):
            own = numbers[start : start + _BATCH]
            bits = (own[None, :] >> np.arange(n - 1)[:, None]) & 1
            yield np.vstack((np.ones((1, own.size)), 1.0 - 2.0 * bits))
        return
    rng = np.random.default_rng(piece.seed)
    for start in range(0, piece.permutations, piece.batch):
        size = min(piece.batch, piece.permutations - start)
        yield 1.0 - 2.0 * rng.integers(0, 2, (n, size)).astype(np.float64)


def _count(rows: Floats, piece: Piece | _Listed) -> Counts:
    """Count one piece; rows: (features, patients), ascending by their absolute statistic."""
    size = np.abs(rows.sum(axis=1))
    # Equal but for rounding is "as large": counting too few would favour a finding.
    reach = size - 1e-9 * np.maximum(1.0, size)
    total = Counts.none(len(rows))
    for signs in _signs(piece, rows.shape[1]):
        adjusted, single = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        carry = np.zeros(signs.shape[1])
        for start in range(0, len(rows), _TILE):
            tile = slice(start, start + _TILE)
            block = np.abs(rows[tile] @ signs)
            single[tile] = np.count_nonzero(block >= reach[tile, None], axis=1)
            np.maximum(block[0], carry, out=block[0])
            np.maximum.accumulate(block, axis=0, out=block)
            adjusted[tile] = np.count_nonzero(block >= reach[tile, None], axis=1)
            carry = block[-1].copy()
        total = total + Counts(adjusted, single, carry)
    return total
