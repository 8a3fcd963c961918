"""What a form page sends: cells as typed, rows out and back, the reason, and choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onearm.capture import kept_words, words
from onearm.capture.document import Cell, Document, applied, delta, next_key
from onearm.capture.options import code_of
from onearm.capture.typing_in import typed
from onearm.records.entry import REASONS

if TYPE_CHECKING:
    from datetime import date

    from onearm.capture.surroundings import Place
    from onearm.study.forms import Item

GIVEN_REASONS = tuple(reason for reason in REASONS if reason != "CUT")
"""Reasons that people give; after the data cut is set by the cut alone."""

CHANGE_REASONS = ("typed", "source", "query", "late", "other")
"""Why saved data are changed; the words are ``change.*`` in words.csv."""

REMOVE_REASONS = ("mistake", "twice", "merged")
"""Why a row is taken out; the words are ``remove.*`` in words.csv."""

AUTOMATIC_REASONS = ("ranges",)
"""Reasons that an act gives by itself, where what is derived is worked out again. ``change.*``."""

LARGEST_ROW = 99_999


@dataclass(frozen=True, slots=True)
class Posted:
    """A form as it came from the page.

    removed: reason by key for rows to take out, empty to put one back. theirs: cells for which the
    reader took what somebody else had saved. version: the version the page was opened at.
    """

    cells: tuple[Cell, ...]
    removed: Mapping[int, str]
    version: int
    reason: str
    clear: bool
    theirs: frozenset[tuple[int, str]]

    @property
    def kept(self) -> tuple[Cell, ...]:
        """The cells to save: those that were not left to the other person."""
        return tuple(c for c in self.cells if (c.row, c.item) not in self.theirs)

    def on(self, data: Document) -> Document:
        """The document as it would stand."""
        return applied(data, delta(data, self.kept, removed=self.removed))

    def moved(self, since: int, by: int) -> Posted:
        """The same with new rows (keys from ``since`` on) moved, so that two new rows stay two."""

        def key(row: int) -> int:
            return row + by if row >= since else row

        return replace(
            self,
            cells=tuple(replace(cell, row=key(cell.row)) for cell in self.cells),
            removed={key(row): reason for row, reason in self.removed.items()},
        )


def read(place: Place, fields: Mapping[str, str], today: date) -> Posted:
    """The fields of a page (or of a draft) as values; names that the form lacks are passed over.

    Raises ``ValueError`` where the version is no number.
    """
    theirs = {
        (int(row), item)
        for name, choice in fields.items()
        if choice == "theirs" and (place_of := _place(name, "s"))
        for row, item in (place_of,)
    }
    return Posted(
        cells=tuple(_cells(place, fields, today)),
        removed=dict(_removed(fields)),
        version=int(fields.get("version", "0") or 0),
        reason=change_reason(fields.get("why", ""), fields.get("reason", "")),
        clear=fields.get("clear") == "1",
        theirs=frozenset(theirs),
    )


def change_reason(listed: str, text: str) -> str:
    """The reason as it is kept: the listed one in English, then what was written."""
    known = words.table().get(f"change.{listed}") if listed in CHANGE_REASONS else None
    return ": ".join(filter(None, (known["en"] if known else "", text.strip())))


def reason_said(reason: str) -> str:
    """A kept reason in the reader's language: the listed part translated, the rest as it is."""
    return kept_words.said(reason)


def remove_code(reason: str) -> str:
    """The listed reason (one of `REMOVE_REASONS`) behind the words that are kept."""
    return next((c for c in REMOVE_REASONS if words.table()[f"remove.{c}"]["en"] == reason), "")


def _cells(place: Place, fields: Mapping[str, str], today: date) -> Iterator[Cell]:
    items = {item.name: item for item in place.form.items}
    for name, text in fields.items():
        where = _place(name, "v")
        if where is None or where[1] not in items or items[where[1]].calculated:
            continue
        row, item = where
        value = _value(place, items[item], text, today)
        reason = "" if value else fields.get(f"n.{row}.{item}", "")
        yield Cell(row, item, value, reason if reason in GIVEN_REASONS else "")


def _value(place: Place, item: Item, text: str, today: date) -> str:
    value = typed(item.type, text, today)
    return code_of(place.study, place.form.form, item, value) if value else ""


def _removed(fields: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    for name, text in fields.items():
        kind, _, row = name.partition(".")
        if kind in ("d", "u") and row.isdigit() and text:
            known = words.table()[f"remove.{text}"]["en"] if text in REMOVE_REASONS else ""
            yield int(row), known if kind == "d" else ""


def _place(name: str, kind: str) -> tuple[int, str] | None:
    """``v.3.AETERM`` as (3, "AETERM"), None for a field of another kind."""
    start, _, rest = name.partition(".")
    row, _, item = rest.partition(".")
    if start != kind or not item or not (row.isascii() and row.isdigit()):
        return None
    return (int(row), item) if 0 < int(row) <= LARGEST_ROW else None


def new_rows_from(opened: Document) -> int:
    """The first key that a row added on the page since ``opened`` can have."""
    return next_key(opened)
