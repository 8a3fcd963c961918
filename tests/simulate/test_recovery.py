"""The truth of made-up patients comes back out of the derivations, patient by patient."""

from __future__ import annotations

import polars as pl
import pytest

from onearm import adam, records, sdtm, simulate
from onearm.frames import Frames
from onearm.study import Study
from tests.simulate.studies import shipped_study

Recovered = tuple[simulate.Simulated, Frames]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("whole")
    return shipped_study(folder, also=("subjects.yaml", "endpoints.yaml"))


def derived(study: Study, trial: simulate.Simulated) -> Frames:
    taken = records.at_cut(study, trial.entries, cut=trial.cut)
    return adam.derive(study, sdtm.derive(study, taken), cut=trial.cut)


@pytest.fixture(scope="module")
def recovered(whole: Study) -> Recovered:
    trial = simulate.trial(whole, subjects=150, seed=7, mess=False)
    return trial, derived(whole, trial)


def test_every_time_point_has_its_true_response(recovered: Recovered) -> None:
    assert _wrong_time_points(*recovered).is_empty()


@pytest.mark.parametrize("parameter", ["BOR", "CBOR"])
def test_every_patient_has_the_true_best_response(recovered: Recovered, parameter: str) -> None:
    assert _wrong_best(*recovered, parameter).is_empty()


@pytest.mark.parametrize("endpoint", ["PFS", "PFS1", "PFS2", "OS", "TTP", "DOR", "TTR"])
def test_every_time_to_an_event_is_the_true_one(recovered: Recovered, endpoint: str) -> None:
    assert _wrong_times(*recovered, endpoint).is_empty()


def test_every_event_is_rightly_called_emergent(recovered: Recovered) -> None:
    trial, datasets = recovered
    found = datasets["ADAE"].group_by("USUBJID").agg(n=(pl.col("TRTEMFL") == "Y").sum())
    true = trial.truth["adverse_events"].group_by("USUBJID").agg(m=pl.col("TEAE").sum())
    both = found.join(true, on="USUBJID", how="full", coalesce=True)
    assert both.filter(pl.col("n").ne_missing(pl.col("m"))).is_empty()


def _wrong_time_points(trial: simulate.Simulated, datasets: Frames) -> pl.DataFrame:
    computed = (
        datasets["ADRS"]
        .filter(pl.col("PARAMCD") == "OVRC")
        .select("USUBJID", DATE="ADT", answer="AVALC")
    )
    true = trial.truth["time_points"]
    both = true.join(computed, on=["USUBJID", "DATE"], how="full", coalesce=True)
    assert both.height == true.height
    return both.filter(pl.col("SEEN").ne_missing(pl.col("answer")))


def _wrong_best(trial: simulate.Simulated, datasets: Frames, parameter: str) -> pl.DataFrame:
    computed = (
        datasets["ADRS"]
        .filter(pl.col("PARAMCD") == parameter)
        .select("USUBJID", answer="AVALC", day="ADT")
    )
    both = trial.truth["best"].join(computed, on="USUBJID", how="full", coalesce=True)
    return both.filter(
        pl.col(parameter).ne_missing(pl.col("answer"))
        | pl.col(f"{parameter}_DATE").ne_missing(pl.col("day"))
    )


def _wrong_times(trial: simulate.Simulated, datasets: Frames, endpoint: str) -> pl.DataFrame:
    computed = (
        datasets["ADTTE"]
        .filter(pl.col("PARAMCD") == endpoint)
        .select("USUBJID", "AVAL", "CNSR", "RULE")
    )
    true = trial.truth["times"].filter(pl.col("PARAMCD") == endpoint)
    both = true.join(computed, on="USUBJID", how="full", coalesce=True)
    assert both.height == true.height
    return both.filter(
        (pl.col("DAYS") + 1).ne_missing(pl.col("AVAL").cast(pl.Int64))
        | pl.col("EVENT").ne_missing(pl.col("CNSR") == 0)
    )


@pytest.fixture(scope="module", params=[1, 3, 7])
def large(whole: Study, request: pytest.FixtureRequest) -> Recovered:
    trial = simulate.trial(whole, subjects=2000, seed=request.param, mess=False)
    return trial, derived(whole, trial)


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["PFS", "PFS1", "PFS2", "OS", "TTP", "DOR", "TTR"])
def test_thousands_of_patients_have_their_true_times(large: Recovered, endpoint: str) -> None:
    assert _wrong_times(*large, endpoint).is_empty()


@pytest.mark.slow
def test_thousands_of_patients_have_their_true_responses(large: Recovered) -> None:
    assert _wrong_time_points(*large).is_empty()
    assert _wrong_best(*large, "BOR").is_empty()
    assert _wrong_best(*large, "CBOR").is_empty()


@pytest.mark.slow
def test_mess_moves_nothing_of_a_patient_who_is_not_listed(whole: Study) -> None:
    clean = simulate.trial(whole, subjects=1500, seed=7, mess=False)
    messy = simulate.trial(whole, subjects=1500, seed=7)
    mess = messy.truth["mess"]
    assert mess["KIND"].n_unique() >= 5
    listed = set(mess.filter(pl.col("KIND") == "partial date of death")["USUBJID"])
    assert mess["USUBJID"].n_unique() > 10 * len(listed) > 0
    datasets = derived(whole, clean), derived(whole, messy)
    for name, columns in (
        ("ADTTE", ["USUBJID", "PARAMCD", "AVAL", "CNSR"]),
        ("ADRS", ["USUBJID", "PARAMCD", "ADT", "AVALC"]),
    ):
        # What the reader typed may be mistyped; nothing is derived from it.
        before, after = (
            d[name].filter(pl.col("PARAMCD") != "OVRS").select(columns) for d in datasets
        )
        moved = pl.concat(
            [
                before.join(after, on=columns, how="anti", nulls_equal=True),
                after.join(before, on=columns, how="anti", nulls_equal=True),
            ]
        )
        assert set(moved["USUBJID"]) <= listed, name
