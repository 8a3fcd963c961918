"""Two stages with a stop for futility between them: the design and what it attains, exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from onearm.design.arguments import (
    Prior,
    check_hypotheses,
    check_patients,
    check_prior,
    check_rate,
)
from onearm.design.binomial import at_least, at_most, mass, predictive_at_least
from onearm.stats.arguments import InvalidArgument, check_count
from onearm.stats.notes import Note, Sides

SOURCE = "Simon, Controlled Clinical Trials 10:1-10 (1989)"


@dataclass(frozen=True, slots=True)
class TwoStage:
    """Stop after ``n1`` patients with ``r1`` responders or fewer; promising with more than ``r``.

    The stop is binding: ``alpha`` and ``power`` hold only if it is obeyed, and
    ``alpha_non_binding`` is the type I error of a team that overrules it. All are exact and
    one-sided. ``pet0``, ``pet1`` are the probabilities of stopping early, ``en0``, ``en1`` the
    expected numbers of patients, at ``p0`` and ``p1``. Make one with `two_stage`.
    """

    r1: int
    n1: int
    r: int
    n: int
    p0: float
    p1: float
    kind: str = "given"
    alpha: float = field(init=False)
    power: float = field(init=False)
    alpha_non_binding: float = field(init=False)
    pet0: float = field(init=False)
    pet1: float = field(init=False)
    en0: float = field(init=False)
    en1: float = field(init=False)
    method: str = "Simon two-stage"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in (
            ("alpha", self.reject(self.p0)),
            ("power", self.reject(self.p1)),
            ("alpha_non_binding", self.reject_overruled(self.p0)),
            ("pet0", self.stop_early(self.p0)),
            ("pet1", self.stop_early(self.p1)),
            ("en0", self.expected_n(self.p0)),
            ("en1", self.expected_n(self.p1)),
        ):
            object.__setattr__(self, name, value)

    @property
    def n2(self) -> int:
        """Patients of the second stage."""
        return self.n - self.n1

    @property
    def needs(self) -> int:
        """The fewest responders of ``n`` that make the drug promising."""
        return self.r + 1

    def reject(self, p: float) -> float:
        """P(the drug is called promising) at the true rate ``p``, from the definition."""
        p = check_rate("p", p)
        first = np.arange(self.r1 + 1, self.n1 + 1)
        later = at_least(self.r + 1 - first, self.n2, p)
        return min(1.0, float((mass(first, self.n1, p) * later).sum()))

    def reject_overruled(self, p: float) -> float:
        """P(more than r of n) at the true rate ``p`` if the stop for futility is never obeyed."""
        return float(at_least(self.r + 1, self.n, check_rate("p", p)))

    def stop_early(self, p: float) -> float:
        """P(stop after stage 1) at the true rate ``p``."""
        return float(at_most(self.r1, self.n1, check_rate("p", p)))

    def expected_n(self, p: float) -> float:
        """The expected number of patients at the true rate ``p``."""
        return self.n1 + self.n2 * float(at_least(self.r1 + 1, self.n1, check_rate("p", p)))

    def conditional_power(self, x1: int, p: float) -> float:
        """P(more than r of n) after ``x1`` responders in stage 1, the later rate being ``p``.

        The stop is left out on purpose: this tells what stopping gives up.
        """
        x1 = check_count("x1", x1, high=self.n1)
        return float(at_least(self.r + 1 - x1, self.n2, check_rate("p", p)))

    def predictive_power(self, x1: int, *, prior: Prior) -> float:
        """P(more than r of n) after ``x1`` of n1, averaged over the posterior of Beta ``prior``."""
        x1 = check_count("x1", x1, high=self.n1)
        a, b = check_prior("prior", prior)
        return predictive_at_least(self.r + 1 - x1, self.n2, a + x1, b + self.n1 - x1)

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        return (
            f"In the first stage {self.n1} patients are treated; the trial stops for futility if "
            f"{self.r1} or fewer respond. Otherwise {self.n2} more are treated, {self.n} in all, "
            f"and the treatment is considered promising if at least {self.needs} of {self.n} "
            f"respond. At a response rate of {self.p0:.1%} the exact one-sided type I error is "
            f"{self.alpha:.4f}, the probability of stopping early {self.pet0:.3f} and the "
            f"expected number of patients {self.en0:.1f}; the power at {self.p1:.1%} is "
            f"{self.power:.4f}. The futility rule is binding: if it were overruled the type I "
            f"error would be {self.alpha_non_binding:.4f} ({self.method}, {self.kind}; "
            f"{self.source})."
        )


def two_stage(
    *, r1: int, n1: int, r: int, n: int, p0: float, p1: float, kind: str = "given"
) -> TwoStage:
    """The two-stage design with these cuts and sizes, and what it attains.

    Asks for 0 <= r1 < n1 < n and r1 <= r < n; raises `InvalidArgument` otherwise.

    >>> design = two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)
    >>> round(design.alpha, 4), round(design.power, 4), round(design.en0, 1)
    (0.0482, 0.8535, 29.7)
    """
    check_hypotheses(p0, p1)
    n = check_patients("n", n, low=2)
    n1 = check_count("n1", n1, low=1, high=n - 1)
    r1 = check_count("r1", r1, high=n1 - 1)
    r = check_count("r", r, high=n - 1)
    if r < r1:
        raise InvalidArgument("r", r, f"at least r1 = {r1}")
    return TwoStage(r1, n1, r, n, p0, p1, kind)
