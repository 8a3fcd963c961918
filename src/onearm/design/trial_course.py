"""Simulated patients of many trials, and what their scans show: arrays of trials by patients."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_ndtr, ndtri

from onearm.design.trial_truth import Looks, Truth
from onearm.stats.arguments import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Patients:
    """What is true of each patient. ``progression`` is infinite where death comes instead."""

    responds: Booleans
    controls: Booleans
    progression: Floats
    death: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is known of each patient in the end: answers, and times with their events."""

    responds: Booleans
    controls: Booleans
    free: Floats
    ended: Booleans
    alive: Floats
    died: Booleans


def patients(truth: Truth, rng: np.random.Generator, size: tuple[int, int]) -> Patients:
    """Draw patients: tumour and time free of progression tied by a Gaussian copula."""
    tumour = rng.standard_normal(size)
    rest = rng.standard_normal(size)
    tied = truth.correlation * tumour + math.sqrt(1 - truth.correlation**2) * rest
    # -log(1 - Phi(z)) is exponential; a better tumour course goes with a longer time.
    free = truth.free.at(-log_ndtr(-tied))
    dies = rng.random(size) < truth.deaths
    further = truth.after.at(rng.standard_exponential(size))
    return Patients(
        responds=tumour > -ndtri(truth.response),
        controls=tumour > -ndtri(truth.control),
        progression=np.where(dies, np.inf, free),
        death=np.where(dies, free, free + further),
    )


def look(those: Patients, looks: Looks, rng: np.random.Generator, *, followed: Floats) -> Seen:
    """What is seen of the patients until ``followed`` (the analysis, or their leaving)."""
    alive, died = np.minimum(those.death, followed), those.death <= followed
    if not looks.scans:
        free = np.minimum(those.progression, those.death)
        return Seen(
            those.responds, those.controls, np.minimum(free, followed), free <= followed,
            alive, died,
        )  # fmt: skip
    read = _Reading.blank(those.death.shape)
    for day in looks.scans:
        if day > float(followed.max()):
            break
        _scan(read, those, looks, rng, day=day, followed=followed)
    event = np.minimum(read.progressed, np.where(died, those.death, np.inf))
    ended = (event < np.inf) & (event - read.last <= looks.gap)
    return Seen(
        responds=read.confirmed if looks.confirmation else read.responded,
        # Control that no scan has shown before progression is none.
        controls=those.controls & (read.last > 0),
        free=np.where(ended, event, read.last),
        ended=ended,
        alive=alive,
        died=died,
    )


@dataclass(slots=True, eq=False)
class _Reading:
    """The state of reading: changed scan by scan, thrown away behind the last one."""

    progressed: Floats
    last: Floats
    responded: Booleans
    confirmed: Booleans
    since: Floats
    between: Integers = field(repr=False)

    @classmethod
    def blank(cls, size: tuple[int, ...]) -> _Reading:
        no = np.zeros(size, dtype=np.bool_)
        return cls(
            progressed=np.full(size, np.inf),
            last=np.zeros(size),
            responded=no.copy(),
            confirmed=no.copy(),
            since=np.full(size, np.inf),
            between=np.zeros(size, dtype=np.int64),
        )


def _scan(
    read: _Reading,
    those: Patients,
    looks: Looks,
    rng: np.random.Generator,
    *,
    day: float,
    followed: Floats,
) -> None:
    """One planned scan of everybody who is still followed, alive, and not progressed."""
    u = rng.random((2, *read.last.shape))
    wrong = u[1] < looks.reader_error
    is_held = (u[0] >= looks.missed) & (followed >= day) & (those.death > day)
    is_held &= read.progressed == np.inf
    is_worse = those.progression <= day
    is_better = those.responds & ~is_worse
    is_stable = ~is_worse & ~is_better
    # Stable disease read wrongly: half of it as progression, half as response.
    to_worse = u[1] < looks.reader_error / 2
    worse = is_held & ((is_worse & ~wrong) | (is_stable & to_worse))
    better = is_held & ((is_better & ~wrong) | (is_stable & wrong & ~to_worse))
    neither = is_held & ~worse & ~better
    read.progressed[worse] = day
    read.last[better | neither] = day
    read.responded |= better
    read.confirmed |= better & (day - read.since >= looks.confirm_after)
    read.between += neither
    read.since[neither & (read.between > 1)] = np.inf
    read.since[better] = np.minimum(read.since[better], day)
    read.between[better] = 0
