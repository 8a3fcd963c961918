"""The checks of one form of one subject find what the checks of the whole trial find."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from onearm import records
from onearm.records import live
from onearm.simulate import trial
from onearm.study import Study, load

STUDY = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


@pytest.fixture(scope="module")
def spoiled(study: Study) -> pl.DataFrame:
    """Entries of eight people with every ninth value in disorder."""
    entries = trial(study, subjects=8, seed=11).entries
    nth = pl.int_range(pl.len()) % 9
    return entries.with_columns(
        VALUE=pl.when(nth == 0).then(pl.lit("1999-01")).when(nth == 4).then(None).otherwise("VALUE")
    )


def test_one_form_at_a_time_finds_the_same(study: Study, spoiled: pl.DataFrame) -> None:
    found = 0
    for subject in spoiled["SUBJID"].unique().sort():
        mine = spoiled.filter(pl.col("SUBJID") == subject)
        whole = records.check(study, records.at_cut(study, mine, cut=None))
        for form in study.forms:
            wanted = [f for f in whole if f.place.form == form and not f.rule.startswith("visit.")]
            got = live.check_form(study, mine, form)
            assert Counter(map(str, got)) == Counter(map(str, wanted)), (subject, form)
            found += len(got)
    assert found > 500


def test_skip_logic_names_what_is_held_and_not_asked(study: Study, spoiled: pl.DataFrame) -> None:
    hidden = 0
    for subject in spoiled["SUBJID"].unique().sort():
        mine = spoiled.filter(pl.col("SUBJID") == subject)
        skipped = {
            (f.place.form, f.place.field, f.place.row)
            for form in study.forms
            for f in live.check_form(study, mine, form)
            if f.rule == "item.skip"
        }
        for form in study.forms:
            for _, _, row, item in live.follows(study, mine, form).hidden:
                hidden += 1
                empty = mine.filter(
                    (pl.col("FORM") == form) & (pl.col("ITEM") == item) & (pl.col("ROW") == row)
                )["VALUE"].null_count()
                assert (form, item, row) in skipped or empty
    assert hidden > 10
