"""From a tabulated value back to the entry it was made from: the relation ``entry_of``."""

from __future__ import annotations

import polars as pl

from onearm.records import Records
from onearm.sdtm.domains import numbered
from onearm.sdtm.map import ORIGIN, QUALIFIER, Draft, Where, drafts
from onearm.sdtm.spec import SUPP
from onearm.study import Study

SCHEMA = {
    "DATASET": pl.String,
    "USUBJID": pl.String,
    "SEQ": pl.Int32,
    "VARIABLE": pl.String,
    "FORM": pl.String,
    "VISIT": pl.String,
    "VISIT_REPEAT": pl.Int32,
    "ROW": pl.Int32,
    "ITEM": pl.String,
}


def entry_of(study: Study, records: Records, *, domain: str, subject: str = "") -> pl.DataFrame:
    """Which entry each collected value of a domain came from.

    One row a value: DATASET (the domain, or SUPP-- for qualifiers), USUBJID, SEQ (Int32; null in
    domains without --SEQ), VARIABLE (QNAM for qualifiers), and the entry's FORM, VISIT,
    VISIT_REPEAT, ROW and ITEM. ``subject`` (a USUBJID) narrows it to one subject. Derived and
    constant values have no row. Made on demand, by deriving the domain again with its origins.
    """
    rows = {name: frame for name, frame in numbered(study, records) if name == domain}.get(domain)
    if rows is None:
        return pl.DataFrame(schema=SCHEMA)
    if subject:
        rows = rows.filter(pl.col("USUBJID") == subject)
    parts = []
    for draft in drafts(study, records):
        if draft.domain != domain:
            continue
        for where in [g.where for g in draft.groups] or [()]:
            items = [
                *draft.origins,
                *((v, i.name) for g in draft.groups if g.where == where for v, i in g.items),
            ]
            mine = _rows_of(rows, draft, where)
            parts += [
                _relation(_entered(mine, draft, item), domain, variable, item)
                for variable, item in items
                if variable in mine.columns
            ]
    return pl.concat(parts).sort(list(SCHEMA)) if parts else pl.DataFrame(schema=SCHEMA)


def _rows_of(rows: pl.DataFrame, draft: Draft, where: Where) -> pl.DataFrame:
    """The domain's rows that a draft made for one group; a row of DM is made by several forms."""
    if draft.domain == "DM":
        origins = draft.shared.select("USUBJID", *ORIGIN)
        return rows.drop(ORIGIN).join(origins, on="USUBJID")
    named = [pl.col(v) == pl.lit(value) for v, value in where if v in rows.columns]
    return rows.filter(pl.col("_FORM") == draft.form.form, *named)


def _entered(rows: pl.DataFrame, draft: Draft, item: str) -> pl.DataFrame:
    """The rows whose form row has a value for an item; others were derived."""
    key = ["USUBJID", "_VISIT", "_REPEAT", "_ROW"]
    filled = draft.values.filter(pl.col(item).is_not_null()).select(
        "USUBJID", _VISIT="VISIT", _REPEAT="VISIT_REPEAT", _ROW="ROW"
    )
    return rows.join(filled, on=key, how="semi")


def _relation(rows: pl.DataFrame, domain: str, variable: str, item: str) -> pl.DataFrame:
    hidden = variable.startswith(QUALIFIER)
    number = f"{domain}SEQ"
    return rows.filter(pl.col(variable).is_not_null()).select(
        DATASET=pl.lit(SUPP + domain if hidden else domain),
        USUBJID="USUBJID",
        SEQ=pl.col(number).cast(pl.Int32) if number in rows.columns else pl.lit(None, pl.Int32),
        VARIABLE=pl.lit(variable.removeprefix(QUALIFIER)),
        FORM="_FORM",
        VISIT="_VISIT",
        VISIT_REPEAT="_REPEAT",
        ROW="_ROW",
        ITEM=pl.lit(item),
    )
