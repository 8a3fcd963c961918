"""Spider plot: change from baseline over time, one line a patient."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from onearm.dates import MONTH_DAYS
from onearm.outputs.figures.style import (
    ALARM,
    INK,
    SOFT,
    Drawn,
    Legend,
    Material,
    axes,
    cohort_counts,
    month_ticks,
    nobody,
    sheet,
)
from onearm.study.outputs import Spider

MANY = 200
"""With more patients only so many lines are drawn, every k-th in the order of ids."""
FEW = 100
"""Up to so many lines there is room for points and line styles."""
CEILING = 150.0
MARKS = (("X", ALARM), ("D", INK), ("o", INK))


def draw(shell: Spider, material: Material) -> Drawn:
    """One line a patient from baseline (0 months, 0 %), with marks where something happened.

    A mark stands on the patient's own line at the point nearest to its date, within 14 days.
    """
    rows = (
        material.months(material.rows(shell, shell.points), "date")
        .rename({"date": "month"})
        .drop_nulls(["value", "month"])
        .filter(pl.col("month") > 0)
        .sort("USUBJID", "month")
    )
    if rows.is_empty():
        return nobody(shell, material)
    notes = []
    subjects = rows["USUBJID"].unique(maintain_order=True)
    if subjects.len() > MANY:
        shown = subjects.gather_every(-(-subjects.len() // MANY))
        notes.append(material.labels("thinned", shown=shown.len(), n=subjects.len()))
        rows = rows.filter(pl.col("USUBJID").is_in(shown.to_list()))
    is_wide = shell.width == "two"
    legend = _legend(shell, rows, material)
    figure = sheet(shell, (3.2 if is_wide else 2.4) + legend.room)
    plot = axes(figure, left=0.6, right=0.42, bottom=0.45, top=legend.room)
    lines = rows.partition_by("USUBJID", maintain_order=True)
    for line in lines:
        _line(plot, line, material, is_few=len(lines) <= FEW)
    _marks(plot, shell, rows, material, is_few=len(lines) <= FEW)
    _frame(plot, shell, rows, material)
    legend.place(plot)
    alt = f"{material.labels.of(shell.title)} (n = {len(lines)})"
    return Drawn(figure, alt, notes)


def _line(plot: Axes, line: pl.DataFrame, material: Material, *, is_few: bool) -> None:
    cohort = line["cohort"][0]
    heights = [min(v, CEILING) for v in line["value"]]
    plot.plot(
        [0.0, *line["month"]],
        [0.0, *heights],
        color=material.colour(cohort),
        ls=material.line(cohort) if is_few else "-",
        lw=0.9 if is_few else 0.35,
        marker="." if is_few else "",
        ms=3,
        alpha=0.9 if is_few else 0.5,
    )


def _marks(
    plot: Axes, shell: Spider, rows: pl.DataFrame, material: Material, *, is_few: bool
) -> None:
    for source, (symbol, colour) in zip(shell.marks, MARKS, strict=False):
        found = (
            material.months(material.rows(shell, source), "date")
            .select("USUBJID", month="date")
            .drop_nulls()
            .sort("month")
        )
        points = found.join_asof(
            rows.select("USUBJID", "value", at="month").sort("at"),
            left_on="month", right_on="at", by="USUBJID", strategy="nearest",
            tolerance=14 / MONTH_DAYS, check_sortedness=False,
        ).drop_nulls("value")  # fmt: skip
        xs = points["at"].to_list() if "at" in points.columns else points["month"].to_list()
        ys = [min(v, CEILING) for v in points["value"]]
        plot.plot(
            xs, ys, symbol, color=colour, ms=4.6 if is_few else 2, mew=0.5, mec="white",
            zorder=5,
        )  # fmt: skip


def _frame(plot: Axes, shell: Spider, rows: pl.DataFrame, material: Material) -> None:
    last = max(rows["month"])
    ticks = month_ticks(last, room=12)
    plot.set_xlim(0, last * 1.03)
    plot.set_xticks([t for t in ticks if t <= last * 1.03])
    values = [min(v, CEILING) for v in rows["value"]]
    plot.set_ylim(min(-45.0, min(values) - 6), max(45.0, max(values) + 8))
    plot.axhline(0, color=INK, lw=0.6)
    for level in shell.lines:
        plot.axhline(level, color=SOFT, lw=0.7, ls=(0, (4, 3)), zorder=0)
        sign = "+" if level > 0 else "−"
        plot.annotate(f"{sign}{abs(level):.0f}%", (1, level), xycoords=("axes fraction", "data"),
                      xytext=(2, 0), textcoords="offset points", va="center", size=6.5,
                      color=SOFT, annotation_clip=False)  # fmt: skip
    plot.set_ylabel(material.labels.of(shell.axis))
    plot.set_xlabel(material.labels("months_from_first_dose"))


def _legend(shell: Spider, rows: pl.DataFrame, material: Material) -> Legend:
    lines = rows.unique("USUBJID")
    handles = [
        Line2D([], [], color=material.colour(c), ls=material.line(c), lw=1.2, label=label)
        for c, label in cohort_counts(lines, material)
    ]
    handles += [
        Line2D([], [], ls="", marker=symbol, color=colour, ms=5, mew=0,
               label=material.labels.of(source.label))
        for source, (symbol, colour) in zip(shell.marks, MARKS, strict=False)
    ]  # fmt: skip
    return Legend.of(shell, handles, wide=4, narrow=2)
