"""Simulated operating characteristics against exact answers and the reference simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onearm.design import (
    Accrual,
    Plan,
    Scenario,
    SurvivalHypothesis,
    log_rank_design_at,
    one_stage_design,
    simulate,
    two_stage,
)
from onearm.stats import InvalidArgument, Note
from tests.design.reference import rows

NULL = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
PLAN = Plan(
    response=two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25),
    survival=log_rank_design_at(50, NULL, Accrual(rate=2.5, follow_up=6.0)),
    control=one_stage_design(50, 31, p0=0.5, p1=0.7),
)
TRIALS = 10_000
SCENARIOS = {
    "H0 global (.10,.50,3.0)": Scenario(0.10, 0.50, 3.0, correlation=0.5, dropout=0.015),
    "H1 (.25,.70,5.0)": Scenario(0.25, 0.70, 5.0, correlation=0.5, dropout=0.015),
}


def run(scenario: Scenario, trials: int = TRIALS, seed: int = 8):
    return simulate(PLAN, scenario, rng=np.random.default_rng(seed), n_trials=trials)


@pytest.fixture(scope="module", params=SCENARIOS)
def named(request):
    return request.param, run(SCENARIOS[request.param])


def test_what_has_an_exact_answer_agrees_with_it(named):
    name, found = named
    truth = SCENARIOS[name]
    for tally, exact in (
        (found.go, 1 - PLAN.response.stop_early(truth.response)),
        (found.response, PLAN.response.reject(truth.response)),
        (found.control, PLAN.control.reject(truth.control)),
    ):
        assert abs(tally.estimate - exact) < 3 * math.sqrt(exact * (1 - exact) / TRIALS)


@pytest.mark.parametrize("file", rows("default_design"), ids=["default"])
def test_the_reference_simulation_is_met(named, file):
    name, found = named
    theirs = file["simulation"]["scenarios"][name]["PFS_wu_uncond"]
    # Both are simulated, theirs with 100,000 trials.
    spread = math.sqrt(theirs * (1 - theirs) * (1 / TRIALS + 1 / 100_000))
    assert abs(found.survival.estimate - theirs) < 3 * spread


def test_the_counts_are_nested_and_say_that_they_are_simulated(named):
    _, found = named
    assert found.response.count <= found.go.count
    assert found.go_survival.count <= min(found.go.count, found.survival.count)
    assert found.go_control.count <= min(found.go.count, found.control.count)
    assert found.sequence_survival.count <= min(found.response.count, found.survival.count)
    assert found.sequence_control.count <= found.sequence_survival.count
    assert found.notes == (Note.MC_ERROR,)
    assert found.go.std_err == pytest.approx(
        math.sqrt(found.go.estimate * (1 - found.go.estimate) / TRIALS)
    )


def test_without_correlation_survival_does_not_depend_on_response():
    found = run(Scenario(0.25, 0.70, 5.0))
    product = found.response.estimate * found.survival.estimate
    assert abs(found.sequence_survival.estimate - product) < 3 * 0.5 / math.sqrt(TRIALS)
    tied = run(Scenario(0.25, 0.70, 4.0, correlation=0.9))
    loose = run(Scenario(0.25, 0.70, 4.0))
    assert tied.sequence_survival.estimate > loose.sequence_survival.estimate + 0.02


def test_the_same_seed_gives_the_same_counts():
    scenario = Scenario(0.2, 0.6, 4.0, correlation=0.5)
    assert run(scenario, 200) == run(scenario, 200)
    assert run(scenario, 200) != run(scenario, 200, seed=9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: run(Scenario(0.2, 0.6, 4.0), 0), "n_trials is 0"),
        (lambda: Scenario(0.2, 0.6, 4.0, dropout=-0.1), r"dropout is -0\.1"),
        (lambda: Scenario(0.6, 0.2, 4.0), r"control is 0\.2; it must be at least the response"),
        (lambda: Scenario(0.2, 0.6, 4.0, correlation=1.0), r"correlation is 1\.0"),
        (
            lambda: Plan(PLAN.response, PLAN.survival, one_stage_design(40, 25, p0=0.5, p1=0.7)),
            r"control\.n is 40; it must be response\.n = 50",
        ),
    ],
)
def test_impossible_scenarios_are_refused(make, message):
    with pytest.raises(InvalidArgument, match=message):
        make()
