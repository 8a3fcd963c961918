"""From an assay and the sample sheet to a block: one row a subject, filtered, transformed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Block
from onearm.omics.samples import RULES, choose_samples, reasons
from onearm.omics.transform import transformed
from onearm.stats.arguments import Booleans, Floats, Integers, check_between, check_count

DETECTED_ABOVE_ZERO = ("counts", "compositional", "linear", "binary")
"""Scales on which 0 means absent; copy number counts as altered where it is not 0."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters that use no outcome, fixed before unblinding (omics.md, section 2).

    min_count: reads a feature needs in at least as many samples as the smaller planned group has
    patients; counts only, and only where that size is given. prevalence: share of samples a feature
    is detected in, wherever the count rule does not apply. max_below_lod: share of samples that may
    lie below the limit of detection. top_variance: keep that many features of largest variance
    after transformation, None for all; constant features always go. keep: features that stay
    whatever the filters say, such as the candidates of the analysis plan, unless constant.
    """

    min_count: int = 10
    prevalence: float = 0.10
    max_below_lod: float = 0.50
    top_variance: int | None = None
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_count("min_count", self.min_count)
        if not 0 <= self.prevalence < 1:
            check_between("prevalence", self.prevalence)
        if self.max_below_lod != 1:
            check_between("max_below_lod", self.max_below_lod)
        if self.top_variance is not None:
            check_count("top_variance", self.top_variance, low=1)


def block(
    assay: Assay,
    sheet: pl.DataFrame,
    *,
    timepoint: str,
    rule: str = RULES[0],
    smaller_group: int | None = None,
    filters: Filters | None = None,
) -> tuple[Block, pl.DataFrame]:
    """One modality at one time point as subjects x features, and what each filter left.

    sheet: the sample sheet (`assay.SHEET`); its columns beyond subject, sample, modality, time
    point and day travel in ``Block.columns``. rule: one of `samples.RULES`. smaller_group: planned
    patients in the smaller group (responders, mostly), for the count filter. Subjects and features
    come out sorted, so the order of the files changes nothing. Filters see the samples chosen, the
    transformation sees the features left, replicates are averaged after it; NaN stays NaN.

    The second value has one row a step: kind (samples, features), step, before, after.
    Raises as `choose_samples` and `transformed` do, and where a filter leaves no feature.
    """
    filters = filters or Filters()
    choices = choose_samples(assay, sheet, timepoint=timepoint, rule=rule)
    used = choices.filter("used")
    chosen = _subset(assay, tuple(used.get_column("sample_id")))
    steps = _Steps(_sample_steps(choices))
    chosen = _filtered(chosen, filters, smaller_group, steps)
    after = transformed(chosen)
    varies = _varies(after.values, chosen.features, filters, steps)
    subjects = tuple(used.get_column("subject_id").unique().sort())
    member = _membership(used, subjects)
    made = Block(
        assay.modality,
        timepoint,
        after.scale,
        tuple(np.array(chosen.features, dtype=object)[varies]),
        subjects,
        _mean_of_replicates(after.values[varies], member),
        _days(used, subjects),
        _columns(sheet, used, assay.modality),
    )
    return made, steps.frame(after.rule)


class _Steps:
    """Counts before and after each step, in order."""

    def __init__(self, rows: list[tuple[str, str, int, int]]) -> None:
        self.rows = rows

    def add(self, step: str, before: int, after: int) -> None:
        """Record a filter of features."""
        self.rows.append(("features", step, before, after))

    def frame(self, transformation: str) -> pl.DataFrame:
        """All steps; the transformation stands as the last, where nothing is lost."""
        kept = self.rows[-1][3]
        rows = [*self.rows, ("features", f"transformation: {transformation}", kept, kept)]
        return pl.DataFrame(rows, schema=["kind", "step", "before", "after"], orient="row")


def _sample_steps(choices: pl.DataFrame) -> list[tuple[str, str, int, int]]:
    left, rows = choices.height, []
    for reason, n in reasons(choices):
        rows.append(("samples", f"dropped: {reason}", left, left - n))
        left -= n
    return [*rows, ("samples", "used", left, left)]


def _subset(assay: Assay, samples: tuple[str, ...]) -> Assay:
    """The chosen samples, features sorted by name."""
    at = {name: column for column, name in enumerate(assay.samples)}
    columns = [at[name] for name in samples]
    rows = sorted(range(len(assay.features)), key=assay.features.__getitem__)
    grid = np.ix_(rows, columns)
    return replace(
        assay,
        features=tuple(assay.features[row] for row in rows),
        samples=samples,
        values=assay.values[grid],
        below_lod=None if assay.below_lod is None else assay.below_lod[grid],
        feature_info=assay.feature_info[rows] if assay.feature_info.height else assay.feature_info,
    )


def _filtered(assay: Assay, filters: Filters, smaller: int | None, steps: _Steps) -> Assay:
    """The features that pass the filters on the measured scale."""
    n = len(assay.samples)
    if assay.scale == "counts" and smaller is not None:
        check_count("smaller_group", smaller, low=1)
        with np.errstate(invalid="ignore"):
            enough = (assay.values >= filters.min_count).sum(axis=1) >= smaller
        name = f"count of {filters.min_count} or more in {smaller} samples"
        assay = _kept(assay, enough, name, filters, steps)
    else:
        share = detected(assay).sum(axis=1) / n
        # 10% of 50 is 5: rounding must not turn 5 of 50 into a little less than 10%.
        enough = share >= filters.prevalence - 1e-12
        assay = _kept(assay, enough, f"prevalence of {filters.prevalence:.0%}", filters, steps)
    if assay.below_lod is not None:
        few = assay.below_lod.sum(axis=1) / n <= filters.max_below_lod + 1e-12
        name = f"below the limit of detection in at most {filters.max_below_lod:.0%}"
        assay = _kept(assay, few, name, filters, steps)
    return assay


def detected(assay: Assay) -> Booleans:
    """Where a feature was found in a sample: measured, above zero where zero means absent.

    Copy number and alterations: where altered. Values below the limit of detection are not found.
    Shape (features, samples).
    """
    with np.errstate(invalid="ignore"):
        if assay.scale in DETECTED_ABOVE_ZERO:
            found = assay.values > 0
        elif assay.scale == "copy_number":
            found = (assay.values != 0) & ~np.isnan(assay.values)
        else:
            found = ~np.isnan(assay.values)
    if assay.below_lod is not None:
        found &= ~assay.below_lod
    return found


def _kept(assay: Assay, enough: Booleans, name: str, filters: Filters, steps: _Steps) -> Assay:
    keep = frozenset(filters.keep)
    wanted = np.array([feature in keep for feature in assay.features], dtype=bool)
    kept = np.flatnonzero(enough | wanted)
    steps.add(name, len(assay.features), kept.size)
    if not kept.size:
        raise OnearmError(
            f"{assay.modality}: no feature passes the filter '{name}' "
            f"({len(assay.features)} came to it); check the scale {assay.scale!r}"
        )
    return replace(
        assay,
        features=tuple(assay.features[row] for row in kept),
        values=assay.values[kept],
        below_lod=None if assay.below_lod is None else assay.below_lod[kept],
        feature_info=assay.feature_info[kept] if assay.feature_info.height else assay.feature_info,
    )


def _varies(values: Floats, features: tuple[str, ...], filters: Filters, steps: _Steps) -> Integers:
    """Rows with at least two values that differ, and of these those of largest variance."""
    low = np.where(np.isnan(values), np.inf, values).min(axis=1, initial=np.inf)
    high = np.where(np.isnan(values), -np.inf, values).max(axis=1, initial=-np.inf)
    rows = np.flatnonzero(high > low)
    steps.add("not constant", len(features), rows.size)
    if not rows.size:
        raise OnearmError("no feature varies between the samples; nothing can be tested")
    if filters.top_variance is None or rows.size <= filters.top_variance:
        return rows
    spread = np.nanvar(values[rows], axis=1, ddof=1)
    keep = frozenset(filters.keep)
    wanted = np.array([features[row] in keep for row in rows])
    ranks = np.lexsort((rows, -spread))  # ties in variance by name, as the rows are sorted
    best = np.zeros(rows.size, dtype=bool)
    best[ranks[: filters.top_variance]] = True
    steps.add(f"{filters.top_variance} of largest variance", rows.size, int((best | wanted).sum()))
    kept: Integers = rows[best | wanted]
    return kept


def _membership(used: pl.DataFrame, subjects: tuple[str, ...]) -> Floats:
    """1 where a sample (column) is one of a subject's (row)."""
    row = {subject: at for at, subject in enumerate(subjects)}
    member = np.zeros((len(subjects), used.height))
    for column, subject in enumerate(used.get_column("subject_id")):
        member[row[subject], column] = 1
    return member


def _mean_of_replicates(values: Floats, member: Floats) -> Floats:
    """Mean over a subject's samples of what was measured: (subjects, features)."""
    if (member.sum(axis=1) == 1).all():
        return np.ascontiguousarray(values.T[member.argmax(axis=1)])
    measured = ~np.isnan(values)
    sums, n = member @ np.where(measured, values, 0.0).T, member @ measured.T
    means: Floats = np.divide(sums, n, out=np.full(sums.shape, np.nan), where=n > 0)
    return means


def _days(used: pl.DataFrame, subjects: tuple[str, ...]) -> Floats:
    days = used.group_by("subject_id").agg(pl.col("study_day").cast(pl.Float64).mean())
    of = dict(days.iter_rows())
    return np.array([np.nan if of[s] is None else of[s] for s in subjects], dtype=np.float64)


def _columns(sheet: pl.DataFrame, used: pl.DataFrame, modality: str) -> pl.DataFrame:
    """The sheet's further columns, one row a subject; replicates that differ are joined by '+'."""
    own = {"sample_id", "subject_id", "modality", "timepoint", "collection_date", "study_day"}
    kept = [c for c in sheet.columns if c not in own | {"qc_pass", "exclude_reason"}]
    rows = (
        sheet.filter(pl.col("modality") == modality)
        .join(used.select("sample_id"), on="sample_id", how="semi")
        .sort("subject_id", "sample_id")
    )
    joined = [
        pl.col(c).mean()
        if sheet.schema[c].is_float()
        else pl.when(pl.col(c).n_unique() == 1)
        .then(pl.col(c).first().cast(pl.String))
        .otherwise(pl.col(c).cast(pl.String).unique(maintain_order=True).str.join("+"))
        .alias(c)
        for c in kept
    ]
    return rows.group_by("subject_id", maintain_order=True).agg(joined)
