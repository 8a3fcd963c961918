"""How every figure looks: sizes of a journal, one typeface, colours and hatches for all eyes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text as Words

from onearm import expr
from onearm.dates import MONTH_DAYS
from onearm.errors import OnearmError
from onearm.frames import Frames
from onearm.outputs.labels import Labels
from onearm.outputs.numbers import Number, Numbers, Piece, fill
from onearm.study.outputs import Outputs, Shell, Source

MM = 1 / 25.4
WIDTHS = {"one": 85 * MM, "two": 174 * MM}
"""Widths in inches of one and two journal columns (85 and 174 mm)."""

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A7A00", "#555555")
"""Okabe and Ito's colours, ordered so that neighbours differ; yellow darkened for white paper."""
HATCHES = ("", "/////", ".....", "xxxx", "\\\\\\\\\\", "+++", "ooo", "---")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
INK = "#1F2933"
SOFT = "#6B7785"
FAINT = "#D5DBE1"
ALARM = "#D55E00"

RC: Any = {  # Any: matplotlib types its settings as a closed list of names
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "text.color": INK,
    "axes.labelsize": 7.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "onearm",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": True,
}

RESULT = "result:"
"""Start of an artist's gid that names the result its text shows; SVG in HTML carries it on."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a figure may read: results, dataset rows for one-mark-a-patient figures, and words."""

    outputs: Outputs
    numbers: Numbers
    datasets: Frames
    labels: Labels
    cohorts: tuple[str, ...]

    def rows(self, shell: Shell, source: Source) -> pl.DataFrame:
        """The rows of a source: USUBJID, ``value`` and ``date`` where the source names them.

        A dataset that is not there gives no row. Raises ``OnearmError`` that names the figure, the
        dataset and the column for a column that is not there.
        """
        frame = self.datasets.get(source.dataset)
        schema = {"value": pl.Float64(), "date": pl.Date()}
        wanted = {n: text for n in schema if (text := getattr(source, n))}
        if frame is None:
            return pl.DataFrame(schema={"USUBJID": pl.String(), **{n: schema[n] for n in wanted}})
        condition = expr.parse(source.where or "TRUE")
        columns = {name: expr.parse(text) for name, text in wanted.items()}
        for parsed in (condition, *columns.values()):
            _known(shell, source, frame, parsed.columns)
        chosen = frame.filter(condition.holds()) if source.where else frame
        return chosen.select("USUBJID", **{name: p.expr for name, p in columns.items()})

    def subjects(self) -> pl.DataFrame:
        """One row a subject: USUBJID, TRTSDT (Date), cohort."""
        frame = self.datasets.get("ADSL")
        cohort = self.outputs.cohort
        if frame is None:
            return pl.DataFrame(
                schema={"USUBJID": pl.String, "TRTSDT": pl.Date, "cohort": pl.String}
            )
        group = pl.col(cohort) if cohort in frame.columns else pl.lit("")
        return frame.select("USUBJID", "TRTSDT", cohort=group.fill_null(""))

    def months(self, rows: pl.DataFrame, *dates: str) -> pl.DataFrame:
        """``rows`` with each date column replaced by months since first dose (first dose is 0)."""
        joined = rows.join(self.subjects(), on="USUBJID", how="inner", maintain_order="left")
        return joined.with_columns(
            ((pl.col(d) - pl.col("TRTSDT")).dt.total_days() / MONTH_DAYS).alias(d) for d in dates
        )

    def colour(self, cohort: str) -> str:
        """The colour of a cohort, the same in every figure."""
        return COLOURS[self._place(cohort) % len(COLOURS)]

    def hatch(self, cohort: str) -> str:
        """The hatch of a cohort, for paper without colour."""
        return HATCHES[self._place(cohort) % len(HATCHES)]

    def line(self, cohort: str) -> Any:  # Any: matplotlib's line styles are texts or tuples
        """The line style of a cohort."""
        return LINES[self._place(cohort) % len(LINES)]

    def _place(self, cohort: str) -> int:
        return self.cohorts.index(cohort) if cohort in self.cohorts else len(self.cohorts)


def _known(shell: Shell, source: Source, frame: pl.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            hint = expr.suggest(name, frame.columns)
            message = f"outputs.yaml: {shell.number} reads {name}, which {source.dataset} does not"
            raise OnearmError(f"{message} have; {hint}" if hint else f"{message} have")


@dataclass(slots=True)
class Drawn:
    """A finished figure: what a reader who cannot see it is told, and notes to print below it."""

    figure: Figure
    alt: str
    notes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def styled() -> Any:  # Any: matplotlib's context manager has no public type
    """The context in which all figures are made and saved."""
    return mpl.rc_context(RC)


def sheet(shell: Shell, height: float) -> Figure:
    """An empty figure of the shell's journal width and a height in inches."""
    width = WIDTHS[str(getattr(shell, "width", "two"))]
    return Figure(figsize=(width, height))


def axes(
    figure: Figure, *, left: float, right: float, bottom: float, top: float, **options: Any
) -> Axes:  # Any: passed on to matplotlib
    """Axes with margins in inches from the figure's edges."""
    width, height = figure.get_size_inches()
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    return figure.add_axes(box, **options)


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend above the axes: its handles, in as many columns as the width has room for."""

    handles: tuple[Any, ...]  # Any: matplotlib's patches and lines
    columns: int

    @classmethod
    def of(cls, shell: Shell, handles: Sequence[Any], *, wide: int, narrow: int) -> Legend:
        """The legend of a figure that has ``wide`` columns in full width, ``narrow`` in half."""
        is_wide = getattr(shell, "width", "two") == "two"
        return cls(tuple(handles), wide if is_wide else narrow)

    @property
    def room(self) -> float:
        """The height it needs in inches, with the space below it."""
        return 0.145 * -(-len(self.handles) // self.columns) + 0.14

    def place(self, plot: Axes) -> None:
        """Draw it at the top of the figure."""
        figure = plot.get_figure(root=True)
        if figure is None or not self.handles:
            return
        width, height = figure.get_size_inches()
        plot.legend(
            handles=list(self.handles), loc="upper left", ncols=self.columns,
            bbox_to_anchor=(0.06 / width, 1 - 0.02 / height), borderaxespad=0.2,
            bbox_transform=figure.transFigure, columnspacing=1.1, handlelength=1.9,
            handletextpad=0.5, labelspacing=0.35,
        )  # fmt: skip


def cohort_counts(rows: pl.DataFrame, material: Material) -> list[tuple[str, str]]:
    """Each cohort that occurs, in the study's order, with its label: ``HCC (n = 21)``."""
    counts = dict(rows.group_by("cohort").len().rows())
    others = sorted(set(counts) - set(material.cohorts))
    return [(c, f"{c} (n = {counts[c]})") for c in (*material.cohorts, *others) if c in counts]


def nobody(shell: Shell, material: Material) -> Drawn:
    """The figure of an empty set: a frame that says that nobody met the criteria."""
    figure = sheet(shell, 1.4)
    figure.text(0.5, 0.5, material.labels("nobody"), ha="center", va="center", color=SOFT, size=9)
    return Drawn(figure, f"{material.labels.of(shell.title)}. {material.labels('nobody')}.")


def mark_result(artist: Words, number: Number | None, drawn_ids: list[str]) -> None:
    """Ties a text to the result it shows: its gid in the SVG, and the list of ids shown."""
    if number is not None:
        artist.set_gid(RESULT + number.result_id)
        drawn_ids.append(number.result_id)


def phrase(template: str, numbers: dict[str, Number], ids: list[str]) -> str:
    """A text made from operations of one cell; the ids of its numbers are added to ``ids``."""
    parts: tuple[Piece, ...] = fill(template, numbers.get)
    ids += [part.result_id for part in parts if part.result_id]
    return "".join(part.text for part in parts)


def month_ticks(last: float, *, every: int = 0, room: int = 9) -> list[int]:
    """Ticks in whole months from 0 to just past ``last``, at most ``room`` of them."""
    step = every or next((s for s in (1, 2, 3, 6, 12, 24, 36) if last / s < room), 60)
    return [step * i for i in range(int(last // step) + 2)]


def short(subject: str) -> str:
    """A subject's id without the study: the last two parts of USUBJID."""
    return "-".join(subject.split("-")[-2:])


def wrapped(text: str, characters: int) -> str:
    """The text broken into lines of at most so many characters."""
    return "\n".join(textwrap.wrap(text, characters))
