"""Linear models with a random intercept for each patient: repeated samples of one patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import stdtr, stdtrit

from onearm.stats.arguments import Booleans, Floats, Integers, InvalidArgument

_MOST = 1 - 1e-9
"""Largest share of the variance that may lie between patients."""


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """One item a column of the model; NaN where there are too few samples to tell.

    df: within patients for a column that varies within one, else between them. sd_between: of the
    intercepts; sd_within: of a sample about its patient's line.
    """

    estimate: Floats
    std_err: Floats
    t: Floats
    df: Floats
    p: Floats
    lower: Floats
    upper: Floats
    sd_between: float
    sd_within: float
    n_subjects: int
    n_samples: int


def random_intercept(
    values: Floats, columns: Floats, subject: Integers, *, level: float = 0.95
) -> Mixed:
    """Restricted maximum likelihood of ``values`` on the columns, an intercept a subject.

    values: (samples,), NaN for one left out. columns: (samples, q), the first of which must be the
    constant 1; NaN leaves the sample out. subject: (samples,) numbers. Degrees of freedom are
    samples less subjects less columns that vary within subjects, and subjects less columns that
    do not: the inner and outer rule of Pinheiro and Bates, Mixed-Effects Models in S and S-PLUS
    (2000), section 2.4.2. Agrees with R's ``nlme::lme``.
    Raises `InvalidArgument` where shapes differ or the first column is not constant.
    """
    if columns.ndim != 2 or columns.shape[0] != len(values) or len(subject) != len(values):
        shapes = f"arrays of {len(values)}, {columns.shape} and {len(subject)}"
        raise InvalidArgument("values, columns, subject", shapes, "one row a sample in each")
    if not np.all(columns[:, 0] == 1):
        raise InvalidArgument("columns", "a first column that varies", "the constant 1 first")
    known = np.isfinite(values) & np.isfinite(columns).all(axis=1)
    y, x = values[known], columns[known]
    who = np.unique(subject[known], return_inverse=True)[1]
    size = int(who.max()) + 1 if who.size else 0
    model = _Model(y, x, who, np.bincount(who, minlength=size).astype(np.float64))
    inner = _varies_within(x, who, size)
    df = np.where(inner, y.size - size - inner.sum(), size - (~inner).sum()).astype(np.float64)
    if (df <= 0).any() or np.linalg.matrix_rank(x) < x.shape[1]:
        return _nothing(x.shape[1], size, y.size)
    return model.at(model.best(), df, level)


def _varies_within(x: Floats, who: Integers, size: int) -> Booleans:
    """Whether each column takes more than one value in some subject."""
    low, high = np.full((size, x.shape[1]), np.inf), np.full((size, x.shape[1]), -np.inf)
    np.minimum.at(low, who, x)
    np.maximum.at(high, who, x)
    return np.asarray((high > low).any(axis=0))


def _nothing(q: int, subjects: int, samples: int) -> Mixed:
    none = np.full(q, np.nan)
    nan = float("nan")
    return Mixed(none, none, none, none, none, none, none, nan, nan, subjects, samples)


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Sums over subjects are all that the likelihood needs, whatever the ratio of variances."""

    y: Floats
    x: Floats
    who: Integers
    sizes: Floats

    def _sums(self, column: Floats) -> Floats:
        return np.asarray(
            np.bincount(self.who, weights=column, minlength=self.sizes.size), dtype=np.float64
        )

    def _solved(self, ratio: float) -> tuple[Floats, Floats, float]:
        """Estimates, inverse information for a residual variance of 1, weighted residual sum."""
        shrink = ratio / (1 + self.sizes * ratio)
        sums = np.column_stack([self._sums(column) for column in self.x.T])
        own = self._sums(self.y)
        information = self.x.T @ self.x - sums.T @ (shrink[:, None] * sums)
        beta = np.linalg.solve(information, self.x.T @ self.y - sums.T @ (shrink * own))
        left = self.y - self.x @ beta
        squares = float(left @ left - shrink @ np.square(self._sums(left)))
        return np.asarray(beta), np.asarray(np.linalg.inv(information)), squares

    def _deviance(self, share: float) -> float:
        """Minus twice the restricted log-likelihood, but for a constant."""
        ratio = share / (1 - share)
        _, inverse, squares = self._solved(ratio)
        free = self.y.size - self.x.shape[1]
        if squares <= 0:
            return -np.inf
        return float(
            free * np.log(squares)
            + np.log1p(self.sizes * ratio).sum()
            - np.linalg.slogdet(inverse)[1]
        )

    def best(self) -> float:
        """Variance between over variance within subjects, 0 where that is best."""
        found = minimize_scalar(
            self._deviance, bounds=(0, _MOST), method="bounded", options={"xatol": 1e-11}
        )
        share = float(found.x) if self._deviance(float(found.x)) < self._deviance(0.0) else 0.0
        return share / (1 - share)

    def at(self, ratio: float, df: Floats, level: float) -> Mixed:
        """Estimates and tests at this ratio of variances."""
        beta, inverse, squares = self._solved(ratio)
        variance = max(squares, 0.0) / (self.y.size - self.x.shape[1])
        std_err = np.sqrt(variance * np.diag(inverse))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = beta / std_err
        half = stdtrit(df, (1 + level) / 2) * std_err
        return Mixed(
            beta, std_err, t, df, 2 * np.asarray(stdtr(df, -np.abs(t))), beta - half, beta + half,
            float(np.sqrt(variance * ratio)), float(np.sqrt(variance)),
            self.sizes.size, self.y.size,
        )  # fmt: skip
