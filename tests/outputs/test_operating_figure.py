"""The figure of operating characteristics: a lane a scenario, a mark a number that exists."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onearm.outputs.figures import save, styled
from onearm.outputs.figures.operating import PANELS, draw
from onearm.outputs.labels import Labels
from onearm.study.text import Text

WORDS = {"planned": Text(en="As planned", zh="按计划"), "late": Text(en="Late scans")}


def summary(*rows: tuple[str, str, str, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                scenario, route, measure, value,
                None if value is None else value - 0.01, None if value is None else value + 0.01,
                100,
            )
            for scenario, route, measure, value in rows
        ],
        schema=["scenario", "route", "measure", "value", "lower", "upper", "trials"],
        orient="row",
    )  # fmt: skip


def every(route: str, value: float | None, *scenarios: str) -> list[tuple]:
    return [(name, route, panel.measure, value) for name in scenarios for panel in PANELS]


def test_each_number_has_one_mark_and_one_bar() -> None:
    frame = summary(*every("drawn", 0.5, *WORDS), *every("entered", 0.4, "planned"))
    with styled():
        figure = draw(frame, WORDS, Labels()).figure
    marks = [line for plot in figure.axes for line in plot.lines if line.get_marker() in ("o", "D")]
    assert len(marks) == 3 * len(PANELS)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [
        "As planned",
        "Late scans",
    ]
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == [
        "Drawn from rates (100 trials)",
        "Through the real derivations (100 trials)",
    ]


def test_a_number_that_does_not_exist_has_no_mark() -> None:
    frame = summary(*every("drawn", 0.5, "planned"), *every("drawn", None, "late"))
    with styled():
        figure = draw(frame, WORDS, Labels()).figure
    marks = [line for plot in figure.axes for line in plot.lines if line.get_marker() == "o"]
    assert len(marks) == len(PANELS)


def test_shares_are_in_percent_and_bias_keeps_its_unit() -> None:
    with styled():
        figure = draw(summary(*every("drawn", 0.5, "planned")), WORDS, Labels()).figure
    at = [plot.lines[-1].get_xdata()[0] for plot in figure.axes[:3]]
    assert at == pytest.approx([50, 50, 50])
    months = [line for line in figure.axes[4].lines if line.get_marker() == "o"]
    assert months[0].get_xdata()[0] == pytest.approx(0.5)


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    frame = summary(*every("drawn", 0.5, *WORDS))
    with styled():
        first = save(draw(frame, WORDS, Labels()), tmp_path, "a")[0].read_bytes()
        again = save(draw(frame, WORDS, Labels()), tmp_path, "b")[0].read_bytes()
    assert first == again
    assert Labels("zh")("operating_promising") == "判定有希望，%"
