"""The tables of a simulation: one row a trial, and one row an operating characteristic."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from onearm.design.trial_summary import summarise

ROUTES = ("drawn", "entered")
"""How trials are made: drawn from rates, or as entries through the real derivations."""

SUMMARY = {
    "scenario": pl.String(),
    "route": pl.String(),
    "measure": pl.String(),
    "value": pl.Float64(),
    "std_err": pl.Float64(),
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "trials": pl.Int32(),
}
"""Columns of the summary."""


def trials_of(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All trials in one frame, in the order of the pieces."""
    return pl.concat(parts)


def summary_of(trials: pl.DataFrame) -> pl.DataFrame:
    """One row a scenario, route and measure, each with its Monte-Carlo standard error and limits.

    trials: the columns of `onearm.design.trials.simulate_trials` with ``scenario`` and ``route``.
    Null where a number does not exist. See `onearm.design.trial_summary.summarise`.
    """
    rows = []
    groups = trials.partition_by("scenario", "route", as_dict=True, maintain_order=True)
    for (scenario, route), mine in groups.items():
        columns = {
            name: mine[name].fill_null(float("nan")).to_numpy()
            if mine.schema[name] == pl.Float64
            else mine[name].to_numpy()
            for name in mine.columns
            if name not in ("scenario", "route", "trial")
        }
        rows += [
            (scenario, route, m.name, m.value, m.std_err, m.lower, m.upper, m.trials)
            for m in summarise(columns)
        ]
    return pl.DataFrame(rows, schema=SUMMARY, orient="row")
