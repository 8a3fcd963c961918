"""The cell model of every table: built once from a shell and the results, rendered many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from onearm.outputs.labels import Labels
from onearm.outputs.layout import level_words
from onearm.outputs.numbers import COLUMN, TOTAL, Levels, Number, Numbers, Piece, pieces, text_of
from onearm.study.outputs import Block, Outputs, TableColumn, TableShell

MOST = 10_000
"""More levels than a block ever has: blocks count in steps of it, their levels in between."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: pieces of text, the numbers among them with their result ids."""

    pieces: tuple[Piece, ...] = ()

    @property
    def text(self) -> str:
        """The cell as plain text."""
        return text_of(self.pieces)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its label, how deep it is indented, its cells (none: a heading), and its block."""

    label: str
    cells: tuple[Cell, ...] = ()
    indent: int = 0
    block: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column: its words and its N (empty where there is none)."""

    label: str
    count: Cell = Cell()


@dataclass(frozen=True, slots=True)
class Table:
    """A table or listing ready for any renderer; ``empty`` tables say so instead of rows."""

    number: str
    title: str
    set_label: str
    stub: str
    columns: tuple[Heading, ...]
    rows: tuple[Row, ...]
    footnotes: tuple[str, ...]
    listing: bool = False
    empty: str = ""

    @property
    def key(self) -> str:
        """The number without blanks, for file names and anchors."""
        return self.number.replace(" ", "")

    def ids(self) -> Iterator[tuple[str, str, str]]:
        """Row label, column label and result id of every number, headings first."""
        for column in self.columns:
            yield from (("", column.label, p.result_id) for p in column.count.pieces if p.result_id)
        for row in self.rows:
            for column, cell in zip(self.columns, row.cells, strict=False):
                yield from (
                    (row.label, column.label, p.result_id) for p in cell.pieces if p.result_id
                )


@dataclass(frozen=True, slots=True)
class _View:
    """One column as the rows see it: the groups it fixes and the analyses it swaps."""

    heading: Heading
    pick: Levels
    swaps: Levels
    format: str = ""

    def cell(self, numbers: Numbers, analysis: str, levels: Levels, star: str) -> dict[str, Number]:
        pick = {group: level.replace("*", star) for group, level in self.pick.items()}
        return numbers.cell(self.swaps.get(analysis, analysis), {**levels, **pick})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row stands: its block's number, how deep it is, and the levels it is for."""

    block: int
    indent: int
    pick: Levels
    star: str = ""


@dataclass(frozen=True, slots=True)
class TableBuilder:
    """Builds tables of one study from its shells; the result is the same for every renderer."""

    outputs: Outputs
    numbers: Numbers
    labels: Labels

    def build(self, shell: TableShell) -> Table:
        """The table of a shell: every number with its id, rows in the shell's order."""
        views = tuple(self._views(shell))
        rows = tuple(
            row for i, block in enumerate(shell.blocks) for row in self._block(block, i, views)
        )
        has_numbers = any(cell.pieces for row in rows for cell in row.cells)
        return Table(
            number=shell.number,
            title=self.labels.of(shell.title),
            set_label=self.set_label(shell.set),
            stub=self.labels.of(shell.stub),
            columns=tuple(view.heading for view in views),
            rows=rows if has_numbers else (),
            footnotes=tuple(map(self.labels.of, (*shell.footnotes, *self.outputs.footnotes))),
            empty="" if has_numbers else self.labels(self._why_empty(shell)),
        )

    def _why_empty(self, shell: TableShell) -> str:
        """Nobody was counted, or the trial has no data of which anything could be counted."""
        read = {block.analysis for block in shell.blocks}
        read |= {line.analysis for block in shell.blocks for line in block.lines if line.analysis}
        is_counted = self.numbers.frame.is_empty() or any(map(self.numbers.knows, read))
        return "nobody" if is_counted else "no_data"

    def set_label(self, name: str) -> str:
        """The words for an analysis set; the name itself where ``outputs.yaml`` has none."""
        known = self.outputs.sets.get(name)
        return self.labels.of(known.label) if known else name

    def _views(self, shell: TableShell) -> Iterator[_View]:
        if isinstance(shell.columns, tuple):
            yield from (self._written(column, shell.set) for column in shell.columns)
            return
        levels = self._cohorts(shell) if shell.columns == "cohorts" else [TOTAL]
        for level in levels:
            label = self.labels.of(self.outputs.total) if level == TOTAL else level
            pick = {COLUMN: level}
            yield _View(Heading(label, self._count(shell.set, pick)), pick, {})

    def _cohorts(self, shell: TableShell) -> list[str]:
        counted = self.outputs.sets.get(shell.set)
        analysis = counted.count if counted else shell.blocks[0].analysis
        found = self.numbers.levels(analysis, COLUMN)
        return [level for level in found if level != TOTAL] + [TOTAL]

    def _written(self, column: TableColumn, set_name: str) -> _View:
        pick = {COLUMN: column.column, **column.pick}
        count = self._count(column.count, {COLUMN: column.column}) if column.count else Cell()
        heading = Heading(self.labels.of(column.label), count)
        return _View(heading, pick, column.analysis, column.format)

    def _count(self, set_name: str, pick: Levels) -> Cell:
        counted = self.outputs.sets.get(set_name)
        if counted is None:
            return Cell()
        found = self.numbers.cell(counted.count, pick).get(counted.operation)
        return Cell((Piece(found.shown("d"), found.result_id),)) if found else Cell()

    def _block(self, block: Block, index: int, views: Sequence[_View]) -> Iterator[Row]:
        label = self.labels.of(block.label)
        at = _Place(index * MOST, block.indent, block.pick)
        if not (block.each or block.lines):
            yield self._row(label, block.analysis, block.format, at, views)
            return
        inner = replace(at, indent=block.indent + bool(label))
        made = self._levels if block.each else self._lines
        rows = [r for r in made(block, inner, views) if not (block.hide_zero and _is_zero(r))]
        rows = [r for i, r in enumerate(rows) if not _is_bare(r, rows[i + 1 : i + 2])]
        if label and rows:
            yield Row(label, (), block.indent, rows[0].block)
        yield from rows

    def _lines(self, block: Block, at: _Place, views: Sequence[_View]) -> Iterator[Row]:
        for line in block.lines:
            analysis = line.analysis or block.analysis
            here = replace(at, star=line.star)
            yield self._row(self.labels.of(line.label), analysis, line.format, here, views)

    def _levels(self, block: Block, at: _Place, views: Sequence[_View]) -> Iterator[Row]:
        for place, level in enumerate(self._ordered(block, views)):
            if block.within or block.lines:
                at = replace(at, block=at.block - at.block % MOST + place + 1)
            words = block.levels.get(level)
            label = self.labels.of(words) if words else self._words(block.each, level)
            here = replace(at, pick={**block.pick, block.each: level})
            deeper = replace(here, indent=at.indent + 1)
            if block.lines:
                yield Row(label, (), at.indent, at.block)
                yield from self._lines(block, deeper, views)
            else:
                row = self._row(label, block.analysis, block.format, here, views)
                # A level that only its inner levels have numbers for is a heading.
                is_heading = bool(block.within) and not any(c.pieces for c in row.cells)
                yield Row(label, (), at.indent, at.block) if is_heading else row
            for inner in self._inside(block, here.pick, views) if block.within else ():
                there = replace(deeper, pick={**here.pick, block.within: inner})
                yield self._row(
                    self._words(block.within, inner), block.analysis, block.format, there, views
                )

    def _words(self, group: str, level: str) -> str:
        """A level as it is printed: codes of cohorts and parameters stay as they are."""
        is_code = group.endswith("CD") or group == self.outputs.cohort
        return level if is_code else level_words(level)

    def _ordered(self, block: Block, views: Sequence[_View]) -> list[str]:
        names = {view.swaps.get(block.analysis, block.analysis): None for view in views}
        found = [x for name in names for x in self.numbers.levels(name, block.each)]
        wanted = block.levels if block.only else (*block.levels, *found)
        return [level for level in dict.fromkeys(wanted) if level in found]

    def _inside(self, block: Block, pick: Levels, views: Sequence[_View]) -> list[str]:
        names = {view.swaps.get(block.analysis, block.analysis): None for view in views}
        found = (x for n in names for x in self.numbers.inner_levels(n, block.within, pick))
        return list(dict.fromkeys(found))

    def _row(
        self, label: str, analysis: str, template: str, at: _Place, views: Sequence[_View]
    ) -> Row:
        found = (view.cell(self.numbers, analysis, at.pick, at.star) for view in views)
        cells = tuple(
            Cell(pieces(view.format or template, numbers))
            for view, numbers in zip(views, found, strict=True)
        )
        return Row(label, cells, at.indent, at.block)


def _is_zero(row: Row) -> bool:
    return bool(row.cells) and all(cell.text in ("", "0") for cell in row.cells)


def _is_bare(row: Row, after: Sequence[Row]) -> bool:
    """Whether a row is a heading under which nothing is left."""
    return not row.cells and not any(r.indent > row.indent for r in after)
