"""Folds of patients: alike in outcome and tumour type, drawn from a stream that is passed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import Integers, check_count


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Positions of the patients a model is fitted in and of those held out, both ascending."""

    train: Integers
    test: Integers


def stratified_folds(cells: Integers, folds: int, rng: np.random.Generator) -> Integers:
    """The fold of each patient, so that each fold has its share of every cell.

    cells: (patients,) numbers of the strata, such as response by tumour type. Patients of a cell
    are dealt to the folds in random order, each cell going on where the last one stopped: sizes of
    folds differ by at most one, and so do the numbers of one cell in them.

    >>> fold = stratified_folds(np.array([0, 0, 0, 0, 1, 1]), 2, np.random.default_rng(1))
    >>> np.bincount(fold[:4]).tolist(), np.bincount(fold[4:]).tolist()
    ([2, 2], [1, 1])
    """
    check_count("folds", folds, low=2)
    fold = np.empty(cells.size, dtype=np.int64)
    names, dealt = rng.permutation(folds), 0
    for cell in np.unique(cells):
        members = rng.permutation(np.flatnonzero(cells == cell))
        fold[members] = names[(dealt + np.arange(members.size)) % folds]
        dealt += members.size
    return fold


def splits(fold: Integers) -> tuple[Split, ...]:
    """One split for each fold: it is held out, the others are the training part."""
    return tuple(
        Split(np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in np.unique(fold)
    )


def inner_splits(
    train: Integers, cells: Integers, folds: int, rng: np.random.Generator
) -> tuple[Split, ...]:
    """Splits of a training part into parts of its own; positions count within ``train``."""
    return splits(stratified_folds(cells[train], folds, rng))
