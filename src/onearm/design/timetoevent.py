"""One-sample log-rank in one stage: how many patients, with what accrual and follow-up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.special import ndtr, ndtri

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_patients,
    check_scaled,
    check_share,
)
from onearm.stats.arguments import Floats, InvalidArgument, check_between
from onearm.stats.notes import Note, Sides

SOURCE = "Wu, Pharmaceutical Statistics 14:26-33 (2015)"

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass(frozen=True, slots=True)
class SurvivalHypothesis:
    """A Weibull null, S0(``time``) = ``survival`` with ``shape``, and the wished hazard ratio.

    A null median m is survival 0.5 at time m. ``hazard_ratio`` lies below 1; all times of a
    design have the unit of ``time``.
    """

    survival: float
    time: float
    hazard_ratio: float
    shape: float = 1.0

    def __post_init__(self) -> None:
        check_between("survival", self.survival)
        check_scaled("time", self.time)
        if not (isinstance(self.shape, Real) and 0.1 <= self.shape <= 10):
            raise InvalidArgument("shape", self.shape, "a Weibull shape from 0.1 to 10")
        check_between("hazard_ratio", self.hazard_ratio)

    def cumulative(self, t: Floats) -> Floats:
        """The null's cumulative hazard at ``t``."""
        hazard: Floats = -math.log(self.survival) * (t / self.time) ** self.shape
        return hazard


@dataclass(frozen=True, slots=True)
class Accrual:
    """``rate`` patients a time unit, uniformly, then ``follow_up`` after the last one entered.

    ``is_restricted``: nobody is followed longer than ``follow_up``; otherwise everybody is
    followed to the analysis.
    """

    rate: float
    follow_up: float
    is_restricted: bool = False

    def __post_init__(self) -> None:
        check_scaled("rate", self.rate)
        check_scaled("follow_up", self.follow_up)


@dataclass(frozen=True, slots=True)
class LogRankDesign:
    """``n`` patients; the drug is promising if the one-sample log-rank Z exceeds ``critical``.

    Large Z favours the drug. ``power`` is at the wished hazard ratio by the normal approximation
    with exact moments; ``expected_events`` is under the alternative, ``expected_null`` the sum of
    null cumulative hazards then.
    """

    n: int
    hypothesis: SurvivalHypothesis
    accrual: Accrual
    accrual_time: float
    alpha: float
    critical: float
    power: float
    expected_events: float
    expected_null: float
    method: str = "one-sample log-rank, one stage"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()

    @property
    def study_time(self) -> float:
        """Time from the first patient to the analysis."""
        return self.accrual_time + self.accrual.follow_up

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        h = self.hypothesis
        return (
            f"{self.n} patients are entered over {self.accrual_time:.1f} time units "
            f"({self.accrual.rate:g} per unit) and the analysis takes place "
            f"{self.accrual.follow_up:g} units after the last. A one-sample log-rank test at a "
            f"one-sided level of {self.alpha:g} against a Weibull null with a survival of "
            f"{h.survival:.1%} at {h.time:g} (shape {h.shape:g}) has a power of "
            f"{self.power:.3f} at a hazard ratio of {h.hazard_ratio:.3g}; "
            f"{self.expected_events:.1f} events are expected then. The power is a normal "
            f"approximation ({self.source})."
        )


def log_rank_design(
    hypothesis: SurvivalHypothesis,
    accrual: Accrual,
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    n_max: int = 1000,
) -> LogRankDesign:
    """The smallest n with power 1 - beta for the one-sample log-rank test.

    Raises `NoDesign` where no n up to ``n_max`` has the power.

    >>> null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=6 / 11)
    >>> log_rank_design(null, Accrual(rate=3.0, follow_up=6.0)).n
    25
    """
    check_errors(alpha, beta)
    n_max = check_patients("n_max", n_max)
    best = 0.0
    for n in range(1, n_max + 1):
        design = log_rank_design_at(n, hypothesis, accrual, alpha=alpha)
        best = max(best, design.power)
        if design.power >= 1 - beta:
            return design
    raise NoDesign("one-sample log-rank design", n_max, best, 2 * n_max)


def log_rank_design_at(
    n: int, hypothesis: SurvivalHypothesis, accrual: Accrual, *, alpha: float = 0.05
) -> LogRankDesign:
    """Given ``n``: the power at the wished hazard ratio.

    >>> null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
    >>> round(log_rank_design_at(50, null, Accrual(rate=2.5, follow_up=6.0)).power, 3)
    0.933
    """
    n = check_patients("n", n)
    critical = float(-ndtri(check_share("alpha", alpha)))
    accrual_time = n / accrual.rate
    check_scale(hypothesis, accrual, accrual_time)
    v0, v00 = _moments(hypothesis, accrual, accrual_time)
    hr = hypothesis.hazard_ratio
    v1 = hr * v0
    drift = (v0 - v1) * math.sqrt(n / v0)
    variance = (v1 - v1**2 + 2 * v00 - v0**2 - 2 * hr * v00 + 2 * v0 * v1) / v0
    power = float(ndtr((drift - critical) / math.sqrt(max(variance, 1e-12))))
    return LogRankDesign(
        n, hypothesis, accrual, accrual_time, alpha, critical, power, n * v1, n * v0
    )


def check_scale(hypothesis: SurvivalHypothesis, accrual: Accrual, accrual_time: float) -> None:
    """Refuse times so short that no event is expected, or so long that units must be wrong."""
    end = (accrual_time + accrual.follow_up) / hypothesis.time
    if not end <= 1e6:
        valid = "such that the trial lasts at most a million times the time of the hypothesis"
        raise InvalidArgument("accrual", (accrual.rate, accrual.follow_up), valid)
    hazard = float(hypothesis.cumulative(np.asarray(end * hypothesis.time)))
    if not hypothesis.hazard_ratio * hazard >= 1e-9:
        raise InvalidArgument(
            "accrual", (accrual.rate, accrual.follow_up), "long enough for events"
        )


def _moments(
    hypothesis: SurvivalHypothesis, accrual: Accrual, accrual_time: float
) -> tuple[float, float]:
    """v0 = E of the null cumulative hazard of one patient, v00 = its weighted second moment.

    Integrals over the null cumulative hazard instead of time: the integrand is then smooth also
    where the hazard is infinite at 0. The two pieces are before and after full follow-up.
    """
    tf, ta = accrual.follow_up, accrual_time
    turn = float(hypothesis.cumulative(np.asarray(tf)))
    pieces = [(0.0, turn)]
    if not accrual.is_restricted:
        pieces.append((turn, float(hypothesis.cumulative(np.asarray(ta + tf)))))
    v0 = v00 = 0.0
    scale = -math.log(hypothesis.survival)
    # Beyond this cumulative hazard nobody is left: the nodes serve where the patients are.
    beyond = 40 / hypothesis.hazard_ratio
    for low, high in pieces:
        low, high = min(low, beyond), min(high, beyond)
        u = (low + high) / 2 + (high - low) / 2 * _NODES
        t = hypothesis.time * (u / scale) ** (1 / hypothesis.shape)
        observed = np.clip((ta + tf - t) / ta, 0.0, 1.0)
        weights = (high - low) / 2 * _WEIGHTS * observed * np.exp(-hypothesis.hazard_ratio * u)
        v0 += float(weights.sum())
        v00 += float((weights * u).sum())
    return v0, v00
