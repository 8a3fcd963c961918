"""The log-rank test of groups of patients; in a single-arm trial for exploration only."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from onearm.stats.arguments import (
    Flags,
    Floats,
    Integers,
    InvalidArgument,
    Numbers,
)
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import Observations, first_of_each_time, observe


@dataclass(frozen=True, slots=True)
class LogRank:
    """Observed and expected events of each group and the test that all hazards are one.

    ``groups`` are the labels in sorted order. ``statistic``, ``df`` and ``p_value`` are None, with
    a note, where there is no test: one group, no event, or a group never at risk at an event.
    With rho = 1 events are weighted by the pooled S just before them.
    """

    groups: tuple[Hashable, ...]
    n: tuple[int, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    statistic: float | None
    df: int | None
    p_value: float | None
    rho: int
    method: str
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def log_rank(
    time: Numbers,
    event: Flags,
    group: Sequence[Hashable],
    *,
    rho: int = 0,
    strata: Sequence[Hashable] | None = None,
    entry: Numbers | None = None,
) -> LogRank:
    """Compare the survival of groups by O - E with its hypergeometric variance.

    time, event, entry: as for `kaplan_meier`; group, strata: a label a row, none missing;
    rho: 0 for the log-rank test, 1 for Peto and Peto's modification of the Wilcoxon test. Strata
    are summed. Raises `InvalidArgument` as `kaplan_meier` does, for a rho other than 0 and 1, and
    for a missing label.
    Source: Harrington and Fleming, Biometrika 69:553-566 (1982).
    """
    if rho not in (0, 1):
        raise InvalidArgument("rho", rho, "0 or 1")
    observed = observe(time, event, entry=entry)
    groups, codes = label_codes("group", group, observed.time.size)
    strata = [0] * observed.time.size if strata is None else strata
    _, stratum = label_codes("strata", strata, observed.time.size)
    o, e = np.zeros(len(groups)), np.zeros(len(groups))
    variance = np.zeros((len(groups), len(groups)))
    for s in range(int(stratum.max()) + 1):
        parts = _stratum_sums(_rows(observed, stratum == s), codes[stratum == s], len(groups), rho)
        o, e, variance = o + parts[0], e + parts[1], variance + parts[2]
    statistic, notes = _statistic(o - e, variance, e)
    df = None if statistic is None else len(groups) - 1
    return LogRank(
        groups,
        tuple(np.bincount(codes, minlength=len(groups)).tolist()),
        tuple(o.tolist()),
        tuple(e.tolist()),
        statistic,
        df,
        None if statistic is None else float(scipy.special.chdtrc(df, statistic)),
        int(rho),
        "log-rank" if rho == 0 else "Peto-Peto",
        notes=notes,
    )


def label_codes(
    argument: str, labels: Sequence[Hashable], n: int
) -> tuple[tuple[Hashable, ...], Integers]:
    """The distinct labels in sorted order, and for each row the place of its label among them.

    Labels that do not compare with each other are sorted by their text. Raises `InvalidArgument`
    for a wrong number of labels and for a missing one (None or NaN), naming the row.
    """
    values = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    if len(values) != n:
        raise InvalidArgument(argument, f"a list of {len(values)} values", f"a list of {n} values")
    for row, value in enumerate(values):
        if value is None or value != value:
            raise InvalidArgument(f"{argument}[{row}]", value, "a label, not missing")
    distinct = sorted(set(values), key=_label_order)
    place = {label: code for code, label in enumerate(distinct)}
    return tuple(distinct), np.array([place[value] for value in values], dtype=np.int64)


def _label_order(label: Hashable) -> tuple[str, float, str]:
    """Numbers before text, numbers by size, text by letter."""
    if isinstance(label, int | float):
        return "", float(label), ""
    return type(label).__name__, 0.0, str(label)


def _rows(observed: Observations, rows: npt.NDArray[np.bool_]) -> Observations:
    entry = None if observed.entry is None else observed.entry[rows]
    return Observations(observed.time[rows], observed.event[rows], entry)


def event_counts(
    observed: Observations, codes: Integers, n_groups: int
) -> tuple[Floats, Floats, Floats]:
    """Distinct times, and tables (times x groups) of events at and numbers at risk before each."""
    order = np.argsort(observed.time, kind="stable")
    ascending, event, group = observed.time[order], observed.event[order], codes[order]
    starts = first_of_each_time(ascending)
    place = np.repeat(np.arange(starts.size), np.diff(starts, append=ascending.size))
    leaving, events = np.zeros((2, starts.size, n_groups))
    np.add.at(leaving, (place, group), 1.0)
    np.add.at(events, (place, group), event.astype(np.float64))
    at_risk: Floats = np.cumsum(leaving[::-1], axis=0, dtype=np.float64)[::-1]
    time = ascending[starts]
    if observed.entry is not None:
        for g in range(n_groups):
            entries = np.sort(observed.entry[codes == g])
            at_risk[:, g] -= entries.size - np.searchsorted(entries, time, side="left")
    return time, events, at_risk


def _stratum_sums(
    observed: Observations, codes: Integers, n_groups: int, rho: int
) -> tuple[Floats, Floats, Floats]:
    """Weighted observed, expected and covariance of one stratum."""
    _, events, at_risk = event_counts(observed, codes, n_groups)
    d, n = events.sum(axis=1), at_risk.sum(axis=1)
    with_event = d > 0
    events, at_risk, d, n = events[with_event], at_risk[with_event], d[with_event], n[with_event]
    survival_before = np.concatenate(([1.0], np.cumprod(1 - d / n)))[:-1]
    weight = survival_before**rho
    share = at_risk / n[:, None]
    # A single patient at risk adds no variance; n - 1 = 0 must not divide.
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag(spread @ share) - np.einsum("t,ti,tj->ij", spread, share, share)
    return weight @ events, (weight * d) @ share, variance


def _statistic(
    excess: Floats, variance: Floats, expected: Floats
) -> tuple[float | None, tuple[Note, ...]]:
    if expected.sum() == 0:
        return None, (Note.FEW_EVENTS,)
    if excess.size < 2 or (expected == 0).any():
        return None, (Note.N_TOO_SMALL,)
    reduced, left = variance[1:, 1:], excess[1:]
    if np.linalg.matrix_rank(reduced) < left.size:
        return None, (Note.FEW_EVENTS,)
    return float(left @ np.linalg.solve(reduced, left)), (Note.EXPLORATORY,)
