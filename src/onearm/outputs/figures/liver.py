"""Liver plot: each patient's peak aminotransferase against peak bilirubin, both over the limit."""

from __future__ import annotations

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from onearm.outputs.figures.style import (
    INK,
    SOFT,
    Drawn,
    Legend,
    Material,
    axes,
    cohort_counts,
    nobody,
    sheet,
)
from onearm.study.outputs import Liver

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


def draw(shell: Liver, material: Material) -> Drawn:
    """One point a patient on log axes; ``value`` of both sources is in multiples of the ULN.

    The highest value counts where a patient has several. Lines at ``limits`` cut out the quarter of
    possible drug-induced injury. Source: FDA guidance on drug-induced liver injury (2009), eDISH.
    """
    peaks = [
        material.rows(shell, source)
        .rename({"value": name})
        .drop_nulls(name)
        .group_by("USUBJID")
        .max()
        for source, name in ((shell.across, "x"), (shell.up, "y"))
    ]
    points = (
        peaks[0]
        .join(peaks[1], on="USUBJID", how="inner")
        .join(material.subjects(), on="USUBJID", how="left")
        .sort("USUBJID")
    )
    points = points.filter((points["x"] > 0) & (points["y"] > 0))
    if points.is_empty():
        return nobody(shell, material)
    cohorts = cohort_counts(points, material)
    handles = [
        Line2D([], [], ls="", marker=_mark(i), ms=4.5, mew=0, color=material.colour(c), label=label)
        for i, (c, label) in enumerate(cohorts)
    ]
    legend = Legend.of(shell, handles, wide=6, narrow=3)
    figure = sheet(shell, (3.1 if shell.width == "two" else 2.7) + legend.room)
    plot = axes(figure, left=0.6, right=0.15, bottom=0.45, top=legend.room)
    for place, (cohort, _) in enumerate(cohorts):
        group = points.filter(points["cohort"] == cohort)
        plot.plot(group["x"].to_list(), group["y"].to_list(), _mark(place), ms=4, mew=0.4,
                  mec="white", color=material.colour(cohort))  # fmt: skip
    plot.set_xscale("log")
    plot.set_yscale("log")
    plot.axvline(shell.limits[0], color=SOFT, lw=0.8, ls=(0, (4, 3)))
    plot.axhline(shell.limits[1], color=SOFT, lw=0.8, ls=(0, (4, 3)))
    for axis in (plot.xaxis, plot.yaxis):
        axis.set_major_locator(FixedLocator(TICKS))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda x, _: f"{x:g}")
    plot.set_xlim(min(0.1, *points["x"]) * 0.8, max(10.0, *points["x"]) * 1.3)
    plot.set_ylim(min(0.1, *points["y"]) * 0.8, max(5.0, *points["y"]) * 1.3)
    plot.text(0.985, 0.97, material.labels("hy_quarter"), transform=plot.transAxes, ha="right",
              va="top", size=6.0, color=INK,
              bbox={"fc": "white", "ec": "none", "pad": 0.8})  # fmt: skip
    plot.set_xlabel(material.labels.of(shell.axis_across))
    plot.set_ylabel(material.labels.of(shell.axis_up))
    legend.place(plot)
    return Drawn(figure, f"{material.labels.of(shell.title)} (n = {points.height})")


def _mark(place: int) -> str:
    return MARKS[place % len(MARKS)]
