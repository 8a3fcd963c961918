"""Two stages that watch response and toxicity together (Bryant and Day)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from onearm.design.arguments import (
    NoDesign,
    check_errors,
    check_hypotheses,
    check_rate,
    check_share,
    size_to_try,
)
from onearm.design.binomial import at_least, mass
from onearm.design.searching import SLACK, Tables
from onearm.stats.arguments import Floats, Integers, InvalidArgument, check_count
from onearm.stats.notes import Note, Sides

SOURCE = "Bryant and Day, Biometrics 51:1372-1383 (1995)"


@dataclass(frozen=True, slots=True)
class Rates:
    """Response rates and rates of acceptable toxicity, uninteresting (0) and wished (1)."""

    response0: float
    response1: float
    safe0: float
    safe1: float


@dataclass(frozen=True, slots=True)
class ResponseToxicity:
    """Go on with more than ``response1`` responses and more than ``safe1`` safe patients of n1.

    Accept with more than ``response`` and ``safe`` of ``n``; a safe patient has no
    dose-limiting event. Exact, with response and toxicity independent: ``alpha_response`` at
    (response0, safe1), ``alpha_toxicity`` at (response1, safe0), ``power`` at (response1, safe1).
    """

    n1: int
    response1: int
    safe1: int
    n: int
    response: int
    safe: int
    rates: Rates
    kind: str = "given"
    alpha_response: float = field(init=False)
    alpha_toxicity: float = field(init=False)
    power: float = field(init=False)
    en01: float = field(init=False)
    en10: float = field(init=False)
    en00: float = field(init=False)
    en11: float = field(init=False)
    method: str = "Bryant-Day two-stage"
    source: str = SOURCE
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = (Note.BINDING_FUTILITY_ASSUMED,)

    def __post_init__(self) -> None:
        q = self.rates
        for name, value in (
            ("alpha_response", self.accept(q.response0, q.safe1)),
            ("alpha_toxicity", self.accept(q.response1, q.safe0)),
            ("power", self.accept(q.response1, q.safe1)),
            ("en01", self.expected_n(q.response0, q.safe1)),
            ("en10", self.expected_n(q.response1, q.safe0)),
            ("en00", self.expected_n(q.response0, q.safe0)),
            ("en11", self.expected_n(q.response1, q.safe1)),
        ):
            object.__setattr__(self, name, value)

    def accept(self, response: float, safe: float, *, odds_ratio: float = 1.0) -> float:
        """P(accept) at these true rates; an odds ratio other than 1 ties the two endpoints.

        ``odds_ratio`` is that of response and safety in one patient; the four cells are then
        enumerated in full.
        """
        check_rate("response", response)
        check_rate("safe", safe)
        if odds_ratio == 1:
            return self._passes(self.response1, self.response, response) * self._passes(
                self.safe1, self.safe, safe
            )
        joint = _add_patients(np.ones((1, 1)), self.n1, _cells(response, safe, odds_ratio))
        joint[: self.response1 + 1, :] = 0
        joint[:, : self.safe1 + 1] = 0
        joint = _add_patients(joint, self.n - self.n1, _cells(response, safe, odds_ratio))
        return float(joint[self.response + 1 :, self.safe + 1 :].sum())

    def expected_n(self, response: float, safe: float) -> float:
        """The expected number of patients at these true rates, the endpoints independent."""
        go_on = at_least(self.response1 + 1, self.n1, check_rate("response", response))
        go_on = go_on * at_least(self.safe1 + 1, self.n1, check_rate("safe", safe))
        return self.n1 + (self.n - self.n1) * float(go_on)

    def _passes(self, first_cut: int, cut: int, p: float) -> float:
        first = np.arange(first_cut + 1, self.n1 + 1)
        later = at_least(cut + 1 - first, self.n - self.n1, p)
        return float((mass(first, self.n1, p) * later).sum())

    def sentence(self) -> str:
        """The design in one paragraph for a protocol."""
        q = self.rates
        return (
            f"In the first stage {self.n1} patients are treated; the trial goes on if more than "
            f"{self.response1} respond and more than {self.safe1} are without unacceptable "
            f"toxicity. After {self.n} patients the treatment is accepted if more than "
            f"{self.response} have responded and more than {self.safe} are without unacceptable "
            f"toxicity. With independent endpoints P(accept) is {self.alpha_response:.4f} at a "
            f"response rate of {q.response0:.1%}, {self.alpha_toxicity:.4f} at a rate of "
            f"acceptable toxicity of {q.safe0:.1%}, and {self.power:.4f} at {q.response1:.1%} "
            f"and {q.safe1:.1%} ({self.method}, {self.kind}; {self.source})."
        )


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
        if len(pair) != 2:
            raise InvalidArgument(name, pair, "two rates: uninteresting and wished")
        check_hypotheses(*pair)
    check_errors(alpha_response, beta, names=("alpha_response", "beta"))
    check_share("alpha_toxicity", alpha_toxicity)
    n_max = check_count("n_max", n_max, low=2)
    rates = Rates(*response, *safe)
    found = list(_improvements(rates, (alpha_response, alpha_toxicity), beta, n_max))
    if not found:
        sizes = [
            size_to_try(*response, alpha_response, beta / 2, n_max),
            size_to_try(*safe, alpha_toxicity, beta / 2, n_max),
        ]
        best = _most_power(rates, (alpha_response, alpha_toxicity), n_max)
        raise NoDesign("design for response and toxicity", n_max, best, max(sizes))
    return ResponseToxicitySearch(
        ResponseToxicity(*found[-1], rates, "optimal"),
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


def _cells(response: float, safe: float, odds_ratio: float) -> tuple[float, float, float, float]:
    """P(both), P(response only), P(safe only), P(neither) in one patient (Plackett)."""
    if not 0 < odds_ratio < math.inf:
        raise InvalidArgument("odds_ratio", odds_ratio, "a number above 0")
    total = 1 + (response + safe) * (odds_ratio - 1)
    root = math.sqrt(total**2 - 4 * odds_ratio * (odds_ratio - 1) * response * safe)
    both = (total - root) / (2 * (odds_ratio - 1))
    return both, response - both, safe - both, 1 - response - safe + both


def _add_patients(joint: Floats, patients: int, cells: tuple[float, float, float, float]) -> Floats:
    """The joint distribution of the two counts after ``patients`` more."""
    both, response, safe, neither = cells
    for _ in range(patients):
        more = np.zeros((joint.shape[0] + 1, joint.shape[1] + 1))
        more[1:, 1:] += both * joint
        more[1:, :-1] += response * joint
        more[:-1, 1:] += safe * joint
        more[:-1, :-1] += neither * joint
        joint = more
    return joint
