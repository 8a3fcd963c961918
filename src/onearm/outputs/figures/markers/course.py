"""Markers over the months of treatment, one line a patient, and curves by a cutpoint."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from onearm.dates import MONTH_DAYS
from onearm.outputs.figures.markers.frame import (
    NO,
    UNKNOWN,
    YES,
    About,
    colour_of,
    finished,
    panels,
    response_legend,
)
from onearm.outputs.figures.style import FAINT, INK, Drawn, month_ticks, wrapped

MOST = 6
ROW = 0.14


def spaghetti(rows: pl.DataFrame, about: About, *, title: str) -> Drawn:
    """rows: feature, subject_id, timepoint (in order), value (log2), response (1, 0, null).

    One panel a feature; thick lines are medians of responders and of the others at each time point.
    Lines that end show dropout: how many were sampled stands below each time point.
    """
    names = rows["feature"].unique(maintain_order=True).to_list()[:MOST]
    points = rows["timepoint"].unique(maintain_order=True).to_list()
    figure, plots = panels(max(len(names), 1), about, height=2.6, left=0.5, gap=0.35)
    for place, (plot, name) in enumerate(zip(plots, names, strict=False)):
        some = rows.filter(pl.col("feature") == name)
        _lines(plot, some, points)
        for answer, colour in ((1.0, YES), (0.0, NO)):
            mine = some.filter(pl.col("response") == answer)
            middle = mine.group_by("timepoint", maintain_order=True).agg(pl.col("value").median())
            if middle.height == len(points):
                order = [points.index(t) for t in middle["timepoint"]]
                plot.plot(order, middle["value"], color=colour, lw=2.4, zorder=5)
        sampled = [some.filter(pl.col("timepoint") == t)["subject_id"].n_unique() for t in points]
        plot.set_xticks(
            range(len(points)), [f"{t}\n{n}" for t, n in zip(points, sampled, strict=True)]
        )
        plot.set_xlim(-0.3, len(points) - 0.7)
        plot.set_title(name, size=7.5, loc="left", color=INK)
        if place == 0:
            plot.set_ylabel(about.labels("marker_log2"))
    response_legend(figure, about.labels, has_unknown=bool(rows["response"].null_count()))
    return finished(figure, title, about)


def _lines(plot: Axes, rows: pl.DataFrame, points: list[str]) -> None:
    """One thin line a patient, a dot at each sample; one drawing for all."""
    paths, colours = [], []
    for mine in rows.partition_by("subject_id", maintain_order=True):
        x = [points.index(t) for t in mine["timepoint"]]
        answer = mine["response"][0]
        paths.append(list(zip(x, mine["value"], strict=True)))
        colours.append(UNKNOWN if answer is None else colour_of(answer))
    plot.add_collection(LineCollection(paths, colors=colours, linewidths=0.6, alpha=0.6))
    dots = [(point, colour) for path, colour in zip(paths, colours, strict=True) for point in path]
    for colour in dict.fromkeys(colours):
        mine_too = [point for point, own in dots if own == colour]
        plot.plot(*zip(*mine_too, strict=True), "o", color=colour, ms=1.6, mew=0, alpha=0.7)


def by_cutpoint(
    curves: pl.DataFrame,
    about: About,
    *,
    title: str,
    captions: Sequence[tuple[str, str, str]],
    groups: tuple[str, str] = ("marker_high", "marker_low"),
) -> Drawn:
    """Kaplan-Meier curves of two groups by a cutpoint. groups: keys of what the two are called.

    curves: marker, endpoint, group (``low``, ``high``), time (days), survival, at_risk, censored,
    one row a step from day 0. captions: of each panel the marker, the endpoint and a line of words.
    """
    figure, plots = panels(max(len(captions), 1), about, height=3.05, left=0.95, gap=1.0)
    for plot, (marker, endpoint, words) in zip(plots, captions, strict=False):
        box = plot.get_position()
        plot.set_position((box.x0, 1.02 / 3.05, box.width, 1 - (1.02 + 0.42) / 3.05))
        some = curves.filter(pl.col("marker") == marker, pl.col("endpoint") == endpoint)
        _curves(plot, some, about, groups)
        plot.set_title(wrapped(words, 44), size=6.8, loc="left", color=INK, linespacing=1.3)
        plot.set_ylabel(f"{endpoint}, %")
    return finished(figure, title, about)


def _curves(plot: Axes, curves: pl.DataFrame, about: About, groups: tuple[str, str]) -> None:
    last = float(curves["time"].max() or 1.0) / MONTH_DAYS  # type: ignore[arg-type]  # days
    ticks = month_ticks(last, room=6)
    ticks = [tick for tick in ticks if tick <= last * 1.02]
    plot.set_xlim(0, last * 1.02)
    plot.set_ylim(0, 1.03)
    plot.set_xticks(ticks)
    plot.set_yticks([0, 0.5, 1], ["0", "50", "100"])
    for row, (group, colour, line) in enumerate((("high", YES, "-"), ("low", NO, "--"))):
        some = curves.filter(pl.col("group") == group).sort("time")
        if some.is_empty():
            continue
        months = some["time"].to_numpy() / MONTH_DAYS
        plot.step(months, some["survival"], where="post", color=colour, ls=line, lw=1.3)
        lost = some.filter(pl.col("censored") > 0)
        plot.plot(lost["time"].to_numpy() / MONTH_DAYS, lost["survival"], "|", ms=4, color=colour)
        y = -0.34 - 0.1 * row
        plot.annotate(
            about.labels(groups[row]), (0, y), xycoords="axes fraction", size=6.2,
            color=colour, xytext=(-58, 0), textcoords="offset points", va="center",
        )  # fmt: skip
        for tick in ticks:
            after = some.filter(pl.col("time") >= tick * MONTH_DAYS)
            n = int(after["at_risk"][0]) if after.height else 0
            plot.annotate(
                str(n), (tick, y), xycoords=("data", "axes fraction"), size=6.2, ha="center",
                va="center", annotation_clip=False,
            )  # fmt: skip
    plot.axhline(0.5, color=FAINT, lw=0.6, zorder=0)
    plot.set_xlabel(about.labels("months_from_first_dose"), size=6.8, labelpad=1)
    plot.annotate(
        about.labels("at_risk"), (0, -0.25), xycoords="axes fraction", size=6.2, weight="bold",
        xytext=(-58, 0), textcoords="offset points", va="center",
    )  # fmt: skip
