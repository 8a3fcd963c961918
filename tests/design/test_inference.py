"""After two stages: every reference outcome, the promises of an estimate, changed stages."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.design import (
    TwoStage,
    after_two_stages,
    changed_first_stage,
    changed_second_stage,
    two_stage,
)
from onearm.design.inference import as_bad, as_good, umvue
from onearm.stats import InvalidArgument, Note
from tests.design.reference import differences, label, rows

DEFAULT = two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)


def design_of(row: dict) -> TwoStage:
    p1 = row.get("p1", (1 + row["p0"]) / 2)
    return two_stage(**{name: row[name] for name in ("r1", "n1", "r", "n", "p0")}, p1=p1)


def outcomes(design: TwoStage) -> list[tuple[int, int]]:
    """(stage, k), from the worst to the best."""
    first = [(1, k) for k in range(design.r1 + 1)]
    return first + [(2, k) for k in range(design.r1 + 1, design.n + 1)]


@pytest.mark.parametrize("row", rows("two_stage_inference"), ids=label)
def test_the_reference_outcomes_are_reproduced(row):
    design = design_of(row)
    cases = [(row["level"], one) for one in row.get("rows", [])]
    cases += [(0.95, one) for one in row.get("rows_95", [])]
    assert cases
    found = []
    for level, theirs in cases:
        result = after_two_stages(design, theirs["k"], stage=theirs["stage"], level=level)
        ours = {
            "umvue": result.estimate,
            "p_value": result.p_value,
            "lower": result.lower,
            "upper_jung": result.upper,
            "upper_koyama_chen": result.upper_koyama_chen,
            "median_unbiased_kc": result.median_koyama_chen,
            "median_unbiased_midpoint": result.median_unbiased,
            "mle": result.naive.estimate,
        }
        found += [f"k={theirs['k']} {text}" for text in differences(ours, theirs, 1e-9)]
        exact = differences({"p_value": result.p_value}, theirs, 1e-10)
        naive = [result.naive.lower, result.naive.upper]
        assert not exact
        assert naive == pytest.approx(theirs["naive_cp"], abs=1e-9)
    assert not found, "\n".join(found)


designs = st.tuples(st.integers(4, 25), st.integers(2, 30)).flatmap(
    lambda sizes: st.tuples(
        st.just(sizes), st.integers(0, sizes[0] - 1), st.integers(0, sizes[1] - 1)
    )
)


def made(parts: tuple) -> TwoStage:
    (n1, n2), r1, more = parts
    return two_stage(r1=r1, n1=n1, r=min(r1 + more, n1 + n2 - 1), n=n1 + n2, p0=0.1, p1=0.3)


@settings(max_examples=50, deadline=None)
@given(parts=designs, p=st.floats(0.01, 0.99))
def test_the_estimate_is_unbiased(parts, p):
    design = made(parts)
    n1, n2 = design.n1, design.n - design.n1
    total = 0.0
    for stage, k in outcomes(design):
        if stage == 1:
            chance = comb(n1, k) * p**k * (1 - p) ** (n1 - k)
        else:
            ways = sum(
                comb(n1, x1) * comb(n2, k - x1)
                for x1 in range(design.r1 + 1, n1 + 1)
                if 0 <= k - x1 <= n2
            )
            chance = ways * p**k * (1 - p) ** (design.n - k)
        total += chance * umvue(design, k, stage=stage)
    assert total == pytest.approx(p, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(parts=designs, p=st.floats(0.01, 0.99))
def test_the_p_value_and_the_chance_of_a_worse_outcome_make_one(parts, p):
    design = made(parts)
    order = outcomes(design)
    for (stage, k), (better_stage, better_k) in pairwise(order):
        worse = as_bad(design, k, p, stage=stage)
        assert worse + as_good(design, better_k, p, stage=better_stage) == pytest.approx(
            1, abs=1e-12
        )
    assert as_good(design, 0, p, stage=1) == pytest.approx(1, abs=1e-12)
    assert as_bad(design, design.n, p, stage=2) == pytest.approx(1, abs=1e-12)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(parts=designs)
def test_better_outcomes_have_higher_limits_and_smaller_p_values(parts):
    design = made(parts)
    results = [after_two_stages(design, k, stage=stage) for stage, k in outcomes(design)]
    p_values = [result.p_value for result in results]
    assert p_values == sorted(p_values, reverse=True)
    for one, next_one in pairwise(results):
        assert one.lower <= next_one.lower + 1e-12
        assert one.upper <= next_one.upper + 1e-12
    assert all(0 <= one.lower <= one.median_unbiased <= one.upper <= 1 for one in results)


def test_the_decision_and_the_90_percent_limit_agree_where_the_naive_one_does_not():
    result = after_two_stages(DEFAULT, 9, stage=2, level=0.90)
    assert result.is_promising
    assert result.p_value == pytest.approx(0.0482, abs=5e-5)
    assert result.lower == pytest.approx(0.1007, abs=5e-5)
    assert result.naive.lower == pytest.approx(0.0972, abs=5e-5)
    assert result.naive.notes == (Note.DESIGN_IGNORED,)
    assert "the treatment is considered promising" in result.sentence()


@pytest.mark.parametrize(("k", "promising"), [(8, False), (9, True), (10, True)])
def test_the_final_decision_turns_at_nine_of_fifty(k, promising):
    assert after_two_stages(DEFAULT, k, stage=2).is_promising is promising


def test_no_responder_has_a_lower_limit_of_0_and_no_koyama_chen_limit():
    result = after_two_stages(DEFAULT, 0, stage=1)
    assert (result.lower, result.upper_koyama_chen, result.p_value) == (0.0, None, 1.0)
    assert after_two_stages(DEFAULT, 50, stage=2).upper == 1.0


def test_the_estimate_does_not_overflow_with_many_patients():
    design = two_stage(r1=150, n1=600, r=420, n=1500, p0=0.25, p1=0.3)
    assert 0.2 < umvue(design, 440, stage=2) < 0.4


@pytest.mark.parametrize(
    ("k", "stage", "message"),
    [
        (3, 1, "k is 3; it must be an integer of at least 0 and at most 2"),
        (2, 2, "k is 2; it must be an integer of at least 3 and at most 50"),
        (51, 2, "k is 51"),
        (-1, 1, "k is -1"),
        (5, 3, "stage is 3; it must be 1 or 2"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(k, stage, message):
    with pytest.raises(InvalidArgument, match=message):
        after_two_stages(DEFAULT, k, stage=stage)


@pytest.mark.parametrize("row", rows("koyama_chen_changed_stage2"), ids=label)
def test_the_reference_of_a_changed_second_stage_is_reproduced(row):
    result = changed_second_stage(design_of(row), x1=row["x1"], x2=row["x2"], m2=row["m2"])
    ours = {
        "cond_p": result.conditional_p,
        "cond_type1": result.conditional_alpha,
        "pi_star": result.pi,
        "p_value": result.p_value,
        "x2_needed": result.needs,
    }
    assert not differences(ours, row, 1e-9)
    assert result.is_promising is row["reject"]


def test_an_unchanged_second_stage_gives_the_exact_p_value():
    for x2 in range(4, 12):
        changed = changed_second_stage(DEFAULT, x1=4, x2=x2, m2=30)
        exact = after_two_stages(DEFAULT, 4 + x2, stage=2)
        assert changed.is_promising is exact.is_promising
    at_cut = changed_second_stage(DEFAULT, x1=4, x2=5, m2=30)
    assert at_cut.p_value == pytest.approx(DEFAULT.alpha, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(m2=st.integers(1, 45))
def test_a_changed_second_stage_keeps_the_error_of_the_plan(m2):
    p, total = DEFAULT.p0, 0.0
    for x1 in range(DEFAULT.r1 + 1, DEFAULT.n1 + 1):
        chance = comb(20, x1) * p**x1 * (1 - p) ** (20 - x1)
        needs = changed_second_stage(DEFAULT, x1=x1, x2=0, m2=m2).needs
        if needs is not None:
            win = sum(comb(m2, x) * p**x * (1 - p) ** (m2 - x) for x in range(needs, m2 + 1))
            total += chance * win
    assert total <= DEFAULT.alpha + 1e-12


def test_a_first_stage_that_had_succeeded_already_has_no_p_value():
    result = changed_second_stage(DEFAULT, x1=10, x2=0, m2=5)
    assert (result.is_promising, result.pi, result.p_value, result.needs) == (True, None, None, 0)


def test_a_first_stage_that_could_no_longer_succeed_has_no_p_value():
    demanding = two_stage(r1=2, n1=20, r=48, n=50, p0=0.10, p1=0.25)
    result = changed_second_stage(demanding, x1=3, x2=3, m2=3)
    assert (result.is_promising, result.p_value, result.needs) == (False, None, None)
    assert "p = not defined" in result.sentence()


@pytest.mark.parametrize("row", rows("changed_sample_size_ats"), ids=label)
def test_the_reference_of_changed_sizes_is_reproduced(row):
    found = changed_first_stage(
        design_of(row), n1=row["n1_star"], n=row["n_star"], alpha=row["alpha"]
    )
    new, printed = found.adjusted, row["result"]
    assert (new.r1, new.r, new.n1, new.n) == tuple(
        printed[name] for name in ("r1*", "r*", "n1*", "n*")
    )
    assert not differences({"alpha": new.alpha, "power": new.power}, row["exact"], 1e-10)
    assert found.alpha_allowed == pytest.approx(printed["alpha(n*)"], abs=5.1e-4)
    assert Note.STAGE_SIZE_CHANGED in found.notes


def test_the_overrun_of_the_default_design_is_shown_both_ways():
    one_more = changed_first_stage(DEFAULT, n1=21)
    assert one_more.kept.alpha == pytest.approx(0.04997, abs=5e-6)
    two_more = changed_first_stage(DEFAULT, n1=22)
    assert two_more.kept.alpha == pytest.approx(0.0515, abs=5e-5)
    assert two_more.adjusted.alpha <= 0.05
    assert "Adjusted" in two_more.sentence()


def test_sizes_without_any_cut_offer_none():
    tiny = two_stage(r1=0, n1=2, r=1, n=3, p0=0.6, p1=0.9)
    assert changed_first_stage(tiny, n1=1, n=2, alpha=0.01).adjusted is None


def test_the_naive_estimate_is_biased_downwards_and_ours_is_not():
    p, n1, n2 = 0.2, 20, 30
    naive = ours = 0.0
    for x1 in range(n1 + 1):
        first = comb(n1, x1) * p**x1 * (1 - p) ** (n1 - x1)
        if x1 <= 2:
            naive += first * x1 / n1
            ours += first * umvue(DEFAULT, x1, stage=1)
            continue
        for x2 in np.arange(n2 + 1):
            both = first * comb(n2, int(x2)) * p ** int(x2) * (1 - p) ** int(n2 - x2)
            naive += both * (x1 + x2) / 50
            ours += both * umvue(DEFAULT, int(x1 + x2), stage=2)
    assert naive < p - 0.01
    assert ours == pytest.approx(p, abs=1e-12)
