"""Estimate, p-value and limits after a two-stage trial, with the design taken into account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb

import numpy as np

from onearm.design.arguments import check_rate
from onearm.design.binomial import at_least, at_most, mass
from onearm.design.twostage import TwoStage
from onearm.stats.arguments import InvalidArgument, check_between, check_count
from onearm.stats.notes import Note, Sides
from onearm.stats.proportion import Proportion, proportion
from onearm.stats.roots import root_between

SOURCE = (
    "Jung and Kim, Statistics in Medicine 23:881-896 (2004); "
    "Koyama and Chen, Statistics in Medicine 27:3145-3154 (2008)"
)


@dataclass(frozen=True, slots=True)
class TwoStageResult:
    """What ``k`` responders say after stage 1 or 2 of a two-stage design.

    ``estimate`` is the unbiased UMVUE; ``median_unbiased`` lies midway between the two median
    solutions and ``median_koyama_chen`` is the one of the two that Koyama and Chen give.
    ``p_value`` is one-sided. ``lower`` and ``upper`` are two-sided limits at ``level``;
    ``upper_koyama_chen`` is shorter and not conservative. ``naive`` ignores the design and says
    so. None where a number does not exist (no responder in stage 1).
    """

    k: int
    stage: int
    n: int
    is_promising: bool
    estimate: float
    p_value: float
    lower: float
    upper: float
    upper_koyama_chen: float | None
    median_unbiased: float
    median_koyama_chen: float | None
    naive: Proportion
    level: float
    method: str = "exact after two stages"
    source: str = SOURCE
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    def sentence(self) -> str:
        """The result in one paragraph for a report."""
        return (
            f"{self.k} of {self.n} patients responded, and the trial ended in stage {self.stage}: "
            f"the treatment is {'' if self.is_promising else 'not '}considered promising "
            f"(one-sided exact p = {self.p_value:.4g}). The unbiased estimate of the response "
            f"rate is {self.estimate:.1%} ({self.level:.0%} limits {self.lower:.1%} to "
            f"{self.upper:.1%}), the two stages taken into account; ignoring them, "
            f"{self.naive.estimate:.1%} ({self.naive.lower:.1%} to {self.naive.upper:.1%})."
        )


def after_two_stages(
    design: TwoStage, k: int, *, stage: int, level: float = 0.95
) -> TwoStageResult:
    """Estimate, exact p-value and limits for ``k`` responders in all, at the end of ``stage``.

    Outcomes are ordered by stage, then by responders. Raises `InvalidArgument` for a stage other
    than 1 and 2, more than r1 responders at an end in stage 1, r1 or fewer at an end in stage 2,
    and more responders than patients.

    >>> design = TwoStage(2, 20, 8, 50, 0.10, 0.25)
    >>> result = after_two_stages(design, 9, stage=2, level=0.90)
    >>> round(result.p_value, 4), round(result.lower, 4), result.is_promising
    (0.0482, 0.1007, True)
    """
    k = _check_outcome(design, k, stage)
    tail = (1 - check_between("level", level)) / 2
    n = design.n1 if stage == 1 else design.n

    def good(p: float) -> float:
        return as_good(design, k, p, stage=stage)

    def bad(p: float) -> float:
        return as_bad(design, k, p, stage=stage)

    low_median = _reach(good, 0.5) if k else None
    return TwoStageResult(
        k,
        stage,
        n,
        is_promising=stage == 2 and k > design.r,
        estimate=umvue(design, k, stage=stage),
        p_value=good(design.p0),
        lower=_reach(good, tail) if k else 0.0,
        upper=1.0 if k == n else _reach(bad, tail),
        upper_koyama_chen=_reach(good, 1 - tail) if k else None,
        median_unbiased=((low_median or 0.0) + (1.0 if k == n else _reach(bad, 0.5))) / 2,
        median_koyama_chen=low_median,
        naive=replace(proportion(k, n, level=level), notes=(Note.DESIGN_IGNORED,)),
        level=float(level),
    )


def as_good(design: TwoStage, k: int, p: float, *, stage: int) -> float:
    """P(an outcome at least as good as ``k`` responders at the end of ``stage``) at ``p``."""
    k, p = _check_outcome(design, k, stage), check_rate("p", p)
    if stage == 1:
        return float(at_least(k, design.n1, p))
    first = np.arange(design.r1 + 1, design.n1 + 1)
    chance = mass(first, design.n1, p) * at_least(k - first, design.n2, p)
    return min(1.0, float(chance.sum()))


def as_bad(design: TwoStage, k: int, p: float, *, stage: int) -> float:
    """P(an outcome at most as good as ``k`` responders at the end of ``stage``) at ``p``."""
    k, p = _check_outcome(design, k, stage), check_rate("p", p)
    if stage == 1:
        return float(at_most(k, design.n1, p))
    first = np.arange(design.r1 + 1, design.n1 + 1)
    chance = mass(first, design.n1, p) * at_most(k - first, design.n2, p)
    return min(1.0, design.stop_early(p) + float(chance.sum()))


def umvue(design: TwoStage, k: int, *, stage: int) -> float:
    """The uniformly minimum-variance unbiased estimate of the response rate.

    In integers: the counts overflow floats near n = 200.
    Source: Jung and Kim, Statistics in Medicine 23:881-896 (2004).

    >>> round(umvue(TwoStage(2, 20, 8, 50, 0.10, 0.25), 9, stage=2), 4)
    0.2045
    """
    k = _check_outcome(design, k, stage)
    n1, n2 = design.n1, design.n2
    if stage == 1:
        return k / n1
    above = below = 0
    for x1 in range(max(design.r1 + 1, k - n2), min(k, n1) + 1):
        rest = comb(n2, k - x1)
        above += comb(n1 - 1, x1 - 1) * rest
        below += comb(n1, x1) * rest
    return float(Fraction(above, below))


def _check_outcome(design: TwoStage, k: int, stage: int) -> int:
    if stage not in (1, 2):
        raise InvalidArgument("stage", stage, "1 or 2")
    if stage == 1:
        return check_count("k", k, high=design.r1)
    return check_count("k", k, low=design.r1 + 1, high=design.n)


def _reach(chance: Callable[[float], float], target: float) -> float:
    """The rate at which a probability that rises or falls with the rate is ``target``."""
    return root_between(lambda p: chance(p) - target, 0.0, 1.0)
