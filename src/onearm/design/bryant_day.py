"""Two stages that watch response and toxicity together (Bryant and Day)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from onearm.design.arguments import (
    check_rate,
)
from onearm.design.binomial import at_least, mass
from onearm.stats.arguments import Floats, InvalidArgument, check_between
from onearm.stats.notes import Note, Sides

ODDS_RATIOS = (0.25, 4.0)
"""Odds ratios of response and toxicity at which every design is evaluated beside independence."""

SOURCE = "Bryant and Day, Biometrics 51:1372-1383 (1995)"


@dataclass(frozen=True, slots=True)
class Rates:
    """Response rates and rates of acceptable toxicity, uninteresting (0) and wished (1)."""

    response0: float
    response1: float
    safe0: float
    safe1: float


@dataclass(frozen=True, slots=True)
class TiedErrors:
    """P(accept) at the three pairs of rates when response and toxicity are tied in a patient.

    ``odds_ratio`` is that of response and *toxicity*: above 1 responders suffer more of it.
    """

    odds_ratio: float
    alpha_response: float
    alpha_toxicity: float
    power: float


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
    remarks: tuple[str, ...] = ()

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
        return min(1.0, float(joint[self.response + 1 :, self.safe + 1 :].sum()))

    def tied(self, odds_ratio: float) -> TiedErrors:
        """What the design attains when response and toxicity have this odds ratio."""
        check_between("odds_ratio", odds_ratio, 0.0, math.inf)
        q = self.rates
        pairs = ((q.response0, q.safe1), (q.response1, q.safe0), (q.response1, q.safe1))
        # A safe patient is one without toxicity: the odds ratio with safety is the inverse.
        chances = (self.accept(*pair, odds_ratio=1 / odds_ratio) for pair in pairs)
        return TiedErrors(odds_ratio, *chances)

    def expected_n(self, response: float, safe: float) -> float:
        """The expected number of patients at these true rates, the endpoints independent."""
        go_on = at_least(self.response1 + 1, self.n1, check_rate("response", response))
        go_on = go_on * at_least(self.safe1 + 1, self.n1, check_rate("safe", safe))
        return self.n1 + (self.n - self.n1) * float(go_on)

    def _passes(self, first_cut: int, cut: int, p: float) -> float:
        first = np.arange(first_cut + 1, self.n1 + 1)
        later = at_least(cut + 1 - first, self.n - self.n1, p)
        return min(1.0, float((mass(first, self.n1, p) * later).sum()))

    def _range(self) -> str:
        """The three probabilities of `tied` at both odds ratios, each as from - to."""
        both = [self.tied(odds_ratio) for odds_ratio in ODDS_RATIOS]
        pairs = [
            sorted(getattr(one, name) for one in both)
            for name in ("alpha_response", "alpha_toxicity", "power")
        ]
        words = [f"{low:.4f} and {high:.4f}" for low, high in pairs]
        return f"{words[0]}, {words[1]}, and {words[2]}"

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
            f"and {q.safe1:.1%}; if response and toxicity are tied with an odds ratio of 1/4 or "
            f"4, these lie between {self._range()} ({self.method}, {self.kind}; {self.source})."
        )


def _cells(response: float, safe: float, odds_ratio: float) -> tuple[float, float, float, float]:
    """P(both), P(response only), P(safe only), P(neither) in one patient (Plackett)."""
    if not 0 < odds_ratio < math.inf:
        raise InvalidArgument("odds_ratio", odds_ratio, "a number above 0")
    # Beyond a million to one the endpoints are as good as one.
    odds_ratio = min(max(odds_ratio, 1e-6), 1e6)
    total = 1 + (response + safe) * (odds_ratio - 1)
    root = math.sqrt(max(0.0, total**2 - 4 * odds_ratio * (odds_ratio - 1) * response * safe))
    # The smaller root of the quadratic, in the form that loses no digits near an odds ratio of 1.
    both = min(2 * odds_ratio * response * safe / (total + root), response, safe)
    return both, response - both, safe - both, max(0.0, 1 - response - safe + both)


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
