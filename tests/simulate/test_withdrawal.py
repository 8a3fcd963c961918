"""A drug that was stopped for an adverse event has an event that says so."""

from __future__ import annotations

import polars as pl
import pytest

from onearm import simulate
from onearm.study import Study


def answers(trial: simulate.Simulated, form: str) -> pl.DataFrame:
    rows = trial.entries.filter(pl.col("FORM") == form)
    return rows.pivot(on="ITEM", index=["SUBJID", "ROW"], values="VALUE")


@pytest.fixture(scope="module")
def told(study: Study) -> tuple[pl.DataFrame, pl.DataFrame]:
    # Many patients: most stops for toxicity have an event near them by chance alone.
    trial = simulate.trial(study, subjects=400, seed=20190322, mess=False, forms=("EOT", "AE"))
    return answers(trial, "EOT"), answers(trial, "AE")


@pytest.mark.parametrize("number", [0, 1])
def test_who_stopped_for_an_event_has_one_that_led_to_it(
    study: Study, told: tuple[pl.DataFrame, pl.DataFrame], number: int
) -> None:
    ends, events = told
    drug = study.treatments[number].name
    action = {"LENVATINIB": "AEACNLEN", "PEMBROLIZUMAB": "AEACNPEM"}[drug]
    stopped = ends.filter(EOTTRT=drug, EOTREAS="ADVERSE EVENT")["SUBJID"]
    withdrawn = events.filter(pl.col(action) == "DRUG WITHDRAWN")
    assert len(stopped) > 10
    assert sorted(withdrawn["SUBJID"].unique()) == sorted(stopped)
    assert (withdrawn["AEACN"] == "DRUG WITHDRAWN").all()


def test_the_event_began_in_the_month_before_the_stop(
    told: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    ends, events = told
    both = events.filter(AEACN="DRUG WITHDRAWN").join(
        ends.filter(EOTREAS="ADVERSE EVENT").group_by("SUBJID").agg(pl.col("EOTDAT").max()),
        on="SUBJID",
    )
    known = both.filter(pl.col("AESTDAT").str.len_chars() == 10)
    lead = known["EOTDAT"].str.to_date() - known["AESTDAT"].str.to_date()
    assert known.height > 15
    assert (lead.dt.total_days() > 0).all()


def test_filling_in_some_forms_does_not_change_what_they_hold(study: Study) -> None:
    whole = simulate.trial(study, subjects=12, seed=4, mess=False).entries
    some = simulate.trial(study, subjects=12, seed=4, mess=False, forms=("EOT", "TUMOR")).entries
    assert some.equals(whole.filter(pl.col("FORM").is_in(["EOT", "TUMOR"])))
