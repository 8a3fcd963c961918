"""Gray's test: is the incidence of a cause the same in all groups?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import Floats, Numbers
from onearm.stats.competing import read_causes
from onearm.stats.logrank import event_counts, label_codes
from onearm.stats.notes import Note, Sides


@dataclass(frozen=True, slots=True)
class GrayTest:
    """The test of one cause; None, with a note, for one group or a cause without information."""

    cause: Hashable
    groups: tuple[Hashable, ...]
    statistic: float | None
    df: int | None
    p_value: float | None
    method: str = "Gray"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def gray_test(
    time: Numbers,
    cause: Sequence[Hashable],
    group: Sequence[Hashable],
    *,
    censored: Hashable = 0,
) -> tuple[GrayTest, ...]:
    """Compare the incidence of each cause between groups, one test a cause, in sorted order.

    time, cause, censored: as for `cumulative_incidence`; group: a label a row.
    Raises `InvalidArgument` as that does.
    Source: Gray, Annals of Statistics 16:1141-1154 (1988), rho = 0.
    """
    observed, labels, codes = read_causes(time, cause, censored)
    groups, group_codes = label_codes("group", group, observed.time.size)
    cells = codes * len(groups) + group_codes
    _, events, at_risk = event_counts(observed, cells, (len(labels) + 1) * len(groups))
    shape = (events.shape[0], len(labels) + 1, len(groups))
    events, at_risk = events.reshape(shape), at_risk.reshape(shape).sum(axis=1)
    has_event = events.sum(axis=(1, 2)) > 0
    events, at_risk = events[has_event], at_risk[has_event]
    all_events = events.sum(axis=1)
    return tuple(
        _test(label, groups, events[:, k], all_events - events[:, k], at_risk)
        for k, label in enumerate(labels)
    )


def _test(
    cause: Hashable,
    groups: tuple[Hashable, ...],
    own: Floats,
    other: Floats,
    at_risk: Floats,
) -> GrayTest:
    if len(groups) < 2:
        return GrayTest(cause, groups, None, None, None, notes=(Note.N_TOO_SMALL,))
    score, variance = _score(own, other, at_risk)
    left, reduced = score[:-1], variance[:-1, :-1]
    if np.linalg.matrix_rank(reduced) < left.size:
        return GrayTest(cause, groups, None, None, None, notes=(Note.FEW_EVENTS,))
    statistic = float(left @ np.linalg.solve(reduced, left))
    p_value = float(scipy.special.chdtrc(left.size, statistic))
    return GrayTest(cause, groups, statistic, left.size, p_value, notes=(Note.EXPLORATORY,))


def _score(own: Floats, other: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Gray's score of each group for the cause ``own``, and its covariance.

    own, other, at_risk: (event times, groups). Those who failed from another cause stay in the
    adjusted risk set R = n (1 - F(t-)) / S(t-), thinned as if censoring had gone on.
    """
    n = np.maximum(at_risk, 1e-300)
    is_in = at_risk > 0
    staying: Floats = np.where(is_in, 1 - (own + other) / n, 1.0)
    after: Floats = np.cumprod(staying, axis=0, dtype=np.float64)
    before = _lagged(after, 1.0)
    steps: Floats = np.where(is_in, before * own / n, 0.0)
    incidence = _lagged(np.cumsum(steps, axis=0, dtype=np.float64), 0.0)
    # A group whose curve is at 0 has left for good; its thinned size is 0, not 0 / 0.
    size = np.divide(at_risk, before, out=np.zeros_like(at_risk), where=is_in & (before > 0))
    adjusted = size * (1 - incidence)
    events, total = own.sum(axis=1), size.sum(axis=1)
    score = (own - adjusted * (events / adjusted.sum(axis=1))[:, None]).sum(axis=0)
    pooled: Floats = np.cumsum(events / total, dtype=np.float64)
    free = 1 - _lagged(pooled, 0.0)
    share = size / total[:, None]
    weight = size[:, :, None] * (np.eye(own.shape[1]) - share[:, None, :])
    steps_of_drift = weight * (events / (total * free))[:, None, None]
    drift: Floats = np.cumsum(steps_of_drift, axis=0, dtype=np.float64)
    return score, _covariance(own, other, at_risk, before, after, size, pooled, weight, drift)


def _covariance(
    own: Floats,
    other: Floats,
    n: Floats,
    before: Floats,
    after: Floats,
    size: Floats,
    pooled: Floats,
    weight: Floats,
    drift: Floats,
) -> Floats:
    """The sum over times and groups of the variance of each jump times what it moves.

    An event of the cause in group r at t moves the scores by the weight at t and, through the
    survival of r, by what the drift still adds after t; another cause by the latter only.
    """
    events, total = own.sum(axis=1), size.sum(axis=1)
    still_free = ((1 - pooled)[:, None]) / np.where(after > 0, after, 1.0)
    through_own = np.where(after > 0, 1 - still_free, 1.0)
    through_other = np.where(after > 0, still_free, 0.0)
    to_come = drift[-1] - drift
    expected = np.where(n > 0, before * events[:, None] / (total[:, None] * np.maximum(n, 1)), 0.0)
    in_pool = np.maximum(total[:, None] * before - 1, 1e-300)
    ties_own = np.where(events[:, None] > 1, 1 - (events[:, None] - 1) / in_pool, 1.0)
    ties_other = np.where(other > 1, 1 - (other - 1) / np.maximum(n - 1, 1), 1.0)
    spread_own = expected * ties_own
    spread_other = np.where(n > 0, before**2 * other / np.maximum(n, 1) ** 2, 0.0) * ties_other
    moved_own = weight + through_own[:, None, :] * to_come
    moved_other = through_other[:, None, :] * to_come
    return np.asarray(
        np.einsum("tr,tir,tjr->ij", spread_own, moved_own, moved_own)
        + np.einsum("tr,tir,tjr->ij", spread_other, moved_other, moved_other)
    )


def _lagged(values: Floats, first: float) -> Floats:
    return np.concatenate((np.full_like(values[:1], first), values[:-1]))
