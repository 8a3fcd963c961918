"""The lesion table made ready: columns checked, visits numbered, states and parents filled in."""

from __future__ import annotations

import polars as pl

from onearm.errors import OnearmError

SCHEMA: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "reader": pl.String(),
    "time_point": pl.Int32(),
    "date": pl.Date(),
    "lesion": pl.String(),
    "role": pl.String(),
    "nodal": pl.Boolean(),
    "size": pl.Int64(),
    "state": pl.String(),
}
"""The columns of a lesion table and their types."""

OPTIONAL: dict[str, pl.DataType] = {"scheduled": pl.Date(), "query": pl.String()}

ROLES = ("target", "non-target", "new")
STATES = (
    "measured",
    "absent",
    "present",
    "too_small",
    "progressed",
    "coalesced",
    "not_evaluable",
    "equivocal",
    "unequivocal",
)

VISIT = ["subject", "reader", "time_point"]


def prepare(lesions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lesion rows with a visit number each, and the visits they belong to.

    Returns ``(rows, visits)``. ``rows``: ``visit, case`` (UInt32), and the columns of ``SCHEMA``
    with ``state`` filled in and ``parent``, the baseline lesion a fragment belongs to.
    ``visits``: one row a visit in order, with ``date`` and ``first_scan`` (last and first day on
    which something could be assessed, else of any row), ``scheduled``, ``any_seen``, ``query``,
    and ``has_baseline``.
    Raises OnearmError for missing columns, wrong types, unknown words and doubled rows.
    """
    _check_columns(lesions)
    table = lesions.select(
        pl.col(name).cast(kind) if name in lesions.columns else pl.lit(None, dtype=kind).alias(name)
        for name, kind in (SCHEMA | OPTIONAL).items()
    )
    _check_words(table)
    visits = (
        table.select(VISIT)
        .unique()
        .sort(VISIT)
        .with_row_index("visit")
        .with_columns(case=pl.struct("subject", "reader").rle_id())
    )
    rows = table.join(visits, on=VISIT, how="left").with_columns(
        state=pl.coalesce(
            "state", pl.when(pl.col("size").is_not_null()).then(pl.lit("measured"))
        ).fill_null("not_evaluable"),
        nodal=pl.col("nodal").fill_null(value=False),
    )
    _check_doubled(rows)
    rows = _with_parents(rows)
    return rows, _with_dates(visits, rows)


def _check_columns(lesions: pl.DataFrame) -> None:
    missing = [name for name in SCHEMA if name not in lesions.columns]
    if missing:
        raise OnearmError(
            f"the lesion table has no column {', '.join(missing)}; it needs {', '.join(SCHEMA)}"
        )
    wrong = [
        f"{name}: expected {kind}, found {lesions.schema[name]}"
        for name, kind in (SCHEMA | OPTIONAL).items()
        if name in lesions.columns and not _is_kind(lesions.schema[name], kind)
    ]
    if wrong:
        raise OnearmError("the lesion table has columns of a wrong type: " + "; ".join(wrong))


def _is_kind(found: pl.DataType, kind: pl.DataType) -> bool:
    whole = kind.is_integer() and found.is_integer()
    return found == kind or whole or found == pl.Null


def _check_words(table: pl.DataFrame) -> None:
    for column, words in (("role", ROLES), ("state", STATES)):
        strange = set(table[column].unique().drop_nulls().to_list()) - set(words)
        if strange:
            raise OnearmError(
                f"{column}: found {', '.join(sorted(map(repr, strange)))}; "
                f"the words are {', '.join(words)}"
            )
    for column in VISIT:
        if table[column].null_count():
            raise OnearmError(f"{column} is empty in {table[column].null_count()} lesion rows")


def _check_doubled(rows: pl.DataFrame) -> None:
    named = rows.filter(pl.col("lesion").is_not_null())
    keys = named.select("visit", "lesion")
    if keys.n_unique() == keys.height:
        return
    first = named.filter(keys.is_duplicated()).sort("visit", "lesion").row(0, named=True)
    raise OnearmError(
        f"{first['subject']}, reader {first['reader']}, time point {first['time_point']}: "
        f"lesion {first['lesion']} is there more than once; keep one row"
    )


def _with_parents(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``parent`` and ``at_baseline``: T01a belongs to T01 when T01 was there at baseline."""
    baseline = (
        rows.filter(pl.col("time_point") == 0, pl.col("role") != "new")
        .select("case", "role", parent="lesion", at_baseline=pl.lit(value=True))
        .unique()
    )
    own = rows.join(
        baseline,
        left_on=["case", "role", "lesion"],
        right_on=["case", "role", "parent"],
        how="left",
    )
    stray = own["at_baseline"].is_null() & (own["role"] != "new")
    if not stray.any():
        return own.with_columns(parent=pl.col("lesion"))
    stem = pl.col("lesion").str.replace(r"^(.*\d)[A-Za-z]$", "$1")
    found = own.drop("at_baseline").with_columns(
        parent=pl.when(stray).then(stem).otherwise("lesion")
    )
    return found.join(baseline, on=["case", "role", "parent"], how="left").with_columns(
        parent=pl.when(pl.col("at_baseline")).then("parent").otherwise("lesion")
    )


def _with_dates(visits: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    seen = pl.col("state") != "not_evaluable"
    dates = rows.group_by("visit").agg(
        date=pl.coalesce(pl.col("date").filter(seen).max(), pl.col("date").max()),
        first_scan=pl.coalesce(pl.col("date").filter(seen).min(), pl.col("date").min()),
        scheduled=pl.col("scheduled").min(),
        any_seen=seen.any(),
        query=pl.col("query").drop_nulls().unique(maintain_order=True).str.join("; "),
    )
    return (
        visits.join(dates, on="visit", how="left")
        .with_columns(has_baseline=(pl.col("time_point") == 0).any().over("case"))
        .sort("visit")
    )
