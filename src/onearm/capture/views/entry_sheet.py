"""The page of a form as values: every cell with its words, its neighbours in time and its notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.forms.utils import flatatt

from onearm.capture import identity, options, wording, words
from onearm.capture.document import NULL, REMOVED, Cell, Document, applied, next_key, row_keys
from onearm.capture.identity import NOTHING
from onearm.capture.labs import judged
from onearm.capture.surroundings import Asked, asked, previous_values
from onearm.capture.views.entry_posted import GIVEN_REASONS, reason_said, remove_code
from onearm.capture.views.entry_state import talk_address
from onearm.capture.words import said

if TYPE_CHECKING:
    from onearm.capture.identity import Names
    from onearm.capture.labs import Judged
    from onearm.capture.models import Query
    from onearm.capture.surroundings import Around, Earlier, Place
    from onearm.study.forms import Item

Key = tuple[int, str]

GONE_VALUES = 6
"""So many values tell which row it was that was taken out."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something said about a cell: by a check (``soft``), a refusal (``hard``), or a ``person``.

    about: the cell's name where the note stands elsewhere, below its row. query: the query that
    says it, 0 for a refusal; reply: the last word in its talk, url: where the talk goes on.
    """

    text: str
    kind: str = "soft"
    about: str = ""
    query: int = 0
    state: str = "open"
    reply: str = ""
    url: str = ""
    deed: str = ""


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
    lab: Judged | None
    notes: tuple[Note, ...]
    in_table: bool = False
    may_enter: bool = True
    is_hidden: bool = False

    @property
    def name(self) -> str:
        """The field's name in the page behind ``v.``, ``n.`` and so on."""
        return f"{self.row}.{self.item.name}"

    @property
    def is_refused(self) -> bool:
        """Whether what is typed can never be a value, so that nothing was saved."""
        return any(note.kind == "hard" for note in self.notes)

    @property
    def attributes(self) -> str:
        """Those of the input, in one piece: a page has many cells, and tags are slow."""
        item, name = self.item, self.name
        given: dict[str, object] = {
            "id": f"v.{name}",
            "value": self.text,
            "class": f"v {item.type}{' refused' if self.is_refused else ''}",
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
            replace(note, text=_labelled(box.label, note.text), about=box.name if n == 0 else "")
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

    @property
    def has_results(self) -> bool:
        """Whether the form holds laboratory results, which are compared with normal ranges."""
        return any(box.lab is not None for row in self.rows for box in row.boxes)

    @property
    def stale(self) -> int:
        """How many saved results were compared with a range that holds no more."""
        return sum(bool(box.lab and box.lab.is_stale) for row in self.rows for box in row.boxes)


@dataclass(frozen=True, slots=True)
class Again:
    """Why a page is shown again instead of being saved, and the status that says so."""

    problems: tuple[str, ...] = ()
    by_cell: Mapping[Key, tuple[Note, ...]] = field(default_factory=dict)
    compared: tuple[Compared, ...] = ()
    cleared: tuple[str, ...] = ()
    wants_reason: bool = False
    status: int = 409


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
    labs = judged(around, shown)
    notes = _notes(place, queries, shown, again.by_cell, hidden, may_enter=may_enter)
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
            labs,
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
        notes=(*notes.get((0, ""), ()), *_elsewhere(place, notes, {row.key for row in made})),
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
    labs: Mapping[Key, Judged]
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
        lab=line.labs.get(where),
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
        lab=None,
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
    *,
    may_enter: bool,
) -> dict[Key, list[Note]]:
    """By cell what is asked about it; a note on no item stands at its row, or on the form."""
    stands = {(c.row, c.item): c.value or c.reason for c in _all(data)}
    found: dict[Key, list[Note]] = {key: list(notes) for key, notes in hard.items()}
    names = {item.name for item in place.form.items}
    for query in queries:
        row = query.row or (0 if place.form.rows else 1)
        item = query.item if query.item in names else ""
        where = (row, item) if item or place.form.rows else (0, "")
        note = note_of(place, query, stands.get((row, item)), hidden, may_answer=may_enter)
        found.setdefault(where, []).append(note)
    return found


def note_of(
    place: Place,
    query: Query,
    value: object = None,
    hidden: Names = NOTHING,
    *,
    may_answer: bool = False,
) -> Note:
    """A query as its cell shows it: what it asks, the last word, and where to answer.

    value: what stands in the cell. hidden: items that the reader may not read. The last word is
    there where queries were read `with_last_word`.
    """
    deed = "query.do_answered" if may_answer and query.state == "open" else "talk.read"
    reply = getattr(query, "last", "") or ""
    return Note(
        wording.covered_query(place.study, query)
        if query.item in hidden
        else wording.query_text(place.study, query, value),
        "soft" if query.check_id else "person",
        query=query.pk,
        state=query.state,
        reply="" if reply == query.text else reply,
        url=talk_address(place, query.row, query.item),
        deed=words.say(deed),
    )


def _elsewhere(place: Place, notes: Mapping[Key, list[Note]], shown: set[int]) -> Iterable[Note]:
    """What is asked about rows that the page does not show: taken out, or not yet filled in."""
    for (row, name), found in notes.items():
        if row and row not in shown:
            label = f"{words.say('history.row')} {row}"
            label += f" · {said(place.form.item(name).label)}" if name else ""
            yield from (replace(note, text=f"{label}: {note.text}") for note in found)


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
