"""Scores of patients whose outcome is not known, by a model fitted in those whose outcome is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Block, Outcomes, rows_of
from onearm.omics.folds import Split, inner_splits
from onearm.omics.nested import Part, Study, held_out
from onearm.omics.prediction_data import Question, gather
from onearm.omics.targets import Response
from onearm.stats.arguments import Floats

MODEL = "omics"


def score_new(
    blocks: Sequence[Block],
    outcomes: Outcomes,
    new: Sequence[Block],
    question: Question,
    *,
    seed: int,
) -> pl.DataFrame:
    """Fit the menu in the patients of ``outcomes`` and score those of ``new``, one at a time.

    blocks: of the patients with outcomes; new: of the others. Blocks are matched by modality, time
    point and scale, features by name: one that is not measured counts as the training mean, and a
    patient who lacks a block is scored by those he has, as is every patient where a whole block is
    missing from ``new``. Whoever else is in ``new`` changes nothing.

    Returns subject_id, score (what the model adds to the training mean), probability (of response;
    null for a time), n_modalities; sorted by subject.
    Raises `OnearmError` where no block of ``new`` matches, or a subject is in both.
    """
    # The strata of new patients are not known.
    data = gather(blocks, outcomes, replace(question, strata=()))
    subjects = tuple(sorted({subject for block in new for subject in block.subjects}))
    both = sorted(set(subjects) & set(data.subjects))
    if both:
        raise OnearmError(f"{both[0]} is among the new patients and among those of the outcomes")
    n, given = len(data.subjects), {_key(block): block for block in new}
    if not any(_key(block) in given for block in data.sources):
        wanted = ", ".join(f"{b.modality} at {b.timepoint} ({b.scale})" for b in data.sources)
        raise OnearmError(f"no block of the new patients is one the model knows: {wanted}")
    parts = tuple(
        _with_new(part, source, given.get(_key(source)), subjects)
        for part, source in zip(data.blocks, data.sources, strict=True)
    )
    every = np.arange(n + len(subjects))
    split = Split(every[:n], every[n:])
    groups = {MODEL: tuple(part.name for part in parts)}
    study = Study(
        data.target, data.cells, every[:n, None], parts, groups, question.outer, question.inner
    )
    rng = np.random.default_rng(seed)
    inner = inner_splits(split.train, data.cells, question.inner, rng)
    score = held_out(study, split, inner)[MODEL].outside[:, 0]
    chance = np.full(score.size, np.nan)
    if isinstance(data.target, Response):
        chance = np.clip(data.target.y.mean() + score, 0.01, 0.99)
    counts = np.sum([part.at[n:] >= 0 for part in parts], axis=0)
    frame = pl.DataFrame(
        {"subject_id": subjects, "score": score, "probability": chance, "n_modalities": counts}
    )
    return frame.with_columns(pl.col("probability").fill_nan(None))


def _key(block: Block) -> tuple[str, str, str]:
    return block.modality, block.timepoint, block.scale


def _with_new(part: Part, source: Block, new: Block | None, subjects: tuple[str, ...]) -> Part:
    """The part with the new patients below the others."""
    if new is None:
        return replace(part, at=np.concatenate((part.at, np.full(len(subjects), -1))))
    columns = rows_of(new.features, source.features)
    if (columns < 0).all():
        raise OnearmError(f"{new.modality}: the new patients share no feature with the others")
    rows = rows_of(new.subjects, subjects)
    there = rows >= 0
    values: Floats = np.where(columns < 0, np.nan, new.values[rows[there]][:, columns])
    at = np.where(there, len(part.values) + np.cumsum(there) - 1, -1)
    return replace(part, values=np.vstack((part.values, values)), at=np.concatenate((part.at, at)))
