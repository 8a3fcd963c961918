"""Are the p values what chance gives? Their histogram, and statistics against permutations."""

from __future__ import annotations

import polars as pl

from onearm.outputs.figures.markers.frame import REST, About, finished, panels
from onearm.outputs.figures.style import COLOURS, FAINT, INK, SOFT, Drawn

BINS = 20


def draw(p_values: pl.DataFrame, quantiles: pl.DataFrame, about: About, *, title: str) -> Drawn:
    """Left of each endpoint its p values, right the ordered statistics against permuted ones.

    p_values: endpoint, p (nominal, all features). quantiles: endpoint, expected, low, high,
    observed: absolute statistics in order, with the 2.5% to 97.5% band of permuted outcomes.
    """
    endpoints = quantiles["endpoint"].unique(maintain_order=True).to_list()
    figure, plots = panels(max(2 * len(endpoints), 1), about, height=2.35, left=0.5, gap=0.42)
    for place, endpoint in enumerate(endpoints):
        left, right = plots[2 * place : 2 * place + 2]
        p = p_values.filter(pl.col("endpoint") == endpoint)["p"].drop_nulls().to_numpy()
        left.hist(
            p, bins=[place / BINS for place in range(BINS + 1)], color=REST, alpha=0.7, rwidth=0.9
        )
        left.axhline(p.size / BINS, color=INK, lw=0.8, ls=(0, (4, 2)))
        left.set_title(endpoint, size=7.5, loc="left", color=INK)
        left.set_xlabel(about.labels("marker_nominal_p"), size=6.5)
        left.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        some = quantiles.filter(pl.col("endpoint") == endpoint).sort("expected")
        expected = some["expected"].to_numpy()
        right.fill_between(expected, some["low"], some["high"], color=FAINT, lw=0)
        top = float(max(some["observed"].max() or 1.0, some["high"].max() or 1.0)) * 1.05  # type: ignore[arg-type]  # floats, as the frame's schema says
        right.plot([0, top], [0, top], color=SOFT, lw=0.6)
        right.plot(
            expected, some["observed"], "o", ms=1.6, mew=0, color=COLOURS[0], rasterized=True
        )
        right.set_xlim(0, top)
        right.set_ylim(0, top)
        right.set_xlabel(about.labels("marker_expected"), size=6.5)
        if place == 0:
            left.set_ylabel(about.labels("marker_features"))
        right.set_ylabel(about.labels("marker_observed"), labelpad=1, size=6.5)
    return finished(figure, title, about)
