"""Whole trials drawn from rates: fast, all patients of many trials at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onearm.design.trials import simulate_trials
from onearm.operating.settings import Setting


@dataclass(frozen=True, slots=True)
class Drawn:
    """A piece of work: some trials of one scenario, with a random stream of their own."""

    setting: Setting
    first: int
    trials: int
    stream: np.random.SeedSequence


def drawn(piece: Drawn) -> pl.DataFrame:
    """One row a trial: ``scenario``, ``route``, ``trial`` (from 1), and what `columns_of` gives."""
    setting = piece.setting
    columns = simulate_trials(
        setting.plan,
        setting.truth,
        setting.looks,
        rng=np.random.Generator(np.random.PCG64(piece.stream)),
        n_trials=piece.trials,
        landmark=setting.landmark,
    )
    return frame_of(columns, scenario=setting.scenario.id, route="drawn", first=piece.first)


def frame_of(
    columns: Mapping[str, NDArray[Any]], *, scenario: str, route: str, first: int
) -> pl.DataFrame:
    """The columns of trials as a frame: what does not exist is null, counts are whole numbers."""
    series = [pl.Series(name, values) for name, values in columns.items()]
    return (
        pl.DataFrame(series)
        .with_columns(pl.col(pl.Float64).fill_nan(None), pl.col(pl.Int64).cast(pl.Int32))
        .insert_column(0, pl.Series("trial", np.arange(first, first + len(series[0])), pl.Int32))
        .insert_column(0, pl.lit(route).alias("route"))
        .insert_column(0, pl.lit(scenario).alias("scenario"))
    )
