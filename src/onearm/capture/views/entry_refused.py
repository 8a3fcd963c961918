"""A save that was refused, shown again: what is impossible, what would be cleared, what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from onearm.capture import options, wording, words
from onearm.capture.document import Cell, folded, next_key
from onearm.capture.models import FormInstance
from onearm.capture.views.entry_sheet import Again, Compared, Key, Note, split
from onearm.capture.words import said

if TYPE_CHECKING:
    from onearm.capture.actions.save import Stale
    from onearm.capture.document import Document
    from onearm.capture.surroundings import Place
    from onearm.capture.views.entry_posted import Posted
    from onearm.errors import Problems


def after_problems(place: Place, problem: Problems) -> Again:
    """What makes the save impossible, each at its cell; above the form what is at no cell."""
    by_cell: dict[Key, tuple[Note, ...]] = {}
    names = {item.name for item in place.form.items}
    for found in problem.findings:
        item = found.place.field if found.place.field in names else ""
        key = (found.place.row, item) if item or place.form.rows else (0, "")
        text = wording.finding_text(place.study, found)
        by_cell[key] = (*by_cell.get(key, ()), Note(text, "hard"))
    above = len(by_cell.get((0, ""), ()))
    at_cells = len(problem.findings) - above
    told = [(at_cells, "form.refused"), (above, "form.refused_above")]
    return Again(tuple(words.say(key).format(n=n) for n, key in told if n), by_cell)


def after_clear(place: Place, hidden: Iterable[Cell]) -> Again:
    """The values that saving would clear, to be confirmed."""
    items = {item.name: item for item in place.form.items}
    lines = []
    for cell in hidden:
        item = items[cell.item]
        stands = options.shown(place.study, place.form.form, item, cell.value) or cell.reason
        row = f"{place.form.rows} {cell.row} · " if place.form.rows else ""
        lines.append(f"{row}{said(item.label)}: {stands}")
    return Again(problems=(words.say("form.clear"),), cleared=tuple(lines))


def after_stale(place: Place, posted: Posted, problem: Stale) -> tuple[Posted, int, Again]:
    """The two sides cell by cell: what stood, what the other person saved, what is typed here.

    Cells that only the other person changed are theirs; cells that only this one changed are ours;
    for cells that both changed the reader chooses. Rows that both added stay two rows.
    """
    instance = FormInstance.objects.get(
        event__subject=place.subject,
        event__visit=place.visit,
        event__repeat=place.repeat,
        form=place.form.form,
    )
    deltas = instance.versions.filter(version__lte=posted.version).order_by("version")
    opened = folded(list(deltas.values_list("delta", flat=True)))
    since = next_key(opened)
    posted = posted.moved(since, next_key(instance.data) - since)
    before, theirs = _values(opened), _values(instance.data)
    items = {item.name: item for item in place.form.items}
    compared, untouched = [], set()
    for cell in posted.cells:
        where = (cell.row, cell.item)
        old, other = before.get(where), theirs.get(where)
        if other == old:
            continue
        is_mine = cell.stored != old and cell.stored != other
        if not is_mine:
            untouched.add(where)
        label = said(items[cell.item].label)
        if place.form.rows:
            label = f"{place.form.rows} {cell.row} · {label}"
        compared.append(
            Compared(
                f"{cell.row}.{cell.item}",
                label,
                opened=_text(place, cell.item, old),
                theirs=_text(place, cell.item, other),
                mine=_text(place, cell.item, cell.stored),
                is_open=is_mine,
            )
        )
    merged = replace(posted, theirs=posted.theirs | untouched, version=problem.version)
    again = Again(problems=(words.say("form.stale"),), compared=tuple(compared), wants_reason=True)
    return merged, problem.version, again


def _values(data: Document) -> Mapping[Key, object]:
    return {
        (row["_key"], name): stored
        for row in data["rows"]
        for name, stored in row.items()
        if not name.startswith("_")
    }


def _text(place: Place, name: str, stored: object) -> str:
    value, reason = split(stored)
    if reason:
        return words.say(f"reason.{reason}") if f"reason.{reason}" in words.table() else reason
    return options.shown(place.study, place.form.form, place.form.item(name), value)
