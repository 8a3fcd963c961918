"""The search for Bryant and Day's designs: optimal and minimax for response and toxicity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_hypotheses,
    check_patients,
    check_share,
    near_limit,
    size_to_try,
)
from onearm.design.binomial import at_least
from onearm.design.bryant_day import Rates, ResponseToxicity
from onearm.design.searching import SLACK, Tables
from onearm.stats.arguments import Floats, Integers, InvalidArgument

MOST_SEARCHED = 300
"""The largest ``n_max`` of the search."""


@dataclass(frozen=True, slots=True)
class ResponseToxicitySearch:
    """Optimal: the least max(EN01, EN10). Minimax: the least n, then that."""

    optimal: ResponseToxicity
    minimax: ResponseToxicity
    n_max: int

    def sentence(self) -> str:
        """The optimal design for a protocol."""
        return self.optimal.sentence()


def response_toxicity(
    *,
    response: tuple[float, float],
    safe: tuple[float, float],
    alpha_response: float = 0.1,
    alpha_toxicity: float = 0.1,
    beta: float = 0.1,
    n_max: int = 100,
) -> ResponseToxicitySearch:
    """Bryant and Day's optimal and minimax designs, response and toxicity independent.

    ``response`` and ``safe`` are (uninteresting, wished) rates; ``safe`` is the rate of patients
    with acceptable toxicity. Of several final cuts the one with most power is taken. Raises
    `InvalidArgument`, or `NoDesign` where no n up to ``n_max`` has a design.
    """
    for name, pair in (("response", response), ("safe", safe)):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise InvalidArgument(name, pair, "two rates: uninteresting and wished")
        check_hypotheses(*pair)
    check_errors(alpha_response, beta, names=("alpha_response", "beta"))
    check_share("alpha_toxicity", alpha_toxicity)
    n_max = check_patients("n_max", n_max, low=2, most=MOST_SEARCHED)
    rates = Rates(*response, *safe)
    found = list(_improvements(rates, (alpha_response, alpha_toxicity), beta, n_max))
    if not found:
        sizes = [
            size_to_try(*response, alpha_response, beta / 2, n_max),
            size_to_try(*safe, alpha_toxicity, beta / 2, n_max),
        ]
        best = _most_power(rates, (alpha_response, alpha_toxicity), n_max)
        what = "design for response and toxicity"
        raise NoDesign(what, n_max, best, max(sizes), most=MOST_SEARCHED)
    optimal = ResponseToxicity(*found[-1], rates, "optimal")
    return ResponseToxicitySearch(
        replace(optimal, remarks=near_limit(optimal.n, n_max)),
        ResponseToxicity(*found[0], rates, "minimax"),
        n_max,
    )


@dataclass(frozen=True, slots=True)
class _Single:
    """What one endpoint allows at one (n1, n): cuts, P(pass) at both rates, P(go on)."""

    first: Integers
    cut: Integers
    pass0: Floats
    pass1: Floats
    go0: Floats
    go1: Floats


def _improvements(
    rates: Rates, alphas: tuple[float, float], beta: float, n_max: int
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """The best design of each n that beats every smaller n, from the minimax to the optimal."""
    pairs = ((rates.response0, rates.response1), (rates.safe0, rates.safe1))
    # The other endpoint passes with at most probability 1 and, where there is power, at least
    # 1 - beta: so each endpoint alone needs power 1 - beta and alpha / (1 - beta).
    both = [
        Tables(*pair, min(1.0, alpha / (1 - beta)), beta, n_max)
        for pair, alpha in zip(pairs, alphas, strict=True)
    ]
    limit = np.inf
    for n in range(2, n_max + 1):
        sizes = np.arange(1, n)
        go_on = np.maximum(both[0].go_on[1:n], both[1].go_on[1:n]) * (1 - beta)
        bounds = sizes + (n - sizes) * go_on
        if bounds.min() >= limit:
            return
        if not (both[0].is_possible(n) and both[1].is_possible(n)):
            continue
        best = None
        n1 = sizes[bounds < limit]
        singles = [_singles(tables, n, n1) for tables in both]
        for size in n1:
            here = _best_of(singles[0].get(size), singles[1].get(size), int(size), n, alphas, beta)
            if here is not None and here[0] < limit:
                limit, best = here[0], here[1]
        if best is not None:
            yield best


def _most_power(rates: Rates, alphas: tuple[float, float], n: int) -> float:
    """The most power that ``n`` patients have in one stage with both errors kept."""
    needs = np.arange(n + 2)
    response0, response1, safe0, safe1 = (
        at_least(needs, n, rate)
        for rate in (rates.response0, rates.response1, rates.safe0, rates.safe1)
    )
    good = response0[:, None] * safe1[None, :] <= alphas[0]
    good &= response1[:, None] * safe0[None, :] <= alphas[1]
    return float((response1[:, None] * safe1[None, :])[good].max())


def _singles(tables: Tables, n: int, n1: Integers) -> dict[int, _Single]:
    """For each n1, every pair of cuts of one endpoint that is not ruled out on its own."""
    rows: list[tuple[Integers, Integers, Integers, Floats, Floats]] = []
    for r in range(min(int(tables.most_r[n]), n - 1), -1, -1):
        alphas, powers = tables.reject(n, n1, r)
        alive = alphas[np.arange(n1.size), np.clip(tables.most_r1[n1], 0, r)]
        keep = alive <= tables.alpha + SLACK
        if not keep.any():
            break
        n1, alphas, powers = n1[keep], alphas[keep], powers[keep]
        good = (alphas <= tables.alpha + SLACK) & (powers >= 1 - tables.beta - SLACK)
        good &= np.arange(r + 1)[None, :] < n1[:, None]
        row, col = np.nonzero(good)
        cuts = np.full(row.size, r)
        rows.append((n1[row], col, cuts, alphas[row, col], powers[row, col]))
    if not rows:
        return {}
    sizes, first, cut, pass0, pass1 = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    found = {}
    for size in np.unique(sizes):
        here = sizes == size
        go = first[here] + 1
        found[int(size)] = _Single(
            first[here],
            cut[here],
            pass0[here],
            pass1[here],
            tables.tail0[size, go],
            tables.tail1[size, go],
        )
    return found


def _best_of(
    response: _Single | None,
    safe: _Single | None,
    n1: int,
    n: int,
    alphas: tuple[float, float],
    beta: float,
) -> tuple[float, tuple[int, int, int, int, int, int]] | None:
    """The best design of these sizes: the least max(EN01, EN10), then the most power."""
    if response is None or safe is None:
        return None
    power = response.pass1[:, None] * safe.pass1[None, :]
    good = response.pass0[:, None] * safe.pass1[None, :] <= alphas[0]
    good &= response.pass1[:, None] * safe.pass0[None, :] <= alphas[1]
    good &= power >= 1 - beta
    if not good.any():
        return None
    go_on = np.maximum(
        response.go0[:, None] * safe.go1[None, :], response.go1[:, None] * safe.go0[None, :]
    )
    size = np.where(good, n1 + (n - n1) * go_on, np.inf)
    least = float(size.min())
    place = np.argmax(np.where(size == least, power, -1.0))
    row, col = np.unravel_index(place, size.shape)
    cuts = (response.first[row], safe.first[col], response.cut[row], safe.cut[col])
    first_response, first_safe, last_response, last_safe = (int(cut) for cut in cuts)
    return least, (n1, first_response, first_safe, n, last_response, last_safe)
