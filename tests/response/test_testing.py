"""The story runner itself: it says what differs, and it refuses a table it cannot read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from onearm.errors import OnearmError
from onearm.response import CRITERIA, RECIST11, Criteria
from onearm.testing import check_criteria, check_story, read_stories

WRONG = """
# Growth is judged from the smallest sum   (RECIST 1.1, 4.3.1)
| day | T1 || sum | target |
| -7  | 60 || 60  |        |
| 42  | 30 || 31  | SD     |
"""


def stories(folder: Path, text: str) -> Path:
    file = folder / "stories.md"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_story_that_does_not_hold_says_title_row_and_both_values(tmp_path: Path) -> None:
    (story,) = read_stories(stories(tmp_path, WRONG))
    assert (story.title, story.source) == (
        "Growth is judged from the smallest sum",
        "RECIST 1.1, 4.3.1",
    )
    assert check_story(story) == [
        "Growth is judged from the smallest sum, row 2: sum is '30', expected '31'",
        "Growth is judged from the smallest sum, row 2: target is 'PR', expected 'SD'",
    ]


@pytest.mark.parametrize(
    "table",
    ["| day | T1 | target |\n| -7 | 60 | |", "| day | T1 || target |\n| -7 || |"],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, table: str) -> None:
    with pytest.raises(OnearmError, match=r"stories.md:\d: a row needs as many cells"):
        read_stories(stories(tmp_path, f"# A title   (a source)\n{table}\n"))


def test_settings_are_parameters_of_the_criteria(tmp_path: Path) -> None:
    text = WRONG.replace("| day", "set pr_pct = 60\n| day", 1).replace("31 ", "30 ")
    (story,) = read_stories(stories(tmp_path, text))
    assert check_story(story) == []


@pytest.mark.parametrize("criteria", CRITERIA.values(), ids=CRITERIA)
def test_our_criteria_keep_what_a_plug_in_has_to_keep(criteria: Criteria) -> None:
    assert check_criteria(criteria) == []


def test_the_battery_finds_what_is_missing() -> None:
    short = replace(RECIST11, goodness=("CR", "PR", "SD", "PD"))
    assert check_criteria(short) == [
        "NE has no place in goodness",
        "NED has no place in goodness",
        "NON-CR/NON-PD has no place in goodness",
    ]
    upside_down = replace(RECIST11, goodness=tuple(reversed(RECIST11.goodness)))
    assert "a new lesion improves CR / CR from CR" in check_criteria(upside_down)
