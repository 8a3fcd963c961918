"""The kind for an event that another event can prevent: its cumulative incidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from onearm import expr
from onearm.dates import MONTH_DAYS
from onearm.results.cells import SHARE, SUBJECTS, Operations, Record, from_numbers, numbers_of
from onearm.results.estimating import notes
from onearm.results.model import Task, level_text
from onearm.results.timing import Stratum, times
from onearm.stats import Note
from onearm.stats.competing import CumulativeIncidence, cumulative_incidence, incidence_at

INCIDENCE: Operations = {"incidence": SHARE, "incidence_low": SHARE, "incidence_high": SHARE}


def competing(task: Task) -> pl.DataFrame:
    """Cumulative incidence of one event where another one prevents it, at each of ``times``.

    ``success`` is the condition of the event, ``against`` that of the competing event; other rows
    are censored. Operations: n, events, competing, and ``incidence`` with _low and _high by MONTH.
    Source: `onearm.stats.cumulative_incidence`, Aalen and Johansen.
    """
    analysis = task.analysis
    numbers: list[Record] = []
    for stratum in times(task):
        numbers += numbers_of(stratum.record | {"n": stratum.n}, {"n": SUBJECTS})
        causes = np.zeros(stratum.n, dtype=np.int64)
        for code, (name, condition) in enumerate(
            (("events", analysis.success), ("competing", analysis.against)), start=1
        ):
            chosen = stratum.rows.select(expr.parse(condition).holds()).to_series().to_numpy()
            causes[chosen & (causes == 0)] = code
            counted = stratum.part(chosen, condition) | {name: int(chosen.sum())}
            numbers += numbers_of(counted, {name: SUBJECTS})
        has_event = bool((causes == 1).any())
        curves = _curves(task, stratum, causes) if has_event else None
        for month in analysis.times:
            numbers += _incidence(stratum, curves, month)
    return from_numbers(numbers)


def _curves(task: Task, stratum: Stratum, causes: npt.NDArray[np.int64]) -> CumulativeIncidence:
    return cumulative_incidence(stratum.time, causes.tolist(), level=task.analysis.level)


def _incidence(
    stratum: Stratum, curves: CumulativeIncidence | None, month: float
) -> Iterator[Record]:
    here = {f"group{stratum.slot}": "MONTH", f"level{stratum.slot}": level_text(month)}
    if curves is not None:
        found = incidence_at(curves, 1, month * MONTH_DAYS)
        values: Record = {"incidence": found.value, "incidence_low": found.lower}
        values |= {"incidence_high": found.upper, "note": notes(found.notes)}
    elif stratum.n:
        values = {"incidence": 0.0, "note": str(Note.NO_EVENT_YET)}
    else:
        values = {"note": str(Note.N_TOO_SMALL)}
    yield from numbers_of(stratum.record | here | values, INCIDENCE)
