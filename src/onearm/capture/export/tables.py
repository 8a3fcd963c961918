"""From documents to one table a form, streamed: now, or as of any past moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from onearm.capture.document import KEY, NULL, REMOVED, Document, folded
from onearm.capture.export.layout import KEYS, Sheet, sheets
from onearm.capture.models import FormInstance, FormVersion
from onearm.capture.ranges import SI, stored_range

if TYPE_CHECKING:
    from collections.abc import Collection

    from onearm.capture.models import Site

BATCH = 50_000
"""Rows that are held as Python values at a time."""

Place = tuple[str, str, str, int]
REASON_COLUMNS = (*KEYS, "ITEM", "REASON")
RESULT_COLUMNS = (
    *KEYS, "ITEM", "TEST", "VALUE", "UNIT", "LOW", "HIGH", "SOURCE", "FLAG", "SI_VALUE", "SI_UNIT",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """What to export. No forms or no subjects named mean all of them; ``sites`` are exactly those.

    as_of: the state at that moment (UTC); None for now. only_complete: forms without anything
    required missing, as they stand now.
    """

    sites: Collection[Site]
    subjects: Collection[str] = ()
    forms: Collection[str] = ()
    as_of: datetime | None = None
    only_complete: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One form: a row an instance and row key, every value as the text that was typed.

    missing: one row a value that is missing with a reason (``REASON_COLUMNS``). results: of a form
    that holds laboratory results, one row a result with the range it was compared with, whether it
    lies outside, and its value in SI units, as they were kept when the form was saved
    (``RESULT_COLUMNS``); None of other forms. Grades are analysis, and not in it.
    """

    sheet: Sheet
    frame: pl.DataFrame
    missing: pl.DataFrame
    results: pl.DataFrame | None = None


def tables(selection: Selection) -> Iterator[Table]:
    """The tables one after the other; a form without data gives its columns and no row.

    Rows that were taken out are not data and are left out. Sorted by the keys, so that the same
    data give the same table on every database.
    """
    for sheet in sheets().values():
        if not selection.forms or sheet.form in selection.forms:
            yield table(sheet, documents(sheet.form, selection))


def table(sheet: Sheet, documents: Iterable[tuple[Place, Document]]) -> Table:
    """The table of one form from its documents."""
    building = _Building(sheet)
    for place, data in documents:
        for row in data["rows"]:
            if REMOVED not in row:
                building.add(place, row)
    return building.done()


@dataclass(slots=True)
class _Building:
    sheet: Sheet
    places: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    parts: list[pl.DataFrame] = field(default_factory=list)
    missing: list[pl.DataFrame] = field(default_factory=list)
    results: list[pl.DataFrame] = field(default_factory=list)

    def add(self, place: Place, row: Mapping[str, Any]) -> None:
        self.places.append((*place, row[KEY]))
        self.rows.append(row)
        if len(self.rows) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        keys = pl.DataFrame(self.places, schema=_KEYS, orient="row")
        columns = []
        for name in self.sheet.names:
            stored = [row.get(name) for row in self.rows]
            values = [value if value.__class__ is str else None for value in stored]
            columns.append(pl.Series(name, values, dtype=pl.String))
            why = {at: v[NULL] for at, v in enumerate(stored) if isinstance(v, dict)}
            if why:
                gone, reasons = list(why), list(why.values())
                self.missing.append(
                    keys[gone].with_columns(
                        ITEM=pl.lit(name), REASON=pl.Series(reasons, dtype=pl.String)
                    )
                )
        self.parts.append(keys.with_columns(columns))
        if self.sheet.tests:
            self.results.append(_results(self.sheet, self.places, self.rows))
        self.places, self.rows = [], []

    def done(self) -> Table:
        self._flush()
        frame = pl.concat(self.parts, rechunk=False).sort(KEYS)
        missing = pl.concat(self.missing) if self.missing else pl.DataFrame(schema=_MISSING)
        results = pl.concat(self.results).sort((*KEYS, "ITEM")) if self.results else None
        return Table(self.sheet, frame, missing.sort((*KEYS, "ITEM")), results)


def _results(
    sheet: Sheet,
    places: list[tuple[str, str, str, int, int]],
    rows: list[Mapping[str, Any]],
) -> pl.DataFrame:
    """What was kept beside each result; a row a result, in the order of the rows."""
    found, tests = [], sheet.tests
    for place, row in zip(places, rows, strict=True):
        for item, (test, unit) in tests.items():
            value = row.get(item)
            if not isinstance(value, str):
                continue
            used, si = stored_range(row, item), row.get(SI, {}).get(item, {})
            limits = (used.low or None, used.high or None, used.source) if used else (None,) * 3
            flag = (used.flag(value) or None) if used else None
            about = (item, test, value, unit or None)
            found.append((*place, *about, *limits, flag, si.get("value"), si.get("unit")))
    return pl.DataFrame(found, schema=_RESULTS, orient="row")


_KEYS = {name: pl.Int32() if name in ("VISIT_REPEAT", "ROW") else pl.String() for name in KEYS}
_MISSING = {**_KEYS, "ITEM": pl.String(), "REASON": pl.String()}
_RESULTS = {name: _KEYS.get(name, pl.String()) for name in RESULT_COLUMNS}
_PLACE = ("event__subject__site__code", "event__subject__code", "event__visit", "event__repeat")


def documents(form: str, selection: Selection) -> Iterator[tuple[Place, Document]]:
    forms = FormInstance.objects.filter(form=form, event__subject__site__in=list(selection.sites))
    if selection.subjects:
        forms = forms.filter(event__subject__code__in=list(selection.subjects))
    if selection.only_complete:
        forms = forms.filter(is_complete=True)
    if selection.as_of is None:
        rows = forms.order_by("pk").values_list(*_PLACE, "data")
        for *place, data in rows.iterator(chunk_size=2000):
            yield (place[0], place[1], place[2], place[3]), data
        return
    places = {row[0]: row[1:] for row in forms.values_list("pk", *_PLACE)}
    versions = FormVersion.objects.filter(at__lte=selection.as_of, instance__form=form)
    deltas = versions.order_by("instance_id", "version").values_list("instance_id", "delta")
    for pk, changes in groupby(deltas.iterator(chunk_size=2000), key=lambda row: row[0]):
        if pk in places:
            yield places[pk], folded([delta for _, delta in changes])
