"""Cohorts with a known truth: noise that looks like an assay, with or without a planted signal.

What the calibration and power tables are computed from (omics.md, sections 15 and 16).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.omics.assay import Block, Outcomes, Times
from onearm.stats.arguments import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True)
class Generator:
    """How a cohort is made.

    modules: latent factors, shared by the features in turn; a feature is sqrt(1/2) module +
    sqrt(1/2) noise. skewed: exponentiate, as data that should have been logged. responders: fixed
    in number. missing: share of subjects without the assay. hazard_ratio: per SD of the planted
    feature, 1 for none; planted: how many features of one module carry it (1: a single independent
    feature; more: their mean score does). shift: in SD, added to the first ``shifted`` features of
    responders.
    """

    n: int = 50
    features: int = 20_000
    modules: int = 100
    skewed: bool = False
    responders: int = 15
    missing: float = 0.0
    batches: int = 2
    hazard_ratio: float = 1.0
    planted: int = 1
    shift: float = 0.0
    shifted: int = 0
    mean_months: float = 6.0
    censoring: tuple[float, float] = (3.0, 20.0)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One cohort: values (subjects, features) with NaN rows, times in months, response, batch.

    score: (subjects,) what the hazard depends on.
    """

    values: Floats
    times: Times
    response: Floats
    batch: Integers
    score: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features: the planted ones come first."""
        return tuple(f"F{number:05d}" for number in range(self.values.shape[1]))

    def block(self, columns: slice = slice(None), modality: str = "noise") -> Block:
        """The features as a block; subjects without the assay are not in it."""
        subjects = np.array([f"S{number:04d}" for number in range(self.values.shape[0])])
        there = ~np.isnan(self.values).any(axis=1)
        return Block(
            modality,
            "baseline",
            "log",
            self.names[columns],
            tuple(subjects[there].tolist()),
            self.values[there][:, columns],
            np.ones(int(there.sum())),
        )

    def outcomes(self) -> Outcomes:
        """Progression-free survival in months, response, and the batch as a column."""
        subjects = tuple(f"S{number:04d}" for number in range(self.response.size))
        columns = pl.DataFrame({"subject_id": subjects, "batch": [f"B{b}" for b in self.batch]})
        return Outcomes(
            subjects, {"response": self.response}, {"survival": self.times}, {}, columns
        )


def draw(generator: Generator, rng: np.random.Generator) -> Trial:
    """One cohort. Survival is exponential, censoring uniform, both rounded to half months."""
    n, p = generator.n, generator.features
    latent = rng.standard_normal((n, generator.modules))
    values = np.sqrt(0.5) * latent[:, np.arange(p) % generator.modules]
    values += np.sqrt(0.5) * rng.standard_normal((n, p))
    score = _plant(values, latent, generator, rng)
    times = _survival(score, generator, rng)
    response = rng.permutation((np.arange(n) < generator.responders).astype(np.float64))
    if generator.shifted:
        values[:, : generator.shifted] += generator.shift * response[:, None]
    if generator.skewed:
        np.exp(values, out=values)
    if generator.missing:
        gone = rng.permutation(n)[: round(generator.missing * n)]
        values[gone] = np.nan
    batch = rng.permutation(np.arange(n) % generator.batches)
    return Trial(values, times, response, batch, score)


def _plant(
    values: Floats, latent: Floats, generator: Generator, rng: np.random.Generator
) -> Floats:
    """What the hazard depends on, of SD 1: one fresh feature, or the mean of a programme."""
    if generator.planted == 1:
        values[:, 0] = rng.standard_normal(len(values))
        return np.asarray(values[:, 0].copy())
    noise = rng.standard_normal((len(values), generator.planted))
    values[:, : generator.planted] = np.sqrt(0.5) * (latent[:, :1] + noise)
    mean = values[:, : generator.planted].mean(axis=1)
    return np.asarray(mean / np.sqrt(0.5 + 0.5 / generator.planted))


def _survival(score: Floats, generator: Generator, rng: np.random.Generator) -> Times:
    hazard = np.exp(np.log(generator.hazard_ratio) * score)
    life = rng.exponential(generator.mean_months, score.size) / hazard
    censored = rng.uniform(*generator.censoring, score.size)
    event: Booleans = life <= censored
    half_months = np.maximum(np.round(np.minimum(life, censored) * 2), 1)
    return Times(half_months / 2, event)


def bound(trials: int, rate: float = 0.05) -> float:
    """The largest rate that ``trials`` trials may show where ``rate`` is meant.

    >>> round(bound(200), 3)
    0.08
    """
    return rate + 1.96 * float(np.sqrt(rate * (1 - rate) / trials))
