"""The course on design: every page has its example and its figure, and the figures are current."""

from __future__ import annotations

import csv
import re

import pytest

from onearm.cli.design import COMMANDS
from onearm.design import DESIGNS
from onearm.outputs.figures import styled
from onearm.outputs.figures.design_kinds import DRAWN, draw_design
from onearm.outputs.labels import Labels
from tests.docs.printing import DOCS, ROOT, module

FOLDER = DOCS / "guides" / "design"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.stem != "index")
drawing = module("printing.design_figures")


def text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_an_example_that_is_run_a_figure_and_a_way_on(page):
    words = page.read_text(encoding="utf-8")
    assert re.search(r"^```(console|python)$", words, re.M)
    assert re.search(r"!\[[^\]]{20,}\]\(\w+\.svg\)", words)
    assert "\nNext: [" in words or "\nBack to [" in words
    assert f"({page.name})" in text("index")


@pytest.mark.slow
def test_every_figure_is_current_and_shown():
    pictures = dict(drawing.pictures())
    shown = {
        f"guides/design/{name}"
        for page in PAGES
        for name in re.findall(r"\((\w+\.svg)\)", page.read_text(encoding="utf-8"))
    }
    assert set(pictures) == shown
    assert {f"guides/design/{path.name}" for path in FOLDER.glob("*.svg")} == shown
    stale = [name for name, picture in pictures.items() if (DOCS / name).read_bytes() != picture]
    assert stale == [], "run: python docs/print_reference.py"
    assert sum(len(picture) for picture in pictures.values()) < 800_000


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_has_its_line_in_the_index(name):
    assert f"| `{name}` |" in text("index")


def test_every_command_is_used_in_the_course_or_named():
    every = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    unused = [name for name in COMMANDS if f"$ onearm design {name} " not in every]
    assert unused == ["toxicity-crossing"]
    assert "crossing_toxicity" in every


def test_a_value_without_a_figure_is_named():
    with styled(), pytest.raises(TypeError, match="str has no figure"):
        draw_design("a design", Labels("en"))


def test_nothing_of_a_figure_is_clipped():
    kinds = set()
    with styled():
        for make in drawing.FIGURES.values():
            value = make()
            kinds.add(type(value))
            drawn = draw_design(value, Labels("en"))
            assert drawn.alt
            drawn.figure.canvas.draw()
            box = drawn.figure.get_tightbbox()
            width, height = drawn.figure.get_size_inches()
            assert min(box.x0, box.y0) >= -0.01, value
            assert box.x1 <= width + 0.01, value
            assert box.y1 <= height + 0.01, value
    assert kinds < set(DRAWN)


def test_every_word_of_a_figure_is_there_in_both_languages():
    used = set()
    for path in (ROOT / "src" / "onearm" / "outputs" / "figures").glob("design_*.py"):
        used |= set(re.findall(r'"(design_\w+)"', path.read_text(encoding="utf-8")))
    rows = (ROOT / "src" / "onearm" / "outputs" / "labels.csv").read_text(encoding="utf-8")
    table = {row["key"]: row for row in csv.DictReader(rows.splitlines())}
    assert sorted(key for key in used if not (table[key]["en"] and table[key]["zh"])) == []
    ours = {key for key in table if key.startswith("design_")}
    assert ours >= used
