"""Operating characteristics from whole simulated trials, each with its Monte-Carlo error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from onearm.design.trials import Columns
from onearm.stats.arguments import Booleans, Floats
from onearm.stats.notes import Note
from onearm.stats.proportion import INTERVALS

LEVEL = 0.95

SHARES = ("go", "promising", "pfs_win", "joint", "control_win", "all_three")
"""Names of the decisions, in the order in which they are made."""

TIMES = ("pfs_median", "pfs_rate", "os_median", "os_rate")
"""Estimates with limits that are read off curves."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number over trials: its Monte-Carlo standard error, and over how many trials it is taken.

    ``lower`` and ``upper``: 95 % limits of the simulation, Wilson's for shares (which say something
    also where all trials agree), normal ones for means. ``value`` is None where no trial has the
    number, the error also where one trial alone has it.
    """

    name: str
    value: float | None
    std_err: float | None
    lower: float | None
    upper: float | None
    trials: int
    notes: tuple[Note, ...] = (Note.MC_ERROR,)


def summarise(trials: Columns) -> tuple[Measure, ...]:
    """Every operating characteristic of the columns that `simulate_trials` makes.

    Decisions: ``go`` past stage 1, ``promising``, ``pfs_win`` and ``control_win`` (had nobody
    stopped), ``joint`` promising and PFS, ``all_three`` with disease control behind them.
    ``*_bias``: mean of estimate minus truth, trial by trial; of medians over the trials that reach
    one, whose share is ``*_reached``. ``*_coverage``: limits around the mean truth; an upper limit
    that is not reached is open, and where the lower one is not reached the interval begins at the
    last observed time.
    """
    return tuple(_measures(trials))


def _measures(trials: Columns) -> Iterator[Measure]:
    joint = trials["promising"] & trials["pfs_win"]
    decisions = dict(trials) | {"joint": joint, "all_three": joint & trials["control_win"]}
    for name in SHARES:
        yield _share(name, decisions[name])
    yield _mean("patients", trials["patients"].astype(np.float64))
    truth, rate = trials["true_orr"], trials["orr"]
    yield _mean("orr_true", truth)
    yield _mean("orr_mean", rate)
    yield _mean("orr_bias", rate - truth)
    yield _mean("orr_umvue_bias", trials["orr_umvue"] - truth)
    true = float(truth.mean())
    for kind in ("orr", "orr_exact"):
        low, high = trials[f"{kind}_lower"], trials[f"{kind}_upper"]
        yield _share(f"{kind}_coverage", (low <= true) & (true <= high))
    for name in TIMES:
        yield from _time(name, trials)


def _time(name: str, trials: Columns) -> Iterator[Measure]:
    value, truth = trials[name], trials[f"true_{name}"]
    yield _mean(f"{name}_true", truth)
    yield _mean(f"{name}_mean", value)
    yield _mean(f"{name}_bias", value - truth)
    yield _share(f"{name}_reached", ~np.isnan(value))
    known = truth[~np.isnan(truth)]
    if not known.size:
        yield Measure(f"{name}_coverage", None, None, None, None, 0)
        return
    yield _share(f"{name}_coverage", _covers(name, trials, true=float(known.mean())))


def _covers(name: str, trials: Columns, *, true: float) -> Booleans:
    low, high = trials[f"{name}_lower"], trials[f"{name}_upper"]
    if name.endswith("_median"):
        low = np.where(np.isnan(low), trials[f"{name.partition('_')[0]}_last"], low)
        high = np.where(np.isnan(high), np.inf, high)
    covers: Booleans = (low <= true) & (true <= high)
    return covers


def _share(name: str, flags: Booleans) -> Measure:
    share = float(flags.mean())
    error = math.sqrt(share * (1 - share) / flags.size)
    lower, upper = INTERVALS["wilson"].limits(int(flags.sum()), flags.size, LEVEL)
    return Measure(name, share, error, lower, upper, flags.size)


def _mean(name: str, values: Floats) -> Measure:
    known = values[~np.isnan(values)]
    if not known.size:
        return Measure(name, None, None, None, None, 0)
    mean = float(known.mean())
    if known.size == 1:
        return Measure(name, mean, None, None, None, 1)
    error = float(known.std(ddof=1)) / math.sqrt(known.size)
    half = float(ndtri((1 + LEVEL) / 2)) * error
    return Measure(name, mean, error, mean - half, mean + half, known.size)
