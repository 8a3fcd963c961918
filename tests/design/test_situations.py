"""Every situation that the specification lists has its behaviour and its message."""

from __future__ import annotations

import numpy as np
import pytest

from onearm import stats
from onearm.design import (
    NoDesign,
    Plan,
    Scenario,
    after_two_stages,
    bayesian_toxicity,
    early_activity,
    log_rank_design_at,
    one_stage,
    one_stage_at,
    response_toxicity,
    simon,
    simulate,
    two_stage,
)
from onearm.design.timetoevent import Accrual, SurvivalHypothesis
from onearm.stats import InvalidArgument, Note

RATES = {"p0": 0.1, "p1": 0.25}
LOOKS = {"limit": 0.25, "cutoff": 0.9}
REFUSED = {
    "no patient": (
        lambda: stats.proportion(0, 0),
        "n is 0; it must be an integer of at least 1",
    ),
    "more responders than patients": (
        lambda: stats.proportion(5, 4),
        "x is 5; it must be an integer of at least 0 and at most 4",
    ),
    "a negative time": (
        lambda: stats.kaplan_meier([1, -2], [1, 1]),
        r"time\[1\] is -2.0; it must be a time of 0 or more",
    ),
    "a missing time": (
        lambda: stats.kaplan_meier([1, None], [1, 1]),
        r"time\[1\] is nan; it must be a time of 0 or more, not missing",
    ),
    "a level in percent": (
        lambda: stats.proportion(2, 9, level=95),
        "level is 95; it must be a number between 0 and 1",
    ),
    "a prior of nothing": (
        lambda: bayesian_toxicity(**LOOKS, prior=(0, 1), looks=(10, 20)),
        r"prior is \(0, 1\); it must be two numbers above 0",
    ),
    "looks that fall": (
        lambda: bayesian_toxicity(**LOOKS, prior=(1, 1), looks=(20, 10)),
        r"looks\[1\] is 10; it must be above the look before it \(20\)",
    ),
    "two looks at one size": (
        lambda: bayesian_toxicity(**LOOKS, prior=(1, 1), looks=(10, 10)),
        "looks must increase",
    ),
    "p1 below p0": (
        lambda: one_stage(p0=0.25, p1=0.1),
        "p1 is 0.1; it must be a rate above p0 = 0.25: p1 must exceed p0",
    ),
    "p1 at p0": (lambda: simon(p0=0.25, p1=0.25), "p1 must exceed p0"),
    "errors that leave nothing": (
        lambda: one_stage(**RATES, alpha=0.5, beta=0.5),
        r"alpha \+ beta is 1.0; it must be below 1, or the trial tells nothing",
    ),
    "an error above one half": (
        lambda: one_stage(**RATES, alpha=0.6),
        "alpha is 0.6; it must be a number above 0 and at most 0.5",
    ),
    "an end in stage 1 that went on": (
        lambda: after_two_stages(two_stage(r1=2, n1=20, r=8, n=50, **RATES), 3, stage=1),
        "k is 3; it must be an integer of at least 0 and at most 2",
    ),
    "an end in stage 2 that stopped": (
        lambda: after_two_stages(two_stage(r1=2, n1=20, r=8, n=50, **RATES), 2, stage=2),
        "k is 2; it must be an integer of at least 3 and at most 50",
    ),
    "a simulation of no trial": (
        lambda: simulate(plan(), Scenario(0.2, 0.6, 4.0), rng=np.random.default_rng(1), n_trials=0),
        "n_trials is 0; it must be an integer of at least 1",
    ),
    "a negative dropout": (
        lambda: Scenario(0.2, 0.6, 4.0, dropout=-0.1),
        "dropout is -0.1; it must be a hazard of 0 or more",
    ),
}


def plan() -> Plan:
    null = SurvivalHypothesis(0.5, 3.0, 0.6)
    return Plan(
        two_stage(r1=2, n1=20, r=8, n=50, **RATES),
        log_rank_design_at(50, null, Accrual(2.5, 6.0)),
        one_stage_at(50, p0=0.5, p1=0.7),
    )


@pytest.mark.parametrize("situation", REFUSED)
def test_what_cannot_be_is_refused_with_the_argument_its_value_and_what_is_valid(situation):
    call, message = REFUSED[situation]
    with pytest.raises(InvalidArgument, match=message):
        call()


@pytest.mark.parametrize(
    "search",
    [
        lambda: one_stage(p0=0.1, p1=0.15, n_max=40),
        lambda: simon(p0=0.1, p1=0.15, n_max=40),
        lambda: early_activity(p0=0.1, p1=0.15, n_max=40),
        lambda: response_toxicity(response=(0.1, 0.2), safe=(0.7, 0.85), n_max=40),
    ],
)
def test_no_design_under_n_max_names_it_the_best_power_and_what_to_try(search):
    with pytest.raises(NoDesign, match=r"n_max = 40 .*power reached is 0\.\d+\. Try n_max = \d+"):
        search()


@pytest.mark.parametrize(
    "search",
    [
        lambda n_max: simon(**RATES, beta=0.15, n_max=n_max),
        lambda n_max: early_activity(**RATES, beta=0.15, n_max=n_max),
        lambda n_max: response_toxicity(
            response=(0.1, 0.25), safe=(0.7, 0.9), alpha_response=0.05, beta=0.15, n_max=n_max
        ),
    ],
)
def test_an_optimum_within_10_of_the_limit_is_given_with_a_remark(search):
    n = search(90).optimal.n
    assert search(90).optimal.remarks == ()
    assert search(n + 3).optimal.remarks == (
        f"the optimum lies within 10 of n_max = {n + 3}: search further",
    )


def test_r1_equal_to_r_is_legal_and_computed_from_the_definition():
    design = two_stage(r1=3, n1=10, r=3, n=20, **RATES)
    # Whoever passes the look has more than r already.
    assert design.alpha == pytest.approx(1 - design.pet0, abs=1e-12)
    assert 0 < design.alpha < 1


def test_no_event_at_all_gives_a_curve_of_1_and_no_median():
    curve = stats.kaplan_meier([1.0, 2.0, 3.0], [0, 0, 0])
    assert set(curve.survival.tolist()) == {1.0}
    middle = stats.median(curve)
    assert middle.value is None
    assert Note.NOT_REACHED in middle.notes
    fit = stats.exponential([1.0, 2.0, 3.0], [0, 0, 0])
    assert (fit.median, fit.upper) == (None, None)
    assert fit.lower > 0
    test = stats.log_rank([1.0, 2.0, 3.0], [0, 0, 0], [0, 0, 1])
    assert test.p_value is None


def test_everybody_at_one_time_is_one_step_whose_median_has_no_limits():
    middle = stats.median(stats.kaplan_meier([5.0] * 6, [1] * 6))
    assert (middle.value, middle.lower, middle.upper) == (5.0, None, None)


def test_one_patient_is_legal_and_said_to_be_few():
    assert Note.N_TOO_SMALL in stats.kaplan_meier([5.0], [1]).notes


def test_one_group_has_no_log_rank_test():
    test = stats.log_rank([1.0, 2.0, 3.0], [1, 1, 0], [0, 0, 0])
    assert test.p_value is None
    assert test.notes
