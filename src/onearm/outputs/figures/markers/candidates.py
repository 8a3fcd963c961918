"""Forest of candidates: effect with limits for each endpoint, the adjusted p beside it."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onearm.outputs import layout
from onearm.outputs.figures.markers.frame import FOUND, WIDTH, About, below, finished
from onearm.outputs.figures.style import FAINT, INK, SOFT, Drawn, axes

LANE = 0.17
LABEL, WORDS, GAP = 1.75, 0.5, 0.12


def draw(
    rows: pl.DataFrame, about: About, *, alpha: float, title: str, words: dict[str, str]
) -> Drawn:
    """rows: associations of the candidates; words: label by feature. One column an endpoint.

    Ratios on a log scale, an AUC around 0.5. Limits are 95% and not adjusted, the p is; a
    candidate with an adjusted p at or below ``alpha`` is drawn in colour.
    """
    endpoints = rows["endpoint"].unique(maintain_order=True).to_list()
    names = rows["feature"].unique(maintain_order=True).to_list()
    height = LANE * (len(names) + 2) + 0.85
    figure = Figure(figsize=(WIDTH, height))
    wide = (WIDTH - LABEL - 0.1 - (WORDS + GAP) * len(endpoints)) / max(len(endpoints), 1)
    for place, endpoint in enumerate(endpoints):
        start = LABEL + place * (wide + WORDS + GAP)
        plot = axes(figure, left=start, right=WIDTH - start - wide, bottom=0.62, top=0.2)
        some = rows.filter(pl.col("endpoint") == endpoint)
        _panel(plot, some, names, about, alpha)
        plot.set_title(endpoint, size=7.5, loc="left", color=INK, pad=4)
        if place == 0:
            for at, name in enumerate(names):
                _beside(plot, at, words.get(name, name), -LABEL + 0.08)
    below(figure, about)
    return finished(figure, title, about)


def _panel(plot: Axes, rows: pl.DataFrame, names: list[str], about: About, alpha: float) -> None:
    by_name = {row["feature"]: row for row in rows.iter_rows(named=True)}
    shown = "second" if _is_response(rows) else ""
    plot.set_ylim(len(names) - 0.4, -1.1)
    _beside(plot, -0.75, about.labels("marker_adjusted_p"), 0.06, from_right=True, weight="bold")
    named: dict[str, None] = {}
    lines: list[tuple[int, float, float, str]] = []
    points: list[tuple[float, int, str]] = []
    for place, name in enumerate(names):
        row = by_name.get(name)
        if row is None:
            continue
        parts = [row[f"{shown}_{k}" if shown else k] for k in ("effect", "lower", "upper")]
        named[row["second_effect_name" if shown else "effect_name"]] = None
        is_found = row["p_adjusted"] is not None and row["p_adjusted"] <= alpha
        if parts[0] is not None:
            colour = FOUND if is_found else INK
            points.append((parts[0], place, colour))
            if parts[1] is not None and parts[2] is not None:
                lines.append((place, parts[1], parts[2], colour))
        p = row["p_adjusted"]
        text = layout.NOTHING if p is None else layout.p_value(p)
        _beside(plot, place, text, 0.06, from_right=True, weight="bold" if is_found else "normal")
    if lines:
        heights, low, high, colours = zip(*lines, strict=True)
        plot.hlines(heights, low, high, colors=colours, lw=0.9)
    if points:
        x, y, colours = zip(*points, strict=True)
        plot.scatter(x, y, s=13, marker="s", c=colours, linewidths=0, zorder=4)
    is_ratio = not shown
    plot.axvline(1.0 if is_ratio else 0.5, color=SOFT, lw=0.7)
    if is_ratio:
        plot.set_xscale("log", base=2)
        plot.set_xlim(1 / 8, 8)
        plot.set_xticks([1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8], ["⅛", "", "½", "1", "2", "", "8"])
        plot.minorticks_off()
    else:
        plot.set_xlim(0, 1)
        plot.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    plot.set_yticks([])
    plot.spines["left"].set_visible(False)
    plot.set_xlabel(" or ".join(named), size=7 if len(named) < 2 else 5.8)
    plot.hlines(np.arange(len(names)) + 0.5, *plot.get_xlim(), color=FAINT, lw=0.3, zorder=0)


def _is_response(rows: pl.DataFrame) -> bool:
    names = rows["second_effect_name"].drop_nulls()
    return bool(names.len()) and str(names[0]).startswith("AUC")


def _beside(
    plot: Axes, place: float, text: str, inches: float, *, from_right: bool = False,
    weight: str = "normal",
) -> None:  # fmt: skip
    plot.annotate(
        text, (1 if from_right else 0, place), xycoords=("axes fraction", "data"),
        xytext=(inches * 72, 0), textcoords="offset points", va="center", size=6.4, weight=weight,
        annotation_clip=False,
    )  # fmt: skip
