"""Is this SDTM? Checks at the border, for datasets derived here and for those from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date

import polars as pl

from onearm.errors import Finding
from onearm.records.codes import allowed
from onearm.sdtm.conform import columns, days, links, subjects, tumours, values
from onearm.sdtm.conform.report import Source
from onearm.sdtm.spec import SUPP
from onearm.study import Study

CHECKS: tuple[Callable[[Source], list[Finding]], ...] = (
    columns.check_required,
    columns.check_keys,
    values.check_terms,
    values.check_text,
    values.check_results,
    values.check_units,
    values.check_qualifier_names,
    days.check_dates,
    days.check_order,
    days.check_study_days,
    days.check_epochs,
    subjects.check_known,
    subjects.check_death,
    subjects.check_exposure,
    subjects.check_baselines,
    links.check_visits,
    links.check_supplemental,
    links.check_related,
    tumours.check_sizes,
    tumours.check_lesions,
    tumours.check_groups,
    tumours.check_sums,
)
"""Every check, in the order of the report. Source: docs of each function name its rule."""


def check(
    domains: Mapping[str, pl.DataFrame],
    *,
    declared: Mapping[str, Collection[str]] | None = None,
    cut: date | None = None,
) -> list[Finding]:
    """Everything wrong with tabulation datasets, from any source.

    domains: datasets by name (``DM``, ``SUPPAE``, ...) with CDISC column names; domains without a
    specification here pass unseen. declared: terms that a study adds to extensible codelists, by
    ``DOMAIN.VARIABLE`` (``declared_terms``). cut: no date may lie after it.
    Findings name the dataset as form and the variable as field. Of one rule, variable and value
    the first few rows are shown and the rest counted. Never raises for data.
    """
    source = Source.of(domains, declared or {}, cut)
    return check_shape(domains) + [finding for judge in CHECKS for finding in judge(source)]


def check_shape(domains: Mapping[str, pl.DataFrame]) -> list[Finding]:
    """What is wrong with whole datasets: absent, columns absent, of the wrong type or unknown.

    And DM, where it has not one row a subject.

    An error here stops an analysis; one of the other checks is a doubt about some rows.
    """
    return [
        finding
        for judge in (
            columns.check_columns,
            columns.check_presence,
            columns.check_expected,
            columns.check_subjects,
        )
        for finding in judge(domains)
    ]


def declared_terms(study: Study) -> dict[str, frozenset[str]]:
    """The terms a study's forms may store, by ``DOMAIN.VARIABLE``; of --ORRES also for --STRESC."""
    found: dict[str, set[str]] = {}
    for form in study.forms.values():
        for domain, rule in form.domains.items():
            for variable, value in rule.sets.items():
                found.setdefault(f"{domain}.{variable}", set()).add(value)
        for item in form.items:
            codes = allowed(study, item) or frozenset()
            for target in item.to:
                if target.domain.startswith(SUPP):
                    continue
                found.setdefault(f"{target.domain}.{target.variable}", set()).update(codes)
                for variable, value in target.where:
                    found.setdefault(f"{target.domain}.{variable}", set()).add(value)
                if target.variable == f"{target.domain}ORRES":
                    unit = f"{target.domain}.{target.domain}ORRESU"
                    found.setdefault(unit, set()).add(item.unit)
                    found.setdefault(f"{target.domain}.{target.domain}STRESC", set()).update(codes)
    for epoch in study.schedule.epochs if study.schedule else ():
        for domain in ("SE", "TA"):
            found.setdefault(f"{domain}.EPOCH", set()).add(epoch.id)
    return {name: frozenset(terms) for name, terms in found.items()}


__all__ = ["CHECKS", "check", "declared_terms"]
