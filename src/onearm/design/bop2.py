"""BOP2 for one binary endpoint: a posterior threshold that rises with the information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from onearm.design.arguments import NoDesign, Prior, check_hypotheses, check_looks, check_share
from onearm.design.counting import Bounds, Walk, walk
from onearm.design.toxicity import posterior_above
from onearm.stats.arguments import Floats, InvalidArgument
from onearm.stats.notes import Note, Sides

SOURCE = "Zhou, Lee and Yuan, Statistics in Medicine 36:3302-3314 (2017)"

MOST_LOOKS = 100
LAMBDAS = tuple(round(0.50 + 0.01 * step, 2) for step in range(50))
GAMMAS = tuple(round(0.05 * step, 2) for step in range(21))


@dataclass(frozen=True, slots=True)
class Bop2:
    """Stop at ``futility[i]`` of ``looks[i]`` or fewer; success with ``needs`` of the last.

    The rule: stop at n if P(p > p0 | data) < lam (n / N)^gamma; success at N if > lam.
    """

    looks: tuple[int, ...]
    futility: Bounds
    needs: int
    lam: float
    gamma: float
    p0: float
    p1: float
    prior: Prior
    alpha: float
    power: float
    pet0: float
    pet1: float
    en0: float
    en1: float
    method: str = "BOP2, one binary endpoint"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    @property
    def n(self) -> int:
        """Patients in all."""
        return self.looks[-1]

    def operating(self, p: float) -> Walk:
        """Exact behaviour at the true rate ``p``: stop_low is failure, stop_high success."""
        return walk(self.looks, self.futility, _only_last(self.looks, self.needs), p)

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
        stops = zip(self.futility[:-1], self.looks[:-1], strict=True)
        steps = ", ".join(f"{k}/{n}" for k, n in stops if k is not None) or "no count"
        return (
            f"Looks are taken after {', '.join(map(str, self.looks))} patients. The trial stops "
            f"for futility at or below {steps}; the treatment is considered promising if at "
            f"least {self.needs} of {self.looks[-1]} respond. The exact one-sided type I error "
            f"at {self.p0:.1%} is {self.alpha:.4f}, the power at {self.p1:.1%} is "
            f"{self.power:.4f} and the expected number of patients at {self.p0:.1%} is "
            f"{self.en0:.1f} (BOP2, lambda {self.lam:g}, gamma {self.gamma:g}; {self.source})."
        )


def bop2(
    *,
    p0: float,
    p1: float,
    looks: Sequence[int],
    alpha: float = 0.05,
    lambdas: Sequence[float] = LAMBDAS,
    gammas: Sequence[float] = GAMMAS,
) -> Bop2:
    """The (lambda, gamma) of the grid with the most power that keeps ``alpha``.

    Prior Beta(p0, 1 - p0). Ties: smaller EN(p0), then the first of the grid. Raises `NoDesign`
    where no pair of the grid keeps ``alpha``.

    >>> design = bop2(p0=0.1, p1=0.3, looks=(20, 35, 50))
    >>> design.futility, round(design.power, 3)
    ((1, 4, 9), 0.954)
    """
    check_hypotheses(p0, p1)
    check_share("alpha", alpha)
    sizes = check_looks(looks)
    if len(sizes) > MOST_LOOKS:
        raise InvalidArgument("looks", len(sizes), f"a list of at most {MOST_LOOKS} looks")
    for name, values, low in (("lambdas", lambdas, 0.0), ("gammas", gammas, -1e-300)):
        is_list = isinstance(values, Sequence) and len(values) > 0
        if not is_list or not all(isinstance(v, Real) and low < v <= 1 for v in values):
            raise InvalidArgument(name, values, "a list of numbers above 0 (gammas: or 0) to 1")
    prior = (p0, 1 - p0)
    above = [posterior_above(p0, np.arange(n + 1), n, prior) for n in sizes]
    seen: dict[Bounds, tuple[float, float, float]] = {}
    best: tuple[float, float] | None = None
    chosen: tuple[Bounds, float, float] | None = None
    for lam in lambdas:
        for gamma in gammas:
            bounds = _bounds(sizes, above, lam, gamma)
            if bounds is None or bounds in seen:
                continue
            null, wished = _walks(sizes, bounds, p0, p1)
            seen[bounds] = (null.stop_high, wished.stop_high, null.expected_n)
            rank = (-wished.stop_high, null.expected_n)
            if null.stop_high <= alpha and (best is None or rank < best):
                best, chosen = rank, (bounds, lam, gamma)
    if chosen is None:
        raise NoDesign("BOP2 design of these looks", sizes[-1], None, sizes[-1] + 10)
    return _value(sizes, *chosen, p0, p1, prior)


def _bounds(looks: tuple[int, ...], above: list[Floats], lam: float, gamma: float) -> Bounds | None:
    """The futility bounds, the last one below success; None where success is impossible or sure."""
    bounds: list[int | None] = []
    for n, chance in zip(looks[:-1], above[:-1], strict=True):
        stops = np.flatnonzero(chance < lam * (n / looks[-1]) ** gamma)
        bounds.append(int(stops[-1]) if stops.size else None)
    enough = above[-1] > lam
    # Nor is it a test where no response at all is a success.
    is_test = enough.any() and not enough[0]
    return (*bounds, int(np.argmax(enough)) - 1) if is_test else None


def _only_last(looks: tuple[int, ...], needs: int) -> Bounds:
    return (*(None for _ in looks[:-1]), needs)


def _walks(looks: tuple[int, ...], bounds: Bounds, p0: float, p1: float) -> tuple[Walk, Walk]:
    high = _only_last(looks, (bounds[-1] or 0) + 1)
    return walk(looks, bounds, high, p0), walk(looks, bounds, high, p1)


def _value(
    looks: tuple[int, ...],
    bounds: Bounds,
    lam: float,
    gamma: float,
    p0: float,
    p1: float,
    prior: Prior,
) -> Bop2:
    null, wished = _walks(looks, bounds, p0, p1)
    return Bop2(
        looks,
        bounds,
        (bounds[-1] or 0) + 1,
        lam,
        gamma,
        p0,
        p1,
        prior,
        alpha=null.stop_high,
        power=wished.stop_high,
        pet0=null.stop_before_last,
        pet1=wished.stop_before_last,
        en0=null.expected_n,
        en1=wished.expected_n,
    )
