"""Looking ahead: assurance of a design, dates of enrolment, and how many events by when."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.special import betaincinv, roots_jacobi

from onearm.design.arguments import (
    Prior,
    check_prior,
    check_scaled,
    check_time,
    check_within,
)
from onearm.design.binomial import predictive_at_least, predictive_mass
from onearm.design.onestage import OneStage
from onearm.design.twostage import TwoStage
from onearm.stats.arguments import InvalidArgument, check_between, check_count, check_times
from onearm.stats.notes import Note, Sides

_MOST = 1_000_000
_MOST_SURE = 1_000
_FAR = 1e9
"""No time, hazard or relative rate beyond this: its unit must be wrong."""


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


class OfRate(Protocol):
    """A design that decides on one rate: what `assurance` needs to know of it."""

    @property
    def n(self) -> int: ...

    def reject(self, p: float) -> float: ...

    def stop_early(self, p: float) -> float: ...


def assurance(design: OneStage | OfRate, *, prior: Prior) -> Assurance:
    """The design's power averaged over ``prior``, and its probability of an early stop.

    Both are polynomials in the true rate of degree n at most, so that Gauss-Jacobi quadrature
    with more than n/2 nodes is exact. Any design with ``n``, ``reject(p)`` and ``stop_early(p)``
    has an assurance; with one stage ``stop_early`` is None.

    >>> round(assurance(TwoStage(2, 21, 8, 50, 0.10, 0.25), prior=(3, 9)).value, 4)
    0.6636
    """
    a, b = check_prior("prior", prior)
    if isinstance(design, OneStage):
        return Assurance(predictive_at_least(design.r + 1, design.n, a, b), None, (a, b))
    if isinstance(design, TwoStage):
        chances = predictive_mass(np.arange(design.n1 + 1), design.n1, a, b)
        sure = (
            float(chances[x1]) * design.predictive_power(x1, prior=(a, b))
            for x1 in range(design.r1 + 1, design.n1 + 1)
        )
        return Assurance(min(1.0, sum(sure)), float(chances[: design.r1 + 1].sum()), (a, b))
    if max(a, b) > _MOST_SURE:
        raise InvalidArgument("prior", prior, f"worth at most {_MOST_SURE} patients a side")
    rates, weights = _jacobi(design.n // 2 + 1, a, b)
    value = sum(w * design.reject(p) for p, w in zip(rates, weights, strict=True))
    early = sum(w * design.stop_early(p) for p, w in zip(rates, weights, strict=True))
    return Assurance(min(1.0, value), min(1.0, early), (a, b))


def _jacobi(nodes: int, a: float, b: float) -> tuple[list[float], list[float]]:
    """Nodes on (0, 1) and weights that add to 1, for the density of Beta(a, b)."""
    x, weights = roots_jacobi(nodes, b - 1, a - 1)
    rates = np.clip((1 + x) / 2, 0.0, 1.0)
    return rates.tolist(), (weights / weights.sum()).tolist()


@dataclass(frozen=True, slots=True)
class ExpectedEvents:
    """At ``time``: expected patients entered, events and dropouts (numbers of patients)."""

    time: float
    enrolled: float
    events: float
    dropouts: float
    method: str = "event forecast, exponential events and dropout"
    source: str = "expected counts under uniform entry, in closed form"
    notes: tuple[Note, ...] = ()

    def sentence(self) -> str:
        """The forecast in a sentence."""
        return (
            f"By time {self.time:g} {self.enrolled:.1f} patients are expected to have entered, "
            f"{self.events:.1f} to have had the event and {self.dropouts:.1f} to have dropped out."
        )


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
    n = check_count("n", n, low=1, high=_MOST)
    check_scaled("accrual_time", accrual_time)
    _check_hazards(hazard, dropout)
    check_time("time", time)
    total = hazard + dropout
    entry = min(time, accrual_time)
    ended = n * (entry / accrual_time) * _mean_ended(total, entry, time - entry)
    return ExpectedEvents(
        time, n * entry / accrual_time, ended * hazard / total, ended * dropout / total
    )


def _mean_ended(hazard: float, span: float, after: float) -> float:
    """The mean of 1 - exp(-hazard t) over t uniform from ``after`` to ``after`` + ``span``."""
    x = hazard * span
    # 1 - (1 - exp(-x)) / x, by its series where the difference would lose its digits.
    share = x / 2 - x**2 / 6 + x**3 / 24 if x < 1e-3 else 1 + math.expm1(-x) / x
    return -math.expm1(-hazard * after) + math.exp(-hazard * after) * share


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
    if not isinstance(at_risk, Sized):
        raise InvalidArgument("at_risk", at_risk, "a list of times")
    now = len(check_times("at_risk", at_risk)) if len(at_risk) else 0
    total = hazard + dropout
    later = 0.0
    if check_count("future", future, high=_MOST):
        check_scaled("entry_time", entry_time)
        later = expected_events(
            n=future, accrual_time=entry_time, hazard=hazard, dropout=dropout, time=ahead
        ).events
    return now * hazard / total * -math.expm1(-total * ahead) + later


@dataclass(frozen=True, slots=True)
class EnrolmentForecast:
    """Time from now to the ``target``-th patient, as quantiles of its predictive distribution.

    ``curve_times`` and ``curve_chances`` are that distribution for a figure.
    """

    target: int
    probabilities: tuple[float, ...]
    times: tuple[float, ...]
    rate_mean: float
    curve_times: tuple[float, ...] = field(repr=False)
    curve_chances: tuple[float, ...] = field(repr=False)
    method: str = "enrolment forecast, Gamma-Poisson"
    source: str = "Anisimov and Fedorov, Statistics in Medicine 26:4958-4975 (2007)"
    notes: tuple[Note, ...] = ()

    def sentence(self) -> str:
        """The forecast in a sentence."""
        dates = ", ".join(
            f"{time:.1f} ({probability:.0%})"
            for time, probability in zip(self.times, self.probabilities, strict=True)
        )
        return (
            f"Patient {self.target} is expected to enter, counted from now, by time {dates}: the "
            f"quantiles of the predictive distribution; {self.rate_mean:.2f} patients a unit of "
            f"time on average."
        )


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
    enrolled = check_count("enrolled", enrolled, high=_MOST)
    target = check_count("target", target, low=enrolled + 1, high=2 * _MOST)
    check_within("elapsed", elapsed, 0, _FAR, "a time of 0 or more")
    shape, rate = check_prior("prior", prior)
    steps = _check_profile(profile)
    done = _operational(steps, elapsed)
    if rate + done < 1e-6:
        raise InvalidArgument("elapsed", elapsed, "above 0, unless a prior says how fast they come")
    shape, rate = shape + enrolled, rate + done

    def date(probability: float) -> float:
        check_between("probabilities", probability)
        # A Gamma wait over a Gamma rate: a beta-prime variable times the posterior's rate.
        # 1 - share by its own inverse: with little information it is a small number.
        share = float(betaincinv(target - enrolled, shape, probability))
        rest = float(betaincinv(shape, target - enrolled, 1 - probability))
        if rest <= 0 or rate * share / rest > _FAR:
            valid = "closer to the middle, or after more patients: the date has no end here"
            raise InvalidArgument("probabilities", probability, valid)
        wait = rate * share / rest
        return max(0.0, _calendar(steps, done + wait) - elapsed)

    chances = tuple(round(0.01 * step, 2) for step in range(1, 100))
    return EnrolmentForecast(
        target,
        tuple(probabilities),
        tuple(date(probability) for probability in probabilities),
        shape / rate,
        tuple(date(chance) for chance in chances),
        chances,
    )


def _check_hazards(hazard: float, dropout: float) -> None:
    check_between("hazard", hazard, 1e-12, _FAR)
    check_within("dropout", dropout, 0, _FAR, f"a hazard of 0 or more, at most {_FAR:g}")


def _check_profile(profile: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    steps = tuple((float(start), float(relative)) for start, relative in profile)
    starts = [start for start, _ in steps]
    if not steps or starts[0] != 0 or starts != sorted(set(starts)):
        raise InvalidArgument("profile", starts, "steps from 0 on, each later than the one before")
    is_real = all(start < _FAR and 0 <= relative < _FAR for start, relative in steps)
    if not is_real or steps[-1][1] <= 1e-9:
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
