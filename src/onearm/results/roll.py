"""Patients in the order of first dose: who can be judged by the data, and in whom it happened."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from onearm import expr
from onearm.frames import Frames
from onearm.results.select import rows_behind
from onearm.study.design import Sign

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Roll:
    """Subjects of a set in the order of a date of ADSL, those of one day by their id.

    ``judged``: whether the data can tell already; ``happened``: whether it did (response, event).
    """

    subjects: tuple[str, ...]
    dates: tuple[date, ...]
    judged: Booleans
    happened: Booleans

    @property
    def n(self) -> int:
        """Subjects of the set with a date."""
        return len(self.subjects)

    @property
    def counts(self) -> Booleans:
        """In those who can be judged, in order, whether it happened."""
        return self.happened[self.judged]

    def awaited(self, size: int) -> int:
        """Subjects who come before the last of the first ``size`` judged and are not judged yet.

        When they are, they count, and somebody later does not.
        """
        places = np.flatnonzero(self.judged)[:size]
        return int(places[-1] + 1 - places.size) if places.size else 0


def roll(
    members: pl.DataFrame,
    *,
    order: str,
    judged: Collection[str] | None,
    happened: Collection[str],
) -> Roll:
    """The subjects of ``members`` (rows of ADSL) in the order of the date column ``order``.

    Subjects without that date are left out. judged: None for all.
    """
    known = members.filter(pl.col(order).is_not_null()).sort(order, "USUBJID")
    subjects = tuple(known["USUBJID"].to_list())
    has = np.array([s in happened for s in subjects], dtype=np.bool_)
    can = np.array([judged is None or s in judged for s in subjects], dtype=np.bool_)
    return Roll(subjects, tuple(known[order].to_list()), can, has)


def members_of(datasets: Frames, condition: str) -> pl.DataFrame:
    """The rows of ADSL of an analysis set."""
    return datasets["ADSL"].filter(expr.parse(condition).holds())


def with_signs(datasets: Frames, signs: Iterable[Sign]) -> set[str]:
    """The subjects with one of these signs; the data must have what `unread` looks for."""
    return {
        subject
        for sign in signs
        for subject in rows_behind(datasets, sign.in_, sign.when)["USUBJID"].to_list()
    }


def unread(datasets: Frames, signs: Iterable[Sign]) -> list[str]:
    """The datasets and columns that signs read and the data do not have; empty is good news."""
    found: dict[str, None] = {}
    for sign in signs:
        if sign.in_ not in datasets:
            found[sign.in_] = None
            continue
        known = {*datasets[sign.in_].columns, *datasets["ADSL"].columns}
        absent = [c for c in expr.parse(sign.when).columns if c not in known]
        found |= {f"{sign.in_}.{name}": None for name in absent}
    return list(found)
