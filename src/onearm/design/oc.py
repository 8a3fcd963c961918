"""Operating characteristics by simulation, for what has no exact answer: outcomes tied together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from onearm.design.onestage import OneStage
from onearm.design.timetoevent import LogRankDesign, SurvivalHypothesis
from onearm.design.twostage import TwoStage
from onearm.stats.arguments import Booleans, Floats, InvalidArgument, check_between, check_count
from onearm.stats.notes import Note

# Trials simulated at a time: enough to be fast, few enough to fit in memory.
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Response in two stages, then survival and disease control, tested in that order.

    All three have the same number of patients. Survival is tested with Wu's variance,
    ``follow_up`` after the last entry; its hypothesis names the unit of time.
    """

    response: TwoStage
    survival: LogRankDesign
    control: OneStage

    def __post_init__(self) -> None:
        for name, design in (("survival", self.survival), ("control", self.control)):
            if design.n != self.response.n:
                raise InvalidArgument(f"{name}.n", design.n, f"response.n = {self.response.n}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """The truth: rates of response and of disease control, and exponential survival.

    A responder has disease control. ``correlation`` ties tumour and survival in one patient by a
    Gaussian copula, so that each rate and the median stay what they are. Patients enter as a
    Poisson stream of the plan's accrual rate; ``dropout`` is a constant hazard.
    """

    response: float
    control: float
    median: float
    correlation: float = 0.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_between("response", self.response)
        check_between("control", self.control)
        if self.control < self.response:
            valid = f"at least the response rate, {self.response:g}"
            raise InvalidArgument("control", self.control, valid)
        check_between("median", self.median, 0.0, math.inf)
        check_between("correlation", self.correlation, -1.0, 1.0)
        if not 0 <= self.dropout < math.inf:
            raise InvalidArgument("dropout", self.dropout, "a hazard of 0 or more")


@dataclass(frozen=True, slots=True)
class Tally:
    """In how many of the trials something happened, with its Monte-Carlo standard error."""

    count: int
    trials: int

    @property
    def estimate(self) -> float:
        """The share of trials."""
        return self.count / self.trials

    @property
    def std_err(self) -> float:
        """The Monte-Carlo standard error of the share; 0 only where all trials agree."""
        return math.sqrt(self.estimate * (1 - self.estimate) / self.trials)


@dataclass(frozen=True, slots=True)
class Simulated:
    """Counts over the trials.

    ``go``: past stage 1. ``response``: promising. ``survival`` and ``control``: significant, had
    nobody stopped. ``go_survival`` and ``go_control``: past stage 1 and significant.
    ``sequence_survival`` and ``sequence_control``: claimed in the fixed sequence, the last being
    all three.
    """

    go: Tally
    response: Tally
    survival: Tally
    control: Tally
    go_survival: Tally
    go_control: Tally
    sequence_survival: Tally
    sequence_control: Tally
    method: str = "simulation"
    notes: tuple[Note, ...] = (Note.MC_ERROR,)


def simulate(
    plan: Plan, scenario: Scenario, *, rng: np.random.Generator, n_trials: int
) -> Simulated:
    """Simulate ``n_trials`` trials of ``plan`` under ``scenario``; the same seed, the same counts.

    Raises `InvalidArgument` for fewer than one trial. What has an exact answer (go, response,
    control) is there as a check: use the designs' own numbers for those.
    """
    n_trials = check_count("n_trials", n_trials, low=1)
    totals = np.zeros(8, dtype=np.int64)
    for trials in _chunks(n_trials):
        go, response, survival, control = _decide(plan, scenario, rng, trials)
        both = response & survival
        seen = (
            go,
            response,
            survival,
            control,
            go & survival,
            go & control,
            both,
            both & control,
        )
        totals += np.array([int(flags.sum()) for flags in seen])
    tallies = [Tally(int(count), n_trials) for count in totals]
    return Simulated(
        go=tallies[0],
        response=tallies[1],
        survival=tallies[2],
        control=tallies[3],
        go_survival=tallies[4],
        go_control=tallies[5],
        sequence_survival=tallies[6],
        sequence_control=tallies[7],
    )


def _chunks(n_trials: int) -> Iterator[int]:
    for start in range(0, n_trials, _CHUNK):
        yield min(_CHUNK, n_trials - start)


def _decide(
    plan: Plan, scenario: Scenario, rng: np.random.Generator, trials: int
) -> tuple[Booleans, Booleans, Booleans, Booleans]:
    """Go, response, survival and control of each trial."""
    size = (trials, plan.response.n)
    tumour = rng.standard_normal(size)
    rest = rng.standard_normal(size)
    tied = scenario.correlation * tumour + math.sqrt(1 - scenario.correlation**2) * rest
    responds = tumour > -ndtri(scenario.response)
    controls = tumour > -ndtri(scenario.control)
    # -log(1 - Phi(z)) is exponential; a better tumour course goes with a longer time.
    life = -log_ndtr(-tied) * scenario.median / math.log(2)
    go = responds[:, : plan.response.n1].sum(axis=1) > plan.response.r1
    response = go & (responds.sum(axis=1) > plan.response.r)
    control = controls.sum(axis=1) > plan.control.r
    followed = follow_up(plan.survival, scenario.dropout, rng, size)
    z = log_rank_z(plan.survival.hypothesis, np.minimum(life, followed), life <= followed)
    return go, response, z > plan.survival.critical, control


def follow_up(
    design: LogRankDesign, dropout: float, rng: np.random.Generator, size: tuple[int, int]
) -> Floats:
    """How long each patient can be followed: to the analysis, or to dropping out.

    Patients enter as a Poisson stream, in the order of the columns; ``dropout`` is a constant
    hazard.
    """
    entry = np.cumsum(rng.exponential(1 / design.accrual.rate, size), axis=1)
    followed = entry[:, -1:] + design.accrual.follow_up - entry
    if design.accrual.is_restricted:
        followed = np.minimum(followed, design.accrual.follow_up)
    if dropout:
        followed = np.minimum(followed, rng.exponential(1 / dropout, size))
    return followed


def log_rank_z(null: SurvivalHypothesis, time: Floats, event: Booleans) -> Floats:
    """The one-sample log-rank Z with Wu's variance of each row; large Z favours the drug.

    NaN where nobody was followed, as a test that does not exist.
    """
    observed = event.sum(axis=1)
    expected = null.cumulative(time).sum(axis=1)
    with np.errstate(invalid="ignore"):
        z: Floats = (expected - observed) / np.sqrt((observed + expected) / 2)
    return z
