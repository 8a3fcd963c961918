"""The cumulative hazard without a model: Nelson and Aalen's sum of d / n."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import Flags, Floats, Integers, Numbers, check_between
from onearm.stats.notes import Note, Sides
from onearm.stats.risk import observe, risk_table


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeHazard:
    """Arrays with one item a distinct observed time, ascending; limits on the log scale.

    Before the first event the hazard and its limits are 0 (note `no_event_yet` if none follows).
    """

    time: Floats
    n_risk: Floats | Integers
    n_event: Floats | Integers
    hazard: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    level: float
    method: str = "Nelson-Aalen, variance sum of d / n^2, log limits"
    sides: Sides = "two-sided"
    notes: tuple[Note, ...] = ()


def nelson_aalen(
    time: Numbers,
    event: Flags,
    *,
    entry: Numbers | None = None,
    weights: Numbers | None = None,
    level: float = 0.95,
) -> CumulativeHazard:
    """The cumulative hazard, the sum of d / n, with the variance sum of d / n^2.

    Arguments, units and errors as for `kaplan_meier`.
    Source: Aalen, Annals of Statistics 6:701-726 (1978).

    >>> nelson_aalen([1, 2], [True, True]).hazard.tolist()
    [0.5, 1.5]
    """
    check_between("level", level)
    table = risk_table(observe(time, event, entry=entry, weights=weights))
    hazard: Floats = np.cumsum(table.n_event / table.n_risk, dtype=np.float64)
    std_err = np.sqrt(np.cumsum(table.n_event / np.square(table.n_risk, dtype=np.float64)))
    z = float(scipy.special.ndtri((1 + level) / 2))
    spread = np.exp(z * np.divide(std_err, hazard, out=np.zeros_like(hazard), where=hazard > 0))
    return CumulativeHazard(
        table.time,
        table.n_risk,
        table.n_event,
        hazard,
        std_err,
        hazard / spread,
        hazard * spread,
        float(level),
        notes=() if hazard[-1] > 0 else (Note.NO_EVENT_YET,),
    )
