"""A running trial in time: a one-sample log-rank test before its analysis, and events to come."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from onearm.design.arguments import check_time
from onearm.design.timetoevent import LogRankDesign
from onearm.stats.arguments import (
    Flags,
    Floats,
    InvalidArgument,
    Numbers,
    check_between,
    check_count,
)
from onearm.stats.one_sample import OneSampleLogRank, one_sample_log_rank


@dataclass(frozen=True, slots=True)
class LogRankNow:
    """A planned one-sample log-rank test with the follow-up so far.

    ``test``: observed and expected events, Z and limits of O / E now. ``information``: the
    variance (O + E) / 2 now, as a share of what it is at the planned analysis under the
    alternative; at most 1, None without follow-up. ``most_events``: the largest number of observed
    events that would exceed the critical value with today's E; None where none does.
    """

    design: LogRankDesign
    test: OneSampleLogRank
    z: float | None
    information: float | None
    most_events: int | None

    @property
    def exceeds(self) -> bool:
        """Whether Z exceeds the critical value now; a claim only at the planned analysis."""
        return self.z is not None and self.z > self.design.critical

    def sentence(self) -> str:
        """Where the test stands, in words."""
        test = self.test
        if self.z is None or self.information is None:
            return "Nobody has been followed yet: nothing is expected and nothing can be tested."
        least = (
            "no number of events is few enough yet"
            if self.most_events is None
            else f"with that expectation {self.most_events} or fewer would"
        )
        return (
            f"{test.observed} events were observed and {test.expected:.1f} are expected under the "
            f"null (Z = {self.z:.2f}); {least} exceed the critical value "
            f"{self.design.critical:.2f}. {self.information:.0%} of the planned information is "
            f"there."
        )


def log_rank_now(
    design: LogRankDesign,
    time: Numbers,
    event: Flags,
    *,
    variance: str = "wu",
    level: float = 0.95,
) -> LogRankNow:
    """Where a planned one-sample log-rank test stands.

    time, event: as for `kaplan_meier`, in the unit of the design's hypothesis; may be empty.
    variance: ``wu``, (O + E) / 2, or ``breslow``, E. Raises `InvalidArgument` as that does.

    >>> from onearm.design.timetoevent import Accrual, SurvivalHypothesis, log_rank_design_at
    >>> null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
    >>> plan = log_rank_design_at(50, null, Accrual(rate=2.5, follow_up=6.0))
    >>> now = log_rank_now(plan, [3.0] * 10, [True] * 4 + [False] * 6)
    >>> round(now.test.expected, 2), now.most_events
    (6.93, 3)
    """
    if variance not in VARIANCES:
        raise InvalidArgument("variance", variance, "wu or breslow")
    hazard = design.hypothesis.cumulative
    if len(time) == 0:
        return LogRankNow(design, _nobody(level), None, None, None)
    test = one_sample_log_rank(time, event, hazard, level=level)
    o, e = test.observed, test.expected
    z = test.z if variance == "wu" else test.z_breslow
    if z is None:
        return LogRankNow(design, test, None, None, None)
    final = (design.expected_events + design.expected_null) / 2
    share = min(1.0, (o + e) / 2 / final)
    return LogRankNow(design, test, z, share, _most_events(e, design.critical, variance))


VARIANCES = ("wu", "breslow")


def _nobody(level: float) -> OneSampleLogRank:
    """The test of nobody, as of one patient who was not followed for any time."""
    found = one_sample_log_rank([0.0], [False], lambda t: t, level=level)
    return OneSampleLogRank(
        0, 0, 0.0, None, None, None, None, None, None, None, None, found.level, notes=found.notes
    )


def _most_events(expected: float, critical: float, variance: str) -> int | None:
    """The largest O with Z above ``critical``: Z falls as O rises, so walk down from E."""
    for o in range(math.ceil(expected), -1, -1):
        spread = expected if variance == "breslow" else (o + expected) / 2
        if expected - o > critical * math.sqrt(spread):
            return o
    return None


@dataclass(frozen=True, slots=True)
class EventsAhead:
    """Events expected in all at a later time, and the chance that the test is significant then.

    ``null``, ``target`` and ``seen`` say what holds from now on: the null hazard, the target's, or
    that of the events so far (None without an event).
    """

    so_far: int
    ahead: float
    null: Ahead
    target: Ahead
    seen: Ahead | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """Under one hazard: ``events`` expected in all, and ``power``, P(Z exceeds its critical value).

    The power is a normal approximation with exact moments.
    """

    hazard_ratio: float
    events: float
    power: float


@dataclass(frozen=True, slots=True)
class Future:
    """Who is still to be seen: ``at_risk`` patients now, and ``entering`` ones during ``entry``.

    ``ahead``: the time to the analysis; entries are uniform over the first ``entry`` of it.
    """

    at_risk: int
    ahead: float
    entering: int = 0
    entry: float = 0.0


def events_ahead(
    design: LogRankDesign, now: LogRankNow, future: Future, *, exposure: float
) -> EventsAhead:
    """Events and power at the planned analysis, from everybody at risk now or still to enter.

    exposure: summed follow-up so far. Hazards are constant from now on, the null's through its
    point. Raises `InvalidArgument` for times below 0 and entries without a time to enter in.
    Source of the idea of conditional power: Lan and Wittes, Biometrics 44:579-585 (1988).

    >>> from onearm.design.timetoevent import Accrual, SurvivalHypothesis, log_rank_design_at
    >>> null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
    >>> plan = log_rank_design_at(50, null, Accrual(rate=2.5, follow_up=6.0))
    >>> now = log_rank_now(plan, [3.0] * 10, [True] * 4 + [False] * 6)
    >>> ahead = events_ahead(plan, now, Future(at_risk=6, ahead=6.0), exposure=30.0)
    >>> round(ahead.null.events, 2), round(ahead.target.power, 2)
    (8.5, 0.5)
    """
    check_count("at_risk", future.at_risk)
    check_time("ahead", future.ahead)
    if check_count("entering", future.entering):
        check_between("entry", future.entry, 0.0, math.inf)
    null = design.hypothesis
    hazard = -math.log(null.survival) / null.time
    o = now.test.observed
    seen = o / exposure / hazard if o and exposure > 0 else None

    def under(ratio: float) -> Ahead:
        return _ahead(now, future, hazard, ratio)

    return EventsAhead(
        o, future.ahead, under(1.0), under(null.hazard_ratio), None if seen is None else under(seen)
    )


def _ahead(now: LogRankNow, future: Future, hazard: float, ratio: float) -> Ahead:
    """Moments of the events and of the null hazard still to come, and Z by the delta method."""
    weights, limits = _limits(future, hazard)
    if not weights.size:
        power = 1.0 if now.exceeds else 0.0
        return Ahead(ratio, float(now.test.observed), power)
    stay = np.exp(-ratio * limits)
    o, e = 1 - stay, (1 - stay) / ratio
    both = (1 - stay * (1 + ratio * limits)) / ratio  # E(O E); E(E E) is twice it over the ratio
    events = now.test.observed + float(weights @ o)
    expected = now.test.expected + float(weights @ e)
    critical, spread = now.design.critical, math.sqrt((events + expected) / 2)
    # Z > c is E - O - c sqrt((O + E) / 2) > 0; its slopes in E and O at their means.
    slope = critical / (4 * spread)
    var_o, var_e, cov = o - o**2, 2 * both / ratio - e**2, both - o * e
    terms = (1 - slope) ** 2 * var_e + (1 + slope) ** 2 * var_o
    variance = float(weights @ (terms - 2 * (1 - slope) * (1 + slope) * cov))
    distance = expected - events - critical * spread
    power = ndtr(distance / math.sqrt(variance)) if variance > 0 else distance > 0
    return Ahead(ratio, events, float(power))


def _limits(future: Future, hazard: float) -> tuple[Floats, Floats]:
    """The null hazard that each future patient can reach, and for how many patients it stands."""
    weights, limits = [], []
    if future.at_risk and future.ahead > 0:
        weights.append(np.array([float(future.at_risk)]))
        limits.append(np.array([future.ahead]))
    if future.entering:
        entry = future.entry * (_NODES + 1) / 2
        weights.append(future.entering * _WEIGHTS / 2)
        limits.append(np.clip(future.ahead - entry, 0.0, None))
    if not weights:
        return np.empty(0), np.empty(0)
    return np.concatenate(weights), hazard * np.concatenate(limits)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
