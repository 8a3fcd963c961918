"""The page of a form as values: every cell with its words, its neighbours in time and its notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.forms.utils import flatatt

from onearm.capture import identity, options, wording, words
from onearm.capture.document import NULL, REMOVED, Cell, Document, applied, next_key, row_keys
from onearm.capture.identity import NOTHING
from onearm.capture.ranges import ranges_of
from onearm.capture.surroundings import Asked, asked, previous_values
from onearm.capture.views.entry_posted import GIVEN_REASONS, reason_said, remove_code
from onearm.capture.words import said

if TYPE_CHECKING:
    from onearm.capture.identity import Names
    from onearm.capture.models import Query
    from onearm.capture.ranges import Range
    from onearm.capture.surroundings import Around, Earlier, Place
    from onearm.study.forms import Item

Key = tuple[int, str]

GONE_VALUES = 6
"""So many values tell which row it was that was taken out."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something said about a cell: by a check (``soft``), a refusal (``hard``), or a ``person``.

    about: the cell's name where the note stands elsewhere, below its row.
    """

    text: str
    kind: str = "soft"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """One cell as the page shows it. ``value`` is stored, ``text`` is what people read.

    was: what stood when the page was opened, so that the page knows what was changed.
    """

    row: int
    item: Item
    label: str
    value: str
    text: str
    was: str
    reason: str
    has_list: bool
    is_asked: bool
    is_cleared: bool
    before: str
    base: str
    flag: str
    range: str
    notes: tuple[Note, ...]
    in_table: bool = False
    may_enter: bool = True
    is_hidden: bool = False

    @property
    def name(self) -> str:
        """The field's name in the page behind ``v.``, ``n.`` and so on."""
        return f"{self.row}.{self.item.name}"

    @property
    def attributes(self) -> str:
        """Those of the input, in one piece: a page has many cells, and tags are slow."""
        item, name = self.item, self.name
        given: dict[str, object] = {
            "id": f"v.{name}",
            "value": self.text,
            "class": f"v {item.type}",
            "data-was": self.was,
        }
        if not (item.calculated or self.is_hidden):  # what nobody reads is never posted back
            given["name"] = f"v.{name}"
        if self.has_list:
            given["list"] = f"l.{item.name}"
        if item.type in ("integer", "decimal"):
            given["inputmode"] = "decimal"  # a tablet shows its digits
        if self.in_table:
            given["aria-label"] = self.label
        if self.notes:
            given |= {"aria-invalid": "true", "aria-describedby": f"s.{name}"}
        given["readonly"] = not self.may_enter or bool(item.calculated) or self.is_hidden
        given["data-must"] = item.required and not self.reason
        return flatatt(given)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its key, its cells, and what is said about the row as a whole.

    out: the code of the reason for which the reader has marked it to be taken out.
    """

    key: int
    boxes: tuple[Box, ...]
    is_new: bool = False
    out: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def said(self) -> tuple[Note, ...]:
        """The notes of the row and of its cells, these with their label."""
        mine = [
            Note(_labelled(box.label, note.text), note.kind, box.name if n == 0 else "")
            for box in self.boxes
            for n, note in enumerate(box.notes)
        ]
        return (*self.notes, *mine)


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that was taken out: its key, why, and what stood in it."""

    key: int
    reason: str
    values: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One cell that somebody else changed; ``is_open`` where the reader changed it too."""

    name: str
    label: str
    opened: str
    theirs: str
    mine: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that the page of a form shows of the form itself."""

    version: int
    rows: tuple[Row, ...]
    gone: tuple[Gone, ...]
    lists: Mapping[str, tuple[tuple[str, str], ...]]
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()
    compared: tuple[Compared, ...] = ()
    cleared: tuple[str, ...] = ()
    wants_reason: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Why a page is shown again instead of being saved."""

    problems: tuple[str, ...] = ()
    by_cell: Mapping[Key, tuple[Note, ...]] = field(default_factory=dict)
    compared: tuple[Compared, ...] = ()
    cleared: tuple[str, ...] = ()
    wants_reason: bool = False


def sheet(
    around: Around,
    data: Document,
    *,
    version: int,
    queries: Iterable[Query] = (),
    again: Again | None = None,
    carried: Iterable[Cell] = (),
    base: Mapping[tuple[str, str], str] | None = None,
    out: Mapping[int, str] | None = None,
    may_enter: bool = True,
    hidden: Names = NOTHING,
) -> Sheet:
    """The form as it would stand with ``data``.

    hidden: items that the reader may not read (`identity.hidden_from`).

    carried: cells proposed for rows that are not there yet. base: by row key and item what was
    measured at baseline. out: by row the reason to take it out.
    """
    again = again or Again()
    place = around.place
    proposed = list(carried)
    shown = applied(data, {"rows": _as_rows(proposed)})
    keys = _keys(place, shown, may_enter=may_enter)
    follow = asked(around, shown, keys)
    stands = {row["_key"]: row for row in around.data["rows"]}
    ranges = ranges_of(around, list(_all(shown)))
    notes = _notes(place, queries, shown, again.by_cell, hidden)
    earlier = previous_values(around)
    rows = {row["_key"]: row for row in shown["rows"]}
    made = []
    for key in keys:
        mine = _Line(
            place,
            key,
            rows.get(key, {}),
            stands.get(key, {}),
            follow,
            ranges,
            notes,
            may_enter,
            hidden,
        )
        boxes = tuple(_box(mine, item, earlier, base or {}) for item in place.form.items)
        row_notes = tuple(notes.get((key, ""), ()))
        why = remove_code((out or {}).get(key, ""))
        made.append(Row(key, boxes, key not in stands, why, row_notes))
    return Sheet(
        version=version,
        rows=tuple(made),
        gone=tuple(_gone(place, around.data, hidden)),
        lists={
            item.name: options.options(place.study, place.form.form, item)
            for item in place.form.items
            if options.options(place.study, place.form.form, item)
        },
        notes=tuple(notes.get((0, ""), ())),
        problems=again.problems,
        compared=again.compared,
        cleared=again.cleared,
        wants_reason=again.wants_reason,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    place: Place
    key: int
    row: Mapping[str, object]
    stands: Mapping[str, object]
    follow: Asked
    ranges: Mapping[Key, Range]
    notes: Mapping[Key, list[Note]]
    may_enter: bool
    hidden: Names


def _box(
    line: _Line,
    item: Item,
    earlier: Mapping[tuple[str, str], Earlier],
    base: Mapping[tuple[str, str], str],
) -> Box:
    place, where = line.place, (line.key, item.name)
    value, reason = split(line.row.get(item.name))
    if item.calculated:
        value = line.follow.calculated.get(where, value)
    known = line.ranges.get(where)
    key, _ = split(line.row.get(place.form.key)) if place.form.key else ("", "")
    before = earlier.get((key, item.name)) if key or not place.form.key else None
    is_filled = bool(value or reason)
    is_hidden = where in line.follow.hidden
    if item.name in line.hidden:
        return _covered_box(line, item, value, reason)
    return Box(
        row=line.key,
        item=item,
        label=said(item.label),
        value=value,
        text=options.shown(place.study, place.form.form, item, value),
        was=_was(line, item),
        reason=reason,
        has_list=bool(options.options(place.study, place.form.form, item)),
        is_asked=not item.shown_when or where in line.follow.asked or is_filled,
        is_cleared=is_hidden and is_filled,
        before=_before(line, item, before, value),
        base=base.get((key, item.name), ""),
        flag=known.flag(value) if known else "",
        range=str(known) if known else "",
        notes=tuple(line.notes.get(where, ())),
        in_table=bool(place.form.rows),
        may_enter=line.may_enter,
    )


def _covered_box(line: _Line, item: Item, value: str, reason: str) -> Box:
    """The cell of an item that the reader may not read: whether it is filled, and no more."""
    text = identity.words() if value else ""
    where = (line.key, item.name)
    return Box(
        row=line.key,
        item=item,
        label=said(item.label),
        value=text,
        text=text,
        was=text,
        reason=reason,
        has_list=False,
        is_asked=not item.shown_when or where in line.follow.asked or bool(value or reason),
        is_cleared=False,
        before="",
        base="",
        flag="",
        range="",
        notes=tuple(line.notes.get(where, ())),
        in_table=bool(line.place.form.rows),
        may_enter=line.may_enter,
        is_hidden=True,
    )


def _before(line: _Line, item: Item, before: Earlier | None, value: str) -> str:
    """The value before, where it tells something: another one, or a measurement."""
    is_measured = item.type in ("integer", "decimal")
    if before is None or item.name == line.place.form.key:
        return ""
    if before.value == value and not is_measured:
        return ""
    return options.shown(line.place.study, line.place.form.form, item, before.value)


def _was(line: _Line, item: Item) -> str:
    value, reason = split(line.stands.get(item.name))
    return options.shown(line.place.study, line.place.form.form, item, value) or reason


def split(stored: object) -> tuple[str, str]:
    """Value and missing reason of what stands in a document's cell."""
    if isinstance(stored, dict):
        return "", str(stored.get(NULL, ""))
    return (str(stored), "") if stored else ("", "")


def _keys(place: Place, data: Document, *, may_enter: bool) -> list[int]:
    """The rows shown: those that stand, and an empty one to write on."""
    keys = row_keys(data)
    if not place.form.rows:
        return keys[:1] or [1]
    return [*keys, next_key(data)] if may_enter else keys


def _all(data: Document) -> Iterable[Cell]:
    for row in data["rows"]:
        for name, stored in row.items():
            if not name.startswith("_"):
                value, reason = split(stored)
                yield Cell(row["_key"], name, value, reason)


def _as_rows(cells: Iterable[Cell]) -> list[dict[str, object]]:
    rows: dict[int, dict[str, object]] = {}
    for cell in cells:
        rows.setdefault(cell.row, {"_key": cell.row})[cell.item] = cell.stored
    return list(rows.values())


def _notes(
    place: Place,
    queries: Iterable[Query],
    data: Document,
    hard: Mapping[Key, tuple[Note, ...]],
    hidden: Names,
) -> dict[Key, list[Note]]:
    """By cell what is asked about it; a note on no item stands at its row, or on the form."""
    stands = {(c.row, c.item): c.value or c.reason for c in _all(data)}
    found: dict[Key, list[Note]] = {key: list(notes) for key, notes in hard.items()}
    names = {item.name for item in place.form.items}
    for query in queries:
        row = query.row or (0 if place.form.rows else 1)
        item = query.item if query.item in names else ""
        where = (row, item) if item or place.form.rows else (0, "")
        if item in hidden:
            text = wording.covered_query(place.study, query)
        else:
            text = wording.query_text(place.study, query, stands.get((row, item)))
        found.setdefault(where, []).append(Note(text, "soft" if query.check_id else "person"))
    return found


def _gone(place: Place, data: Document, hidden: Names) -> Iterable[Gone]:
    for row in data["rows"]:
        if REMOVED in row:
            values = (
                options.shown(place.study, place.form.form, item, split(row.get(item.name))[0])
                for item in place.form.items
                if item.name not in hidden
            )
            told = [value for value in values if value][:GONE_VALUES]
            yield Gone(row["_key"], reason_said(row[REMOVED]), " · ".join(told))


def _labelled(label: str, text: str) -> str:
    return text if label in text else f"{label}: {text}"


def reasons() -> list[tuple[str, str]]:
    """The missing reasons that people give, with their words."""
    return [(reason, words.say(f"reason.{reason}")) for reason in GIVEN_REASONS]
