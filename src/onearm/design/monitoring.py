"""Watching a response rate by its posterior: stop for futility or efficacy (Thall and Simon)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr

from onearm.design.arguments import (
    Prior,
    check_looks,
    check_patients,
    check_prior,
    check_within,
)
from onearm.design.counting import Bounds, Walk, walk
from onearm.design.toxicity import posterior_above
from onearm.stats.arguments import Floats, InvalidArgument, check_between, check_count
from onearm.stats.notes import Note, Sides

_Rates = tuple[Floats, Floats]

SOURCE = "Thall and Simon, Biometrics 50:337-349 (1994)"


@dataclass(frozen=True, slots=True)
class MonitoringRule:
    """At look i stop for futility at ``futility[i]`` or fewer, for efficacy at ``efficacy[i]`` or
    more responders; None where no count stops. ``p0`` is the fixed standard, None with a Beta."""

    looks: tuple[int, ...]
    futility: Bounds
    efficacy: Bounds
    words: str
    p0: float | None = None
    method: str = "posterior monitoring"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    @property
    def n(self) -> int:
        """Patients in all."""
        return self.looks[-1]

    def operating(self, p: float) -> Walk:
        """Exact behaviour at the true rate ``p``: stop_low is futility, stop_high efficacy."""
        return walk(self.looks, self.futility, self.efficacy, p)

    def reject(self, p: float) -> float:
        """P(ever stopped for efficacy) at the true rate ``p``."""
        return self.operating(p).stop_high

    def stop_early(self, p: float) -> float:
        """P(stopped for futility) at the true rate ``p``, at the last look too."""
        return self.operating(p).stop_low

    def expected_n(self, p: float) -> float:
        """The expected number of patients at the true rate ``p``."""
        return self.operating(p).expected_n

    def sentence(self) -> str:
        """The boundaries for a protocol."""
        down = _steps(self.looks, self.futility)
        up = _steps(self.looks, self.efficacy)
        return (
            f"Responders are counted after {', '.join(map(str, self.looks))} patients. The trial "
            f"stops for futility at or below {down or 'no count'} and for efficacy at or above "
            f"{up or 'no count'} ({self.words}; {self.source})."
        )


def posterior_monitoring(
    *,
    p0: float | None = None,
    standard: Prior | None = None,
    prior: Prior,
    looks: Sequence[int],
    futility_below: float | None = 0.05,
    efficacy_above: float | None = 0.95,
    delta: float = 0.0,
) -> MonitoringRule:
    """Futility if P(p > p0 + delta | data) < futility_below; efficacy if P(p > p0) > above.

    The standard's rate is either fixed, ``p0``, or a Beta of its own, ``standard`` (a, b), over
    which the posterior is averaged by quadrature. None switches a kind of stop off. Raises
    `InvalidArgument` unless exactly one of ``p0`` and ``standard`` is given.

    >>> rule = posterior_monitoring(p0=0.1, prior=(0.5, 0.5), looks=(10, 20), futility_below=0.1)
    >>> rule.futility, rule.efficacy
    ((None, 0), (3, 5))
    """
    if (p0 is None) == (standard is None):
        raise InvalidArgument("p0", p0, "given exactly when standard is not")
    sizes, prior = check_looks(looks), check_prior("prior", prior)
    for name, value in (("futility_below", futility_below), ("efficacy_above", efficacy_above)):
        if value is not None:
            check_between(name, value)
    rates = _standard_rates(p0, standard)
    check_within("delta", delta, 0, 1, "0 or more, with p0 + delta below 1")
    if delta >= 1 or (p0 is not None and p0 + delta >= 1):
        raise InvalidArgument("delta", delta, "0 or more, with p0 + delta below 1")
    futility: list[int | None] = [None] * len(sizes)
    efficacy: list[int | None] = [None] * len(sizes)
    for place, n in enumerate(sizes):
        if futility_below is not None:
            # The count that first reaches the level is the one above the last that stops.
            over = _least(n, prior, rates, delta, futility_below, is_above=False)
            futility[place] = over - 1 if over > 0 else None
        if efficacy_above is not None:
            enough = _least(n, prior, rates, 0.0, efficacy_above, is_above=True)
            efficacy[place] = enough if enough <= n else None
    words = _words(p0, standard, prior, futility_below, efficacy_above, delta)
    return MonitoringRule(sizes, tuple(futility), tuple(efficacy), words, p0)


def _standard_rates(p0: float | None, standard: Prior | None) -> _Rates:
    """The standard's rate with weight 1, or nodes and weights over its Beta."""
    if standard is None:
        return np.array([check_between("p0", 0.0 if p0 is None else p0)]), np.ones(1)
    a, b = check_prior("standard", standard)
    # The trapezoid rule on the normal scale of the standard's quantiles: the integrand is smooth
    # there and dies away at both ends, so that it is exact to a dozen digits.
    z = np.linspace(-8.5, 8.5, 171)
    nodes = np.where(z < 0, betaincinv(a, b, ndtr(z)), 1 - betaincinv(b, a, ndtr(-z)))
    weights = np.exp(-(z**2) / 2)
    return nodes, weights / weights.sum()


def posterior_above_standard(
    x: int, n: int, *, standard: Prior, prior: Prior, delta: float = 0.0
) -> float:
    """P(p > the standard's rate + ``delta`` | x of n), its rate having a Beta of its own.

    >>> round(posterior_above_standard(8, 20, standard=(15, 35), prior=(0.6, 1.4)), 4)
    0.7708
    """
    n = check_patients("n", n)
    x = check_count("x", x, high=n)
    check_within("delta", delta, 0, 1, "a number from 0 to 1")
    return _averaged(x, n, check_prior("prior", prior), _standard_rates(None, standard), delta)


def _averaged(x: int, n: int, prior: Prior, rates: _Rates, delta: float) -> float:
    nodes, weights = rates
    above = posterior_above(np.minimum(nodes + delta, 1.0), x, n, prior)
    return min(1.0, float((weights * above).sum()))


def _least(
    n: int, prior: Prior, rates: _Rates, delta: float, level: float, *, is_above: bool
) -> int:
    """The least count of n whose posterior reaches ``level``, or goes above; n + 1: none does.

    The posterior rises with the count, so that bisection finds it.
    """
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        chance = _averaged(middle, n, prior, rates, delta)
        is_enough = chance > level if is_above else chance >= level
        low, high = (low, middle) if is_enough else (middle + 1, high)
    return low


def _steps(looks: tuple[int, ...], bounds: Bounds) -> str:
    return ", ".join(f"{k}/{n}" for n, k in zip(looks, bounds, strict=True) if k is not None)


def _words(
    p0: float | None,
    standard: Prior | None,
    prior: Prior,
    below: float | None,
    above: float | None,
    delta: float,
) -> str:
    if standard is None:
        rate = f"{p0:.1%}"
    else:
        rate = f"a standard of Beta({standard[0]:g}, {standard[1]:g})"
    parts = []
    if below is not None:
        shift = f" + {delta:g}" if delta else ""
        parts.append(f"futility if P(p > {rate}{shift} | data) < {below:g}")
    if above is not None:
        parts.append(f"efficacy if P(p > {rate} | data) > {above:g}")
    return "; ".join([*parts, f"prior Beta({prior[0]:g}, {prior[1]:g})"])
