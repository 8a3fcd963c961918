"""Operating characteristics of several scenarios side by side, with their Monte-Carlo error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from onearm.outputs.figures.style import (
    COLOURS,
    FAINT,
    INK,
    SOFT,
    WIDTHS,
    Drawn,
    axes,
    wrapped,
)
from onearm.outputs.labels import Labels
from onearm.study.text import Text

LANE = 0.3
LEFT, RIGHT, BOTTOM, TOP, GAP = 1.5, 0.12, 0.5, 0.3, 0.22


@dataclass(frozen=True, slots=True)
class Panel:
    """One characteristic: the measure it shows, what a unit is worth, and where nothing is lost."""

    measure: str
    label: str
    factor: float = 1.0
    is_share: bool = False


PANELS = (
    Panel("go", "operating_go", 100, is_share=True),
    Panel("promising", "operating_promising", 100, is_share=True),
    Panel("pfs_win", "operating_pfs_win", 100, is_share=True),
    Panel("orr_bias", "operating_orr_bias", 100),
    Panel("pfs_median_bias", "operating_pfs_bias"),
)
MARKS = {"drawn": ("o", COLOURS[0], -0.14), "entered": ("D", COLOURS[5], 0.14)}
"""Marker, colour and place in the lane of each way of making trials."""


def draw(summary: pl.DataFrame, scenarios: Mapping[str, Text], labels: Labels) -> Drawn:
    """One lane a scenario, one panel a characteristic, one mark a way of making trials.

    summary: one row a scenario, route and measure (value, lower, upper, trials), as
    ``onearm.operating.summary_of`` gives it; bars are the limits of the simulation.
    scenarios: the words of each, in order. Call and save it inside ``styled()``.
    """
    names = [name for name in scenarios if name in set(summary["scenario"].to_list())]
    routes = [route for route in MARKS if route in set(summary["route"].to_list())]
    height = TOP + BOTTOM + LANE * len(names)
    figure = Figure(figsize=(WIDTHS["two"], height))
    words = [labels.of(scenarios[name]) for name in names]
    for place, panel in enumerate(PANELS):
        plot = _panel(figure, place)
        _lanes(plot, words if place == 0 else [], len(names))
        for route in routes:
            _marks(plot, summary, panel, route, names)
        _axis(plot, panel, labels)
    _legend(figure, summary, routes, labels, height)
    return Drawn(figure, labels("operating_alt", scenarios=len(names)))


def _panel(figure: Figure, place: int) -> Axes:
    width = figure.get_figwidth()
    each = (width - LEFT - RIGHT - GAP * (len(PANELS) - 1)) / len(PANELS)
    left = LEFT + place * (each + GAP)
    return axes(figure, left=left, right=width - left - each, bottom=BOTTOM, top=TOP)


def _lanes(plot: Axes, words: Sequence[str], lanes: int) -> None:
    plot.set_ylim(lanes - 0.5, -0.5)
    for lane in range(0, lanes, 2):
        plot.axhspan(lane - 0.5, lane + 0.5, color=FAINT, alpha=0.35, lw=0, zorder=0)
    plot.set_yticks(range(len(words)), [wrapped(word, 26) for word in words])
    plot.tick_params(axis="y", length=0)
    plot.spines["left"].set_visible(False)


def _marks(
    plot: Axes, summary: pl.DataFrame, panel: Panel, route: str, names: Sequence[str]
) -> None:
    marker, colour, shift = MARKS[route]
    mine = summary.filter(route=route, measure=panel.measure)
    numbers = {row["scenario"]: row for row in mine.iter_rows(named=True)}
    for lane, name in enumerate(names):
        row = numbers.get(name)
        if row is None or row["value"] is None:
            continue
        value = row["value"] * panel.factor
        limits = [row[end] for end in ("lower", "upper") if row[end] is not None]
        if limits:
            span = [limit * panel.factor for limit in limits]
            plot.plot(span, [lane + shift] * 2, color=colour, lw=1.1, solid_capstyle="butt")
        plot.plot(value, lane + shift, marker, color=colour, ms=3.6, mew=0, zorder=4)


def _axis(plot: Axes, panel: Panel, labels: Labels) -> None:
    if panel.is_share:
        plot.set_xlim(-3, 103)
        plot.set_xticks([0, 50, 100])
    else:
        low, high = plot.get_xlim()
        plot.set_xlim(min(low, 0) - 0.04 * (high - low), max(high, 0) + 0.04 * (high - low))
        plot.axvline(0, color=SOFT, lw=0.8, ls=(0, (3, 2)), zorder=1)
        plot.xaxis.set_major_locator(MaxNLocator(4))
    plot.set_xlabel(wrapped(labels(panel.label), 20), fontsize=6.5, color=INK)
    plot.grid(axis="x", color=FAINT, lw=0.5)
    plot.set_axisbelow(True)


def _legend(
    figure: Figure, summary: pl.DataFrame, routes: Sequence[str], labels: Labels, height: float
) -> None:
    handles = []
    for route in routes:
        marker, colour, _ = MARKS[route]
        trials = int(summary.filter(route=route, measure="go")["trials"][0])
        handles.append(
            Line2D(
                [], [], color=colour, marker=marker, ms=3.6, mew=0, lw=1.1,
                label=labels(f"operating_{route}", trials=f"{trials:,}"),
            )
        )  # fmt: skip
    figure.legend(
        handles=handles, loc="upper left", ncols=len(handles), frameon=False,
        bbox_to_anchor=(0.04 / figure.get_figwidth(), 1 - 0.01 / height), borderaxespad=0.1,
    )  # fmt: skip
