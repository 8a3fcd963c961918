"""Do the statistics of a screen look like chance: p values, and order statistics by permutation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onearm.omics.cohort import Cohort
from onearm.omics.residuals import centred, linear_residual, survival_residual
from onearm.stats.arguments import Floats

P_VALUES: Mapping[str, pl.DataType] = {"endpoint": pl.String(), "p": pl.Float64()}
QUANTILES: Mapping[str, pl.DataType] = {
    "endpoint": pl.String(),
    "expected": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "observed": pl.Float64(),
}
"""Order statistics: mean, 2.5% and 97.5% points over permutations, and what was observed."""

PERMUTATIONS = 200
POINTS = 200
"""So many of the order statistics are kept, the largest ones all."""


def null_check(
    table: pl.DataFrame, people: Cohort, endpoints: Sequence[str], *, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The nominal p values of a family and its statistics against those of permuted outcomes.

    table: associations of one block; people: that block alone with the outcomes. Statistics are
    those of `max_t`, absolute and in order; patients change places within strata.
    """
    wanted = table.filter(pl.col("endpoint").is_in(list(endpoints)))
    p_values = wanted.select("endpoint", p="p_nominal").sort("endpoint", "p")
    parts = [_quantiles(people, endpoint, seed) for endpoint in endpoints]
    schema = pl.Schema(QUANTILES)
    return p_values, pl.concat([pl.DataFrame(schema=schema), *parts]).cast(schema)


def _quantiles(people: Cohort, endpoint: str, seed: int) -> pl.DataFrame:
    residual = null_residual(people, endpoint)
    x = np.nan_to_num(centred(people.matrices[0], people.strata, people.covariates[0]))
    x = x[:, (x != 0).any(axis=0)]
    if not x.size or not residual.any():
        return pl.DataFrame(schema=pl.Schema(QUANTILES))
    scale = np.sqrt((x**2).sum(axis=0) * (residual**2).sum() / max(len(residual) - 1, 1))
    chance = np.random.default_rng(np.random.SeedSequence([seed, *endpoint.encode()]))
    shuffled = np.tile(residual, (PERMUTATIONS, 1))
    for stratum in np.unique(people.strata):
        inside = np.flatnonzero(people.strata == stratum)
        order = chance.permuted(np.tile(inside, (PERMUTATIONS, 1)), axis=1)
        shuffled[:, inside] = residual[order]
    permuted = np.sort(np.abs(shuffled @ x) / scale, axis=1)
    observed = np.sort(np.abs(residual @ x) / scale)
    kept = _points(observed.size)
    low, high = np.quantile(permuted[:, kept], [0.025, 0.975], axis=0)
    return pl.DataFrame(
        {
            "endpoint": [endpoint] * kept.size,
            "expected": permuted[:, kept].mean(axis=0),
            "low": low,
            "high": high,
            "observed": observed[kept],
        }
    )


def _points(size: int) -> np.ndarray:
    """Every order statistic where there are few, else the top tenth and an even grid below."""
    if size <= POINTS:
        return np.arange(size)
    top = np.arange(size - POINTS // 10, size)
    return np.unique(np.append(np.linspace(0, size - 1, POINTS).astype(np.int64), top))


def null_residual(people: Cohort, endpoint: str) -> Floats:
    """Of an endpoint on strata and covariates of the first block; 0 where it is missing."""
    outcomes, covariates = people.outcomes, people.covariates[0]
    if endpoint in outcomes.times:
        return survival_residual(outcomes.times[endpoint], people.strata, covariates)[0]
    values = outcomes.responses.get(endpoint, outcomes.amounts.get(endpoint))
    assert values is not None  # noqa: S101 - the plan names only endpoints that there are
    return linear_residual(values, people.strata, covariates)
