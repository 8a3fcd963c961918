"""What a prediction is worth: ROC against permutations, calibration, selection, factor variance."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from onearm.outputs.figures.markers.frame import REST, YES, About, finished, panels
from onearm.outputs.figures.style import COLOURS, FAINT, INK, SOFT, Drawn

SELECTED_MOST = 15
"""So many of the features picked most often are drawn."""


def roc(curve: pl.DataFrame, calibration: pl.DataFrame, about: About, *, title: str) -> Drawn:
    """Left the ROC curve with the band of permuted outcomes, right calibration by fifths.

    curve: columns of `prediction_tables.ROC`: false-positive rate, mean sensitivity over the
    repeats, and 2.5%, 50% and 97.5% points of the permutations. calibration: predicted and observed
    shares with limits.
    """
    figure, (left, right) = panels(2, about, height=3.0)
    rate, own, low, middle, high = (curve[name].to_numpy() for name in curve.columns)
    left.fill_between(rate, low, high, color=FAINT, lw=0)
    left.plot(rate, middle, color=SOFT, lw=0.8, ls=(0, (4, 2)))
    left.plot(rate, own, color=YES, lw=1.6)
    left.set_xlabel(about.labels("marker_false_positive"))
    left.set_ylabel(about.labels("marker_true_positive"))
    _square(left)
    right.set_title(about.labels("marker_calibration"), size=7.5, loc="left", color=INK)
    right.vlines(calibration["predicted"], calibration["lower"], calibration["upper"], color=INK)
    right.plot(calibration["predicted"], calibration["observed"], "o", ms=4, mew=0, color=INK)
    right.set_xlabel(about.labels("marker_predicted"))
    right.set_ylabel(about.labels("marker_observed_share"))
    _square(right)
    return finished(figure, title, about)


def _square(plot: Axes) -> None:
    """Both axes from 0 to 1, the diagonal thin."""
    plot.set_xlim(0, 1)
    plot.set_ylim(0, 1.02)
    plot.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    plot.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    plot.plot([0, 1], [0, 1], color=SOFT, lw=0.5, zorder=0)
    plot.set_aspect("equal", anchor="W")


def selection(
    rows: pl.DataFrame, about: About, *, threshold: float, title: str, words: dict[str, str]
) -> Drawn:
    """Features by the share of half-samples that picked them, a line where "selected" begins."""
    shown = rows.head(SELECTED_MOST)
    figure, (plot,) = panels(1, about, height=0.155 * max(shown.height, 3) + 1.25, left=1.6)
    places = np.arange(shown.height)
    colours = [YES if chosen else REST for chosen in shown["is_selected"]]
    plot.barh(places, shown["probability"], height=0.62, color=colours, lw=0)
    names = [words.get(name, name) for name in shown["feature"]]
    plot.set_yticks(places, names, size=6.4)
    plot.tick_params(axis="y", length=0)
    plot.set_ylim(shown.height - 0.4, -0.6)
    plot.set_xlim(0, 1)
    plot.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    plot.axvline(threshold, color=INK, lw=0.8, ls=(0, (4, 2)))
    plot.set_xlabel(about.labels("marker_selection_axis"))
    return finished(figure, title, about)


def factor_variance(
    rows: pl.DataFrame, about: About, *, title: str, words: dict[str, str]
) -> Drawn:
    """rows: factor, modality, share: one bar a factor and modality, side by side."""
    factors = rows["factor"].unique(maintain_order=True).to_list()
    modalities = rows["modality"].unique(maintain_order=True).to_list()
    figure, (plot,) = panels(1, about, height=2.5)
    width = 0.8 / max(len(modalities), 1)
    shares = {(f, m): share for f, m, share in rows.select("factor", "modality", "share").rows()}
    for number, modality in enumerate(modalities):
        heights = [100 * shares.get((factor, modality), 0.0) for factor in factors]
        at = np.arange(len(factors)) + (number - (len(modalities) - 1) / 2) * width
        colour = COLOURS[number % len(COLOURS)]
        plot.bar(at, heights, width * 0.9, color=colour, lw=0, label=words.get(modality, modality))
    plot.set_xticks(range(len(factors)), factors)
    plot.set_ylabel(about.labels("marker_share"))
    plot.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
    return finished(figure, title, about)
