"""The chapter on the design: every situation in words, in both languages, numbers from results."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from onearm.outputs.document import Facts, Paragraph
from onearm.outputs.labels import Labels, Language
from onearm.outputs.monitoring import monitoring
from onearm.outputs.numbers import Numbers, text_of
from onearm.results import run
from tests.results.test_monitor import DESIGN, PLAN, patients, study

LATE: dict[str, Any] = {"cut_months": 30.0}  # Any: arguments of `patients`
CLOSED = {"per_month": 2.5, "closed": "2024-10-27"}
SITUATIONS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    # patients, changes of the design, words that must stand there
    "nobody yet": ({"n": 0}, {}, ("Before the interim", "Nobody has been followed yet")),
    "before the interim": (
        {"n": 14, "responders": (1,), "waiting": (14,)},
        {},
        ("1 of 13 evaluable patients", "2 more are needed among the next 7", "Not analysed yet"),
    ),
    "one awaited": (
        {"n": 22, "responders": (1, 2, 4), "waiting": (3,)},
        {},
        ("1 dosed earlier is not evaluable yet", "6 more among the 29 still missing"),
    ),
    "stopped": ({"n": 20}, {}, ("The boundary for futility is crossed", "the trial stops")),
    "overruled": (
        {"n": 50, "responders": (1, *range(31, 42)), **LATE},
        {},
        ("12 of 50 in all", "must ask for 10", "not tested after a stop for futility"),
    ),
    "lost in the second stage": (
        {"n": 48, "responders": (1, 2, 3), "cut_months": 17.0},
        {},
        ("can no longer be reached with 2 left",),
    ),
    "enough already": (
        {"n": 45, "responders": tuple(range(1, 12)), "cut_months": 16.0},
        {},
        ("9 are reached already; the claim waits",),
    ),
    "promising": (
        {"n": 50, "responders": (*range(1, 10), *range(20, 45)), "months": 9.0, **LATE},
        {},
        ("Promising.", "Confirmatory: the null hypothesis is rejected", "exact one-sided p = "),
    ),
    "failed in the sequence": (
        {"n": 50, "responders": (*range(1, 10), *range(20, 45)), "events": 45, **LATE},
        {},
        ("is not rejected", "an earlier outcome of the sequence failed"),
    ),
    "planned afterwards": (
        {"n": 50, "responders": tuple(range(1, 45)), **LATE},
        {"status": "planning"},
        ("not registered before the first patient", "the design allows no claim"),
    ),
    "closed": (
        {"n": 30, "responders": (1, 2, 3)},
        {"enrolment": CLOSED},
        ("Enrolment ended before the planned number",),
    ),
    "too toxic": (
        {"n": 20, "toxic": (1, 2, 3, 4, 5)},
        {},
        ("5 of 20 patients with the event", "The boundary is crossed: the trial stops"),
    ),
}


def chapter(situation: str, language: Language) -> str:
    """The words of the chapter, all blocks one after the other."""
    who, changes, _ = SITUATIONS[situation]
    chosen = study(**changes)
    numbers = run(PLAN, patients(**who), levels=(), design=chosen.design)
    texts = []
    for block in monitoring(chosen, Numbers(numbers), Labels(language)):
        if isinstance(block, Paragraph):
            texts.append(text_of(block.pieces))
        elif isinstance(block, Facts):
            texts += [text_of(cell) for row in block.rows for cell in row]
    return "\n".join(texts)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_is_said_in_words(situation: str) -> None:
    text = chapter(situation, "en")
    for words in SITUATIONS[situation][2]:
        assert words in text
    assert "{" not in text


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_same_is_said_in_chinese(situation: str) -> None:
    text = chapter(situation, "zh")
    assert "。" in text
    sentences = [line for line in text.splitlines() if line.endswith(".")]
    assert sentences == []  # an English sentence would be one without its translation


def test_a_number_of_a_sentence_names_its_result() -> None:
    chosen = study()
    numbers = run(PLAN, patients(14, responders=(1,)), levels=(), design=chosen.design)
    known = set(numbers["result_id"])
    named = {
        piece.result_id
        for block in monitoring(chosen, Numbers(numbers), Labels("en"))
        if isinstance(block, Facts)
        for row in block.rows
        for cell in row
        for piece in cell
        if piece.result_id
    }
    assert {"response.n.Total", "response.stop_target.Total", "in.likely.Total.50"} <= named
    assert named <= known


def test_a_study_whose_rules_have_no_result_says_so() -> None:
    bare = Numbers(run(PLAN, patients(3), levels=(), design=study().design).clear())
    blocks = list(monitoring(study(), bare, Labels("en")))
    assert len(blocks) == 1
    assert isinstance(blocks[0], Paragraph)
    assert "no design whose rules could be judged" in text_of(blocks[0].pieces)


def test_an_outcome_that_the_design_does_not_order_has_no_test() -> None:
    multiplicity = {"method": "fixed_sequence", "order": ["ORR"]}
    numbers = run(PLAN, patients(3), levels=(), design=study(multiplicity=multiplicity).design)
    rows = numbers.filter(pl.col("analysis") == "claims")
    assert set(rows["level2"]) == {"ORR"}
    assert set(DESIGN["multiplicity"]["order"]) > {"ORR"}
