"""Lee and Liu's predictive probability design: stop when success at the end has become unlikely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onearm.design.arguments import (
    NoDesign,
    Prior,
    check_errors,
    check_hypotheses,
    check_looks,
    check_prior,
    size_to_try,
)
from onearm.design.binomial import at_least, predictive_at_least
from onearm.design.counting import Bounds, Walk, walk
from onearm.design.toxicity import posterior_above
from onearm.stats.arguments import Floats, InvalidArgument, check_between, check_count
from onearm.stats.notes import Note, Sides

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
    n_max = check_count("n_max", n_max, low=1)
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
    n = check_count("n", n, low=1)
    prior = check_prior("prior", prior)
    check_between("theta_t", theta_t)
    check_between("theta_l", theta_l)
    if not theta_l < theta_u <= 1:
        raise InvalidArgument("theta_u", theta_u, f"above theta_l = {theta_l:g} and at most 1")
    sizes = check_looks(range(min(10, n), n + 1) if looks is None else looks)
    if sizes[-1] != n:
        raise InvalidArgument("looks", sizes[-1], f"a list that ends with n = {n}")
    needs = success_needs(n, p0, prior, theta_t)
    if needs is None:
        raise InvalidArgument("theta_t", theta_t, f"a level that some count of {n} can reach")
    chances = _chances(sizes, n, needs, prior)
    return _with(sizes, chances, n, needs, p0, p1, prior, theta_l, theta_t, theta_u)


def predictive_search(
    *,
    p0: float,
    p1: float,
    prior: Prior,
    alpha: float = 0.05,
    beta: float = 0.2,
    first_look: int = 10,
    step: int = 1,
    n_max: int = 100,
) -> PredictiveDesign:
    """The smallest n for which some (theta_l, theta_t) keeps both errors; then the least EN(p0).

    For each count that can be asked for at the end, theta_l is the largest predictive probability
    that occurs and keeps the power: a higher one saves more patients. Looks: every ``step`` from
    ``first_look``, and n. Raises `NoDesign` where no n up to ``n_max`` has one.
    """
    check_hypotheses(p0, p1)
    check_errors(alpha, beta)
    prior = check_prior("prior", prior)
    first_look = check_count("first_look", first_look, low=1)
    step = check_count("step", step, low=1)
    n_max = check_count("n_max", n_max, low=first_look + 1)
    best_power = 0.0
    for n in range(first_look + 1, n_max + 1):
        sizes = (*range(first_look, n, step), n)
        found = []
        for needs in range(1, n + 1):
            if at_least(needs, n, p1) < 1 - beta:
                break
            design = _most_saving(sizes, n, needs, p0, p1, prior, 1 - beta)
            if design is not None and design.alpha <= alpha:
                found.append(design)
        if found:
            return min(found, key=lambda design: design.en0)
        tails = at_least(np.arange(n + 2), n, p0)
        best_power = max(best_power, float(at_least(int(np.argmax(tails <= alpha)), n, p1)))
    raise NoDesign(
        "predictive probability design",
        n_max,
        best_power,
        size_to_try(p0, p1, alpha, beta, n_max),
    )


def _chances(looks: tuple[int, ...], n: int, needs: int, prior: Prior) -> tuple[Floats, ...]:
    """The predictive probability of success at each look, for each count."""
    a, b = prior
    return tuple(
        np.array([predictive_at_least(needs - x, n - m, a + x, b + m - x) for x in range(m + 1)])
        for m in looks
    )


def _with(
    looks: tuple[int, ...],
    chances: tuple[Floats, ...],
    n: int,
    needs: int,
    p0: float,
    p1: float,
    prior: Prior,
    theta_l: float,
    theta_t: float,
    theta_u: float,
) -> PredictiveDesign:
    futility = tuple(_last(chance < theta_l) for chance in chances[:-1])
    efficacy = tuple(_first(chance > theta_u) for chance in chances[:-1])
    futility, efficacy = (*futility, needs - 1), (*efficacy, needs)
    null, wished = walk(looks, futility, efficacy, p0), walk(looks, futility, efficacy, p1)
    ends = posterior_above(p0, np.array([needs - 1, needs]), n, prior)
    return PredictiveDesign(
        n=n,
        needs=needs,
        looks=looks,
        futility=futility,
        efficacy=efficacy,
        p0=p0,
        p1=p1,
        prior=prior,
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


def _most_saving(
    looks: tuple[int, ...],
    n: int,
    needs: int,
    p0: float,
    p1: float,
    prior: Prior,
    power: float,
) -> PredictiveDesign | None:
    """The design with the largest threshold for futility that keeps ``power``."""
    chances = _chances(looks, n, needs, prior)
    thresholds = np.unique(np.concatenate(chances[:-1]))
    thresholds = thresholds[(thresholds > 0) & (thresholds < 1)]
    theta_t = float(posterior_above(p0, np.array([needs - 1]), n, prior)[0])
    first, last = -1, thresholds.size
    kept: PredictiveDesign | None = None
    while last - first > 1:
        middle = (first + last) // 2
        theta_l = float(thresholds[middle])
        design = _with(looks, chances, n, needs, p0, p1, prior, theta_l, theta_t, 1.0)
        if design.power >= power:
            first, kept = middle, design
        else:
            last = middle
    return kept


def _first(stops: np.ndarray) -> int | None:
    return int(np.argmax(stops)) if stops.any() else None


def _last(stops: np.ndarray) -> int | None:
    return int(np.flatnonzero(stops)[-1]) if stops.any() else None
