"""Which subjects a feature is analysed in: those with the feature, the endpoint and all columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onearm.stats.arguments import Booleans, Floats, Integers, InvalidArgument


def patterns(values: Floats, usable: Booleans) -> Iterator[tuple[Integers, Integers | slice]]:
    """Features grouped by the subjects they are available in: (rows, columns), every column once.

    values: (subjects, features), NaN where missing. usable: (subjects,), False for a subject that
    no feature can use (no endpoint, no covariate). Columns come as one slice where no value is
    missing among the usable rows.
    """
    missing = np.isnan(values)
    rows = np.flatnonzero(usable)
    if not missing[rows].any():
        yield rows, slice(None)
        return
    packed = np.packbits(missing[rows].T, axis=1)
    _, which = np.unique(packed, axis=0, return_inverse=True)
    which = which.ravel()
    order = np.argsort(which, kind="stable")
    for columns in np.split(order, np.flatnonzero(np.diff(which[order])) + 1):
        yield rows[~missing[rows, columns[0]]], columns


def varies(values: Floats) -> Booleans:
    """For each column whether its numbers differ by more than rounding; needs at least one row.

    >>> varies(np.array([[0.1, 1.0], [0.1, 2.0]])).tolist()
    [False, True]
    """
    low, high = values.min(axis=0), values.max(axis=0)
    different: Booleans = high - low > 1e-12 * np.maximum(np.abs(low), np.abs(high))
    return different


def check_values(values: Floats, n: int) -> Floats:
    """A matrix of ``n`` subjects in rows, NaN for missing and nothing infinite."""
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != n:
        shape = f"an array of shape {matrix.shape}"
        raise InvalidArgument("values", shape, f"a matrix of {n} subjects by features")
    infinite = np.isinf(matrix)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        value = float(matrix[row, column])
        raise InvalidArgument(f"values[{row}, {column}]", value, "finite, or NaN where missing")
    return matrix


def check_covariates(covariates: Floats | None, n: int) -> Floats:
    """Covariates as a matrix of ``n`` rows; of no column where there are none."""
    if covariates is None:
        return np.empty((n, 0))
    matrix = np.asarray(covariates, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != n or np.isinf(matrix).any():
        shape = f"an array of shape {matrix.shape}"
        raise InvalidArgument("covariates", shape, f"a finite matrix of {n} rows")
    return matrix


def check_strata(strata: Integers | None, n: int) -> Integers:
    """Stratum numbers 0, 1, ... for ``n`` subjects; one stratum where none are given."""
    if strata is None:
        return np.zeros(n, dtype=np.int64)
    labels = np.asarray(strata)
    if labels.shape != (n,):
        raise InvalidArgument("strata", f"an array of shape {labels.shape}", f"{n} labels")
    numbers: Integers = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return numbers
