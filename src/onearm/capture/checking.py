"""What a save would mean before it is done: calculated and cleared cells, and what checks find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from onearm.capture import entries as entry_frames
from onearm.capture.document import Cell, Document, applied, cells, delta, next_key
from onearm.errors import Finding, Place
from onearm.records import live
from onearm.records.entry import ENTRY
from onearm.records.places import visit_label
from onearm.study.cases import checks_of

if TYPE_CHECKING:
    from onearm.capture.models import EventInstance
    from onearm.study import Study
    from onearm.study.forms import Form

HARD_RULES = frozenset({"item.type", "item.codelist", "form.item", "form.row"})
"""Standing rules that refuse a save: what is typed can never be a value of the item."""

MOST_ROUNDS = 10
"""Calculations may feed skip logic and the other way round; after so many rounds they stand."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The cells to save, and what was found.

    cells: those asked for, with calculated ones added and hidden ones emptied. cleared: the cells
    that saving would empty. hard: findings that refuse the save. soft: the other findings of the
    form, at every visit of the subject. elsewhere: findings by form of the forms that read this
    one. is_complete: nothing that is required is missing at this visit.
    """

    cells: tuple[Cell, ...]
    cleared: tuple[Cell, ...]
    hard: tuple[Finding, ...]
    soft: tuple[Finding, ...]
    elsewhere: Mapping[str, tuple[Finding, ...]]
    is_complete: bool


def judge(
    study: Study,
    event: EventInstance,
    form_id: str,
    data: Document,
    changed: Iterable[Cell],
    removed: Mapping[int, str],
) -> Judged:
    """Judge the form of a visit as it would stand with the changed cells and without removed rows.

    Raises ``KeyError`` for a form that the study does not have.
    """
    form = study.forms[form_id]
    asked = {(cell.row, cell.item): cell for cell in changed}
    hard = list(_impossible(form, data, asked.values(), removed))
    if hard:
        return Judged(tuple(asked.values()), (), tuple(hard), (), {}, is_complete=False)
    others = _others(event, form_id)
    cleared: dict[tuple[int, str], Cell] = {}
    for _ in range(MOST_ROUNDS):
        wanted = applied(data, delta(data, asked.values(), removed=removed))
        frame = entry_frames.asked(study, _with(others, event, form_id, wanted))
        follow = _follow(study, frame, event, form_id, wanted)
        news = [cell for cell in follow if asked.get((cell.row, cell.item)) != cell]
        if not news:
            break
        for cell in news:
            if not form.item(cell.item).calculated:
                held = {(c.row, c.item): c for c in cells(wanted)}
                cleared[cell.row, cell.item] = held[cell.row, cell.item]
            asked[cell.row, cell.item] = cell
    readers = live.readers(study, form_id)
    by_form = live.check_forms(study, frame, (form_id, *readers))
    found = by_form[form_id]
    here = visit_label(event.visit, event.repeat)
    hard = [f for f in found if refusing(study, f) and f.place.visit == here]
    return Judged(
        cells=tuple(asked.values()),
        cleared=tuple(cleared.values()),
        hard=tuple(hard),
        soft=tuple(f for f in found if f not in hard),
        elsewhere={name: tuple(by_form[name]) for name in readers},
        is_complete=not any(f.rule == "item.required" and f.place.visit == here for f in found),
    )


def refusing(study: Study, finding: Finding) -> bool:
    """Whether a finding refuses the save: an impossible value, or a check the study calls hard."""
    form = study.forms.get(finding.place.form)
    hard = (c.id for c in checks_of(form) if c.severity == "hard") if form else ()
    return finding.rule in HARD_RULES or finding.rule in hard


def _impossible(
    form: Form, data: Document, changed: Iterable[Cell], removed: Mapping[int, str]
) -> Iterator[Finding]:
    """Items that the form does not have, and rows that cannot be."""
    known = {item.name for item in form.items}
    for cell in changed:
        place = Place(form=form.form, field=cell.item, row=cell.row)
        if cell.item not in known:
            hint = "Use the items of the form's version."
            yield Finding(place, cell.item, "form.item", "the form has no such item", hint)
        if cell.row < 1 or (cell.row != 1 and not form.rows):
            hint = "Forms without repeating rows have the row 1 only."
            yield Finding(place, cell.row, "form.row", "the form has no such row", hint)
    for key in removed:
        if not form.rows or not 0 < key < next_key(data):
            place = Place(form=form.form, row=key)
            yield Finding(place, key, "form.row", "there is no such row to take out or put back")


def _others(event: EventInstance, form_id: str) -> pl.DataFrame:
    """The subject's entries without those of this form at this visit."""
    frame = entry_frames.of_subject(event.subject)
    mine = (
        (pl.col("VISIT") == event.visit)
        & (pl.col("VISIT_REPEAT") == event.repeat)
        & (pl.col("FORM") == form_id)
    )
    return frame.filter(~mine)


def _with(others: pl.DataFrame, event: EventInstance, form_id: str, data: Document) -> pl.DataFrame:
    subject = event.subject
    place = (subject.site.code, subject.code, event.visit, event.repeat, form_id)
    rows = [
        (*place, cell.row, cell.item, cell.value or None, cell.reason or None)
        for cell in cells(data)
    ]
    return pl.concat([others, pl.DataFrame(rows, schema=dict(ENTRY), orient="row")])


def _follow(
    study: Study, frame: pl.DataFrame, event: EventInstance, form_id: str, data: Document
) -> Iterator[Cell]:
    """The cells that skip logic empties and that calculations fill, as they should stand."""
    follow = live.follows(study, frame, form_id)
    stand = {(cell.row, cell.item): cell for cell in cells(data)}
    for visit, repeat, row, item in sorted(follow.hidden):
        if (visit, repeat) == (event.visit, event.repeat):
            yield Cell(row, item)
    for (visit, repeat, row, item), text in sorted(follow.calculated.items()):
        if (visit, repeat) == (event.visit, event.repeat):
            hidden = (visit, repeat, row, item) in follow.hidden
            cell = Cell(row, item, value="" if hidden else text)
            if stand.get((row, item), Cell(row, item)) != cell:
                yield cell
