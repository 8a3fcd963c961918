"""Max-T permutation: how large the largest statistic gets when outcomes belong to nobody.

Patients change places within strata with everything that became of them, so that features keep
their dependence on each other, and endpoints theirs. One matrix product does a tile of features for
a batch of permutations; only counts and the running maximum are kept.
Source: Westfall and Young, Resampling-Based Multiple Testing (1993); omics.md, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from onearm.omics.hypotheses import Hypotheses
from onearm.omics.tiles import Counts, Piece, count_piece, sorted_by_size
from onearm.pieces import SERIAL, Workers, each, one_thread
from onearm.stats.arguments import Floats, Integers, InvalidArgument, check_count

Precision = Literal["float64", "float32"]

_PIECE = 1000
"""Permutations in a piece of work."""

_BATCH = 250
"""Permutations in one matrix product: with 512 features it stays in a cache of 1 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One set of features with one endpoint.

    features: (subjects, features), centred within strata, NaN where missing (see
    `residuals.centred`). residual: (subjects,), 0 without the endpoint. information: of
    `residuals.survival_residual`; with it complete features are scaled by the information that
    each permutation leaves them (the exact score z), otherwise by the permutation variance.
    """

    features: Floats
    residual: Floats
    information: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MaxT:
    """One array a group, one item a feature; NaN for a feature that does not vary.

    statistic: with its sign. p_adjusted: step-down; p_single: of this feature alone; mc_se:
    Monte Carlo standard error of ``p_adjusted``; indeterminate: alpha lies within two of them.
    null_max: (permutations,), the largest absolute statistic of each. tests: hypotheses counted.
    """

    statistic: tuple[Floats, ...]
    p_adjusted: tuple[Floats, ...]
    p_single: tuple[Floats, ...]
    mc_se: tuple[Floats, ...]
    null_max: Floats
    permutations: int
    tests: int
    alpha: float

    @property
    def indeterminate(self) -> tuple[np.ndarray, ...]:
        """Where alpha lies within two Monte Carlo standard errors of the adjusted p."""
        return tuple(
            np.abs(p - self.alpha) < 2 * se
            for p, se in zip(self.p_adjusted, self.mc_se, strict=True)
        )


def max_t(
    groups: Sequence[Group],
    *,
    strata: Integers,
    seed: int,
    permutations: int = 10_000,
    most: int = 100_000,
    alpha: float = 0.05,
    precision: Precision = "float64",
    workers: Workers = SERIAL,
    progress: Callable[[int, int], None] | None = None,
) -> MaxT:
    """Step-down adjusted p of every feature of every group, over all of them jointly.

    strata: (subjects,) numbers; subjects change places only within one. The statistic of a feature
    is the sum of residual x feature over the subjects that have it, divided by its standard
    deviation under permutation of their residuals, so a missing value takes no part. p = (1 + those
    at least as large) / (1 + permutations), never 0. While an adjusted p lies within two Monte
    Carlo standard errors of ``alpha``, as many permutations again are drawn, up to ``most``.
    The subjects and features must come in an order that does not depend on the files: the same
    order and seed give the same bytes on any backend.
    """
    check_count("permutations", permutations, low=1)
    if not groups:
        raise InvalidArgument("groups", [], "at least one group of features")
    raw = [(group.features.T, group.residual, group.information) for group in groups]
    # One thread, as inside every piece: how a sum is split would show in its last digits.
    with one_thread():
        plan = sorted_by_size(Hypotheses.of(raw, strata, precision), strata)
    counts, root = Counts.none(plan.size), np.random.SeedSequence(seed)
    while plan.size:
        todo = min(permutations, max(most, permutations) - counts.permutations)
        pieces = _pieces(root, todo, _batch(groups, strata.size))
        work = partial(count_piece, plan, strata)
        for part in each(work, pieces, workers=workers, progress=progress):
            counts = counts + part
        is_near = _is_near(_step_down(counts), counts.permutations, alpha).any()
        if counts.permutations >= most or not is_near:
            break
    return _spread(plan, counts, groups, alpha)


def _batch(groups: Sequence[Group], n: int) -> int:
    """Permutations in one product; products of pairs of subjects ask for many at once."""
    if all(group.information is None for group in groups):
        return _BATCH
    pairs = n * (n + 1) // 2
    # 64 MiB of float64 at the most.
    return max(50, min(_PIECE, 2**23 // pairs))


def _pieces(root: np.random.SeedSequence, permutations: int, batch: int) -> list[Piece]:
    """That many permutations in pieces, each with a stream of ``root`` that no other had."""
    sizes = [min(_PIECE, permutations - at) for at in range(0, permutations, _PIECE)]
    return [
        Piece(stream, size, batch)
        for stream, size in zip(root.spawn(len(sizes)), sizes, strict=True)
    ]


def monte_carlo_error(p: Floats, permutations: int) -> Floats:
    """The standard error of a p value that was counted in permutations."""
    return np.asarray(np.sqrt(p * (1 - p) / permutations))


def _is_near(p: Floats, permutations: int, alpha: float) -> np.ndarray:
    return np.asarray(np.abs(p - alpha) < 2 * monte_carlo_error(p, permutations))


def _step_down(counts: Counts) -> Floats:
    """Adjusted p in ascending order of the statistic: none below that of a larger statistic."""
    p = (1 + counts.adjusted) / (1 + counts.permutations)
    stepped: Floats = np.maximum.accumulate(p[::-1])[::-1]
    return stepped


def _spread(plan: Hypotheses, counts: Counts, groups: Sequence[Group], alpha: float) -> MaxT:
    """Bring the sorted hypotheses back to their groups and features."""
    sizes = [group.features.shape[1] for group in groups]
    b = max(counts.permutations, 1)
    p = _step_down(counts)

    def by_group(column: Floats) -> tuple[Floats, ...]:
        every = np.full(sum(sizes), np.nan)
        every[plan.place] = column
        return tuple(np.split(every, np.cumsum(sizes)[:-1]))

    return MaxT(
        by_group(plan.statistic),
        by_group(p),
        by_group((1 + counts.single) / (1 + b)),
        by_group(monte_carlo_error(p, b)),
        counts.null_max,
        counts.permutations,
        plan.size,
        alpha,
    )
