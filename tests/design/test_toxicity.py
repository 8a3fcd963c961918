"""Stopping for toxicity: every reference boundary, monotone boundaries, the edges."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.design import bayesian_toxicity, crossing_toxicity, pocock_toxicity, walk
from onearm.stats import InvalidArgument
from tests.design.reference import differences, label, rows


def ever_crosses(looks: tuple[int, ...], stop_at: tuple, p: float) -> float:
    """P(ever stop), patient by patient, by listing every count that has not stopped."""
    bounds = dict(zip(looks, stop_at, strict=True))
    alive, crossed = {0: 1.0}, 0.0
    for n in range(1, looks[-1] + 1):
        after: dict[int, float] = {}
        for count, chance in alive.items():
            after[count] = after.get(count, 0.0) + chance * (1 - p)
            after[count + 1] = after.get(count + 1, 0.0) + chance * p
        limit = bounds.get(n)
        if limit is not None:
            crossed += sum(chance for count, chance in after.items() if count >= limit)
            after = {count: chance for count, chance in after.items() if count < limit}
        alive = after
    return crossed


@pytest.mark.parametrize("row", rows("bayesian_toxicity"), ids=label)
def test_the_reference_of_the_bayesian_boundary_is_reproduced(row):
    rule = bayesian_toxicity(
        limit=row["phi"], prior=row["prior"], cutoff=row["cutoff"], looks=row["looks"]
    )
    assert list(rule.stop_at) == row["stop_if_geq"]
    for p, theirs in row["oc"].items():
        outcome = rule.operating(float(p))
        ours = {
            "p_stop": outcome.stop_high,
            "p_stop_before_last": outcome.stop_before_last,
            "EN": outcome.expected_n,
        }
        assert not differences(ours, theirs, 1e-10)


@pytest.mark.parametrize("row", rows("pocock_toxicity"), ids=label)
def test_the_reference_of_the_pocock_type_boundary_is_reproduced(row):
    rule = pocock_toxicity(rate=row["theta0"], cross=row["phi"], looks=row["looks"])
    assert list(rule.stop_at) == row["stop_if_geq"]
    assert rule.level == pytest.approx(row["pointwise_level"], abs=1e-10)
    assert rule.operating(rule.limit).stop_high == pytest.approx(row["cross_at_theta0"], abs=1e-10)
    for p, theirs in row["cross"].items():
        assert rule.operating(float(p)).stop_high == pytest.approx(theirs, abs=1e-10)


CROSSING = [row for file in rows("clinfun_toxbdry") for row in file["toxbdry"]]


def crossing(row: dict):
    return crossing_toxicity(
        low=row["p_low"],
        high=row["p_high"],
        looks=row["looks"],
        cross_low=row["cross_at_low"],
        cross_high=row["cross_at_high"],
        delta=row["delta"],
        priority=row["priority"],
    )


@pytest.mark.parametrize("row", CROSSING, ids=lambda row: row["id"])
def test_the_earlier_of_two_neighbours_is_that_of_clinfun(row):
    found = crossing(row)
    assert [k - 1 for k in found.early.stop_at] == row["max_tox_lo"]
    for theirs in row["oc"]:
        outcome = found.early.operating(theirs["ptox"])
        ours = {"pcross.lo": outcome.stop_high, "pstop.lo": outcome.stop_before_last}
        assert not differences(ours, theirs, 1e-9)


@pytest.mark.parametrize("row", CROSSING, ids=lambda row: row["id"])
def test_the_later_of_two_neighbours_is_at_least_as_sharp_as_that_of_clinfun(row):
    # clinfun halves an interval ten times and can stop a step short of the neighbour.
    late = crossing(row).late
    theirs = tuple(k + 1 for k in row["max_tox_hi"])
    assert all(ours <= other for ours, other in zip(late.stop_at, theirs, strict=True))
    if row["priority"] == "null":
        reached = late.operating(row["p_low"]).stop_high
        assert reached <= row["cross_at_low"]
        assert reached >= walk(late.looks, (None,) * len(theirs), theirs, row["p_low"]).stop_high
    else:
        assert late.operating(row["p_high"]).stop_high < row["cross_at_high"]


@settings(max_examples=40, deadline=None)
@given(
    limit=st.floats(0.05, 0.6),
    strength=st.floats(0.2, 10),
    cutoff=st.floats(0.5, 0.99),
    last=st.integers(5, 60),
)
def test_the_bayesian_boundary_never_falls_and_is_the_first_count_over_the_cutoff(
    limit, strength, cutoff, last
):
    prior = (limit * strength, (1 - limit) * strength)
    rule = bayesian_toxicity(limit=limit, prior=prior, cutoff=cutoff, looks=range(1, last + 1))
    reached = [k for k in rule.stop_at if k is not None]
    assert reached == sorted(reached)
    assert all(k is None or k <= n for n, k in rule.every_n)
    assert ever_crosses(rule.looks, rule.stop_at, limit) == pytest.approx(
        rule.operating(limit).stop_high, abs=1e-10
    )


@settings(max_examples=30, deadline=None)
@given(rate=st.floats(0.05, 0.6), cross=st.floats(0.01, 0.3), step=st.integers(1, 10))
def test_the_pocock_type_boundary_never_crosses_more_often_than_allowed(rate, cross, step):
    looks = tuple(range(step, 41, step))
    rule = pocock_toxicity(rate=rate, cross=cross, looks=looks)
    assert ever_crosses(looks, rule.stop_at, rate) <= cross + 1e-12
    reached = [k for k in rule.stop_at if k is not None]
    assert reached == sorted(reached)


def test_stopping_grows_with_the_rate():
    rule = bayesian_toxicity(limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=(10, 20, 30, 40, 50))
    stops = [rule.operating(p / 20).stop_high for p in range(21)]
    assert stops == sorted(stops)
    assert (stops[0], stops[-1]) == (0.0, 1.0)


def test_the_safety_boundaries_of_the_default_design():
    events = bayesian_toxicity(limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=(10, 20, 30, 40, 50))
    assert events.stop_at == (5, 8, 11, 14, 17)
    ever = [round(events.operating(p).stop_high, 3) for p in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4)]
    assert ever == [0.015, 0.071, 0.218, 0.465, 0.723, 0.897]
    deaths = bayesian_toxicity(limit=0.05, prior=(0.1, 1.9), cutoff=0.9, looks=(10, 20, 30, 40, 50))
    assert deaths.stop_at == (2, 3, 4, 5, 6)
    assert [round(deaths.operating(p).stop_high, 3) for p in (0.02, 0.05, 0.1)] == [
        0.021,
        0.153,
        0.563,
    ]


def test_a_boundary_no_count_can_reach_is_none():
    rule = bayesian_toxicity(limit=0.5, prior=(1, 1), cutoff=0.99, looks=(2, 10))
    assert rule.stop_at[0] is None
    assert "2," not in rule.sentence()
    never = bayesian_toxicity(limit=0.9, prior=(1, 9), cutoff=0.99, looks=(2,))
    assert "No number of events" in never.sentence()


def test_the_boundary_is_given_for_every_number_of_patients():
    rule = bayesian_toxicity(limit=0.25, prior=(0.5, 1.5), cutoff=0.9, looks=(10, 20))
    assert [n for n, _ in rule.every_n] == list(range(10, 21))
    assert dict(rule.every_n)[10] == 5


def test_one_look_is_a_binomial_tail():
    rule = pocock_toxicity(rate=0.3, cross=0.1, looks=(20,))
    tail = sum(comb(20, x) * 0.3**x * 0.7 ** (20 - x) for x in range(rule.stop_at[0], 21))
    assert rule.operating(0.3).stop_high == pytest.approx(tail, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"looks": (10, 10)}, r"looks\[1\] is 10; it must be above the look before it \(10\)"),
        ({"looks": (20, 10)}, r"looks\[1\] is 10"),
        ({"looks": ()}, "looks is \\[\\]; it must be a list of at least one look"),
        ({"looks": (0, 10)}, r"looks\[0\] is 0"),
        ({"prior": 5}, "prior is 5"),
        ({"prior": ("a", 1)}, "prior is"),
        ({"prior": (0, 1)}, "prior is \\(0, 1\\); it must be two numbers above 0"),
        ({"limit": 1.0}, "limit is 1.0"),
        ({"cutoff": 0.0}, "cutoff is 0.0"),
    ],
)
def test_invalid_arguments_are_named(change, message):
    values = {"limit": 0.25, "prior": (0.5, 1.5), "cutoff": 0.9, "looks": (10, 20)} | change
    with pytest.raises(InvalidArgument, match=message):
        bayesian_toxicity(**values)


def test_a_shape_outside_the_family_is_refused():
    with pytest.raises(InvalidArgument, match=r"delta is 0\.7; it must be a number from 0"):
        crossing_toxicity(low=0.2, high=0.4, looks=(10, 20), delta=0.7)
