"""Looking ahead: assurance of a design, dates of enrolment, and how many events by when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import betaincinv

from onearm.design.arguments import Prior, check_prior, check_time
from onearm.design.binomial import predictive_at_least, predictive_mass
from onearm.design.onestage import OneStage
from onearm.design.twostage import TwoStage
from onearm.stats.arguments import InvalidArgument, check_between, check_count, check_times
from onearm.stats.notes import Note, Sides


@dataclass(frozen=True, slots=True)
class Assurance:
    """P(the drug is called promising), averaged over a Beta prior of its true rate.

    ``stop_early`` is the averaged probability of stopping after stage 1; None with one stage.
    """

    value: float
    stop_early: float | None
    prior: Prior
    method: str = "assurance"
    source: str = "O'Hagan, Stevens and Campbell, Pharmaceutical Statistics 4:187-201 (2005)"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()

    def sentence(self) -> str:
        """The assurance in a sentence."""
        a, b = self.prior
        early = (
            "" if self.stop_early is None else f"; that of an early stop is {self.stop_early:.3f}"
        )
        return (
            f"Averaged over a Beta({a:g}, {b:g}) prior of the true rate (mean {a / (a + b):.1%}), "
            f"the probability of a promising result is {self.value:.3f}{early}."
        )


def assurance(design: OneStage | TwoStage, *, prior: Prior) -> Assurance:
    """The design's power averaged over ``prior``, exactly (a beta-binomial sum, no quadrature).

    >>> round(assurance(TwoStage(2, 21, 8, 50, 0.10, 0.25), prior=(3, 9)).value, 4)
    0.6636
    """
    a, b = check_prior("prior", prior)
    if isinstance(design, OneStage):
        return Assurance(predictive_at_least(design.r + 1, design.n, a, b), None, (a, b))
    chances = predictive_mass(np.arange(design.n1 + 1), design.n1, a, b)
    value = sum(
        float(chances[x1]) * design.predictive_power(x1, prior=(a, b))
        for x1 in range(design.r1 + 1, design.n1 + 1)
    )
    return Assurance(value, float(chances[: design.r1 + 1].sum()), (a, b))


@dataclass(frozen=True, slots=True)
class ExpectedEvents:
    """At ``time``: expected patients entered, events and dropouts (numbers of patients)."""

    time: float
    enrolled: float
    events: float
    dropouts: float
    method: str = "event forecast, exponential events and dropout"
    notes: tuple[Note, ...] = ()


def expected_events(
    *, n: int, accrual_time: float, hazard: float, dropout: float = 0.0, time: float
) -> ExpectedEvents:
    """Expected events at calendar ``time`` when ``n`` patients enter uniformly.

    ``hazard`` and ``dropout`` are constant, per time unit; a median m is hazard ln 2 / m. A
    dropout below 0, and a hazard or accrual time not above 0, raise `InvalidArgument`.

    >>> forecast = expected_events(n=50, accrual_time=20, hazard=0.126, dropout=0.02, time=12)
    >>> round(forecast.enrolled, 1), round(forecast.events, 1)
    (30.0, 13.7)
    """
    n = check_count("n", n, low=1)
    check_between("accrual_time", accrual_time, 0.0, math.inf)
    _check_hazards(hazard, dropout)
    check_time("time", time)
    total = hazard + dropout
    entry = min(time, accrual_time)
    # The mean over entries of 1 - exp(-total (time - entry)), times the share that has entered.
    since_last = math.exp(-total * (time - entry))
    left = entry - since_last * -math.expm1(-total * entry) / total
    ended = n / accrual_time * left
    return ExpectedEvents(
        time, n * entry / accrual_time, ended * hazard / total, ended * dropout / total
    )


def further_events(
    at_risk: Sequence[float],
    *,
    hazard: float,
    dropout: float = 0.0,
    ahead: float,
    future: int = 0,
    entry_time: float = 0.0,
) -> float:
    """Events still to come within ``ahead``: from patients at risk now, and from future ones.

    ``at_risk``: the follow-up so far of each patient still at risk; with constant hazards only
    their number matters. ``future`` patients enter uniformly during the next ``entry_time``.

    >>> round(further_events([2.0, 5.5, 7.1], hazard=0.126, ahead=6.0), 2)
    1.59
    """
    _check_hazards(hazard, dropout)
    check_time("ahead", ahead)
    now = len(check_times("at_risk", at_risk)) if len(at_risk) else 0
    total = hazard + dropout
    later = 0.0
    if check_count("future", future):
        check_between("entry_time", entry_time, 0.0, math.inf)
        later = expected_events(
            n=future, accrual_time=entry_time, hazard=hazard, dropout=dropout, time=ahead
        ).events
    return now * hazard / total * -math.expm1(-total * ahead) + later


@dataclass(frozen=True, slots=True)
class EnrolmentForecast:
    """Time from now to the ``target``-th patient, as quantiles of its predictive distribution."""

    target: int
    probabilities: tuple[float, ...]
    times: tuple[float, ...]
    rate_mean: float
    method: str = "enrolment forecast, Gamma-Poisson"
    notes: tuple[Note, ...] = ()


def enrolment_forecast(
    target: int,
    *,
    enrolled: int,
    elapsed: float,
    prior: Prior = (0.5, 1e-9),
    probabilities: Sequence[float] = (0.05, 0.5, 0.95),
    profile: Sequence[tuple[float, float]] = ((0.0, 1.0),),
) -> EnrolmentForecast:
    """When the ``target``-th patient enters, from ``enrolled`` patients in ``elapsed`` time.

    The rate has a Gamma(shape, rate) ``prior``. ``profile`` gives relative rates that are
    constant in pieces, as (from, relative rate) on the trial's own clock, from 0 on; sites that
    open later are steps up. The times returned count from now.

    >>> forecast = enrolment_forecast(50, enrolled=20, elapsed=8.0)
    >>> round(forecast.rate_mean, 2)
    2.56
    """
    enrolled = check_count("enrolled", enrolled)
    target = check_count("target", target, low=enrolled + 1)
    check_time("elapsed", elapsed)
    shape, rate = check_prior("prior", prior)
    steps = _check_profile(profile)
    done = _operational(steps, elapsed)
    shape, rate = shape + enrolled, rate + done
    times = []
    for probability in probabilities:
        check_between("probabilities", probability)
        # A Gamma wait over a Gamma rate: a beta-prime variable times the posterior's rate.
        share = float(betaincinv(target - enrolled, shape, probability))
        wait = rate * share / (1 - share)
        times.append(_calendar(steps, done + wait) - elapsed)
    return EnrolmentForecast(target, tuple(probabilities), tuple(times), shape / rate)


def _check_hazards(hazard: float, dropout: float) -> None:
    check_between("hazard", hazard, 0.0, math.inf)
    if not 0 <= dropout < math.inf:
        raise InvalidArgument("dropout", dropout, "a hazard of 0 or more")


def _check_profile(profile: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    steps = tuple((float(start), float(relative)) for start, relative in profile)
    starts = [start for start, _ in steps]
    if not steps or starts[0] != 0 or starts != sorted(set(starts)):
        raise InvalidArgument("profile", starts, "steps from 0 on, each later than the one before")
    if any(relative < 0 for _, relative in steps) or steps[-1][1] <= 0:
        raise InvalidArgument("profile", steps, "relative rates of 0 or more, the last above 0")
    return steps


def _operational(steps: tuple[tuple[float, float], ...], time: float) -> float:
    """Relative rate summed over time, from 0 to ``time``."""
    ends = [start for start, _ in steps[1:]] + [math.inf]
    return sum(
        relative * max(0.0, min(time, end) - start)
        for (start, relative), end in zip(steps, ends, strict=True)
        if start < time
    )


def _calendar(steps: tuple[tuple[float, float], ...], done: float) -> float:
    """The time at which the summed relative rate is ``done``."""
    for (start, relative), (end, _) in pairwise(steps):
        span = relative * (end - start)
        if relative and done <= span:
            return start + done / relative
        done -= span
    start, relative = steps[-1]
    return start + done / relative
