"""Time to an event, assurance, forecasts and several outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.design import (
    PROCEDURES,
    Accrual,
    NoDesign,
    OneStage,
    SurvivalHypothesis,
    adjust,
    assurance,
    enrolment_forecast,
    expected_events,
    further_events,
    log_rank_design,
    log_rank_design_at,
    one_stage_design,
    two_stage,
)
from onearm.stats import InvalidArgument, Note, one_sample_log_rank, weibull_hazard
from tests.design.reference import differences, label, rows

LOG_RANK = rows("one_sample_logrank_design")


@pytest.mark.parametrize("row", [row for row in LOG_RANK if "S0" in row], ids=label)
def test_the_reference_sizes_of_the_log_rank_are_found(row):
    null = SurvivalHypothesis(row["S0"], row["x0"], row["hr"], row["shape"])
    accrual = Accrual(row["accrual_rate"], row["follow_up"])
    design = log_rank_design(null, accrual, alpha=row["alpha"], beta=row["beta"])
    assert design.n == row["n"]
    ours = {
        "power": design.power,
        "accrual_time": design.accrual_time,
        "expected_events_H1": design.expected_events,
        "expected_cumhaz_null_H1": design.expected_null,
    }
    assert not differences(ours, row, 1e-6)


@pytest.mark.parametrize("row", [row for row in LOG_RANK if "S0" not in row], ids=label)
def test_the_reference_powers_of_the_log_rank_are_found(row):
    null = SurvivalHypothesis(0.5, row["null_median"], row["null_median"] / row["alt_median"])
    accrual = Accrual(row["n"] / row["accrual_time"], row["follow_up"])
    for alpha, name in ((row["alpha"], "power"), (0.025, "power_alpha_025")):
        design = log_rank_design_at(row["n"], null, accrual, alpha=alpha)
        assert design.power == pytest.approx(row[name], abs=1e-6)


@pytest.mark.parametrize("row", rows("onearm2stage_peer"), ids=lambda row: row["id"])
def test_the_single_stage_sizes_of_the_peer_are_found(row):
    given_ = row["input"]
    null = SurvivalHypothesis(given_["S0"], given_["x0"], given_["hr"], given_["shape"])
    accrual = Accrual(given_["rate"], given_["tf"], is_restricted=bool(given_["restricted"]))
    design = log_rank_design(null, accrual, alpha=given_["alpha"], beta=given_["beta"])
    assert design.n == row["single"]["nsingle"]


@pytest.mark.parametrize(
    ("median", "power"), [(4.0, 0.605), (4.5, 0.826), (5.0, 0.933), (5.5, 0.976)]
)
def test_the_powers_of_the_default_design(median, power):
    null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=3.0 / median)
    design = log_rank_design_at(50, null, Accrual(rate=2.5, follow_up=6.0))
    assert design.power == pytest.approx(power, abs=5.1e-4)


def test_simulated_trials_have_about_the_power_of_the_formula():
    null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
    design = log_rank_design_at(60, null, Accrual(rate=3.0, follow_up=6.0))
    rng, trials = np.random.default_rng(3), 1500
    hazard = weibull_hazard(survival=0.5, time=3.0)
    wins = events = 0
    for _ in range(trials):
        entry = rng.uniform(0, design.accrual_time, design.n)
        life = rng.exponential(3.0 / math.log(2) / 0.6, design.n)
        cut = design.study_time - entry
        result = one_sample_log_rank(np.minimum(life, cut), life <= cut, hazard)
        wins += result.z_breslow > design.critical
        events += result.observed
    spread = math.sqrt(design.power * (1 - design.power) / trials)
    # The formula is a normal approximation: 3 standard errors and one point of power.
    assert abs(wins / trials - design.power) < 3 * spread + 0.01
    assert events / trials == pytest.approx(design.expected_events, abs=0.4)


def test_more_patients_or_follow_up_give_more_power():
    null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
    powers = [log_rank_design_at(n, null, Accrual(2.5, 6.0)).power for n in (20, 40, 60)]
    longer = [log_rank_design_at(40, null, Accrual(2.5, tf)).power for tf in (1.0, 6.0, 12.0)]
    assert powers == sorted(powers)
    assert longer == sorted(longer)


def test_a_log_rank_search_without_an_answer_says_so():
    null = SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.95)
    with pytest.raises(NoDesign, match=r"n_max = 20 .* best power reached is 0\.\d+"):
        log_rank_design(null, Accrual(2.5, 6.0), n_max=20)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SurvivalHypothesis(1.0, 3.0, 0.5), "survival is 1.0"),
        (lambda: SurvivalHypothesis(0.5, 0.0, 0.5), "time is 0.0"),
        (lambda: SurvivalHypothesis(0.5, 3.0, 1.2), "hazard_ratio is 1.2"),
        (lambda: SurvivalHypothesis(0.5, 3.0, 0.5, 0.0), "shape is 0.0"),
        (lambda: Accrual(0.0, 6.0), "rate is 0.0"),
        (lambda: Accrual(1.0, 0.0), "follow_up is 0.0"),
    ],
)
def test_impossible_hypotheses_and_accruals_are_refused(make, message):
    with pytest.raises(InvalidArgument, match=message):
        make()


@pytest.mark.parametrize("row", rows("assurance"), ids=label)
def test_the_reference_assurances_are_found(row):
    design = (
        one_stage_design(row["n"], row["r"], p0=0.1, p1=0.25)
        if row["kind"] == "single"
        else two_stage(r1=row["r1"], n1=row["n1"], r=row["r"], n=row["n"], p0=0.1, p1=0.25)
    )
    found = assurance(design, prior=row["prior"])
    assert found.value == pytest.approx(row["assurance"], abs=1e-9)
    assert (found.stop_early is None) is isinstance(design, OneStage)


def test_a_prior_at_one_rate_gives_the_power_there():
    design = two_stage(r1=2, n1=20, r=8, n=50, p0=0.1, p1=0.25)
    sharp = assurance(design, prior=(0.25e6, 0.75e6))
    assert sharp.value == pytest.approx(design.power, abs=1e-5)
    assert sharp.stop_early == pytest.approx(design.pet1, abs=1e-5)
    assert "mean 25.0%" in sharp.sentence()


@pytest.mark.parametrize("row", rows("event_forecast"), ids=label)
def test_the_reference_event_forecasts_are_found(row):
    found = expected_events(
        n=row["n"],
        accrual_time=row["accrual_time"],
        hazard=math.log(2) / row["median"],
        dropout=row["dropout_hazard"],
        time=row["time"],
    )
    ours = {
        "enrolled": found.enrolled,
        "expected_events": found.events,
        "expected_dropout": found.dropouts,
    }
    assert not differences(ours, row, 1e-6)


def test_events_to_come_add_up_from_patients_at_risk_and_future_ones():
    alone = further_events([1.0, 2.0], hazard=0.1, ahead=5.0)
    assert alone == pytest.approx(2 * (1 - math.exp(-0.5)), abs=1e-12)
    more = further_events([1.0, 2.0], hazard=0.1, ahead=5.0, future=10, entry_time=4.0)
    later = expected_events(n=10, accrual_time=4.0, hazard=0.1, time=5.0).events
    assert more == pytest.approx(alone + later, abs=1e-12)
    assert further_events([], hazard=0.1, ahead=5.0) == 0.0


def test_a_negative_dropout_is_refused():
    with pytest.raises(
        InvalidArgument, match=r"dropout is -0\.1; it must be a hazard of 0 or more"
    ):
        expected_events(n=10, accrual_time=4.0, hazard=0.1, dropout=-0.1, time=5.0)


def test_the_predictive_date_of_a_patient_agrees_with_simulation():
    found = enrolment_forecast(50, enrolled=20, elapsed=8.0, prior=(0.5, 0.1))
    rng = np.random.default_rng(5)
    rates = rng.gamma(20.5, 1 / 8.1, 200_000)
    waits = rng.gamma(30, 1 / rates)
    below = [(waits <= time).mean() for time in found.times]
    assert below == pytest.approx([0.05, 0.5, 0.95], abs=0.004)


def test_a_rate_that_doubles_halves_the_wait():
    steady = enrolment_forecast(30, enrolled=20, elapsed=10.0)
    faster = enrolment_forecast(30, enrolled=20, elapsed=10.0, profile=((0, 1), (10, 2)))
    assert [2 * time for time in faster.times] == pytest.approx(steady.times, abs=1e-9)
    paused = enrolment_forecast(30, enrolled=20, elapsed=10.0, profile=((0, 1), (10, 0), (12, 1)))
    assert [time - 2 for time in paused.times] == pytest.approx(steady.times, abs=1e-9)


def test_a_profile_that_cannot_be_is_refused():
    with pytest.raises(InvalidArgument, match="profile is"):
        enrolment_forecast(30, enrolled=20, elapsed=10.0, profile=((1, 1),))
    with pytest.raises(InvalidArgument, match="target is 20"):
        enrolment_forecast(20, enrolled=20, elapsed=10.0)


P_VALUES = {"ORR": 0.012, "PFS": 0.03, "DCR": 0.021}


@pytest.mark.parametrize(
    ("procedure", "adjusted", "claimed"),
    [
        ("fixed_sequence", [0.012, 0.03, 0.03], ["ORR", "PFS", "DCR"]),
        ("holm", [0.036, 0.042, 0.042], ["ORR", "PFS", "DCR"]),
        ("bonferroni", [0.036, 0.09, 0.063], ["ORR"]),
        ("all_must_win", [0.03, 0.03, 0.03], ["ORR", "PFS", "DCR"]),
        ("descriptive", [None, None, None], []),
    ],
)
def test_each_procedure_adjusts_as_worked_out_by_hand(procedure, adjusted, claimed):
    results = adjust(P_VALUES, procedure=procedure)
    assert [one.adjusted for one in results] == pytest.approx(adjusted)
    assert [one.name for one in results if one.is_claimed] == claimed


def test_after_a_failure_nothing_later_in_a_fixed_sequence_is_claimed():
    results = adjust({"ORR": 0.2, "PFS": 0.001}, procedure="fixed_sequence")
    assert [one.is_claimed for one in results] == [False, False]


def test_after_a_futility_stop_nothing_later_in_the_sequence_is_tested():
    results = adjust({"ORR": None, "PFS": 0.001}, procedure="fixed_sequence")
    assert [one.adjusted for one in results] == [None, None]
    assert all(one.notes == (Note.DESCRIPTIVE,) for one in results)


@pytest.mark.parametrize("procedure", ["holm", "bonferroni"])
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_an_adjusted_p_value_is_never_below_the_raw_one(procedure, p_values):
    named = {f"outcome {place}": p for place, p in enumerate(p_values)}
    for one in adjust(named, procedure=procedure):
        assert one.p_value <= one.adjusted <= 1


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_claims_whatever_bonferroni_claims(p_values):
    named = {f"outcome {place}": p for place, p in enumerate(p_values)}
    holm, plain = (adjust(named, procedure=name) for name in ("holm", "bonferroni"))
    assert all(one.is_claimed or not two.is_claimed for one, two in zip(holm, plain, strict=True))


def test_only_the_descriptive_procedure_allows_no_claim():
    assert [one.name for one in PROCEDURES.values() if not one.is_confirmatory] == ["descriptive"]


@pytest.mark.parametrize(
    ("p_values", "procedure", "message"),
    [
        ({"ORR": 1.2}, "holm", r"p_values\['ORR'\] is 1.2; it must be a number from 0 to 1"),
        ({}, "holm", "p_values is"),
        ({"ORR": 0.1}, "sidak", "procedure is 'sidak'; it must be one of fixed_sequence, holm"),
    ],
)
def test_invalid_outcomes_are_named(p_values, procedure, message):
    with pytest.raises(InvalidArgument, match=message):
        adjust(p_values, procedure=procedure)
