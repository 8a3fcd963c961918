"""The families of a tier: what may be tested together, and how the alpha of the tier is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.errors import Finding
from onearm.omics.assay import ASSOCIATIONS, Block, Outcomes
from onearm.omics.plan import Tier
from onearm.omics.screen import Family, Screened, screen
from onearm.pieces import SERIAL, Workers
from onearm.stats.arguments import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Gated:
    """What the confounding gate leaves of a block.

    endpoints: those that may be tested; strata: columns that must be added.
    """

    block: Block
    endpoints: tuple[str, ...]
    strata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """All tests of a tier.

    table: `ASSOCIATIONS`, adjusted over the whole tier, smallest adjusted p first. families: one
    row a family (`FAMILIES`); ``critical`` is the statistic that a feature had to reach.
    """

    tier: Tier
    alpha: float
    table: pl.DataFrame
    effects: pl.DataFrame
    families: pl.DataFrame
    n_tests: int
    refused: tuple[Finding, ...]
    notes: tuple[str, ...]


FAMILIES: Mapping[str, pl.DataType] = {
    "tier": pl.String(),
    "analysis": pl.String(),
    "modalities": pl.String(),
    "endpoints": pl.String(),
    "strata": pl.String(),
    "landmark_days": pl.Float64(),
    "features": pl.Int64(),
    "tests": pl.Int64(),
    "permutations": pl.Int64(),
    "critical": pl.Float64(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Blocks tested together, from one time zero."""

    blocks: tuple[Gated, ...]
    outcomes: Outcomes
    analysis: str = "baseline"
    landmark: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all families of an analysis."""

    design: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    seed: int = 1
    permutations: int = 10_000
    workers: Workers = SERIAL


def run_tier(
    tier: Tier,
    alpha: float,
    groups: Iterable[Group],
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
) -> Tested:
    """Test every group as one family; adjusted p values hold over all families of the tier.

    A group whose blocks may not all be tested against the same endpoints is split into one family
    for each set of endpoints. Several families share the tier's alpha: those of discovery, one a
    modality, evenly; those of other tiers by their numbers of tests, so that
    every test of the tier has the same chance. Adjusted p values are divided by the shares.
    """
    split = [part for group in groups for part in _split(group)]
    shares = _shares(tier, split)
    seeds = np.random.SeedSequence([settings.seed, *tier.encode()]).generate_state(len(split) or 1)
    done: list[tuple[Group, Family, Screened]] = []
    for group, seed, share in zip(split, seeds, shares, strict=False):
        family = _family(tier, alpha * share, group, settings)
        found = screen(
            family,
            group.outcomes,
            seed=int(seed),
            permutations=settings.permutations,
            workers=settings.workers,
            progress=progress,
        )
        done.append((group, family, found))
    schema = pl.Schema(ASSOCIATIONS)
    tables = [
        _adjusted(found.table, share) for (*_, found), share in zip(done, shares, strict=True)
    ]
    table = pl.concat([pl.DataFrame(schema=schema), *tables])
    order = ["p_adjusted", "p_nominal", "modality", "timepoint", "endpoint", "feature"]
    return Tested(
        tier,
        alpha,
        table.sort(order, nulls_last=True, maintain_order=True),
        pl.concat([found.effects for _, _, found in done]) if done else pl.DataFrame(),
        pl.DataFrame([_row(*one) for one in done], schema=pl.Schema(FAMILIES)),
        sum(found.n_tests for _, _, found in done),
        tuple(f for _, _, found in done for f in found.refused),
        tuple(dict.fromkeys(note for _, _, found in done for note in found.notes)),
    )


def _shares(tier: Tier, split: list[Group]) -> list[float]:
    """The share of the tier's alpha that each family has."""
    if not split:
        return []
    if tier == "discovery":
        return [1 / len(split)] * len(split)
    sizes = [sum(len(g.block.features) for g in one.blocks) * len(one.blocks[0].endpoints)
             for one in split]  # fmt: skip
    return [size / sum(sizes) for size in sizes]


def _adjusted(table: pl.DataFrame, share: float) -> pl.DataFrame:
    """The table with p values that hold where the family has only this share of alpha."""
    return table.with_columns(
        p_adjusted=(pl.col("p_adjusted") / share).clip(upper_bound=1.0),
        mc_se=pl.col("mc_se") / share,
    )


def critical_value(null_max: Floats, alpha: float) -> float:
    """The value that the largest statistic of a permutation reaches with probability alpha."""
    if not null_max.size:
        return float("nan")
    return float(np.quantile(null_max, 1 - alpha, method="higher"))


def _split(group: Group) -> Iterable[Group]:
    """One group for each set of endpoints that its blocks may be tested against."""
    sets = dict.fromkeys(gated.endpoints for gated in group.blocks if gated.endpoints)
    for endpoints in sets:
        blocks = tuple(gated for gated in group.blocks if gated.endpoints == endpoints)
        yield Group(blocks, group.outcomes, group.analysis, group.landmark)


def _family(tier: Tier, alpha: float, group: Group, settings: Settings) -> Family:
    asked = (name for gated in group.blocks for name in gated.strata)
    return Family(
        tier,
        tuple(gated.block for gated in group.blocks),
        group.blocks[0].endpoints,
        settings.design,
        tuple(dict.fromkeys((*settings.strata, *asked))),
        alpha,
        group.analysis,
        group.landmark,
    )


def _row(group: Group, family: Family, found: Screened) -> dict[str, object]:
    return {
        "tier": family.tier,
        "analysis": family.analysis,
        "modalities": ", ".join(dict.fromkeys(block.modality for block in family.blocks)),
        "endpoints": ", ".join(family.endpoints),
        "strata": ", ".join(family.strata),
        "landmark_days": float(group.landmark),
        "features": sum(len(block.features) for block in family.blocks),
        "tests": found.n_tests,
        "permutations": found.permutations,
        "critical": critical_value(found.null_max, family.alpha),
    }
