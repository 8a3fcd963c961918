"""The border of the river: what the long frame of captured values must look like to come in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from onearm.errors import Finding, Place, Problems
from onearm.expr import suggest
from onearm.records.places import subject_label, visit_label
from onearm.study.forms import Form
from onearm.study.schedule import Schedule, Visit

ENTRY: Mapping[str, pl.DataType] = {
    "SITEID": pl.String(),
    "SUBJID": pl.String(),
    "VISIT": pl.String(),
    "VISIT_REPEAT": pl.Int32(),
    "FORM": pl.String(),
    "ROW": pl.Int32(),
    "ITEM": pl.String(),
    "VALUE": pl.String(),
    "REASON": pl.String(),
}
"""Columns of the entries frame; all but VALUE and REASON together name one entry."""

NAMES = ("SITEID", "SUBJID", "VISIT", "FORM", "ITEM")
REASONS = ("ND", "UNK", "NA", "CUT")
"""Missing reasons: not done, unknown, not applicable, after the data cut (only the cut sets it)."""

MOST_REPEATS = 999
MOST_ROWS = 99_999
RULE = "entries"


@dataclass(frozen=True, slots=True)
class Border:
    """Entries that can be used, and what was wrong with the others."""

    entries: pl.DataFrame
    findings: tuple[Finding, ...]


def check_shape(entries: pl.DataFrame) -> pl.DataFrame:
    """The entries with exactly the columns of ``ENTRY``, in order and typed.

    Raises ``Problems`` naming every column that is absent, of another type, or unknown.
    """
    found = [
        Finding(
            Place(form="entries", field=name),
            None,
            RULE,
            f"required column {name} is missing",
            "Export the entries with all nine columns.",
        )
        for name in ENTRY
        if name not in entries.columns
    ]
    for name, dtype in entries.schema.items():
        wanted = ENTRY.get(name)
        if wanted is None:
            found.append(
                Finding(
                    Place(form="entries", field=name),
                    None,
                    RULE,
                    f"column {name} is not known",
                    _hint(name, ENTRY),
                )
            )
        elif not _usable(dtype, wanted):
            found.append(
                Finding(
                    Place(form="entries", field=name),
                    str(dtype),
                    RULE,
                    f"expected {wanted}, found {dtype}",
                    "Write the column with that type.",
                )
            )
    found += _out_of_range(entries) if not found else []
    if found:
        raise Problems(found, "The entries cannot be read")
    return entries.select(pl.col(name).cast(dtype) for name, dtype in ENTRY.items())


def _out_of_range(entries: pl.DataFrame) -> list[Finding]:
    """Whole numbers too large for any repeat or row."""
    most = {"VISIT_REPEAT": MOST_REPEATS, "ROW": MOST_ROWS}
    return [
        Finding(
            Place(form="entries", field=name),
            entries[name].drop_nulls().abs().max(),
            RULE,
            f"a number is out of all range; the most is {limit}",
            "Number the repeats and rows 1, 2, 3.",
        )
        for name, limit in most.items()
        if entries.schema[name].is_integer()
        and entries[name].cast(pl.Int32, strict=False).null_count() > entries[name].null_count()
    ]


def _usable(found: pl.DataType, wanted: pl.DataType) -> bool:
    if found == wanted or found == pl.Null:
        return True
    if wanted == pl.Int32:
        return found.is_integer()
    return isinstance(found, pl.Categorical | pl.Enum)


def check_border(
    entries: pl.DataFrame, forms: Mapping[str, Form], schedule: Schedule | None
) -> Border:
    """Set aside entries whose names the study does not have, and say which and why.

    entries: as ``check_shape`` returns them. Unknown forms, items and visits, impossible repeats
    and rows and empty names are set aside. Forms at visits that do not hold them, repeats of what
    comes once and unknown reasons are kept. All become findings; names are checked on their
    distinct combinations, so that the time does not grow with the trial.
    """
    visits: dict[str, Visit] = {v.id: v for v in schedule.visits} if schedule else {}
    known = entries.lazy().select("VISIT", "FORM", "ITEM").unique().collect()
    verdicts = known.with_columns(
        pl.Series(
            "_why", [_verdict(v, f, i, forms, visits) for v, f, i in known.iter_rows()], pl.String
        )
    ).filter(pl.col("_why").is_not_null())
    bad = _bad_keys(entries, verdicts)
    odd = [_odd_reasons(entries), _odd_places(entries, forms, visits)]
    found = tuple(
        _finding(row) for row in pl.concat([bad, *odd], how="diagonal").iter_rows(named=True)
    )
    if bad.is_empty():
        return Border(entries, found)
    mask = pl.Series(bad["_index"].unique())
    kept = entries.with_row_index("_index").filter(~pl.col("_index").is_in(mask.implode()))
    return Border(kept.drop("_index"), found)


def _verdict(
    visit: str | None,
    form: str | None,
    item: str | None,
    forms: Mapping[str, Form],
    visits: Mapping[str, Visit],
) -> str | None:
    """What is wrong with the names of an entry, with a hint behind a bar; None where nothing is."""
    if form is None or item is None or visit is None:
        return "form, item and visit must be named|Name the form, the item and the visit."
    if form not in forms:
        return f"form {form} is not known|{_hint(form, forms)}"
    items = [i.name for i in forms[form].items]
    if item not in items:
        return f"item {item} is not on form {form}|{_hint(item, items)}"
    if visits and visit not in visits:
        return f"visit {visit} is not in the schedule|{_hint(visit, visits)}"
    return None


def _hint(name: str, known: Collection[str]) -> str:
    close = suggest(name, known)
    if not close:
        return "Correct the name, or add it to the study files."
    return close[0].upper() + close[1:]


def _bad_keys(entries: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Entries that cannot be placed, with why; one row an entry and reason."""
    index = entries.with_row_index("_index")
    named = index.lazy()
    parts = [
        named.filter(pl.col("SUBJID").is_null() | pl.col("SITEID").is_null()).with_columns(
            _why=pl.lit("site and subject must be named|Give the entry its site and subject.")
        ),
        named.filter(
            ~pl.col("VISIT_REPEAT").is_between(1, MOST_REPEATS).fill_null(value=False)
        ).with_columns(
            _why=pl.format(
                "visit repeat {} is not a number from 1 on|Number the repeats 1, 2, 3.",
                pl.col("VISIT_REPEAT").cast(pl.String).fill_null("empty"),
            )
        ),
        named.filter(~pl.col("ROW").is_between(1, MOST_ROWS).fill_null(value=False)).with_columns(
            _why=pl.format(
                "row {} is not a number from 1 on|Number the rows 1, 2, 3.",
                pl.col("ROW").cast(pl.String).fill_null("empty"),
            )
        ),
    ]
    if not verdicts.is_empty():
        parts.append(
            named.join(verdicts.lazy(), on=["VISIT", "FORM", "ITEM"], how="inner", nulls_equal=True)
        )
    return pl.concat(parts, how="diagonal").collect()


def _odd_reasons(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries kept although their missing reason is unknown, or stands beside a value."""
    given = entries.with_row_index("_index").filter(pl.col("REASON").is_not_null())
    unknown = given.filter(~pl.col("REASON").is_in(REASONS)).with_columns(
        _why=pl.format(
            "reason {} is not one of " + ", ".join(REASONS[:-1]) + "|Use one of these reasons.",
            "REASON",
        )
    )
    both = given.filter(pl.col("VALUE").is_not_null()).with_columns(
        _why=pl.format(
            "has a value and the missing reason {}|Empty the value or remove the reason.", "REASON"
        )
    )
    return pl.concat([unknown, both])


def _odd_places(
    entries: pl.DataFrame, forms: Mapping[str, Form], visits: Mapping[str, Visit]
) -> pl.DataFrame:
    """Entries kept although their form is not one of the visit's, or comes once and is repeated."""
    place = ["VISIT", "VISIT_REPEAT", "FORM", "ROW"]
    known = entries.select(place).unique()
    why = [_odd_place(v, n, f, row, forms, visits) for v, n, f, row in known.iter_rows()]
    odd = known.with_columns(pl.Series("_why", why, pl.String)).filter(pl.col("_why").is_not_null())
    index = entries.with_row_index("_index")
    return index.join(odd, on=place, how="inner", maintain_order="left")


def _odd_place(
    visit: str | None,
    repeat: int | None,
    form: str | None,
    row: int | None,
    forms: Mapping[str, Form],
    visits: Mapping[str, Visit],
) -> str | None:
    """What is odd about a form row's place, with a hint behind a bar; None where nothing is."""
    if form is None or visit is None or repeat is None or row is None:
        return None  # set aside with a finding of its own, as are names that nobody knows
    if form not in forms or visit not in visits:
        return None
    planned = visits[visit]
    if form not in planned.forms:
        return f"the visit {visit} does not hold the form {form}|Enter it at a visit that does."
    if repeat > 1 and planned.repeat is None and planned.kind != "unscheduled":
        return f"the visit {visit} takes place once, and this is its repeat {repeat}|Keep one."
    if row > 1 and not forms[form].rows:
        return f"the form {form} has one row, and this is row {row}|Keep one of the rows."
    return None


def _finding(row: Mapping[str, object]) -> Finding:
    message, hint = str(row["_why"]).split("|")
    repeat = row["VISIT_REPEAT"]
    return Finding(
        Place(
            subject_label(str(row["SITEID"] or ""), str(row["SUBJID"] or "")),
            visit_label(str(row["VISIT"] or ""), repeat if isinstance(repeat, int) else 1),
            str(row["FORM"] or ""),
            str(row["ITEM"] or ""),
        ),
        row["VALUE"],
        RULE,
        message,
        hint,
    )
