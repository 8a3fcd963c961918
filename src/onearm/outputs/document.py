"""What a report is made of, before it is a page or a PDF: chapters of blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from onearm.outputs.labels import Labels
from onearm.outputs.numbers import Piece
from onearm.outputs.table import Table


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or several; numbers in it carry their result ids."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Minor:
    """A heading inside a chapter."""

    text: str


@dataclass(frozen=True, slots=True)
class CardText:
    """One key result ready to print."""

    label: str
    value: tuple[Piece, ...]
    detail: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Cards:
    """The panel of key results."""

    cards: tuple[CardText, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """A plain table of words (definitions, findings, outcomes): headings and rows of pieces."""

    headings: tuple[str, ...]
    rows: tuple[tuple[tuple[Piece, ...], ...], ...]
    widths: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: its number and words, its file, and the results shown in it."""

    number: str
    title: str
    set_label: str
    alt: str
    notes: tuple[str, ...]
    svg: Path
    ids: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The number without blanks, for file names and anchors."""
        return self.number.replace(" ", "")


Block = Paragraph | Minor | Cards | Facts | Picture | Table


@dataclass(slots=True)
class Chapter:
    """One chapter: its number, its title, what stands in it."""

    number: str
    title: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """The report: who and when, then chapters in order.

    ``date`` is the data cut as year, month, day; ``version`` the study's hash. ``notice`` is what
    every page must say about the data.
    """

    title: str
    study_id: str
    study_title: str
    sponsor: str
    date: tuple[int, int, int]
    cut: str
    version: str
    chapters: tuple[Chapter, ...]
    labels: Labels
    abbreviations: tuple[tuple[str, str], ...] = ()
    notice: str = ""
