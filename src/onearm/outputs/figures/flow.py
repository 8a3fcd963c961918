"""Participant flow: from screening to the analysis sets, with everybody who left on the way."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from onearm.outputs.figures.style import (
    INK,
    RESULT,
    SOFT,
    Drawn,
    Material,
    axes,
    nobody,
    sheet,
    wrapped,
)
from onearm.outputs.layout import level_words
from onearm.outputs.numbers import COLUMN, TOTAL, Number
from onearm.study.outputs import Box, Flow

LINE = 0.125
PAD = 0.09
GAP = 0.24


def draw(shell: Flow, material: Material) -> Drawn:
    """Boxes from the top down, those who left to the right, the analysis sets in the last row.

    Source: CONSORT 2010, participant flow diagram, without the arms of allocation.
    """
    ids: list[str] = []
    is_wide = shell.width == "two"
    width = 6.85 if is_wide else 3.35
    room = 34 if is_wide else 20
    stack = [(_lines(b, material, room), _aside(b, material, 46 if is_wide else 24))
             for b in shell.boxes]  # fmt: skip
    if not any(lines for lines, _ in stack):
        return nobody(shell, material)
    heights = [max(_height(lines), _height(aside)) for lines, aside in stack]
    bottom = [_lines(b, material, 22 if is_wide else 12) for b in shell.last]
    tail = max((_height(lines) for lines in bottom), default=0.0)
    total = sum(heights) + GAP * len(heights) + tail + 0.16
    figure = sheet(shell, total)
    plot = axes(figure, left=0, right=0, bottom=0, top=0)
    plot.set_xlim(0, width)
    plot.set_ylim(0, total)
    plot.axis("off")
    trunk, span = (2.05, 2.5) if is_wide else (0.88, 1.5)
    y = total - 0.08
    for place, ((lines, aside), height) in enumerate(zip(stack, heights, strict=True)):
        middle = y - height / 2
        own = _height(lines)
        if place:
            above = y + GAP + (heights[place - 1] - _height(stack[place - 1][0])) / 2
            _arrow(plot, (trunk, above), (trunk, middle + own / 2))
        _box(plot, trunk, middle, span, lines, ids)
        if aside:
            start = 4.0 if is_wide else 1.84
            wide = width - start - 0.06
            _arrow(plot, (trunk + span / 2, middle), (start, middle))
            _box(plot, start + wide / 2, middle, wide, aside, ids, align="left")
        y -= height + GAP
    if bottom:
        above = y + GAP + (heights[-1] - _height(stack[-1][0])) / 2
        _sets(plot, bottom, above, y, width, trunk, ids)
    alt = f"{material.labels.of(shell.title)}: " + "; ".join(
        " ".join(text for text, _ in lines) for lines, _ in stack
    )
    return Drawn(figure, alt, ids=ids)


Lines = list[tuple[str, str]]
"""Lines of a box: the text and the id of the result in it."""


def _lines(box: Box, material: Material, room: int) -> Lines:
    pick = {COLUMN: TOTAL, **box.pick}
    number = material.numbers.cell(box.analysis, pick).get(box.operation)
    if number is None:
        return []
    count = f"(n\u00a0=\u00a0{number.shown('d')})"
    made = _broken(f"{material.labels.of(box.label)} {count}", number.result_id, room)
    for text, result in _reasons(box, pick, material):
        made += [("   " + line, name) for line, name in _broken(text, result, room - 3)]
    return made


def _broken(text: str, result: str, room: int) -> Lines:
    """The text in lines; the number stands at its end, so the last line carries the result."""
    *first, last = wrapped(text, room).split("\n")
    return [*((line, "") for line in first), (last, result)]


def _reasons(box: Box, pick: dict[str, str], material: Material) -> Lines:
    if not box.each:
        return []
    found: list[tuple[str, Number]] = []
    for level in material.numbers.inner_levels(box.analysis, box.each, pick):
        number = material.numbers.cell(box.analysis, {**pick, box.each: level}).get(box.operation)
        if number and number.value:
            found.append((level, number))
    return [(f"{level_words(level)} ({n.shown('d')})", n.result_id) for level, n in found]


def _aside(box: Box, material: Material, room: int) -> Lines:
    return [line for part in box.aside for line in _lines(part, material, room)]


def _height(lines: Lines) -> float:
    return LINE * len(lines) + 2 * PAD if lines else 0.0


def _box(
    plot: Axes,
    x: float,
    y: float,
    width: float,
    lines: Lines,
    ids: list[str],
    align: str = "center",
) -> None:
    height = _height(lines)
    plot.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.04",
            fc="#F4F7F9",
            ec=SOFT,
            lw=0.7,
        )
    )
    at = x if align == "center" else x - width / 2 + 0.08
    for place, (text, result) in enumerate(lines):
        top = y + height / 2 - PAD - LINE * (place + 0.5)
        artist = plot.text(at, top, text, ha=align, va="center", size=6.6, color=INK)
        if result:
            artist.set_gid(RESULT + result)
            ids.append(result)


def _arrow(plot: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    plot.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": SOFT, "lw": 0.8,
                                              "shrinkA": 0, "shrinkB": 0,
                                              "mutation_scale": 7})  # fmt: skip


def _sets(
    plot: Axes, boxes: list[Lines], above: float, top: float, width: float, trunk: float,
    ids: list[str],
) -> None:  # fmt: skip
    each = width / len(boxes)
    rail = top + GAP * 0.55
    centres = [each * (i + 0.5) for i in range(len(boxes))]
    plot.plot([trunk, trunk], [above, rail], color=SOFT, lw=0.8)
    plot.plot([min(trunk, centres[0]), max(trunk, centres[-1])], [rail, rail], color=SOFT, lw=0.8)
    tallest = max(_height(lines) for lines in boxes)
    for centre, lines in zip(centres, boxes, strict=True):
        if lines:
            middle = top - tallest / 2
            _arrow(plot, (centre, rail), (centre, middle + _height(lines) / 2))
            _box(plot, centre, middle, each - 0.12, lines, ids)
