"""The rules of ``design.yaml`` as the engine's values, with what they attain."""

from __future__ import annotations

from onearm.design import (
    Accrual,
    LogRankDesign,
    OneStage,
    SurvivalHypothesis,
    ToxicityRule,
    TwoStage,
    bayesian_toxicity,
    log_rank_design_at,
    one_stage_design,
    pocock_toxicity,
    two_stage,
)
from onearm.study.design import RateTest, SafetyRule, SurvivalTest, TrialDesign

__all__ = ["alpha_of", "rate_design", "safety_rule", "survival_design"]


def rate_design(test: RateTest) -> OneStage | TwoStage:
    """The cuts as they are written, with their exact errors.

    Raises ``InvalidArgument`` for what no design can be.
    """
    p0, p1, n = test.null_rate, test.target_rate, test.final.patients
    if test.stage_1 is None:
        return one_stage_design(n, test.r, p0=p0, p1=p1)
    return two_stage(
        r1=test.stage_1.stop_if_at_most,
        n1=test.stage_1.patients,
        r=test.r,
        n=n,
        p0=p0,
        p1=p1,
        kind=test.method,
    )


def alpha_of(test: RateTest) -> float:
    """The type I error that the file answers for: without the stop where it is not binding."""
    design = rate_design(test)
    if isinstance(design, TwoStage) and test.futility == "non_binding":
        return design.alpha_non_binding
    return design.alpha


def survival_design(test: SurvivalTest, design: TrialDesign) -> LogRankDesign | None:
    """The one-sample log-rank test at the planned size; None without patients or enrolment rate.

    Times are months.
    """
    if design.patients is None or design.enrolment is None:
        return None
    survival, months = test.null_point
    hypothesis = SurvivalHypothesis(survival, months, test.target_ratio, test.shape)
    accrual = Accrual(design.enrolment.per_month, test.follow_up_months, test.is_restricted)
    return log_rank_design_at(design.patients, hypothesis, accrual, alpha=test.alpha)


def safety_rule(rule: SafetyRule) -> ToxicityRule:
    """The boundary that the rule gives at the looks of the file, whatever ``stop_at`` says."""
    if rule.cross is not None:
        return pocock_toxicity(rate=rule.limit, cross=rule.cross, looks=rule.looks)
    assert rule.prior is not None  # noqa: S101 - the model says so; narrows the type
    assert rule.certainty is not None  # noqa: S101 - as above
    return bayesian_toxicity(
        limit=rule.limit, prior=rule.prior.pair, cutoff=rule.certainty, looks=rule.looks
    )
