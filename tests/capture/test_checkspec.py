"""The specification of checks names the rules that values are judged by, whatever the item."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import polars as pl
import pytest

from onearm.capture import checkspec
from onearm.records.entry import ENTRY
from onearm.records.live import check_form
from onearm.study import Study, load
from onearm.study.forms import Choice, Form, Item, ItemType
from onearm.study.text import Text
from tests.capture.conftest import STUDY

CHOICES = (Choice(code="A", label=Text(en="One")), Choice(code="B", label=Text(en="Two")))


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


def one_item(study: Study, kind: ItemType) -> Study:
    """A study of one form with one item."""
    choices = CHOICES if kind in ("code", "multiple") else ()
    item = Item(name="ASKED", label=Text(en="Asked"), type=kind, choices=choices)
    return replace(study, forms={"X": Form(form="X", label=Text(en="X"), items=(item,))})


@pytest.mark.django_db
@pytest.mark.parametrize("kind", get_args(ItemType))
def test_a_value_that_cannot_be_breaks_a_rule_of_the_specification(
    kind: ItemType, study: Study
) -> None:
    small = one_item(study, kind)
    row = ("01", "01-001", "SCREENING", 1, "X", 1, "ASKED", "neither nor", None)
    entries = pl.DataFrame([row], schema=dict(ENTRY), orient="row")
    found = {finding.rule for finding in check_form(small, entries, "X")}
    broken = {rule for rule in found if rule.startswith("item.")}
    assert broken == {line.id for line in checkspec.specification(small)}
    assert bool(broken) == (kind != "text")


def test_a_large_limit_is_written_out(study: Study) -> None:
    item = Item(name="COUNT", label=Text(en="Count"), type="integer", low=0.1, high=12_345_678)
    form = Form(form="X", label=Text(en="X"), items=(item,))
    small = replace(study, forms={"X": form})
    (line,) = (one for one in checkspec.specification(small) if one.id == "item.range")
    assert line.require == "COUNT >= 0.1 AND COUNT <= 12345678"
    assert "0.1 and 12345678" in line.text_en
