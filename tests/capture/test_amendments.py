"""Two versions side by side: one line an item, which names everything that changed in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import translation

from onearm.capture.amendments import Line, compare, reused
from onearm.study import Study, load
from onearm.study.forms import Form
from tests.capture.conftest import STUDY

ASKED = {
    "name": "PAIN", "label": "Pain", "type": "code", "required": True,
    "choices": [{"code": "N", "label": "None"}, {"code": "M", "label": "Much"}],
}  # fmt: skip
WEIGHT = {"name": "WEIGHT", "label": "Weight", "type": "integer", "high": 150}


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


def with_items(study: Study, *items: dict[str, object]) -> Study:
    """The study with one form of these items."""
    form = Form.model_validate({"form": "X", "label": "X", "items": items})
    return replace(study, forms={"X": form})


def line(study: Study, was: dict[str, object], change: dict[str, object], *values: str) -> Line:
    """What is said of the one item when some of it changes."""
    old, new = with_items(study, was), with_items(study, {**was, **change})
    (found,) = compare(old, new, {("X", str(was["name"])): set(values)}, {})
    return found


@pytest.mark.parametrize(
    ("was", "change", "kind", "detail"),
    [
        (WEIGHT, {}, "unchanged", ""),
        (WEIGHT, {"high": 200}, "check changed", "upper limit"),
        (WEIGHT, {"label": "Body weight"}, "label changed", "Weight → Body weight"),
        (
            WEIGHT, {"label": "Body weight", "high": 200}, "label changed",
            "Weight → Body weight; upper limit",
        ),
        (
            WEIGHT, {"type": "decimal", "decimals": 1, "label": "Body weight"}, "retyped",
            "whole number → number; label; decimal places",
        ),
        (
            ASKED, {"choices": ASKED["choices"][:1], "required": False}, "code mapped",
            "without M; required",
        ),
    ],
)  # fmt: skip
def test_a_line_names_all_that_changed(
    was: dict[str, object], change: dict[str, object], kind: str, detail: str, study: Study
) -> None:
    found = line(study, was, change)
    assert (found.kind, found.detail) == (kind, detail)


def test_values_without_a_place_block_beside_other_changes(study: Study) -> None:
    found = line(study, ASKED, {"choices": ASKED["choices"][:1], "label": "Pains"}, "N", "M")
    assert (found.kind, found.unresolved) == ("code mapped", ("M",))
    found = line(study, WEIGHT, {"type": "date", "label": "When weighed"}, "80")
    assert (found.kind, found.unresolved) == ("retyped", ("80",))


def test_what_means_something_else_is_said_in_the_readers_language(study: Study) -> None:
    old = with_items(study, {**WEIGHT, "unit": "kg"})
    new = with_items(study, {**WEIGHT, "type": "date"})
    assert list(map(str, reused([old], new))) == [
        "X.WEIGHT: whole number -> date", "X.WEIGHT: kg -> no unit"
    ]  # fmt: skip
    with translation.override("zh-hans"):
        assert list(map(str, reused([old], new))) == [
            "X.WEIGHT: 整数 -> 日期", "X.WEIGHT: kg -> 无单位"
        ]  # fmt: skip
