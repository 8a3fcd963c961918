"""ADSL: one row a subject, each variable and each analysis set by a rule of ``subjects.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from onearm import dates, expr
from onearm.adam.conditions import holds, require
from onearm.adam.pick import pick
from onearm.errors import OnearmError
from onearm.frames import TYPES, Frames, Spec
from onearm.study.subjects import AnalysisSet, SubjectRules, Variable

DTYPES: dict[str, pl.DataType] = {**TYPES, "flag": pl.String()}


def start_subjects(domains: Frames, spec: Spec, *, study: str, cut: date | None) -> pl.DataFrame:
    """The first columns of ADSL: those that the specification takes from DM, and the data cut.

    domains: needs DM. Returns one row a row of DM, sorted by USUBJID. Raises OnearmError where DM
    is missing or a subject has two rows in it.
    """
    demographics = domains.get("DM")
    if demographics is None:
        raise OnearmError("there is no DM domain: every analysis starts from one row a subject")
    doubled = demographics["USUBJID"].is_duplicated()
    if doubled.any():
        subject = demographics["USUBJID"].filter(doubled)[0]
        raise OnearmError(f"{subject} has more than one row in DM; keep one")
    copied = [
        pl.col(name).cast(column.dtype).alias(column.variable)
        if (name := column.source.removeprefix("DM.")) in demographics.columns
        else pl.lit(None, column.dtype).alias(column.variable)
        for column in spec.columns
        if column.origin == "Predecessor" and column.source.startswith("DM.")
    ]
    return (
        demographics.select(copied)
        .sort("USUBJID")
        .with_columns(STUDYID=pl.col("STUDYID").fill_null(study), DCUTDT=pl.lit(cut, pl.Date))
    )


def late_names(rules: SubjectRules) -> frozenset[str]:
    """Variables and sets that can only be answered once the responses are there.

    Those read from an analysis dataset, and those whose expression reads one of them.
    """
    late: set[str] = set()
    for variable in rules.variables:
        reads = set(expr.parse(variable.expr).columns) if variable.expr else set()
        reads |= set(variable.span or ()) | {variable.not_before, variable.not_after}
        if any(name.startswith("AD") for name in variable.datasets) or reads & late:
            late.add(variable.name)
    for group in rules.sets:
        if any(set(expr.parse(r.when).columns) & late for r in group.require):
            late.add(group.name)
    return frozenset(late)


def add_subject_variables(
    subjects: pl.DataFrame, frames: Frames, rules: SubjectRules, *, late: bool
) -> pl.DataFrame:
    """Add the variables and sets of ``subjects.yaml`` in the order in which they are written.

    subjects: ADSL so far. frames: what the rules read, by dataset name. ``late``: only those that
    read analysis datasets, otherwise only the others. A variable without an answer is null, a flag
    is N. Raises OnearmError naming variable, dataset and column where a rule cannot be read.
    """
    wait = late_names(rules)
    table = subjects.with_columns(pl.lit(v).alias(k) for k, v in rules.constants.items())
    for variable in rules.variables:
        if (variable.name in wait) is late:
            table = _add_variable(table, frames, variable, start=rules.start)
    # Sets come after the variables; a set may read a set written before it.
    for group in rules.sets:
        if (group.name in wait) is late:
            table = add_set(table, group)
    return table.drop(list(rules.constants))


def _add_variable(
    table: pl.DataFrame, frames: Frames, variable: Variable, *, start: str
) -> pl.DataFrame:
    try:
        if variable.expr:
            return table.with_columns(_computed(table, variable))
        if variable.span:
            first, last = (pl.col(name) for name in variable.span)
            days = (last - first).dt.total_days() + 1
            return table.with_columns(days.cast(pl.Int32).alias(variable.name))
        if variable.latest_of or variable.earliest_of:
            return _add_extreme(table, frames, variable, start=start)
        return _add_picked(table, frames, variable, start=start)
    except (OnearmError, pl.exceptions.PolarsError) as problem:
        raise OnearmError(f"subjects.yaml, variable {variable.name}: {problem}") from problem


def _computed(table: pl.DataFrame, variable: Variable) -> pl.Expr:
    parsed = expr.parse(variable.expr)
    require(parsed.columns, table.columns, place="it")
    if variable.type == "flag":
        answer = pl.when(parsed.holds()).then(pl.lit("Y")).otherwise(pl.lit("N"))
        return answer.alias(variable.name)
    return parsed.expr.cast(DTYPES[variable.type]).alias(variable.name)


def _start_dates(table: pl.DataFrame, start: str) -> pl.DataFrame:
    known = pl.col(start) if start in table.columns else pl.lit(None, pl.Date)
    return table.select("USUBJID", start=known)


def _joined(table: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    return table.join(values, on="USUBJID", how="left", validate="1:1", maintain_order="left")


def _add_picked(
    table: pl.DataFrame, frames: Frames, variable: Variable, *, start: str
) -> pl.DataFrame:
    is_date = variable.type == "date"
    source = variable.as_source
    if variable.type == "flag":
        source = source.model_copy(update={"pick": "any"})
    values = pick(frames, source, is_date=is_date, start=_start_dates(table, start))
    found = _joined(table, values.select("USUBJID", "value", "raw"))
    value = pl.col("value").cast(DTYPES[variable.type])
    if variable.type == "flag":
        value = value.fill_null("N")
    elif source.pick == "count":
        value = value.fill_null(0)
    if variable.not_before:
        # A date known to the month only is no earlier than the day the subject was last seen alive,
        # as far as the month allows.
        floor = pl.min_horizontal(pl.col(variable.not_before), dates.latest(pl.col("raw")))
        partial = dates.imputation_flag(pl.col("raw")).is_not_null()
        value = pl.when(partial).then(pl.max_horizontal(value, floor)).otherwise(value)
    made = [value.alias(variable.name)]
    if variable.imputed_in:
        flag = pl.when(value.is_not_null()).then(dates.imputation_flag(pl.col("raw")))
        made.append(flag.alias(variable.imputed_in))
    return found.with_columns(made).drop("value", "raw")


def _add_extreme(
    table: pl.DataFrame, frames: Frames, variable: Variable, *, start: str
) -> pl.DataFrame:
    """The latest or earliest of several dates; of sources on one day the one written first wins."""
    latest = bool(variable.latest_of)
    sources = variable.latest_of or variable.earliest_of
    starts = _start_dates(table, start)
    found = []
    for order, source in enumerate(sources):
        wanted = source.model_copy(update={"pick": "max" if latest else "min"})
        values = pick(frames, wanted, is_date=True, start=starts)
        found.append(
            values.select("USUBJID", "value", order=pl.lit(order), says=pl.lit(source.says))
        )
    best = (
        pl.concat(found)
        .sort("value", "order", descending=[latest, False])
        .group_by("USUBJID", maintain_order=True)
        .first()
    )
    named = {"value": variable.name} | ({"says": variable.source_in} if variable.source_in else {})
    joined = _joined(table, best.select("USUBJID", *named).rename(named))
    if not variable.not_after:
        return joined
    # min_horizontal takes what there is: a subject without a date must stay without one.
    clipped = pl.min_horizontal(variable.name, variable.not_after)
    value = pl.when(pl.col(variable.name).is_not_null()).then(clipped)
    return joined.with_columns(value.alias(variable.name))


def add_set(table: pl.DataFrame, group: AnalysisSet) -> pl.DataFrame:
    """Add an analysis set's flag (Y or N) and the reason of exclusion (null for those in it).

    Unknown counts as not fulfilled: nobody is in a set for want of data.
    """
    reason = pl.lit(None, pl.String)
    for requirement in reversed(group.require):
        met = holds(requirement.when, table.columns, place=f"subjects.yaml, set {group.name}, ADSL")
        reason = pl.when(~met).then(pl.lit(requirement.says)).otherwise(reason)
    return table.with_columns(reason.alias(group.reason)).with_columns(
        pl.when(pl.col(group.reason).is_null())
        .then(pl.lit("Y"))
        .otherwise(pl.lit("N"))
        .alias(group.name)
    )


def names(rules: SubjectRules) -> Iterable[tuple[str, str, str]]:
    """Every variable that ``subjects.yaml`` makes: name, label (empty where not given) and type."""
    for v in rules.variables:
        yield v.name, str(v.label or ""), "text" if v.type == "flag" else v.type
        for extra, label in ((v.source_in, "Source of "), (v.imputed_in, "Imputed part of ")):
            if extra:
                yield extra, f"{label}{v.name}", "text"
    for group in rules.sets:
        yield group.name, str(group.label or ""), "text"
        yield group.reason, f"Reason for exclusion from {group.name}", "text"
