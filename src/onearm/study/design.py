"""The design of the trial (``design.yaml``): hypotheses, cuts, looks, stopping rules, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from onearm.study.hypotheses import RateTest, SurvivalTest
from onearm.study.text import Part, Text, Words

__all__ = [
    "BetaPrior",
    "Enrolment",
    "Interim",
    "Multiplicity",
    "RateTest",
    "SafetyRule",
    "Sign",
    "SurvivalTest",
    "TrialDesign",
]

NONE = Text(en="")
Keys = tuple[str | int, ...]


class BetaPrior(Part):
    """A Beta(a, b) prior of a rate, worth a + b patients."""

    a: float = Field(gt=0)
    b: float = Field(gt=0)

    @property
    def pair(self) -> tuple[float, float]:
        """The prior as the functions of ``onearm.design`` take it."""
        return (self.a, self.b)


class Sign(Part):
    """Rows of a dataset that show something of their subject: an SQL condition over ``in``.

    Columns of ADSL may be read beside those of any other dataset. A subject with one row or more
    that meets the condition has the sign; unknown counts as not met.
    """

    in_: str = Field(alias="in")
    when: str


class Multiplicity(Part):
    """Which rule says what may be claimed of several outcomes, and in which order they are tested.

    ``order``: ids of outcomes that this file tests. ``alpha``: the one-sided family error.
    ``descriptive``: no claim; every estimate is printed as descriptive.
    """

    method: Literal["fixed_sequence", "holm", "bonferroni", "all_must_win", "descriptive"]
    order: tuple[str, ...] = ()
    alpha: float = Field(default=0.05, gt=0, le=0.5)
    why: Words = NONE


class Interim(Part):
    """The look between the stages of ``response``: at whom, in which order, what may happen.

    ``set``: an analysis set; ``evaluable``: a subject of the set with one of these signs counts.
    The look is at the first ``stage_1.patients`` evaluable ones in the order of ``order`` (a date
    of ADSL; subjects of one day by their id). ``overrun``: when others are evaluated, the decision
    uses the ``first_patients`` all the same, keeps the planned cut (``keep_cuts``, attained errors
    printed), or takes ``new_cuts``. ``predictive_prior``: for the predictive probability of
    success, printed and never a rule. ``accrual``: whether patients enter while the look is made.
    ``evaluated``: how many were evaluated when the look was held, where that was another number
    than planned; it changes the cuts unless ``overrun`` is ``first_patients``.
    """

    what: Words
    set: str
    evaluable: tuple[Sign, ...] = Field(min_length=1)
    order: str = "TRTSDT"
    overrun: Literal["first_patients", "keep_cuts", "new_cuts"] = "first_patients"
    evaluated: int | None = Field(default=None, gt=0)
    accrual: Literal["goes_on", "pauses"] = "goes_on"
    predictive_prior: BetaPrior | None = None
    why: Words = NONE


class SafetyRule(Part):
    """One boundary on the number of patients with an event.

    ``event``: a subject of ``set`` with one of these signs has had it. ``observed``: SQL over
    ADSL, the subjects without the event that count in the denominator; all of the set where it is
    not given. Subjects are counted in the order of ``order``, a date of ADSL. ``stop_at``: look
    (number of patients) -> the fewest patients with the event that stop the trial; null where no
    number does. ``posterior`` stops when P(rate > ``limit`` | data) > ``certainty`` under
    ``prior``; ``pocock`` has one pointwise level, the largest with P(ever stop) <= ``cross`` at a
    rate of ``limit``. The boundary is computed again by ``onearm lint``.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Words
    what: Words
    set: str
    event: tuple[Sign, ...] = Field(min_length=1)
    observed: str = ""
    order: str = "TRTSDT"
    method: Literal["posterior", "pocock"] = "posterior"
    limit: float = Field(gt=0, lt=1)
    prior: BetaPrior | None = None
    certainty: float | None = Field(default=None, gt=0, lt=1)
    cross: float | None = Field(default=None, gt=0, le=0.5)
    stop_at: dict[int, int | None] = Field(min_length=1)
    why: Words = NONE
    source: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        keys = {"posterior": ("prior", "certainty"), "pocock": ("cross",)}
        for method, names in keys.items():
            for name in names:
                if (getattr(self, name) is not None) != (method == self.method):
                    verb = "needs" if method == self.method else "does not read"
                    raise ValueError(f"the method {self.method} {verb} {name}")
        looks = self.looks
        if looks[0] < 1 or any(after <= before for before, after in pairwise(looks)):
            raise ValueError(f"stop_at: the looks {', '.join(map(str, looks))} do not increase")
        for look, count in self.stop_at.items():
            if count is not None and not 0 < count <= look:
                raise ValueError(f"stop_at: {count} of {look} patients cannot be")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of patients at the looks."""
        return tuple(self.stop_at)


class Enrolment(Part):
    """The enrolment that was planned: patients a month (of 30.4375 days) over all sites.

    ``closed``: the day on which it was closed for good, with whatever number of patients.
    """

    per_month: float = Field(gt=0)
    closed: date | None = None


class TrialDesign(Part):
    """The whole of ``design.yaml``. Everything but the status may be absent.

    ``status``: ``planned`` was written down before the first patient, and what it tests may be
    claimed; ``planning`` has numbers to plan and monitor by, its tests stay descriptive;
    ``descriptive`` has no rule at all. ``patients``: how many are treated in all.
    """

    status: Literal["planned", "planning", "descriptive"]
    patients: int | None = Field(default=None, gt=0)
    enrolment: Enrolment | None = None
    response: RateTest | None = None
    survival: SurvivalTest | None = None
    disease_control: RateTest | None = None
    multiplicity: Multiplicity | None = None
    interim: Interim | None = None
    safety: tuple[SafetyRule, ...] = ()
    why: Words = NONE
    source: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rules = [key for key in RULES if getattr(self, key)]
        if self.status == "descriptive" and rules:
            raise ValueError(f"status descriptive has no rule, and {rules[0]} is one")
        if self.status != "descriptive" and not rules:
            raise ValueError(f"status {self.status} needs at least one of {', '.join(RULES)}")
        return self

    @property
    def tests(self) -> Mapping[str, RateTest | SurvivalTest]:
        """What is tested, by the key of this file, in the file's order."""
        found = {key: getattr(self, key) for key in TESTS}
        return {key: test for key, test in found.items() if test is not None}

    @property
    def is_confirmatory(self) -> bool:
        """Whether something may be claimed: planned, with a rule for several outcomes."""
        method = self.multiplicity.method if self.multiplicity else ""
        several = len(self.tests) > 1
        return self.status == "planned" and (not several or method not in ("", "descriptive"))

    def signs(self) -> Iterator[tuple[Keys, Sign]]:
        """Every sign with its key path in the file."""
        for at, sign in enumerate(self.interim.evaluable if self.interim else ()):
            yield ("interim", "evaluable", at), sign
        for at, rule in enumerate(self.safety):
            yield from ((("safety", at, "event", n), sign) for n, sign in enumerate(rule.event))

    def expressions(self) -> Iterable[tuple[Keys, str, str]]:
        """Every SQL expression with its key path in the file and the dataset it reads."""
        for path, sign in self.signs():
            reads = sign.in_ if sign.in_ == "ADSL" else f"{sign.in_}+ADSL"
            yield (*path, "when"), sign.when, reads
        if self.interim is not None:
            yield ("interim", "order"), self.interim.order, "ADSL"
        for at, rule in enumerate(self.safety):
            yield ("safety", at, "order"), rule.order, "ADSL"
            if rule.observed:
                yield ("safety", at, "observed"), rule.observed, "ADSL"


TESTS = ("response", "survival", "disease_control")
"""Keys of ``design.yaml`` that test an outcome."""
RULES = (*TESTS, "safety")
"""Keys of ``design.yaml`` that carry a rule of their own."""
