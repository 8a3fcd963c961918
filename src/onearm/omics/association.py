"""How strongly two columns go together: Cramer's V and eta-squared, on one scale from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.stats.arguments import Booleans, Floats

FEW_VALUES = 10
"""A column of whole numbers with at most this many values is taken for categories."""


@dataclass(frozen=True, slots=True)
class Strength:
    """How strongly two columns go together.

    measure: ``Cramer's V``, ``eta-squared`` or ``r-squared``; value: NaN where one of the columns
    does not vary. strength: the value on the scale of V: V itself, or the root of the other two,
    which for two groups and a binary outcome is the same number. by_chance: about what V or the
    root would be without any association, from the number of categories and of subjects.
    """

    measure: str
    value: float
    n: int
    by_chance: float

    @property
    def strength(self) -> float:
        """The value on the scale of Cramer's V."""
        return self.value if self.measure == "Cramer's V" else float(np.sqrt(self.value))


def is_categorical(column: pl.Series) -> bool:
    """Text, booleans, dates, and whole numbers of few values are categories; floats are amounts."""
    if column.dtype.is_integer():
        return column.drop_nulls().n_unique() <= FEW_VALUES
    return not column.dtype.is_float()


def known(column: pl.Series) -> Booleans:
    """Where a column has a value: neither null nor NaN."""
    is_known = column.is_not_null()
    if column.dtype.is_float():
        is_known &= column.is_not_nan().fill_null(value=False)
    return is_known.to_numpy()


def codes(column: pl.Series) -> np.ndarray:
    """The place of each value among the sorted distinct ones; the column has no missing value."""
    return np.unique(column.cast(pl.String).to_numpy(), return_inverse=True)[1]


def cramers_v(a: np.ndarray, b: np.ndarray) -> Strength:
    """Cramer's V of two columns of category codes, without correction for small samples.

    Source: Cramer, Mathematical Methods of Statistics (1946), section 21.9.

    >>> cramers_v(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])).value
    1.0
    """
    n, rows, columns = a.size, np.unique(a).size, np.unique(b).size
    smaller = min(rows, columns) - 1
    if smaller < 1:
        return Strength("Cramer's V", float("nan"), n, float("nan"))
    table = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    np.add.at(table, (a, b), 1)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    gap = np.divide((table - expected) ** 2, expected, out=np.zeros_like(table), where=expected > 0)
    v = np.sqrt(gap.sum() / (n * smaller))
    chance = np.sqrt((rows - 1) * (columns - 1) / ((n - 1) * smaller)) if n > 1 else np.nan
    return Strength("Cramer's V", float(min(v, 1.0)), n, float(min(chance, 1.0)))


def eta_squared(groups: np.ndarray, amounts: Floats) -> Strength:
    """Share of the variance of the amounts that lies between the groups.

    >>> eta_squared(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 3.0, 3.0])).value
    1.0
    """
    n, levels = groups.size, np.unique(groups).size
    total = float(((amounts - amounts.mean()) ** 2).sum()) if n else 0.0
    if levels < 2 or total <= 0:
        return Strength("eta-squared", float("nan"), n, float("nan"))
    size = np.bincount(groups)
    means = np.bincount(groups, weights=amounts) / np.maximum(size, 1)
    between = float((size * (means - amounts.mean()) ** 2).sum())
    chance = float(np.sqrt((levels - 1) / (n - 1)))
    return Strength("eta-squared", min(between / total, 1.0), n, min(chance, 1.0))


def r_squared(a: Floats, b: Floats) -> Strength:
    """Square of the correlation of two amounts."""
    n = a.size
    if n < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Strength("r-squared", float("nan"), n, float("nan"))
    r = float(np.corrcoef(a, b)[0, 1])
    return Strength("r-squared", min(r * r, 1.0), n, float(1 / np.sqrt(n - 1)))


def strength(column: pl.Series, other: pl.Series) -> Strength:
    """The measure that fits the types of two columns, over the subjects that have both."""
    both = pl.Series(known(column) & known(other))
    a, b = column.filter(both), other.filter(both)
    if is_categorical(column) and is_categorical(other):
        return cramers_v(codes(a), codes(b))
    if is_categorical(column):
        return eta_squared(codes(a), b.cast(pl.Float64).to_numpy())
    if is_categorical(other):
        return eta_squared(codes(b), a.cast(pl.Float64).to_numpy())
    return r_squared(a.cast(pl.Float64).to_numpy(), b.cast(pl.Float64).to_numpy())


def design_columns(column: pl.Series) -> Floats:
    """A column as columns of a design: the amount itself, or indicators without the first level."""
    if not is_categorical(column):
        return column.cast(pl.Float64).to_numpy()[:, None]
    level = codes(column)
    others = np.arange(1, int(level.max(initial=0)) + 1)
    return np.asarray(level[:, None] == others[None, :], dtype=np.float64)
