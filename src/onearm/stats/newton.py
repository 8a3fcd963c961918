"""Newton's method for a concave log-likelihood, with an eye on coefficients that run away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from onearm.stats.arguments import Booleans, Floats

Likelihood: TypeAlias = Callable[[Floats], tuple[float, Floats, Floats]]
"""From beta to log-likelihood, score and information."""

FAR = 15.0
"""A coefficient beyond this on a standardised column, with nothing lost, counts as infinite."""


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where a log-likelihood is largest, and what it was at 0.

    ``is_infinite`` marks coefficients without a finite estimate; ``beta`` is far out there.
    """

    beta: Floats
    loglik: float
    information: Floats
    is_infinite: Booleans
    loglik_null: float
    score_null: Floats
    information_null: Floats


FLAT = 1e-6
"""Information below this about a coefficient beyond `FAR`: no value there beats another."""


def maximise(likelihood: Likelihood, columns: int) -> Maximum:
    """Climb from 0 until the gain is below 1e-11 of the log-likelihood and the step is tiny.

    Needs standardised columns and an information at 0 of full rank.
    """
    beta = np.zeros(columns)
    loglik_null, score_null, information_null = likelihood(beta)
    loglik, score, information = loglik_null, score_null, information_null
    is_infinite = np.zeros(columns, dtype=np.bool_)
    for _ in range(200):
        step = np.where(is_infinite, 0.0, _step(score, information, ~is_infinite))
        step, reached = _halve(likelihood, beta, loglik, step)
        gain = reached[0] - loglik
        beta = beta + step
        loglik, score, information = reached
        length = float(np.abs(step).max())
        if gain <= 1e-11 * max(1.0, abs(loglik)) and length <= 1e-7 * max(1.0, np.abs(beta).max()):
            break
        if gain < 1e-6 and length > 1e-2:
            running = np.abs(step) > 0.1 * length
            far = _far_out(beta, step, running)
            if likelihood(far)[0] >= loglik - 1e-9:
                is_infinite |= running
                beta = far
                loglik, score, information = likelihood(beta)
    # A step that is cut where weights underflow ends on a likelihood that has long gone flat.
    is_infinite |= (np.abs(beta) > FAR) & (np.diag(information) < FLAT)
    return Maximum(
        beta, loglik, information, is_infinite, loglik_null, score_null, information_null
    )


def inverse_of(information: Floats, is_finite: Booleans) -> Floats:
    """The covariance of the finite coefficients; 0 in the rows and columns of the others."""
    covariance = np.zeros_like(information)
    if is_finite.any():
        block = np.ix_(is_finite, is_finite)
        covariance[block] = np.linalg.inv(information[block])
    return covariance


def _step(score: Floats, information: Floats, is_finite: Booleans) -> Floats:
    return inverse_of(information, is_finite) @ score


def _far_out(beta: Floats, step: Floats, running: Booleans) -> Floats:
    """The point on the way of ``step`` at which every running coefficient is beyond `FAR`."""
    needed = (FAR + 1 + np.abs(beta[running])) / np.abs(step[running])
    return beta + step * float(needed.max())


def _halve(
    likelihood: Likelihood, beta: Floats, loglik: float, step: Floats
) -> tuple[Floats, tuple[float, Floats, Floats]]:
    """The step, halved until it does not go down; a step of 0 where rounding hides the way up."""
    for _ in range(40):
        reached = likelihood(beta + step)
        if reached[0] >= loglik - 1e-13 * max(1.0, abs(loglik)):
            return step, reached
        step = step / 2
    return np.zeros_like(step), likelihood(beta)
