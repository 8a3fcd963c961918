"""Cox, Firth, concordance and proportional hazards: references, published fits, edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm.stats import (
    InvalidArgument,
    Note,
    baseline_hazard,
    concordance,
    concordance_index,
    cox,
    firth,
    log_rank,
    proportional_hazards,
)
from tests.shared import needs_shared
from tests.stats.leukaemia import IS_PLACEBO, RELAPSE, WEEKS
from tests.stats.reference import SURVIVAL, Differences, dataset, expected, names_with

OUR_TIES = {"breslow": "breslow", "efron": "efron", "exact": "exact_discrete"}


def fits_of(name):
    """Every reference fit of a data set: (ties, formula, our fit, the answers)."""
    data = dataset(name)
    for spec in expected(name)["cox"]:
        terms = spec["formula"].split("~")[1].split("+")
        columns = {t: np.log(data["bili"]) if t == "log(bili)" else data[t] for t in terms}
        for theirs, ours in OUR_TIES.items():
            fit = cox(data["time"], data["status"], columns, ties=ours)
            yield ours, spec["formula"], fit, spec[theirs]


@needs_shared
@pytest.mark.parametrize("name", names_with("cox"))
def test_coefficients_and_tests_are_those_of_the_reference(name):
    differences = Differences()
    for ties, formula, fit, theirs in fits_of(name):
        what = (ties, formula)
        for term, coefficient, std_err in zip(fit.terms, theirs["coef"], theirs["se"], strict=True):
            differences.same((*what, term.name), term.coefficient / coefficient, 1.0, 1e-6)
            differences.same((*what, term.name, "se"), term.std_err / std_err, 1.0, 1e-6)
        logliks = (fit.loglik_null, fit.loglik)
        differences.all_same((*what, "loglik"), logliks, theirs["loglik"], 1e-8)
        for test, key in (
            (fit.likelihood_ratio, "lr"),
            (fit.wald, "wald"),
            (fit.score, "score"),
        ):
            differences.same((*what, key), test.statistic, theirs[key], 1e-6)
        differences.all_same(what, (fit.n, fit.events), (theirs["n"], theirs["nevent"]))
    differences.check()


@needs_shared
@pytest.mark.parametrize("name", names_with("cox"))
def test_concordance_is_that_of_the_reference(name):
    differences = Differences()
    for ties, formula, fit, theirs in fits_of(name):
        if "concordance" not in theirs:
            continue
        found = concordance(fit)
        differences.same((ties, formula), found.value, theirs["concordance"], 1e-8)
        differences.same((ties, formula, "se"), found.std_err, theirs["concordance_se"], 1e-8)
        counts = (
            found.concordant,
            found.discordant,
            found.tied_predictor,
            found.tied_time,
            found.tied_both,
        )
        theirs_counts = theirs["concordance_counts"].values()
        differences.all_same((ties, formula, "pairs"), counts, theirs_counts)
    differences.check()


@needs_shared
@pytest.mark.parametrize("name", names_with("cox"))
def test_proportionality_and_baseline_are_those_of_the_reference(name):
    differences = Differences()
    for ties, formula, fit, theirs in fits_of(name):
        if "zph" in theirs:
            tests = proportional_hazards(fit)
            statistics = [test.statistic for test in tests]
            differences.all_same((ties, formula), statistics, theirs["zph"]["chisq"], 1e-6)
            differences.all_same((ties, formula), [t.df for t in tests], theirs["zph"]["df"])
        if "basehaz" in theirs:
            found = baseline_hazard(fit, at={term.name: 0.0 for term in fit.terms})
            place = np.searchsorted(found.time, theirs["basehaz"]["time"], side="right")
            ours = np.concatenate(([0.0], found.hazard))[place]
            differences.all_same((ties, "H0"), ours, theirs["basehaz"]["hazard"], 1e-6)
    differences.check()


@needs_shared
@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_time_varying_columns_are_those_of_the_reference(ties):
    data, answers, differences = dataset("heart_tv"), expected("heart_tv"), Differences()
    rows = (data["stop"], data["event"])
    for key, terms in ((ties, ["transplant"]), (f"{ties}_adj", ["transplant", "age", "surgery"])):
        fit = cox(*rows, {t: data[t] for t in terms}, entry=data["start"], ties=ties)
        theirs = answers[key]
        coefficients = [term.coefficient for term in fit.terms]
        differences.all_same(key, coefficients, np.atleast_1d(theirs["coef"]), 1e-8)
        std_errs = [term.std_err for term in fit.terms]
        differences.all_same(key, std_errs, np.atleast_1d(theirs["se"]), 1e-8)
        logliks = (fit.loglik_null, fit.loglik)
        differences.all_same(key, logliks, theirs["loglik"], 1e-8)
        if "score" in theirs:
            differences.same(key, fit.score.statistic, theirs["score"], 1e-8)
            differences.same(key, fit.wald.statistic, theirs["wald"], 1e-8)
    differences.check()


@needs_shared
def test_firth_fits_are_those_of_the_reference():
    import json

    differences = Differences()
    for theirs in json.loads((SURVIVAL / "firth_cox.json").read_text()):
        data, what = dataset(theirs["dataset"]), theirs["formula"]
        fit = firth(data["time"], data["status"], {t: data[t] for t in theirs["terms"]})
        for place, term in enumerate(fit.terms):
            differences.same((what, "b"), term.coefficient, theirs["coef"][place], 1e-5)
            differences.same((what, "se"), term.std_err, theirs["se"][place], 1e-5)
            differences.same((what, "p"), term.p_value, theirs["prob"][place], 1e-4)
            for ours, key in ((term.lower, "lower"), (term.upper, "upper")):
                ratio = ours / theirs[f"profile_{key}_exp"][place]
                differences.same((what, key), ratio, 1.0, 1e-3)
        differences.all_same(what, (fit.loglik_null, fit.loglik), theirs["loglik"], 1e-6)
    differences.check()


@pytest.mark.parametrize(
    ("ties", "coefficient", "std_err"),
    [("breslow", 1.509, 0.410), ("efron", 1.572, 0.412), ("exact_discrete", 1.628, 0.433)],
)
def test_the_published_fits_of_6_mp_are_reproduced(ties, coefficient, std_err):
    # Allison, Survival Analysis Using SAS (1995); Kalbfleisch and Prentice (2002), section 4.
    term = cox(WEEKS, RELAPSE, {"placebo": IS_PLACEBO}, ties=ties).terms[0]
    assert term.coefficient == pytest.approx(coefficient, abs=1e-3)
    assert term.std_err == pytest.approx(std_err, abs=1e-3)
    assert term.hazard_ratio == pytest.approx(math.exp(term.coefficient))
    assert term.lower < term.hazard_ratio < term.upper


def test_the_discrete_score_test_is_the_log_rank_test():
    fit = cox(WEEKS, RELAPSE, {"placebo": IS_PLACEBO}, ties="exact_discrete")
    assert fit.score.statistic == pytest.approx(log_rank(WEEKS, RELAPSE, IS_PLACEBO).statistic)


ROWS = st.lists(
    st.tuples(st.integers(1, 8), st.booleans(), st.integers(-3, 3)), min_size=8, max_size=25
)


@settings(max_examples=40)
@given(rows=ROWS, ties=st.sampled_from(list(OUR_TIES.values())))
def test_a_coefficient_changes_sign_with_its_column(rows, ties):
    time, event, column = zip(*rows, strict=True)
    if len(set(column)) < 2:
        return
    plus = cox(time, event, {"x": column}, ties=ties)
    minus = cox(time, event, {"x": [-x for x in column]}, ties=ties)
    a, b = plus.terms[0].coefficient, minus.terms[0].coefficient
    assert (a is None) == (b is None)
    if a is not None:
        assert a == pytest.approx(-b, abs=1e-6)


@pytest.mark.parametrize("ties", list(OUR_TIES.values()))
def test_entry_at_0_changes_nothing(ties):
    columns = {"placebo": IS_PLACEBO}
    plain = cox(WEEKS, RELAPSE, columns, ties=ties)
    entered = cox(WEEKS, RELAPSE, columns, ties=ties, entry=[0] * 42)
    assert entered.terms[0].coefficient == pytest.approx(plain.terms[0].coefficient, rel=1e-9)
    if ties != "exact_discrete":
        assert concordance(entered) == concordance(plain)
        assert proportional_hazards(entered)[0].statistic == pytest.approx(
            proportional_hazards(plain)[0].statistic
        )


MONOTONE = ([5, 6, 7, 8, 9, 10, 11, 12], [1, 1, 1, 1, 0, 0, 0, 0])
MARKER = [0, 0, 0, 0, 0, 1, 1, 1]
AGE = [60, 50, 70, 65, 55, 62, 58, 71]


@pytest.mark.parametrize("ties", list(OUR_TIES.values()))
def test_a_coefficient_without_bound_is_missing_and_firth_is_offered(ties):
    fit = cox(*MONOTONE, {"marker": MARKER, "age": AGE}, ties=ties)
    marker, age = fit.terms
    assert (marker.coefficient, marker.hazard_ratio, marker.lower, marker.p_value) == (None,) * 4
    assert marker.reason == "no finite estimate (no event among marker = 1); see firth"
    assert age.coefficient is not None
    assert (fit.wald.statistic, fit.wald.p_value) == (None, None)
    assert fit.likelihood_ratio.statistic > 0
    assert set(fit.notes) == {Note.NO_FINITE_ESTIMATE, Note.FEW_EVENTS}


def test_firth_is_finite_where_cox_is_not():
    term = firth(*MONOTONE, {"marker": MARKER}).terms[0]
    assert term.hazard_ratio < 1
    assert term.lower < term.hazard_ratio < term.upper


def test_no_event_gives_no_numbers():
    fit = cox([1, 2, 3], [0, 0, 0], {"x": [1, 2, 3]})
    assert fit.terms[0].coefficient is None
    assert fit.terms[0].reason == "no finite estimate (no event at all)"
    assert (fit.score.statistic, fit.likelihood_ratio.statistic) == (None, None)
    assert Note.FEW_EVENTS in fit.notes


def test_events_with_nothing_to_compare_give_no_numbers():
    # The only event happens when one patient is left.
    fit = cox([1, 2, 3], [0, 0, 1], {"x": [1, 2, 3]})
    assert fit.terms[0].coefficient is None
    assert "do not tell the columns apart" in fit.terms[0].reason


def test_a_pair_of_tied_events_is_not_comparable():
    found = concordance_index([2, 2], [True, True], [1.0, 2.0])
    assert (found.value, found.std_err, found.tied_time) == (None, None, 1)
    assert concordance_index([2, 2], [True, False], [1.0, 0.0]).value == 1.0
    assert concordance_index([1, 2], [True, False], [1.0, 1.0]).value == 0.5
    # The second enters only after the first has left: no pair.
    late = concordance_index([1, 5], [True, True], [2.0, 1.0], entry=[0, 2])
    assert late.value is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cox([1, 2], [1, 1], {}), "columns is {}; it must be at least one column"),
        (
            lambda: cox([1, 2], [1, 1], {"age": [5, 5]}),
            "columns['age'] is 5.0; it must be a column with at least two values",
        ),
        (
            lambda: cox([1, 2, 3], [1, 1, 1], {"a": [1, 2, 4], "b": [2, 4, 8]}),
            "columns['b'] is \"a duplicate of 'a'\"; it must be a column of its own",
        ),
        (
            lambda: cox(
                [1, 2, 3, 4], [1] * 4, {"a": [1, 2, 4, 3], "b": [1, 0, 0, 1], "c": [2, 2, 4, 4]}
            ),
            "columns['c'] is \"a combination of ['a', 'b']\"; it must be a column of its own",
        ),
        (
            lambda: cox([1, 2], [1, 1], {"age": [5, None]}),
            "columns['age'][1] is nan; it must be a finite number",
        ),
        (
            lambda: cox([1, 2], [1, 1], {"age": [5, 6]}, ties="exact"),
            "ties is 'exact'; it must be one of efron, breslow, exact_discrete",
        ),
        (
            lambda: firth([1, 2], [0, 0], {"x": [1, 2]}),
            "event is 'no event'; it must be a list with at least one event",
        ),
        (
            lambda: firth([1, 2], [0, 1], {"x": [1, 2]}),
            "columns is ['x']; it must be told apart by the patients at risk",
        ),
        (
            lambda: proportional_hazards(
                cox(WEEKS, RELAPSE, {"x": IS_PLACEBO}, ties="exact_discrete")
            ),
            "fit.ties is 'exact_discrete'; it must be efron or breslow here",
        ),
        (
            lambda: baseline_hazard(cox([1, 2], [0, 0], {"x": [1, 2]})),
            "fit is ['no finite estimate (no event at all)']; it must be a fit with finite",
        ),
        (
            lambda: concordance(cox([1, 2], [0, 0], {"x": [1, 2]})),
            "fit is ['no finite estimate (no event at all)']; it must be a fit with an estimate",
        ),
        (
            lambda: baseline_hazard(cox(WEEKS, RELAPSE, {"x": IS_PLACEBO}), at={"y": 1}),
            "at is 'y'; it must be one of the columns x",
        ),
        (
            lambda: concordance_index([1, 2], [1, 1], [1, math.nan]),
            "predictor[1] is nan; it must be a finite number",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_name_and_value(call, message):
    with pytest.raises(InvalidArgument) as refusal:
        call()
    assert str(refusal.value).startswith(message)
