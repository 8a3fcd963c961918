"""Outcomes from the analysis datasets, and the numbers of the marker analysis as results."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from onearm.errors import Problems
from onearm.pipeline import Trial
from onearm.results import SCHEMA
from onearm.results.outcomes import outcomes
from tests import markers


@cache
def trial() -> Trial:
    with TemporaryDirectory() as folder:
        return markers.built(Path(folder), markers.made())


@pytest.mark.slow
def test_outcomes_are_those_of_the_analysis_datasets() -> None:
    known = outcomes(trial().study, trial().datasets)
    adsl = trial().datasets["ADSL"].filter(pl.col("FASFL") == "Y").sort("USUBJID")
    assert known.subjects == tuple(adsl["USUBJID"])
    assert known.responses["ORR"].sum() == (adsl["RESPFL"] == "Y").sum()
    pfs = trial().datasets["ADTTE"].filter(pl.col("PARAMCD") == "PFS").sort("USUBJID")
    assert known.times["PFS"].time.tolist() == pfs["AVAL"].to_list()
    assert int(known.times["PFS"].event.sum()) == (pfs["CNSR"] == 0).sum()


def test_who_is_not_evaluable_has_not_responded_or_is_left_out() -> None:
    study, datasets = trial().study, dict(trial().datasets)
    first = datasets["ADSL"].filter(pl.col("FASFL") == "Y").sort("USUBJID")["USUBJID"][0]
    lost = pl.when(pl.col("USUBJID") == first)
    datasets["ADSL"] = datasets["ADSL"].with_columns(
        EVALFL=lost.then(pl.lit("N")).otherwise("EVALFL"),
        RESPFL=lost.then(pl.lit("N")).otherwise("RESPFL"),
    )
    known = outcomes(study, datasets)
    assert known.responses["ORR"][0] == 0
    assert np.isnan(known.responses["ORR_EVAL"][0])


def test_a_column_that_is_not_there_is_named() -> None:
    datasets = {**trial().datasets, "ADSL": trial().datasets["ADSL"].drop("RESPFL", "AFPBL")}
    with pytest.raises(Problems) as caught:
        outcomes(trial().study, datasets)
    assert "reads RESPFL, which ADSL does not have" in str(caught.value)
    assert "reads AFPBL" in str(caught.value)


def test_every_number_of_the_tiers_is_a_result_with_its_own_id() -> None:
    found, numbers = trial().markers, trial().numbers
    assert found is not None
    assert numbers.columns == list(SCHEMA)
    assert numbers["result_id"].n_unique() == numbers.height
    tier = numbers.filter(
        pl.col("analysis") == "markers_candidates", pl.col("operation") == "p_adjusted"
    )
    table = found.tiers["candidates"].table
    want = {(r["feature"], r["endpoint"]): r["p_adjusted"] for r in table.iter_rows(named=True)}
    got = {(r["level2"], r["level3"]): r["value"] for r in tier.iter_rows(named=True)}
    assert got == want
    assert not numbers["operation"].str.contains("nominal").any()


def test_a_result_selects_the_rows_of_adbm_that_it_rests_on() -> None:
    row = (
        trial()
        .numbers.filter(pl.col("result_id") == "markers_candidates.effect.Total.CD8TEFF.PFS")
        .row(0, named=True)
    )
    adbm = trial().datasets["ADBM"].filter(pl.sql_expr(row["where"]))
    assert adbm.height == row["n_used"]
    clinical = (
        trial()
        .numbers.filter(pl.col("result_id") == "markers_candidates.effect.Total.ALBI.PFS")
        .row(0, named=True)
    )
    assert (clinical["dataset"], clinical["where"]) == ("ADSL", None)


def test_discovery_is_summed_up() -> None:
    numbers = trial().numbers.filter(pl.col("analysis") == "markers_discovery")
    tests = numbers.filter(pl.col("operation") == "tests", pl.col("level2") == "rna")
    found = trial().markers
    assert found is not None
    assert set(tests["value"]) == {float(len(found.measures.blocks["rna"].features))}
    total = trial().numbers.filter(pl.col("result_id") == "markers.tests.Total")["value"][0]
    assert total == found.n_tests


def test_without_assays_nothing_changes() -> None:
    other = replace(trial(), markers=None)
    assert other.markers is None
    assert "ADBM" in trial().datasets
