"""A rule's condition over a frame, with the frame's columns checked first."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from onearm import expr
from onearm.errors import OnearmError


def require(names: Collection[str], columns: Collection[str], *, place: str) -> None:
    """Raise OnearmError for the first name that is not a column: who reads it, what is near.

    ``place`` opens the sentence: "fact PROG, ADRS" reads AVLC, which is not there.
    """
    for name in names:
        if name not in columns:
            hint = expr.suggest(name, columns)
            near = f"; {hint}" if hint else ""
            raise OnearmError(f"{place} reads {name}, which is not there{near}")


def holds(text: str, columns: Collection[str], *, place: str) -> pl.Expr:
    """The condition as true or false, unknown being false; an empty text always holds.

    Raises OnearmError where it reads a column that is not there.
    """
    if not text:
        return pl.lit(value=True)
    parsed = expr.parse(text)
    require(parsed.columns, columns, place=place)
    return parsed.holds()
