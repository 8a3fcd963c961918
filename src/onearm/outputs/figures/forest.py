"""Forest plot: a proportion with its exact limits, one line a subgroup level."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.ticker import MultipleLocator

from onearm.outputs.figures.style import (
    COLOURS,
    FAINT,
    INK,
    SOFT,
    Drawn,
    Material,
    axes,
    mark_result,
    nobody,
    phrase,
    sheet,
)
from onearm.outputs.numbers import COLUMN, TOTAL, Number
from onearm.study.outputs import Forest

LANE = 0.165
NARROW = 4.0
"""Below this width in inches letters are smaller."""


@dataclass(frozen=True, slots=True)
class _Lane:
    label: str
    cell: dict[str, Number]
    is_heading: bool = False
    is_overall: bool = False


def draw(shell: Forest, material: Material) -> Drawn:
    """Overall, then each subgroup's levels: n/N, estimate with limits in words and as a square.

    Levels without estimate (too few subjects) show n/N only. Limits are those of the analysis.
    """
    lanes = _lanes(shell, material)
    if not any(lane.cell for lane in lanes):
        return nobody(shell, material)
    is_wide = shell.width == "two"
    figure = sheet(shell, LANE * (len(lanes) + 1) + 0.62)
    left, right = (2.35, 1.55) if is_wide else (1.42, 1.17)
    plot = axes(figure, left=left, right=right, bottom=0.46, top=0.1)
    plot.set_ylim(len(lanes) - 0.4, -1.6)
    plot.set_xlim(0, 1)
    ids: list[str] = []
    for place, lane in enumerate(lanes):
        _draw_lane(plot, place, lane, material, ids, left=left)
    _headings(plot, material, left=left)
    _frame(plot, shell, material, lanes)
    alt = f"{material.labels.of(shell.title)}: {len(lanes)}"
    return Drawn(figure, alt, ids=ids)


def _lanes(shell: Forest, material: Material) -> list[_Lane]:
    numbers, cohort = material.numbers, {COLUMN: TOTAL}
    overall = numbers.cell(shell.overall, cohort)
    lanes = [_Lane(material.labels("all_subjects"), overall, is_overall=True)] if overall else []
    for row in shell.rows:
        found = numbers.levels(shell.analysis, row.each)
        is_cohort = row.each == material.outputs.cohort
        written = (*row.levels, *(material.cohorts if is_cohort else ()))
        levels = [x for x in dict.fromkeys((*written, *found)) if x in found]
        if levels:
            lanes.append(_Lane(material.labels.of(row.label), {}, is_heading=True))
        for level in levels:
            words = row.levels.get(level)
            label = material.labels.of(words) if words else level
            cell = numbers.cell(shell.analysis, {**cohort, row.each: level})
            lanes.append(_Lane("   " + label, cell))
    return lanes


def _draw_lane(
    plot: Axes, place: int, lane: _Lane, material: Material, ids: list[str], *, left: float
) -> None:
    weight = "bold" if lane.is_heading or lane.is_overall else "normal"
    _beside(plot, -left + 0.08, place, lane.label, weight=weight)
    if not lane.cell:
        return
    n = lane.cell.get("n")
    artist = _beside(plot, -0.1, place, phrase("{n}/{N}", lane.cell, ids), ha="right")
    mark_result(artist, n, [])
    estimate, low, high = (lane.cell.get(name) for name in ("estimate", "ci_low", "ci_high"))
    if estimate is None or estimate.value is None or low is None or low.value is None:
        _beside(plot, 0.1, place, "–", from_right=True)
        return
    if high is None or high.value is None:
        return
    colour = COLOURS[5] if lane.is_overall else COLOURS[0]
    size = 3.5 + 4.0 * ((estimate.n_used or 1) / 60) ** 0.5
    plot.plot([low.value, high.value], [place] * 2, color=INK, lw=0.9, solid_capstyle="butt")
    plot.plot(estimate.value, place, "D" if lane.is_overall else "s", color=colour,
              ms=min(size, 8), mew=0, zorder=4)  # fmt: skip
    words = phrase(material.labels("forest_estimate"), lane.cell, ids)
    mark_result(_beside(plot, 0.1, place, words, from_right=True), estimate, [])


def _beside(
    plot: Axes,
    inches: float,
    place: float,
    text: str,
    *,
    weight: str = "normal",
    ha: str = "left",
    from_right: bool = False,
) -> Annotation:
    """A text so many inches right of the axes' left (or right) edge, level with a lane."""
    return plot.annotate(
        text, (1 if from_right else 0, place), xycoords=("axes fraction", "data"),
        xytext=(inches * 72, 0), textcoords="offset points", va="center", ha=ha,
        size=_letters(plot),
        weight=weight, annotation_clip=False,
    )  # fmt: skip


def _letters(plot: Axes) -> float:
    figure = plot.get_figure(root=True)
    return 5.9 if figure is not None and figure.get_figwidth() < NARROW else 6.8


def _headings(plot: Axes, material: Material, *, left: float) -> None:
    _beside(plot, -left + 0.08, -1.05, material.labels("subgroup"), weight="bold")
    _beside(plot, -0.1, -1.05, "n/N", weight="bold", ha="right")
    _beside(plot, 0.1, -1.05, material.labels("forest_heading"), weight="bold", from_right=True)


def _frame(plot: Axes, shell: Forest, material: Material, lanes: list[_Lane]) -> None:
    highest = max(
        (c.value for lane in lanes if (c := lane.cell.get("ci_high")) and c.value is not None),
        default=1.0,
    )
    plot.set_xlim(0, min(1.0, 0.1 * (int(highest * 10) + 1)))
    overall = lanes[0].cell.get("estimate") if lanes[0].is_overall else None
    if overall and overall.value is not None:
        plot.axvline(overall.value, color=FAINT, lw=0.8, zorder=0)
    if shell.reference is not None:
        plot.axvline(shell.reference, color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=0)
    plot.set_yticks([])
    plot.spines["left"].set_visible(False)
    plot.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f}")
    step = 0.1 if plot.get_xlim()[1] <= 0.6 else 0.2
    plot.xaxis.set_major_locator(MultipleLocator(step))
    plot.set_xlabel(material.labels.of(shell.axis))
