"""The search for the smallest predictive probability design that keeps both errors."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, gammaln

from onearm.design.arguments import (
    NoDesign,
    Prior,
    check_errors,
    check_hypotheses,
    check_patients,
    check_prior,
    size_to_try,
)
from onearm.design.binomial import at_least
from onearm.design.counting import walk
from onearm.design.predictive import Looks, PredictiveDesign, bounds_at, check_theta_u, whole
from onearm.design.searching import SLACK, Tables
from onearm.design.toxicity import posterior_above
from onearm.stats.arguments import Floats, check_count

MOST_SEARCHED = 200
"""The largest ``n_max`` of the search."""


def predictive_search(
    *,
    p0: float,
    p1: float,
    prior: Prior,
    alpha: float = 0.05,
    beta: float = 0.2,
    first_look: int = 10,
    step: int = 1,
    theta_u: float = 1.0,
    n_max: int = 100,
) -> PredictiveDesign:
    """The smallest n for which some (theta_l, theta_t) keeps both errors; then the least EN(p0).

    For each count that can be asked for at the end, theta_l is the largest predictive probability
    that occurs and keeps the power: a higher one saves more patients. Looks: every ``step`` from
    ``first_look``, and n. ``theta_u`` below 1 asks for stops for efficacy where the predictive
    probability exceeds it. Raises `NoDesign` where no n up to ``n_max`` has one.
    """
    check_hypotheses(p0, p1)
    check_errors(alpha, beta)
    prior = check_prior("prior", prior)
    check_theta_u(theta_u)
    first_look = check_patients("first_look", first_look, most=MOST_SEARCHED - 1)
    step = check_count("step", step, low=1)
    n_max = check_patients("n_max", n_max, low=first_look + 1, most=MOST_SEARCHED)
    tables = Tables(p0, p1, alpha, beta, n_max)
    best_power = 0.0
    for n in range(first_look + 1, n_max + 1):
        tails = at_least(np.arange(n + 2), n, p0)
        best_power = max(best_power, float(at_least(int(np.argmax(tails <= alpha)), n, p1)))
        if not tables.is_possible(n):
            continue
        search = _Search(Looks((*range(first_look, n, step), n), p0, p1, prior), theta_u)
        found = []
        for needs in range(1, n + 1):
            if theta_u == 1 and not _is_hopeful(tables, n, needs):
                continue
            design = search.most_saving(needs, 1 - beta)
            if design is None:
                # Not even without a stop for futility: more responders have less power still.
                break
            if design.alpha <= alpha:
                found.append(design)
        if found:
            return min(found, key=lambda design: design.en0)
    to_try = size_to_try(p0, p1, alpha, beta, n_max)
    raise NoDesign("predictive probability design", n_max, best_power, to_try, most=MOST_SEARCHED)


def _is_hopeful(tables: Tables, n: int, needs: int) -> bool:
    """Whether stops for futility can bring ``needs`` of n under both errors.

    They take power and error away together. By Neyman and Pearson most error goes for the power
    that can be spared where the fewest responders are taken away first.
    """
    spare = float(tables.tail1[n, needs]) - (1 - tables.beta) + SLACK
    if spare < 0:
        return False
    excess = float(tables.tail0[n, needs])
    for k in range(needs, n + 1):
        share = min(1.0, spare / max(float(tables.mass1[n, k]), 1e-300))
        excess -= share * float(tables.mass0[n, k])
        spare -= float(tables.mass1[n, k])
        if spare <= 0:
            break
    return excess <= tables.alpha + SLACK


class _Search:
    """The looks of one n, with the predictive probabilities of every count to ask for."""

    def __init__(self, looks: Looks, theta_u: float) -> None:
        self.looks, self.theta_u = looks, theta_u
        self.tails = [predictive_tails(m, looks.n, looks.prior) for m in looks.sizes]

    def most_saving(self, needs: int, power: float) -> PredictiveDesign | None:
        """The design with the largest threshold for futility that keeps ``power``."""
        looks = self.looks
        chances = tuple(tail[:, needs] for tail in self.tails)
        thresholds = np.unique(np.concatenate(chances[:-1]))
        thresholds = thresholds[(thresholds > 0) & (thresholds < self.theta_u)]
        first, last = -1, thresholds.size
        while last - first > 1:
            middle = (first + last) // 2
            low, high = bounds_at(chances, needs, float(thresholds[middle]), self.theta_u)
            is_kept = walk(looks.sizes, low, high, looks.p1).stop_high >= power
            first, last = (middle, last) if is_kept else (first, middle)
        if first < 0:
            return None
        theta_t = float(posterior_above(looks.p0, np.array([needs - 1]), looks.n, looks.prior)[0])
        thetas = (float(thresholds[first]), theta_t, self.theta_u)
        return whole(looks, chances, needs, thetas)


def predictive_tails(m: int, n: int, prior: Prior) -> Floats:
    """P(at least s responders of n | x of m), one row an x = 0..m, one column an s = 0..n+1."""
    a, b = prior
    x, s = np.arange(m + 1)[:, None], np.arange(n + 1)[None, :]
    more = s - x
    is_inside = (more >= 0) & (more <= n - m)
    count = np.where(is_inside, more, 0)
    ways = gammaln(n - m + 1.0) - gammaln(count + 1.0) - gammaln(n - m - count + 1.0)
    masses = np.exp(ways + betaln(a + x + count, b + n - x - count) - betaln(a + x, b + m - x))
    masses = np.where(is_inside, masses, 0.0)
    tails = np.zeros((m + 1, n + 2))
    tails[:, :-1] = np.minimum(np.cumsum(masses[:, ::-1], axis=1)[:, ::-1], 1.0)
    tails[:, :-1][s <= x] = 1.0
    return tails
