"""How often the patient with the higher predictor fails first, and how sure that number is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import Flags, Floats, InvalidArgument, Numbers, as_floats, check_length
from onearm.stats.cox import CoxFit
from onearm.stats.notes import Note
from onearm.stats.risk import Observations, join_near_times, observe

_BLOCK = 512
"""Rows compared with all others at a time, to keep the tables of pairs small."""


@dataclass(frozen=True, slots=True)
class Concordance:
    """(concordant + half tied predictor) / comparable, with the counts of pairs it rests on.

    ``tied_time`` pairs have events at one time and are not comparable; those of them with equal
    predictors as well are ``tied_both``. ``value`` and ``std_err`` are None without a comparable
    pair.
    """

    value: float | None
    std_err: float | None
    concordant: int
    discordant: int
    tied_predictor: int
    tied_time: int
    tied_both: int
    method: str = "concordance, infinitesimal-jackknife standard error"
    notes: tuple[Note, ...] = ()


def concordance(fit: CoxFit) -> Concordance:
    """The concordance of a Cox fit's linear predictor; raises where nothing was fitted."""
    if fit.model is None:
        raise InvalidArgument("fit", [t.reason for t in fit.terms], "a fit with an estimate")
    sets = fit.model.sets
    # Equal rows must tie although their predictors were summed up in floating point.
    predictor = np.round(fit.model.predictor, 10)
    return _concordance(Observations(sets.time, sets.event, sets.entry), predictor)


def concordance_index(
    time: Numbers, event: Flags, predictor: Numbers, *, entry: Numbers | None = None
) -> Concordance:
    """The concordance of any predictor of risk: the higher, the earlier the event.

    time, event, entry: as for `kaplan_meier`; predictor: a finite number a row. A pair is
    comparable if the one who leaves first has the event and the other is at risk then; at equal
    times an event comes before a censoring. Raises `InvalidArgument` as `kaplan_meier` does.
    Source: Harrell et al., JAMA 247:2543-2546 (1982); Therneau and Watson (2015) for the error.

    >>> concordance_index([1, 2, 3], [True, True, False], [2.0, 3.0, 1.0]).value
    0.6666666666666666
    """
    observed = observe(time, event, entry=entry)
    values = as_floats("predictor", predictor)
    check_length("predictor", values, observed.time.size)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InvalidArgument(f"predictor[{row}]", float(values[row]), "a finite number")
    if observed.entry is None:
        observed = Observations(join_near_times(observed.time), observed.event)
    return _concordance(observed, values)


def _concordance(observed: Observations, predictor: Floats) -> Concordance:
    n = observed.time.size
    counts = np.zeros(5, dtype=np.int64)
    score, comparable = np.zeros(n), np.zeros(n)
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        rows = rows[observed.event[rows]]
        first, tied_time = _pairs(observed, rows)
        above = np.sign(predictor[rows][:, None] - predictor[None, :])
        won = np.where(first, (above + 1) / 2, 0.0)
        score += won.sum(axis=0)
        comparable += first.sum(axis=0)
        score[rows] += won.sum(axis=1)
        comparable[rows] += first.sum(axis=1)
        tied = above == 0
        counts += [
            np.count_nonzero(first & (above > 0)),
            np.count_nonzero(first & (above < 0)),
            np.count_nonzero(first & tied),
            np.count_nonzero(tied_time & ~tied),
            np.count_nonzero(tied_time & tied),
        ]
    pairs = comparable.sum() / 2
    concordant, discordant, tied_x, tied_y, tied_both = counts.tolist()
    tallies = (concordant, discordant, tied_x, tied_y // 2, tied_both // 2)
    if pairs == 0:
        return Concordance(None, None, *tallies, notes=(Note.FEW_EVENTS,))
    value = float(score.sum() / 2 / pairs)
    influence = (score - value * comparable) / pairs
    return Concordance(value, math.sqrt(float(influence @ influence)), *tallies)


def _pairs(observed: Observations, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For events in ``rows`` against all: who leaves later and is at risk, who has a tied event."""
    time, event = observed.time, observed.event
    own = time[rows][:, None]
    is_same = time[None, :] == own
    first = (time[None, :] > own) | (is_same & ~event[None, :])
    tied_time = is_same & event[None, :]
    tied_time[np.arange(rows.size), rows] = False
    if observed.entry is not None:
        is_in = observed.entry[None, :] < own
        first &= is_in
        tied_time &= is_in
    return first, tied_time
