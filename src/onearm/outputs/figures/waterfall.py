"""Waterfall: the best change of each patient, falling, coloured by cohort."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

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
    short,
    wrapped,
)
from onearm.outputs.layout import rounded
from onearm.study.outputs import Waterfall

MANY = 200
"""With more bars than this there is no room for outlines, hatches and marks."""
HATCHED = 80
"""With more bars than this a hatch cannot be seen."""
CEILING = 100.0
"""Growth beyond this is cut and its value written above the bar."""
NAMED = 24
"""At most so many patients without a bar are named below; all are counted."""


def draw(shell: Waterfall, material: Material) -> Drawn:
    """One bar a patient, by falling change (then by subject); those without a sum named below.

    ``bars.value`` is in percent. Lines are drawn at ``lines``; ``mark`` puts a triangle on a bar.
    """
    everyone = material.rows(shell, shell.subjects).select("USUBJID").unique()
    bars = (
        material.rows(shell, shell.bars)
        .drop_nulls("value")
        .join(material.subjects(), on="USUBJID", how="left")
        .sort("value", "USUBJID", descending=[True, False])
    )
    without = sorted(set(everyone["USUBJID"]) - set(bars["USUBJID"]))
    if bars.is_empty() and not without:
        return nobody(shell, material)
    marked = set(material.rows(shell, shell.mark)["USUBJID"]) if shell.mark else set()
    is_wide = shell.width == "two"
    note = _without(without, material, characters=118 if is_wide else 54)
    below = 0.32 + 0.135 * (note.count("\n") + 1 if note else 0)
    legend = _legend(shell, bars, bool(marked), material)
    figure = sheet(shell, (2.8 if is_wide else 2.2) + below + legend.room)
    plot = axes(figure, left=0.6, right=0.42, bottom=below, top=legend.room)
    _bars(plot, bars, marked, material)
    _frame(plot, shell, bars, material)
    legend.place(plot)
    if note:
        width, height = figure.get_size_inches()
        figure.text(0.6 / width, 0.06 / height, note, va="bottom", size=6.2, color=SOFT,
                    linespacing=1.3)  # fmt: skip
    alt = f"{material.labels.of(shell.title)} (n = {bars.height})"
    notes = [material.labels("too_many_marks", n=MANY)] if bars.height > MANY and marked else []
    return Drawn(figure, alt, notes)


def _bars(plot: Axes, bars: pl.DataFrame, marked: set[str], material: Material) -> None:
    if bars.height > MANY:
        _thin_bars(plot, bars, material)
        return
    for place, (subject, value, cohort) in enumerate(
        bars.select("USUBJID", "value", "cohort").iter_rows()
    ):
        height = min(value, CEILING)
        plot.bar(
            place,
            height if height != 0 else 0.4,
            width=0.82,
            color=material.colour(cohort),
            edgecolor="white",
            linewidth=0.3,
            hatch=material.hatch(cohort) if bars.height <= HATCHED else "",
        )
        if value > CEILING:
            plot.text(place, CEILING + 2, rounded(value, 0), ha="center", size=5.5, color=SOFT)
        if subject in marked:
            below = height < 0
            plot.plot(place, height + (-4 if below else 4), "^" if below else "v", color=INK,
                      ms=3.4, mew=0)  # fmt: skip


def _thin_bars(plot: Axes, bars: pl.DataFrame, material: Material) -> None:
    """Thousands of bars as one path a cohort: the same picture in a small file."""
    placed = bars.with_columns(at=pl.int_range(pl.len()), top=pl.col("value").clip(None, CEILING))
    for (cohort,), part in placed.partition_by("cohort", as_dict=True).items():
        corners = [
            corner
            for at, top in part.select("at", "top").iter_rows()
            for corner in ((at - 0.5, 0), (at - 0.5, top), (at + 0.5, top), (at + 0.5, 0), (0, 0))
        ]
        steps = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * part.height
        path = Path(corners, steps)
        plot.add_patch(PathPatch(path, facecolor=material.colour(str(cohort)), linewidth=0))


def _frame(plot: Axes, shell: Waterfall, bars: pl.DataFrame, material: Material) -> None:
    low = min([-40.0, *bars["value"].to_list()])
    high = max([40.0, *(min(v, CEILING) for v in bars["value"].to_list())])
    plot.set_ylim(max(low - 12, -112), high + 12)
    plot.set_xlim(-0.8, max(bars.height, 8) - 0.2)
    plot.set_xticks([])
    plot.spines["bottom"].set_visible(False)
    plot.axhline(0, color=INK, lw=0.7)
    for level in shell.lines:
        plot.axhline(level, color=SOFT, lw=0.7, ls=(0, (4, 3)), zorder=0)
        sign = "+" if level > 0 else "−"
        label = f"{sign}{abs(level):.0f}%"
        plot.annotate(label, (1, level), xycoords=("axes fraction", "data"), xytext=(2, 0),
                      textcoords="offset points", va="center", size=6.5, color=SOFT,
                      annotation_clip=False)  # fmt: skip
    plot.set_ylabel(material.labels.of(shell.axis))
    plot.set_xlabel(material.labels("each_bar", n=bars.height), labelpad=4)


def _legend(shell: Waterfall, bars: pl.DataFrame, has_marks: bool, material: Material) -> Legend:
    handles: list[Patch | Line2D] = [
        Patch(facecolor=material.colour(c), hatch=material.hatch(c), edgecolor="white", label=label)
        for c, label in cohort_counts(bars, material)
    ]
    if has_marks and shell.mark and bars.height <= MANY:
        words = material.labels.of(shell.mark.label)
        handles.append(Line2D([], [], ls="", marker="^", color=INK, ms=4, mew=0, label=words))
    return Legend.of(shell, handles, wide=4, narrow=2)


def _without(subjects: list[str], material: Material, *, characters: int) -> str:
    if not subjects:
        return ""
    names = ", ".join(map(short, subjects[:NAMED])) + (", …" if len(subjects) > NAMED else "")
    return wrapped(material.labels("without_sum", n=len(subjects), names=names), characters)
