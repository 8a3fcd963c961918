"""Intervals and the test of one proportion: published numbers, promises, refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from onearm.stats import (
    INTERVALS,
    InvalidArgument,
    Note,
    exact_test,
    one_sided_limit,
    proportion,
)
from tests.shared import needs_shared, shared
from tests.stats.reference import Differences, rows_of

REPORTABLE = [name for name, interval in INTERVALS.items() if interval.is_reportable]

BINOMIAL = rows_of(shared("statistics", "binomial_ci.csv"))
GRID = rows_of(shared("response_cases", "grid", "expected_proportions.csv"))

COLUMNS = {
    "exact": "cp",
    "wilson": "wilson",
    "blaker": "blaker",
    "midp": "midp",
    "jeffreys": "jeffreys_mod",
    "jeffreys_raw": "jeffreys",
    "agresti_coull": "ac",
    "wald": "wald",
}


@needs_shared
@pytest.mark.parametrize("row", BINOMIAL, ids=lambda r: f"{r['x']}/{r['n']} at {r['level']}")
def test_limits_are_those_of_the_reference(row):
    x, n, level = int(row["x"]), int(row["n"]), float(row["level"])
    differences = Differences()
    for method, column in COLUMNS.items():
        # The peer leaves Agresti-Coull and Wald outside [0, 1]; ours are cut there.
        theirs = max(0.0, float(row[f"{column}_lo"])), min(1.0, float(row[f"{column}_hi"]))
        tolerance = 1e-6 if method == "blaker" else 1e-8 if n >= 10000 else 1e-9
        ours = INTERVALS[method].limits(x, n, level)
        differences.all_same(method, ours, theirs, tolerance)
    for side, column in (("lower", "cp_onesided_lo"), ("upper", "cp_onesided_hi")):
        limit = one_sided_limit(x, n, level=level, side=side).limit
        differences.same(side, limit, float(row[column]))
    differences.same("estimate", proportion(x, n).estimate, float(row["estimate"]))
    differences.check()


@needs_shared
@pytest.mark.parametrize(
    "row", GRID, ids=lambda r: f"{r['param_set']}-{r['x']}/{r['n']} at {r['conf_level']}"
)
def test_limits_and_p_are_those_of_the_grid(row):
    x, n, level = int(row["x"]), int(row["n"]), float(row["conf_level"])
    differences = Differences()
    for method, column in (("exact", "cp"), ("wilson", "wilson"), ("wilson_cc", "wilson_cc")):
        theirs = float(row[f"{column}_lower"]), float(row[f"{column}_upper"])
        differences.all_same(method, INTERVALS[method].limits(x, n, level), theirs)
    p_value, theirs = exact_test(x, n, p0=0.2).p_value, float(row["p_exact_greater_20pct"])
    differences.same("log p", math.log(p_value), math.log(theirs), 1e-10)
    differences.check()


# Newcombe, Statistics in Medicine 17:857-872 (1998), table I: 81 of 263 and 15 of 148, 95 %.
NEWCOMBE = [
    ("exact", 81, 263, 0.2527, 0.3676),
    ("midp", 81, 263, 0.2544, 0.3658),
    ("wilson", 81, 263, 0.2553, 0.3662),
    ("wilson_cc", 81, 263, 0.2535, 0.3682),
    ("wald", 81, 263, 0.2522, 0.3638),
    ("exact", 15, 148, 0.0578, 0.1617),
    ("midp", 15, 148, 0.0601, 0.1581),
    ("wilson", 15, 148, 0.0624, 0.1605),
    ("wilson_cc", 15, 148, 0.0598, 0.1644),
    ("wald", 15, 148, 0.0527, 0.1500),
]


@pytest.mark.parametrize(("method", "x", "n", "low", "high"), NEWCOMBE)
def test_newcombes_table_is_reproduced(method, x, n, low, high):
    limits = INTERVALS[method].limits(x, n, 0.95)
    assert limits == pytest.approx((low, high), abs=5.1e-5)


@pytest.mark.parametrize("name", REPORTABLE)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 9, 24, 50])
def test_every_interval_keeps_the_promises_of_an_interval(name, n, level):
    limits = [INTERVALS[name].limits(x, n, level) for x in range(n + 1)]
    assert all(0 <= low <= x / n <= high <= 1 for x, (low, high) in enumerate(limits))
    assert limits == sorted(limits)
    assert [high for _, high in limits] == sorted(high for _, high in limits)
    for (low, high), (mirror_low, mirror_high) in zip(limits, limits[::-1], strict=True):
        assert (low, high) == pytest.approx((1 - mirror_high, 1 - mirror_low), abs=1e-12)


@pytest.mark.parametrize("name", REPORTABLE)
@given(data=st.data())
def test_a_higher_level_is_wider(name, data):
    n = data.draw(st.integers(1, 120))
    x = data.draw(st.integers(0, n))
    level = data.draw(st.floats(0.5, 0.98))
    narrow = INTERVALS[name].limits(x, n, level)
    wide = INTERVALS[name].limits(x, n, level + 0.01)
    assert wide[0] <= narrow[0] + 1e-12
    assert wide[1] >= narrow[1] - 1e-12


@pytest.mark.slow
@given(n=st.integers(1, 80), data=st.data(), level=st.floats(0.5, 0.99))
def test_blaker_lies_inside_clopper_pearson_and_judges_by_acceptability(n, data, level):
    x = data.draw(st.integers(0, n))
    low, high = INTERVALS["blaker"].limits(x, n, level)
    outer_low, outer_high = INTERVALS["exact"].limits(x, n, level)
    assert outer_low - 1e-12 <= low <= high <= outer_high + 1e-12
    for p in (low / 2, low * (1 - 1e-6), 1 - (1 - high) * (1 - 1e-6), (1 + high) / 2):
        if 0 < p < 1 and not low <= p <= high:
            assert acceptability(x, n, p) <= (1 - level) * (1 + 1e-9)


def acceptability(x: int, n: int, p: float) -> float:
    """P_p(the smaller tail of X is at most that of x), by adding up outcomes."""
    tails = [min(binom.cdf(k, n, p), binom.sf(k - 1, n, p)) for k in range(n + 1)]
    seen = tails[x] * (1 + 1e-12)
    return sum(binom.pmf(k, n, p) for k in range(n + 1) if tails[k] <= seen)


def test_ahern_decisions_follow_from_the_exact_test():
    # A'Hern (2001), table 1: 8 of 40 for 10 % and 12 of 35 for 20 %; 17 of 39 for 30 % has
    # alpha .04998, which passes .05 without slack.
    assert exact_test(8, 40, p0=0.10).p_value <= 0.05 < exact_test(7, 40, p0=0.10).p_value
    assert exact_test(12, 35, p0=0.20).p_value <= 0.05 < exact_test(11, 35, p0=0.20).p_value
    assert exact_test(17, 39, p0=0.30).p_value == pytest.approx(0.04998, abs=5e-6)


def test_a_small_p_value_is_not_rounded_to_zero():
    assert exact_test(50, 50, p0=0.1).p_value == pytest.approx(1e-50, rel=1e-9)
    assert exact_test(0, 50, p0=0.1).p_value == 1.0


def test_a_result_carries_its_method_level_and_side():
    result = proportion(12, 50, level=0.9, method="blaker")
    assert (result.method, result.title, result.level) == ("blaker", "Blaker", 0.9)
    assert (result.sides, result.notes) == ("two-sided", ())
    assert one_sided_limit(1, 9).sides == "one-sided"
    assert exact_test(1, 9, p0=0.2).sides == "one-sided"
    assert proportion(1, 4).notes == (Note.N_TOO_SMALL,)


def test_wald_and_t_are_offered_by_name_only():
    assert {"wald", "t", "jeffreys_raw"}.isdisjoint(REPORTABLE)
    assert INTERVALS["wald"].limits(0, 20, 0.95) == (0.0, 0.0)
    # t with 1 degree of freedom: 12.706 * sqrt(1/2 * 1/2 / 1), cut to [0, 1].
    assert INTERVALS["t"].limits(1, 2, 0.95) == (0.0, 1.0)
    assert INTERVALS["t"].limits(1, 2, 0.5) == pytest.approx((0.0, 1.0))


def test_an_uncorrected_interval_is_used_where_x_is_half_of_n():
    assert INTERVALS["wilson_cc"].limits(5, 10, 0.9) == INTERVALS["wilson"].limits(5, 10, 0.9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: proportion(0, 0), "n is 0; it must be an integer of at least 1"),
        (lambda: proportion(6, 5), "x is 6; it must be an integer of at least 0 and at most 5"),
        (lambda: proportion(-1, 5), "x is -1; it must be an integer of at least 0 and at most 5"),
        (lambda: proportion(1.5, 5), "x is 1.5; it must be an integer of at least 0"),
        (lambda: proportion(True, 5), "x is True; it must be an integer"),
        (lambda: proportion("3", 5), "x is '3'; it must be an integer"),
        (
            lambda: proportion(1, 5, level=95),
            "level is 95; it must be a number between 0 and 1, both excluded",
        ),
        (lambda: proportion(1, 5, level=1.0), "level is 1.0; it must be a number between 0 and 1"),
        (lambda: proportion(1, 5, method="cp"), "method is 'cp'; it must be one of exact, wilson"),
        (
            lambda: one_sided_limit(1, 5, side="both"),
            "side is 'both'; it must be one of lower, upper",
        ),
        (lambda: exact_test(1, 5, p0=0.0), "p0 is 0.0; it must be a number between 0 and 1"),
        (lambda: exact_test(1, 5, p0=math.nan), "p0 is nan; it must be a number between 0 and 1"),
        (lambda: INTERVALS["t"].limits(1, 1, 0.9), "n is 1; it must be an integer of at least 2"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value).startswith(message)
