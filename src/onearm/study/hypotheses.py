"""What is tested of one outcome, and with which cuts: the tests in ``design.yaml``."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from onearm.study.text import Part, Text, Words

NONE = Text(en="")


class FirstStage(Part):
    """Stop for futility when ``stop_if_at_most`` of the first ``patients`` respond, or fewer."""

    patients: int = Field(gt=0)
    stop_if_at_most: int = Field(ge=0)


class FinalCut(Part):
    """The treatment is promising when at least ``promising_from`` of ``patients`` respond."""

    patients: int = Field(gt=0)
    promising_from: int = Field(gt=0)


class Overruled(Part):
    """The final cut of a team that goes on against the futility stop, and its type I error."""

    promising_from: int = Field(gt=0)
    alpha_reached: float | None = Field(default=None, gt=0, lt=1)


class RateTest(Part):
    """The exact test of a rate against ``null_rate``, in one stage or in two.

    ``outcome``: its id in study.yaml; ``analysis``: the entry of analyses.yaml (of the kind
    ``proportion``) that says in which dataset, parameter and set the outcome is and which rows
    count. ``alpha`` is one-sided and what was asked for, ``beta`` too; ``alpha_reached`` and
    ``power`` (at ``target_rate``) are exact and are computed again by ``onearm lint``, to the
    decimals written. ``stage_1`` makes two stages. ``method``: what the cuts claim to be;
    ``optimal`` and ``minimax`` are Simon's, ``exact`` is one stage with the smallest cut that keeps
    ``alpha``, ``given`` claims nothing but the errors. ``futility``: with a ``binding`` stop the
    type I error counts on it; ``non_binding`` is computed as if nobody stopped.
    """

    outcome: str
    analysis: str
    null_rate: float = Field(gt=0, lt=1)
    target_rate: float = Field(gt=0, lt=1)
    alpha: float = Field(default=0.05, gt=0, le=0.5)
    beta: float | None = Field(default=None, gt=0, le=0.5)
    method: Literal["optimal", "minimax", "exact", "given"] = "given"
    stage_1: FirstStage | None = None
    final: FinalCut
    futility: Literal["binding", "non_binding"] = "binding"
    if_futility_is_overruled: Overruled | None = None
    alpha_reached: float | None = Field(default=None, gt=0, lt=1)
    power: float | None = Field(default=None, gt=0, lt=1)
    why: Words = NONE
    source: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.target_rate <= self.null_rate:
            raise ValueError(
                f"target_rate {self.target_rate:g} does not exceed null_rate {self.null_rate:g}"
            )
        if self.final.promising_from > self.final.patients:
            raise ValueError(
                f"final: {self.final.promising_from} responders of {self.final.patients} patients "
                "cannot be"
            )
        if self.stage_1 is None:
            self._one_stage()
        else:
            self._two_stages(self.stage_1)
        return self

    def _one_stage(self) -> None:
        if self.method in ("optimal", "minimax"):
            raise ValueError(f"method {self.method} is for two stages; add stage_1")
        for key in ("futility", "if_futility_is_overruled"):
            if key in self.model_fields_set:
                raise ValueError(f"{key} is for two stages; add stage_1 or leave it out")

    def _two_stages(self, first: FirstStage) -> None:
        if self.method == "exact":
            raise ValueError("method exact is for one stage; leave stage_1 out")
        if self.method != "given" and self.beta is None:
            raise ValueError(f"method {self.method} needs beta, which the search keeps to")
        if self.method != "given" and self.futility == "non_binding":
            raise ValueError(f"method {self.method} counts on a binding futility stop")
        if first.patients >= self.final.patients:
            raise ValueError(
                f"stage_1 has {first.patients} patients and final {self.final.patients}; the first "
                "stage is the smaller"
            )
        if first.stop_if_at_most >= first.patients:
            raise ValueError(
                f"stage_1: stop_if_at_most {first.stop_if_at_most} of {first.patients} patients "
                "always stops"
            )
        if first.stop_if_at_most >= self.final.promising_from:
            raise ValueError(
                f"stage_1 stops at {first.stop_if_at_most} responders, which final calls promising"
            )

    @property
    def r(self) -> int:
        """The most responders that are not promising."""
        return self.final.promising_from - 1


class Landmark(Part):
    """The share without the event at ``months`` under both hypotheses, printed beside the test."""

    months: float = Field(gt=0)
    null_rate: float = Field(gt=0, lt=1)
    target_rate: float = Field(gt=0, lt=1)


class SurvivalTest(Part):
    """The one-sample log-rank test of a time to an event against a Weibull null.

    ``analysis``: the entry of analyses.yaml of the kind ``survival``. The null is given by
    ``null_median_months``, or by ``null_survival`` at ``null_at_months``; ``shape`` 1 is
    exponential. The target is given by ``target_median_months`` or by ``hazard_ratio``.
    ``variance``: Wu's (O + E) / 2 or Breslow's E. Patients come at ``enrolment``'s rate; the
    analysis is ``follow_up_months`` after the last first dose; with ``is_restricted`` nobody is
    followed longer than that. ``power`` is the normal approximation with exact moments; it is
    computed again by ``onearm lint``. A month is 30.4375 days.
    """

    outcome: str
    analysis: str
    null_median_months: float | None = Field(default=None, gt=0)
    null_survival: float | None = Field(default=None, gt=0, lt=1)
    null_at_months: float | None = Field(default=None, gt=0)
    shape: float = Field(default=1.0, gt=0)
    target_median_months: float | None = Field(default=None, gt=0)
    hazard_ratio: float | None = Field(default=None, gt=0, lt=1)
    alpha: float = Field(default=0.05, gt=0, le=0.5)
    variance: Literal["wu", "breslow"] = "wu"
    follow_up_months: float = Field(gt=0)
    is_restricted: bool = False
    power: float | None = Field(default=None, gt=0, lt=1)
    landmark: Landmark | None = None
    why: Words = NONE
    source: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        point = (self.null_survival is not None, self.null_at_months is not None)
        if (self.null_median_months is not None) == any(point) or any(point) != all(point):
            raise ValueError(
                "the null is null_median_months, or null_survival together with null_at_months"
            )
        if (self.target_median_months is None) == (self.hazard_ratio is None):
            raise ValueError("the target is target_median_months or hazard_ratio, one of the two")
        if self.target_ratio >= 1:
            raise ValueError(
                f"the target median {self.target_median_months:g} does not exceed the null's"
            )
        return self

    @property
    def null_point(self) -> tuple[float, float]:
        """The null hypothesis as a survival and the months at which it holds."""
        if self.null_survival is not None and self.null_at_months is not None:
            return (self.null_survival, self.null_at_months)
        return (0.5, self.null_median_months or 0.0)

    @property
    def target_ratio(self) -> float:
        """The hazard ratio of the target; medians are turned into one by the Weibull's shape."""
        if self.hazard_ratio is not None:
            return self.hazard_ratio
        survival, months = self.null_point
        # ln 2 = hr * -ln S0 * (median / x0)^k, solved for hr.
        target = math.pow((self.target_median_months or 1.0) / months, self.shape)
        return math.log(2) / (-math.log(survival) * target)
