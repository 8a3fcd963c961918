"""Adverse events by worst grade: all on the left, related on the right, the terms between."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from onearm.outputs.figures.style import (
    FAINT,
    INK,
    SOFT,
    Drawn,
    Legend,
    Material,
    axes,
    nobody,
    phrase,
    sheet,
    wrapped,
)
from onearm.outputs.figures.style import mark_result as _mark
from onearm.outputs.numbers import COLUMN, TOTAL, Number
from onearm.study.outputs import Mirror, MirrorSide

LANE = 0.2
SHADES = ("#C9DDEB", "#8FBAD9", "#E9A15B", "#D55E00", "#3A2A1D")
HATCHES = ("", "", "////", "xxxx", "")


def draw(shell: Mirror, material: Material) -> Drawn:
    """The most frequent terms: subjects with each worst grade, stacked away from the middle.

    Terms come by falling number of subjects on the left side, at most ``most`` of them.
    """
    cells = {side.analysis: material.numbers.by_level(side.analysis, shell.each, TOTAL)
             for side in (shell.left, shell.right)}  # fmt: skip
    left_cells = cells[shell.left.analysis]
    terms = sorted(left_cells, key=lambda t: (-_n(left_cells[t]), t))
    shown = [t for t in terms if _n(left_cells[t])][: shell.most]
    if not shown:
        return nobody(shell, material)
    is_wide = shell.width == "two"
    legend = _legend(shell, material)
    figure = sheet(shell, LANE * len(shown) + 0.66 + legend.room)
    width = figure.get_size_inches()[0]
    middle = 1.75 if is_wide else 1.15
    edge = 0.42 if is_wide else 0.12
    above = legend.room + 0.2
    panel = (width - middle - 2 * edge) / 2
    left = axes(figure, left=edge, right=edge + panel + middle, bottom=0.45, top=above)
    right = axes(figure, left=edge + panel + middle, right=edge, bottom=0.45, top=above)
    ids: list[str] = []
    sides = ((left, shell.left), (right, shell.right))
    longest = max(
        _bars(plot, shell, cells[side.analysis], shown, ids, is_left=plot is left)
        for plot, side in sides
    )
    patients = _patients(shell, material, ids)
    for plot, side in sides:
        _frame(plot, side, len(shown), longest, patients, material, is_left=plot is left)
    for place, term in enumerate(shown):
        x = edge + panel + middle / 2
        y = left.get_position()
        height = y.y0 + y.height * (len(shown) - 0.5 - place) / len(shown)
        text = wrapped(term, 27 if is_wide else 21)
        figure.text(
            x / width,
            height,
            text,
            ha="center",
            va="center",
            size=6.2 if is_wide else 5.2,
            linespacing=1.0,
        )
    legend.place(left)
    notes = []
    if len(terms) > len(shown):
        notes.append(material.labels("most_frequent", shown=len(shown), n=len(terms)))
    alt = f"{material.labels.of(shell.title)}: {len(shown)}"
    return Drawn(figure, alt, notes, ids)


def _n(cell: Mapping[str, Number]) -> float:
    number = cell.get("n")
    return (number.value or 0.0) if number else 0.0


def _bars(
    plot: Axes,
    shell: Mirror,
    cells: Mapping[str, Mapping[str, Number]],
    terms: list[str],
    ids: list[str],
    *,
    is_left: bool,
) -> float:
    """Stacked segments and the count at their end; returns the longest bar."""
    longest = 0.0
    for place, term in enumerate(terms):
        cell = cells.get(term, {})
        start = 0.0
        for grade, operation in enumerate(shell.grades):
            number = cell.get(operation)
            length = (number.value or 0.0) if number else 0.0
            if length:
                plot.barh(place, length, left=start, height=0.72, color=SHADES[grade % 5],
                          hatch=HATCHES[grade % 5], edgecolor="white", linewidth=0.3)  # fmt: skip
                start += length
        if "n" in cell:
            total = cell["n"]
            artist = plot.annotate(
                total.shown("d"), (start, place), xytext=(-3 if is_left else 3, 0),
                textcoords="offset points", va="center", size=6.2, color=INK,
                ha="right" if is_left else "left",
            )  # fmt: skip
            _mark(artist, total, ids)
        longest = max(longest, start)
    return longest


def _patients(shell: Mirror, material: Material, ids: list[str]) -> str:
    """The words of the axis with the number of patients in the set."""
    cell = material.numbers.cell(shell.left.analysis, {COLUMN: TOTAL})
    return phrase(material.labels("patients_of"), cell, ids) if "N" in cell else ""


def _frame(
    plot: Axes,
    side: MirrorSide,
    rows: int,
    longest: float,
    patients: str,
    material: Material,
    *,
    is_left: bool,
) -> None:
    limit = longest * 1.22 + 0.5
    plot.set_xlim((limit, 0) if is_left else (0, limit))
    plot.set_ylim(rows - 0.5, -0.5)
    plot.set_yticks([])
    plot.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=True))
    plot.grid(axis="x", color=FAINT, lw=0.5)
    plot.set_axisbelow(True)
    plot.spines["left"].set_visible(not is_left)
    plot.spines["right"].set_visible(is_left)
    plot.set_xlabel(patients)
    plot.set_title(
        material.labels.of(side.label),
        size=6.8 if plot.get_position().width > 0.34 else 5.6,
        weight="bold",
        pad=4,
        color=INK,
    )


def _legend(shell: Mirror, material: Material) -> Legend:
    handles = [
        Patch(facecolor=SHADES[i % 5], hatch=HATCHES[i % 5], edgecolor=SOFT, linewidth=0.3,
              label=material.labels.of(words))
        for i, words in enumerate(shell.grades.values())
    ]  # fmt: skip
    return Legend.of(shell, handles, wide=5, narrow=3)
