"""The tables of change on treatment: what they say, in both languages, and their tidy files."""

from __future__ import annotations

from functools import cache

import pytest

from onearm.omics.chapter import Chapter, analyse
from onearm.outputs.document import Facts, Minor, Paragraph
from onearm.outputs.labels import Labels, Language
from onearm.outputs.marker_change import change_blocks, tidy_change
from onearm.outputs.marker_pictures import Words
from tests.omics import cohort, test_ontreatment
from tests.outputs.test_biomarkers import plan


@cache
def chapter() -> Chapter:
    return analyse(test_ontreatment.plan(), test_ontreatment.made(), cohort.outcomes())


def words(language: Language = "en") -> Words:
    return Words.of(plan(), Labels(language))


def tables(language: Language = "en") -> list[list[list[str]]]:
    return [
        [["".join(piece.text for piece in cell) for cell in row] for row in block.rows]
        for block in change_blocks(chapter(), words(language))
        if isinstance(block, Facts)
    ]


def test_every_question_of_change_has_its_table() -> None:
    changes, slopes, kinetics, survival, dropout = tables()
    assert {row[3] for row in changes} == {"all patients", "ORR"}
    first, second = changes[:2]
    assert (first[1:3], second[1:3]) == (["P00", "C1D1 to M1"], ["P00", "C1D1 to M2"])
    assert second[5].startswith("mean log2 ratio -2.")
    assert {row[3] for row in slopes} >= {"per month", "difference of slopes by response"}
    by_visit = next(row for row in kinetics if row[1:3] == ["P00", "M1"])
    assert int(by_visit[3]) == sum(int(count) for count in by_visit[4:])
    assert ["P00", "PFS", "from day 42, by M1", "rise against no rise"] in [r[:4] for r in survival]
    assert dropout[0][4:8] == ["48", "48", "0", "0"]


def test_no_nominal_p_is_printed() -> None:
    headings = [
        heading
        for block in change_blocks(chapter(), words())
        if isinstance(block, Facts)
        for heading in block.headings
    ]
    assert "Adjusted p" in headings
    assert not {"p", "nominal p"} & set(headings)


@pytest.mark.parametrize(
    ("language", "phrase"),
    [("en", "they generate hypotheses only"), ("zh", "仅用于产生假设")],
)
def test_the_rule_stands_above_the_tables_in_both_languages(
    language: Language, phrase: str
) -> None:
    said = [
        piece.text
        for block in change_blocks(chapter(), words(language))
        if isinstance(block, Paragraph)
        for piece in block.pieces
    ]
    assert phrase in said[0]
    assert f"{chapter().change.n_tests:,}" in said[0]  # type: ignore[union-attr]  # there is one
    assert any(isinstance(block, Minor) for block in change_blocks(chapter(), words(language)))


def test_the_tidy_files_hold_what_the_tables_are_made_from() -> None:
    frames = tidy_change(chapter())
    assert list(frames) == [
        "change", "change_slopes", "kinetics", "kinetics_survival", "sampling_dropout",
    ]  # fmt: skip
    assert all(frame.height for frame in frames.values())
    assert tidy_change(analyse(cohort.plan(), cohort.made(), cohort.outcomes())) == {}
