"""The report as one HTML file that needs nothing else: style, figures and numbers inside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatchmethod
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from onearm.outputs.document import (
    Block,
    Cards,
    Chapter,
    Document,
    Facts,
    Minor,
    Paragraph,
    Picture,
)
from onearm.outputs.figures.save import inline_svg
from onearm.outputs.labels import Labels
from onearm.outputs.layout import solid
from onearm.outputs.numbers import Piece
from onearm.outputs.table import MOST, Heading, Row, Table

NARROW = 3
"""A table with fewer columns is as wide as it needs to be, not as the page."""
TALL = 40
"""A listing with more rows scrolls inside a window of its own."""


def write_page(document: Document, path: Path) -> Path:
    """Write the report; every number stands in an element with ``data-result``."""
    page = _Page(document.labels)
    path.write_text(page.render(document), encoding="utf-8", newline="\n")
    return path


def spans(pieces: Iterable[Piece]) -> str:
    """Pieces as HTML: numbers with their result id, the rest escaped."""
    return "".join(
        f'<span data-result="{escape(p.result_id)}">{escape(p.text)}</span>'
        if p.result_id
        else escape(p.text)
        for p in pieces
    )


class _Page:
    """Turns blocks into HTML; one method a kind of block."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels

    def render(self, document: Document) -> str:
        style = files("onearm.outputs.render").joinpath("page.css").read_text(encoding="utf-8")
        chapters = "\n".join(self._chapter(i, c) for i, c in enumerate(document.chapters))
        title = f"{document.study_id}: {document.title}"
        language = {"en": "en", "zh": "zh-CN"}[document.labels.language]
        return (
            f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
            f'<a class="skip" href="#main">{escape(self.labels("contents"))} ↓</a>\n'
            f'<div class="layout">\n{self._contents(document)}\n<main id="main">\n'
            f"{self._title(document)}\n{chapters}\n{self._end(document)}\n</main>\n</div>\n"
            "</body>\n</html>\n"
        )

    def _title(self, document: Document) -> str:
        facts = (
            (self.labels("study"), document.study_id),
            (self.labels("data_cut"), document.cut),
            (self.labels("study_version"), document.version[:12]),
        )
        pairs = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts)
        notice = f'<p class="notice">{escape(document.notice)}</p>' if document.notice else ""
        sub = " · ".join(x for x in (document.study_title, document.sponsor) if x)
        return (
            f'{notice}<header class="title"><h1>{escape(document.title)}</h1>'
            f'<p class="sub">{escape(sub)}</p><dl>{pairs}</dl></header>'
        )

    def _contents(self, document: Document) -> str:
        items = []
        for i, chapter in enumerate(document.chapters):
            inner = "".join(
                f'<li><a href="#{b.key}">{escape(b.number)} {escape(b.title)}</a></li>'
                for b in chapter.blocks
                if isinstance(b, Table | Picture)
            )
            inner = f"<ol>{inner}</ol>" if inner else ""
            number = f'<span class="no">{escape(chapter.number)}</span>' if chapter.number else ""
            items.append(f'<li><a href="#c{i}">{number}{escape(chapter.title)}</a>{inner}</li>')
        name = escape(self.labels("contents"))
        return f'<nav aria-label="{name}"><h2>{name}</h2><ol>{"".join(items)}</ol></nav>'

    def _chapter(self, place: int, chapter: Chapter) -> str:
        number = f'<span class="no">{escape(chapter.number)}</span>' if chapter.number else ""
        body = "\n".join(self.block(block) for block in chapter.blocks)
        return (
            f'<section class="chapter" id="c{place}"><h2>{number}{escape(chapter.title)}</h2>\n'
            f"{body}\n</section>"
        )

    def _end(self, document: Document) -> str:
        words = "; ".join(f"{escape(k)}, {escape(v)}" for k, v in document.abbreviations)
        label = escape(self.labels("abbreviations"))
        abbreviations = f"<p>{label}: {words}.</p>" if words else ""
        return f"<footer>{abbreviations}<p>{escape(self.labels('report_of'))}</p></footer>"

    @singledispatchmethod
    def block(self, block: Block) -> str:
        """One block as HTML."""
        raise TypeError(f"no HTML for {type(block).__name__}")

    @block.register
    def _(self, block: Paragraph) -> str:
        return f"<p>{spans(block.pieces)}</p>"

    @block.register
    def _(self, block: Minor) -> str:
        return f"<h4>{escape(block.text)}</h4>"

    @block.register
    def _(self, block: Cards) -> str:
        cards = "".join(
            f'<div class="card"><p class="what">{escape(c.label)}</p>'
            f'<p class="value">{spans(c.value)}</p><p class="detail">{spans(c.detail)}</p></div>'
            for c in block.cards
        )
        return f'<div class="cards">{cards}</div>'

    @block.register
    def _(self, block: Facts) -> str:
        widths = "".join(f'<col style="width:{100 * w:.0f}%">' for w in block.widths)
        head = "".join(f'<th scope="col">{escape(h)}</th>' for h in block.headings)
        rows = "".join(
            "<tr>" + "".join(f"<td>{spans(cell)}</td>" for cell in row) + "</tr>"
            for row in block.rows
        )
        return (
            f'<div class="scroll"><table class="words"><colgroup>{widths}</colgroup>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )

    @block.register
    def _(self, block: Picture) -> str:
        svg = inline_svg(block.svg.read_text(encoding="utf-8"), block.key, block.alt)
        notes = self._notes(block.notes)
        return (
            f'<section id="{block.key}">{self._heading(block)}'
            f'<figure class="{_width(svg)}">{svg}</figure>{notes}</section>'
        )

    @block.register
    def _(self, block: Table) -> str:
        head = "".join(map(_column, block.columns))
        if block.empty:
            width = len(block.columns) + 1
            cell = f'<td class="empty" colspan="{width}">{escape(block.empty)}</td>'
            body = f"<tbody><tr>{cell}</tr></tbody>"
        else:
            groups = groupby(block.rows, key=lambda row: row.block // MOST)
            body = "".join(
                f"<tbody>{''.join(_row(r, len(block.columns)) for r in rows)}</tbody>"
                for _, rows in groups
            )
        tall = " tall" if block.listing and len(block.rows) > TALL else ""
        kind = ' class="rows"' if block.listing else ""
        narrow = " narrow" if len(block.columns) < NARROW else ""
        name = escape(f"{block.number} {block.title}")
        return (
            f'<section id="{block.key}">{self._heading(block)}'
            f'<div class="scroll{tall}{narrow}" tabindex="0" role="region" aria-label="{name}">'
            f'<table{kind}><thead><tr><th scope="col">{escape(block.stub)}</th>{head}</tr></thead>'
            f"{body}</table></div>{self._notes(block.footnotes)}</section>"
        )

    def _heading(self, block: Table | Picture) -> str:
        kind = {"T": "table", "F": "figure", "L": "listing"}.get(block.number[0], "table")
        number = f"{self.labels(kind)} {block.number[1:].strip()}"
        chosen = (
            f'<p class="set">{escape(self.labels("analysis_set"))}: {escape(block.set_label)}</p>'
            if block.set_label
            else ""
        )
        return f'<h3><span class="no">{escape(number)}</span>{escape(block.title)}</h3>{chosen}'

    def _notes(self, notes: Iterable[str]) -> str:
        lines = "".join(f"<p>{escape(note)}</p>" for note in notes)
        return f'<div class="notes">{lines}</div>' if lines else ""


def _column(column: Heading) -> str:
    count = (
        f'<span class="n">(N = {spans(column.count.pieces)})</span>' if column.count.text else ""
    )
    return f'<th scope="col">{escape(column.label)}{count}</th>'


def _row(row: Row, width: int) -> str:
    source = f' data-row="{escape(row.source)}"' if row.source else ""
    indent = f' class="i{min(row.indent, 3)}"' if row.indent else ""
    if not row.cells and not row.source:
        blank = f'<td colspan="{width}"></td>' if width else ""
        return f'<tr class="head"><th scope="row"{indent}>{escape(row.label)}</th>{blank}</tr>'
    cells = "".join(
        f"<td>{spans(replace(p, text=solid(p.text)) for p in cell.pieces)}</td>"
        for cell in row.cells
    )
    return f'<tr{source}><th scope="row"{indent}>{escape(row.label)}</th>{cells}</tr>'


def _width(svg: str) -> str:
    view = svg.split('viewBox="0 0 ', 1)[-1].split(" ", 1)[0]
    return "one" if view.replace(".", "").isdigit() and float(view) < 300 else "two"
