"""On noise findings are as rare as they should be; planted signals are found as often as known.

The lines and their limits are those of omics.md, sections 15 and 16, as `calibration` states them
and ``benchmarks/biomarkers_calibration.py`` prints them; here the quick version of 200 trials with
2,000 features. Nested prediction has its own tests.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onearm.omics.calibration import (
    NAN,
    QUESTIONS,
    Line,
    Rate,
    adjusted,
    nested,
    null_lines,
    power_lines,
    rates,
)
from onearm.omics.nulls import Generator, Trial, bound, draw
from onearm.omics.screen import Family, Screened, screen
from onearm.pieces import Workers, streams

TRIALS = 200
SEED = 15
NOISE = Generator(features=2000)
NULL = {line.name: line for line in null_lines(2000)}
PLANTED = {line.name: line for line in power_lines(20_000)}
LARGE = [name for name in PLANTED if name.startswith("20,000")]


def rate_of(line: Line, trials: int = TRIALS) -> Rate:
    return next(rates([line], trials, seed=SEED))


@pytest.mark.slow
@pytest.mark.parametrize("name", NULL)
def test_noise_gives_a_finding_in_one_trial_of_twenty(name: str) -> None:
    rate = rate_of(NULL[name])
    assert rate.is_kept, rate.share


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PLANTED if name not in LARGE])
def test_what_is_planted_is_found_as_often_as_the_specification_asks(name: str) -> None:
    rate = rate_of(PLANTED[name])
    assert rate.is_kept, rate.share


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_power_among_twenty_thousand_features(name: str) -> None:
    rate = rate_of(PLANTED[name], 60)
    assert rate.is_kept, rate.share


@pytest.mark.slow
def test_scattered_missing_values_do_not_break_the_error_rate() -> None:
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
        return float(result.table["p_adjusted"].min()) <= 0.05  # type: ignore[arg-type]  # numbers

    made = replace(NOISE, features=300)
    cohorts = [draw(made, np.random.default_rng(stream)) for stream in streams(SEED, TRIALS)]
    assert np.mean([found(trial) for trial in cohorts]) <= bound(TRIALS)


def judged(trial: Trial, endpoint: str, *strata: str) -> Screened:
    family = Family("", (trial.block(),), (endpoint,), strata=strata)
    return screen(family, trial.outcomes(), seed=1, permutations=399, most=399)


@pytest.mark.slow
def test_the_short_way_of_these_tests_is_what_screen_prints() -> None:
    for features in (300, 2000):
        for stream in streams(SEED, 2):
            trial = draw(replace(NOISE, features=features), np.random.default_rng(stream))
            for endpoint in ("survival", "response"):
                for by_batch in (False, True):
                    strata = ("batch",) if by_batch else ()
                    table = judged(trial, endpoint, *strata).table.sort("feature")
                    short = adjusted(trial, endpoint, by_batch=by_batch)
                    np.testing.assert_array_equal(table["p_adjusted"].to_numpy(), short)


def test_a_rate_is_judged_by_its_own_limits() -> None:
    noise = Line("noise", NOISE, "survival", 0.02, NAN)
    judged_as = {found: Rate(noise, found, 200).is_kept for found in (3, 4, 16, 17)}
    assert judged_as == {3: False, 4: True, 16: True, 17: False}
    assert Rate(Line("planted", NOISE, "planted", 0.7), 200, 200).is_kept


def test_every_question_is_put_by_some_line_and_every_line_puts_one() -> None:
    assert {line.question for line in (*NULL.values(), *PLANTED.values())} == set(QUESTIONS)


@pytest.mark.slow
def test_two_workers_find_the_same_in_the_same_trials() -> None:
    lines = [
        Line("strong", Generator(features=10, hazard_ratio=4.0), "planted"),
        Line("joint", Generator(features=5), "joint"),
    ]
    one = list(rates(lines, 24, seed=3))
    two = list(rates(lines, 24, seed=3, workers=Workers("processes", 2)))
    assert one == two
    assert one[0].share > 0.8


def test_nested_prediction_finds_genes_that_are_far_apart() -> None:
    generator = Generator(features=200, modules=200, shifted=50, shift=1.5)
    found = nested(generator, 3, seed=1, permutations=19)
    assert [one.p for one in found] == [0.05] * 3
    assert min(one.auc for one in found) > 0.9
