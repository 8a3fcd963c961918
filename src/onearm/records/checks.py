"""Edit checks: what the study's forms require of the values, judged on the whole frame at once."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars.exceptions import PolarsError

from onearm.errors import Finding, Place, Severity
from onearm.expr import parse
from onearm.records.context import add_context
from onearm.records.items import check_items
from onearm.records.model import Records
from onearm.records.places import findings, in_order
from onearm.records.visits import first_doses, visit_dates_and_order
from onearm.study import Study
from onearm.study.cases import breaks
from onearm.study.forms import Check, Form, Item

SEVERITY: dict[str, Severity] = {"hard": "error", "soft": "warning"}


def check(study: Study, records: Records) -> list[Finding]:
    """Every finding about the captured values, sorted by subject, visit, form, field and rule.

    Taken together: what the border found, the standing checks of each item, the study's own edit
    checks (``when`` holds and ``require`` is false; unknown raises nothing), visits outside their
    windows (warnings) and forms that a visit should hold and does not (notes). Never raises for
    data; a check that cannot be judged on them (types that do not go together) is a finding too.
    """
    found = list(records.border)
    order = visit_dates_and_order(study, records.texts)
    for form in study.forms.values():
        if records.forms[form.form].is_empty():
            continue
        found += check_rows(study, records, form, order)
    found += _windows(study, records, order)
    found += _missing_forms(study, records)
    return in_order(found)


def check_rows(
    study: Study, records: Records, form: Form, visit_order: pl.DataFrame
) -> list[Finding]:
    """The standing checks of a form's items and the edit checks written on it.

    visit_order: as ``add_context`` takes it.
    """
    context = add_context(study, records, form, visit_order)
    return [*check_items(study, records, form, context), *_edit_checks(form, context)]


def _edit_checks(form: Form, context: pl.DataFrame) -> Iterator[Finding]:
    checks: list[tuple[Check, Item | None]] = [(c, None) for c in form.checks]
    checks += [(c, i) for i in form.items for c in i.checks]
    if not checks:
        return
    try:
        # ROW gives every answer the height of the frame, that of a check without columns too.
        broken = context.select(
            "ROW",
            *(
                breaks(rule).fill_null(value=False).alias(str(n))
                for n, (rule, _) in enumerate(checks)
            ),
        ).drop("ROW")
    except PolarsError:
        # One of them cannot be judged on these values: each by itself tells which.
        for rule, item in checks:
            yield from _judged_alone(form, item, rule, context)
        return
    hit = broken.select(pl.all().any()).row(0)
    for n, (rule, item) in enumerate(checks):
        if hit[n]:
            yield from _broken(form, item, rule, context.filter(broken[str(n)]))


def _judged_alone(
    form: Form, item: Item | None, rule: Check, context: pl.DataFrame
) -> Iterator[Finding]:
    try:
        rows = context.filter(breaks(rule).fill_null(value=False))
    except PolarsError as problem:
        yield Finding(
            Place(form=form.form, field=item.name if item else ""),
            str(problem).splitlines()[0],
            rule.id,
            f"the check '{rule.require}' cannot be judged on these values",
            "Compare values of one type; see the item types of the form.",
        )
        return
    yield from _broken(form, item, rule, rows)


def _broken(form: Form, item: Item | None, rule: Check, rows: pl.DataFrame) -> list[Finding]:
    names = [i.name for i in form.items]
    read = [c for c in parse(rule.require).columns if c in names]
    if not read and rule.when:
        # A check of other forms alone shows what made it ask.
        read = [c for c in parse(rule.when).columns if c in names]
    if item is None and len(read) == 1:
        item = form.item(read[0])
    if item is not None:
        value = pl.col(item.name)
    elif read:
        value = pl.concat_str(
            [pl.format(n + " {}", pl.col(n).cast(pl.String).fill_null("empty")) for n in read],
            separator=", ",
        )
    else:
        value = pl.lit(None, pl.String)
    return findings(
        rows.with_columns(_value=value),
        form,
        field=item.name if item else "",
        rule=rule.id,
        message=str(rule.says),
        hint=str(rule.hint) if rule.hint else "",
        severity=SEVERITY[rule.severity],
        item=item,
    )


def _windows(study: Study, records: Records, order: pl.DataFrame) -> Iterator[Finding]:
    """Planned visits that took place outside their window around the planned study day."""
    first = first_doses(study.forms, records.texts)
    day = (pl.col("_visit") - pl.col("_first")).dt.total_days()
    # There is no day 0: day 1 is the first dose, day -1 the day before it.
    planned = pl.when(pl.col("PLANNED") > 0).then(pl.col("PLANNED") - 1).otherwise("PLANNED")
    late = (
        order.filter((pl.col("KIND") == "planned") & (pl.col("EARLY") != pl.col("LATE")))
        .join(first, on="USUBJID")
        .with_columns(_day=day, _off=day - planned)
        .filter(~pl.col("_off").is_between("EARLY", "LATE"))
    )
    for form in study.forms.values():
        dated = next((i.name for i in form.items for t in i.to if t.variable == "SVSTDTC"), None)
        if dated is None:
            continue
        rows = records.texts[form.form].join(
            late, on=["USUBJID", "VISIT", "VISIT_REPEAT"], how="inner", maintain_order="left"
        )
        rows = rows.with_columns(_value=pl.col(dated))
        groups = rows.group_by("_off", "EARLY", "LATE", maintain_order=True)
        for (off, early, latest), part in groups:
            away = f"{abs(_int(off))} days {'after' if _int(off) > 0 else 'before'}"
            yield from findings(
                part,
                form,
                field=dated,
                rule="visit.window",
                message=f"the visit took place {away} its planned day",
                hint=f"The window is {_int(early):+d} to {_int(latest):+d} days; "
                "correct the date, or record a deviation.",
                severity="warning",
            )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _missing_forms(study: Study, records: Records) -> list[Finding]:
    """Forms that a planned visit which took place should hold, and does not (notes)."""
    if study.schedule is None:
        return []
    key = ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT"]
    there = {name: frame.select(key).unique() for name, frame in records.texts.items()}
    found: list[Finding] = []
    for visit in study.schedule.visits:
        if visit.kind != "planned" or not visit.forms:
            continue
        at = [f.filter(pl.col("VISIT") == visit.id) for n, f in there.items() if n in visit.forms]
        took_place = pl.concat(at).unique() if at else pl.DataFrame()
        for name in visit.forms:
            # A form with rows only where there is something to tell may be empty with right.
            if name not in there or study.forms[name].rows or took_place.is_empty():
                continue
            rows = took_place.join(there[name], on=key, how="anti")
            found += findings(
                rows.with_columns(ROW=pl.lit(1), _value=pl.lit(None)),
                study.forms[name],
                field="",
                rule="visit.form",
                message=f"the form {name} is expected at this visit",
                hint="Fill it in, or say why it was not done.",
                severity="note",
            )
    return found
