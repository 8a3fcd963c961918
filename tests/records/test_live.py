"""The checks of one form of one subject find what the checks of the whole trial find."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from onearm import records
from onearm.records import live
from onearm.records.entry import ENTRY
from onearm.simulate import trial
from onearm.study import Study, load
from onearm.study.forms import Form

STUDY = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


@pytest.fixture(scope="module")
def spoiled(study: Study) -> pl.DataFrame:
    """Entries of four people with every ninth value in disorder."""
    entries = trial(study, subjects=4, seed=11).entries
    nth = pl.int_range(pl.len()) % 9
    return entries.with_columns(
        VALUE=pl.when(nth == 0).then(pl.lit("1999-01")).when(nth == 4).then(None).otherwise("VALUE")
    )


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_quotient_by_zero_is_nothing_to_calculate_and_to_hold(study: Study) -> None:
    items = [
        {"name": "OVER", "label": "Over", "type": "decimal"},
        {"name": "UNDER", "label": "Under", "type": "decimal"},
        {"name": "SHARE", "label": "Share", "type": "decimal", "calculated": "OVER / UNDER"},
        {"name": "WHOLE", "label": "Whole", "type": "integer", "calculated": "OVER / UNDER"},
    ]
    form = Form.model_validate({"form": "X", "label": "X", "items": items})
    small = replace(study, forms={"X": form})
    place = ("01", "01-001", "SCREENING", 1, "X", 1)
    held = {"OVER": "7", "UNDER": "0", "SHARE": "7"}
    rows = [(*place, name, value, None) for name, value in held.items()]
    entries = pl.DataFrame(rows, schema=dict(ENTRY), orient="row")
    calculated = live.follows(small, entries, "X").calculated
    assert {key[-1]: text for key, text in calculated.items()} == {"SHARE": "", "WHOLE": ""}
    found = live.check_form(small, entries, "X")
    (finding,) = (f for f in found if f.rule.startswith("item."))
    assert (finding.rule, finding.value) == ("item.calculated", "7")
    assert finding.message == "Share differs from what the form's rule makes of it, nothing"
