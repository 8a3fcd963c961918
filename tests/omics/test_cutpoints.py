"""Searched cutpoints pay for the search; landmarks and hazards that do not stay proportional."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onearm.errors import OnearmError
from onearm.omics.assay import Times
from onearm.omics.cox_scores import cox_scores
from onearm.omics.cutpoints import search_cutpoint
from onearm.omics.landmark import (
    changing,
    cox_changing,
    from_landmark,
    refuse_from_first_dose,
)
from onearm.omics.nulls import Generator, draw
from onearm.omics.proportional import proportionality
from onearm.stats import cox, kaplan_meier, proportional_hazards, restricted_mean


def noise(seed: int, **more: float):
    trial = draw(Generator(features=2, **more), np.random.default_rng(seed))
    return trial.values[:, 0], trial.times, trial.response


def test_the_p_of_a_searched_cutpoint_is_larger_than_that_of_the_same_split_unsearched():
    feature, times, _ = noise(1)
    found = search_cutpoint(feature, times, seed=1, permutations=2000, resamples=20)
    above = (feature > found.value).astype(float)[:, None]
    z = cox_scores(above, times.time, times.event).z[0]
    assert found.p > math.erfc(abs(z) / math.sqrt(2))
    assert found.statistic == pytest.approx(z, rel=0.15)
    assert found.note == "cutpoint chosen on these data"


def test_a_searched_cutpoint_splits_within_the_tails_and_says_where_else_it_might_lie():
    feature, times, _ = noise(2)
    found = search_cutpoint(feature, times, seed=1, permutations=500, resamples=50)
    assert 5 <= found.above <= 45
    assert found.value in feature
    assert found.bootstrap.size == 50
    assert 0 <= found.shrinkage <= 1
    assert found.shrunken == pytest.approx(found.effect * found.shrinkage)


def test_the_largest_statistic_is_found_by_trying_every_split():
    feature, _, response = noise(3)
    ordered = np.sort(feature)
    m = response - response.mean()
    best, size = None, 0.0
    for cut in ordered[4:45]:
        x = (feature > cut) - (feature > cut).mean()
        statistic = abs(m @ x) / np.sqrt((m @ m) * (x @ x) / 49)
        if statistic > size + 1e-12:
            best, size = cut, statistic
    found = search_cutpoint(feature, response, seed=1, permutations=100, resamples=5)
    assert (found.value, abs(found.statistic)) == (best, pytest.approx(size))
    above = feature > best
    assert found.effect == pytest.approx(response[above].mean() - response[~above].mean())
    assert found.searched == 41


def test_a_strong_feature_keeps_its_effect_and_noise_loses_it():
    kept, lost = [], []
    for seed in range(6):
        strong, times, _ = noise(seed, hazard_ratio=3.0)
        kept.append(search_cutpoint(strong, times, seed=1, permutations=200, resamples=2))
        weak, times, _ = noise(seed)
        lost.append(search_cutpoint(weak, times, seed=1, permutations=200, resamples=2))
    assert np.median([found.shrinkage for found in kept]) > 0.5
    assert np.median([found.shrinkage for found in lost]) < 0.3
    assert np.median([found.p for found in kept]) < 0.05


def test_missing_values_and_strata_take_their_part_in_a_search():
    feature, times, _ = noise(4)
    feature[:7] = np.nan
    strata = np.arange(50) % 2
    found = search_cutpoint(feature, times, seed=1, strata=strata, permutations=99, resamples=5)
    assert found.n == 43


def test_a_constant_feature_has_no_cutpoint():
    _, times, _ = noise(1)
    with pytest.raises(OnearmError, match="two groups inside the tails"):
        search_cutpoint(np.ones(50), times, seed=1)


def test_a_landmark_counts_only_those_still_at_risk_and_starts_anew():
    times = Times(
        np.array([1.0, 2.0, 2.5, 9.0, np.nan]), np.array([True, False, True, True, False])
    )
    moved = from_landmark(times, 2.0)
    np.testing.assert_array_equal(moved.times.time, [np.nan, np.nan, 0.5, 7.0, np.nan])
    assert moved.times.event.tolist() == [False, False, True, True, False]
    assert (moved.at_risk, moved.gone) == (2, 2)


def test_a_marker_known_after_the_landmark_is_refused_for_those_at_risk_only():
    times = Times(np.array([1.0, 9.0]), np.array([True, True]))
    from_landmark(times, 2.0, known_at=np.array([5.0, 2.0]))
    with pytest.raises(OnearmError, match="1 subjects at risk became known after the landmark"):
        from_landmark(times, 2.0, known_at=np.array([0.0, 3.0]))


def test_survival_by_response_from_first_dose_is_refused():
    with pytest.raises(OnearmError, match="PFS by response is not counted from first dose"):
        refuse_from_first_dose("response", "PFS", np.array([np.nan, 56.0, 84.0]))
    refuse_from_first_dose("PD-L1", "PFS", np.array([-3.0, 0.0]))


def test_rows_of_a_changing_marker_cover_follow_up_once_with_the_last_value_carried():
    times = Times(np.array([100.0, 30.0, 60.0]), np.array([True, False, True]))
    rows = changing(
        times, [0, 0, 0, 1, 2], np.array([0.0, 28, 56, 0, 70]), np.array([1.0, 3, 2, 5, 9])
    )
    assert rows.subject.tolist() == [0, 0, 0, 1]
    assert rows.start.tolist() == [0, 28, 56, 0]
    assert rows.stop.tolist() == [28, 56, 100, 30]
    assert rows.event.tolist() == [False, False, True, False]
    assert rows.value.tolist() == [1, 3, 2, 5]


def test_a_value_carried_too_long_takes_the_subject_out_of_the_risk_sets():
    times = Times(np.array([100.0]), np.array([True]))
    rows = changing(times, [0, 0], np.array([0.0, 80]), np.array([1.0, 2]), carried=45)
    assert list(zip(rows.start, rows.stop, rows.event, strict=True)) == [
        (0, 45, False),
        (80, 100, True),
    ]


def test_a_marker_that_never_changes_gives_the_plain_cox_model():
    trial = draw(Generator(features=1, hazard_ratio=2.0), np.random.default_rng(1))
    marker, times = trial.values[:, 0], trial.times
    rows = changing(
        times,
        np.repeat(np.arange(50), 3),
        np.tile([0.0, 1.0, 4.0], 50),
        np.repeat(marker, 3),
    )
    changed = cox_changing(rows).terms[0]
    plain = cox(times.time, times.event, {"x": marker}).terms[0]
    assert changed.coefficient == pytest.approx(plain.coefficient, rel=1e-8)
    assert changed.std_err == pytest.approx(plain.std_err, rel=1e-8)


def test_the_test_of_proportional_hazards_comes_with_the_difference_of_restricted_means():
    trial = draw(Generator(features=1, hazard_ratio=2.0), np.random.default_rng(1))
    marker, times = trial.values[:, 0], trial.times
    checked = proportionality(marker, times)
    expected = proportional_hazards(cox(times.time, times.event, {"x": marker}))[0]
    assert checked.p == pytest.approx(expected.p_value)
    high = marker > np.median(marker)
    curves = [kaplan_meier(times.time[part], times.event[part]) for part in (high, ~high)]
    tau = min(curve.last_time for curve in curves)
    means = [restricted_mean(curve, tau).value for curve in curves]
    assert checked.instead is not None
    assert checked.instead.difference == pytest.approx(means[0] - means[1])
    assert checked.instead.groups == "above the median less the rest"


def test_a_separated_marker_has_no_test_of_proportional_hazards_but_restricted_means():
    times = Times(np.arange(1.0, 11.0), np.array([True] * 5 + [False] * 5))
    checked = proportionality((np.arange(10) < 5).astype(float), times)
    assert (checked.statistic, checked.p) == (None, None)
    assert checked.instead is not None
    assert checked.instead.groups == "altered less not altered"
