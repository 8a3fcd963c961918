"""The names that visits, forms and items of an ODM file get in a study, and the way back."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from onearm.study.odm.model import OdmForm, OdmGroup, OdmMetadata

NO_EVENT = "LOG"
"""The visit that holds forms which stand directly under the subject."""

LONGEST = {"event": 16, "form": 12, "item": 16}
RESERVED = frozenset({"VISIT", "VISIT_REPEAT", "SUBJID", "SITEID", "ROW"})
"""Columns that every form row has: no item may be called so."""

Path = tuple[str, str, str]
"""OID of the form, of the item group and of the item."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an item went: form and item of the study; what makes a row of the form.

    rows_by: ``""`` (one row), ``form``, ``group`` or ``both`` repeat keys.
    """

    form: str
    item: str
    rows_by: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """``events`` by OID; ``items`` by the OIDs of form, group and item."""

    events: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[Path, Target] = field(default_factory=dict)

    def to_csv(self) -> str:
        """The names as a file of the study's folder, ``odm/names.csv``."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("event", "form", "group", "item", "becomes", "becomes_item", "rows_by"))
        writer.writerows((oid, "", "", "", name, "", "") for oid, name in self.events.items())
        writer.writerows(
            ("", *path, target.form, target.item, target.rows_by)
            for path, target in self.items.items()
        )
        return out.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> Names:
        """Read back what `to_csv` wrote."""
        events: dict[str, str] = {}
        items: dict[Path, Target] = {}
        for row in csv.DictReader(io.StringIO(text)):
            if row["form"]:
                path = (row["form"], row["group"], row["item"])
                items[path] = Target(row["becomes"], row["becomes_item"], row["rows_by"])
            else:
                events[row["event"]] = row["becomes"]
        return cls(events, items)


def named(metadata: OdmMetadata) -> Names:
    """A name for every visit, form and item that keeps the rules of study files.

    Item groups that repeat become forms of their own, so that each form has one kind of row; the
    other groups of a form become one form together.
    """
    if metadata.is_ours:
        return _own(metadata)
    order = [*metadata.event_order, *(e for e in metadata.events if e not in metadata.event_order)]
    events = _unique((e for e in order if e in metadata.events), metadata, "event")
    forms: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for form in metadata.forms.values():
        for group in _separate(metadata, form):
            label = form.oid if not group else f"{form.oid}_{group}"
            forms[form.oid, group] = _name(label, "form", taken)
    items: dict[Path, Target] = {}
    used: dict[str, set[str]] = {}
    for form in metadata.forms.values():
        for inside in groups_of(metadata, form):
            alone = separate(metadata, form, inside)
            name = forms[form.oid, inside.oid if alone else ""]
            mine = used.setdefault(name, set(RESERVED))
            for ref in inside.items:
                if ref.item in metadata.items:
                    target = _name(ref.item, "item", mine)
                    rows_by = _rows_by(form, is_group=inside.is_repeating)
                    items[form.oid, inside.oid, ref.item] = Target(name, target, rows_by)
    events.setdefault("", NO_EVENT if NO_EVENT not in events.values() else "LOG_0")
    return Names(events, items)


def _own(metadata: OdmMetadata) -> Names:
    """The names behind the OIDs that onearm writes: SE.VISIT, F.FORM, IG.FORM, I.FORM.ITEM."""
    items = {}
    for form in metadata.forms.values():
        for group in groups_of(metadata, form):
            for ref in group.items:
                name = metadata.items[ref.item].name
                rows_by = "group" if group.is_repeating else ""
                items[form.oid, group.oid, ref.item] = Target(form.oid[2:], name, rows_by)
    return Names({oid: oid[3:] for oid in metadata.events}, items)


def groups_of(metadata: OdmMetadata, form: OdmForm) -> list[OdmGroup]:
    """The item groups of a form, those nested in others behind the group that holds them."""
    found: list[OdmGroup] = []

    def add(oids: Iterable[str]) -> None:
        for oid in oids:
            group = metadata.groups.get(oid)
            if group is not None and group not in found:
                found.append(group)
                add(group.groups)

    add(form.groups)
    return found


def separate(metadata: OdmMetadata, form: OdmForm, group: OdmGroup) -> bool:
    """Whether a group becomes a form of its own: it repeats, and it is not all the form has."""
    holding = [g for g in groups_of(metadata, form) if g.items]
    return group.is_repeating and len(holding) > 1


def _separate(metadata: OdmMetadata, form: OdmForm) -> Iterable[str]:
    """For each form of the study that an ODM form makes, the repeating group, or empty."""
    groups = groups_of(metadata, form)
    if any(g.items and not separate(metadata, form, g) for g in groups):
        yield ""
    for group in groups:
        if group.items and separate(metadata, form, group):
            yield group.oid


def _rows_by(form: OdmForm, *, is_group: bool) -> str:
    if form.is_repeating:
        return "both" if is_group else "form"
    return "group" if is_group else ""


def _unique(oids: Iterable[str], metadata: OdmMetadata, kind: str) -> dict[str, str]:
    taken: set[str] = set()
    return {oid: _name(oid, kind, taken) for oid in oids}


def _name(text: str, kind: str, taken: set[str]) -> str:
    """A name of capitals, digits and underscores that is not taken yet; it is taken afterwards."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    parts = re.sub(r"[^A-Z0-9]+", "_", plain).strip("_")
    parts = re.sub(r"^(?:SE|EVENT|FORM|F|IG|I|IT)_(?=[A-Z])", "", parts)
    if not parts or not parts[0].isalpha():
        parts = f"{kind[0].upper()}_{parts}".strip("_")
    name = _free(parts, LONGEST[kind], taken)
    taken.add(name)
    return name


def _free(name: str, longest: int, taken: Collection[str]) -> str:
    short = name[:longest].rstrip("_")
    number = 1
    while short in taken:
        number += 1
        end = f"_{number}"
        short = name[: longest - len(end)].rstrip("_") + end
    return short
