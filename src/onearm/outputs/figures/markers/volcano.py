"""Volcano: effect against adjusted p, one panel an endpoint, a line at the alpha of the tier."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from onearm.outputs.figures.markers.frame import FOUND, REST, About, finished, panels
from onearm.outputs.figures.style import ALARM, FAINT, INK, Drawn

MANY = 400
"""More points than this are one picture inside the drawing."""
NAMED = 5


def draw(rows: pl.DataFrame, about: About, *, alpha: float, title: str) -> Drawn:
    """rows: associations (`ASSOCIATIONS`) of one tier and modality; adjusted p only.

    Ratios are drawn as log2, differences as they are. Names stand only at features whose adjusted
    p is at or below ``alpha``.
    """
    endpoints = rows["endpoint"].unique(maintain_order=True).to_list()
    figure, plots = panels(max(len(endpoints), 1), about, height=2.75)
    for plot, endpoint in zip(plots, endpoints, strict=False):
        _panel(plot, rows.filter(pl.col("endpoint") == endpoint), about, alpha)
        plot.set_title(endpoint, size=7.5, loc="left", color=INK)
    lowest = min((plot.get_ylim()[1] for plot in plots), default=1.0)
    top = max([plot.get_ylim()[1] for plot in plots] + [-np.log10(alpha) * 1.15, lowest])
    for plot in plots:
        plot.set_ylim(-0.03 * top, top)
    plots[0].set_ylabel(about.labels("marker_adjusted_axis"))
    return finished(figure, title, about)


def _panel(plot: Axes, rows: pl.DataFrame, about: About, alpha: float) -> None:
    rows = rows.filter(pl.col("effect").is_not_null(), pl.col("p_adjusted").is_not_null())
    name = str(rows["effect_name"][0]) if rows.height else ""
    is_ratio = _is_ratio(name)
    effect = rows["effect"].to_numpy()
    x = np.log2(np.clip(effect, 1e-3, 1e3)) if is_ratio else effect
    y = -np.log10(rows["p_adjusted"].to_numpy())
    found = rows["p_adjusted"].to_numpy() <= alpha
    for chosen, colour in ((~found, REST), (found, FOUND)):
        plot.plot(
            x[chosen], y[chosen], "o", ms=2.4, mew=0, color=colour, alpha=0.55,
            rasterized=rows.height > MANY, clip_on=False,
        )  # fmt: skip
    names = rows["feature"].to_list()
    for at in np.argsort(-y)[:NAMED]:
        if found[at]:
            plot.annotate(
                names[at], (x[at], y[at]), xytext=(3, 2), size=6, textcoords="offset points"
            )
    plot.axhline(-np.log10(alpha), color=ALARM, lw=0.8, ls=(0, (4, 2)))
    plot.annotate(
        about.labels("marker_alpha", alpha=f"{alpha:g}"), (1, -np.log10(alpha)), xytext=(0, 2),
        xycoords=("axes fraction", "data"), textcoords="offset points", size=6, color=ALARM,
        ha="right",
    )  # fmt: skip
    widest = max(float(np.abs(x).max(initial=0.0)) * 1.08, 0.1)
    plot.set_xlim(-widest, widest)
    plot.axvline(0, color=FAINT, lw=0.5, zorder=0)
    plot.set_xlabel(f"log2 {name}" if is_ratio else name)


def _is_ratio(name: str) -> bool:
    return name.startswith(("HR", "odds ratio"))
