"""The part of the analysis on samples taken on treatment: change, slopes, kinetics, dropout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from onearm.errors import Finding
from onearm.omics.assay import Block, Outcomes, rows_of
from onearm.omics.change import ANALYSIS, SLOPES, WORDS, change, paired, slopes
from onearm.omics.families import Gated, Settings
from onearm.omics.kinetics import KINETICS, RISE, kinetics, rule_of
from onearm.omics.measure import Measured, Measures
from onearm.omics.plan import Modality, Plan
from onearm.omics.screen import Family, screen
from onearm.omics.visits import DROPOUT, Survived, after_landmark, carried_on, dropout
from onearm.stats.arguments import Floats, Integers

BY_RESPONSE = "change by response"
MOST = 200
"""Slopes are fitted for so many features of a modality; above it for its candidates only."""

SURVIVAL: Mapping[str, pl.DataType] = {
    "analysis": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "contrast": pl.String(),
    "landmark_days": pl.Float64(),
    "at_risk": pl.Int64(),
    "gone": pl.Int64(),
    "n": pl.Int64(),
    "events": pl.Int64(),
    "hazard_ratio": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "statistic": pl.Float64(),
    "p_nominal": pl.Float64(),
    "flags": pl.String(),
}
"""Columns of the frame of survival by kinetics. ``analysis`` is ``landmark`` or ``last value
carried``; p values are nominal, candidates that the plan names stand in their tier."""


@dataclass(frozen=True, slots=True, eq=False)
class OnTreatment:
    """What the samples on treatment say; no alpha is spent on it.

    table: columns of `ASSOCIATIONS`, analysis ``change`` (did it change in all patients; adjusted
    by sign-flips) and ``change by response`` (adjusted by permutation), each its own family.
    slopes, kinetics, survival, dropout: see `SLOPES`, `KINETICS`, `SURVIVAL`, `DROPOUT`. n_tests:
    all tests of these frames. words: what must be said beside them.
    """

    table: pl.DataFrame
    slopes: pl.DataFrame
    kinetics: pl.DataFrame
    survival: pl.DataFrame
    dropout: pl.DataFrame
    n_tests: int
    refused: tuple[Finding, ...]
    words: str = WORDS


def on_treatment(
    plan: Plan,
    measured: Measured,
    found: Measures,
    outcomes: Outcomes,
    gated: Sequence[Gated],
    strata: Integers,
    settings: Settings,
) -> OnTreatment | None:
    """Everything on the modalities with later samples; None where there is none.

    gated: the baseline blocks with the endpoints that the confounding gate leaves. strata: of the
    subjects of the outcomes, for survival.
    """
    series = [
        (modality, (found.blocks[modality.name], *found.later[modality.name]))
        for modality in plan.modalities
        if found.later.get(modality.name)
    ]
    if not series:
        return None
    allowed = {one.block.modality: one for one in gated}
    pairs = [(blocks[0], after) for _, blocks in series for after in blocks[1:]]
    pairs = [pair for pair in pairs if _has_both(*pair)]
    # Beside the tiers' streams, which are drawn from the seed and the name of the tier.
    seeds = np.random.SeedSequence([settings.seed, *ANALYSIS.encode()]).generate_state(2)
    changed = change(
        pairs, seed=int(seeds[0]), permutations=settings.permutations, workers=settings.workers
    )
    blocks = [replace(allowed[a.modality], block=paired(a, b)) for a, b in pairs]
    by_response, n_tests, refused = _by_response(blocks, outcomes, settings, int(seeds[1]))
    sloped = _slopes(plan, series, outcomes, allowed)
    classes = _kinetics(plan, measured, [modality for modality, _ in series])
    survival = _survival(plan, classes, series, outcomes, allowed, strata)
    return OnTreatment(
        pl.concat([changed.table, *by_response]),
        sloped,
        classes,
        survival,
        _dropout(plan, series, outcomes),
        changed.n_tests + n_tests + sloped.height + survival.height,
        refused,
    )


def _has_both(before: Block, after: Block) -> bool:
    """Whether a log-ratio can be taken for somebody."""
    return (
        before.scale == after.scale
        and before.scale in ("log", "score")
        and bool(set(before.subjects) & set(after.subjects))
        and bool(set(before.features) & set(after.features))
    )


def _by_response(
    blocks: Sequence[Gated], outcomes: Outcomes, settings: Settings, seed: int
) -> tuple[list[pl.DataFrame], int, tuple[Finding, ...]]:
    """Changes against the responses, one family for each set of endpoints and strata."""
    sets: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Block]] = {}
    for one in blocks:
        endpoints = tuple(e for e in one.endpoints if e in outcomes.responses)
        if endpoints:
            sets.setdefault((endpoints, one.strata), []).append(one.block)
    tables, tests = [], 0
    refused: list[Finding] = []
    for number, ((endpoints, more), own) in enumerate(sets.items()):
        strata = tuple(dict.fromkeys((*settings.strata, *more)))
        family = Family("", tuple(own), endpoints, settings.design, strata, analysis=BY_RESPONSE)
        result = screen(
            family,
            outcomes,
            seed=seed + number,
            permutations=settings.permutations,
            workers=settings.workers,
        )
        p = (pl.col("p_adjusted") * len(sets)).clip(upper_bound=1.0)
        tables.append(result.table.with_columns(p_adjusted=p, mc_se=pl.col("mc_se") * len(sets)))
        tests += result.n_tests
        refused += result.refused
    return tables, tests, tuple(refused)


def _named(plan: Plan, modality: str) -> list[str]:
    """Features of the modality that a candidate names."""
    return sorted({c.key for c in plan.candidates if c.modality == modality})


def _slopes(
    plan: Plan,
    series: Iterable[tuple[Modality, tuple[Block, ...]]],
    outcomes: Outcomes,
    allowed: Mapping[str, Gated],
) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=pl.Schema(SLOPES))]
    for modality, blocks in series:
        own = tuple(block for block in blocks if block.scale == blocks[0].scale)
        if blocks[0].scale not in ("log", "score"):
            continue
        features: Sequence[str] = blocks[0].features
        if len(features) > MOST:
            features = [name for name in _named(plan, modality.name) if name in features]
        answers = [e for e in allowed[modality.name].endpoints if e in outcomes.responses]
        parts.append(slopes(own, features, outcomes, answers))
    return pl.concat(parts)


def _kinetics(plan: Plan, measured: Measured, asked: Sequence[Modality]) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=pl.Schema(KINETICS))]
    for modality in asked:
        if modality.kinetics:
            parts.append(
                kinetics(
                    measured.assays[modality.name],
                    measured.sheet,
                    baseline=modality.timepoint,
                    later=modality.later,
                    rule=rule_of(modality.kinetics),
                )
            )
    return pl.concat(parts)


def _survival(
    plan: Plan,
    classes: pl.DataFrame,
    series: Sequence[tuple[Modality, tuple[Block, ...]]],
    outcomes: Outcomes,
    allowed: Mapping[str, Gated],
    strata: Integers,
) -> pl.DataFrame:
    """A rise against no rise from a landmark at each visit, and amounts carried on."""
    rows = []
    for (name, feature), own in classes.group_by(["modality", "feature"], maintain_order=True):
        ends = [e for e in allowed[str(name)].endpoints if e in outcomes.times]
        blocks = next(made for modality, made in series if modality.name == name)
        for endpoint in ends:
            for timepoint in own["timepoint"].unique(maintain_order=True):
                visit = own.filter(pl.col("timepoint") == timepoint)
                found = _at_visit(plan, visit, outcomes, endpoint, strata)
                if found is not None:
                    place = ("landmark", name, timepoint, feature, endpoint)
                    rows.append(_row(place, "rise against no rise", *found))
            if feature in blocks[0].features:
                place = ("last value carried", name, "", feature, endpoint)
                fit = carried_on(blocks, str(feature), outcomes, endpoint)
                rows.append(_row(place, "per doubling", None, fit))
    frame = pl.DataFrame(rows, schema=pl.Schema(SURVIVAL), orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _at_visit(
    plan: Plan, visit: pl.DataFrame, outcomes: Outcomes, endpoint: str, strata: Integers
) -> tuple[float, Survived] | None:
    """From the landmark that the plan names for the visit, else the day of its last sample."""
    known = visit.drop_nulls("kinetics")
    at = rows_of(outcomes.subjects, tuple(known["subject_id"]))
    kept = at >= 0
    rise = np.full(len(outcomes.subjects), np.nan)
    rise[at[kept]] = (known["kinetics"] == RISE).to_numpy()[kept].astype(np.float64)
    seen = np.full(len(outcomes.subjects), np.nan)
    seen[at[kept]] = known["study_day"].fill_null(np.nan).to_numpy()[kept]
    if not np.isfinite(seen).any():
        return None
    day = _landmark(plan, visit, seen)
    return day, after_landmark(rise, outcomes.times[endpoint], day, known_at=seen, strata=strata)


def _landmark(plan: Plan, visit: pl.DataFrame, seen: Floats) -> float:
    last = float(np.nanmax(seen))
    asked = [
        float(c.landmark_days or 0)
        for c in plan.candidates
        if (c.modality, c.key, c.change_to)
        == (visit["modality"][0], visit["feature"][0], visit["timepoint"][0])
    ]
    return max([last, *asked])


def _row(
    place: tuple[object, ...], contrast: str, day: float | None, fit: Survived
) -> tuple[object, ...]:
    return (
        *place, contrast, day, fit.at_risk, fit.gone, fit.n, fit.events, fit.hazard_ratio,
        fit.lower, fit.upper, fit.z, fit.p, "separated" if fit.is_separated else "",
    )  # fmt: skip


def _dropout(
    plan: Plan, series: Iterable[tuple[Modality, tuple[Block, ...]]], outcomes: Outcomes
) -> pl.DataFrame:
    """By the first time of the plan's endpoints; of the candidates, else of the first feature."""
    parts = [pl.DataFrame(schema=pl.Schema(DROPOUT))]
    endpoint = next((e for e in plan.endpoints if e in outcomes.times), None)
    if endpoint is not None:
        for modality, blocks in series:
            own = [name for name in _named(plan, modality.name) if name in blocks[0].features]
            parts.append(dropout(blocks, own or blocks[0].features[:1], outcomes, endpoint))
    return pl.concat(parts)
