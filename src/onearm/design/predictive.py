"""Lee and Liu's predictive probability design: stop when success at the end has become unlikely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from onearm.design.arguments import (
    Prior,
    check_hypotheses,
    check_looks,
    check_patients,
    check_prior,
)
from onearm.design.binomial import predictive_at_least
from onearm.design.counting import Bounds, Walk, walk
from onearm.design.toxicity import posterior_above
from onearm.stats.arguments import Booleans, Floats, InvalidArgument, check_between, check_count
from onearm.stats.notes import Note, Sides

MOST_LOOKED_AT = 500
"""The largest design with a look after every patient."""

SOURCE = "Lee and Liu, Clinical Trials 5:93-106 (2008)"


@dataclass(frozen=True, slots=True)
class PredictiveDesign:
    """Stop for futility at ``futility[i]`` of ``looks[i]`` or fewer; success with ``needs`` of n.

    ``theta_t`` can be anything in ``theta_t_range`` (from, up to but not including) with the same
    design. ``alpha``, ``power``, ``pet0`` (stop before the end), ``en0`` and ``en1`` are exact.
    """

    n: int
    needs: int
    looks: tuple[int, ...]
    futility: Bounds
    efficacy: Bounds
    p0: float
    p1: float
    prior: Prior
    theta_l: float
    theta_t: float
    theta_u: float
    theta_t_range: tuple[float, float]
    alpha: float
    power: float
    pet0: float
    pet1: float
    en0: float
    en1: float
    method: str = "predictive probability"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    def operating(self, p: float) -> Walk:
        """Exact behaviour at the true rate ``p``: stop_low is failure, stop_high success."""
        return walk(self.looks, self.futility, self.efficacy, p)

    def regions(self) -> tuple[tuple[int, int], ...]:
        """(responders, the first number of patients at which that count stops)."""
        found: dict[int, int] = {}
        for n, k in zip(self.looks, self.futility, strict=True):
            if k is not None:
                found.setdefault(k, n)
        return tuple(found.items())

    def reject(self, p: float) -> float:
        """P(the drug is called promising) at the true rate ``p``."""
        return self.operating(p).stop_high

    def stop_early(self, p: float) -> float:
        """P(stop before the last look) at the true rate ``p``."""
        return self.operating(p).stop_before_last

    def expected_n(self, p: float) -> float:
        """The expected number of patients at the true rate ``p``."""
        return self.operating(p).expected_n

    def sentence(self) -> str:
        """The design for a protocol."""
        steps = ", ".join(f"{k}/{n}" for k, n in self.regions())
        return (
            f"At most {self.n} patients are treated. The trial stops for futility as soon as the "
            f"number of responders is at or below {steps}; the treatment is considered promising "
            f"if at least {self.needs} of {self.n} respond. The exact one-sided type I error at "
            f"{self.p0:.1%} is {self.alpha:.4f}, the power at {self.p1:.1%} is {self.power:.4f} "
            f"and the expected number of patients at {self.p0:.1%} is {self.en0:.1f} (predictive "
            f"probability below {self.theta_l:g}, posterior above {self.theta_t:g}, prior "
            f"Beta({self.prior[0]:g}, {self.prior[1]:g}); {self.source})."
        )


def predictive_probability(
    x: int, n: int, *, n_max: int, p0: float, prior: Prior, theta_t: float
) -> float:
    """P(success with ``n_max`` patients) after ``x`` responders of ``n``.

    Success is P(p > p0 | data) > theta_t at the end.

    >>> value = predictive_probability(
    ...     2, 17, n_max=36, p0=0.2, prior=(0.2, 0.8), theta_t=0.9)
    >>> round(value, 5)
    0.00876
    """
    n_max = check_patients("n_max", n_max)
    n = check_count("n", n, high=n_max)
    x = check_count("x", x, high=n)
    a, b = check_prior("prior", prior)
    check_between("p0", p0)
    needs = success_needs(n_max, p0, (a, b), check_between("theta_t", theta_t))
    if needs is None:
        return 0.0
    return predictive_at_least(needs - x, n_max - n, a + x, b + n - x)


def success_needs(n: int, p0: float, prior: Prior, theta_t: float) -> int | None:
    """The fewest responders with P(p > p0 | data) > theta_t; None where no count has it."""
    enough = posterior_above(p0, np.arange(n + 1), n, prior) > theta_t
    return int(np.argmax(enough)) if enough.any() else None


def predictive_design(
    n: int,
    *,
    p0: float,
    p1: float,
    prior: Prior,
    theta_l: float,
    theta_t: float,
    theta_u: float = 1.0,
    looks: Sequence[int] | None = None,
) -> PredictiveDesign:
    """The design with these thresholds: futility if PP < theta_l, success early if PP > theta_u.

    ``looks``: numbers of patients; by default 10, 11, ... n. The last is ``n``. With ``theta_u``
    of 1 the trial never stops for efficacy. Raises `InvalidArgument` where success is impossible.
    """
    check_hypotheses(p0, p1)
    n = check_patients("n", n, most=MOST_LOOKED_AT)
    prior = check_prior("prior", prior)
    check_between("theta_t", theta_t)
    check_between("theta_l", theta_l)
    check_theta_u(theta_u, theta_l)
    sizes = check_looks(range(min(10, n), n + 1) if looks is None else looks)
    if sizes[-1] != n:
        raise InvalidArgument("looks", sizes[-1], f"a list that ends with n = {n}")
    needs = success_needs(n, p0, prior, theta_t)
    if needs is None:
        raise InvalidArgument("theta_t", theta_t, f"a level that some count of {n} can reach")
    if needs == 0:
        raise InvalidArgument("theta_t", theta_t, "a level that no response at all does not reach")
    shared = Looks(sizes, p0, p1, prior)
    return whole(shared, _chances(shared, needs), needs, (theta_l, theta_t, theta_u))


@dataclass(frozen=True, slots=True)
class Looks:
    """What all thresholds of one design share: the looks, the two rates and the prior."""

    sizes: tuple[int, ...]
    p0: float
    p1: float
    prior: Prior

    @property
    def n(self) -> int:
        """The patients of the last look."""
        return self.sizes[-1]


def check_theta_u(theta_u: float, theta_l: float = 0.0) -> None:
    """The level above which success stops the trial: above ``theta_l`` and at most 1."""
    if not isinstance(theta_u, Real) or not theta_l < theta_u <= 1:
        raise InvalidArgument("theta_u", theta_u, f"above theta_l = {theta_l:g} and at most 1")


def _chances(looks: Looks, needs: int) -> tuple[Floats, ...]:
    """The predictive probability of success at each look, for each count."""
    a, b = looks.prior
    n = looks.n
    return tuple(
        np.array([predictive_at_least(needs - x, n - m, a + x, b + m - x) for x in range(m + 1)])
        for m in looks.sizes
    )


def bounds_at(
    chances: tuple[Floats, ...], needs: int, theta_l: float, theta_u: float
) -> tuple[Bounds, Bounds]:
    """The bounds for futility and for success at each look; the last decides."""
    futility = tuple(_last(chance < theta_l) for chance in chances[:-1])
    efficacy = tuple(_first(chance > theta_u) for chance in chances[:-1])
    return (*futility, needs - 1), (*efficacy, needs)


def whole(
    looks: Looks, chances: tuple[Floats, ...], needs: int, thetas: tuple[float, float, float]
) -> PredictiveDesign:
    """The design with the thresholds (theta_l, theta_t, theta_u) and what it attains."""
    theta_l, theta_t, theta_u = thetas
    futility, efficacy = bounds_at(chances, needs, theta_l, theta_u)
    null = walk(looks.sizes, futility, efficacy, looks.p0)
    wished = walk(looks.sizes, futility, efficacy, looks.p1)
    ends = posterior_above(looks.p0, np.array([needs - 1, needs]), looks.n, looks.prior)
    return PredictiveDesign(
        n=looks.n,
        needs=needs,
        looks=looks.sizes,
        futility=futility,
        efficacy=efficacy,
        p0=looks.p0,
        p1=looks.p1,
        prior=looks.prior,
        theta_l=theta_l,
        theta_t=theta_t,
        theta_u=theta_u,
        theta_t_range=(float(ends[0]), float(ends[1])),
        alpha=null.stop_high,
        power=wished.stop_high,
        pet0=null.stop_before_last,
        pet1=wished.stop_before_last,
        en0=null.expected_n,
        en1=wished.expected_n,
    )


def _first(stops: Booleans) -> int | None:
    return int(np.argmax(stops)) if stops.any() else None


def _last(stops: Booleans) -> int | None:
    return int(np.flatnonzero(stops)[-1]) if stops.any() else None
