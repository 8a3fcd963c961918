"""One column a patient: heatmap, oncoprint and availability, ordered by response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from onearm.outputs.figures.markers.frame import (
    WIDTH,
    About,
    below,
    colour_of,
    finished,
    response_legend,
)
from onearm.outputs.figures.style import COLOURS, FAINT, INK, Drawn, axes
from onearm.stats.arguments import Floats

LEFT, RIGHT = 1.5, 0.75
STRIP = 0.14
"""Height in inches of a line of annotation."""
LIMIT = 2.5
"""Standard deviations at which the colours of the heatmap end."""
MAP = "PuOr_r"
"""Purple and orange: told apart by every kind of colour vision."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One line of annotation above the patients: its name and a level for each, "" for none."""

    name: str
    levels: tuple[str, ...]


def heatmap(
    values: Floats,
    rows: Sequence[str],
    response: Floats,
    strips: Sequence[Strip],
    about: About,
    *,
    title: str,
) -> Drawn:
    """values: (rows, patients), standardised by row, NaN where missing; patients in drawing order.

    response: 1, 0 or NaN of each patient. Values beyond 2.5 SD have the colour of 2.5.
    """
    lane = min(0.15, 3.2 / max(len(rows), 1))
    figure, plot = _sheet(len(rows), lane, len(strips) + 1, about)
    shown = np.ma.masked_invalid(np.clip(values, -LIMIT, LIMIT))
    picture = plot.imshow(
        shown, aspect="auto", cmap=MAP, vmin=-LIMIT, vmax=LIMIT, interpolation="nearest"
    )
    plot.set_facecolor(FAINT)
    _row_names(plot, rows)
    _strips(figure, plot, response, strips, about)
    height = figure.get_size_inches()[1]
    bar = figure.add_axes((1 - 0.62 / WIDTH, 0.72 / height, 0.08 / WIDTH, 0.9 / height))
    figure.colorbar(picture, cax=bar, ticks=[-LIMIT, 0, LIMIT])
    bar.tick_params(labelsize=6)
    bar.set_title(about.labels("marker_z"), size=6, loc="left")
    return finished(figure, title, about)


def oncoprint(
    altered: Floats,
    genes: Sequence[str],
    response: Floats,
    strips: Sequence[Strip],
    about: About,
    *,
    title: str,
) -> Drawn:
    """altered: (genes, patients) of 1, 0 and NaN (not sequenced); patients in drawing order.

    Genes by how often they are altered; the share among sequenced patients stands on the right.
    """
    known = np.isfinite(altered)
    share = np.nansum(altered, axis=1) / np.maximum(known.sum(axis=1), 1)
    order = np.lexsort((np.arange(len(genes)), -share))
    figure, plot = _sheet(len(genes), 0.15, len(strips) + 1, about)
    levels = np.where(known, altered, 2.0)[order]
    _tiles(plot, levels, (FAINT, COLOURS[5], "white"))
    for place, row in enumerate(order):
        plot.annotate(
            f"{100 * share[row]:.0f}%", (1, place), xycoords=("axes fraction", "data"),
            xytext=(4, 0), textcoords="offset points", size=6.4, va="center",
        )  # fmt: skip
    _row_names(plot, [genes[row] for row in order])
    _strips(figure, plot, response, strips, about)
    return finished(figure, title, about)


def availability(
    present: Floats, rows: Sequence[str], response: Floats, about: About, *, title: str
) -> Drawn:
    """present: (modality at time point, patients) of 1 used, 0.5 there and not usable, 0 absent."""
    figure, plot = _sheet(len(rows), 0.17, 1, about)
    _tiles(plot, 2 * present, ("#EEF1F4", COLOURS[1], COLOURS[2]))
    for place in range(len(rows)):
        plot.annotate(
            f"{int((present[place] == 1).sum())}/{present.shape[1]}", (1, place),
            xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            size=6.4, va="center",
        )  # fmt: skip
    _row_names(plot, rows)
    _strips(figure, plot, response, (), about)
    return finished(figure, title, about)


def _sheet(rows: int, lane: float, strips: int, about: About) -> tuple[Figure, Axes]:
    top = 0.3 + STRIP * strips
    height = lane * max(rows, 1) + top + 0.42
    figure = Figure(figsize=(WIDTH, max(height, 1.9 if rows > 8 else height)))
    plot = axes(figure, left=LEFT, right=RIGHT, bottom=0.34, top=top)
    plot.set_xticks([])
    for spine in plot.spines.values():
        spine.set_visible(False)
    below(figure, about)
    return figure, plot


def _tiles(plot: Axes, levels: Floats, colours: Sequence[str]) -> None:
    """Cells coloured by level (0, 1, ...), white lines between them."""
    plot.imshow(
        levels, aspect="auto", cmap=ListedColormap(list(colours)), vmin=-0.5,
        vmax=len(colours) - 0.5, interpolation="nearest",
    )  # fmt: skip
    rows, columns = levels.shape
    plot.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, color="white", lw=0.8)
    plot.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, color="white", lw=1.6)


def _cells(plot: Axes, colours: Sequence[str], low: float, high: float) -> None:
    """One line of cells above the patients, between two heights of the figure; no axes of its own,
    which would take longer to make than all its cells.
    """
    figure = plot.get_figure(root=True)
    if figure is None:
        return
    corners = [
        [(at - 0.44, low), (at + 0.44, low), (at + 0.44, high), (at - 0.44, high)]
        for at in range(len(colours))
    ]
    where = blended_transform_factory(plot.transData, figure.transFigure)
    line = PolyCollection(
        corners, facecolors=list(colours), linewidths=0, transform=where, clip_on=False
    )
    plot.add_collection(line, autolim=False)


def _row_names(plot: Axes, rows: Sequence[str]) -> None:
    plot.set_yticks(range(len(rows)), list(rows), size=6.4 if len(rows) < 30 else 5)
    plot.tick_params(axis="y", length=0)


def _strips(
    figure: Figure, plot: Axes, response: Floats, strips: Sequence[Strip], about: About
) -> None:
    """Response first, then the other annotations, each a line of cells above the patients."""
    lines: list[tuple[str, list[str], tuple[tuple[str, str], ...]]] = [
        (about.labels("marker_response"), [colour_of(r) for r in response], ())
    ]
    for number, strip in enumerate(strips):
        known = tuple(sorted({level for level in strip.levels if level}))
        colours = {k: COLOURS[(2 + 2 * number + at) % len(COLOURS)] for at, k in enumerate(known)}
        colours[""] = "white"
        key = tuple((level, colours[level]) for level in known)
        lines.append((strip.name, [colours[level] for level in strip.levels], key))
    height = figure.get_size_inches()[1]
    box = plot.get_position()
    for at, (name, cells, key) in enumerate(lines):
        y = box.y1 + (STRIP * (len(lines) - 1 - at) + 0.03) / height
        _cells(plot, cells, y, y + 0.1 / height)
        middle = y + 0.05 / height
        figure.text(
            box.x0 - 0.06 / WIDTH, middle, name, size=6.4, ha="right", va="center", color=INK
        )
        x = box.x1 + 0.05 / WIDTH
        for level, colour in key:
            figure.text(x, middle, level, size=5.6, va="center", color=colour, weight="bold")
            x += (0.058 * len(level) + 0.05) / WIDTH
    response_legend(figure, about.labels, has_unknown=bool(np.isnan(response).any()))
