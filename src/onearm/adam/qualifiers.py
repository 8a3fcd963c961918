"""Supplemental qualifiers as columns of their domain, for the rules that name them."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from onearm import expr
from onearm.frames import Frames
from onearm.study.endpoints import Endpoints
from onearm.study.subjects import SubjectRules


def named_columns(rules: SubjectRules, endpoints: Endpoints) -> frozenset[str]:
    """Every column that a rule of the study reads, whatever the dataset."""
    names: set[str] = set()
    for part in (rules, endpoints):
        for _, text, _ in part.expressions():
            names.update(expr.parse(text).columns)
    for variable in rules.variables:
        names |= {variable.take, variable.by}
        for source in (*variable.latest_of, *variable.earliest_of):
            names |= {source.take, source.by}
    names |= {fact.date for fact in endpoints.facts}
    if endpoints.adverse_events is not None:
        events = endpoints.adverse_events
        names |= {events.related_from, *events.supplemental, *(d.from_ for d in events.drugs)}
    if endpoints.labs is not None:
        names.add(endpoints.labs.symptoms_from)
    return frozenset(filter(None, names))


def with_qualifiers(domains: Frames, wanted: Collection[str]) -> dict[str, pl.DataFrame]:
    """The domains, each with the qualifiers of its SUPP-- dataset that are wanted, as text columns.

    A qualifier belongs to a subject (no IDVAR) or to the row whose IDVAR has the value IDVARVAL.
    A name that the domain has already is left alone; the SUPP-- datasets stay as they are.
    Source: SDTM Implementation Guide 3.4, section 8.4.
    """
    merged = dict(domains)
    for name, extra in domains.items():
        parent = name.removeprefix("SUPP")
        if name.startswith("SUPP") and parent in domains and extra.height:
            merged[parent] = _merged(domains[parent], extra, wanted)
    return merged


def _merged(domain: pl.DataFrame, extra: pl.DataFrame, wanted: Collection[str]) -> pl.DataFrame:
    names = [n for n in wanted if n not in domain.columns]
    kept = extra.filter(pl.col("QNAM").is_in(names)).with_columns(
        pl.col("IDVAR", "IDVARVAL").cast(pl.String).fill_null("")
    )
    for (by,), rows in kept.partition_by("IDVAR", as_dict=True, maintain_order=True).items():
        wide = rows.group_by("USUBJID", "IDVARVAL").agg(
            pl.col("QVAL").filter(pl.col("QNAM") == q).first().alias(q)
            for q in rows["QNAM"].unique().sort()
        )
        if not by:
            domain = domain.join(
                wide.drop("IDVARVAL"), on="USUBJID", how="left", maintain_order="left"
            )
        elif by in domain.columns:
            domain = _by_value(domain, wide, str(by))
    named = set(extra["QNAM"].unique())
    return domain.with_columns(
        pl.lit(None, pl.String).alias(n) for n in names if n in named and n not in domain.columns
    )


def _by_value(domain: pl.DataFrame, wide: pl.DataFrame, by: str) -> pl.DataFrame:
    """Join on the value of IDVAR; numbers are compared as numbers (1 and 1.0 are one row)."""
    key = pl.col("IDVARVAL")
    if domain.schema[by].is_numeric():
        key = key.cast(pl.Float64, strict=False)
        domain = domain.with_columns(_key=pl.col(by).cast(pl.Float64))
    else:
        domain = domain.with_columns(_key=pl.col(by).cast(pl.String))
    return domain.join(
        wide.with_columns(_key=key).drop("IDVARVAL"),
        on=["USUBJID", "_key"],
        how="left",
        maintain_order="left",
    ).drop("_key")
