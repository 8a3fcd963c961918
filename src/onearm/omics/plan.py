"""What is asked of the assays: fixed before outcomes are seen, as plain values of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from onearm.errors import OnearmError

Tier = Literal["candidates", "programmes", "discovery"]
CountMethod = Literal["voom", "pydeseq2"]
TIERS: tuple[Tier, ...] = ("candidates", "programmes", "discovery")
MOST: Mapping[str, int] = {"candidates": 20, "programmes": 50}
"""So many features a tier may hold; discovery takes all that pass the filters."""

CLINICAL = "clinical"
"""The modality of candidates that are columns of the subjects, such as a laboratory ratio."""


@dataclass(frozen=True, slots=True)
class Modality:
    """One kind of assay as it enters the analysis.

    timepoint: the planned time point analysed from first dose; later: further time points, analysed
    as change. discovery: whether every feature that passes the filters is tested in tier 3.
    kinetics: the rule (`kinetics.rules`) by which a change of its amounts is a clearance, a fall or
    a rise; empty where no classes are asked for. counts: models of counts (`counts.METHODS`) that
    every feature is tried with beside, against the responses; they decide nothing.
    """

    name: str
    timepoint: str
    later: tuple[str, ...] = ()
    discovery: bool = False
    kinetics: str = ""
    counts: tuple[CountMethod, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A marker that was named in advance.

    source: ``feature`` (a row of the assay), ``score`` (a published signature, by its name),
    ``derived`` (a number computed from the assay, such as ``tmb``) or ``column`` (of the subjects).
    key: the name of that feature, signature, number or column. log: take log2(value) first; the
    values must be positive then. cut: a cutpoint fixed in advance, on the scale before the
    logarithm, None where there is none. change_to: the marker is the change from the modality's
    time point to this later one; then landmark_days is the day from first dose from which survival
    is counted.
    """

    name: str
    modality: str
    source: Literal["feature", "score", "derived", "column"]
    key: str
    log: bool = False
    cut: float | None = None
    change_to: str = ""
    landmark_days: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """A set of genes scored together: the mean of their z-scores within a modality."""

    name: str
    modality: str
    genes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """How alpha is shared by the tiers; the third is shared evenly among modalities."""

    candidates: float = 0.025
    programmes: float = 0.0125
    discovery: float = 0.0125

    def of(self, tier: Tier) -> float:
        """The alpha of a tier."""
        return {
            "candidates": self.candidates,
            "programmes": self.programmes,
            "discovery": self.discovery,
        }[tier]

    @property
    def total(self) -> float:
        """The sum over the tiers."""
        return self.candidates + self.programmes + self.discovery


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is fixed before outcomes are joined to the assays.

    endpoints: names in ``Outcomes``, the primary one first. design: columns (of the subjects or of
    the samples) that stand in every model; strata: columns within which patients are permuted; both
    are added to where the confounding gate asks for it. checked: columns of the subjects
    that the gate looks at; batch: columns of the samples that it looks at; sex: the column of the
    subjects that holds F or M.
    sensitivity: endpoints tested again for the candidates only, under the name of the endpoint they
    Raises OnearmError where a tier holds more features than it may, or alpha is spent twice.
    """

    modalities: tuple[Modality, ...]
    endpoints: tuple[str, ...]
    candidates: tuple[Candidate, ...] = ()
    programmes: tuple[Programme, ...] = ()
    split: Split = Split()
    alpha: float = 0.05
    checked: tuple[str, ...] = ()
    batch: tuple[str, ...] = ()
    sex: str = ""
    design: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    sensitivity: Mapping[str, str] = field(default_factory=dict)
    smaller_group: int = 10
    permutations: int = 10_000
    seed: int = 1
    prediction: bool = False

    def __post_init__(self) -> None:
        for tier, members in (("candidates", self.candidates), ("programmes", self.programmes)):
            if len(members) > MOST[tier]:
                raise OnearmError(
                    f"{len(members)} {tier} are named, at most {MOST[tier]} may be: "
                    "the more there are, the less each can be found"
                )
            names = [member.name for member in members]
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise OnearmError(f"{tier}: {twice!r} is named twice")
        if self.split.total > self.alpha * (1 + 1e-9):
            raise OnearmError(
                f"the tiers spend alpha {self.split.total:g}, more than the {self.alpha:g} there is"
            )

    def modality(self, name: str) -> Modality:
        """The modality of that name; raises ``KeyError`` where the plan has none."""
        return {modality.name: modality for modality in self.modalities}[name]
