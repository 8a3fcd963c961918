"""A running trial against its other counts: a one-stage test, and a boundary looked at often.

Patients come as flags in the order of their first dose, only those who can be judged already.
"""

from __future__ import annotations

from dataclasses import dataclass

from onearm.design.arguments import Prior, check_prior
from onearm.design.binomial import at_least, predictive_at_least
from onearm.design.counting import walk
from onearm.design.onestage import OneStage
from onearm.design.toxicity import ToxicityRule, posterior_above
from onearm.design.watching import Standing, check_flags, counted, still_needed
from onearm.stats.arguments import Flags


@dataclass(frozen=True, slots=True)
class OneStageNow:
    """A one-stage design after ``n`` patients who count, with ``x`` responders among them.

    ``left`` patients are missing; ``more`` responders among them make it promising (0: enough
    already; None: no number of them does). ``power0``, ``power1`` and ``predictive``: as in
    `TwoStageNow`. ``beyond`` patients were judged after the first ``design.n`` and do not count.
    """

    design: OneStage
    standing: Standing
    n: int
    x: int
    left: int
    more: int | None
    beyond: int
    power0: float
    power1: float
    predictive: float | None

    @property
    def is_decided(self) -> bool:
        """Whether all planned patients are judged."""
        return self.standing is not Standing.OPEN

    def sentence(self) -> str:
        """Where the test stands and what would cross it, in words."""
        if self.is_decided:
            verdict = "" if self.standing is Standing.PROMISING else "not "
            return (
                f"{self.x} of {self.n} evaluable patients; {self.design.needs} were needed: "
                f"{verdict}promising."
            )
        start = f"{self.x} of {self.n} evaluable patients so far; "
        if self.more is None:
            return start + f"{self.design.needs} of {self.design.n} can no longer be reached."
        if self.more == 0:
            return start + f"{self.design.needs} of {self.design.n} are reached already."
        return start + (
            f"promising if {self.more} or more of the {self.left} still missing follow "
            f"({self.design.needs} of {self.design.n})."
        )


def one_stage_now(design: OneStage, responded: Flags, *, prior: Prior | None = None) -> OneStageNow:
    """Where a one-stage test of a rate stands; arguments and errors as in `two_stage_now`.

    >>> from onearm.design.onestage import one_stage_design
    >>> now = one_stage_now(one_stage_design(50, 31, p0=0.5, p1=0.7), [True] * 20 + [False] * 10)
    >>> now.standing.value, now.more, now.left
    ('open', 12, 20)
    """
    flags = check_flags("responded", responded)
    n = min(flags.size, design.n)
    x = int(flags[:n].sum())
    left, needed = design.n - n, design.needs - x
    predictive = None
    if prior is not None:
        a, b = check_prior("prior", prior)
        predictive = predictive_at_least(needed, left, a + x, b + n - x)
    done = Standing.PROMISING if x >= design.needs else Standing.NOT_PROMISING
    return OneStageNow(
        design,
        Standing.OPEN if left else done,
        n,
        x,
        left,
        still_needed(x, n, design.n, design.r),
        flags.size - n,
        float(at_least(needed, left, design.p0)),
        float(at_least(needed, left, design.p1)),
        predictive,
    )


@dataclass(frozen=True, slots=True)
class LookNow:
    """One planned look of a boundary: ``events`` of its patients, None while it is to come."""

    patients: int
    stop_at: int | None
    events: int | None

    @property
    def is_crossed(self) -> bool:
        """Whether the events of the look reached its boundary."""
        return self.events is not None and self.stop_at is not None and self.events >= self.stop_at


@dataclass(frozen=True, slots=True)
class EventsNow:
    """A boundary for a count after ``n`` patients with ``events`` among them.

    ``crossed_at``: the first planned look whose boundary was reached, or the next one where the
    events so far reach it already (``is_certain``: nothing that follows can change it); None where
    the boundary holds. ``next_look`` and ``next_stop_at``: the look to come, None after the last;
    ``more``: further events that stop there, None where no number does. ``boundary_now``: the
    boundary for exactly ``n`` patients, for the reader between looks; only looks stop the trial.
    ``posterior``: P(rate > limit | data), None without a prior. ``chance``: P(ever cross from
    here) if the later rate is the limit; 1 once crossed.
    """

    rule: ToxicityRule
    n: int
    events: int
    looks: tuple[LookNow, ...]
    crossed_at: int | None
    is_certain: bool
    next_look: int | None
    next_stop_at: int | None
    more: int | None
    boundary_now: int | None
    posterior: float | None
    chance: float

    @property
    def is_crossed(self) -> bool:
        """Whether the trial stops."""
        return self.crossed_at is not None

    def sentence(self) -> str:
        """Where the boundary stands and what would cross it, in words."""
        if self.crossed_at is not None:
            found = {look.patients: look for look in self.looks}[self.crossed_at]
            seen = self.events if found.events is None else found.events
            of = self.n if found.events is None else found.patients
            when = (
                f"{found.stop_at} stop at {found.patients}, whatever the next patients do"
                if found.events is None
                else f"{found.stop_at} stop"
            )
            return f"{counted(seen, 'event')} in {of} patients; {when}: the boundary is crossed."
        start = f"{counted(self.events, 'event')} in {counted(self.n, 'patient')}; "
        if self.next_look is None:
            return start + "no look is left and the boundary was not crossed."
        if self.more is None:
            return start + self._out_of_reach(self.next_look)
        return start + (
            f"the next look at {self.next_look} stops with {self.next_stop_at}, that is "
            f"{counted(self.more, 'more event', 'more events')} among the next "
            f"{self.next_look - self.n}."
        )

    def _out_of_reach(self, look: int) -> str:
        if self.next_stop_at is None:
            return f"no number of events stops the trial at {look} patients."
        return (
            f"the next look at {look} stops with {self.next_stop_at}, which the "
            f"{counted(look - self.n, 'patient')} still to come cannot reach."
        )


def events_now(rule: ToxicityRule, happened: Flags, *, prior: Prior | None = None) -> EventsNow:
    """Where a boundary for a count stands, from one flag a patient in the order of first dose.

    happened: patients whose time at risk is over, and those who had the event. prior: the Beta
    prior of the rule, for the posterior. Raises `InvalidArgument` for a flag that is no truth
    value.

    >>> from onearm.design.toxicity import bayesian_toxicity
    >>> rule = bayesian_toxicity(limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=(10, 20, 30))
    >>> now = events_now(rule, [True, True] + [False] * 10)
    >>> now.next_look, now.next_stop_at, now.more
    (20, 8, 6)
    """
    flags = check_flags("happened", happened)
    n, events = flags.size, int(flags.sum())
    looks = tuple(
        LookNow(size, stop_at, int(flags[:size].sum()) if size <= n else None)
        for size, stop_at in zip(rule.looks, rule.stop_at, strict=True)
    )
    upcoming = next((look for look in looks if look.events is None), None)
    crossed = next((look.patients for look in looks if look.is_crossed), None)
    stop_at = upcoming.stop_at if upcoming else None
    is_certain = crossed is None and stop_at is not None and events >= stop_at
    if is_certain and upcoming:
        crossed = upcoming.patients
    more = None if stop_at is None or upcoming is None else max(0, stop_at - events)
    if more is not None and upcoming is not None and more > upcoming.patients - n:
        more = None
    return EventsNow(
        rule,
        n,
        events,
        looks,
        crossed_at=crossed,
        is_certain=is_certain,
        next_look=upcoming.patients if upcoming else None,
        next_stop_at=stop_at,
        more=more,
        boundary_now=dict(rule.every_n).get(n),
        posterior=_posterior(rule, n, events, prior),
        chance=1.0 if crossed is not None else _ever(rule, n, events),
    )


def _posterior(rule: ToxicityRule, n: int, events: int, prior: Prior | None) -> float | None:
    if prior is None:
        return None
    return float(posterior_above(rule.limit, events, n, check_prior("prior", prior)))


def _ever(rule: ToxicityRule, n: int, events: int) -> float:
    """P(some later look is crossed) from here on, if the rate is the rule's limit."""
    later = [(size, k) for size, k in zip(rule.looks, rule.stop_at, strict=True) if size > n]
    if not later:
        return 0.0
    sizes = tuple(size - n for size, _ in later)
    bounds = tuple(None if k is None else max(0, k - events) for _, k in later)
    return walk(sizes, (None,) * len(sizes), bounds, rule.limit).stop_high
