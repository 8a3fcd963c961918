"""What to do when a stage of a two-stage design ended with another number of patients."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from onearm.design.arguments import check_patients, check_share
from onearm.design.binomial import at_least, mass
from onearm.design.twostage import TwoStage, two_stage
from onearm.stats.arguments import check_count
from onearm.stats.notes import Note, Sides
from onearm.stats.roots import root_between


@dataclass(frozen=True, slots=True)
class ChangedFirstStage:
    """Two ways on when stage 1 was evaluated with another number of patients; choose openly.

    ``kept`` has the planned cuts at the new sizes, with the errors attained there; ``adjusted``
    has new cuts that keep ``alpha_allowed``, or is None where no cut does.
    """

    planned: TwoStage
    kept: TwoStage
    adjusted: TwoStage | None
    alpha_allowed: float
    method: str = "changed stage sizes"
    source: str = "Lan and DeMets, Biometrika 70:659-663 (1983)"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.STAGE_SIZE_CHANGED, Note.BINDING_FUTILITY_ASSUMED)

    def sentence(self) -> str:
        """Both ways on, with their errors."""
        kept = self.kept
        text = (
            f"Stage 1 had {kept.n1} patients instead of {self.planned.n1}, with {kept.n} in all. "
            f"With the planned cuts ({kept.r1} of {kept.n1}, {kept.r} of {kept.n}) the type I "
            f"error is {kept.alpha:.4f} and the power {kept.power:.4f}; {self.alpha_allowed:.4f} "
            f"is allowed. "
        )
        if self.adjusted is None:
            return text + "No cut at these sizes keeps it."
        new = self.adjusted
        return text + (
            f"Adjusted: stop if {new.r1} or fewer of {new.n1} respond, promising if at least "
            f"{new.needs} of {new.n}; type I error {new.alpha:.4f}, power {new.power:.4f}."
        )


def changed_first_stage(
    design: TwoStage, *, n1: int, n: int | None = None, alpha: float = 0.05
) -> ChangedFirstStage:
    """The planned cuts and adjusted cuts for ``n1`` patients in stage 1 and ``n`` in all.

    First ask whether the decision can use the first planned n1 evaluable patients in order of
    first dose; then nothing changes and this is not needed. Adjusted: r1 with PET(p0) nearest
    the planned one, then the smallest r with attained error <= alpha(n), which is ``alpha`` for
    n at or above the plan, else 2 - 2 Phi(z(1 - alpha/2) / sqrt(n / planned n)).

    >>> plan = TwoStage(3, 14, 14, 44, 0.25, 0.45)
    >>> adjusted = changed_first_stage(plan, n1=11, n=41, alpha=0.1).adjusted
    >>> adjusted.r1, adjusted.r
    (2, 14)
    """
    check_share("alpha", alpha)
    n = check_patients("n", design.n if n is None else n, low=max(design.r + 1, 2))
    n1 = check_count("n1", n1, low=design.r1 + 1, high=n - 1)
    allowed = alpha if n >= design.n else spent_alpha(n / design.n, alpha)
    kept = _resized(design, design.r1, n1, design.r, n)
    r1_all = np.arange(n1)
    stops = at_least(n1 - r1_all, n1, 1 - design.p0)
    r1 = int(np.argmin(np.abs(stops - design.pet0)))
    fits = (_resized(design, r1, n1, r, n) for r in range(r1, n))
    adjusted = next((fit for fit in fits if fit.alpha <= allowed), None)
    return ChangedFirstStage(design, kept, adjusted, allowed)


def spent_alpha(fraction: float, alpha: float) -> float:
    """The Lan-DeMets O'Brien-Fleming-type error spent at an information ``fraction``."""
    return float(2 * ndtr(ndtri(alpha / 2) / math.sqrt(fraction)))


def _resized(design: TwoStage, r1: int, n1: int, r: int, n: int) -> TwoStage:
    new = two_stage(r1=r1, n1=n1, r=r, n=n, p0=design.p0, p1=design.p1, kind="changed sizes")
    return replace(new, notes=(Note.STAGE_SIZE_CHANGED, Note.BINDING_FUTILITY_ASSUMED))


@dataclass(frozen=True, slots=True)
class ChangedSecondStage:
    """The test after ``x2`` responders among ``m2`` second-stage patients instead of n - n1.

    ``conditional_alpha`` is what the plan leaves for stage 2 after ``x1``; ``conditional_p`` is
    compared with it. ``pi`` and ``p_value`` are None where x1 alone decided under the plan: more
    than r (it had succeeded), or too few for stage 2 to succeed. ``needs`` is the fewest x2 that
    reject, None where no count does.
    """

    design: TwoStage
    x1: int
    x2: int
    m2: int
    conditional_alpha: float
    conditional_p: float
    pi: float | None
    p_value: float | None
    needs: int | None
    is_promising: bool
    method: str = "Koyama-Chen, changed second stage"
    source: str = "Koyama and Chen, Statistics in Medicine 27:3145-3154 (2008)"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.STAGE_SIZE_CHANGED, Note.BINDING_FUTILITY_ASSUMED)

    def sentence(self) -> str:
        """The test in one paragraph for a report."""
        shown = "not defined" if self.p_value is None else f"{self.p_value:.4g}"
        return (
            f"After {self.x1} responders of {self.design.n1}, the second stage had {self.m2} "
            f"patients instead of {self.design.n2}, with {self.x2} responders. The conditional "
            f"p-value {self.conditional_p:.4g} is compared with the conditional error "
            f"{self.conditional_alpha:.4g}: the treatment is "
            f"{'' if self.is_promising else 'not '}considered promising (one-sided p = {shown}; "
            f"{self.source})."
        )


def changed_second_stage(design: TwoStage, *, x1: int, x2: int, m2: int) -> ChangedSecondStage:
    """Koyama and Chen's test when stage 2 ended with ``m2`` patients; keeps the plan's error.

    Raises `InvalidArgument` for x1 of r1 or fewer (the trial had stopped) or above n1, x2 above
    m2, or m2 below 1.
    """
    x1 = check_count("x1", x1, low=design.r1 + 1, high=design.n1)
    m2 = check_patients("m2", m2)
    x2 = check_count("x2", x2, high=m2)
    allowed = float(at_least(design.r + 1 - x1, design.n2, design.p0))
    tails = at_least(np.arange(m2 + 1), m2, design.p0)
    rejects = tails <= allowed
    reached = float(tails[x2])
    is_open = 0 < design.r + 1 - x1 <= design.n2
    pi = _matching_rate(design, x1, reached) if is_open else None
    return ChangedSecondStage(
        design,
        x1,
        x2,
        m2,
        conditional_alpha=allowed,
        conditional_p=reached,
        pi=pi,
        p_value=None if pi is None else _p_value(design, pi),
        needs=int(np.argmax(rejects)) if rejects.any() else None,
        is_promising=bool(rejects[x2]),
    )


def _matching_rate(design: TwoStage, x1: int, reached: float) -> float:
    """The rate at which the planned second stage would have been won with ``reached``."""
    needed = design.r + 1 - x1
    return root_between(lambda rate: float(at_least(needed, design.n2, rate)) - reached, 0.0, 1.0)


def _p_value(design: TwoStage, pi: float) -> float:
    first = np.arange(design.r1 + 1, design.n1 + 1)
    chance = mass(first, design.n1, design.p0) * at_least(design.r + 1 - first, design.n2, pi)
    return min(1.0, float(chance.sum()))
