"""Whole made-up trials: what they hold, that they hold nothing else, and that they repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from onearm import records, simulate
from onearm.errors import OnearmError
from onearm.simulate.truth import MESS
from onearm.study import Study

KEY = ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "FORM", "ROW", "ITEM"]


def test_the_same_seed_gives_the_same_trial(study: Study, messy: simulate.Simulated) -> None:
    again = simulate.trial(study, subjects=120, seed=20)
    assert again.entries.equals(messy.entries)
    assert all(again.truth[name].equals(frame) for name, frame in messy.truth.items())


def test_another_seed_gives_another_trial(study: Study) -> None:
    one, two = (simulate.trial(study, subjects=10, seed=seed) for seed in (1, 2))
    assert not one.entries.equals(two.entries)


def test_a_larger_trial_keeps_what_happens_to_its_first_patients(study: Study) -> None:
    # The calendar is fuller in a larger trial; days from first dose up to an early end are not.
    few, many = (simulate.trial(study, subjects=n, seed=4, mess=False) for n in (30, 60))
    first = few.truth["subjects"].select("USUBJID", "COHORT", "ENROLLED", "DOSED", "SENSITIVE")
    same = many.truth["subjects"].select(first.columns).head(first.height)
    assert same.equals(first)


def test_as_many_are_enrolled_as_were_asked_for(clean: simulate.Simulated) -> None:
    subjects = clean.truth["subjects"]
    assert subjects["ENROLLED"].sum() == 120
    assert (~subjects["ENROLLED"]).sum() > 5


def test_entries_name_only_what_the_study_has(study: Study, clean: simulate.Simulated) -> None:
    assert study.schedule is not None
    for visit, form, item in clean.entries.select("VISIT", "FORM", "ITEM").unique().iter_rows():
        assert form in study.schedule.visit(visit).forms
        assert study.forms[form].item(item).name == item


def test_every_form_of_the_study_is_filled(study: Study, clean: simulate.Simulated) -> None:
    assert set(clean.entries["FORM"].unique()) == set(study.forms)


def test_coded_answers_are_in_their_lists(study: Study, clean: simulate.Simulated) -> None:
    seen = clean.entries.drop_nulls("VALUE").select("FORM", "ITEM", "VALUE").unique()
    strange = [
        (form, item, value)
        for form, item, value in seen.iter_rows()
        if (choices := study.choices(study.forms[form].item(item)))
        and value not in {choice.code for choice in choices}
    ]
    assert strange == []


def test_an_entry_has_a_value_or_a_reason_and_stands_once(clean: simulate.Simulated) -> None:
    entries = clean.entries
    one = entries.select(pl.col("VALUE").is_null() != pl.col("REASON").is_null()).to_series()
    assert one.all()
    assert not entries.select(KEY).is_duplicated().any()


def test_a_clean_trial_has_no_hard_finding(study: Study, clean: simulate.Simulated) -> None:
    taken = records.at_cut(study, clean.entries, cut=clean.cut)
    hard = [str(f) for f in records.check(study, taken) if f.severity == "error"]
    assert hard == []


def test_nothing_is_dated_after_the_cut(clean: simulate.Simulated, study: Study) -> None:
    days = [
        (form.form, item.name)
        for form in study.forms.values()
        for item in form.items
        if item.type in ("date", "partial_date")
    ]
    names = pl.DataFrame(days, schema=["FORM", "ITEM"], orient="row")
    dated = clean.entries.join(names, on=["FORM", "ITEM"]).drop_nulls("VALUE")
    assert dated["VALUE"].max() <= clean.cut.isoformat()


def test_an_earlier_cut_holds_fewer_patients_and_nothing_later(study: Study) -> None:
    cut = date(2020, 3, 31)
    early = simulate.trial(study, subjects=40, seed=3, cut=cut, mess=False)
    assert early.cut == cut
    assert 0 < early.truth["subjects"].height < 40
    assert early.truth["times"]["DATE"].max() <= cut


def test_the_truth_of_mess_is_what_changed(
    clean: simulate.Simulated, messy: simulate.Simulated
) -> None:
    slips = messy.truth["mess"]
    assert slips["KIND"].n_unique() >= 4
    before = clean.entries.select(*KEY, CLEAN="VALUE")
    after = messy.entries.select(*KEY, MESSY="VALUE")
    both = before.join(after, on=KEY, how="full", coalesce=True)
    changed = both.filter(pl.col("CLEAN").ne_missing(pl.col("MESSY")))
    listed = slips.with_columns(
        SITEID=pl.col("USUBJID").str.split("-").list.get(1),
        SUBJID=pl.col("USUBJID").str.split("-").list.get(2),
    ).select(*KEY, CLEAN="OLD", MESSY="NEW")
    assert changed.sort(KEY).equals(listed.select(changed.columns).sort(KEY))


def test_a_clean_trial_lists_no_mess(clean: simulate.Simulated) -> None:
    assert clean.truth["mess"].is_empty()
    assert dict(clean.truth["mess"].schema) == dict(MESS)


def test_findings_see_the_mess(study: Study, messy: simulate.Simulated) -> None:
    taken = records.at_cut(study, messy.entries, cut=messy.cut)
    hard = [f for f in records.check(study, taken) if f.severity == "error"]
    assert len(hard) >= messy.truth["mess"]["KIND"].is_in(["impossible date"]).sum() > 0


def test_the_truth_agrees_with_itself(clean: simulate.Simulated) -> None:
    best, times = clean.truth["best"], clean.truth["times"]
    responders = best.filter(pl.col("CBOR").is_in(["CR", "PR"]))["USUBJID"]
    lasting = times.filter(pl.col("PARAMCD") == "DOR")["USUBJID"]
    assert set(responders) == set(lasting)
    main = times.filter(pl.col("PARAMCD") == "PFS").select("USUBJID", pfs="DAYS", met="EVENT")
    life = times.filter(pl.col("PARAMCD") == "OS").select("USUBJID", os="DAYS")
    both = main.join(life, on="USUBJID")
    assert (both["pfs"] <= both["os"]).all()


def test_nobody_is_seen_after_death(clean: simulate.Simulated) -> None:
    died = clean.truth["subjects"].drop_nulls("DEATH")
    assert died.height > 50
    kept = died.filter(pl.col("LEFT") == "death")
    assert (kept["LAST_ALIVE"] <= kept["DEATH"]).all()


def test_lesions_keep_to_the_limits_of_the_criteria(clean: simulate.Simulated) -> None:
    rows = (
        clean.entries.filter(pl.col("FORM") == "TUMOR", pl.col("VISIT") == "SCREENING")
        .pivot("ITEM", index=["SUBJID", "ROW"], values="VALUE")
        .filter(pl.col("LESROLE") == "TARGET")
        .with_columns(
            nodal=pl.col("LESLOC").str.starts_with("LYMPH NODE"),
            size=pl.coalesce("LESDIAM", "LESSA").cast(pl.Float64),
        )
        .with_columns(organ=pl.when("nodal").then(pl.lit("NODE")).otherwise("LESLOC"))
    )
    assert rows.filter("nodal")["size"].min() >= 15.0
    assert rows.filter(~pl.col("nodal"))["size"].min() >= 10.0
    assert rows.group_by("SUBJID").len()["len"].max() <= 5
    assert rows.group_by("SUBJID", "organ").len()["len"].max() <= 2


def test_a_study_without_a_simulation_says_so(study: Study) -> None:
    with pytest.raises(OnearmError, match=r"needs simulation.yaml"):
        simulate.trial(replace(study, simulation=None), subjects=5, seed=1)


@pytest.mark.parametrize("cut", [date(2019, 1, 1), date(2019, 4, 20), date(2032, 1, 1)])
def test_any_cut_gives_a_trial(study: Study, cut: date) -> None:
    trial = simulate.trial(study, subjects=12, seed=3, cut=cut, mess=False)
    started = trial.truth["subjects"]["CONSENT"] <= cut
    assert started.all()
    assert trial.entries.is_empty() == (len(started) == 0)
    assert trial.entries.columns == [*KEY, "VALUE", "REASON"]
