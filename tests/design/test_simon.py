"""Simon's designs: every reference set, brute force, direct enumeration, the edges."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.design import NoDesign, TwoStage, simon, simon_at, two_stage
from onearm.stats import InvalidArgument, Note
from tests.design.reference import differences, label, rows


def masses(n: int, p: float) -> list[float]:
    return [comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]


def enumerate_all(design: TwoStage, p: float) -> tuple[float, float, float]:
    """P(reject), P(stop) and E(n) by listing every pair (x1, x2)."""
    reject = stop = 0.0
    second = masses(design.n - design.n1, p)
    for x1, chance in enumerate(masses(design.n1, p)):
        if x1 <= design.r1:
            stop += chance
            continue
        reject += sum(chance * more for x2, more in enumerate(second) if x1 + x2 > design.r)
    return reject, stop, design.n1 * stop + design.n * (1 - stop)


def cuts(design: TwoStage) -> tuple[int, int, int, int]:
    return design.r1, design.n1, design.r, design.n


@pytest.mark.parametrize("row", rows("simon_designs"), ids=label)
def test_the_reference_designs_are_found(row):
    found = simon(
        p0=row["p0"],
        p1=row["p1"],
        alpha=row["alpha_max"],
        beta=row["beta_max"],
        n_max=row["nmax"],
    )
    for kind in ("optimal", "minimax"):
        design, theirs = getattr(found, kind), row[kind]
        assert cuts(design) == tuple(theirs[name] for name in ("r1", "n1", "r", "n"))
        ours = {
            "alpha": design.alpha,
            "power": design.power,
            "EN0": design.en0,
            "EN1": design.en1,
            "PET0": design.pet0,
            "PET1": design.pet1,
        }
        assert not differences(ours, theirs, 1e-10)


@pytest.mark.parametrize(
    "row", [row for row in rows("simon_designs") if "admissible" in row], ids=label
)
def test_the_reference_admissible_designs_are_found(row):
    found = simon(
        p0=row["p0"],
        p1=row["p1"],
        alpha=row["alpha_max"],
        beta=row["beta_max"],
        n_max=row["nmax"],
    )
    theirs = row["admissible"]
    ours = [cuts(one.design) for one in found.admissible]
    assert ours == [(one["r1"], one["n1"], one["r"], one["n"]) for one in theirs]
    for mine, other in zip(found.admissible, theirs, strict=True):
        weights = {"q_low": mine.q_low, "q_high": mine.q_high}
        assert not differences(weights, other, 1e-10)


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "beta", "optimal", "minimax"),
    [
        # Simon (1989), table 1: the first row of each pair of rates and errors.
        (0.05, 0.25, 0.10, 0.10, (0, 9, 2, 24), (0, 13, 2, 20)),
        (0.10, 0.30, 0.05, 0.20, (1, 10, 5, 29), (1, 15, 5, 25)),
        (0.20, 0.40, 0.05, 0.20, (3, 13, 12, 43), (4, 18, 10, 33)),
        (0.30, 0.50, 0.05, 0.20, (5, 15, 18, 46), (6, 19, 16, 39)),
    ],
)
def test_the_published_designs_are_found(p0, p1, alpha, beta, optimal, minimax):
    found = simon(p0=p0, p1=p1, alpha=alpha, beta=beta)
    assert cuts(found.optimal) == optimal
    assert cuts(found.minimax) == minimax


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "beta"),
    [(0.1, 0.4, 0.1, 0.1), (0.05, 0.25, 0.1, 0.1), (0.5, 0.8, 0.05, 0.2), (0.2, 0.5, 0.05, 0.15)],
)
def test_no_design_found_by_brute_force_is_better(p0, p1, alpha, beta):
    best, smallest = np.inf, None
    for n in range(2, 31):
        for n1 in range(1, n):
            first0, first1 = np.array(masses(n1, p0)), np.array(masses(n1, p1))
            second0, second1 = np.array(masses(n - n1, p0)), np.array(masses(n - n1, p1))
            joint0, joint1 = np.outer(first0, second0), np.outer(first1, second1)
            total = np.add.outer(np.arange(n1 + 1), np.arange(n - n1 + 1))
            for r1 in range(n1):
                if first1[: r1 + 1].sum() > beta:
                    break
                size = n1 + (n - n1) * (1 - first0[: r1 + 1].sum())
                if smallest is not None and size >= best:
                    continue
                for r in range(r1, n):
                    win = total[r1 + 1 :] > r
                    if joint1[r1 + 1 :][win].sum() < 1 - beta:
                        break
                    if joint0[r1 + 1 :][win].sum() <= alpha:
                        best, smallest = min(best, size), smallest or n
    found = simon(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=30)
    assert found.optimal.en0 == pytest.approx(best, abs=1e-10)
    assert found.minimax.n == smallest


@settings(max_examples=40, deadline=None)
@given(
    p0=st.floats(0.03, 0.7),
    gain=st.floats(0.15, 0.28),
    alpha=st.floats(0.02, 0.2),
    beta=st.floats(0.05, 0.3),
)
def test_the_errors_attained_never_exceed_those_asked_for(p0, gain, alpha, beta):
    p1 = p0 + gain
    found = simon(p0=p0, p1=p1, alpha=alpha, beta=beta)
    for design in (found.optimal, found.minimax, *(one.design for one in found.admissible)):
        reject0, stop0, size0 = enumerate_all(design, p0)
        reject1, _, _ = enumerate_all(design, p1)
        assert reject0 == pytest.approx(design.alpha, abs=1e-10)
        assert reject1 == pytest.approx(design.power, abs=1e-10)
        assert stop0 == pytest.approx(design.pet0, abs=1e-10)
        assert size0 == pytest.approx(design.en0, abs=1e-10)
        assert design.alpha <= alpha
        assert design.power >= 1 - beta
        assert design.alpha <= design.alpha_non_binding + 1e-12
    sizes = [one.design.n for one in found.admissible]
    assert sizes == sorted(set(sizes))
    assert found.optimal.en0 <= found.minimax.en0


def test_given_the_size_the_list_trades_power_for_expected_size():
    designs = simon_at(50, p0=0.10, p1=0.25, beta=0.15)
    powers = [design.power for design in designs]
    sizes = [design.en0 for design in designs]
    assert powers == sorted(powers, reverse=True)
    assert sizes == sorted(sizes, reverse=True)
    assert cuts(designs[-1]) == (2, 20, 8, 50)
    assert all(design.alpha <= 0.05 for design in designs)


def test_given_a_size_without_such_power_the_best_power_is_named():
    # The one-stage test with 5 of 20 has all the power there is: 1 - .4148 by the tables.
    with pytest.raises(NoDesign, match=r"of 20 patients .* best power reached is 0\.5852"):
        simon_at(20, p0=0.10, p1=0.25, beta=0.2)


def test_a_size_at_which_no_rule_keeps_alpha_says_so():
    with pytest.raises(NoDesign, match="no rule of this kind keeps the type I error"):
        simon_at(5, p0=0.4, p1=0.5, alpha=0.001)


def test_an_infeasible_search_ends_and_says_what_to_try():
    with pytest.raises(NoDesign, match=r"n_max = 30 .* Try n_max = \d+") as caught:
        simon(p0=0.10, p1=0.20, n_max=30)
    assert 0 < caught.value.best_power < 0.8
    assert simon(p0=0.10, p1=0.20, n_max=caught.value.try_n).minimax.n > 30


def test_an_optimum_close_to_the_limit_is_remarked():
    close = simon(p0=0.10, p1=0.25, beta=0.15, n_max=52)
    assert close.optimal.remarks == ("the optimum lies within 10 of n_max = 52: search further",)
    assert not simon(p0=0.10, p1=0.25, beta=0.15, n_max=80).optimal.remarks


def test_equal_cuts_are_computed_from_the_definition():
    design = two_stage(r1=3, n1=10, r=3, n=12, p0=0.1, p1=0.5)
    assert design.alpha == pytest.approx(enumerate_all(design, 0.1)[0], abs=1e-15)
    assert design.alpha > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n1": 50}, "n1 is 50; it must be an integer of at least 1 and at most 49"),
        ({"r1": 20}, "r1 is 20; it must be an integer of at least 0 and at most 19"),
        ({"r": 50}, "r is 50"),
        ({"r": 1}, "r is 1; it must be at least r1 = 2"),
        ({"n": 1.5}, "n is 1.5; it must be an integer of at least 2"),
        ({"p1": 0.1}, "p1 must exceed p0"),
    ],
)
def test_impossible_designs_are_refused(change, message):
    values = {"r1": 2, "n1": 20, "r": 8, "n": 50, "p0": 0.1, "p1": 0.25} | change
    with pytest.raises(InvalidArgument, match=message):
        two_stage(**values)


def test_the_sentence_states_the_rule_and_that_the_stop_binds():
    design = simon(p0=0.10, p1=0.25, beta=0.15).optimal
    assert design.notes == (Note.BINDING_FUTILITY_ASSUMED,)
    sentence = design.sentence()
    assert "stops for futility if 2 or fewer respond" in sentence
    assert "at least 9 of 50" in sentence
    assert "if it were overruled the type I error would be 0.0579" in sentence
