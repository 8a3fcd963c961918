"""The same checks while a form is being filled in: one subject, one form, in a few milliseconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from onearm.errors import Finding
from onearm.expr import parse
from onearm.records.checks import check_rows
from onearm.records.context import DOTTED, PREVIOUS, QUOTED, add_context, fields_read
from onearm.records.cut import at_cut
from onearm.records.entry import ENTRY
from onearm.records.items import calculation
from onearm.records.model import Records
from onearm.records.places import in_order
from onearm.records.visits import VISIT_DATE, items_for, visit_dates_and_order
from onearm.study import Study
from onearm.study.forms import Form, Item


def check_form(study: Study, entries: pl.DataFrame, form_id: str) -> list[Finding]:
    """What the checks of one form find in the entries of one subject, all visits and rows of it.

    entries: all entries of the subject (``entry.ENTRY``), the form's new values among them. Only
    the forms that the conditions read are looked at; the findings are those that ``check`` gives
    for this form, without the ones about visits and missing forms. Raises ``KeyError`` for a form
    that the study does not have.
    """
    return check_forms(study, entries, (form_id,))[form_id]


def check_forms(
    study: Study, entries: pl.DataFrame, form_ids: Iterable[str]
) -> dict[str, list[Finding]]:
    """`check_form` for several forms of one subject; the entries are read once for all of them."""
    forms = [study.forms[form_id] for form_id in form_ids]
    small, records = _around(study, entries, forms)
    order = visit_dates_and_order(small, records.texts)
    found: dict[str, list[Finding]] = {}
    for form in forms:
        mine = [f for f in records.border if f.place.form in (form.form, "")]
        if not records.forms[form.form].is_empty():
            mine += check_rows(small, records, form, order)
        found[form.form] = in_order(mine)
    return found


@dataclass(frozen=True, slots=True)
class Follows:
    """What the form itself says about its rows: keys (VISIT, VISIT_REPEAT, ROW, ITEM).

    hidden: items that hold a value or a reason and are certainly not asked. asked: items under
    skip logic that certainly are asked, filled or not. calculated: text of each calculated item,
    empty where an input is missing.
    """

    hidden: frozenset[tuple[str, int, int, str]]
    calculated: Mapping[tuple[str, int, int, str], str]
    asked: frozenset[tuple[str, int, int, str]] = frozenset()


def follows(study: Study, entries: pl.DataFrame, form_id: str) -> Follows:
    """Skip logic and calculations of one form over the entries of one subject."""
    form = _as_followed(study.forms[form_id])
    ruled = [i for i in form.items if i.shown_when or i.calculated]
    if not ruled or form_id not in entries["FORM"]:
        return Follows(frozenset(), {})
    kept = [item.name for item in form.items]
    mine = entries.filter((pl.col("FORM") != form_id) | pl.col("ITEM").is_in(kept))
    alone = replace(study, forms={**study.forms, form_id: form})
    small, records = _around(alone, _with_rows(mine, entries, form), [form])
    context = add_context(small, records, form, visit_dates_and_order(small, records.texts))
    rows = records.forms[form_id].select("VISIT", "VISIT_REPEAT", "ROW").rows()
    hidden: set[tuple[str, int, int, str]] = set()
    asked: set[tuple[str, int, int, str]] = set()
    calculated: dict[tuple[str, int, int, str], str] = {}
    for item in ruled:
        if item.shown_when:
            shown = context.select(parse(item.shown_when).expr.alias("_")).to_series()
            held = (
                records.texts[form_id][item.name].is_not_null()
                | records.reason(form_id, item.name).is_not_null()
            )
            off = (held & ~shown).fill_null(value=False).to_list()  # unknown hides nothing
            hidden |= {(*row, item.name) for row, is_off in zip(rows, off, strict=True) if is_off}
            asked |= {(*row, item.name) for row, on in zip(rows, shown, strict=True) if on}
        if item.calculated:
            values = context.select(calculation(item).alias("_")).to_series().to_list()
            texts = (_as_text(value, item) for value in values)
            calculated |= {(*row, item.name): text for row, text in zip(rows, texts, strict=True)}
    return Follows(frozenset(hidden), calculated, frozenset(asked))


def followed(study: Study, form_id: str) -> frozenset[str] | None:
    """The other forms that skip logic and calculations of a form read; None: every form's dates."""
    read = fields_read(_as_followed(study.forms[form_id]))
    return None if PREVIOUS in read else frozenset(f for f in read if f in study.forms)


Visited = tuple[str, str, int]
"""A form at a visit: FORM, VISIT, VISIT_REPEAT."""

CellKey = tuple[str, str, int, int, str]
"""FORM, VISIT, VISIT_REPEAT, ROW, ITEM."""


def recalculated(
    study: Study, entries: pl.DataFrame, changed: Collection[Visited]
) -> dict[CellKey, str]:
    """The calculated cells of one subject that do not follow changed forms any more, as they should
    stand (empty where an input is missing or the item is not asked).

    entries: all entries of the subject as they stand. changed: the forms whose values changed.
    Looked at are items whose formula or skip logic reads one of those forms, or reads the visit
    before where a changed form is the same form or tells when a visit was. One pass: what is found
    may change further calculations, which a call with the found forms finds.
    """
    found: dict[CellKey, str] = {}
    for form in study.forms.values():
        due = {item.name: _due(study, form, item, changed) for item in form.items}
        if all(visits is not None and not visits for visits in due.values()):
            continue
        mine = entries.filter(pl.col("FORM") == form.form)
        keys = mine.select("VISIT", "VISIT_REPEAT", "ROW", "ITEM").rows()
        held = dict(zip(keys, mine.select("VALUE", "REASON").rows(), strict=True))
        follow = follows(study, entries, form.form)
        for key, value in follow.calculated.items():
            visit, repeat, _, name = key
            text = "" if key in follow.hidden else value
            visits = due[name]
            is_due = visits is None or (visit, repeat) in visits
            if is_due and held.get(key, (None, None)) != (text or None, None):
                found[form.form, *key] = text
    return found


def _due(
    study: Study, form: Form, item: Item, changed: Collection[Visited]
) -> Collection[tuple[str, int]] | None:
    """The visits (and repeats) at which a calculated item may have changed; None: at every one."""
    if not item.calculated:
        return ()
    rules = [QUOTED.sub("", rule) for rule in (item.calculated, item.shown_when)]
    read = {source for rule in rules for source, _ in DOTTED.findall(rule)}
    names = {name for name, _, _ in changed}
    if read & names:
        return None
    if PREVIOUS in read and any(n == form.form or _tells_when(study, n) for n in names):
        return None
    return {(visit, repeat) for name, visit, repeat in changed if name == form.form}


def _tells_when(study: Study, form_id: str) -> bool:
    form = study.forms.get(form_id)
    return form is not None and bool(form.date or items_for(form, VISIT_DATE))


def _as_followed(form: Form) -> Form:
    """The form as skip logic and calculations see it: no checks, and only the items they read."""
    rules = [rule for item in form.items for rule in (item.shown_when, item.calculated) if rule]
    read = {name for rule in rules for name in parse(rule).columns}
    read |= {field for rule in rules for _, field in DOTTED.findall(QUOTED.sub("", rule))}
    read |= {form.key, form.date, *items_for(form, VISIT_DATE)}
    items = tuple(
        item.model_copy(update={"checks": ()})
        for item in form.items
        if item.shown_when or item.calculated or item.name in read
    )
    return form.model_copy(update={"checks": (), "items": items})


def _with_rows(mine: pl.DataFrame, entries: pl.DataFrame, form: Form) -> pl.DataFrame:
    """An empty entry for each row of the form of which no item is left: the row is still there."""
    place = ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "FORM", "ROW"]
    there = entries.filter(pl.col("FORM") == form.form).select(place).unique(maintain_order=True)
    gone = there.join(mine.select(place).unique(), on=place, how="anti", maintain_order="left")
    empty = gone.with_columns(
        ITEM=pl.lit(form.items[0].name),
        VALUE=pl.lit(None, pl.String),
        REASON=pl.lit(None, pl.String),
    )
    return pl.concat([mine.select(list(ENTRY)), empty.select(list(ENTRY))])


def _as_text(value: object, item: Item) -> str:
    """A calculated value as it is stored: decimals rounded half up to the item's digits."""
    if value is None:
        return ""
    if item.type == "decimal" and isinstance(value, int | float):
        digits = Decimal(1).scaleb(-(item.decimals or 0))
        return str(Decimal(repr(float(value))).quantize(digits, rounding=ROUND_HALF_UP))
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds" if value.second else "minutes")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def readers(study: Study, form_id: str) -> tuple[str, ...]:
    """The other forms whose conditions read from this form: a save may change what they find."""
    forms = study.forms.values()
    return tuple(f.form for f in forms if f.form != form_id and form_id in fields_read(f))


def _around(
    study: Study, entries: pl.DataFrame, looked_at: Collection[Form]
) -> tuple[Study, Records]:
    """The study cut down to forms and what their conditions read, and the records of those."""
    filled = set(entries["FORM"])
    names = {form.form for form in looked_at}
    names |= {s for form in looked_at if form.form in filled for s in _sources(study, form)}
    # Where a condition looks at the visit before, every form may tell when a visit was.
    forms = (
        study.forms if PREVIOUS in names else {n: study.forms[n] for n in study.forms if n in names}
    )
    small = replace(study, forms=forms)
    mine = entries.filter(pl.col("FORM").is_in(list(forms)))
    return small, at_cut(small, mine.select(list(ENTRY)), cut=None)


def _sources(study: Study, form: Form) -> set[str]:
    return {s for s in fields_read(form) if s in study.forms or s == PREVIOUS}
