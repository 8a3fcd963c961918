"""From the long frame of entries to one wide, typed frame a form, in one pass over the data.

Names become small integers once, a form row becomes one integer, and every item is then a gather:
the time grows with the number of entries, not with entries times items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from onearm.errors import Finding
from onearm.records.entry import MOST_REPEATS, MOST_ROWS
from onearm.records.model import KEYS
from onearm.records.places import findings
from onearm.study.forms import Form
from onearm.study.itemtypes import TYPES, typed_value

KEY_TYPES: dict[str, pl.DataType] = {
    name: pl.Int32() if name in ("VISIT_REPEAT", "ROW") else pl.String() for name in KEYS
}

BLOCK = 1 << 16
"""So many cells are gathered at once: few calls for a small form, little memory for a large."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wide:
    """One form in wide shape, and where each entry went.

    rows: ``KEYS``. texts, reasons: one text column an item, rows as in ``rows``.
    entry: for each entry of the form its index in the long frame; at: its row here.
    item: its item's position on the form.
    """

    form: Form
    rows: pl.DataFrame
    texts: pl.DataFrame
    reasons: pl.DataFrame
    entry: Indices
    at: Indices
    item: Indices
    duplicates: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Codes:
    """Names as dense integers: ``numbers`` has one row an entry, the others hold the names."""

    numbers: pl.DataFrame
    subjects: pl.DataFrame
    visits: pl.Series
    forms: pl.Series


def pivot(entries: pl.DataFrame, forms: Mapping[str, Form], study_id: str) -> Iterator[Wide]:
    """Each form of the study in wide shape, forms in the study's order, rows sorted by key.

    entries: as ``entry.check_border`` lets them in. Where an entry is there twice, the first in the
    order of value and reason is taken and a finding says so; the order of ``entries`` is no matter.
    """
    codes = _encode(entries, study_id)
    code_of = {name: i for i, name in enumerate(codes.forms)}
    for name, form in forms.items():
        code = code_of.get(name)
        yield _empty(form) if code is None else _pivot_form(entries, codes, form, code)


def _empty(form: Form) -> Wide:
    """A form that nobody has filled in: most forms of a subject, most of the time."""
    none = np.empty(0, dtype=np.int64)
    texts = pl.DataFrame(schema=KEY_TYPES | {item.name: pl.String() for item in form.items})
    rows = pl.DataFrame(schema=KEY_TYPES)
    return Wide(form, rows, texts, rows, none, none, none, ())


def _encode(entries: pl.DataFrame, study_id: str) -> _Codes:
    subjects = (
        entries.lazy()
        .select("SITEID", "SUBJID")
        .unique()
        .sort("SITEID", "SUBJID")
        .with_columns(USUBJID=pl.format("{}-{}-{}", pl.lit(study_id), "SITEID", "SUBJID"))
        .collect()
    )
    names = {c: entries[c].unique().sort() for c in ("VISIT", "FORM", "ITEM", "SITEID", "SUBJID")}
    number = {c: pl.col(c).cast(pl.Enum(names[c])).to_physical().cast(pl.Int64) for c in names}
    pair = number["SITEID"] * max(len(names["SUBJID"]), 1) + number["SUBJID"]
    # Pairs of integers are joined, not pairs of texts: a tenth of the memory.
    dense = subjects.lazy().select(_pair=pair).with_row_index("_subject").collect()
    subject = entries.select(_pair=pair).join(dense, on="_pair", how="left", maintain_order="left")[
        "_subject"
    ]
    visit = (
        subject.cast(pl.Int64) * max(len(names["VISIT"]), 1)
        + entries.select(number["VISIT"])["VISIT"]
    )
    repeat = visit * (MOST_REPEATS + 1) + entries["VISIT_REPEAT"]
    numbers = entries.select(
        form=number["FORM"].cast(pl.Int16),
        item=pl.col("ITEM").cast(pl.Enum(names["ITEM"])),
        unit=repeat * (MOST_ROWS + 1) + entries["ROW"],
    )
    return _Codes(numbers, subjects, names["VISIT"], names["FORM"])


def _pivot_form(entries: pl.DataFrame, codes: _Codes, form: Form, code: int) -> Wide:
    numbers = codes.numbers.with_row_index("entry").filter(pl.col("form") == code)
    units = numbers["unit"].unique().sort()
    at = numbers.join(
        units.to_frame().with_row_index("at"), on="unit", how="left", maintain_order="left"
    )["at"]
    position = {item.name: i for i, item in enumerate(form.items)}
    item = (
        numbers["item"].cast(pl.String).replace_strict(position, return_dtype=pl.Int64).to_numpy()
    )
    entry = numbers["entry"].cast(pl.Int64).to_numpy()
    rows = _rows(units, codes)
    found: list[Finding] = []
    places = at.cast(pl.Int64).to_numpy()
    any_reason = entries["REASON"].gather(entry).null_count() < entry.size
    texts: list[pl.Series] = []
    reasons: list[pl.Series] = []
    for first, names in _blocks(list(position), rows.height):
        mine = np.flatnonzero((item >= first) & (item < first + len(names)))
        cell = (item[mine] - first) * rows.height + places[mine]
        pick, doubled = _pick(entries, entry[mine], cell, rows.height * len(names))
        texts += _columns(entries["VALUE"].gather(pick), names, rows.height)
        if any_reason:
            reasons += _columns(entries["REASON"].gather(pick), names, rows.height)
        for i, name in enumerate(names):
            twice = doubled[doubled // max(rows.height, 1) == i]
            if twice.size:
                values = entries["VALUE"].gather(pick[twice])
                found += findings(
                    rows[twice - i * rows.height].with_columns(_value=values),
                    form,
                    field=name,
                    rule="entries",
                    message="was entered twice for the same visit and row",
                    hint="Keep one of the two values.",
                )
    return Wide(
        form=form,
        rows=rows,
        texts=rows.with_columns(texts),
        reasons=rows.with_columns(s for s in reasons if s.null_count() < len(s)),
        entry=entry,
        at=places,
        item=item,
        duplicates=tuple(found),
    )


def _rows(units: pl.Series, codes: _Codes) -> pl.DataFrame:
    """The key columns of the form rows that the unit numbers stand for."""
    row = units % (MOST_ROWS + 1)
    rest = units // (MOST_ROWS + 1)
    repeat = rest % (MOST_REPEATS + 1)
    rest = rest // (MOST_REPEATS + 1)
    visits = max(len(codes.visits), 1)
    subject = rest // visits
    return pl.DataFrame(
        {
            **{c: codes.subjects[c].gather(subject) for c in ("SITEID", "SUBJID", "USUBJID")},
            "VISIT": codes.visits.gather(rest % visits),
            "VISIT_REPEAT": repeat.cast(pl.Int32),
            "ROW": row.cast(pl.Int32),
        }
    ).select(KEYS)


def _blocks(names: list[str], height: int) -> Iterator[tuple[int, list[str]]]:
    """Items that are gathered together, with the position of the first: all of a form with few
    rows, one by one where there are many."""
    size = max(1, BLOCK // max(height, 1))
    for first in range(0, len(names), size):
        yield first, names[first : first + size]


def _columns(cells: pl.Series, names: list[str], height: int) -> Iterator[pl.Series]:
    """The cells of a block, item after item, as one column an item."""
    for i, name in enumerate(names):
        yield cells.slice(i * height, height).alias(name)


def _pick(
    entries: pl.DataFrame, entry: Indices, at: Indices, height: int
) -> tuple[pl.Series, Indices]:
    """For each of ``height`` cells its entry (null where there is none), and cells with several.

    entry: indices into ``entries``; at: the cell of each.
    """
    chosen = np.full(height, -1, dtype=np.int64)
    chosen[at] = entry
    doubled = np.empty(0, dtype=np.int64)
    if np.count_nonzero(chosen >= 0) < entry.size:
        places, counts = np.unique(at, return_counts=True)
        doubled = places[counts > 1]
        mine = np.isin(at, doubled)
        ordered = (
            pl.DataFrame({"entry": entry[mine], "at": at[mine]})
            .with_columns(
                value=entries["VALUE"].gather(entry[mine]),
                reason=entries["REASON"].gather(entry[mine]),
            )
            .sort("at", "value", "reason", nulls_last=True)
            .unique("at", keep="first", maintain_order=True)
        )
        chosen[ordered["at"].to_numpy()] = ordered["entry"].to_numpy()
    series = pl.Series("entry", chosen)
    return series.set(series < 0, None).cast(pl.UInt32), doubled


def typed(texts: pl.DataFrame, form: Form) -> pl.DataFrame:
    """The wide frame with numbers, dates and moments read; what cannot be read is null."""
    kinds = {item.name: TYPES[item.type] for item in form.items if item.type in TYPES}
    if texts.is_empty():
        return pl.DataFrame(schema={**texts.schema, **kinds})
    return texts.with_columns(typed_value(pl.col(name), kind) for name, kind in kinds.items())
