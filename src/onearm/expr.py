"""Conditions as SQL expressions: parsed once per study, the same for one row or a million."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl
from polars.exceptions import PolarsError

from onearm.errors import OnearmError

CLOCK = re.compile(r"\b(current_date|current_time|current_timestamp|now|random|rand)\b", re.I)
QUERY = re.compile(r"\bselect\b", re.I)


class BadExpression(OnearmError):
    """An expression that cannot be read, or reads a column that is not there."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed SQL expression: its text, the columns it reads, and the polars expression."""

    text: str
    columns: tuple[str, ...]
    expr: pl.Expr

    def holds(self) -> pl.Expr:
        """The condition as true or false only: unknown (null) counts as not fulfilled."""
        return self.expr.fill_null(value=False)


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Read one SQL expression over the columns of a frame.

    Nulls follow SQL's three-valued logic. The clock and chance are refused, so that the same data
    always give the same answer. Raises ``BadExpression`` with the text and what is wrong with it.
    """
    if not text.strip():
        raise BadExpression("the expression is empty")
    if clock := CLOCK.search(text):
        raise BadExpression(f"'{text}' reads '{clock.group()}': a rule must not read the clock")
    if QUERY.search(text):
        raise BadExpression(f"'{text}': a rule reads one row: SELECT has no place in it")
    try:
        expression = pl.sql_expr(text)
        names = tuple(dict.fromkeys(expression.meta.root_names()))
        # A parse that polars puts off until the data are there (a subquery, say) fails here.
        pl.LazyFrame(schema=dict.fromkeys(names, pl.Null)).select(expression)
    except PolarsError as problem:
        first = str(problem).strip().splitlines()[0]
        raise BadExpression(f"'{text}' is not an SQL expression: {first}") from problem
    return Expression(text, names, expression)


def suggest(name: str, known: Collection[str]) -> str:
    """``did you mean X?`` where a known name is close, else an empty text."""
    close = difflib.get_close_matches(name.upper(), [k.upper() for k in known], n=1, cutoff=0.6)
    spelled = {k.upper(): k for k in known}
    return f"did you mean {spelled[close[0]]}?" if close else ""


def unknown_columns(expression: Expression, known: Collection[str]) -> Sequence[str]:
    """The columns an expression reads that are not among ``known``, in the order of reading."""
    return [name for name in expression.columns if name not in known]
