"""What the engine is given: measured assays, the sheet that says whose samples they are, blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.stats.arguments import Booleans, Floats

Scale = Literal[
    "counts",  # sequencing reads: whole numbers from 0
    "linear",  # positive amounts on their own scale: TPM, intensities, concentrations
    "log",  # already a logarithm: log2 TPM, NPX, M values
    "share",  # between 0 and 1: beta values, population frequencies
    "compositional",  # counts of which only the proportions mean something: microbiome
    "copy_number",  # -2 .. 2
    "binary",  # altered or not: 0, 1
    "score",  # any other number with an order: signatures, ratios, laboratory scalars
]
"""What the numbers of an assay are; decides filter, transformation and test."""

SHEET: Mapping[str, pl.DataType] = {
    "sample_id": pl.String(),
    "subject_id": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "collection_date": pl.Date(),
    "study_day": pl.Int64(),
    "specimen": pl.String(),
    "tissue_site": pl.String(),
    "tumour_content": pl.Float64(),
    "qc_pass": pl.Boolean(),
    "exclude_reason": pl.String(),
}
"""Columns of the sample sheet (omics.md, section 1); every further column is a batch column.

``study_day`` counts from first dose as SDTM does: the day of first dose is 1, there is no day 0.
A sample is one row for each modality it was measured in.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its name without folders, and the SHA-256 of its bytes."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Assay:
    """One modality as it was measured.

    values: float64 of shape (features, samples); NaN where nothing was measured. below_lod: of the
    same shape, True where the value stands for "below the limit of detection" (None: the modality
    has no limit). feature_info: one row a feature in the order of ``features``, its first column
    ``feature``; what a loader knows beside (gene symbol, taxonomy, chromosome). details: scalars of
    the modality that a rule needs, such as ``callable_mb``.
    """

    modality: str
    scale: Scale
    features: tuple[str, ...]
    samples: tuple[str, ...]
    values: Floats
    unit: str = ""
    below_lod: Booleans | None = None
    feature_info: pl.DataFrame = field(default_factory=pl.DataFrame)
    details: Mapping[str, float | str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.features), len(self.samples))
        if self.values.shape != shape:
            raise OnearmError(f"{self.modality}: values are {self.values.shape}, expected {shape}")
        for kind, names in (("feature", self.features), ("sample", self.samples)):
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise OnearmError(f"{self.modality}: {kind} {twice!r} stands there twice")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One modality at one time point, one row a subject: what associations are computed from.

    values: float64 of shape (subjects, features), transformed and ready for a linear statistic; NaN
    where a subject lacks a feature. scale: that of the values now (counts become ``log``, a
    composition its CLR ``score``). study_day: of each subject's sample, NaN where not known.
    columns: one row a subject in the order of ``subjects``, the batch and specimen columns of its
    sample, first column ``subject_id``.
    """

    modality: str
    timepoint: str
    scale: Scale
    features: tuple[str, ...]
    subjects: tuple[str, ...]
    values: Floats
    study_day: Floats
    columns: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __post_init__(self) -> None:
        shape = (len(self.subjects), len(self.features))
        if self.values.shape != shape:
            raise OnearmError(f"{self.modality}: values are {self.values.shape}, expected {shape}")
        if len(set(self.subjects)) != len(self.subjects):
            raise OnearmError(f"{self.modality} at {self.timepoint}: a subject stands there twice")


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A time-to-event endpoint: days from time zero (integer days as float64), True for an event.

    NaN in ``time`` marks a subject without the endpoint.
    """

    time: Floats
    event: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of the subjects; never read from an omics file.

    responses: by endpoint name 1, 0, or NaN for not evaluable. times: by endpoint name. amounts: by
    name, continuous outcomes such as best per cent change. columns: one row a subject in the order
    of ``subjects``, first column ``subject_id``: tumour type, line, centre and what else may
    confound or stratify. All arrays are of length ``len(subjects)``.
    """

    subjects: tuple[str, ...]
    responses: Mapping[str, Floats] = field(default_factory=dict)
    times: Mapping[str, Times] = field(default_factory=dict)
    amounts: Mapping[str, Floats] = field(default_factory=dict)
    columns: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in {**self.responses, **self.amounts}.items()}
        lengths |= {name: len(values.time) for name, values in self.times.items()}
        for name, length in lengths.items():
            if length != len(self.subjects):
                raise OnearmError(f"{name}: {length} values for {len(self.subjects)} subjects")

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Names of all endpoints: responses, times, amounts."""
        return (*self.responses, *self.times, *self.amounts)


def rows_of(subjects: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Position of each wanted subject among ``subjects``, -1 where it is not one of them.

    >>> rows_of(("S1", "S2"), ("S2", "S9")).tolist()
    [1, -1]
    """
    at = {subject: row for row, subject in enumerate(subjects)}
    return np.array([at.get(subject, -1) for subject in wanted], dtype=np.int64)


ASSOCIATIONS: Mapping[str, pl.DataType] = {
    "analysis": pl.String(),  # which question: baseline, landmark, change, sensitivity, ...
    "tier": pl.String(),  # candidates, programmes, discovery, or empty where none
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "n": pl.Int64(),
    "events": pl.Int64(),  # events, or responders for a response
    "effect_name": pl.String(),  # "HR per SD", "difference in SD", "odds ratio", ...
    "effect": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "second_effect_name": pl.String(),  # "C-index", "AUC", "HR per IQR"
    "second_effect": pl.Float64(),
    "second_lower": pl.Float64(),
    "second_upper": pl.Float64(),
    "statistic": pl.Float64(),
    "p_nominal": pl.Float64(),
    "p_adjusted": pl.Float64(),
    "mc_se": pl.Float64(),
    "q": pl.Float64(),
    "flags": pl.String(),  # words joined by "; ", such as "separated", "indeterminate"
}
"""Columns of the tidy frame of associations (omics.md, section 14); null where none exists."""
