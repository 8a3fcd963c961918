"""Kaplan-Meier curves with limits, censor ticks, medians and the numbers at risk below."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onearm.dates import MONTH_DAYS
from onearm.outputs.figures.style import (
    COLOURS,
    FAINT,
    INK,
    LINES,
    Drawn,
    Material,
    axes,
    mark_result,
    month_ticks,
    nobody,
    phrase,
    sheet,
)
from onearm.outputs.numbers import COLUMN, TOTAL, Curve
from onearm.study.outputs import KaplanMeier

MONTH = "MONTH"
"""The group of the numbers at risk at whole months."""
ROW = 0.155
"""Height in inches of a line of the table of numbers at risk."""


def draw(shell: KaplanMeier, material: Material) -> Drawn:
    """Curves of the shell's columns; every point comes from the rows of its analysis.

    Months on the x axis are days / 30.4375. A limit that does not exist leaves a gap in the band.
    """
    curves = {
        name: curve
        for name in shell.columns
        if (curve := material.numbers.curve(shell.analysis, name)).times
    }
    if not curves:
        return nobody(shell, material)
    is_wide = shell.width == "two"
    last = max(curve.times[-1] for curve in curves.values()) / MONTH_DAYS
    ticks = _ticks(shell, material, last, room=11 if is_wide else 7)
    below = 0.56 + ROW * (len(curves) + 1)
    figure = sheet(shell, (3.3 if is_wide else 2.4) + below)
    plot = axes(figure, left=0.75, right=0.2, bottom=below, top=0.12)
    ids: list[str] = []
    for place, (name, curve) in enumerate(curves.items()):
        _curve(plot, curve, place, _label(name, material))
    _frame(plot, shell, material, ticks, last)
    _medians(plot, shell, material, list(curves), ids)
    _at_risk(figure, plot, shell.analysis, list(curves), ticks, material, ids)
    names = ", ".join(_label(name, material) for name in curves)
    alt = f"{material.labels.of(shell.title)}: Kaplan-Meier curve, {names}"
    return Drawn(figure, alt, ids=ids)


def _label(name: str, material: Material) -> str:
    is_total = name == TOTAL
    return material.labels("all_subjects") if is_total else name


def _steps(times: tuple[float, ...], heights: list[float]) -> tuple[list[float], list[float]]:
    xs, ys = [0.0], [1.0]
    for time, height in zip(times, heights, strict=True):
        xs += [time / MONTH_DAYS] * 2
        ys += [ys[-1], height]
    return xs, ys


def _curve(plot: Axes, curve: Curve, place: int, label: str) -> None:
    colour = COLOURS[place % len(COLOURS)]
    survival = [1.0 if s is None else s for s in curve.survival]
    xs, ys = _steps(curve.times, survival)
    plot.plot(xs, ys, color=colour, ls=LINES[place % len(LINES)], lw=1.4, label=label, zorder=3)
    months = [time / MONTH_DAYS for time in curve.times]
    low, high = (
        [float("nan") if x is None else x for x in limit] for limit in (curve.low, curve.high)
    )
    plot.fill_between(months, low, high, step="post", color=colour, alpha=0.16, lw=0)
    ticks = [
        (time / MONTH_DAYS, s)
        for time, s, n in zip(curve.times, survival, curve.censored, strict=True)
        if n
    ]
    if ticks:
        plot.plot(*zip(*ticks, strict=True), "|", color=colour, ms=5, mew=0.9, zorder=4)


def _frame(
    plot: Axes, shell: KaplanMeier, material: Material, ticks: list[int], last: float
) -> None:
    plot.set_xlim(0, max(ticks[-1], last * 1.02))
    plot.set_ylim(0, 1.03)
    plot.set_xticks(ticks)
    plot.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100"])
    plot.axhline(0.5, color=FAINT, lw=0.7, zorder=0)
    plot.set_ylabel(material.labels.of(shell.axis))
    plot.set_xlabel(
        material.labels.of(shell.time_axis) or material.labels("months_from_first_dose")
    )


def _medians(
    plot: Axes, shell: KaplanMeier, material: Material, names: list[str], ids: list[str]
) -> None:
    lines: list[tuple[int, str]] = []
    for place, name in enumerate(names):
        found = material.numbers.cell(shell.summary, {COLUMN: name})
        if found:
            start = f"{_label(name, material)}: " if len(names) > 1 else ""
            median = start + phrase(material.labels("km_median"), found, ids)
            # Half a page is too narrow for the median and its limits on one line.
            parts = median.replace(" (", "\n(").split("\n") if shell.width == "one" else [median]
            lines += [(place, part) for part in parts]
            if len(names) == 1:
                lines.append((place, phrase(material.labels("km_events"), found, ids)))
    is_low = _is_high(plot, 1 - 0.09 * len(lines))
    for row, (place, text) in enumerate(lines):
        lift = 4 + 10 * (len(lines) - 1 - row)
        plot.annotate(
            text,
            (0, 0) if is_low else (1, 1),
            xytext=(4, lift) if is_low else (0, -2 - 10 * row),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left" if is_low else "right",
            va="bottom" if is_low else "top",
            size=6.8,
            color=COLOURS[place] if len(names) > 1 else INK,
            zorder=6,
        )
    if len(names) > 1:
        plot.legend(loc="lower right" if is_low else "lower left", handlelength=2.6)


def _is_high(plot: Axes, height: float) -> bool:
    """Whether a curve's limits still run through the right half above ``height``.

    The words that stand in the top right corner go to the bottom left then.
    """
    half = plot.get_xlim()[1] / 2
    corners = [np.asarray(c.get_paths()[0].vertices) for c in plot.collections]
    return any(bool(((path[:, 0] >= half) & (path[:, 1] > height)).any()) for path in corners)


def _at_risk(
    figure: Figure,
    plot: Axes,
    analysis: str,
    curves: list[str],
    ticks: list[int],
    material: Material,
    ids: list[str],
) -> None:
    height = figure.get_size_inches()[1]
    width = figure.get_size_inches()[0]
    top = (ROW * (len(curves) + 0.6) + 0.12) / height
    figure.text(0.08 / width, top, material.labels("at_risk"), size=6.5, weight="bold", va="center")
    box = plot.get_position()
    limit = plot.get_xlim()[1]
    for row, name in enumerate(curves):
        y = top - ROW * (row + 1) / height
        if len(curves) > 1:
            colour = COLOURS[row % len(COLOURS)]
            figure.text(0.08 / width, y, _label(name, material), size=6.5, color=colour,
                        va="center")  # fmt: skip
        for tick in ticks:
            if tick > limit:
                continue
            pick = {COLUMN: name, MONTH: str(tick)}
            number = material.numbers.cell(analysis, pick).get("at_risk")
            if number is not None:
                x = box.x0 + box.width * tick / limit
                artist = figure.text(x, y, number.shown("d"), size=6.5, ha="center", va="center")
                mark_result(artist, number, ids)


def _ticks(shell: KaplanMeier, material: Material, last: float, *, room: int) -> list[int]:
    """Months on the axis: those for which the analysis counted who is at risk, thinned to fit."""
    counted = [int(m) for m in material.numbers.levels(shell.analysis, MONTH) if m.isdigit()]
    if not counted:
        return month_ticks(last, every=shell.every_months, room=room)
    shown = sorted(m for m in counted if m <= last + (counted[1] if len(counted) > 1 else 0))
    step = -(-len(shown) // room)
    return shown[::step]
