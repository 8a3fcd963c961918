"""Markers beside the standard variables: how they go together, and estimates with both in a model.

REMARK asks for both (items 14 and 17). Nothing is tested here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.cohort import Cohort, cohort
from onearm.omics.effects import amount_effects, response_effects, survival_effects
from onearm.omics.families import Group, Settings
from onearm.stats.arguments import Floats

FEWEST = 20
"""With fewer patients, or fewer than 10 a column of the model, nothing is estimated."""

LEVEL = 5
"""A level of a standard variable has so many patients, or the variable stays out of the model."""

RELATED: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "column": pl.String(),
    "n": pl.Int64(),
    "share": pl.Float64(),
}
"""Columns of the frame of relations: the share of a marker's variance between the levels of a
standard variable (eta squared), or with a numeric one (r squared)."""

WITH_STANDARD: Mapping[str, pl.DataType] = {
    "analysis": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "n": pl.Int64(),
    "events": pl.Int64(),
    "effect_name": pl.String(),
    "effect": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "columns": pl.String(),
}
"""Columns of the frame of estimates with the standard variables in the model."""


def related(groups: Sequence[Group], columns: Sequence[str]) -> pl.DataFrame:
    """How much of each candidate the standard variables account for, largest first."""
    rows = []
    for group in groups:
        for gated in group.blocks:
            block = gated.block
            wanted = [c for c in columns if c in group.outcomes.columns.columns]
            for column in wanted:
                people = cohort((block,), group.outcomes, design=(column,), strata=())
                for at, feature in enumerate(people.blocks[0].features):
                    share = _share(people.matrices[0][:, at], people.covariates[0])
                    rows.append((block.modality, block.timepoint, feature, column, *share))
    frame = pl.DataFrame(rows, schema=pl.Schema(RELATED), orient="row").unique(maintain_order=True)
    frame = frame.with_columns(pl.col("share").fill_nan(None))
    return frame.sort(
        "share", "feature", "column", descending=[True, False, False], nulls_last=True
    )


def _share(values: Floats, covariates: Floats) -> tuple[int, float]:
    """Patients, and the share of the variance that least squares on the column explains."""
    usable = np.isfinite(values) & np.isfinite(covariates).all(axis=1)
    x = values[usable] - values[usable].mean() if usable.any() else values[usable]
    total = float(x @ x)
    if usable.sum() < 3 or total <= 0 or not covariates.shape[1]:
        return int(usable.sum()), float("nan")
    design = np.column_stack((np.ones(x.size), covariates[usable]))
    fitted = design @ np.linalg.lstsq(design, x, rcond=None)[0]
    return x.size, float(np.clip(fitted @ fitted / total, 0.0, 1.0))


def with_standard(
    groups: Sequence[Group], columns: Sequence[str], settings: Settings
) -> pl.DataFrame:
    """Each candidate's effect with the standard variables in the model, beside the strata.

    columns: of the subjects; those that stratify are in the model already, and those with a level
    of fewer than 5 patients are left out. A family with fewer than
    20 patients, or than 10 patients (events, for a time) a column of the model, has no row.
    """
    parts = [pl.DataFrame(schema=pl.Schema(WITH_STANDARD))]
    for group in groups:
        for gated in group.blocks:
            strata = tuple(dict.fromkeys((*settings.strata, *gated.strata)))
            usable = _usable(group.outcomes.columns, columns)
            wanted = [c for c in usable if c not in strata]
            wanted = list(dict.fromkeys((*settings.design, *wanted)))
            if not wanted:
                continue
            people = cohort((gated.block,), group.outcomes, design=wanted, strata=strata)
            for endpoint in gated.endpoints:
                try:
                    frame = _estimates(people, endpoint)
                except OnearmError:
                    # The standard variables alone tell the patients apart: there is no estimate.
                    continue
                if frame is not None:
                    place = pl.lit(group.analysis).alias("analysis")
                    named = frame.with_columns(place, columns=pl.lit(", ".join(wanted)))
                    parts.append(named.select(*WITH_STANDARD).cast(pl.Schema(WITH_STANDARD)))
    return pl.concat(parts).with_columns(pl.col(pl.Float64).fill_nan(None))


def _usable(frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """Columns that are numbers, or have two levels or more, each with the patients it needs."""
    kept = []
    for name in columns:
        if name not in frame.columns:
            continue
        known = frame[name].drop_nulls()
        least = known.value_counts()["count"].min()
        is_enough = known.dtype.is_numeric() or (isinstance(least, int) and least >= LEVEL)
        if known.n_unique() > 1 and is_enough:
            kept.append(name)
    return kept


def _estimates(people: Cohort, endpoint: str) -> pl.DataFrame | None:
    """The first effect of every feature; None where there are too few for the model."""
    block, covariates, outcomes = people.blocks[0], people.covariates[0], people.outcomes
    values, strata = people.matrices[0], people.strata
    is_binary = block.scale == "binary"
    usable = np.isfinite(covariates).all(axis=1)
    if endpoint in outcomes.times:
        times = outcomes.times[endpoint]
        size = int((times.event & usable).sum())
    else:
        answer = outcomes.responses.get(endpoint, outcomes.amounts.get(endpoint))
        size = int((np.isfinite(answer) & usable).sum()) if answer is not None else 0
    if usable.sum() < FEWEST or size < 10 * covariates.shape[1]:
        return None
    if endpoint in outcomes.times:
        found = survival_effects(values, times, strata, covariates, is_binary=is_binary)
    elif endpoint in outcomes.responses:
        response = outcomes.responses[endpoint]
        found = response_effects(values, response, strata, covariates, is_binary=is_binary)
    else:
        found = amount_effects(values, outcomes.amounts[endpoint], strata, covariates)
    effect = found.effects[0]
    size_of = len(block.features)
    return pl.DataFrame(
        {
            "modality": [block.modality] * size_of,
            "timepoint": [block.timepoint] * size_of,
            "feature": block.features,
            "endpoint": [endpoint] * size_of,
            "n": found.n,
            "events": pl.Series(found.events, dtype=pl.Int64)
            if found.events is not None
            else pl.Series([None] * size_of, dtype=pl.Int64),
            "effect_name": [effect.name] * size_of,
            "effect": effect.value,
            "lower": effect.lower,
            "upper": effect.upper,
        }
    )
