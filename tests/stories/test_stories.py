"""Every story in this folder holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from onearm.testing import Story, check_story, read_stories

FILES = sorted(Path(__file__).parent.glob("*.md"))
STORIES = [story for file in FILES for story in read_stories(file)]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.place} {story.title}")
def test_the_story_holds(story: Story) -> None:
    differences = check_story(story)
    assert not differences, f"\n{story.title} ({story.source})\n" + "\n".join(differences)


def test_every_numbered_clinical_case_has_its_story() -> None:
    cells = [cell for story in STORIES for row in story.seen for cell in row.values()]
    told = " ".join([story.title for story in STORIES] + cells)
    numbered = {"T": 44, "N": 14, "W": 15, "O": 24, "B": 54, "E": 20}
    missing = [
        f"{letter}{number:02}"
        for letter, last in numbered.items()
        for number in range(1, last + 1)
        if f"{letter}{number:02}" not in told
    ]
    # E15 is the age of the baseline scan: a check of a date, tested with the other checks.
    assert missing == ["E15"]
