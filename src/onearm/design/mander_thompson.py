"""Two stages that may also stop early because the drug works (Mander and Thompson)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_hypotheses,
    check_patients,
    check_rate,
    near_limit,
    size_to_try,
)
from onearm.design.binomial import at_least, at_most, mass
from onearm.design.searching import SLACK, Tables
from onearm.design.simon import most_power
from onearm.stats.arguments import Floats, InvalidArgument, check_choice, check_count
from onearm.stats.notes import Note, Sides

MOST_SEARCHED = 400
"""The largest ``n_max`` of the search."""

SOURCE = "Mander and Thompson, Contemporary Clinical Trials 31:572-578 (2010)"


@dataclass(frozen=True, slots=True)
class EarlyActivity:
    """After ``n1`` patients: stop for futility at ``r1`` or fewer, for activity at ``e1`` or more.

    Otherwise go on to ``n``; promising with more than ``r``. ``r1`` = -1: no futility stop;
    ``e1`` = n1 + 1: no stop for activity. Errors and sizes are exact, one-sided.
    """

    r1: int
    e1: int
    n1: int
    r: int
    n: int
    p0: float
    p1: float
    kind: str = "given"
    alpha: float = field(init=False)
    power: float = field(init=False)
    pet0: float = field(init=False)
    pet1: float = field(init=False)
    en0: float = field(init=False)
    en1: float = field(init=False)
    method: str = "Mander-Thompson two-stage"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in (
            ("alpha", self.reject(self.p0)),
            ("power", self.reject(self.p1)),
            ("pet0", self.stop_early(self.p0)),
            ("pet1", self.stop_early(self.p1)),
            ("en0", self.expected_n(self.p0)),
            ("en1", self.expected_n(self.p1)),
        ):
            object.__setattr__(self, name, value)

    def reject(self, p: float) -> float:
        """P(the drug is called promising, early or late) at the true rate ``p``."""
        p = check_rate("p", p)
        first = np.arange(self.r1 + 1, self.e1)
        later = mass(first, self.n1, p) * at_least(self.r + 1 - first, self.n - self.n1, p)
        return min(1.0, float(at_least(self.e1, self.n1, p)) + float(later.sum()))

    def stop_early(self, p: float) -> float:
        """P(stop after stage 1, for either reason) at the true rate ``p``."""
        p = check_rate("p", p)
        return min(1.0, float(at_most(self.r1, self.n1, p) + at_least(self.e1, self.n1, p)))

    def expected_n(self, p: float) -> float:
        """The expected number of patients at the true rate ``p``."""
        return self.n1 + (self.n - self.n1) * (1 - self.stop_early(p))

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        futility = f"for futility if {self.r1} or fewer respond" if self.r1 >= 0 else ""
        activity = f"for activity if {self.e1} or more respond" if self.e1 <= self.n1 else ""
        stops = " and ".join(part for part in (futility, activity) if part)
        stop = f"stops {stops}" if stops else "does not stop early"
        return (
            f"In the first stage {self.n1} patients are treated; the trial {stop}. "
            f"Otherwise {self.n - self.n1} more are treated, {self.n} in all, and the treatment "
            f"is considered promising if at least {self.r + 1} of {self.n} respond. The exact "
            f"one-sided type I error at {self.p0:.1%} is {self.alpha:.4f}, the power at "
            f"{self.p1:.1%} is {self.power:.4f}; the expected number of patients is "
            f"{self.en0:.1f} and {self.en1:.1f} ({self.method}, {self.kind}; {self.source})."
        )


@dataclass(frozen=True, slots=True)
class EarlyActivitySearch:
    """The design with the least expected size, and among the smallest the one with the least."""

    optimal: EarlyActivity
    minimax: EarlyActivity
    optimise: str
    alpha_max: float
    beta_max: float
    n_max: int

    def sentence(self) -> str:
        """The optimal design for a protocol."""
        return self.optimal.sentence()


def early_activity(
    *,
    p0: float,
    p1: float,
    alpha: float = 0.05,
    beta: float = 0.2,
    optimise: str = "en0",
    n_max: int = 120,
) -> EarlyActivitySearch:
    """Mander and Thompson's optimal and minimax designs.

    ``optimise``: ``en0`` or ``en1``, the expected size under p0 or p1. Ties go to the smaller n,
    n1, r1, e1. Raises `InvalidArgument`, or `NoDesign` where no n up to ``n_max`` has a design.

    >>> best = early_activity(p0=0.1, p1=0.3, n_max=44).optimal
    >>> best.r1, best.e1, best.n1, best.r, best.n
    (1, 5, 10, 5, 29)
    """
    check_hypotheses(p0, p1)
    check_errors(alpha, beta)
    check_choice("optimise", optimise, ("en0", "en1"))
    n_max = check_patients("n_max", n_max, low=2, most=MOST_SEARCHED)
    found = list(_improvements(p0, p1, alpha, beta, n_max, under_null=optimise == "en0"))
    if not found:
        raise NoDesign(
            "two-stage design with early activity",
            n_max,
            most_power(p0, p1, alpha, n_max),
            size_to_try(p0, p1, alpha, beta, n_max),
            most=MOST_SEARCHED,
        )
    minimax, optimal = found[0], found[-1]
    return EarlyActivitySearch(
        replace(EarlyActivity(*optimal, p0, p1, "optimal"), remarks=near_limit(optimal[4], n_max)),
        EarlyActivity(*minimax, p0, p1, "minimax"),
        optimise,
        alpha,
        beta,
        n_max,
    )


def early_activity_design(
    *, r1: int, e1: int, n1: int, r: int, n: int, p0: float, p1: float
) -> EarlyActivity:
    """The design with these cuts, and what it attains; -1 <= r1 < e1 - 1 <= n1 < n, r < n."""
    check_hypotheses(p0, p1)
    n = check_patients("n", n, low=2)
    n1 = check_count("n1", n1, low=1, high=n - 1)
    e1 = check_count("e1", e1, low=1, high=n1 + 1)
    r = check_count("r", r, high=n - 1)
    if not -1 <= r1 < e1 - 1:
        raise InvalidArgument("r1", r1, f"from -1 to e1 - 2 = {e1 - 2}")
    return EarlyActivity(int(r1), e1, n1, r, n, p0, p1)


class _Search:
    """One size at a time, with what rules a first stage out."""

    def __init__(self, tables: Tables, *, under_null: bool) -> None:
        self.tables = tables
        self.tail = tables.tail0 if under_null else tables.tail1
        # Fewer than this many responders cannot stop the trial for activity: alpha forbids it.
        self.least_e1 = (tables.tail0 > tables.alpha + SLACK).sum(axis=1)
        sizes = np.arange(tables.size + 1)
        most_r1 = np.maximum(tables.most_r1, -1)
        e1 = np.minimum(self.least_e1, sizes + 1)
        self.go_on = np.maximum(self.tail[sizes, most_r1 + 1] - self.tail[sizes, e1], 0.0)

    def bounds(self, n: int) -> Floats:
        """For n1 = 1..n-1, an expected size that no design with n patients goes below."""
        n1 = np.arange(1, n)
        least: Floats = n1 + (n - n1) * self.go_on[1:n]
        return least

    def best(self, n: int, limit: float) -> tuple[float, tuple[int, int, int, int, int]] | None:
        found = None
        bounds = self.bounds(n)
        for n1 in np.flatnonzero(bounds < limit) + 1:
            if bounds[n1 - 1] >= limit:
                continue
            here = self._best_of(n, int(n1), limit)
            if here is not None:
                limit, found = here[0], here
        return found

    def _best_of(
        self, n: int, n1: int, limit: float
    ) -> tuple[float, tuple[int, int, int, int, int]] | None:
        """The best (r1, e1, n1, r, n) with these sizes and an expected size below ``limit``."""
        t = self.tables
        r1 = np.arange(-1, int(t.most_r1[n1]) + 1)
        e1 = np.arange(min(int(self.least_e1[n1]), n1 + 1), n1 + 2)
        size = n1 + (n - n1) * (self.tail[n1, r1 + 1][:, None] - self.tail[n1, e1][None, :])
        kept = (size < limit) & (r1[:, None] < e1[None, :] - 1)
        if not kept.any():
            return None
        a, b = np.nonzero(kept)
        lower, upper, size = r1[a], e1[b], size[a, b]
        need = 1 - t.beta - t.tail1[n1, e1[0]] - SLACK
        most = int((t.tail1[n, 1 : n + 1] >= need).sum())
        cuts = np.arange(most)
        gains = []
        for masses, tails in ((t.mass0, t.tail0), (t.mass1, t.tail1)):
            x = np.arange(n1 + 1)
            terms = masses[n1, x] * tails[n - n1, np.clip(cuts[:, None] + 1 - x, 0, n - n1 + 1)]
            sums = np.concatenate((np.zeros((most, 1)), np.cumsum(terms, axis=1)), axis=1)
            gains.append(tails[n1, upper] + sums[:, upper] - sums[:, lower + 1])
        good = (gains[0] <= t.alpha) & (gains[1] >= 1 - t.beta)
        works = good.any(axis=0)
        if not works.any():
            return None
        place = int(np.argmin(np.where(works, size, np.inf)))
        r = int(cuts[np.argmax(good[:, place])])
        return float(size[place]), (int(lower[place]), int(upper[place]), n1, r, n)


def _improvements(
    p0: float, p1: float, alpha: float, beta: float, n_max: int, *, under_null: bool
) -> Iterator[tuple[int, int, int, int, int]]:
    """The best design of each n that beats every smaller n, from the minimax to the optimal."""
    search = _Search(Tables(p0, p1, alpha, beta, min(n_max, 64)), under_null=under_null)
    limit = np.inf
    for n in range(2, n_max + 1):
        if n > search.tables.size:
            larger = Tables(p0, p1, alpha, beta, min(n_max, 2 * search.tables.size))
            search = _Search(larger, under_null=under_null)
        if search.bounds(n).min() >= limit:
            return
        found = search.best(n, limit) if search.tables.is_possible(n) else None
        if found is not None:
            limit = found[0]
            yield found[1]
