"""Two versions of a study side by side: what changes by identifier, and what it does to data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from onearm import dates
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.forms import Form, Item, ItemType

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


def reused(versions: list[Study], new: Study) -> list[str]:
    """Identifiers that an earlier version used for something else and a later one took out.

    versions: every version so far, oldest first. A meaning that changes needs a new identifier
    (edc.md, F35), and a code is never used again for another meaning (F5).
    """
    found = []
    latest = versions[-1] if versions else None
    for study in versions[:-1]:
        for form in study.forms.values():
            now = {i.name: i for i in new.forms[form.form].items} if form.form in new.forms else {}
            last = latest.forms.get(form.form) if latest else None
            known = {item.name for item in last.items} if last else set()
            for item in form.items:
                again = now.get(item.name)
                if again is None or item.name in known:
                    continue
                if (again.type, again.label) != (item.type, item.label):
                    named = {"item": f"{form.form}.{item.name}", "label": said(item.label)}
                    found.append(say("amend.was").format(**named))
    return sorted(set(found))


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
    form, name = where
    bad = tuple(sorted(v for v in values if not _fits(new, item, mapped.get(v, v))))
    used = {v: mapped[v] for v in values if v in mapped and mapped[v] != v}
    if used:
        detail = ", ".join(f"{a} → {b}" for a, b in sorted(used.items()))
        return Line(form, name, "code mapped", detail, bad)
    if was.type != item.type:
        return Line(
            form,
            name,
            "retyped",
            f"{say(f'item_type.{was.type}')} → {say(f'item_type.{item.type}')}",
            bad,
        )
    codes = [c.code for c in old.choices(was)], [c.code for c in new.choices(item)]
    if codes[0] != codes[1]:
        gone, come = sorted({*codes[0]} - {*codes[1]}), sorted({*codes[1]} - {*codes[0]})
        told = [say("amend.without").format(codes=", ".join(gone))] if gone else []
        told += [say("amend.with").format(codes=", ".join(come))] if come else []
        return Line(form, name, "code mapped", "; ".join(told) or say("amend.order"), bad)
    if was.label != item.label or old.choices(was) != new.choices(item):
        return Line(form, name, "label changed", f"{said(was.label)} → {said(item.label)}")
    judged = ("checks", "low", "high", "decimals", "required", "shown_when", "calculated", "unit")
    changed = [key for key in judged if getattr(was, key) != getattr(item, key)]
    if changed:
        return Line(form, name, "check changed", ", ".join(say(f"amend.{key}") for key in changed))
    return Line(form, name, "unchanged")


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
        return value in {choice.code for choice in choices}
    return _readable(item.type, value)


def _readable(kind: ItemType, value: str) -> bool:
    if kind == "integer":
        return INTEGER.match(value) is not None
    if kind == "decimal":
        return DECIMAL.match(value) is not None
    if kind == "time":
        return TIME.match(value) is not None
    if kind in ("date", "partial_date"):
        is_whole = kind == "partial_date" or len(value) == len("2024-01-01")
        known = pl.DataFrame({"v": [value]}).select(dates.earliest(pl.col("v")))["v"][0]
        return is_whole and known is not None
    return True
