"""Item values of an ODM file as the entries frame of a study, each accounted for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from onearm.records.entry import ENTRY, REASONS
from onearm.store.odm.read import OdmFile
from onearm.study.odm import Account, Names
from onearm.study.odm.expressions import TRUTHS
from onearm.study.odm.items import TYPES
from onearm.study.odm.names import NO_EVENT, Target

ITEM = "ItemData"
_REST = r"(?::00)?(?:\.0+)?(?:Z|[+-]\d{2}:\d{2})?$"
WHOLE = {
    "time": re.compile(r"^(\d{2}:\d{2})" + _REST),
    "datetime": re.compile(r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::(?!00)\d{2})?)" + _REST),
}
"""Times to the minute as other systems write them; the zone is that of the site's clock."""

NUMBER = re.compile(r"(\d+)\]?$")


def odm_entries(file: OdmFile, names: Names, account: Account, *, site: str = "01") -> pl.DataFrame:
    """The entries that the file's data come to, and why other values are not among them.

    names: where each OID went (`draft_from_odm`, or ``odm/names.csv`` of the study). site: of
    subjects for which the file names none. Transactions are carried out in the file's order; a
    value that a later one replaced or removed counts as carried, because the file's history
    (``values``) keeps it. A value that is null without a reason is entered as unknown (UNK).
    Repeat keys that end in a number keep it; other keys are numbered as they come.
    """
    reading = _Reading(file, names, account, site)
    for row in file.values.iter_rows(named=True):
        reading.take(row)
    return reading.frame()


Row = Mapping[str, str]
Place = tuple[str, str, str, int, str, int, str]


@dataclass(slots=True)
class _Reading:
    file: OdmFile
    names: Names
    account: Account
    site: str
    cells: dict[Place, tuple[str | None, str | None]] = field(default_factory=dict)
    numbers: dict[tuple[str, ...], dict[str, int]] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)
    by_form: dict[tuple[str, str], list[Target]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for (form, _, item), target in self.names.items.items():
            self.by_form.setdefault((form, item), []).append(target)

    def take(self, row: Row) -> None:
        target = self._target(row)
        visit = self.names.events.get(row["EVENT"])
        if target is None or visit is None:
            what = "item" if target is None else "visit"
            self.account.leave(ITEM, f"its {what} is not in the metadata")
            return
        place = self._place(row, target, visit)
        if row["ACTION"] in ("Remove", "Deleted"):
            self.cells.pop(place, None)
            return
        value, reason = self._value(row)
        if value is None and reason is None:
            if place not in self.cells and not row["WHEN"]:
                self.account.leave(ITEM, "an empty value")
            self.cells.pop(place, None)
            return
        if place in self.cells and self.cells[place] != (value, reason) and not row["ACTION"]:
            reason_why = "another value stands at the same place of the file; the last is kept"
            self.account.leave(ITEM, reason_why)
        self.cells[place] = (value, reason)

    def _target(self, row: Row) -> Target | None:
        found = self.names.items.get((row["FORM"], row["GROUP"], row["ITEM"]))
        if found is None:  # systems write other groups into data than into metadata
            inside = self.by_form.get((row["FORM"], row["ITEM"]), [])
            found = inside[0] if len(inside) == 1 else None
        return found

    def _place(self, row: Row, target: Target, visit: str) -> Place:
        subject = row["SUBJECT"]
        if row["SITE"]:
            self.sites.setdefault(subject, row["SITE"])
        repeat = 1
        if row["EVENT"]:
            repeat = self._number((subject, "event", row["EVENT"]), row["EVENT_KEY"])
        here = (subject, "row", visit, str(repeat), target.form)
        keys = {
            "form": row["FORM_KEY"],
            "group": row["GROUP_KEY"],
            "both": f"{row['FORM_KEY']}/{row['GROUP_KEY']}",
        }
        number = 1
        if target.rows_by == "both":
            number = self._in_turn(here, keys["both"])
        elif target.rows_by:
            number = self._number(here, keys[target.rows_by])
        return (self.site, subject, visit, repeat, target.form, number, target.item)

    def _number(self, parent: tuple[str, ...], key: str) -> int:
        """The number of a repeat key among its neighbours: its own where it ends in one."""
        known = self.numbers.setdefault(parent, {})
        if key not in known:
            match = NUMBER.search(key)
            own = int(match[1]) if match and len(match[1]) < 6 else 0
            free = max(known.values(), default=0) + 1
            known[key] = own if own >= 1 and own not in known.values() else free
        return known[key]

    def _in_turn(self, parent: tuple[str, ...], key: str) -> int:
        known = self.numbers.setdefault(parent, {})
        return known.setdefault(key, len(known) + 1)

    def _value(self, row: Row) -> tuple[str | None, str | None]:
        if row["IS_NULL"] == "Yes":
            given = row["REASON"]
            return None, (given if given in REASONS else "UNK")
        item = self.file.metadata.items.get(row["ITEM"])
        kind = TYPES.get(item.data_type) if item is not None and not item.notes else None
        value = row["VALUE"]
        if item is not None and kind == "yes_no" and not item.codelist:
            value = TRUTHS.get(value.lower(), value)
        pattern = WHOLE.get(kind or "")
        whole = pattern.match(value) if pattern else None
        return ("T".join(whole.groups()) if whole else value) or None, None

    def frame(self) -> pl.DataFrame:
        rows = [
            (self.sites.get(subject, site), subject, *place, value, reason)
            for (site, subject, *place), (value, reason) in self.cells.items()
        ]
        frame = pl.DataFrame(rows, schema=dict(ENTRY), orient="row")
        return frame.sort([name for name in ENTRY if name not in ("VALUE", "REASON")])


__all__ = ["NO_EVENT", "odm_entries"]
