"""What a prediction is asked about, and the patients, parts and strata it is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Block, Outcomes, rows_of
from onearm.omics.cohort import Cohort, cohort, numeric
from onearm.omics.nested import Method, Part
from onearm.omics.targets import Response, Survival, Target
from onearm.stats.arguments import Floats, Integers, InvalidArgument, check_count


@dataclass(frozen=True, slots=True)
class Question:
    """What is fixed before outcomes are seen.

    clinical: columns of the outcomes for the clinical-only model; tumour_type: the column that
    folds are stratified by beside the outcome; batch: columns of the outcomes or the blocks, each
    left out level by level. candidates: blocks of single markers, for the best of them as a
    baseline. strata: columns within which outcomes are permuted; models are then trained on what
    an outcome adds to the mean of its stratum, and patients of one stratum are compared: otherwise
    what only tells strata apart would pass for a prediction. methods: what is tried on each
    modality; fusion of the modalities is always tried where there are several. The elastic net is
    refitted for every permutation and takes minutes where the others take seconds. horizons: times
    for the time-dependent measures; the quartiles of the event times where none are given.
    """

    endpoint: str
    clinical: tuple[str, ...] = ()
    tumour_type: str = ""
    batch: tuple[str, ...] = ()
    candidates: tuple[Block, ...] = ()
    strata: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ("ridge", "kernel ridge")
    horizons: tuple[float, ...] = ()
    outer: int = 5
    inner: int = 4
    repeats: int = 10
    permutations: int = 1000

    def __post_init__(self) -> None:
        check_count("outer", self.outer, low=5)
        check_count("inner", self.inner, low=4)
        check_count("repeats", self.repeats, low=1)
        check_count("permutations", self.permutations, low=1)
        known = ("ridge", "kernel ridge", "elastic net")
        for method in self.methods or ("none",):
            if method not in known:
                raise InvalidArgument("methods", method, f"one or more of {', '.join(known)}")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The patients of one prediction, sorted; what they have, in that order.

    cells: what folds are stratified by. labels: by batch column the level of each patient.
    features: all features of all blocks side by side, NaN where missing. sources: the blocks with
    their features in that order.
    """

    subjects: tuple[str, ...]
    target: Target
    blocks: tuple[Part, ...]
    clinical: Part | None
    tumour_type: Part | None
    batch: Part | None
    candidates: Part | None
    labels: tuple[tuple[str, tuple[str, ...]], ...]
    cells: Integers
    horizons: Floats
    features: Floats
    sources: tuple[Block, ...]

    @property
    def names(self) -> tuple[tuple[str, str, str], ...]:
        """Modality, time point and name of each feature."""
        return tuple((b.modality, b.timepoint, f) for b in self.sources for f in b.features)


def gather(blocks: Sequence[Block], outcomes: Outcomes, question: Question) -> Data:
    """Align blocks and outcomes of the patients who have the endpoint.

    Raises `OnearmError` for an endpoint or a column nobody has, or an amount as endpoint.
    """
    people = cohort(blocks, outcomes, design=(), strata=question.strata)
    rows, target = _target(people, question.endpoint)
    subjects = tuple(people.subjects[row] for row in rows)
    columns = _columns(people)
    parts = tuple(
        _part(name, matrix[rows], question.methods)
        for name, matrix in zip(_names(people.blocks), people.matrices, strict=True)
    )
    own = (*question.clinical, *question.batch, question.tumour_type)
    for name in filter(None, own):
        if name not in columns.columns:
            there = ", ".join(sorted(set(columns.columns) - {"subject_id"})) or "none"
            raise OnearmError(f"column {name!r} is not there; columns: {there}")
    columns = columns[rows]
    tumour_type = (question.tumour_type,) if question.tumour_type else ()
    labels = tuple((name, _levels(columns[name])) for name in question.batch)
    return Data(
        subjects,
        target,
        parts,
        _of_columns("clinical", columns.select(question.clinical)),
        _of_columns("tumour type", columns.select(tumour_type).cast(pl.String), is_label=True),
        _of_columns("batch", columns.select(question.batch).cast(pl.String), is_label=True),
        _of_candidates(question.candidates, subjects),
        labels,
        _cells(target, [_levels(columns[name]) for name in tumour_type]),
        _horizons(target, question.horizons),
        np.column_stack([matrix[rows] for matrix in people.matrices]),
        people.blocks,
    )


def _target(people: Cohort, endpoint: str) -> tuple[Integers, Target]:
    """The rows that have the endpoint, and it in these rows."""
    outcomes = people.outcomes
    if endpoint in outcomes.responses:
        response = outcomes.responses[endpoint]
        rows = np.flatnonzero(np.isfinite(response))
        return rows, Response(response[rows], people.strata[rows])
    if endpoint in outcomes.times:
        times = outcomes.times[endpoint]
        rows = np.flatnonzero(np.isfinite(times.time))
        return rows, Survival(times.time[rows], times.event[rows], people.strata[rows])
    known = ", ".join(sorted((*outcomes.responses, *outcomes.times))) or "none"
    raise OnearmError(f"{endpoint!r} is no response or time of the outcomes; there are: {known}")


def _columns(people: Cohort) -> pl.DataFrame:
    """Columns of the subjects, then those of the blocks that have another name.

    A batch column of several blocks is that of the first block in which a subject has it.
    """
    frame = people.outcomes.columns
    order = pl.DataFrame({"subject_id": people.subjects})
    own = set(frame.columns)
    for block in people.blocks:
        if "subject_id" not in block.columns.columns:
            continue
        aligned = order.join(block.columns, on="subject_id", how="left", maintain_order="left")
        for name in aligned.columns:
            if name in own:
                continue
            column = aligned[name].cast(pl.String)
            if name in frame.columns:
                column = pl.select(pl.coalesce(frame[name], column)).to_series()
            frame = frame.with_columns(column.alias(name))
    return frame


def _names(blocks: Sequence[Block]) -> list[str]:
    """The modality of each block; with time point and scale where that alone is not one block."""
    modalities = [block.modality for block in blocks]
    pairs = [(block.modality, block.timepoint) for block in blocks]
    names = []
    for block, pair in zip(blocks, pairs, strict=True):
        name = block.modality
        if modalities.count(name) > 1:
            name += f" at {block.timepoint}"
        names.append(name + (f", {block.scale}" if pairs.count(pair) > 1 else ""))
    return names


def _part(name: str, matrix: Floats, methods: tuple[Method, ...]) -> Part:
    """A modality without the patients who lack it."""
    there = ~np.isnan(matrix).all(axis=1) if matrix.shape[1] else np.zeros(len(matrix), np.bool_)
    at = np.where(there, np.cumsum(there) - 1, -1)
    return Part(name, np.ascontiguousarray(matrix[there]), at.astype(np.int64), methods)


def _of_columns(name: str, frame: pl.DataFrame, *, is_label: bool = False) -> Part | None:
    """Columns as a part; None where there are none."""
    if not frame.width:
        return None
    matrix = np.column_stack([numeric(frame[column]) for column in frame.columns])
    # Its own name, so that a modality called alike stays apart.
    return replace(_part(f"{name} columns", matrix, ("ridge",)), is_pooled=is_label)


def _of_candidates(blocks: Sequence[Block], subjects: tuple[str, ...]) -> Part | None:
    if not blocks:
        return None
    ordered = sorted(blocks, key=lambda b: (b.modality, b.timepoint, b.scale))
    matrices = []
    for block in ordered:
        at = rows_of(block.subjects, subjects)
        order = np.argsort(np.array(block.features), kind="stable")
        values = np.asarray(block.values, dtype=np.float64)[:, order]
        matrices.append(np.where((at < 0)[:, None], np.nan, values[at]))
    return _part("candidate markers", np.column_stack(matrices), ("best single",))


def _levels(column: pl.Series) -> tuple[str, ...]:
    return tuple(column.cast(pl.String).fill_null("").to_list())


def _cells(target: Target, labels: list[tuple[str, ...]]) -> Integers:
    """Numbers of the cells of outcome by tumour type."""
    keys = ["\x1f".join(parts) for parts in zip(target.label.astype(str), *labels, strict=True)]
    return np.unique(np.array(keys), return_inverse=True)[1].astype(np.int64)


def _horizons(target: Target, asked: tuple[float, ...]) -> Floats:
    if isinstance(target, Response) or not target.event.any():
        return np.empty(0)
    if asked:
        return np.array(asked, dtype=np.float64)
    return np.quantile(target.time[target.event], [0.25, 0.5, 0.75], method="lower")
