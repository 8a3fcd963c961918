"""Survival at one time against a null: the test after the trial, and its size and power before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_patients,
    check_scaled,
    check_share,
)
from onearm.design.binomial import mass
from onearm.design.timetoevent import Accrual, SurvivalHypothesis, check_scale
from onearm.stats.arguments import (
    Flags,
    Floats,
    InvalidArgument,
    Numbers,
    check_between,
)
from onearm.stats.curve_reading import at_time
from onearm.stats.notes import Note, Sides
from onearm.stats.survival import kaplan_meier

SOURCE = "Klein, Logan, Harhoff and Andersen, Statistics in Medicine 26:4505-4519 (2007)"

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass(frozen=True, slots=True)
class LandmarkTest:
    """Is survival at ``at`` above ``null``? Large ``z`` favours the drug; ``p_value`` one-sided.

    ``estimate`` is the Kaplan-Meier estimate with two-sided log-log limits at ``level``. ``z`` and
    ``p_value`` are None with a note where the statistic does not exist: no event yet, a curve
    that has come down to 0, or a time beyond follow-up.
    """

    n: int
    at: float
    null: float
    estimate: float | None
    lower: float | None
    upper: float | None
    n_risk: float
    z: float | None
    p_value: float | None
    level: float
    method: str = "survival at a landmark, log-log"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()

    def sentence(self) -> str:
        """The result in one sentence for a report."""
        if self.z is None or self.estimate is None:
            why = "; ".join(note.explanation for note in self.notes)
            return f"Survival at {self.at:g} cannot be tested against {self.null:.1%}: {why}."
        limits = (
            ""
            if self.lower is None or self.upper is None
            else f" ({self.level:.0%} limits {self.lower:.1%} to {self.upper:.1%})"
        )
        return (
            f"The Kaplan-Meier estimate at {self.at:g} is {self.estimate:.1%}{limits}; against "
            f"{self.null:.1%} the one-sided p-value is {self.p_value:.4g} (log-log; {self.source})."
        )


def landmark_test(
    time: Numbers,
    event: Flags,
    *,
    at: float,
    survival: float,
    entry: Numbers | None = None,
    level: float = 0.95,
) -> LandmarkTest:
    """Test whether S(``at``) lies above ``survival``.

    Z = (ln(-ln S0) - ln(-ln S)) / (se(ln S) / |ln S|) with Greenwood's se. time, event, entry: as
    for `stats.kaplan_meier`, and raises `InvalidArgument` as that does, for a null outside (0, 1)
    and a negative or missing ``at``.

    >>> test = landmark_test([1, 2, 3, 7, 8, 9], [1, 1, 0, 1, 0, 0], at=6, survival=0.25)
    >>> round(test.z, 3), round(test.p_value, 4)
    (1.727, 0.0421)
    """
    null = check_between("survival", survival)
    curve = kaplan_meier(time, event, entry=entry, level=level)
    here = at_time(curve, at)
    notes = here.notes if curve.n > 1 else (*here.notes, Note.N_TOO_SMALL)
    z = None
    if here.value is not None and 0 < here.value < 1 and here.std_err:
        # se(ln S) = se(S) / S.
        spread = here.std_err / here.value / -math.log(here.value)
        z = (math.log(-math.log(null)) - math.log(-math.log(here.value))) / spread
    return LandmarkTest(
        int(curve.n),
        float(at),
        null,
        here.value,
        here.lower,
        here.upper,
        here.n_risk,
        z,
        None if z is None else float(ndtr(-z)),
        float(level),
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class LandmarkDesign:
    """``n`` patients; promising if the landmark Z at ``at`` exceeds ``critical``.

    ``null`` and ``wished`` are the survivals at ``at``; ``power`` is a normal approximation.
    Where everybody is followed to the landmark, ``alpha_exact`` and ``power_exact`` are what the
    test attains, by enumeration of the survivors (a test that does not exist rejects nothing) and
    None otherwise.
    """

    n: int
    at: float
    null: float
    wished: float
    hypothesis: SurvivalHypothesis
    accrual: Accrual
    alpha: float
    critical: float
    power: float
    alpha_exact: float | None
    power_exact: float | None
    method: str = "survival at a landmark, one stage"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()

    @property
    def accrual_time(self) -> float:
        """Time until the last patient has entered."""
        return self.n / self.accrual.rate

    def reject(self, survival: float) -> float:
        """P(Z exceeds its critical value) at this true survival at the landmark.

        Exact where everybody is followed to the landmark, else the normal approximation.
        """
        true = check_between("survival", survival)
        if self.accrual.follow_up >= self.at:
            return _exact(self.n, self.null, self.critical, true)
        ratio = math.log(true) / math.log(self.null)
        return _power(self.n, self.at, ratio, self.hypothesis, self.accrual, self.critical)

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        attained = (
            " (normal approximation)"
            if self.alpha_exact is None
            else f"; by enumeration the test attains {self.alpha_exact:.4f} and "
            f"{self.power_exact:.4f}"
        )
        return (
            f"{self.n} patients are entered over {self.accrual_time:.1f} time units and followed "
            f"for at least {self.accrual.follow_up:g} units. The Kaplan-Meier estimate at "
            f"{self.at:g} is tested on the log-log scale against {self.null:.1%} at a one-sided "
            f"level of {self.alpha:g}; the power is {self.power:.3f} if the true rate is "
            f"{self.wished:.1%}{attained} ({self.source})."
        )


def landmark_design(
    hypothesis: SurvivalHypothesis,
    accrual: Accrual,
    *,
    at: float,
    alpha: float = 0.05,
    beta: float = 0.2,
    n_max: int = 1000,
) -> LandmarkDesign:
    """The smallest n whose landmark test at ``at`` has power 1 - beta, by normal approximation.

    Raises `InvalidArgument` for a landmark that no patient can reach, `NoDesign` where no n up to
    ``n_max`` has the power.

    >>> null = SurvivalHypothesis(survival=0.25, time=6.0, hazard_ratio=0.6)
    >>> landmark_design(null, Accrual(rate=2.5, follow_up=6.0), at=6.0).n
    45
    """
    check_errors(alpha, beta)
    n_max = check_patients("n_max", n_max)
    check_scaled("at", at)
    _check_landmark(at, n_max, accrual)
    best = 0.0
    for n in range(1, n_max + 1):
        if accrual.follow_up + n / accrual.rate <= at and not accrual.is_restricted:
            continue
        found = landmark_design_at(n, hypothesis, accrual, at=at, alpha=alpha)
        best = max(best, found.power)
        if found.power >= 1 - beta:
            return found
    raise NoDesign("landmark design", n_max, best, 2 * n_max)


def landmark_design_at(
    n: int,
    hypothesis: SurvivalHypothesis,
    accrual: Accrual,
    *,
    at: float,
    alpha: float = 0.05,
) -> LandmarkDesign:
    """Given ``n``: the power of the landmark test at ``at``, and what it attains exactly.

    >>> null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
    >>> design = landmark_design_at(50, null, Accrual(rate=2.5, follow_up=6.0), at=6.0)
    >>> round(design.null, 3), round(design.wished, 3), round(design.power, 3)
    (0.25, 0.435, 0.84)
    """
    n = check_patients("n", n)
    critical = float(-ndtri(check_share("alpha", alpha)))
    check_scaled("at", at)
    _check_landmark(at, n, accrual)
    check_scale(hypothesis, accrual, n / accrual.rate)
    hazard = float(hypothesis.cumulative(np.asarray(at)))
    if not 1e-9 < hazard < 50:
        valid = "a time at which the null survival is not practically 1 or 0"
        raise InvalidArgument("at", at, valid)
    hr = hypothesis.hazard_ratio
    null, wished = math.exp(-hazard), math.exp(-hr * hazard)
    is_full = accrual.follow_up >= at
    return LandmarkDesign(
        n,
        float(at),
        null,
        wished,
        hypothesis,
        accrual,
        alpha,
        critical,
        _power(n, at, hr, hypothesis, accrual, critical),
        _exact(n, null, critical, null) if is_full else None,
        _exact(n, null, critical, wished) if is_full else None,
    )


def _check_landmark(at: float, n: int, accrual: Accrual) -> None:
    reach = accrual.follow_up + (0.0 if accrual.is_restricted else n / accrual.rate)
    is_reached = at <= reach if accrual.is_restricted else at < reach
    if not is_reached:
        raise InvalidArgument("at", at, f"below the longest follow-up, {reach:g}")


def _power(
    n: int,
    at: float,
    ratio: float,
    hypothesis: SurvivalHypothesis,
    accrual: Accrual,
    critical: float,
) -> float:
    """The normal power at a true hazard ``ratio``; above 1 the drug is worse than the null."""
    spread = math.sqrt(_variance(at, ratio, hypothesis, accrual, n / accrual.rate))
    spread /= ratio * float(hypothesis.cumulative(np.asarray(at)))
    return float(ndtr(-math.log(ratio) * math.sqrt(n) / spread - critical))


def _variance(
    at: float, hr: float, hypothesis: SurvivalHypothesis, accrual: Accrual, accrual_time: float
) -> float:
    """n times Greenwood's variance of ln S at the landmark: the integral of dL1 / (S1 G)."""
    tf, ta = accrual.follow_up, accrual_time
    full = float(hypothesis.cumulative(np.asarray(min(tf, at))))
    variance = math.expm1(hr * full)
    if tf < at:
        # Beyond full follow-up those still observed thin out linearly to the longest follow-up.
        end = float(hypothesis.cumulative(np.asarray(at)))
        u: Floats = (full + end) / 2 + (end - full) / 2 * _NODES
        t = hypothesis.time * (u / -math.log(hypothesis.survival)) ** (1 / hypothesis.shape)
        seen = (ta + tf - t) / ta
        variance += float(((end - full) / 2 * _WEIGHTS * hr * np.exp(hr * u) / seen).sum())
    return variance


def _exact(n: int, null: float, critical: float, true: float) -> float:
    """P(Z > critical) when everybody is followed to the landmark: survivors are binomial."""
    alive = np.arange(1, n)
    share = alive / n
    # Greenwood's sum telescopes to 1/x - 1/n without censoring.
    spread = np.sqrt(1 / alive - 1 / n) / -np.log(share)
    z = (math.log(-math.log(null)) - np.log(-np.log(share))) / spread
    return min(1.0, float(mass(alive, n, true)[z > critical].sum()))
