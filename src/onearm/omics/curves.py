"""Kaplan-Meier curves of two groups by a cutpoint, fixed in advance or searched."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from onearm.omics.assay import Block, Outcomes, Times, rows_of
from onearm.omics.marked import marked
from onearm.stats.arguments import Booleans, Floats
from onearm.stats.survival import kaplan_meier

CURVES: Mapping[str, pl.DataType] = {
    "marker": pl.String(),
    "endpoint": pl.String(),
    "group": pl.String(),
    "n": pl.Int64(),
    "events": pl.Int64(),
    "time": pl.Float64(),
    "survival": pl.Float64(),
    "at_risk": pl.Float64(),
    "censored": pl.Float64(),
}
"""Columns of the frame of curves: one row a step, days from first dose, groups low and high."""

FEWEST = 5
"""Groups of fewer patients get no curve."""


def curves_by_cut(
    block: Block, cuts: Mapping[str, float], outcomes: Outcomes, endpoint: str
) -> pl.DataFrame:
    """The curves of every feature of the block that has a cutpoint: ``high`` is at or above it.

    A feature of which a group has fewer than 5 patients with the endpoint has no curve.
    """
    parts = [pl.DataFrame(schema=dict(CURVES))]
    at = rows_of(outcomes.subjects, block.subjects)
    times = outcomes.times[endpoint]
    for column, name in enumerate(block.features):
        if name not in cuts:
            continue
        values = block.values[:, column]
        usable = (at >= 0) & np.isfinite(values) & np.isfinite(times.time[at])
        rows, high = at[usable], values[usable] >= cuts[name]
        if min(high.sum(), (~high).sum()) < FEWEST:
            continue
        for group, mask in (("low", ~high), ("high", high)):
            curve = _curve(times.time[rows[mask]], times.event[rows[mask]])
            parts.append(marked(curve, marker=name, endpoint=endpoint, group=group))
    return pl.concat(part.cast(pl.Schema(CURVES)) for part in parts)


def curves_above(
    values: Floats, cut: float, times: Times, marker: str, endpoint: str
) -> pl.DataFrame:
    """The curves of the subjects above a searched cutpoint (``high``) and of the rest.

    values: (subjects,), NaN where missing. No curve where a group has fewer than 5 patients.
    """
    usable = np.isfinite(values) & np.isfinite(times.time)
    high = values[usable] > cut
    time, event = times.time[usable], times.event[usable]
    parts = [pl.DataFrame(schema=dict(CURVES))]
    if min(high.sum(), (~high).sum()) >= FEWEST:
        for group, mask in (("low", ~high), ("high", high)):
            curve = _curve(time[mask], event[mask])
            parts.append(marked(curve, marker=marker, endpoint=endpoint, group=group))
    return pl.concat(part.cast(pl.Schema(CURVES)) for part in parts)


def _curve(time: Floats, event: Booleans) -> pl.DataFrame:
    found = kaplan_meier(time, event)
    return pl.DataFrame(
        {
            "n": len(time),
            "events": int(event.sum()),
            "time": np.append(0.0, found.time),
            "survival": np.append(1.0, found.survival),
            "at_risk": np.append(len(time), found.n_risk).astype(float),
            "censored": np.append(0, found.n_censor).astype(float),
        }
    )
