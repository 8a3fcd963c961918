"""A closer look at candidates: cutpoints searched for those found, and proportional hazards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.omics.assay import Outcomes, Times
from onearm.omics.cohort import cohort
from onearm.omics.curves import CURVES, curves_above
from onearm.omics.cutpoints import Cutpoint, search_cutpoint
from onearm.omics.families import Gated, Group, Settings
from onearm.omics.proportional import proportionality
from onearm.stats.arguments import Floats, InvalidArgument

FEWEST_VALUES = 5
"""A marker of fewer distinct values has no cutpoint to search."""

CUTPOINTS: Mapping[str, pl.DataType] = {
    "analysis": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "cutpoint": pl.Float64(),
    "n": pl.Int64(),
    "above": pl.Int64(),
    "searched": pl.Int64(),
    "permutations": pl.Int64(),
    "p_adjusted": pl.Float64(),
    "mc_se": pl.Float64(),
    "effect_name": pl.String(),
    "effect": pl.Float64(),
    "shrinkage": pl.Float64(),
    "shrunken": pl.Float64(),
    "bootstrap_low": pl.Float64(),
    "bootstrap_middle": pl.Float64(),
    "bootstrap_high": pl.Float64(),
    "note": pl.String(),
}
"""Columns of the frame of searched cutpoints: values above against the rest, on the scale that is
analysed. ``p_adjusted`` pays for the search (largest statistic over all ``searched``); the effect
is a hazard ratio or a difference in shares, ``shrunken`` with its optimism taken out; the bootstrap
columns are the 10%, 50% and 90% points of the cutpoint found in resampled patients."""

HAZARDS: Mapping[str, pl.DataType] = {
    "analysis": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "feature": pl.String(),
    "endpoint": pl.String(),
    "statistic": pl.Float64(),
    "p": pl.Float64(),
    "tau": pl.Float64(),
    "mean_difference": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "groups": pl.String(),
}
"""Columns of the frame of proportional hazards: the scaled Schoenfeld test, and the difference in
restricted mean survival up to ``tau`` days, which does not need proportional hazards."""


@dataclass(frozen=True, slots=True, eq=False)
class Closer:
    """cutpoints: `CUTPOINTS`, one row a candidate found and its endpoint. curves: `CURVES` by the
    searched cutpoints, for times to an event. hazards: `HAZARDS`, every candidate with every time.
    """

    cutpoints: pl.DataFrame
    curves: pl.DataFrame
    hazards: pl.DataFrame


def look_closer(
    groups: Sequence[Group], table: pl.DataFrame, alpha: float, settings: Settings
) -> Closer:
    """Search cutpoints of the candidates found, and check the hazards of all.

    groups: what was tested as candidates. table: their associations; found is what has an adjusted
    p at or below ``alpha``. A marker that is not searched where nothing was found is no claim.
    Source: omics.md, sections 6 and 7.
    """
    found = set(
        table.filter(pl.col("p_adjusted") <= alpha)
        .select("analysis", "modality", "feature", "endpoint")
        .iter_rows()
    )
    cutpoints, curves, hazards = [], [pl.DataFrame(schema=dict(CURVES))], []
    for group in groups:
        for gated in group.blocks:
            for feature, endpoint, values, outcomes, strata in _pairs(group, gated, settings):
                block = gated.block
                place = (group.analysis, block.modality, block.timepoint, feature, endpoint)
                if endpoint in outcomes.times:
                    hazards.append((*place, *_hazards(values, outcomes.times[endpoint])))
                key = (group.analysis, block.modality, feature, endpoint)
                if key not in found or np.unique(values[np.isfinite(values)]).size < FEWEST_VALUES:
                    continue
                cut = _searched(values, outcomes, endpoint, strata, feature, settings)
                if cut is None:
                    continue
                cutpoints.append((*place, *_numbers(cut, is_time=endpoint in outcomes.times)))
                if endpoint in outcomes.times:
                    times = outcomes.times[endpoint]
                    curves.append(curves_above(values, cut.value, times, feature, endpoint))
    return Closer(
        _frame(cutpoints, CUTPOINTS),
        pl.concat(curves),
        _frame(hazards, HAZARDS),
    )


def _pairs(
    group: Group, gated: Gated, settings: Settings
) -> Iterator[tuple[str, str, Floats, Outcomes, np.ndarray]]:
    """Every feature of a block with every endpoint it may be tested against, subjects aligned."""
    if not gated.endpoints:
        return
    strata = tuple(dict.fromkeys((*settings.strata, *gated.strata)))
    people = cohort((gated.block,), group.outcomes, design=(), strata=strata)
    for endpoint in gated.endpoints:
        for at, feature in enumerate(people.blocks[0].features):
            yield feature, endpoint, people.matrices[0][:, at], people.outcomes, people.strata


def _hazards(values: Floats, times: Times) -> tuple[float | str | None, ...]:
    found = proportionality(values, times)
    instead = found.instead
    if instead is None:
        return (found.statistic, found.p, None, None, None, None, "")
    means = (instead.tau, instead.difference, instead.lower, instead.upper, instead.groups)
    return (found.statistic, found.p, *means)


def _searched(
    values: Floats,
    outcomes: Outcomes,
    endpoint: str,
    strata: np.ndarray,
    feature: str,
    settings: Settings,
) -> Cutpoint | None:
    outcome = outcomes.times.get(endpoint, outcomes.responses.get(endpoint))
    if outcome is None:
        return None
    entropy = [settings.seed, *f"cutpoint {feature} {endpoint}".encode()]
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    try:
        return search_cutpoint(
            values,
            outcome,
            seed=seed,
            strata=strata,
            permutations=settings.permutations,
            workers=settings.workers,
        )
    except InvalidArgument:
        return None


def _numbers(cut: Cutpoint, *, is_time: bool) -> tuple[float | int | str | None, ...]:
    name = "HR above vs not" if is_time else "difference in shares"
    effects = (np.exp(cut.effect), np.exp(cut.shrunken)) if is_time else (cut.effect, cut.shrunken)
    spread = np.quantile(cut.bootstrap, [0.1, 0.5, 0.9]) if cut.bootstrap.size else [np.nan] * 3
    return (
        cut.value, cut.n, cut.above, cut.searched, cut.permutations, cut.p, cut.mc_se,
        name, float(effects[0]), cut.shrinkage, float(effects[1]), *map(float, spread), cut.note,
    )  # fmt: skip


def _frame(rows: Sequence[tuple[object, ...]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=pl.Schema(schema), orient="row")
    frame = frame.with_columns(pl.col(pl.Float64).fill_nan(None))
    return frame.sort("analysis", "feature", "endpoint")
