"""Swimmer plot: time on each drug, response, progression and death, one row a patient."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from onearm.dates import MONTH_DAYS
from onearm.outputs.figures.style import (
    ALARM,
    COLOURS,
    FAINT,
    INK,
    Drawn,
    Legend,
    Material,
    axes,
    cohort_counts,
    month_ticks,
    nobody,
    sheet,
    short,
)
from onearm.study.outputs import Swimmer

MANY = 200
ROWS = 60
"""With more than ``MANY`` patients only ``ROWS`` are drawn, every k-th in the order of the plot."""
LANE = 0.128
"""Height of a row in inches."""
DRUGS = (COLOURS[4], COLOURS[0], COLOURS[2], COLOURS[3])
HATCHES = ("", "/////", "....", "xxxx")
MARKS = (("^", COLOURS[2]), ("X", ALARM), ("s", INK), ("D", COLOURS[3]), ("*", COLOURS[1]))


def draw(shell: Swimmer, material: Material) -> Drawn:
    """One row a patient, the longest on top; bars from start to end of each drug, in months.

    A bar without an end is drawn to the last known end and gets an arrow if ``ongoing`` holds it.
    """
    if not shell.bars:
        return nobody(shell, material)
    bars = [_bars(shell, material, i) for i in range(len(shell.bars))]
    subjects = material.rows(shell, shell.subjects).select("USUBJID").unique()
    order = _order(subjects, bars, material)
    if order.is_empty():
        return nobody(shell, material)
    notes = []
    if order.height > MANY:
        notes.append(material.labels("thinned", shown=ROWS, n=order.height))
        order = order.gather_every(-(-order.height // ROWS))
    lanes = {subject: i for i, subject in enumerate(order["USUBJID"])}
    legend = _legend(shell, order, material)
    figure = sheet(shell, LANE * max(len(lanes), 6) + 0.48 + legend.room)
    left = 0.95 if shell.width == "two" else 0.72
    plot = axes(figure, left=left, right=0.2, bottom=0.45, top=legend.room)
    last = _draw_bars(plot, shell, bars, lanes)
    last = max([last, *_draw_marks(plot, shell, lanes, material)])
    _draw_ongoing(plot, shell, bars, lanes, last, material)
    _frame(plot, order, last, material)
    legend.place(plot)
    alt = f"{material.labels.of(shell.title)} (n = {len(lanes)})"
    return Drawn(figure, alt, notes)


def _bars(shell: Swimmer, material: Material, place: int) -> pl.DataFrame:
    """Start and end of one drug in months, one row a patient."""
    bar = shell.bars[place]
    dates = [
        material.rows(shell, source).select("USUBJID", pl.col("date").alias(name))
        for source, name in ((bar.first, "start"), (bar.last, "end"))
    ]
    joined = dates[0].join(dates[1], on="USUBJID", how="left").drop_nulls("start")
    rows = material.months(joined, "start", "end").select("USUBJID", "start", "end")
    # A day of dosing lasts a day: a single infusion is seen, too.
    return rows.with_columns(pl.col("end") + 1 / MONTH_DAYS)


def _order(subjects: pl.DataFrame, bars: list[pl.DataFrame], material: Material) -> pl.DataFrame:
    ends = pl.concat(bars).group_by("USUBJID").agg(pl.col("end").max())
    return (
        subjects.join(material.subjects(), on="USUBJID", how="inner")
        .join(ends, on="USUBJID", how="left")
        .sort("end", "USUBJID", descending=[True, False], nulls_last=True)
    )


def _draw_bars(
    plot: Axes, shell: Swimmer, bars: list[pl.DataFrame], lanes: dict[str, int]
) -> float:
    thick = 0.74 / len(bars)
    last = 1.0
    for place, rows in enumerate(bars):
        shown = rows.filter(pl.col("USUBJID").is_in(list(lanes))).drop_nulls("end")
        if shown.is_empty():
            continue
        ys = [lanes[s] - 0.37 + thick * (place + 0.5) for s in shown["USUBJID"]]
        plot.barh(
            ys,
            (shown["end"] - shown["start"]).to_list(),
            left=shown["start"].to_list(),
            height=thick,
            color=DRUGS[place % len(DRUGS)],
            hatch=HATCHES[place % len(HATCHES)],
            edgecolor="white",
            linewidth=0.2,
        )
        last = max(last, *shown["end"])
    return last


def _draw_marks(
    plot: Axes, shell: Swimmer, lanes: dict[str, int], material: Material
) -> list[float]:
    months: list[float] = []
    for source, (symbol, colour) in zip(shell.marks, MARKS, strict=False):
        rows = material.months(material.rows(shell, source), "date").select("USUBJID", month="date")
        rows = rows.filter(pl.col("USUBJID").is_in(list(lanes))).drop_nulls()
        if rows.is_empty():
            continue
        size = 5.2 if symbol == "*" else 4.4
        heights = [lanes[s] for s in rows["USUBJID"]]
        plot.plot(rows["month"].to_list(), heights, symbol, color=colour, ms=size, mew=0.35,
                  mec="white", zorder=5, clip_on=False)  # fmt: skip
        months += rows["month"].to_list()
    return months


def _draw_ongoing(
    plot: Axes,
    shell: Swimmer,
    bars: list[pl.DataFrame],
    lanes: dict[str, int],
    last: float,
    material: Material,
) -> None:
    if shell.ongoing is None:
        return
    going = set(material.rows(shell, shell.ongoing)["USUBJID"])
    ends = dict(pl.concat(bars).group_by("USUBJID").agg(pl.col("end").max()).rows())
    for subject in lanes:
        if subject in going and ends.get(subject) is not None:
            x = ends[subject]
            plot.annotate(
                "", (x + last * 0.025, lanes[subject]), (x, lanes[subject]),
                arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0,
                            "shrinkB": 0, "mutation_scale": 6},
                annotation_clip=False,
            )  # fmt: skip


def _frame(plot: Axes, order: pl.DataFrame, last: float, material: Material) -> None:
    height = max(order.height, 6)
    plot.set_ylim(height - 0.4, -0.6)
    plot.set_xlim(0, last * 1.05)
    ticks = [t for t in month_ticks(last, room=12) if t <= last * 1.05]
    plot.set_xticks(ticks)
    plot.grid(axis="x", color=FAINT, lw=0.5)
    plot.set_axisbelow(True)
    plot.set_yticks(range(order.height), [short(s) for s in order["USUBJID"]], size=5.2)
    plot.tick_params(axis="y", length=0, pad=7)
    for place, cohort in enumerate(order["cohort"]):
        plot.plot(-0.011, place, "s", ms=4, mew=0, color=material.colour(cohort), clip_on=False,
                  transform=plot.get_yaxis_transform())  # fmt: skip
    plot.spines["left"].set_visible(False)
    plot.set_xlabel(material.labels("months_from_first_dose"))


def _legend(shell: Swimmer, order: pl.DataFrame, material: Material) -> Legend:
    words = material.labels.of
    handles: list[Patch | Line2D] = [
        Patch(facecolor=DRUGS[i % 4], hatch=HATCHES[i % 4], edgecolor="white", label=words(b.label))
        for i, b in enumerate(shell.bars)
    ]
    handles += [
        Line2D([], [], ls="", marker=m, color=c, ms=5, mew=0, label=words(s.label))
        for s, (m, c) in zip(shell.marks, MARKS, strict=False)
    ]
    if shell.ongoing:
        label = words(shell.ongoing.label)
        handles.append(Line2D([], [], ls="", marker=">", color=INK, ms=4, label=label))
    handles += [
        Line2D([], [], ls="", marker="s", color=material.colour(c), ms=4.5, label=label)
        for c, label in cohort_counts(order, material)
    ]
    return Legend.of(shell, handles, wide=6, narrow=2)
