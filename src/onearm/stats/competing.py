"""Competing risks: the incidence of each cause (Aalen and Johansen), with limits."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy

from onearm.stats.arguments import (
    Floats,
    Integers,
    InvalidArgument,
    Numbers,
    check_between,
    check_choice,
)
from onearm.stats.logrank import event_counts, label_codes
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import TIME_TOLERANCE, Observations, join_near_times, observe
from onearm.stats.survival import MaskedFloats

Variance: TypeAlias = Literal["aalen", "jackknife"]


@dataclass(frozen=True, slots=True, eq=False)
class CauseIncidence:
    """One cause: arrays with one item a distinct time; limits are masked where incidence is 1."""

    cause: Hashable
    n_event: Floats
    incidence: Floats
    std_err: Floats
    lower: MaskedFloats
    upper: MaskedFloats


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeIncidence:
    """All causes on one time axis; the incidences and ``survival`` (no event of any) sum to 1."""

    time: Floats
    n_risk: Floats
    survival: Floats
    causes: tuple[CauseIncidence, ...]
    n: int
    level: float
    method: str
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()

    def cause(self, label: Hashable) -> CauseIncidence:
        """The curve of one cause; raises `InvalidArgument` for a cause that never happened."""
        for curve in self.causes:
            if curve.cause == label:
                return curve
        seen = ", ".join(repr(curve.cause) for curve in self.causes) or "none: no event was seen"
        raise InvalidArgument("cause", label, f"a cause that was seen ({seen})")


def cumulative_incidence(
    time: Numbers,
    cause: Sequence[Hashable],
    *,
    censored: Hashable = 0,
    level: float = 0.95,
    variance: Variance = "aalen",
) -> CumulativeIncidence:
    """The probability of each cause by each time, the other causes being what they are.

    time: follow-up from time 0; cause: a label a row, ``censored`` where nothing happened. Causes
    tied at one time are counted at that time, in no order. variance: Aalen's (default) or the
    infinitesimal jackknife. Limits are on the log-log scale of 1 - incidence.
    Raises `InvalidArgument` for times as `kaplan_meier` does, and for a missing cause.
    Source: Aalen and Johansen, Scandinavian Journal of Statistics 5:141-150 (1978).

    >>> risks = cumulative_incidence([1, 2, 3, 4], ["death", "PD", 0, "PD"])
    >>> risks.cause("PD").incidence.tolist()
    [0.0, 0.25, 0.25, 0.75]
    """
    check_between("level", level)
    check_choice("variance", variance, ("aalen", "jackknife"))
    observed, labels, codes = read_causes(time, cause, censored)
    times, events, at_risk = event_counts(observed, codes, len(labels) + 1)
    # The last group is the censored rows, in which no event is counted.
    n_risk, events = at_risk.sum(axis=1), events[:, :-1]
    place = np.searchsorted(times, observed.time)
    survival: Floats = np.cumprod(1 - events.sum(axis=1) / n_risk)
    before = np.concatenate(([1.0], survival[:-1]))
    causes = []
    for k, label in enumerate(labels):
        incidence: Floats = np.cumsum(before * events[:, k] / n_risk)
        if variance == "aalen":
            squared = _aalen_variance(n_risk, events, k, survival, incidence)
        else:
            squared = _jackknife_variance(place, codes, n_risk, events, k, survival)
        std_err = np.sqrt(np.maximum(squared, 0.0))
        low, high = _limits(incidence, std_err, level)
        causes.append(CauseIncidence(label, events[:, k], incidence, std_err, low, high))
    name = "Aalen variance" if variance == "aalen" else "infinitesimal-jackknife variance"
    method = f"Aalen-Johansen, {name}, log-log limits"
    notes = () if labels else (Note.NO_EVENT_YET,)
    return CumulativeIncidence(
        times,
        n_risk,
        survival,
        tuple(causes),
        observed.time.size,
        float(level),
        method,
        notes=notes,
    )


def read_causes(
    time: Numbers, cause: Sequence[Hashable], censored: Hashable
) -> tuple[Observations, tuple[Hashable, ...], Integers]:
    """Checked rows, the causes seen in sorted order, and each row's cause (the last: censored)."""
    n = len(cause)
    all_labels, all_codes = label_codes("cause", cause, n)
    labels = tuple(label for label in all_labels if label != censored)
    place = np.array(
        [len(labels) if label == censored else labels.index(label) for label in all_labels],
        dtype=np.int64,
    )
    codes = place[all_codes]
    observed = observe(time, codes < len(labels))
    return Observations(join_near_times(observed.time), observed.event), labels, codes


def _aalen_variance(
    n: Floats, events: Floats, k: int, survival: Floats, incidence: Floats
) -> Floats:
    """Aalen's variance of one incidence, ties as in the hypergeometric law.

    At time u a cause with d events adds S(u-)^2 d (n - d) / (n^2 (n - 1)), times the square of
    what it means for F(t): [cause is k] - (F(t) - F(u)) / S(u). Expanding the square leaves three
    running sums.
    Source: Aalen, Annals of Statistics 6:534-545 (1978).
    """
    before = np.concatenate(([1.0], survival[:-1]))
    left = np.divide(1.0, survival, out=np.zeros_like(survival), where=survival > 0)
    total = np.zeros((3, n.size))
    for j in range(events.shape[1]):
        d = events[:, j]
        ties = np.where(d > 1, (n - d) / np.maximum(n - 1, 1), 1.0)
        spread = before**2 * d * ties / n**2
        if j != k:
            # Where nobody is left, another cause can no longer change this incidence.
            spread = np.where(survival > 0, spread, 0.0)
        constant = (1.0 if j == k else 0.0) + incidence * left
        total += np.stack([spread * constant**2, spread * constant * left, spread * left**2])
    a, b, c = np.cumsum(total, axis=1)
    return np.asarray(a - 2 * incidence * b + incidence**2 * c)


def _jackknife_variance(
    place: Integers,
    codes: Integers,
    n: Floats,
    events: Floats,
    k: int,
    survival: Floats,
) -> Floats:
    """The sum over rows of (dF / d weight of the row)^2, F the incidence of cause ``k``.

    ``place`` is each row's time among the distinct times. The derivative of a row that has left
    is own + F(t) slope; that of every row still at risk is the same. Running sums of own^2,
    own slope and slope^2 give the whole curve at once.
    Source: Jaeckel (1972); Therneau, A package for survival analysis (2023), section 8.
    """
    before = np.concatenate(([1.0], survival[:-1]))
    step = before * events[:, k] / n
    incidence, staying = np.cumsum(step), n - events.sum(axis=1)
    inverse = np.divide(1.0, staying, out=np.zeros_like(n), where=staying > 0)
    greenwood = np.cumsum(events.sum(axis=1) / n * inverse)
    greenwood_before = np.concatenate(([0.0], greenwood[:-1]))
    still = np.cumsum(step * (greenwood_before - 1 / n))
    has_event = codes < events.shape[1]
    slope = greenwood[place] - np.where(has_event, inverse[place], 0.0)
    slope[survival[place] == 0] = 0.0
    own = still[place] + np.where(codes == k, (before / n)[place], 0.0) - incidence[place] * slope
    left = np.cumsum(np.bincount(place, minlength=n.size))
    a, b, c = (
        np.cumsum(np.bincount(place, weights=w, minlength=n.size))
        for w in (own**2, own * slope, slope**2)
    )
    return np.asarray(a + 2 * incidence * b + incidence**2 * c + (place.size - left) * still**2)


def _limits(incidence: Floats, std_err: Floats, level: float) -> tuple[MaskedFloats, MaskedFloats]:
    """Limits on the log-log scale of 1 - incidence; [0, 0] before the first event of the cause."""
    z = float(scipy.special.ndtri((1 + level) / 2))
    rest = 1 - incidence
    is_zero, is_one = incidence == 0, rest <= 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.exp(z * std_err / (rest * np.log(rest)))
        limits = [1 - rest ** (spread**sign) for sign in (1, -1)]
    for limit in limits:
        limit[is_zero] = 0.0
        limit[is_one] = np.nan
    low, high = limits
    return np.ma.MaskedArray(low, mask=is_one), np.ma.MaskedArray(high, mask=is_one)


@dataclass(frozen=True, slots=True)
class IncidenceAt:
    """The incidence of one cause at one time; None beyond follow-up."""

    cause: Hashable
    time: float
    value: float | None
    lower: float | None
    upper: float | None
    std_err: float | None
    level: float
    method: str
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def incidence_at(
    risks: CumulativeIncidence, cause: Hashable, t: float, *, extend: bool = False
) -> IncidenceAt:
    """The incidence of ``cause`` at ``t``, in the unit of the times.

    Past the last observed time the value is None with the note `beyond_follow_up`, unless nobody
    is left without an event or ``extend`` carries the last value on (note `extended`).
    Raises `InvalidArgument` for a negative or missing time or a cause that never happened.
    """
    if not 0 <= t < np.inf:
        raise InvalidArgument("t", t, "a time of 0 or more, not missing and finite")
    curve = risks.cause(cause)
    tolerance = TIME_TOLERANCE * max(1.0, float(risks.time.mean()))
    index = int(np.searchsorted(risks.time, t + tolerance, side="right")) - 1
    is_beyond = t > risks.time[-1] + tolerance and risks.survival[-1] > 0
    known = (risks.level, risks.method)
    if is_beyond and not extend:
        notes: tuple[Note, ...] = (Note.BEYOND_FOLLOW_UP,)
        return IncidenceAt(cause, t, None, None, None, None, *known, notes=notes)
    if index < 0 or curve.incidence[index] == 0:
        return IncidenceAt(cause, t, 0.0, 0.0, 0.0, 0.0, *known, notes=(Note.NO_EVENT_YET,))
    value, std_err = float(curve.incidence[index]), float(curve.std_err[index])
    low, high = (
        curve.lower[index : index + 1].tolist()[0],
        curve.upper[index : index + 1].tolist()[0],
    )
    notes = (Note.EXTENDED,) if is_beyond else ()
    return IncidenceAt(cause, t, value, low, high, std_err, *known, notes=notes)
