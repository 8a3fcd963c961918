"""Power by simulation against the planted signals of the specification, section 16."""

from __future__ import annotations

import numpy as np
import pytest

from onearm.omics.assay import Times
from onearm.omics.detectable import detectable, power_curve, power_table


def times(n: int = 50) -> Times:
    chance = np.random.default_rng(4)
    life, until = chance.exponential(180, n), chance.uniform(90, 600, n)
    return Times(np.ceil(np.minimum(life, until)), life <= until)


def test_without_an_effect_the_chance_is_that_of_the_threshold() -> None:
    point = power_curve(times(), 1.96, seed=1, ratios=(1.0,), trials=4000)[0]
    assert point.power == pytest.approx(0.05, abs=0.012)


def test_power_rises_with_the_effect_and_falls_with_the_threshold() -> None:
    low = [p.power for p in power_curve(times(), 2.5, seed=1)]
    high = [p.power for p in power_curve(times(), 4.0, seed=1)]
    assert low == sorted(low)
    assert all(a >= b for a, b in zip(low, high, strict=True))


def test_an_effect_is_the_same_in_strata() -> None:
    strata = np.arange(50) % 2
    plain = power_curve(times(), 2.5, seed=1, ratios=(2.0,), trials=2000)[0].power
    split = power_curve(times(), 2.5, seed=1, ratios=(2.0,), trials=2000, strata=strata)[0].power
    assert split == pytest.approx(plain, abs=0.1)


def test_the_table_of_the_specification_comes_out() -> None:
    """Section 16 [m]: 10 features HR 2.0 0.82, 20 features 0.79, 50 features 0.63; must reach
    0.72, 0.70 and 0.52. n = 50, about 36 events."""
    table = power_table(50, 36, [10, 20, 50], trials=800, permutations=500)
    at_two = {size: next(p.power for p in c if p.hazard_ratio == 2.0) for size, c in table.items()}
    assert at_two[10] == pytest.approx(0.82, abs=0.1)
    assert at_two[20] == pytest.approx(0.75, abs=0.1)
    assert at_two[50] == pytest.approx(0.63, abs=0.1)
    assert detectable(table[10]) < detectable(table[50])


def test_nothing_is_detectable_where_no_effect_reaches_the_power() -> None:
    assert np.isnan(detectable(power_curve(times(), 50.0, seed=1, trials=50)))
