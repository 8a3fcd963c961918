"""The columns of a regression: checked, standardised, and named in every refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from onearm.stats.arguments import (
    Floats,
    InvalidArgument,
    Numbers,
    as_floats,
    check_length,
)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Covariates as they came, (rows, columns), with the mean and the SD that standardise them."""

    names: tuple[str, ...]
    values: Floats
    mean: Floats
    scale: Floats

    @property
    def standardised(self) -> Floats:
        """Each column with mean 0 and SD 1."""
        return (self.values - self.mean) / self.scale


def read_columns(columns: Mapping[str, Numbers], n: int) -> Columns:
    """Check covariates of ``n`` rows and set them side by side.

    Raises `InvalidArgument` naming the column if there is none, a value is missing, a column is
    constant, or a column is a linear combination of those before it.
    """
    if not columns:
        raise InvalidArgument("columns", {}, "at least one column")
    values = np.column_stack([_read_column(name, columns[name], n) for name in columns])
    names, mean = tuple(columns), values.mean(axis=0)
    scale = np.sqrt(np.square(values - mean).sum(axis=0) / max(1, n - 1))
    for name, column, spread in zip(names, values.T, scale, strict=True):
        if spread <= 1e-12 * max(1.0, float(np.abs(column).max())):
            raise InvalidArgument(
                f"columns[{name!r}]", float(column[0]), "a column with at least two values"
            )
    read = Columns(names, values, mean, scale)
    _check_rank(names, read.standardised)
    return read


def _read_column(name: str, values: Numbers, n: int) -> Floats:
    argument = f"columns[{name!r}]"
    column = as_floats(argument, values)
    check_length(argument, column, n)
    missing = np.flatnonzero(~np.isfinite(column))
    if missing.size:
        row = int(missing[0])
        raise InvalidArgument(f"{argument}[{row}]", float(column[row]), "a finite number")
    return column


def _check_rank(names: tuple[str, ...], standardised: Floats) -> None:
    for k in range(1, len(names)):
        before, column = standardised[:, :k], standardised[:, k]
        fitted = before @ np.linalg.lstsq(before, column)[0]
        if np.abs(column - fitted).max() > 1e-9:
            continue
        same = [
            name
            for name, other in zip(names, before.T, strict=False)
            if abs(abs(other @ column) / (column.size - 1) - 1) < 1e-9
        ]
        what = f"a duplicate of {same[0]!r}" if same else f"a combination of {list(names[:k])}"
        raise InvalidArgument(f"columns[{names[k]!r}]", what, "a column of its own")
