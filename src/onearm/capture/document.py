"""A form's data as one JSON document: its cells, its changes, and its way to the entries frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
"""``{"rows": [{"_key": 1, ITEM: "text" | {"null": "REASON"}}]}``, rows in order of their keys."""

KEY, REMOVED, NULL = "_key", "_removed", "null"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as it was typed: ``value`` empty and a ``reason`` for a missing one, or both empty.

    ``row`` is the row's key, 1 on forms without repeating rows.
    """

    row: int
    item: str
    value: str = ""
    reason: str = ""

    @property
    def stored(self) -> str | dict[str, str] | None:
        """What stands in the document; None for an empty cell."""
        if self.value:
            return self.value
        return {NULL: self.reason} if self.reason else None


def empty() -> Document:
    """The document of a form that nobody has saved."""
    return {"rows": []}


def row_keys(data: Document, *, removed: bool = False) -> list[int]:
    """Keys of the rows that stand, or of those taken out as well."""
    return [row[KEY] for row in data["rows"] if removed or REMOVED not in row]


def next_key(data: Document) -> int:
    """The key of a new row: above every key ever given, so that none is given twice."""
    return max((row[KEY] for row in data["rows"]), default=0) + 1


def cells(data: Document) -> Iterator[Cell]:
    """Every filled cell of the rows that stand."""
    for row in data["rows"]:
        if REMOVED in row:
            continue
        for item, stored in row.items():
            if item.startswith("_"):
                continue
            if isinstance(stored, dict):
                yield Cell(row[KEY], item, reason=stored[NULL])
            else:
                yield Cell(row[KEY], item, value=stored)


def delta(
    data: Document, changed: Iterable[Cell], *, removed: Mapping[int, str] | None = None
) -> Document:
    """What saving these cells would change; cells that stand already are left out.

    removed: reason by row key for rows to take out; an empty reason puts a row back.
    """
    rows = {row[KEY]: row for row in data["rows"]}
    news: dict[int, dict[str, Any]] = {}
    for cell in changed:
        if rows.get(cell.row, {}).get(cell.item) != cell.stored:
            news.setdefault(cell.row, {})[cell.item] = cell.stored
    for key, reason in (removed or {}).items():
        if rows.get(key, {}).get(REMOVED) != (reason or None):
            news.setdefault(key, {})[REMOVED] = reason or None
    return {"rows": [{KEY: key, **news[key]} for key in sorted(news)]}


def applied(data: Document, change: Document) -> Document:
    """The document after a delta; neither argument is changed."""
    rows: dict[int, dict[str, Any]] = {row[KEY]: dict(row) for row in data["rows"]}
    for new in change["rows"]:
        row = rows.setdefault(new[KEY], {KEY: new[KEY]})
        for name, stored in new.items():
            if stored is None:
                row.pop(name, None)
            else:
                row[name] = stored
    return {"rows": [rows[key] for key in sorted(rows)]}


def changes_filled(data: Document, change: Document) -> bool:
    """Whether a delta changes or empties a cell that was filled, or takes a row out or back."""
    rows = {row[KEY]: row for row in data["rows"]}
    return any(
        name in rows.get(new[KEY], {}) or name == REMOVED
        for new in change["rows"]
        for name in new
        if name == REMOVED or not name.startswith("_")
    )


def folded(deltas: Sequence[Document]) -> Document:
    """The document after a row of deltas, first to last."""
    data = empty()
    for change in deltas:
        data = applied(data, change)
    return data
