"""The work inside one piece of permutations: tiles of features times batches of arrangements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from onearm.omics.hypotheses import FLOOR, Hypotheses, spread_within
from onearm.stats.arguments import Floats, Integers

_TILE = 512
"""Features in one product."""

_EXACT_TILE = 128
"""Features in one product over pairs of subjects, which is n / 2 times as wide."""


class Batch:
    """The outcomes in some arrangements of the subjects, worked out where a tile asks for them.

    arrangement: (arrangements, subjects), whose outcome each subject gets.
    """

    def __init__(self, plan: Hypotheses, strata: Integers, arrangement: Integers) -> None:
        self._plan, self._strata, self._arrangement = plan, strata, arrangement
        self._spreads: dict[int, Floats] = {}
        self._pairs: dict[int, Floats] = {}
        dtype = plan.rows.dtype
        self.residuals = [
            np.ascontiguousarray(outcome.residual[arrangement].T, dtype=dtype)
            for outcome in plan.outcomes
        ]

    @property
    def size(self) -> int:
        """How many arrangements."""
        return len(self._arrangement)

    @cached_property
    def upper(self) -> tuple[Integers, Integers]:
        """Rows and columns of the pairs of subjects, each with itself too."""
        return np.triu_indices(self._strata.size)

    def spread(self, group: int) -> Floats:
        """Sums of squares of the residuals over the subjects of each pattern."""
        if group not in self._spreads:
            outcome = self._plan.outcomes[group]
            residual = outcome.residual[self._arrangement].T
            self._spreads[group] = spread_within(outcome.available, residual, self._strata)
        return self._spreads[group]

    def pairs(self, group: int) -> Floats:
        """The information of each pair of subjects, (pairs, arrangements)."""
        if group not in self._pairs:
            information = self._plan.outcomes[group].information
            if information is None:
                raise ValueError(f"group {group} has no information to scale by")
            self._pairs[group] = self._gathered(information)
        return self._pairs[group]

    def _gathered(self, information: Floats) -> Floats:
        """Subject by subject: whole rows of places are added up, which is quick."""
        n = self._strata.size
        doubled = np.where(np.eye(n, dtype=np.bool_), information, 2.0 * information)
        flat = doubled.astype(self._plan.rows.dtype).ravel()
        places = np.ascontiguousarray(self._arrangement.T)
        pairs = np.empty((n * (n + 1) // 2, self.size), dtype=flat.dtype)
        start = 0
        for subject in range(n):
            stop = start + n - subject
            at = places[subject:] + places[subject] * n
            # Every place exists; to clip is the quickest of the checks.
            np.take(flat, at, out=pairs[start:stop], mode="clip")
            start = stop
        return pairs


def statistics(plan: Hypotheses, tile: slice, batch: Batch, into: Floats) -> None:
    """The signed statistics of a tile in every arrangement of the batch, (features, arrangements).

    0 where an arrangement leaves a feature no variance.
    """
    rows, group, pattern = plan.rows[tile], plan.group[tile], plan.pattern[tile]
    numbers = np.unique(group).tolist()
    for number in numbers:
        # One group in the tile, the usual case, is worked on in place.
        own = slice(None) if len(numbers) == 1 else np.flatnonzero(group == number)
        space = into if len(numbers) == 1 else None
        outcome = plan.outcomes[number]
        product = np.matmul(rows[own], batch.residuals[number], out=space)
        incomplete = pattern[own] >= 0
        if incomplete.any():
            spread = batch.spread(number)[pattern[own][incomplete]]
            weight = plan.weight[tile][own][incomplete]
            product[incomplete] = _divided(
                product[incomplete], np.einsum("rs,rsb->rb", weight, spread)
            )
        if outcome.information is not None and not incomplete.all():
            complete = np.flatnonzero(~incomplete)
            for start in range(0, complete.size, _EXACT_TILE):
                at = complete[start : start + _EXACT_TILE]
                x = rows[own][at]
                left, right = batch.upper
                products = np.take(x, left, axis=1) * np.take(x, right, axis=1)
                variance = products @ batch.pairs(number)
                # Relative to the variance if everybody stayed at risk to the end.
                floor = 1e-10 * np.square(x).sum(axis=1, keepdims=True)
                product[at] = _divided(product[at], np.where(variance > floor, variance, 0.0))
        if space is None:
            into[own] = product


def _divided(product: Floats, variance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > FLOOR, product / np.sqrt(variance), 0.0)


def observe(plan: Hypotheses, strata: Integers) -> Floats:
    """The statistics with every subject in its own place."""
    batch = Batch(plan, strata, np.arange(strata.size)[None, :])
    block = np.empty((plan.size, 1), dtype=plan.rows.dtype)
    for tile in _tiles(plan.size):
        statistics(plan, tile, batch, block[tile])
    return block[:, 0].astype(np.float64)


def sorted_by_size(plan: Hypotheses, strata: Integers) -> Hypotheses:
    """The hypotheses with their statistics, in ascending order of the absolute value."""
    statistic = observe(plan, strata)
    # Statistics equal but for rounding must keep the order they came in.
    order = np.argsort(np.round(np.abs(statistic), 10), kind="stable")
    return replace(plan, statistic=statistic).take(order)


def _tiles(size: int) -> Iterator[slice]:
    return (slice(start, min(start + _TILE, size)) for start in range(0, size, _TILE))


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Permutations in which a hypothesis was reached, in the order of the hypotheses.

    adjusted: by the largest statistic among those ranked no higher; single: by its own.
    """

    adjusted: Integers
    single: Integers
    null_max: Floats

    @classmethod
    def none(cls, size: int) -> Counts:
        """Before any permutation."""
        zero = np.zeros(size, dtype=np.int64)
        return cls(zero, zero, np.empty(0))

    @property
    def permutations(self) -> int:
        """How many were counted."""
        return self.null_max.size

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.adjusted + other.adjusted,
            self.single + other.single,
            np.concatenate((self.null_max, other.null_max)),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """Permutations that are drawn from one stream, ``batch`` at a time."""

    seed: np.random.SeedSequence
    permutations: int
    batch: int


def count_piece(plan: Hypotheses, strata: Integers, piece: Piece) -> Counts:
    """Count one piece; ``plan`` must be sorted."""
    rng = np.random.default_rng(piece.seed)
    counts = Counts.none(plan.size)
    for start in range(0, piece.permutations, piece.batch):
        size = min(piece.batch, piece.permutations - start)
        counts = counts + _count_batch(plan, Batch(plan, strata, arrangements(rng, strata, size)))
    return counts


def arrangements(rng: np.random.Generator, strata: Integers, size: int) -> Integers:
    """Random places within strata: (size, subjects)."""
    drawn = np.tile(np.arange(strata.size), (size, 1))
    for number in np.unique(strata):
        inside = np.flatnonzero(strata == number)
        drawn[:, inside] = rng.permuted(drawn[:, inside], axis=1)
    return drawn


def _count_batch(plan: Hypotheses, batch: Batch) -> Counts:
    dtype = plan.rows.dtype
    size = np.abs(plan.statistic)
    # Equal but for rounding is "as large": counting too few would favour a finding.
    slack = (1e-9 if dtype == np.float64 else 1e-4) * np.maximum(1.0, size)
    reach = (size - slack).astype(dtype)
    counts = Counts.none(plan.size)
    adjusted, single = counts.adjusted.copy(), counts.single.copy()
    carry = np.zeros(batch.size, dtype=dtype)
    space = np.empty((min(_TILE, plan.size), batch.size), dtype=dtype)
    for tile in _tiles(plan.size):
        block = space[: tile.stop - tile.start]
        statistics(plan, tile, batch, block)
        np.abs(block, out=block)
        single[tile] = np.count_nonzero(block >= reach[tile, None], axis=1)
        if carry.min() >= reach[tile.stop - 1]:
            # Smaller hypotheses reach all of these in every arrangement already.
            adjusted[tile] = batch.size
            np.maximum(carry, block.max(axis=0), out=carry)
            continue
        np.maximum(block[0], carry, out=block[0])
        np.maximum.accumulate(block, axis=0, out=block)
        adjusted[tile] = np.count_nonzero(block >= reach[tile, None], axis=1)
        carry = block[-1].copy()
    return Counts(adjusted, single, carry.astype(np.float64))
