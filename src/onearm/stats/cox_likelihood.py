"""The partial likelihood of Cox's model: risk sets laid out once, sums over them for any beta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import Booleans, Floats, Integers
from onearm.stats.risk import Observations, join_near_times


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Rows in ascending order of exit, and for each event where its risk set begins.

    x: (rows, columns); time, event, entry: (rows,). The rest has one item an event, in order of
    time: ``row`` of the event, ``first`` row that leaves no earlier, ``waiting`` the place among
    ``by_entry`` from which rows enter no earlier, ``tie`` the number of its event time, and
    ``share`` of the tied events that has already left (Efron; 0 for Breslow).
    """

    x: Floats
    time: Floats
    event: Booleans
    entry: Floats | None
    by_entry: Integers
    row: Integers
    first: Integers
    waiting: Integers
    tie: Integers
    share: Floats

    @property
    def tie_starts(self) -> Integers:
        """The event at which each event time begins."""
        return np.flatnonzero(np.diff(self.tie, prepend=-1))


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Log-likelihood, and for each event the weighted mean and variance of x in its risk set.

    weight_sum, mean, variance: (events,), (events, columns), (events, columns, columns). Weights
    were divided by exp(``shift``).
    """

    loglik: float
    shift: float
    weight_sum: Floats
    mean: Floats
    variance: Floats


def lay_out(observed: Observations, x: Floats, *, is_efron: bool) -> RiskSets:
    """Sort rows by exit and find the risk set of every event; needs checked observations."""
    time = observed.time if observed.entry is not None else join_near_times(observed.time)
    order = np.argsort(time, kind="stable")
    ascending, event = time[order], observed.event[order]
    row = np.flatnonzero(event)
    event_time = ascending[row]
    _, tie, tie_size = np.unique(event_time, return_inverse=True, return_counts=True)
    rank = np.arange(row.size) - np.searchsorted(event_time, event_time, side="left")
    entry, by_entry = None, np.empty(0, dtype=np.int64)
    waiting = np.zeros(row.size, dtype=np.int64)
    if observed.entry is not None:
        entry = observed.entry[order]
        by_entry = np.argsort(entry, kind="stable")
        waiting = np.searchsorted(entry[by_entry], event_time, side="left")
    return RiskSets(
        x[order],
        ascending,
        event,
        entry,
        by_entry,
        row,
        np.searchsorted(ascending, event_time, side="left"),
        waiting,
        tie,
        rank / tie_size[tie] if is_efron else np.zeros(row.size),
    )


LEAST_SUM = 1e-280
"""The smallest sum of weights that still has all its digits, whatever was added to it."""


def moments(sets: RiskSets, beta: Floats) -> Moments:
    """Sums over the risk set of every event at ``beta``; tied events by Efron or Breslow."""
    eta = sets.x @ beta
    shift = float(eta.max())
    weight = np.exp(eta - shift)
    weighted = weight[:, None] * sets.x
    s0 = risk_set_sums(sets, weight)
    s1 = risk_set_sums(sets, weighted)
    s2 = risk_set_sums(sets, weighted[:, :, None] * sets.x[:, None, :])
    # Far out the weights of a late risk set underflow and their sum has no digits left: such a
    # step goes down, not up.
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s1 / s0[:, None]
        variance = s2 / s0[:, None, None] - mean[:, :, None] * mean[:, None, :]
        gains = eta[sets.row] - shift - np.log(s0)
    loglik = float(gains.sum()) if (s0 > LEAST_SUM).all() else -np.inf
    return Moments(loglik, shift, s0, mean, variance)


def evaluate(sets: RiskSets, beta: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, score and information at ``beta`` under Efron's or Breslow's ties."""
    m = moments(sets, beta)
    score: Floats = sets.x[sets.row].sum(axis=0) - m.mean.sum(axis=0)
    return m.loglik, score, m.variance.sum(axis=0)


def risk_set_sums(sets: RiskSets, values: Floats) -> Floats:
    """The sum of ``values`` (one item a row) over the risk set of every event."""
    sums = _tail_sums(values)[sets.first]
    if sets.entry is not None:
        sums -= _tail_sums(values[sets.by_entry])[sets.waiting]
    if sets.share.any():
        tied = np.add.reduceat(values[sets.row], sets.tie_starts, axis=0)[sets.tie]
        sums -= sets.share.reshape(-1, *([1] * (values.ndim - 1))) * tied
    return sums


def _tail_sums(values: Floats) -> Floats:
    """The sum from each row to the last, and 0 after the last."""
    tails = np.zeros((values.shape[0] + 1, *values.shape[1:]))
    tails[:-1] = np.cumsum(values[::-1], axis=0)[::-1]
    return tails
