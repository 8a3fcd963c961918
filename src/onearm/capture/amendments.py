"""Two versions of a study side by side: what changes by identifier, and what it does to data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from onearm import dates
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.forms import Form, Item, ItemType
    from onearm.study.text import Text

INTEGER = re.compile(r"^\s*[-+]?\d+\s*$")
DECIMAL = re.compile(r"^\s*(?:[<>]=?\s*\d+|[-+]?\d+)(?:\.\d+)?\s*$")
TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")

Maps = Mapping[tuple[str, str], Mapping[str, str]]
"""By form and item the new code (or value) of old ones, decided by a person."""

Values = Mapping[tuple[str, str], set[str]]
"""By form and item the different values that stand."""

KINDS = (
    "unchanged",
    "added",
    "removed",
    "retyped",
    "code mapped",
    "label changed",
    "check changed",
)


@dataclass(frozen=True, slots=True)
class Line:
    """What an amendment does to one form (``item`` empty) or item.

    unresolved: the values that have no place in the new version and no mapping; they block the run.
    """

    form: str
    item: str
    kind: str
    detail: str = ""
    unresolved: tuple[str, ...] = ()


def compare(old: Study, new: Study, values: Values, maps: Maps) -> list[Line]:
    """A line for every form and item of either version, in the new version's order.

    values: what stands under the old version, so that only changes that touch data block.
    """
    lines: list[Line] = []
    for form in new.forms.values():
        before = old.forms.get(form.form)
        if before is None:
            lines.append(Line(form.form, "", "added"))
            continue
        lines += _form(before, form)
        lines += _items(old, new, before, form, values, maps)
    for name in old.forms:
        if name not in new.forms:
            stand = sum(len(v) for (f, _), v in values.items() if f == name)
            detail = say("amend.stay").format(n=stand) if stand else ""
            lines.append(Line(name, "", "removed", detail))
    return lines


@dataclass(frozen=True, slots=True)
class Reuse:
    """An identifier that an earlier version used for something else.

    what: ``FORM.ITEM``, or ``FORM.ITEM = CODE``. is_wording: only words differ, so that a person
    has to say whether the meaning does.
    """

    what: str
    before: str
    now: str
    is_wording: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.before} -> {self.now}"


FAMILIES: Mapping[ItemType, str] = {
    "integer": "number",
    "decimal": "number",
    "date": "date",
    "partial_date": "date",
    "time": "time",
    "datetime": "date",
    "code": "words",
    "multiple": "words",
    "yes_no": "words",
    "text": "words",
}
"""Within a family an item can change its type and mean the same: 3 and 3.0, a date and its year."""


def reused(versions: Iterable[Study], new: Study) -> list[Reuse]:
    """Identifiers that mean something else in a new version than in any before it.

    versions: every version so far, oldest first: what was taken out keeps its meaning too. A
    meaning that changes needs a new identifier (edc.md, F35), and a code is never used again for
    another meaning (F5). An item means something else where its unit changes or its type leaves
    its family (anything may become text: the values stay as they were typed). Words of a code, and
    of an item that comes back after it was taken out, may be corrected without another meaning;
    that is for a person to say.
    """
    known: dict[tuple[str, str], Item] = {}
    codes: dict[tuple[str, str], dict[str, Text]] = {}
    last: set[tuple[str, str]] = set()
    for study in versions:
        last = set()
        for form in study.forms.values():
            for item in form.items:
                where = (form.form, item.name)
                known[where] = item
                said = {choice.code: choice.label for choice in study.choices(item)}
                codes[where] = codes.get(where, {}) | said
                last.add(where)
    found: list[Reuse] = []
    for form in new.forms.values():
        for item in form.items:
            where = (form.form, item.name)
            if where in known:
                comes_back = where not in last
                found += _reuses(new, where, known[where], item, codes[where], again=comes_back)
    return found


def _reuses(
    new: Study,
    where: tuple[str, str],
    was: Item,
    item: Item,
    codes: Mapping[str, Text],
    *,
    again: bool,
) -> Iterator[Reuse]:
    name = ".".join(where)
    if item.type != "text" and FAMILIES[was.type] != FAMILIES[item.type]:
        yield Reuse(name, say(f"item_type.{was.type}"), say(f"item_type.{item.type}"))
    if was.unit != item.unit:
        none = say("ranges.no_unit")
        yield Reuse(name, was.unit or none, item.unit or none)
    if again and _differ(was.label, item.label):
        yield Reuse(name, str(was.label), str(item.label), is_wording=True)
    for choice in new.choices(item):
        before = codes.get(choice.code)
        if before is not None and _differ(before, choice.label):
            what = f"{name} = {choice.code}"
            yield Reuse(what, _words(before), _words(choice.label), is_wording=True)


def _differ(before: Text, now: Text) -> bool:
    """Whether words changed; a translation that was absent and is added changes none."""
    return before.en != now.en or bool(before.zh and now.zh and before.zh != now.zh)


def _words(text: Text) -> str:
    return f"{text.en} / {text.zh}" if text.zh else text.en


def _form(before: Form, after: Form) -> Iterator[Line]:
    if bool(before.rows) != bool(after.rows):
        change = say("amend.many" if after.rows else "amend.one")
        blocked = () if after.rows else (say("amend.behind_first"),)
        yield Line(after.form, "", "retyped", change, blocked)
    elif before.label != after.label:
        yield Line(after.form, "", "label changed", f"{said(before.label)} → {said(after.label)}")
    if before.checks != after.checks:
        yield Line(after.form, "", "check changed", _checks(before, after))


def _items(
    old: Study, new: Study, before: Form, after: Form, values: Values, maps: Maps
) -> Iterator[Line]:
    former = {item.name: item for item in before.items}
    for item in after.items:
        was = former.pop(item.name, None)
        if was is None:
            yield Line(after.form, item.name, "added", say("amend.asked_now"))
            continue
        where = (after.form, item.name)
        yield _item(old, new, where, was, item, values.get(where, set()), maps.get(where, {}))
    for name in former:
        stand = len(values.get((after.form, name), ()))
        detail = say("amend.stay").format(n=stand) if stand else ""
        yield Line(after.form, name, "removed", detail)


def _item(
    old: Study,
    new: Study,
    where: tuple[str, str],
    was: Item,
    item: Item,
    values: set[str],
    mapped: Mapping[str, str],
) -> Line:
    """What changes most in an item, by kind; the detail names whatever changes besides."""
    bad = tuple(sorted(v for v in values if not _fits(new, item, mapped.get(v, v))))
    labelled, judged = was.label != item.label, _judged(was, item)
    rest = ([say("amend.label")] if labelled else []) + judged
    told = _answers(old, new, was, item, values, mapped)
    if told:
        return Line(*where, "code mapped", "; ".join((told, *rest)), bad)
    if was.type != item.type:
        types = f"{say(f'item_type.{was.type}')} → {say(f'item_type.{item.type}')}"
        return Line(*where, "retyped", "; ".join((types, *rest)), bad)
    if labelled or old.choices(was) != new.choices(item):
        words = f"{said(was.label)} → {said(item.label)}"
        return Line(*where, "label changed", "; ".join((words, *judged)))
    if judged:
        return Line(*where, "check changed", ", ".join(judged))
    return Line(*where, "unchanged")


def _judged(was: Item, item: Item) -> list[str]:
    """Which of the things that values are judged by are others now, in words."""
    keys = ("checks", "low", "high", "decimals", "required", "shown_when", "calculated", "unit")
    return [say(f"amend.{key}") for key in keys if getattr(was, key) != getattr(item, key)]


def _answers(
    old: Study,
    new: Study,
    was: Item,
    item: Item,
    values: set[str],
    mapped: Mapping[str, str],
) -> str:
    """Values that a person has mapped, else codes that came and went; empty where none did."""
    used = {v: mapped[v] for v in values if v in mapped and mapped[v] != v}
    if used:
        return ", ".join(f"{a} → {b}" for a, b in sorted(used.items()))
    before, after = ([c.code for c in s.choices(i)] for s, i in ((old, was), (new, item)))
    if before == after or was.type != item.type:
        return ""
    gone, come = sorted({*before} - {*after}), sorted({*after} - {*before})
    told = [say("amend.without").format(codes=", ".join(gone))] if gone else []
    told += [say("amend.with").format(codes=", ".join(come))] if come else []
    return "; ".join(told) or say("amend.order")


def _checks(before: Form, after: Form) -> str:
    old, new = ({c.id: c for c in form.checks} for form in (before, after))
    parts = {
        "without": sorted(old.keys() - new.keys()),
        "with": sorted(new.keys() - old.keys()),
        "changed": sorted(k for k in old.keys() & new.keys() if old[k] != new[k]),
    }
    told = [say(f"amend.{key}").format(codes=", ".join(ids)) for key, ids in parts.items() if ids]
    return "; ".join(told) or say("amend.order")


def _fits(study: Study, item: Item, value: str) -> bool:
    """Whether a value can be one of the item's."""
    choices = study.choices(item)
    if choices:
        return {*item.codes_in(value)} <= {choice.code for choice in choices}
    return _readable(item.type, value)


def _readable(kind: ItemType, value: str) -> bool:
    if kind == "integer":
        return INTEGER.match(value) is not None
    if kind == "decimal":
        return DECIMAL.match(value) is not None
    if kind == "time":
        return TIME.match(value) is not None
    if kind == "datetime":
        day, _, hour = value.partition("T")
        return _readable("date", day) and TIME.match(hour[:5]) is not None
    if kind in ("date", "partial_date"):
        is_whole = kind == "partial_date" or len(value) == len("2024-01-01")
        known = pl.DataFrame({"v": [value]}).select(dates.earliest(pl.col("v")))["v"][0]
        return is_whole and known is not None
    return True
