"""Watching a response rate by its posterior: stop for futility or efficacy (Thall and Simon)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from onearm.design.arguments import Prior, check_looks, check_prior
from onearm.design.counting import Bounds, Walk, walk
from onearm.design.toxicity import posterior_above
from onearm.stats.arguments import Booleans, Floats, InvalidArgument, check_between
from onearm.stats.notes import Note, Sides

SOURCE = "Thall and Simon, Biometrics 50:337-349 (1994)"


@dataclass(frozen=True, slots=True)
class MonitoringRule:
    """At look i stop for futility at ``futility[i]`` or fewer, for efficacy at ``efficacy[i]`` or
    more responders; None where no count stops."""

    looks: tuple[int, ...]
    futility: Bounds
    efficacy: Bounds
    words: str
    method: str = "posterior monitoring"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    def operating(self, p: float) -> Walk:
        """Exact behaviour at the true rate ``p``: stop_low is futility, stop_high efficacy."""
        return walk(self.looks, self.futility, self.efficacy, p)

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
    if not (0 <= delta < 1 and (p0 is None or p0 + delta < 1)):
        raise InvalidArgument("delta", delta, "0 or more, with p0 + delta below 1")
    futility, efficacy = [], []
    for n in sizes:
        below = 0.0 if futility_below is None else futility_below
        above = 1.0 if efficacy_above is None else efficacy_above
        futility.append(_last(_averaged(rates + delta, n, prior) < below))
        efficacy.append(_first(_averaged(rates, n, prior) > above))
    words = _words(p0, standard, prior, futility_below, efficacy_above, delta)
    return MonitoringRule(sizes, tuple(futility), tuple(efficacy), words)


def _standard_rates(p0: float | None, standard: Prior | None) -> Floats:
    """The standard's rate, or equally weighted quantile nodes of its Beta."""
    if standard is None:
        return np.array([check_between("p0", 0.0 if p0 is None else p0)])
    a, b = check_prior("standard", standard)
    # Midpoints of 4000 equal slices of probability: the integrand is bounded and smooth in them.
    nodes: Floats = betaincinv(a, b, (np.arange(4000) + 0.5) / 4000)
    return nodes


def _averaged(rates: Floats, n: int, prior: Prior) -> Floats:
    """P(p > the standard's rate | x of n) for x = 0..n, averaged over the standard's rates."""
    x = np.arange(n + 1)[:, None]
    average: Floats = posterior_above(np.minimum(rates, 1.0)[None, :], x, n, prior).mean(axis=1)
    return average


def _first(stops: Booleans) -> int | None:
    return int(np.argmax(stops)) if stops.any() else None


def _last(stops: Booleans) -> int | None:
    return int(np.flatnonzero(stops)[-1]) if stops.any() else None


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
    rate = f"{p0:.1%}" if standard is None else f"a standard of Beta{standard}"
    parts = []
    if below is not None:
        shift = f" + {delta:g}" if delta else ""
        parts.append(f"futility if P(p > {rate}{shift} | data) < {below:g}")
    if above is not None:
        parts.append(f"efficacy if P(p > {rate} | data) > {above:g}")
    return "; ".join([*parts, f"prior Beta({prior[0]:g}, {prior[1]:g})"])
