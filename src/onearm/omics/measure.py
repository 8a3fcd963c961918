"""Everything that is known before outcomes are joined: blocks, scores, candidates, quality.

Nothing in this module is given an outcome: what is filtered, transformed and scored here cannot
have been chosen by what became of the patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Block, rows_of
from onearm.omics.availability import availability
from onearm.omics.blocks import Filters, block
from onearm.omics.derived import derived_number, programme, scores
from onearm.omics.gene_sets import signatures
from onearm.omics.marked import marked
from onearm.omics.plan import CLINICAL, Candidate, Modality, Plan
from onearm.stats.arguments import Floats

MARKERS: Mapping[str, pl.DataType] = {
    "subject_id": pl.String(),
    "tier": pl.String(),
    "name": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "study_day": pl.Float64(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "cut": pl.Float64(),
    "source": pl.String(),
}
"""Columns of the frame of markers: candidates and programmes, one row a subject and time point."""

COURSES: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "feature": pl.String(),
    "subject_id": pl.String(),
    "timepoint": pl.String(),
    "value": pl.Float64(),
}
"""Columns of the frame of courses: modalities with several time points, as they are analysed."""


class Measured(Protocol):
    """Assays with the sample sheet that says whose they are, as the loaders give them."""

    @property
    def sheet(self) -> pl.DataFrame:
        """The sample sheet (`onearm.omics.assay.SHEET` and batch columns)."""

    @property
    def assays(self) -> Mapping[str, Assay]:
        """The assays by modality."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A marker known only on treatment: its block, and the day from which survival is counted."""

    block: Block
    landmark_days: int


DERIVED = ", derived"
"""Behind the modality of a block of numbers computed from an assay of another scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What the assays say, before any outcome.

    blocks: every modality of the plan that has samples, at its time point. later: by modality, its
    blocks at the later time points that have samples, in the plan's order. candidates, programmes:
    blocks whose features are the markers of those tiers. changes: candidates known only later.
    filters: modality, timepoint, kind, step, before, after. markers: `MARKERS`.
    courses: `COURSES`. cuts: cutpoint of a candidate on the scale that is analysed. absent: marker
    (or modality) and why it is not tested.
    """

    blocks: Mapping[str, Block]
    later: Mapping[str, tuple[Block, ...]]
    candidates: tuple[Block, ...]
    changes: tuple[Change, ...]
    programmes: tuple[Block, ...]
    availability: pl.DataFrame
    filters: pl.DataFrame
    markers: pl.DataFrame
    courses: pl.DataFrame
    cuts: Mapping[str, float]
    absent: tuple[tuple[str, str], ...]


def measure(plan: Plan, measured: Measured) -> Measures:
    """Blocks, scores and candidates of a plan.

    Candidates and their genes pass the filters whatever their counts, unless constant. A modality
    without samples, a score with too few genes and a gene that nobody has altered are ``absent``
    with the reason; nothing is put in their place. Raises ``OnearmError`` where none is left.
    """
    making = _Making(plan, measured)
    for modality in plan.modalities:
        making.modality(modality)
    if not making.blocks:
        reasons = "; ".join(f"{name}: {why}" for name, why in making.absent)
        raise OnearmError(f"no modality of the plan has samples that can be used ({reasons})")
    return making.finished()


class _Making:
    """The measures on their way."""

    def __init__(self, plan: Plan, measured: Measured) -> None:
        self.plan, self.assays, self.sheet = plan, measured.assays, measured.sheet
        self.variants: Mapping[str, pl.DataFrame] = getattr(measured, "variants", {})
        self.blocks: dict[str, Block] = {}
        self.later: dict[str, tuple[Block, ...]] = {}
        self.filters: list[pl.DataFrame] = []
        self.candidates: list[Block] = []
        self.changes: list[Change] = []
        self.programmes: list[Block] = []
        self.markers: list[pl.DataFrame] = []
        self.courses: list[pl.DataFrame] = []
        self.cuts: dict[str, float] = {}
        self.absent: list[tuple[str, str]] = []

    def modality(self, asked: Modality) -> None:
        """Everything of one modality."""
        assay = self.assays.get(asked.name)
        if assay is None:
            self.absent.append((asked.name, "there is no assay of this modality"))
            return
        whole = self._block(assay, asked.timepoint)
        if whole is None:
            return
        self.blocks[asked.name] = whole
        self._programmes(whole)
        mine = [c for c in self.plan.candidates if c.modality == asked.name]
        self._candidates(assay, whole, [c for c in mine if not c.change_to])
        if asked.later:
            self._course(whole)
        for later in asked.later:
            after = self._block(assay, later, rule="first")
            if after is None:
                continue
            self.later[asked.name] = (*self.later.get(asked.name, ()), after)
            self._course(after)
            for candidate in mine:
                if candidate.change_to == later:
                    self._change(candidate, assay, whole, after)

    def finished(self) -> Measures:
        """All of it."""
        sheet = self.sheet
        return Measures(
            self.blocks,
            self.later,
            tuple(self.candidates),
            tuple(self.changes),
            tuple(self.programmes),
            availability(self.assays, sheet, baseline=[m.timepoint for m in self.plan.modalities]),
            pl.concat(self.filters),
            pl.concat([pl.DataFrame(schema=dict(MARKERS)), *self.markers]).sort(
                "subject_id", "tier", "name", "timepoint"
            ),
            pl.concat([pl.DataFrame(schema=pl.Schema(COURSES)), *self.courses]),
            self.cuts,
            tuple(self.absent),
        )

    def _block(self, assay: Assay, timepoint: str, *, rule: str = "") -> Block | None:
        kept = {c.key for c in self.plan.candidates if c.modality == assay.modality}
        kept |= {
            symbol
            for name in kept & set(signatures())
            for gene in signatures()[name].genes
            for symbol in gene.split("/")
        }
        options = {"rule": rule} if rule else {}
        try:
            made, steps = block(
                assay,
                self.sheet,
                timepoint=timepoint,
                smaller_group=self.plan.smaller_group,
                filters=Filters(keep=tuple(sorted(kept))),
                **options,
            )
        except OnearmError as problem:
            self.absent.append((assay.modality, str(problem)))
            return None
        self.filters.append(marked(steps, modality=assay.modality, timepoint=timepoint))
        return made

    def _candidates(self, assay: Assay, whole: Block, asked: Sequence[Candidate]) -> None:
        """Markers at baseline: rows of the assay keep their scale, scores and numbers get one."""
        plain: dict[str, Floats] = {}
        derived: dict[str, Floats] = {}
        for candidate in asked:
            try:
                values = self._values(candidate, assay, whole)
            except OnearmError as problem:
                self.absent.append((candidate.name, str(problem)))
                continue
            known = values[np.isfinite(values)]
            if known.size < 2 or np.ptp(known) == 0:
                self.absent.append((candidate.name, f"{candidate.key} is the same in everybody"))
                continue
            into = plain if candidate.source == "feature" else derived
            into[candidate.name] = values
            if candidate.cut is not None:
                self.cuts[candidate.name] = self._cut(candidate, whole)
        for values_of, name, scale in (
            (plain, whole.modality, whole.scale),
            (derived, f"{whole.modality}{DERIVED}" if plain else whole.modality, "score"),
        ):
            if values_of:
                names = tuple(sorted(values_of))
                made = replace(
                    whole,
                    modality=name,
                    scale=scale,
                    features=names,
                    values=np.column_stack([values_of[n] for n in names]),
                )
                self.candidates.append(made)
                self._mark("candidates", made, whole.modality)

    def _values(self, candidate: Candidate, assay: Assay, whole: Block) -> Floats:
        """The values of a candidate in the order of the block's subjects."""
        if candidate.source == "score":
            return self._score(candidate.key, whole)
        if candidate.source == "derived":
            variants = self.variants.get(assay.modality)
            values = derived_number(candidate.key, assay, self.sheet, whole, variants)
            return np.log2(values + 1.0) if candidate.log else values
        if candidate.key not in whole.features:
            raise OnearmError(f"{candidate.key} is not among the features that vary")
        return whole.values[:, whole.features.index(candidate.key)]

    def _score(self, name: str, whole: Block) -> Floats:
        known = signatures()
        if name not in known:
            raise OnearmError(f"there is no signature {name!r}; there are {', '.join(known)}")
        found, why = scores(whole, [known[name]])
        if name not in found:
            raise OnearmError(why[name])
        return found[name]

    def _cut(self, candidate: Candidate, whole: Block) -> float:
        """The cutpoint on the scale that is analysed."""
        cut = float(candidate.cut or 0.0)
        if candidate.source == "derived":
            return float(np.log2(cut + 1.0)) if candidate.log else cut
        return float(np.log2(cut)) if candidate.log and whole.scale == "log" else cut

    def _course(self, made: Block) -> None:
        """The rows of a time point in the frame of courses, candidates first."""
        named = [c.key for c in self.plan.candidates if c.modality == made.modality]
        order = sorted(made.features, key=lambda f: (f not in named, f))
        for feature in order:
            at = made.features.index(feature)
            frame = pl.DataFrame(
                {
                    "modality": made.modality,
                    "feature": feature,
                    "subject_id": made.subjects,
                    "timepoint": made.timepoint,
                    "value": made.values[:, at],
                },
                schema=pl.Schema(COURSES),
            )
            self.courses.append(frame.with_columns(pl.col("value").fill_nan(None)).drop_nulls())

    def _programmes(self, whole: Block) -> None:
        asked = [p for p in self.plan.programmes if p.modality == whole.modality]
        found, why = scores(whole, [programme(p.name, p.genes) for p in asked])
        self.absent += sorted(why.items())
        if found:
            names = tuple(sorted(found))
            values = np.column_stack([found[name] for name in names])
            made = replace(whole, scale="score", features=names, values=values)
            self.programmes.append(made)
            self._mark("programmes", made, whole.modality)

    def _change(self, candidate: Candidate, assay: Assay, before: Block, after: Block) -> None:
        """Later less earlier, among the subjects who have both."""
        for made in (before, after):
            if candidate.key not in made.features:
                why = f"{candidate.key} is not among the features that vary at {made.timepoint}"
                self.absent.append((candidate.name, why))
                return
        at = rows_of(before.subjects, after.subjects)
        both = np.flatnonzero(at >= 0)
        values = after.values[both, after.features.index(candidate.key)]
        values = values - before.values[at[both], before.features.index(candidate.key)]
        made = Block(
            assay.modality,
            f"{before.timepoint} to {after.timepoint}",
            "score",
            (candidate.name,),
            tuple(after.subjects[row] for row in both),
            values[:, None],
            after.study_day[both],
            after.columns[both.tolist()],
        )
        self.changes.append(Change(made, int(candidate.landmark_days or 0)))
        self._mark("candidates", made, assay.modality)

    def _mark(self, tier: str, made: Block, modality: str) -> None:
        """The rows of the frame of markers."""
        asked = {candidate.name: candidate for candidate in self.plan.candidates}
        for at, name in enumerate(made.features):
            candidate = asked.get(name)
            cut = self.cuts.get(name)
            is_log = made.scale == "log" or (candidate is not None and candidate.log)
            frame = pl.DataFrame(
                {
                    "subject_id": made.subjects,
                    "tier": tier,
                    "name": name,
                    "modality": modality,
                    "timepoint": made.timepoint,
                    "study_day": made.study_day,
                    "value": made.values[:, at],
                    "unit": "log2" if is_log else made.scale,
                    "cut": cut,
                    "source": candidate.key if candidate else name,
                },
                schema=dict(MARKERS),
            )
            self.markers.append(frame.with_columns(pl.col(pl.Float64).fill_nan(None)))


def clinical_block(plan: Plan, columns: pl.DataFrame) -> tuple[Block | None, dict[str, float]]:
    """The candidates that are columns of the subjects, as a block, and their cutpoints.

    columns: one row a subject, first column ``subject_id``. A column that is not there, not a
    number or the same in everybody is left out.
    """
    found: dict[str, Floats] = {}
    cuts: dict[str, float] = {}
    for candidate in plan.candidates:
        if candidate.modality != CLINICAL or candidate.key not in columns.columns:
            continue
        column = columns[candidate.key]
        if not column.dtype.is_numeric() and column.dtype != pl.Boolean:
            continue
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        if candidate.log:
            values = np.log2(np.where(values > 0, values, np.nan))
        known = values[np.isfinite(values)]
        if known.size < 2 or np.ptp(known) == 0:
            continue
        found[candidate.name] = values
        if candidate.cut is not None:
            cuts[candidate.name] = float(np.log2(candidate.cut) if candidate.log else candidate.cut)
    if not found:
        return None, cuts
    names = tuple(sorted(found))
    subjects = tuple(columns["subject_id"])
    made = Block(
        CLINICAL, "baseline", "score", names, subjects,
        np.column_stack([found[name] for name in names]), np.full(len(subjects), np.nan),
        columns.select("subject_id"),
    )  # fmt: skip
    return made, cuts


def subjects_of(blocks: Iterable[Block]) -> tuple[str, ...]:
    """The subjects that have at least one of the blocks, sorted."""
    return tuple(sorted({subject for made in blocks for subject in made.subjects}))
