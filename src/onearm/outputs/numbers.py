"""Finding numbers in the results: by id, or by analysis and levels, never by computing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from onearm.outputs import layout
from onearm.study.outputs import FIELD

COLUMN = ""
"""The name by which lookups give the table column (the first group): a cohort or ``Total``."""
TOTAL = "Total"
"""The column that stands for all subjects."""
TIME = "TIME"
"""The group whose level is a time in days: the rows of a curve."""
STEPS = ("survival", "ci_low", "ci_high", "n_risk", "n_censored")
"""Operations of a curve's rows, in the order of ``Curve``."""
GROUPS = ("group1", "group2", "group3")
LEVELS = ("level1", "level2", "level3")
NEEDED = (
    *("result_id", "analysis", "operation", *GROUPS, *LEVELS),
    *("value", "text", "kind", "note", "n_used"),
)

Levels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Number:
    """One result as a renderer needs it; ``value`` is None where the number does not exist."""

    result_id: str
    operation: str
    value: float | None
    text: str
    kind: str
    note: str
    n_used: int | None = None

    def shown(self, spec: str) -> str:
        """The number as text in a format of ``layout.number_text``; text results as they are."""
        if layout.is_number(self.value) and self.value is not None:
            return layout.number_text(self.value, spec)
        return self.text or layout.absent(self.operation, self.note)


Lookup = Callable[[str], Number | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of printed text; with ``result_id`` it is a number and traceable."""

    text: str
    result_id: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """The steps of a survival curve from day 0: times (days), estimate, limits, at risk, censored.

    Lists of equal length in order of time; a limit that does not exist is None.
    """

    times: tuple[float, ...]
    survival: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    at_risk: tuple[float | None, ...]
    censored: tuple[float | None, ...]


@dataclass(slots=True)
class Numbers:
    """The results, indexed for printing, and the ids that were asked for so far."""

    frame: pl.DataFrame
    _by_id: dict[str, Number] = field(default_factory=dict)
    _cells: dict[tuple[str, frozenset[tuple[str, str]]], dict[str, Number]] = field(
        default_factory=dict
    )
    _levels: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    _curves: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __post_init__(self) -> None:
        frame = self.frame.select(NEEDED)
        # A curve has thousands of rows that no table asks for one by one: they stay a frame.
        on_curve = pl.any_horizontal(pl.col(g).fill_null("") == TIME for g in GROUPS)
        self._curves = frame.filter(on_curve)
        for row in frame.filter(~on_curve).iter_rows(named=True):
            self._add(row)

    def _add(self, row: Mapping[str, object]) -> None:
        value, n_used = row["value"], row["n_used"]
        number = Number(
            result_id=str(row["result_id"]),
            operation=str(row["operation"]),
            value=float(value) if isinstance(value, int | float) else None,
            text=str(row["text"] or ""),
            kind=str(row["kind"] or ""),
            note=str(row["note"] or ""),
            n_used=n_used if isinstance(n_used, int) else None,
        )
        levels = dict(_pairs(row))
        analysis = str(row["analysis"])
        self._by_id[number.result_id] = number
        self._cells.setdefault((analysis, frozenset(levels.items())), {})[number.operation] = number
        for group, level in levels.items():
            self._levels.setdefault((analysis, group), {})[level] = None

    def by_id(self, result_id: str) -> Number | None:
        """The number of that id, or None."""
        return self._by_id.get(result_id)

    def knows(self, analysis: str) -> bool:
        """Whether the analysis has any number: it has none where the trial lacks its data."""
        return any(name == analysis for name, _ in self._cells)

    def cell(self, analysis: str, levels: Levels) -> dict[str, Number]:
        """The numbers by operation where exactly these groups have these levels; may be empty."""
        return self._cells.get((analysis, frozenset(levels.items())), {})

    def levels(self, analysis: str, group: str) -> list[str]:
        """The levels of a group in the order in which the results have them."""
        return list(self._levels.get((analysis, group), {}))

    def inner_levels(self, analysis: str, inner: str, outer: Levels) -> list[str]:
        """The levels of ``inner`` that occur together with the levels of ``outer``."""
        wanted = set(outer.items())
        found: dict[str, None] = {}
        for (name, pairs), _ in self._cells.items():
            if name == analysis and wanted <= pairs:
                found.update({level: None for group, level in pairs if group == inner})
        return list(found)

    def by_level(self, analysis: str, group: str, column: str) -> dict[str, dict[str, Number]]:
        """The numbers of each level of ``group`` in a column, whatever the other groups are.

        For terms within classes: the terms, each with the numbers it has in its class.
        """
        found: dict[str, dict[str, Number]] = {}
        for (name, pairs), cell in self._cells.items():
            levels = dict(pairs)
            if name == analysis and group in levels and levels.get(COLUMN, TOTAL) == column:
                found.setdefault(levels[group], cell)
        return found

    def curve(self, analysis: str, column: str) -> Curve:
        """The curve of one analysis and column; without rows an empty curve."""
        rows = self._curves.filter(
            pl.col("analysis") == analysis, pl.col("level1").fill_null(TOTAL) == column
        )
        time = pl.coalesce(
            pl.when(pl.col(g) == TIME).then(pl.col(x)) for g, x in zip(GROUPS, LEVELS, strict=True)
        )
        rows = rows.with_columns(_time=time.cast(pl.Float64))
        wide = rows.pivot(
            on="operation", index="_time", values="value", aggregate_function="first"
        ).sort("_time")

        times = tuple(wide["_time"]) if wide.height else ()
        return Curve(times, *(_values(wide, name) for name in STEPS))


def _values(wide: pl.DataFrame, name: str) -> tuple[float | None, ...]:
    return tuple(wide[name]) if name in wide.columns else (None,) * wide.height


def _pairs(row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for group, level in zip(GROUPS, LEVELS, strict=True):
        if row[group] is not None and row[level] is not None:
            # A subgroup may be of the very variable that makes the columns.
            yield COLUMN if group == "group1" else str(row[group]), str(row[level])


def pieces(template: str, found: Mapping[str, Number]) -> tuple[Piece, ...]:
    """A format filled with the numbers of one cell.

    A count of 0 at the front is printed alone, without its percentage; where nothing exists one
    ``–`` stands for all. Without any number of the format the answer is empty.
    """
    names = [name for name, _ in FIELD.findall(template)]
    if not any(name in found for name in names):
        return ()
    first = found.get(names[0])
    shares = [name for name in names[1:] if name in found and found[name].kind == "proportion"]
    if shares and first and first.kind == "count" and first.value == 0:
        return (Piece(first.shown("d"), first.result_id),)
    known = [found[name] for name in names if name in found]
    if first and first.shown("") == layout.NOTHING and all(n.value is None for n in known):
        return (Piece(layout.NOTHING, first.result_id),)
    return fill(template, found.get)


def fill(template: str, lookup: Lookup) -> tuple[Piece, ...]:
    """A template with each ``{name:spec}`` replaced by the number that ``lookup`` finds."""
    made: list[Piece] = []
    end = 0
    for match in FIELD.finditer(template):
        if match.start() > end:
            made.append(Piece(template[end : match.start()]))
        number = lookup(match[1])
        made.append(
            Piece(number.shown(match[2] or ""), number.result_id)
            if number
            else Piece(layout.NOTHING)
        )
        end = match.end()
    if end < len(template):
        made.append(Piece(template[end:]))
    return tuple(made)


def text_of(parts: tuple[Piece, ...]) -> str:
    """The pieces as one text."""
    return "".join(part.text for part in parts)
