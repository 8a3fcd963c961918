"""The report as a PDF by way of typst: the same cells, pages with header and footer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatchmethod
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from onearm.outputs.document import (
    Block,
    Cards,
    Document,
    Facts,
    Minor,
    Paragraph,
    Picture,
)
from onearm.outputs.figures.save import size
from onearm.outputs.layout import solid
from onearm.outputs.numbers import text_of
from onearm.outputs.table import Row, Table
from onearm.paper.press import pdf, quote

KEEP = 24
"""Blocks of at most so many rows stay on one page; longer ones may break."""
WIDE = 158
"""A table whose widest cells add up to more characters than this lies on its side."""


def write_pdf(document: Document, path: Path) -> list[Path]:
    """Write the report and, beside it, the typst source it was made from.

    The PDF's date is the data cut, so that the same report is the same bytes. Pictures are read
    beside ``path``. Only the fonts of this package and of typst are used.
    """
    text = path.with_suffix(".typ")
    typst = source(document, path.parent)
    text.write_text(typst, encoding="utf-8", newline="\n")
    path.write_bytes(pdf(typst, root=path.parent))
    return [text, path]


def source(document: Document, root: Path) -> str:
    """The report as typst source."""
    looks = files("onearm.outputs.render").joinpath("report.typ").read_text(encoding="utf-8")
    return looks + "\n" + _Source(document, root).render()


class _Source:
    """Turns blocks into typst; one method a kind of block."""

    def __init__(self, document: Document, root: Path) -> None:
        self.document = document
        self.labels = document.labels
        self.root = root

    def render(self) -> str:
        d, label = self.document, self.labels
        year, month, day = d.date
        head = (
            f"#show: report.with(title: {quote(d.title)}, study: {quote(d.study_id)}, "
            f"name: {quote(d.study_title)}, sponsor: {quote(d.sponsor)}, cut: {quote(d.cut)}, "
            f"version: {quote(d.version[:12])}, cutword: {quote(label('data_cut'))}, "
            f"versionword: {quote(label('study_version'))}, pageword: {quote(label('page'))}, "
            f"ofword: {quote(label('of'))}, notice: {quote(d.notice)}, "
            f"lang: {quote(label.language)}, "
            f"date: datetime(year: {year}, month: {month}, day: {day}))\n"
        )
        parts = [head]
        for place, chapter in enumerate(d.chapters):
            title = f"{chapter.number} {chapter.title}".strip()
            start = f"#heading(level: 1, {quote(title)})\n"
            for block in chapter.blocks:
                parts.append(self._on_page(block, start + self.block(block)))
                start = ""
            parts.append(start)
            if place == 0:
                parts.append(self._contents())
        if d.abbreviations:
            words = "; ".join(f"{k}, {v}" for k, v in d.abbreviations)
            parts.append(f"#notes({quote(label('abbreviations') + ': ' + words + '.')})\n")
        return "".join(parts)

    def _contents(self) -> str:
        return (
            f"#outline(title: {quote(self.labels('contents'))}, depth: 2, indent: 1.2em)\n"
            "#pagebreak(weak: true)\n"
        )

    @singledispatchmethod
    def block(self, block: Block) -> str:
        """One block as typst."""
        raise TypeError(f"no typst for {type(block).__name__}")

    @block.register
    def _(self, block: Paragraph) -> str:
        return f"#par({quote(text_of(block.pieces))})\n"

    @block.register
    def _(self, block: Minor) -> str:
        return f"#heading(level: 3, outlined: false, {quote(block.text)})\n"

    @block.register
    def _(self, block: Cards) -> str:
        cards = ", ".join(
            f"({quote(c.label)}, {quote(text_of(c.value))}, {quote(text_of(c.detail))})"
            for c in block.cards
        )
        return f"#cards({cards})\n"

    @block.register
    def _(self, block: Facts) -> str:
        widths = block.widths or (1.0,) * len(block.headings)
        columns = ", ".join(f"{w:g}fr" for w in widths)
        head = ", ".join(map(quote, block.headings))
        rows = ",\n".join(
            ", ".join(quote(_breakable(text_of(cell))) for cell in row) for row in block.rows
        )
        return f"#facts(columns: ({columns},), table.header({head}),\n{rows})\n"

    @block.register
    def _(self, block: Picture) -> str:
        file = block.svg.relative_to(self.root).as_posix()
        width = "100%" if size(block.svg)[0] > 300 else "85mm"
        return (
            self._heading(block) + f"#picture({quote('/' + file)}, {width})\n"
            + _notes(block.notes)
        )  # fmt: skip

    @block.register
    def _(self, block: Table) -> str:
        results = self._results(block, _widths(block))
        return self._heading(block) + results + _notes(block.footnotes)

    def _on_page(self, block: Block, text: str) -> str:
        """A block's text, on a page that lies on its side where it is a very wide table."""
        if isinstance(block, Table) and sum(_widths(block)) > WIDE:
            return f"#page(flipped: true)[\n{text}]\n"
        return text

    def _results(self, block: Table, widths: list[int]) -> str:
        columns = ", ".join(f"{w}fr" for w in widths)
        total = sum(widths)
        point = "8pt" if total < 105 else "7.4pt" if total < 128 else "6.8pt"
        align = "left" if block.listing else "right"
        width = f"{min(100, 10 + round(total * 1.1))}%"
        lines = [f"#results(columns: ({columns},), size: {point}, align: {align}, width: {width},"]
        lines.append(_head(block))
        if block.empty:
            span = len(block.columns) + 1
            lines.append(f"[], table.cell(colspan: {span}, align: left, {quote(block.empty)}),")
        lines += _body(block)
        return "\n".join(lines) + ")\n"

    def _heading(self, block: Table | Picture) -> str:
        kind = {"T": "table", "F": "figure", "L": "listing"}.get(block.number[0], "table")
        title = f"{self.labels(kind)} {block.number[1:].strip()}  {block.title}"
        chosen = f"{self.labels('analysis_set')}: {block.set_label}" if block.set_label else ""
        return f"#heading(level: 2, {quote(title)})\n#under({quote(chosen)})\n"


def _notes(notes: Iterable[str]) -> str:
    lines = ", ".join(map(quote, notes))
    return f"#notes({lines})\n" if lines else "#v(0.8em)\n"


def _head(block: Table) -> str:
    names = []
    for column in block.columns:
        count = f"linebreak() + text(fill: soft, {quote(f'(N = {column.count.text})')})"
        name = f"bold({quote(column.label)})"
        names.append(f"{name} + {count}" if column.count.text else name)
    cells = ", ".join([f"bold({quote(block.stub)})", *names])
    return (
        f"table.header(table.hline(stroke: rule), [], {cells}, table.hline(stroke: 0.6pt + ink)),"
    )


def _body(block: Table) -> Iterator[str]:
    for rows in _groups(block):
        together = len(rows) <= KEEP and not block.listing
        for place, row in enumerate(rows):
            opening = f"keep({len(rows)}), " if place == 0 else ""
            first = opening if together else "[], "
            yield first + _row(row, len(block.columns)) + ","


def _groups(block: Table) -> Iterator[list[Row]]:
    """Rows that should stay together: a block, with a lone row before it."""
    lone: list[Row] = []
    for _, group in groupby(block.rows, key=lambda row: row.block):
        rows = [*lone, *group]
        if len(rows) == 1:
            lone = rows
            continue
        lone = []
        yield rows
    if lone:
        yield lone


def _row(row: Row, width: int) -> str:
    is_heading = not row.cells and not row.source
    label = f"bold({quote(row.label)})" if is_heading else quote(row.label)
    label = f"ind({row.indent}, {label})" if row.indent else label
    if is_heading:
        return f"table.cell(colspan: {width + 1}, {label})"
    return ", ".join([label, *(quote(solid(cell.text)) for cell in row.cells)])


def _widths(block: Table) -> list[int]:
    """Characters of the widest cell of each column, within limits: the shares of the line.

    Where cells with limits do not fit side by side, the limits go to a second line.
    """
    widths = _shares(block, is_wrapped=False)
    if sum(widths) <= WIDE or block.listing:
        return widths
    return _shares(block, is_wrapped=True)


def _shares(block: Table, *, is_wrapped: bool) -> list[int]:
    lengths = [
        max([len(block.stub), *(len(r.label) + 3 * r.indent for r in block.rows if r.cells)])
    ]
    for place, column in enumerate(block.columns):
        texts = (row.cells[place].text for row in block.rows if row.cells)
        pieces = (p for t in texts for p in (t.split(" (") if is_wrapped else (t,)))
        lengths.append(max([len(column.label), len(column.count.text) + 6, *map(len, pieces)]))
    most = 34 if block.listing else 26
    first = min(max(lengths[0], 10), 34 if block.listing else 46)
    if not block.listing:
        first = max(first, 24)
    return [first, *(min(max(length, 7), most) + 1 for length in lengths[1:])]


def _breakable(text: str) -> str:
    """A text that may break after underscores, dots and slashes: conditions and paths are long."""
    for sign in ("_", "/", ".", "="):
        text = text.replace(sign, sign + "\u200b")
    return text
