"""The factors that modalities share, as a family of the second tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from onearm.omics.factors import Factors, factors
from onearm.omics.families import Gated
from onearm.omics.plan import Plan
from onearm.pieces import SERIAL, Workers

FEWEST_FEATURES = 5
"""A modality of fewer features, or of altered-or-not, is not a view of the factor model."""


def factor_family(
    plan: Plan, gated: Sequence[Gated], *, workers: Workers = SERIAL
) -> tuple[Factors, Gated | None] | None:
    """Factors over the modalities, and what may be tested of them; None where there are none.

    Only where the plan asks for prediction, and two modalities or more can be views. A factor is
    tested against the endpoints that all its modalities may be tested against, with the strata that
    any of them asks for. The second item is None where no factor came out alike from every start.
    """
    if not plan.prediction:
        return None
    views = [
        one
        for one in gated
        if one.block.scale != "binary" and len(one.block.features) >= FEWEST_FEATURES
    ]
    if len(views) < 2:
        return None
    made = factors([one.block for one in views], seed=plan.seed, workers=workers)
    endpoints = tuple(e for e in plan.endpoints if all(e in one.endpoints for one in views))
    if not made.names or not endpoints:
        return made, None
    strata = tuple(dict.fromkeys(name for one in views for name in one.strata))
    block = replace(made.block, columns=_columns(made.subjects, views))
    return made, Gated(block, endpoints, strata)


def _columns(subjects: tuple[str, ...], views: Sequence[Gated]) -> pl.DataFrame:
    """The columns of the samples: of each, that of the first modality in which a subject has it."""
    frame = pl.DataFrame({"subject_id": subjects})
    for one in views:
        if "subject_id" not in one.block.columns.columns:
            continue
        own = one.block.columns.cast(pl.String)
        more = [name for name in own.columns if name not in frame.columns]
        frame = frame.join(own, on="subject_id", how="left", suffix=" more", maintain_order="left")
        kept = [name for name in frame.columns if not name.endswith(" more") and name not in more]
        filled = [pl.coalesce(n, f"{n} more") if f"{n} more" in frame.columns else n for n in kept]
        frame = frame.select(*filled, *more)
    return frame
