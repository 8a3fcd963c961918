"""Supplemental qualifiers as columns of their domain, for the rules that name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import polars as pl

from onearm import expr
from onearm.frames import Frames
from onearm.study.endpoints import Endpoints
from onearm.study.forms import Form
from onearm.study.subjects import SubjectRules


def named_columns(rules: SubjectRules, endpoints: Endpoints) -> dict[str, frozenset[str]]:
    """Every column that a rule of the study reads, by the dataset it reads it from."""
    names: dict[str, set[str]] = defaultdict(set)
    for part in (rules, endpoints):
        for _, text, datasets in part.expressions():
            for dataset in datasets.split("+"):
                names[dataset].update(expr.parse(text).columns)
    for variable in rules.variables:
        names[variable.from_] |= {variable.take, variable.by}
        for source in (*variable.latest_of, *variable.earliest_of):
            names[source.from_] |= {source.take, source.by}
    for fact in endpoints.facts:
        names[fact.in_].add(fact.date)
    if endpoints.adverse_events is not None:
        events = endpoints.adverse_events
        drugs = {drug.from_ for drug in events.drugs}
        names["AE"] |= {events.related_from, *events.supplemental, *drugs}
    if endpoints.labs is not None:
        names["LB"].add(endpoints.labs.symptoms_from)
    return {dataset: frozenset(filter(None, wanted)) for dataset, wanted in names.items()}


def collected(forms: Iterable[Form]) -> dict[str, frozenset[str]]:
    """The supplemental qualifiers that forms collect, by the domain they belong to."""
    names: dict[str, set[str]] = defaultdict(set)
    for form in forms:
        for item in form.items:
            for target in item.to:
                if target.domain.startswith("SUPP"):
                    names[target.domain.removeprefix("SUPP")].add(target.variable)
    return {domain: frozenset(found) for domain, found in names.items()}


def with_qualifiers(
    domains: Frames, wanted: Mapping[str, Collection[str]]
) -> dict[str, pl.DataFrame]:
    """The domains, each with the qualifiers of its SUPP-- dataset that are wanted, as text columns.

    A qualifier belongs to a subject (no IDVAR) or to the row whose IDVAR has the value IDVARVAL.
    A name that the domain has already is left alone; the SUPP-- datasets stay as they are.
    Source: SDTM Implementation Guide 3.4, section 8.4.
    """
    merged = dict(domains)
    for name, domain in domains.items():
        names = [n for n in sorted(wanted.get(name, ())) if n not in domain.columns]
        extra = domains.get(f"SUPP{name}")
        if names and extra is not None and extra.height:
            domain = _merged(domain, extra, names)
        merged[name] = domain
    return merged


def _merged(domain: pl.DataFrame, extra: pl.DataFrame, wanted: Collection[str]) -> pl.DataFrame:
    kept = extra.filter(pl.col("QNAM").is_in(list(wanted))).with_columns(
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
    # A qualifier may hang on a variable that the domain does not have.
    lost = [n for n in kept["QNAM"].unique().sort() if n not in domain.columns]
    return domain.with_columns(pl.lit(None, pl.String).alias(n) for n in lost)


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
