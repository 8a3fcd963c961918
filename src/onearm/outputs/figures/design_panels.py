"""The panels of a design's figure: which counts stop the trial, and what follows from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from onearm.outputs.figures.style import COLOURS, FAINT, HATCHES, INK, LINES, SOFT, WIDTHS
from onearm.outputs.labels import Labels
from onearm.stats.arguments import Floats

Bounds = Sequence[int | None]

STOP, GO, GOOD = "#E9A36B", "#E8ECEF", "#7FB7DA"
"""Fills of the three regions; stop and promising also differ by their hatch."""
FEW_LOOKS = 8
"""Up to so many looks each is a bar with its numbers; beyond, the bars join to an area."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The looks with the counts that stop: ``low`` or fewer, ``high`` or more; None: no count.

    ``words`` are the keys of the labels of the regions below, between and above; ``counted`` is
    that of the axis. ``is_alarm``: the upper region is the bad one.
    """

    looks: tuple[int, ...]
    low: tuple[int | None, ...]
    high: tuple[int | None, ...]
    words: tuple[str, str, str] = ("design_stop", "design_go_on", "design_promising")
    counted: str = "design_responders"
    is_alarm: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line in a panel of curves: where, and what it says."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: heights on the panel's grid, its name, and where its values are written."""

    heights: Floats
    name: str
    points: tuple[tuple[float, float, str], ...] = field(default=())


def sheet(height: float) -> Figure:
    """An empty figure of two journal columns and a height in inches."""
    return Figure(figsize=(WIDTHS["two"], height))


def draw_boundary(plot: Axes, boundary: Boundary, labels: Labels) -> None:
    """The regions as bars, one a look, or as areas where there are many looks."""
    bounds = [k for k in (*boundary.low, *boundary.high) if k is not None]
    top = min(max(bounds, default=1) * 1.45 + 2, boundary.looks[-1] + 0.5)
    steps = np.diff((0, *boundary.looks))
    is_few = len(boundary.looks) <= FEW_LOOKS
    half = min(0.32 * float(steps.min()), 0.06 * boundary.looks[-1]) if is_few else None
    for place, n in enumerate(boundary.looks):
        width = (half, half) if half is not None else _joined(boundary.looks, place)
        _bar(plot, boundary, place, top, (n - width[0], n + width[1]))
        if is_few:
            _numbers(plot, boundary, place, top)
    plot.set_xlim(0, boundary.looks[-1] + (steps.min() * 0.6 if is_few else 1))
    plot.set_ylim(-0.5, top)
    plot.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    if is_few:
        plot.set_xticks(boundary.looks)
    else:
        plot.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    plot.set_xlabel(labels("design_patients"))
    plot.set_ylabel(labels(boundary.counted))
    _region_legend(plot, boundary, labels)


def _joined(looks: tuple[int, ...], place: int) -> tuple[float, float]:
    """Half the way to the neighbours, so that the bars of many looks meet."""
    before = looks[place] - looks[place - 1] if place else looks[1] - looks[0]
    after = looks[place + 1] - looks[place] if place + 1 < len(looks) else before
    return before / 2, after / 2


def _fills(boundary: Boundary) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    bad, good = (STOP, HATCHES[1]), (GOOD, "")
    return (good, (GO, ""), bad) if boundary.is_alarm else (bad, (GO, ""), good)


def _bar(plot: Axes, boundary: Boundary, place: int, top: float, ends: tuple[float, float]) -> None:
    n = boundary.looks[place]
    low, high = boundary.low[place], boundary.high[place]
    under = -0.5 if low is None else low + 0.5
    over = n + 0.5 if high is None else high - 0.5
    over = max(over, under)
    # Only what can happen is drawn: no bar goes above its number of patients.
    cuts = [min(cut, top, n + 0.5) for cut in (-0.5, under, over, n + 0.5)]
    for (colour, hatch), start, stop in zip(_fills(boundary), cuts[:-1], cuts[1:], strict=True):
        if stop > start:
            plot.bar(
                ends[0], stop - start, ends[1] - ends[0], bottom=start, align="edge",
                facecolor=colour, edgecolor="white", linewidth=0, hatch=hatch,
            )  # fmt: skip


def _numbers(plot: Axes, boundary: Boundary, place: int, top: float) -> None:
    """``<= 2`` in the lower region of a bar and ``>= 9`` in the upper one."""
    n, low, high = boundary.looks[place], boundary.low[place], boundary.high[place]
    plain = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    options: dict[str, Any] = {"ha": "center", "fontsize": 6.5, "color": INK, "bbox": plain}
    if low is not None:
        plot.text(n, max(low / 2, 0.1), f"≤ {low}", va="center", **options)
    if high is not None and high <= n:
        plot.text(n, (high - 0.5 + min(top, n + 0.5)) / 2, f"≥ {high}", va="center", **options)


def _region_legend(plot: Axes, boundary: Boundary, labels: Labels) -> None:
    used = [
        any(k is not None for k in boundary.low),
        any(_has_middle(boundary, place) for place in range(len(boundary.looks))),
        any(k is not None for k in boundary.high),
    ]
    # From the top down, as the regions lie.
    parts = list(zip(_fills(boundary), boundary.words, used, strict=True))[::-1]
    handles = [
        Patch(facecolor=colour, edgecolor="white", hatch=hatch, linewidth=0, label=labels(word))
        for (colour, hatch), word, is_used in parts
        if is_used
    ]
    plot.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(handles),
        columnspacing=1.0, handlelength=1.4, handletextpad=0.5, borderaxespad=0.3,
    )  # fmt: skip


def _has_middle(boundary: Boundary, place: int) -> bool:
    low, high = boundary.low[place], boundary.high[place]
    return (-1 if low is None else low) + 1 < (boundary.looks[place] + 1 if high is None else high)


def draw_curves(
    plot: Axes,
    grid: Floats,
    lines: Sequence[Line],
    marks: Sequence[Mark] = (),
    *,
    across: str,
    up: str,
    is_probability: bool = True,
    is_rate: bool = True,
) -> None:
    """Curves over the truth, with the null and the target marked and their values written."""
    for place, line in enumerate(lines):
        colour = COLOURS[place]
        plot.plot(grid, line.heights, color=colour, linestyle=LINES[place], label=line.name)
        for x, y, words in line.points:
            plot.plot([x], [y], "o", color=colour, markersize=3, zorder=4)
            _point(plot, grid, x, y, words, colour)
    for mark in marks:
        plot.axvline(mark.at, color=SOFT, linewidth=0.6, linestyle=(0, (2, 2)), zorder=0)
        plot.annotate(
            mark.words, (mark.at, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 1.5),
            textcoords="offset points", ha="center", va="bottom", fontsize=6, color=SOFT,
        )  # fmt: skip
    plot.set_xlim(float(grid[0]), float(grid[-1]))
    if is_probability:
        plot.set_ylim(0, 1.02)
        plot.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    if is_rate:
        plot.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        plot.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    plot.grid(axis="y", color=FAINT, linewidth=0.5)
    plot.set_axisbelow(True)
    plot.set_xlabel(across)
    plot.set_ylabel(up)
    if len(lines) > 1:
        plot.legend(loc="best", handlelength=2.2, labelspacing=0.35)


def _point(plot: Axes, grid: Floats, x: float, y: float, words: str, colour: str) -> None:
    """The value of a marked point, on the side where there is room."""
    is_right = x < (grid[0] + grid[-1]) / 2
    low, high = plot.get_ylim()
    is_high = y > (low + high) / 2
    plot.annotate(
        words, (x, y), xytext=(4 if is_right else -4, -3 if is_high else 3),
        textcoords="offset points", ha="left" if is_right else "right",
        va="top" if is_high else "bottom", fontsize=6.5, color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
    )  # fmt: skip
