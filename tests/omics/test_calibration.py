"""On noise findings are as rare as they should be; planted signals are found as often as known.

The generator and the bounds are of omics.md, sections 15 and 16; here the quick version of 200
trials with 2,000 features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from onearm.omics.assay import Times
from onearm.omics.cox_scores import cox_scores
from onearm.omics.cutpoints import search_cutpoint
from onearm.omics.landmark import from_landmark
from onearm.omics.nulls import Generator, Trial, bound, draw
from onearm.omics.permute import Group, max_t
from onearm.omics.residuals import centred, linear_residual, survival_residual
from onearm.omics.screen import Family, Screened, screen

TRIALS = 200
NOISE = Generator(features=2000)
SKEWED = replace(NOISE, skewed=True)


def trials(generator: Generator, count: int = TRIALS, seed: int = 15):
    for stream in np.random.SeedSequence(seed).spawn(count):
        yield draw(generator, np.random.default_rng(stream))


def rate(generator: Generator, found: Callable[[Trial], bool], count: int = TRIALS) -> float:
    return float(np.mean([found(trial) for trial in trials(generator, count)]))


def judged(trial: Trial, *endpoints: str, columns: slice = slice(None), **more: object) -> Screened:
    family = Family("", (trial.block(columns),), endpoints, **more)
    return screen(family, trial.outcomes(), seed=1, permutations=399, most=399)


def adjusted(trial: Trial, endpoint: str, *, by_batch: bool = False) -> np.ndarray:
    """Adjusted p of every feature: what `screen` does, without its effect sizes."""
    there = np.flatnonzero(~np.isnan(trial.values).any(axis=1))
    strata = trial.batch[there] if by_batch else np.zeros(there.size, dtype=np.int64)
    none = np.empty((there.size, 0))
    if endpoint == "survival":
        times = Times(trial.times.time[there], trial.times.event[there])
        residual, information = survival_residual(times, strata, none)
    else:
        residual, information = linear_residual(trial.response[there], strata, none), None
    is_small = trial.values.shape[1] <= 784
    group = Group(
        centred(trial.values[there], strata, none), residual, information if is_small else None
    )
    return max_t([group], strata=strata, seed=1, permutations=399, most=399).p_adjusted[0]


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["survival", "response"])
@pytest.mark.parametrize(
    ("generator", "by_batch"),
    [
        (NOISE, False),
        (SKEWED, False),
        (NOISE, True),
        (replace(NOISE, missing=0.3), False),
    ],
    ids=["gaussian", "skewed", "strata", "a third missing"],
)
def test_max_t_finds_something_in_noise_in_one_trial_of_twenty(endpoint, generator, by_batch):
    found = rate(
        generator, lambda trial: adjusted(trial, endpoint, by_batch=by_batch).min() <= 0.05
    )
    assert found <= bound(TRIALS)
    if generator == NOISE and not by_batch:
        assert found >= 0.02


@pytest.mark.slow
def test_scattered_missing_values_do_not_break_the_error_rate():
    def found(trial: Trial) -> bool:
        rng = np.random.default_rng(int(trial.values[0, 0] * 1e6) % 2**32)
        # Missing more often in those who live long, which must not matter.
        share = 0.1 + 0.3 * (trial.times.time > 6)[:, None]
        trial.values[rng.random(trial.values.shape) < share] = np.nan
        block = replace(trial.block(slice(0, 0)), subjects=(), values=np.empty((0, 0)))
        subjects = trial.outcomes().subjects
        day = np.ones(len(subjects))
        block = replace(
            block, features=trial.names, subjects=subjects, values=trial.values, study_day=day
        )
        family = Family("", (block,), ("survival",))
        result = screen(family, trial.outcomes(), seed=1, permutations=199, most=199)
        return float(result.table["p_adjusted"].min()) <= 0.05

    assert rate(replace(NOISE, features=300), found) <= bound(TRIALS)


@pytest.mark.slow
def test_twenty_candidates_with_three_endpoints_share_one_error_rate():
    def found(trial: Trial) -> bool:
        outcomes = trial.outcomes()
        overall = replace(trial.times, time=trial.times.time + 2)
        outcomes = replace(
            outcomes, times={"PFS": trial.times, "OS": overall}, responses=outcomes.responses
        )
        family = Family("candidates", (trial.block(),), ("PFS", "OS", "response"))
        result = screen(family, outcomes, seed=1, permutations=399, most=399)
        return float(result.table["p_adjusted"].min()) <= 0.05

    assert rate(replace(NOISE, features=20), found) <= bound(TRIALS)


@pytest.mark.slow
def test_a_q_value_below_a_twentieth_is_as_rare_in_noise():
    def found(trial: Trial) -> bool:
        table = judged(trial, "survival").table
        return float(table["q"].min()) <= 0.05

    for generator in (NOISE, SKEWED):
        small = replace(generator, features=100)
        assert rate(small, found) <= bound(TRIALS)


@pytest.mark.slow
def test_a_searched_cutpoint_in_noise_is_significant_in_one_trial_of_twenty():
    def found(trial: Trial) -> bool:
        feature = trial.values[:, 0]
        cut = search_cutpoint(feature, trial.times, seed=1, permutations=399, resamples=1)
        return cut.p <= 0.05

    assert rate(replace(NOISE, features=1), found) <= bound(TRIALS)


@pytest.mark.slow
def test_responders_do_not_live_longer_by_themselves_when_counted_from_a_landmark():
    """A response is seen at month 2, 4 or 6 in those who live to see it; survival ignores it."""
    naive, landmark = [], []
    for stream in np.random.SeedSequence(4).spawn(1000):
        rng = np.random.default_rng(stream)
        trial = draw(replace(NOISE, features=1), rng)
        months = rng.choice([2.0, 4.0, 6.0], 50)
        is_responder = (rng.random(50) < 0.5) & (trial.times.time > months)
        z = cox_scores(is_responder[:, None].astype(float), trial.times.time, trial.times.event).z
        naive.append(abs(z[0]) > 1.96)
        moved = from_landmark(trial.times, 4.0)
        known = (is_responder & (months <= 4.0)).astype(float)
        z = cox_scores(known[:, None], moved.times.time, moved.times.event).z
        landmark.append(abs(z[0]) > 1.96)
    assert np.mean(landmark) <= bound(1000)
    assert np.mean(naive) > 0.2


POWER = [  # features, hazard ratio per SD, must reach (omics.md, section 16)
    (2000, 3.0, 0.50),
    (50, 2.0, 0.52),
    (20, 1.65, 0.28),
    (20, 1.82, 0.53),
    (20, 2.0, 0.70),
    (10, 2.0, 0.72),
]


@pytest.mark.slow
@pytest.mark.parametrize(("features", "ratio", "reach"), POWER)
def test_a_planted_feature_is_found_as_often_as_the_specification_asks(features, ratio, reach):
    generator = Generator(features=features, hazard_ratio=ratio)

    def found(trial: Trial) -> bool:
        return bool(adjusted(trial, "survival")[0] <= 0.05)

    assert rate(generator, found) >= reach


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "reach"), [(2.46, 0.25), (3.0, 0.50), (3.67, 0.75)])
def test_power_among_twenty_thousand_features(ratio, reach):
    generator = Generator(hazard_ratio=ratio)

    def found(trial: Trial) -> bool:
        return bool(adjusted(trial, "survival")[0] <= 0.05)

    assert rate(generator, found, 60) >= reach


@pytest.mark.slow
def test_the_short_way_of_these_tests_is_what_screen_prints():
    for trial in trials(replace(NOISE, features=300), 3):
        for endpoint in ("survival", "response"):
            for by_batch in (False, True):
                strata = ("batch",) if by_batch else ()
                table = judged(trial, endpoint, strata=strata).table.sort("feature")
                short = adjusted(trial, endpoint, by_batch=by_batch)
                np.testing.assert_array_equal(table["p_adjusted"].to_numpy(), short)


@pytest.mark.slow
def test_a_programme_of_twenty_genes_is_found_among_fifty_scores():
    def found(trial: Trial) -> bool:
        module = np.arange(trial.values.shape[1]) % 100
        rest = [trial.values[:, 20:][:, module[20:] == k].mean(axis=1) for k in range(1, 50)]
        scores = np.column_stack((trial.values[:, :20].mean(axis=1), *rest))
        return bool(adjusted(replace(trial, values=scores), "survival")[0] <= 0.05)

    assert rate(Generator(features=2000, hazard_ratio=2.46, planted=20), found) >= 0.82
