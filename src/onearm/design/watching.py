"""A running trial against its two-stage rule: where it stands, what would cross it, and the odds.

Patients come as flags in the order of their first dose, only those who can be judged already. The
first of them, as many as were planned for a look, decide it; who came later never changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from onearm.design.arguments import Prior, check_prior, check_rate
from onearm.design.binomial import at_least, mass, predictive_at_least, predictive_mass
from onearm.design.changed import (
    ChangedFirstStage,
    ChangedSecondStage,
    changed_first_stage,
    changed_second_stage,
)
from onearm.design.twostage import TwoStage
from onearm.stats.arguments import Booleans, Flags, InvalidArgument
from onearm.stats.notes import Note

OVERRUN = 4
"""A look that came late by at most one in so many of its patients is shown with its alternatives.

Farther away it is no overrun of the look: the second stage is on its way.
"""


class Standing(StrEnum):
    """Where the test of a rate stands."""

    OPEN = "open"
    BEFORE_INTERIM = "before_interim"
    STOPPED = "stopped_for_futility"
    SECOND_STAGE = "second_stage"
    PROMISING = "promising"
    NOT_PROMISING = "not_promising"
    ENDED_EARLY = "ended_early"


@dataclass(frozen=True, slots=True)
class TwoStageNow:
    """A two-stage design after ``n`` patients who count, with ``x`` responders among them.

    ``stage`` is the stage that is on or in which the trial ended; ``look`` the number of patients
    at the next look, or at the one that decided; ``left`` patients are missing to it, and ``more``
    responders among them pass it (0: passed already, whatever comes; None: no number of them
    does). ``x1`` are the responders of the first stage, None before its end. ``beyond`` patients
    were judged after the look that ended the trial; they and their ``beyond_responders`` do not
    count.

    ``power0``, ``power1``: P(promising in the end) if the later rate is p0, p1; ``predictive``:
    the same averaged over the posterior; ``stop1``, ``stop_predictive``: P(stop at the interim),
    None once it is past. All obey the futility stop, with one exception: after it they tell what
    stopping gives up, as if the trial went on (note `binding_futility_assumed`).

    ``other_look``: what the rule would be had the interim used all ``n`` patients; None unless it
    came late. ``other_end``: Koyama and Chen's test with all patients of another second stage.
    """

    design: TwoStage
    standing: Standing
    stage: int
    n: int
    x: int
    x1: int | None
    look: int
    left: int
    more: int | None
    beyond: int
    beyond_responders: int
    power0: float
    power1: float
    predictive: float | None
    stop1: float | None
    stop_predictive: float | None
    other_look: ChangedFirstStage | None
    other_end: ChangedSecondStage | None
    notes: tuple[Note, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether the rule has come to its end: a stop, or all planned patients."""
        return self.standing not in (Standing.BEFORE_INTERIM, Standing.SECOND_STAGE)

    def sentence(self) -> str:
        """Where the rule stands and what would cross it, in words."""
        return _SENTENCES[self.standing](self)


def two_stage_now(
    design: TwoStage,
    responded: Flags,
    *,
    prior: Prior | None = None,
    is_closed: bool = False,
    alpha: float = 0.05,
) -> TwoStageNow:
    """Where a two-stage design stands, from the responses of those who can be judged.

    responded: one flag a patient in the order of first dose. prior: Beta prior of the predictive
    probability (None: not computed). is_closed: no further patient will come, so that a second
    stage of another size is the last word (Koyama-Chen). alpha: the error that `other_look` keeps.
    The first n1 flags decide the interim and the first n the end: a look that was not planned for
    efficacy never rejects early. Raises `InvalidArgument` for a flag that is no truth value.

    >>> design = TwoStage(2, 20, 8, 50, 0.10, 0.25)
    >>> now = two_stage_now(design, [True] * 2 + [False] * 18, prior=(0.1, 0.9))
    >>> now.standing.value, round(now.power1, 2), round(now.predictive, 3)
    ('stopped_for_futility', 0.65, 0.096)
    """
    flags = check_flags("responded", responded)
    seen = flags.size
    x1 = int(flags[: design.n1].sum()) if seen >= design.n1 else None
    stage = 1 if x1 is None or x1 <= design.r1 else 2
    n = min(seen, design.n1 if stage == 1 else design.n)
    x = int(flags[:n].sum())
    look, cut = (design.n1, design.r1) if stage == 1 else (design.n, design.r)
    standing = _standing(design, stage, n, x, is_closed=is_closed)
    chances = _chances(design, n, x, stage=stage)
    predicted = None if prior is None else _predicted(design, n, x, stage, prior)
    open_interim = standing is Standing.BEFORE_INTERIM
    other_end = None
    if stage == 2 and (seen > design.n or (is_closed and design.n1 < seen < design.n)):
        x2 = int(flags[design.n1 :].sum())
        other_end = changed_second_stage(design, x1=x1 or 0, x2=x2, m2=seen - design.n1)
    late = seen - design.n1
    is_late = 0 < late <= design.n1 // OVERRUN and seen < design.n
    changed = other_end is not None or standing is Standing.ENDED_EARLY
    return TwoStageNow(
        design,
        standing,
        stage,
        n,
        x,
        x1,
        look,
        left=look - n,
        more=still_needed(x, n, look, cut),
        beyond=seen - n,
        beyond_responders=int(flags[n:].sum()),
        power0=chances[0],
        power1=chances[1],
        predictive=None if predicted is None else predicted[0],
        stop1=_stop(design, n, x, design.p1) if open_interim else None,
        stop_predictive=predicted[1] if predicted and open_interim else None,
        other_look=changed_first_stage(design, n1=seen, alpha=alpha) if is_late else None,
        other_end=other_end,
        notes=(Note.BINDING_FUTILITY_ASSUMED, *([Note.STAGE_SIZE_CHANGED] if changed else [])),
    )


def _standing(design: TwoStage, stage: int, n: int, x: int, *, is_closed: bool) -> Standing:
    if stage == 1 and n == design.n1:
        return Standing.STOPPED
    if stage == 2 and n == design.n:
        return Standing.PROMISING if x > design.r else Standing.NOT_PROMISING
    if is_closed:
        return Standing.ENDED_EARLY
    return Standing.BEFORE_INTERIM if stage == 1 else Standing.SECOND_STAGE


def still_needed(x: int, n: int, look: int, cut: int) -> int | None:
    """Responders still needed to pass the look; None where those left are too few."""
    needed = max(0, cut + 1 - x)
    return needed if needed <= look - n else None


def _chances(design: TwoStage, n: int, x: int, *, stage: int) -> tuple[float, float]:
    return _promising(design, n, x, design.p0, stage), _promising(design, n, x, design.p1, stage)


def _promising(design: TwoStage, n: int, x: int, p: float, stage: int) -> float:
    """P(promising in the end | x of n so far) at the later rate ``p``, the stop obeyed."""
    p = check_rate("p", p)
    needed = design.r + 1 - x
    if stage == 2 or n == design.n1:
        return float(at_least(needed, design.n - n, p))
    left = design.n1 - n
    more = np.arange(max(0, design.r1 + 1 - x), left + 1)
    chance = mass(more, left, p) * at_least(needed - more, design.n2, p)
    return min(1.0, float(chance.sum()))


def _stop(design: TwoStage, n: int, x: int, p: float) -> float:
    """P(r1 responders or fewer at the interim | x of n so far) at the later rate ``p``."""
    more = np.arange(max(0, design.r1 - x + 1))
    return min(1.0, float(mass(more, design.n1 - n, p).sum())) if x <= design.r1 else 0.0


def _predicted(
    design: TwoStage, n: int, x: int, stage: int, prior: Prior
) -> tuple[float, float | None]:
    """Predictive P(promising) and P(stop at the interim), over the posterior of Beta ``prior``."""
    a, b = check_prior("prior", prior)
    a, b = a + x, b + n - x
    needed = design.r + 1 - x
    if stage == 2 or n == design.n1:
        return predictive_at_least(needed, design.n - n, a, b), None
    left = design.n1 - n
    more = np.arange(left + 1)
    chances = predictive_mass(more, left, a, b)
    passes = more > design.r1 - x
    success = sum(
        float(chance)
        * predictive_at_least(needed - int(k), design.n2, a + int(k), b + left - int(k))
        for k, chance in zip(more[passes], chances[passes], strict=True)
    )
    return min(1.0, success), min(1.0, float(chances[~passes].sum()))


def check_flags(name: str, values: Flags) -> Booleans:
    """One truth value a patient; 0 and 1 count as such. Raises `InvalidArgument` otherwise."""
    flags = np.asarray(values)
    if flags.ndim != 1 or not (flags.size == 0 or np.isin(flags, (0, 1)).all()):
        raise InvalidArgument(name, values, "one truth value a patient, none missing")
    given: Booleans = flags.astype(np.bool_)
    return given


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun: ``1 patient``, ``2 patients``."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def _before_interim(now: TwoStageNow) -> str:
    design = now.design
    start = f"{now.x} of {now.n} evaluable patients have responded; the interim needs {now.look}. "
    if now.more == 0:
        return start + f"It will be passed whatever the next {now.left} do."
    if now.more is None:
        return start + f"Even if all of the next {now.left} respond, the trial stops for futility."
    few = "none" if now.more == 1 else f"fewer than {now.more}"
    return start + (
        f"The trial stops for futility if {few} of the next {now.left} respond "
        f"({design.r1} or fewer of {design.n1}); the chance of that is {now.stop1:.3f} at a rate "
        f"of {design.p1:.0%}."
    )


def _stopped(now: TwoStageNow) -> str:
    text = (
        f"{now.x} of the first {now.look} evaluable patients responded: the trial stops for "
        f"futility. Going on would give up the type I error ({now.design.alpha_non_binding:.4f} "
        f"with {now.design.needs} of {now.design.n}); the power given up by stopping is "
        f"{now.power1:.3f} at a rate of {now.design.p1:.0%}."
    )
    if now.beyond:
        text += f" {counted(now.beyond, 'patient')} judged later cannot change this."
    return text


def _second_stage(now: TwoStageNow) -> str:
    start = (
        f"The interim was passed with {now.x1} of {now.design.n1}. {now.x} of {now.n} evaluable "
        f"patients have responded so far; "
    )
    if now.more == 0:
        return start + (
            f"{now.design.needs} of {now.look} are reached already, and the claim waits for the "
            f"planned analysis of {now.look}."
        )
    if now.more is None:
        return start + (
            f"{now.design.needs} of {now.look} can no longer be reached with {now.left} left."
        )
    return start + (
        f"promising if {now.more} or more of the {now.left} still missing respond "
        f"({now.design.needs} of {now.look})."
    )


def _ended(now: TwoStageNow) -> str:
    verdict = "" if now.standing is Standing.PROMISING else "not "
    text = (
        f"{now.x} of {now.n} evaluable patients responded; {now.design.needs} were needed: the "
        f"treatment is {verdict}considered promising."
    )
    if now.beyond:
        text += f" {counted(now.beyond, 'patient')} judged after the first {now.n} do not count."
    return text


def _ended_early(now: TwoStageNow) -> str:
    if now.other_end is None:
        return (
            f"Enrolment ended with {now.n} evaluable patients, before the look at {now.look}: the "
            f"rule says nothing, and {now.x} responders are described only."
        )
    return f"Enrolment ended with {now.n} evaluable patients. {now.other_end.sentence()}"


_SENTENCES = {
    Standing.BEFORE_INTERIM: _before_interim,
    Standing.STOPPED: _stopped,
    Standing.SECOND_STAGE: _second_stage,
    Standing.PROMISING: _ended,
    Standing.NOT_PROMISING: _ended,
    Standing.ENDED_EARLY: _ended_early,
}
