"""What a trial has captured: entries at the data cut, and one wide frame a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from onearm.errors import Finding

KEYS = ("SITEID", "SUBJID", "USUBJID", "VISIT", "VISIT_REPEAT", "ROW")
"""The columns that name a form row; they open every wide frame."""


@dataclass(frozen=True, slots=True)
class Records:
    """Captured values as they stood at the data cut.

    entries: the long frame (SITEID, SUBJID, VISIT, VISIT_REPEAT, FORM, ROW, ITEM, VALUE, REASON).
    forms: by form id one row a form row, ``KEYS`` and one typed column an item: Int64, Float64,
        Date, String (partial dates, times, codes and texts stay text). A value that cannot be read
        as its type is null here and a finding.
    texts: the same rows with every value as it was typed.
    reasons: the same rows with the missing reasons, only for items that have one anywhere.
    border: what was wrong with the entries themselves, found while reading them.
    cut: the last day that counts, or None for everything.
    """

    entries: pl.DataFrame
    forms: Mapping[str, pl.DataFrame]
    texts: Mapping[str, pl.DataFrame]
    reasons: Mapping[str, pl.DataFrame]
    border: tuple[Finding, ...] = ()
    cut: date | None = None

    def reason(self, form: str, item: str) -> pl.Series:
        """Why each row of a form has no value for an item; null where no reason was given."""
        frame = self.reasons[form]
        if item in frame.columns:
            return frame[item]
        return pl.Series(item, [None], dtype=pl.String).new_from_index(0, frame.height)
