"""Forms are filled by where their items go, whatever forms and items are called."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from onearm import simulate
from onearm.simulate.fill import key_of
from onearm.study import Study
from onearm.study.forms import Choice, Form, Item, Target
from onearm.study.text import Text


def with_vitals(study: Study, *more: Item) -> Study:
    """The study with its vital signs under other names, and some more items."""
    old = study.forms["VS"]
    items = tuple(
        item.model_copy(update={"name": f"X_{item.name}", "shown_when": ""}) for item in old.items
    )
    form = Form(form="VS", label=old.label, date=f"X_{old.date}", items=(*items, *more))
    return replace(study, forms={**study.forms, "VS": form})


def values(study: Study, item: str) -> pl.Series:
    entries = simulate.trial(study, subjects=15, seed=5, mess=False).entries
    return entries.filter(pl.col("FORM") == "VS", pl.col("ITEM") == item)["VALUE"]


def test_an_item_of_another_name_gets_the_value_of_its_target(study: Study) -> None:
    named = values(with_vitals(study), "X_WEIGHT")
    assert named.to_list() == values(study, "WEIGHT").to_list()


def test_an_unknown_item_that_is_required_gets_one_of_its_codes(study: Study) -> None:
    choices = tuple(Choice(code=c, label=Text(en=c)) for c in ("LEFT", "RIGHT"))
    arm = Item(name="ARM", label=Text(en="Arm"), type="code", choices=choices, required=True)
    assert set(values(with_vitals(study, arm), "ARM")) == {"LEFT", "RIGHT"}


def test_an_unknown_number_that_is_required_lies_in_its_range(study: Study) -> None:
    item = Item(name="GRIP", label=Text(en="Grip"), type="decimal", low=10, high=60, required=True)
    grip = values(with_vitals(study, item), "GRIP").cast(pl.Float64)
    assert grip.is_between(10, 60).all()
    assert grip.n_unique() > 10


def test_an_unknown_item_that_is_not_required_stays_empty(study: Study) -> None:
    item = Item(name="NOTE", label=Text(en="Note"), type="text")
    assert values(with_vitals(study, item), "NOTE").is_empty()


def test_a_hidden_item_has_no_entry(study: Study) -> None:
    item = Item(
        name="GRIP",
        label=Text(en="Grip"),
        type="integer",
        required=True,
        shown_when="X_PULSE > 1000",
    )
    assert values(with_vitals(study, item), "GRIP").is_empty()


def test_a_calculated_item_holds_its_formula(study: Study) -> None:
    item = Item(
        name="GAP",
        label=Text(en="Pulse pressure"),
        type="integer",
        calculated="X_SYSBP - X_DIABP",
    )
    changed = with_vitals(study, item)
    gap = values(changed, "GAP").cast(pl.Int64)
    high = values(changed, "X_SYSBP").cast(pl.Int64)
    low = values(changed, "X_DIABP").cast(pl.Int64)
    assert (gap == high - low).all()
    assert len(gap) > 100


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("DM.SEX", "DM.SEX"),
        ("VS.VSORRES where VSTESTCD = WEIGHT, VSPOS = SITTING", "VS.VSORRES:WEIGHT"),
        ("SUPPDM.COHORT", "SUPPDM.COHORT"),
    ],
)
def test_a_target_has_one_name(text: str, key: str) -> None:
    assert key_of(Target.parse(text)) == key
