"""Figure of a design for response and toxicity: where the two counts must lie, and P(accept)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from onearm.design import ResponseToxicity
from onearm.outputs.figures.design_panels import GOOD, STOP, Line, Mark, draw_curves, sheet
from onearm.outputs.figures.style import HATCHES, INK, Drawn, axes, wrapped
from onearm.outputs.labels import Labels

SHOWN_ODDS = (0.25, 1.0, 4.0)
"""Odds ratios of response and toxicity for which P(accept) is drawn."""


def of_response_toxicity(design: ResponseToxicity, labels: Labels) -> Drawn:
    """Both decisions as regions of the two counts; P(accept) over either true rate.

    Each curve is one odds ratio of response and toxicity; the other rate is the wished one.
    """
    figure = sheet(2.75)
    stages = (
        (design.n1, design.response1, design.safe1, "design_first_stage"),
        (design.n, design.response, design.safe, "design_last_stage"),
    )
    for place, (n, response, safe, title) in enumerate(stages):
        plot = axes(
            figure, left=0.58 + 1.68 * place, right=4.9 - 1.68 * place, bottom=0.72, top=0.4
        )
        _region(plot, n, response, safe)
        plot.set_title(labels(title, n=n), fontsize=7, loc="left")
        plot.set_xlabel(labels("design_responders"))
        if place == 0:
            plot.set_ylabel(wrapped(labels("design_safe"), 26))
    left = axes(figure, left=4.15, right=1.5, bottom=0.72, top=0.4)
    _curves(left, design, labels)
    left.set_ylabel(labels("design_p_accept"))
    other = axes(figure, left=5.5, right=0.15, bottom=0.72, top=0.4)
    _curves(other, design, labels, is_safe=True)
    other.tick_params(labelleft=False)
    other.legend(
        loc="upper left", bbox_to_anchor=(-1.3, -0.26), ncols=3, fontsize=6, columnspacing=0.9,
        handlelength=1.8,
    )  # fmt: skip
    return Drawn(figure, design.sentence())


def _region(plot: Axes, n: int, response: int, safe: int) -> None:
    """The counts with which the trial goes on, above both cuts."""
    plot.add_patch(
        Rectangle((0, 0), n, n, facecolor=STOP, hatch=HATCHES[1], edgecolor="white", lw=0)
    )
    corner = (response + 0.5, safe + 0.5)
    plot.add_patch(Rectangle(corner, n - corner[0], n - corner[1], facecolor=GOOD, lw=0))
    plot.text(
        (corner[0] + n) / 2, (corner[1] + n) / 2, f"≥ {response + 1}\n≥ {safe + 1}",
        ha="center", va="center", fontsize=6.5, color=INK,
    )  # fmt: skip
    plot.set_xlim(0, n)
    plot.set_ylim(0, n)


def _curves(plot: Axes, design: ResponseToxicity, labels: Labels, *, is_safe: bool = False) -> None:
    q = design.rates
    pair = (q.safe0, q.safe1) if is_safe else (q.response0, q.response1)
    spread = pair[1] - pair[0]
    grid = np.linspace(max(0.01, pair[0] - spread), min(0.99, pair[1] + spread), 25)
    lines = []
    for ratio in SHOWN_ODDS:
        heights = [
            design.accept(q.response1, float(p), odds_ratio=1 / ratio)
            if is_safe
            else design.accept(float(p), q.safe1, odds_ratio=1 / ratio)
            for p in grid
        ]
        lines.append(Line(np.array(heights), labels("design_odds_ratio", ratio=ratio)))
    marks = [Mark(rate, f"{rate:.0%}") for rate in pair]
    across = labels("design_safe_rate") if is_safe else labels("design_rate")
    draw_curves(plot, grid, lines, marks, across=wrapped(across, 22), up="")
    # The panel is narrow: labels of neighbours must not meet.
    plot.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], prune="both"))
    found = plot.get_legend()
    if found is not None:
        found.remove()
