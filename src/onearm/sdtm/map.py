"""From form rows to domain rows: each item goes where its form says, each row keeps its origin.

A form row makes one row in each domain it fills, or one for each ``where`` of its targets. What all
these rows share (dates, visit, link ids) is put together first, once a form row; the rows are made
from it only when everything shared is known, because there may be forty of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from onearm.expr import parse
from onearm.records import Records
from onearm.records.codes import translation
from onearm.records.visits import row_dates, visit_table
from onearm.sdtm.spec import SUPP, spec_of
from onearm.study import Study
from onearm.study.forms import DomainRule, Form, Item, Target

ORIGIN = ("_FORM", "_VISIT", "_REPEAT", "_ROW")
"""Hidden columns: the form row that a domain row was made from."""

QUALIFIER = "_Q_"
"""Hidden columns with this prefix hold supplemental qualifiers until their rows have a number."""

Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The items that make one row of a domain from a form row, and what names that row."""

    where: Where
    items: tuple[tuple[str, Item], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What one form gives to one domain.

    shared: one row a form row: USUBJID, SITEID, SUBJID, ``ORIGIN`` and the variables all its rows
    share. values, reasons: the same rows with the captured texts and the missing reasons. groups:
    the rows to make of each. origins: shared variables and the items they come from.
    """

    domain: str
    form: Form
    shared: pl.DataFrame
    values: pl.DataFrame
    reasons: pl.DataFrame
    groups: tuple[Group, ...]
    origins: tuple[tuple[str, str], ...]


def drafts(study: Study, records: Records) -> Iterator[Draft]:
    """What each form gives to each domain it fills, forms in the study's order."""
    for name, form in study.forms.items():
        if records.texts[name].is_empty():
            continue
        for domain in _domains(form):
            yield _draft(study, records, form, domain)


def _domains(form: Form) -> list[str]:
    """The main domains a form fills, by its own targets or by supplemental qualifiers."""
    named = [t.domain.removeprefix(SUPP) for i in form.items for t in _targets(i)]
    return [d for d in dict.fromkeys(named) if spec_of(d) is not None]


def _targets(item: Item) -> list[Target]:
    """An item's targets, with those that take a column of its codelist (``also``) behind them."""
    return [*item.to, *(Target.parse(text) for text in item.also)]


def _draft(study: Study, records: Records, form: Form, domain: str) -> Draft:
    rule = form.domains.get(domain, DomainRule())
    texts = records.texts[form.form]
    shared = texts.select(
        "USUBJID",
        "SITEID",
        "SUBJID",
        _FORM=pl.lit(form.form),
        _VISIT="VISIT",
        _REPEAT="VISIT_REPEAT",
        _ROW="ROW",
        _day=row_dates(form, texts),
    )
    columns, origins = _shared_variables(study, form, domain, texts)
    shared = shared.with_columns(columns).with_columns(
        **{variable: pl.lit(value) for variable, value in rule.sets.items()}
    )
    spec = spec_of(domain)
    if form.rows and spec is not None and f"{domain}SPID" in spec.names:
        spid = pl.concat_str(pl.lit(f"{form.form}-"), "_ROW")
        shared = shared.with_columns(spid.alias(f"{domain}SPID"))
    reasons = records.reasons[form.form]
    draft = Draft(domain, form, shared, texts, reasons, _groups(form, domain), tuple(origins))
    return _only(draft, rule, records)


def _shared_variables(
    study: Study, form: Form, domain: str, texts: pl.DataFrame
) -> tuple[list[pl.Series], list[tuple[str, str]]]:
    """Variables that items without ``where`` fill, and from which item each comes."""
    found: dict[str, list[pl.Series]] = {}
    origins = []
    for item in form.items:
        for target in item.to:
            if target.where:
                continue
            if target.domain == domain:
                found.setdefault(target.variable, []).append(texts[item.name])
                origins.append((target.variable, item.name))
            elif target.domain == SUPP + domain:
                found.setdefault(QUALIFIER + target.variable, []).append(texts[item.name])
                origins.append((QUALIFIER + target.variable, item.name))
        for text, column in item.also.items():
            target = Target.parse(text)
            if target.domain == domain and not target.where:
                words = translation(study, item, column)
                series = texts[item.name].replace_strict(
                    words, default=None, return_dtype=pl.String
                )
                found.setdefault(target.variable, []).append(series)
                origins.append((target.variable, item.name))
    columns = [pl.select(pl.coalesce(s)).to_series().alias(v) for v, s in found.items()]
    return columns, origins


def _groups(form: Form, domain: str) -> tuple[Group, ...]:
    groups: dict[Where, list[tuple[str, Item]]] = {}
    for item in form.items:
        for target in item.to:
            if target.where and target.domain.removeprefix(SUPP) == domain:
                hidden = QUALIFIER if target.domain.startswith(SUPP) else ""
                groups.setdefault(target.where, []).append((hidden + target.variable, item))
    return tuple(Group(where, tuple(items)) for where, items in groups.items())


def _only(draft: Draft, rule: DomainRule, records: Records) -> Draft:
    """The draft without the form rows that the domain's rule leaves out (``when``, ``once``)."""
    keep = pl.Series([True]).new_from_index(0, draft.shared.height)
    if rule.when:
        keep &= records.forms[draft.form.form].select(parse(rule.when).holds()).to_series()
    if rule.once:
        keep &= _first_of(draft, rule.once)
    if keep.all():
        return draft
    return replace(
        draft,
        shared=draft.shared.filter(keep),
        values=draft.values.filter(keep),
        reasons=draft.reasons.filter(keep),
    )


def _first_of(draft: Draft, item: str) -> pl.Series:
    """Marks the first form row, by date and then by visit, with each value of an item."""
    ordered = (
        draft.shared.with_columns(_value=draft.values[item])
        .with_row_index("_i")
        .sort("_day", "_REPEAT", "_VISIT", "_ROW", nulls_last=True, maintain_order=True)
        .filter(pl.col("_value").is_not_null())
        .unique(["USUBJID", "_value"], keep="first", maintain_order=True)
    )
    first = pl.Series([False]).new_from_index(0, draft.shared.height)
    return first.scatter(ordered["_i"], True)


def add_visits(draft: Draft, study: Study, visit_days: pl.DataFrame) -> Draft:
    """Add VISITNUM, VISIT and VISITDY where the domain has them, and fill a missing --DTC.

    visit_days: USUBJID, VISIT, VISIT_REPEAT, _visit (Date). The collection date of a row is that
    of its own item, else the form's date, else the visit's. Running forms have no visit.
    """
    spec = spec_of(draft.domain)
    names = spec.names if spec else ()
    shared = draft.shared
    table = visit_table(
        study.schedule, shared.select(VISIT="_VISIT", VISIT_REPEAT="_REPEAT")
    ).select(
        _VISIT="VISIT",
        _REPEAT="VISIT_REPEAT",
        _log=pl.col("KIND") == "log",
        VISITNUM="VISITNUM",
        VISIT="NAME",
        VISITDY="PLANNED",
        _kind="KIND",
    )
    shared = shared.join(table, on=["_VISIT", "_REPEAT"], how="left", maintain_order="left")
    blank = [pl.when(~pl.col("_log")).then(v).alias(v) for v in ("VISITNUM", "VISIT", "VISITDY")]
    shared = shared.with_columns(blank)
    collected = f"{draft.domain}DTC"
    if collected in names and collected != "DMDTC":
        days = visit_days.select("USUBJID", _VISIT="VISIT", _REPEAT="VISIT_REPEAT", _seen="_visit")
        key = ["USUBJID", "_VISIT", "_REPEAT"]
        shared = shared.join(days, on=key, how="left", maintain_order="left")
        own = [draft.values[draft.form.date]] if draft.form.date else []
        given = [pl.col(collected)] if collected in shared.columns else []
        dated = pl.coalesce(*given, *own, pl.col("_seen").dt.to_string("%Y-%m-%d"))
        shared = shared.with_columns(dated.alias(collected)).drop("_seen")
    return replace(draft, shared=shared.drop("_log"))
