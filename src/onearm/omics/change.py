"""What changed between baseline and treatment: paired differences, tests of them, slopes.

Pre/post without controls cannot attribute change to a drug. omics.md, section 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.dates import MONTH_DAYS
from onearm.errors import OnearmError
from onearm.omics.assay import ASSOCIATIONS, Block, Outcomes, rows_of
from onearm.omics.effects import MODERATE_FROM
from onearm.omics.mixed import Mixed, random_intercept
from onearm.omics.moderated import Moderated, moderated_t
from onearm.omics.signflip import SignFlip, sign_flip
from onearm.omics.tidy import benjamini_hochberg
from onearm.pieces import SERIAL, Workers
from onearm.stats.arguments import Floats

ANALYSIS = "change"
WORDS = "pre/post without controls cannot attribute change to a drug"
"""Said wherever a change is shown."""

SLOPES: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "term": pl.String(),
    "n": pl.Int64(),
    "samples": pl.Int64(),
    "estimate": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "statistic": pl.Float64(),
    "df": pl.Float64(),
    "p_nominal": pl.Float64(),
    "sd_between": pl.Float64(),
    "sd_within": pl.Float64(),
}
"""Columns of the frame of slopes. ``endpoint`` is empty for the model of all patients (term
``month``), else the response of the model with terms ``month``, ``response`` and ``month x
response``; estimates are per month, in the unit of the blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Changed:
    """What changed in all patients together.

    table: columns of `ASSOCIATIONS`, one row a feature, smallest adjusted p first. null_max: of the
    flips. is_exact: every pattern of signs was tried.
    """

    table: pl.DataFrame
    n_tests: int
    flips: int
    is_exact: bool
    null_max: Floats


def paired(before: Block, after: Block) -> Block:
    """Later less earlier for the subjects and features of both: the log-ratio where both are logs.

    Subjects and features come out sorted. ``study_day`` and ``columns`` are those of the later
    sample. A value missing in either is missing. Raises `OnearmError` where modality or scale
    differ, the scale is no log or score, or no subject or feature is in both.
    """
    name = f"{before.modality}, {before.timepoint} to {after.timepoint}"
    if (before.modality, before.scale) != (after.modality, after.scale):
        other = f"{after.modality} ({after.scale})"
        raise OnearmError(f"{name}: {before.modality} ({before.scale}) less {other} means nothing")
    if before.scale not in ("log", "score"):
        raise OnearmError(f"{name}: a difference on the scale {before.scale} is no log-ratio")
    subjects = tuple(sorted(set(before.subjects) & set(after.subjects)))
    features = tuple(sorted(set(before.features) & set(after.features)))
    if not subjects or not features:
        raise OnearmError(f"{name}: no subject and feature is in both")
    rows = rows_of(after.subjects, subjects)
    values = _of(after, subjects, features) - _of(before, subjects, features)
    columns = after.columns[rows.tolist()] if after.columns.height else after.columns
    return Block(
        before.modality,
        f"{before.timepoint} to {after.timepoint}",
        "score",
        features,
        subjects,
        values,
        after.study_day[rows],
        columns,
    )


def _of(block: Block, subjects: tuple[str, ...], features: tuple[str, ...]) -> Floats:
    grid = np.ix_(rows_of(block.subjects, subjects), rows_of(block.features, features))
    values: Floats = block.values[grid]
    return values


def change(
    pairs: Sequence[tuple[Block, Block]],
    *,
    seed: int,
    permutations: int = 10_000,
    workers: Workers = SERIAL,
) -> Changed:
    """Test whether each feature changed, over all pairs of blocks as one family.

    pairs: earlier and later block of a modality (see `paired`). The effect is the mean log-ratio
    with limits of limma's moderated t with a block for each subject; statistic and nominal p are
    its own, adjusted p comes from flipping signs within patients (`signflip.sign_flip`). The second
    effect is the share of patients in whom the feature rose. The order of subjects, features and
    pairs changes nothing. ``n`` counts patients with both values.
    """
    if not pairs:
        return Changed(pl.DataFrame(schema=pl.Schema(ASSOCIATIONS)), 0, 0, False, np.empty(0))
    ordered = sorted(pairs, key=lambda p: (p[0].modality, p[0].timepoint, p[1].timepoint))
    blocks = [paired(before, after) for before, after in ordered]
    subjects = tuple(sorted({subject for block in blocks for subject in block.subjects}))
    flipped = sign_flip(
        np.hstack([_spread(block, subjects) for block in blocks]),
        seed=seed,
        permutations=permutations,
        workers=workers,
    )
    ends = np.cumsum([len(block.features) for block in blocks])
    parts = [
        _rows(block, limma_with_subjects(*pair, block), pair[0].scale, flipped, slice(a, b))
        for block, pair, a, b in zip(blocks, ordered, [0, *ends[:-1]], ends, strict=True)
    ]
    table = pl.concat(parts)
    q = benjamini_hochberg(table["_single"].to_numpy())
    order = ["p_adjusted", "_single", "modality", "timepoint", "feature"]
    table = (
        table.with_columns(q=pl.Series(q))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .sort(order, nulls_last=True)
    )
    tested = int(np.isfinite(flipped.p_adjusted).sum())
    columns = [pl.col(name).cast(kind) for name, kind in ASSOCIATIONS.items()]
    return Changed(table.select(columns), tested, flipped.flips, flipped.is_exact, flipped.null_max)


def _spread(block: Block, subjects: tuple[str, ...]) -> Floats:
    at = rows_of(block.subjects, subjects)
    return np.where((at < 0)[:, None], np.nan, block.values[at])


def limma_with_subjects(before: Block, after: Block, differences: Block) -> Moderated:
    """limma's moderated t of time with one intercept a subject, over the pairs of `paired`.

    Variances are moderated from 50 features on, as everywhere. Agrees with R's
    ``eBayes(lmFit(y, model.matrix(~ subject + time)))``.
    """
    subjects, features = differences.subjects, differences.features
    early, late = _of(before, subjects, features), _of(after, subjects, features)
    # A value without its partner says nothing of change; with its own intercept it only takes time.
    lone = np.isnan(early) | np.isnan(late)
    values = np.where(np.vstack((lone, lone)), np.nan, np.vstack((early, late)))
    time = np.repeat([0.0, 1.0], len(subjects))
    who = np.tile(np.arange(len(subjects)), 2)
    return moderated_t(values, time, strata=who, moderate=len(features) >= MODERATE_FROM)


def _rows(block: Block, fit: Moderated, scale: str, flipped: SignFlip, own: slice) -> pl.DataFrame:
    size = len(block.features)
    known = np.isfinite(block.values)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        rose = ((block.values > 0) & known).sum(axis=0) / n
    tested = np.isfinite(flipped.p_adjusted[own])
    return pl.DataFrame(
        {
            "analysis": [ANALYSIS] * size,
            "tier": [""] * size,
            "modality": [block.modality] * size,
            "timepoint": [block.timepoint] * size,
            "feature": block.features,
            "endpoint": [""] * size,
            "n": n,
            "events": pl.Series([None] * size, dtype=pl.Int64),
            "effect_name": ["mean log2 ratio" if scale == "log" else "mean difference"] * size,
            "effect": fit.coefficient,
            "lower": fit.lower,
            "upper": fit.upper,
            "second_effect_name": ["share that rose"] * size,
            "second_effect": rose,
            "second_lower": pl.Series([None] * size, dtype=pl.Float64),
            "second_upper": pl.Series([None] * size, dtype=pl.Float64),
            "statistic": fit.t,
            "p_nominal": fit.p,
            "p_adjusted": flipped.p_adjusted[own],
            "mc_se": flipped.mc_se[own],
            "_single": flipped.p_single[own],
            "flags": np.where(tested, "", "does not vary").tolist(),
        }
    )


def slopes(
    blocks: Sequence[Block], features: Sequence[str], outcomes: Outcomes, endpoints: Sequence[str]
) -> pl.DataFrame:
    """Monthly slopes, and whether they differ by response, by models with a random intercept.

    blocks: one modality at baseline (first) and later time points, on one scale. Months count from
    the patient's own baseline sample; a sample of unknown day takes no part. The p values are
    nominal: `change` and the association of changes with response are what is adjusted. Columns of
    `SLOPES`, null where too few samples tell.
    """
    base = blocks[0]
    start = dict(zip(base.subjects, base.study_day.tolist(), strict=True))
    who = [subject for block in blocks for subject in block.subjects if subject in start]
    names = sorted(set(who))
    subject = rows_of(tuple(names), tuple(who))
    days = [
        day - start[subject]
        for block in blocks
        for subject, day in zip(block.subjects, block.study_day.tolist(), strict=True)
        if subject in start
    ]
    months = np.array(days) / MONTH_DAYS
    rows = []
    for feature in features:
        values = np.concatenate([_column(block, feature, start) for block in blocks])
        constant = np.ones(months.size)
        fit = random_intercept(values, np.column_stack((constant, months)), subject)
        rows += _terms(base.modality, feature, "", {"month": 1}, fit)
        for endpoint in endpoints:
            at = rows_of(outcomes.subjects, tuple(who))
            answer = np.where(at < 0, np.nan, outcomes.responses[endpoint][at])
            columns = np.column_stack((constant, months, answer, months * answer))
            fit = random_intercept(values, columns, subject)
            terms = {"month": 1, "response": 2, "month x response": 3}
            rows += _terms(base.modality, feature, endpoint, terms, fit)
    frame = pl.DataFrame(rows, schema=pl.Schema(SLOPES), orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _column(block: Block, feature: str, start: Mapping[str, float]) -> Floats:
    """The feature of the subjects who have a baseline sample, NaN where the block lacks it."""
    kept = [row for row, subject in enumerate(block.subjects) if subject in start]
    if feature not in block.features:
        return np.full(len(kept), np.nan)
    values: Floats = block.values[kept, block.features.index(feature)]
    return values


def _terms(
    modality: str, feature: str, endpoint: str, terms: Mapping[str, int], fit: Mixed
) -> list[tuple[object, ...]]:
    return [
        (
            modality, feature, endpoint, term, fit.n_subjects, fit.n_samples,
            float(fit.estimate[at]), float(fit.lower[at]), float(fit.upper[at]), float(fit.t[at]),
            float(fit.df[at]), float(fit.p[at]), fit.sd_between, fit.sd_within,
        )
        for term, at in terms.items()
    ]  # fmt: skip
