"""How strong an association must be for this trial to see it: power by simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from onearm.omics.assay import Times
from onearm.omics.nulls import Generator, draw
from onearm.omics.permute import Group, max_t
from onearm.omics.residuals import centred, survival_residual
from onearm.stats.arguments import Floats, Integers

RATIOS = (1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 5.0)
"""Hazard ratios per standard deviation that are tried."""
TRIALS = 400
COHORTS = 8
"""So many cohorts of noise are drawn for one size of a family."""


@dataclass(frozen=True, slots=True)
class Power:
    """Chance of finding one normal marker of a given hazard ratio per standard deviation."""

    hazard_ratio: float
    power: float
    trials: int


def power_curve(
    times: Times,
    critical: float,
    *,
    seed: int,
    strata: Integers | None = None,
    ratios: Sequence[float] = RATIOS,
    trials: int = TRIALS,
) -> tuple[Power, ...]:
    """Power against hazard ratio for the trial's own times, events and permutation threshold.

    times: days and events of the subjects; those without the endpoint are left out. critical: the
    statistic (`max_t`'s, standardised by its permutation variance) that a feature must reach. In
    each trial a standard normal marker is dealt to the subjects as Cox's model with that ratio
    would: at each event the one who has it is drawn from those at risk with weights HR^x, at each
    censoring without weights. Number at risk, ties and censoring are the trial's own.
    Source: MacKenzie and Abrahamowicz, Statistics in Medicine 21:2757-2773 (2002).
    """
    usable = np.isfinite(times.time)
    own = Times(times.time[usable], times.event[usable])
    groups = np.zeros(own.time.size, dtype=np.int64) if strata is None else strata[usable]
    residual, _ = survival_residual(own, groups, np.zeros((own.time.size, 0)))
    found = []
    for place, ratio in enumerate(ratios):
        chance = np.random.default_rng(np.random.SeedSequence([seed, place]))
        markers = _dealt(own, groups, np.log(ratio), trials, chance)
        hits = np.abs(_statistic(markers, residual, groups)) >= critical
        found.append(Power(ratio, float(hits.mean()), trials))
    return tuple(found)


def detectable(curve: Sequence[Power], power: float = 0.8) -> float:
    """The smallest hazard ratio found with at least that power, between those tried; NaN if none.

    >>> detectable((Power(1.5, 0.4, 100), Power(2.0, 0.9, 100)))
    1.9
    """
    below = None
    for point in curve:
        if point.power >= power:
            if below is None or point.power == below.power:
                return point.hazard_ratio
            share = (power - below.power) / (point.power - below.power)
            ratio = below.hazard_ratio + share * (point.hazard_ratio - below.hazard_ratio)
            return round(float(ratio), 2)
        below = point
    return float("nan")


def _dealt(
    times: Times, groups: Integers, beta: float, trials: int, chance: np.random.Generator
) -> Floats:
    """A marker for every subject in every trial: (trials, subjects)."""
    markers = np.empty((trials, times.time.size))
    rows = np.arange(trials)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        # Events come before censorings of the same day, as everywhere in survival analysis.
        order = members[np.lexsort((~times.event[members], times.time[members]))]
        pool = chance.standard_normal((trials, members.size))
        weight, left = np.exp(beta * pool), np.ones((trials, members.size))
        u = chance.random((trials, members.size))
        for place, subject in enumerate(order):
            share = np.cumsum(left * weight if times.event[subject] else left, axis=1)
            drawn = (share > u[:, place, None] * share[:, -1:]).argmax(axis=1)
            markers[:, subject] = pool[rows, drawn]
            left[rows, drawn] = 0.0
    return markers


def _statistic(markers: Floats, residual: Floats, groups: Integers) -> Floats:
    """The permutation statistic of each trial's marker: sum of residual x marker over its SD."""
    top, variance = np.zeros(len(markers)), np.zeros(len(markers))
    for group in np.unique(groups):
        inside = groups == group
        n = int(inside.sum())
        if n < 2:
            continue
        x = markers[:, inside] - markers[:, inside].mean(axis=1, keepdims=True)
        m = residual[inside] - residual[inside].mean()
        top += x @ m
        variance += (m @ m) * (x**2).sum(axis=1) / (n - 1)
    return np.divide(top, np.sqrt(variance), out=np.zeros_like(top), where=variance > 0)


def power_table(
    patients: int,
    events: int,
    sizes: Sequence[int],
    *,
    alpha: float = 0.05,
    trials: int = TRIALS,
    permutations: int = 1000,
    seed: int = 1,
    progress: Callable[[int], None] | None = None,
) -> dict[int, tuple[Power, ...]]:
    """Power by hazard ratio for each size of a family of features tested together.

    For each size eight cohorts of correlated noise are drawn (`nulls.draw`); each has its own
    permutation threshold and its share of the ``trials``. Lives are exponential; censoring is
    uniform, stretched until exactly ``events`` of the ``patients`` have the event.
    Source: omics.md, section 16.
    """
    table: dict[int, tuple[Power, ...]] = {}
    for size in sizes:
        if progress:
            progress(size)
        parts = []
        for number in range(COHORTS):
            seeds = np.random.SeedSequence([seed, size, number])
            chance = np.random.default_rng(seeds)
            cohort = draw(Generator(n=patients, features=size), chance)
            times = _with_events(patients, events, chance)
            none = np.zeros(patients, dtype=np.int64)
            residual, _ = survival_residual(times, none, np.zeros((patients, 0)))
            group = Group(centred(cohort.values, none, np.zeros((patients, 0))), residual)
            # More permutations would only be drawn to settle a p value; here none is asked for.
            null = max_t(
                [group], strata=none, seed=number, permutations=permutations, most=permutations
            ).null_max
            limit = float(np.quantile(null, 1 - alpha, method="higher"))
            share = -(-trials // COHORTS)
            parts.append(power_curve(times, limit, seed=int(chance.integers(2**31)), trials=share))
        table[size] = tuple(
            Power(points[0].hazard_ratio, float(np.mean([p.power for p in points])), trials)
            for points in zip(*parts, strict=True)
        )
    return table


def _with_events(patients: int, events: int, chance: np.random.Generator) -> Times:
    """Months with exactly so many events: censoring as in `nulls`, stretched as far as needed."""
    plan = Generator(n=patients)
    life = chance.exponential(plan.mean_months, patients)
    until = chance.uniform(*plan.censoring, patients)
    # A subject has the event where the stretch exceeds life / until: take the wanted number.
    needed = np.sort(life / until)
    above = needed[events] if events < patients else needed[-1] * 2
    stretch = (needed[events - 1] + above) / 2
    ended = np.minimum(life, until * stretch)
    return Times(np.maximum(np.round(ended * 2), 1) / 2, life <= until * stretch)
