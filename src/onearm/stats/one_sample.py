"""One group against a known hazard: the one-sample log-rank test and the exponential model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import scipy

from onearm.stats.arguments import Flags, Floats, InvalidArgument, Numbers, check_between
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import observe


def weibull_hazard(
    *, survival: float, time: float, shape: float = 1.0
) -> Callable[[Floats], Floats]:
    """The cumulative hazard of the Weibull law with S(``time``) = ``survival``.

    shape 1 is the exponential law; a median m is survival=0.5, time=m.
    Raises `InvalidArgument` for a survival outside (0, 1), a time or shape not above 0.

    >>> hazard = weibull_hazard(survival=0.5, time=3.0)
    >>> round(float(hazard(6.0)), 4)
    1.3863
    """
    check_between("survival", survival)
    check_between("time", time, 0.0, math.inf)
    check_between("shape", shape, 0.0, math.inf)
    scale = -math.log(survival)
    return lambda t: scale * (t / time) ** shape


@dataclass(frozen=True, slots=True)
class OneSampleLogRank:
    """Observed and expected events against a null hazard; large ``z`` favours the drug.

    ``z`` and ``p_value`` use Wu's variance (O + E) / 2, ``z_breslow`` and ``p_value_breslow`` the
    variance E; ``ratio`` is O / E with exact Poisson limits; ``p_value_poisson`` is
    P(Poisson(E) <= O). All are None with a note where nobody was followed (E = 0).
    """

    n: int
    observed: int
    expected: float
    z: float | None
    p_value: float | None
    z_breslow: float | None
    p_value_breslow: float | None
    ratio: float | None
    ratio_lower: float | None
    ratio_upper: float | None
    p_value_poisson: float | None
    level: float
    method: str = "one-sample log-rank, Wu variance"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()


def one_sample_log_rank(
    time: Numbers,
    event: Flags,
    cumulative_hazard: Callable[[Floats], Floats],
    *,
    entry: Numbers | None = None,
    level: float = 0.95,
) -> OneSampleLogRank:
    """Test whether patients live longer than under ``cumulative_hazard`` (see `weibull_hazard`).

    time, event, entry: as for `kaplan_meier`, in the unit of the hazard; entry subtracts the
    hazard up to it. level: two-sided, of the limits of O / E.
    Raises `InvalidArgument` as `kaplan_meier` does.
    Source: Breslow, Biometrics 31:363-382 (1975); Wu, Pharmaceutical Statistics 13:26-33 (2014).

    >>> test = one_sample_log_rank([2, 4], [True, False], weibull_hazard(survival=0.5, time=3))
    >>> round(test.expected, 4)
    1.3863
    """
    check_between("level", level)
    observed = observe(time, event, entry=entry)
    hazards = cumulative_hazard(observed.time)
    if observed.entry is not None:
        hazards = hazards - cumulative_hazard(observed.entry)
    n, o, e = observed.time.size, int(observed.event.sum()), float(hazards.sum())
    if not (math.isfinite(e) and e >= 0):
        raise InvalidArgument("cumulative_hazard", e, "a function whose sum is 0 or more, finite")
    if e == 0:
        return OneSampleLogRank(
            n,
            o,
            e,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            float(level),
            notes=(Note.N_TOO_SMALL,),
        )
    z_wu, z_breslow = (e - o) / math.sqrt((o + e) / 2), (e - o) / math.sqrt(e)
    low, high = poisson_limits(o, level)
    return OneSampleLogRank(
        n,
        o,
        e,
        z_wu,
        float(scipy.special.ndtr(-z_wu)),
        z_breslow,
        float(scipy.special.ndtr(-z_breslow)),
        o / e,
        low / e,
        high / e,
        float(scipy.special.pdtr(o, e)),
        float(level),
    )


def poisson_limits(events: int, level: float) -> tuple[float, float]:
    """Exact two-sided limits for the mean of a Poisson count.

    Source: Garwood, Biometrika 28:437-442 (1936).

    >>> [round(limit, 3) for limit in poisson_limits(0, 0.95)]
    [0.0, 3.689]
    """
    tail = (1 - level) / 2
    lower = 0.0 if events == 0 else float(scipy.special.chdtri(2 * events, 1 - tail)) / 2
    return lower, float(scipy.special.chdtri(2 * events + 2, tail)) / 2


@dataclass(frozen=True, slots=True)
class ExponentialFit:
    """A constant hazard: ``rate`` is events a unit of time, ``median`` is ln 2 / rate.

    ``lower`` and ``upper`` are exact chi-square limits of the median, ``wald_*`` normal limits on
    its log scale. Without events there is a lower exact limit only.
    """

    events: int
    exposure: float
    rate: float
    median: float | None
    lower: float
    upper: float | None
    wald_lower: float | None
    wald_upper: float | None
    level: float
    method: str = "exponential, exact chi-square limits"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def exponential(
    time: Numbers, event: Flags, *, entry: Numbers | None = None, level: float = 0.95
) -> ExponentialFit:
    """Fit a constant hazard by maximum likelihood.

    time, event, entry: as for `kaplan_meier`. Raises `InvalidArgument` as that does, and where
    nobody was followed for any time.
    Source: Epstein and Sobel, JASA 48:486-502 (1953).

    >>> fit = exponential([10.0, 20.0], [True, False])
    >>> fit.rate, round(fit.median, 2)
    (0.03333333333333333, 20.79)
    """
    check_between("level", level)
    observed = observe(time, event, entry=entry)
    start = 0.0 if observed.entry is None else float(observed.entry.sum())
    exposure, d = float(observed.time.sum()) - start, int(observed.event.sum())
    if exposure == 0:
        raise InvalidArgument("time", exposure, "a list with a sum above 0: nobody was followed")
    low, high = poisson_limits(d, level)
    shortest = exposure * math.log(2) / high
    if d == 0:
        notes = (Note.NOT_REACHED, Note.FEW_EVENTS)
        return ExponentialFit(
            0, exposure, 0.0, None, shortest, None, None, None, float(level), notes=notes
        )
    median = exposure * math.log(2) / d
    factor = math.exp(float(scipy.special.ndtri((1 + level) / 2)) / math.sqrt(d))
    return ExponentialFit(
        d,
        exposure,
        d / exposure,
        median,
        shortest,
        exposure * math.log(2) / low,
        median / factor,
        median * factor,
        float(level),
    )
