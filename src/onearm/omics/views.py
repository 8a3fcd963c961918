"""Modalities as factor models and clusters see them: scaled, one beside the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onearm.errors import OnearmError
from onearm.omics.assay import Block, rows_of
from onearm.omics.kernels import scaled, scaling
from onearm.stats.arguments import Booleans, Floats

FEATURES = 2000
"""A modality enters with so many features, those that vary most."""

_NULLS = 20
"""Draws of independent features that a factor must beat."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One modality as the model sees it: scaled, 0 where a single value is missing.

    values: (patients, features), rows of 0 where ``has`` is False. Features are divided by the root
    of their number, so that every modality weighs the same. reduced: the same patients in the axes
    of their own row space, with the same products between them: all the model needs.
    """

    name: str
    features: tuple[str, ...]
    values: Floats
    has: Booleans
    reduced: Floats


def make_views(blocks: Sequence[Block]) -> tuple[tuple[str, ...], tuple[View, ...]]:
    """Patients with a block, sorted, and the scaled modalities in order of their names."""
    ordered = sorted(blocks, key=lambda block: block.modality)
    names = [block.modality for block in ordered]
    if not ordered or len(set(names)) != len(names):
        raise OnearmError(f"factors need one block a modality; given: {', '.join(names) or 'none'}")
    subjects = tuple(sorted({subject for block in ordered for subject in block.subjects}))
    if len(subjects) < 3:
        raise OnearmError(f"factors of {len(subjects)} patients do not exist")
    return subjects, tuple(_view(block, subjects) for block in ordered)


def _view(block: Block, subjects: tuple[str, ...]) -> View:
    order = sorted(range(len(block.features)), key=block.features.__getitem__)
    # In the order of the subjects, because sums depend on it in their last digits.
    at = rows_of(block.subjects, subjects)
    has = at >= 0
    values = np.asarray(block.values, dtype=np.float64)[at[has]][:, order]
    centre, inverse = scaling(values, np.arange(len(values)))
    spread = np.divide(1.0, inverse, out=np.zeros_like(inverse), where=inverse > 0)
    kept = np.sort(np.argsort(-spread, kind="stable")[:FEATURES])
    kept = kept[inverse[kept] > 0]
    if not kept.size:
        raise OnearmError(f"{block.modality}: no feature varies between the patients")
    z = scaled(values[:, kept], centre[kept], inverse[kept]) / np.sqrt(kept.size)
    own = np.zeros((len(subjects), kept.size))
    own[has] = z
    left, size, _ = np.linalg.svd(own, full_matrices=False)
    names = tuple(block.features[order[k]] for k in kept)
    return View(block.modality, names, own, has, left * size)


def independent(view: View, rng: np.random.Generator) -> Floats:
    """The values of a view with each feature shuffled among the patients who have it."""
    shuffled = view.values.copy()
    shuffled[view.has] = rng.permuted(view.values[view.has], axis=0)
    return shuffled


def chance_share(view: View, stream: np.random.SeedSequence) -> float:
    """The largest share of the variance that one axis explains of independent features.

    Of 20 draws; Horn's parallel analysis.
    Source: Horn, Psychometrika 30:179-185 (1965).
    """
    rng, shares = np.random.default_rng(stream), []
    for _ in range(_NULLS):
        own = independent(view, rng)
        values = np.linalg.eigvalsh(own @ own.T)
        shares.append(float(values[-1] / max(values.sum(), 1e-300)))
    return max(shares)
