"""Blocks and outcomes set side by side, in an order that does not depend on the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Block, Outcomes, Times, rows_of
from onearm.stats.arguments import Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The subjects with outcomes and at least one block, sorted; what they have, in that order.

    blocks: by modality, time point and scale, their features sorted. matrices: (subjects, features)
    of each, NaN where a subject lacks it. strata: numbers. covariates: one matrix a block, because
    a batch column belongs to the samples of one.
    """

    subjects: tuple[str, ...]
    blocks: tuple[Block, ...]
    matrices: tuple[Floats, ...]
    outcomes: Outcomes
    strata: Integers
    covariates: tuple[Floats, ...]

    @property
    def alone(self) -> int:
        """How many subjects are alone in their stratum, so that no permutation moves them."""
        return int(np.count_nonzero(np.bincount(self.strata) == 1))


def cohort(
    blocks: Sequence[Block], outcomes: Outcomes, *, design: Sequence[str], strata: Sequence[str]
) -> Cohort:
    """Align blocks and outcomes by subject.

    design, strata: columns of the outcomes or, where those lack them, of the blocks. A text column
    becomes indicators, a number stays one; a missing value takes the subject out of the model. In
    ``strata`` a missing value is a stratum of its own.
    Raises `OnearmError` naming a column nobody has, a block given twice, no common subject.
    """
    ordered = tuple(sorted(map(_with_sorted_features, blocks), key=_name))
    names = [_name(block) for block in ordered]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise OnearmError(f"{twice[0]} at {twice[1]} ({twice[2]}) is given twice")
    measured = {subject for block in ordered for subject in block.subjects}
    subjects = tuple(sorted(measured.intersection(outcomes.subjects)))
    if not subjects:
        what = ", ".join(f"{modality} at {timepoint}" for modality, timepoint, _ in names)
        raise OnearmError(f"no subject has both an outcome and a sample of {what}")
    own = _outcomes_of(outcomes, subjects)
    places = [rows_of(block.subjects, subjects) for block in ordered]
    matrices = tuple(
        np.where((at < 0)[:, None], np.nan, block.values[at])
        for block, at in zip(ordered, places, strict=True)
    )
    frames = [_columns(block.columns, subjects) for block in ordered]
    _check_columns((*design, *strata), own.columns, frames)
    covariates = tuple(_covariates(design, own.columns, frame) for frame in frames)
    return Cohort(
        subjects, ordered, matrices, own, _strata(strata, own.columns, frames), covariates
    )


def _name(block: Block) -> tuple[str, str, str]:
    return block.modality, block.timepoint, block.scale


def _with_sorted_features(block: Block) -> Block:
    order = sorted(range(len(block.features)), key=block.features.__getitem__)
    if len(set(block.features)) != len(order):
        raise OnearmError(f"{block.modality} at {block.timepoint}: a feature stands there twice")
    return Block(
        block.modality,
        block.timepoint,
        block.scale,
        tuple(block.features[at] for at in order),
        block.subjects,
        block.values[:, order],
        block.study_day,
        block.columns,
    )


def _outcomes_of(outcomes: Outcomes, subjects: tuple[str, ...]) -> Outcomes:
    at = rows_of(outcomes.subjects, subjects)
    return Outcomes(
        subjects,
        {
            name: np.asarray(values, dtype=np.float64)[at]
            for name, values in outcomes.responses.items()
        },
        {name: _times(name, times, at, subjects) for name, times in outcomes.times.items()},
        {
            name: np.asarray(values, dtype=np.float64)[at]
            for name, values in outcomes.amounts.items()
        },
        _columns(outcomes.columns, subjects),
    )


def _times(name: str, times: Times, at: Integers, subjects: tuple[str, ...]) -> Times:
    time = np.asarray(times.time, dtype=np.float64)[at]
    bad = np.flatnonzero((time < 0) | np.isinf(time))
    if bad.size:
        who = ", ".join(f"{subjects[row]} ({time[row]:g})" for row in bad[:5])
        raise OnearmError(f"{name}: a follow-up time is negative or infinite: {who}")
    return Times(time, np.asarray(times.event, dtype=np.bool_)[at] & np.isfinite(time))


def _columns(frame: pl.DataFrame, subjects: tuple[str, ...]) -> pl.DataFrame:
    """The columns in the order of the subjects, null for one who has none."""
    order = pl.DataFrame({"subject_id": subjects})
    if "subject_id" not in frame.columns:
        return order
    return order.join(frame, on="subject_id", how="left", validate="1:1", maintain_order="left")


def _check_columns(
    wanted: Sequence[str], outcomes: pl.DataFrame, frames: Sequence[pl.DataFrame]
) -> None:
    known = {name for frame in (outcomes, *frames) for name in frame.columns} - {"subject_id"}
    for name in wanted:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise OnearmError(f"column {name!r} is in the design but not there; columns: {there}")


def _covariates(design: Sequence[str], outcomes: pl.DataFrame, block: pl.DataFrame) -> Floats:
    parts = [np.empty((outcomes.height, 0))]
    for name in design:
        if name in outcomes.columns or name in block.columns:
            parts.append(numeric(outcomes[name] if name in outcomes.columns else block[name]))
    return np.column_stack(parts)


def numeric(column: pl.Series) -> Floats:
    """A column as numbers: itself, or one indicator for each level of a text but the first."""
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(np.nan).to_numpy()[:, None]
    text = column.cast(pl.String)
    levels = text.drop_nulls().unique().sort().to_list()
    indicators = np.column_stack(
        [np.empty((text.len(), 0)), *((text == level).to_numpy() for level in levels[1:])]
    ).astype(np.float64)
    indicators[text.is_null().to_numpy()] = np.nan
    return indicators


def _strata(
    strata: Sequence[str], outcomes: pl.DataFrame, frames: Sequence[pl.DataFrame]
) -> Integers:
    keys = [[""] * outcomes.height]
    for name in strata:
        sources = [outcomes] if name in outcomes.columns else frames
        for frame in sources:
            if name in frame.columns:
                keys.append(frame[name].cast(pl.String).fill_null("").to_list())
    combined = ["\x1f".join(values) for values in zip(*keys, strict=True)]
    numbers: Integers = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    return numbers
