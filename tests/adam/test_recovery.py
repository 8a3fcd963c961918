"""Patients simulated with a known truth come out of the whole river with that truth."""

from __future__ import annotations

import polars as pl
import pytest

from onearm import adam, records, sdtm, simulate
from onearm.study import load
from tests.adam.patients import SHIPPED


@pytest.fixture(scope="module")
def trial() -> tuple[dict[str, pl.DataFrame], simulate.Simulated]:
    study = load(SHIPPED)
    made = simulate.trial(study, subjects=80, seed=20260, cut=None, mess=False)
    clean = records.at_cut(study, made.entries, cut=made.cut)
    return adam.derive(study, sdtm.derive(study, clean), cut=made.cut), made


def test_times_to_event_are_those_that_were_simulated(
    trial: tuple[dict[str, pl.DataFrame], simulate.Simulated],
) -> None:
    datasets, made = trial
    truth = made.truth["times"].select(
        "USUBJID", "PARAMCD", true_day="DATE", true_event=pl.col("EVENT").cast(pl.Int32)
    )
    ours = datasets["ADTTE"].join(truth, on=["USUBJID", "PARAMCD"], how="inner")
    assert ours.height == truth.height > 300
    wrong = ours.filter(
        (pl.col("ADT") != pl.col("true_day")) | (1 - pl.col("CNSR") != pl.col("true_event"))
    )
    assert wrong.select("USUBJID", "PARAMCD", "ADT", "true_day", "RULE").rows() == []


def test_confirmed_best_responses_are_those_that_were_simulated(
    trial: tuple[dict[str, pl.DataFrame], simulate.Simulated],
) -> None:
    datasets, made = trial
    truth = made.truth["best"].filter(pl.col("CBOR").is_not_null()).select("USUBJID", "CBOR")
    ours = datasets["ADRS"].filter(PARAMCD="CBOR").select("USUBJID", CBOR="AVALC")
    assert ours.sort("USUBJID").rows() == truth.sort("USUBJID").rows()
