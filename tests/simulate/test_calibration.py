"""A large made-up trial gives what the published series gave."""

from __future__ import annotations

import math

import polars as pl
import pytest
from lifelines import KaplanMeierFitter

from onearm import simulate
from onearm.study import Study

PATIENTS = 2000
MONTH = 30.4375


@pytest.fixture(scope="module")
def large(study: Study) -> simulate.Simulated:
    return simulate.trial(study, subjects=PATIENTS, seed=2024, mess=False)


def median_months(trial: simulate.Simulated, endpoint: str) -> float:
    times = trial.truth["times"].filter(pl.col("PARAMCD") == endpoint)
    fitted = KaplanMeierFitter().fit(times["DAYS"].to_numpy() + 1, times["EVENT"].to_numpy())
    return float(fitted.median_survival_time_) / MONTH


@pytest.mark.slow
def test_a_quarter_responds(large: simulate.Simulated) -> None:
    # Lin 2020: 8 of 32. Three standard errors at this size.
    best = large.truth["best"]["CBOR"]
    share = best.is_in(["CR", "PR"]).sum() / len(best)
    assert abs(share - 0.25) < 3 * math.sqrt(0.25 * 0.75 / len(best))


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["PFS", "OS"])
def test_medians_lie_where_the_published_series_lie(
    study: Study, large: simulate.Simulated, endpoint: str
) -> None:
    assert study.simulation is not None
    low, high = study.simulation.aims[f"{endpoint}_MONTHS"]
    assert low < median_months(large, endpoint) < high


@pytest.mark.slow
def test_each_event_is_as_frequent_as_planned(study: Study, large: simulate.Simulated) -> None:
    # Four standard errors: some forty terms are judged at once.
    assert study.simulation is not None
    treated = large.truth["best"].height
    # A fatal event belongs to a death and comes on top of the incidence of its term.
    seen = large.truth["adverse_events"].filter(pl.col("GRADE") < 5)
    found = dict(seen.group_by("AEDECOD").agg(pl.col("USUBJID").n_unique().alias("n")).iter_rows())
    off = {
        term.code: (found.get(term.code, 0) / treated, term.incidence)
        for term in study.simulation.events.terms
        if abs(found.get(term.code, 0) / treated - term.incidence)
        > 4 * math.sqrt(term.incidence * (1 - term.incidence) / treated)
    }
    assert off == {}


@pytest.mark.slow
def test_those_who_progress_late_live_longer_after_it(large: simulate.Simulated) -> None:
    subjects = large.truth["subjects"].drop_nulls(["PROGRESSION_SEEN", "DEATH"])
    days = subjects.select(
        free=(pl.col("PROGRESSION_SEEN") - pl.col("FIRST_DOSE")).dt.total_days(),
        after=(pl.col("DEATH") - pl.col("PROGRESSION_SEEN")).dt.total_days(),
    )
    late = days.filter(pl.col("free") > days["free"].median())["after"].median()
    early = days.filter(pl.col("free") <= days["free"].median())["after"].median()
    # Late progressors are cut off sooner by the data cut, and still live longer.
    assert late > early
