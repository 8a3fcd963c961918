"""The standing checks of every item: type, list, range, digits, presence, skip logic."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

import polars as pl

from onearm import dates
from onearm.errors import Finding
from onearm.expr import parse
from onearm.records.codes import allowed
from onearm.records.model import KEYS, Records
from onearm.records.places import findings
from onearm.records.wide import TYPES
from onearm.study import Study
from onearm.study.forms import Form, Item

CENSORED = r"^\s*[<>]=?\s*\d+(\.\d+)?\s*$"
"""A result outside a laboratory's measuring range, ``<40``: text, and no mistake."""

NUMBER = r"^\s*[-+]?\d+(\.\d+)?\s*$"
KIND = {"integer": "a whole number", "decimal": "a number", "date": "a complete date"}
EXAMPLE = {"integer": "42", "decimal": "4.5", "date": "2021-05-31"}


def check_items(
    study: Study, records: Records, form: Form, context: pl.DataFrame
) -> Iterator[Finding]:
    """All standing checks of one form.

    context: the form's typed frame with the columns that conditions may read, rows as in
    ``records.forms``.
    """
    texts = records.texts[form.form]
    for item in form.items:
        reason = records.reason(form.form, item.name)
        frame = texts.select(*KEYS, _value=pl.col(item.name)).with_columns(
            _typed=records.forms[form.form][item.name], _reason=reason
        )
        yield from _type(form, item, frame)
        yield from _listed(study, form, item, frame)
        yield from _in_range(form, item, frame)
        yield from _digits(form, item, frame)
        yield from _shown(form, item, frame, context)
        yield from _calculated(form, item, frame, context)
    yield from _ends(form, texts)
    yield from _same_key(form, texts)


def _type(form: Form, item: Item, frame: pl.DataFrame) -> list[Finding]:
    text = pl.col("_value")
    if item.type in TYPES:
        fine = pl.col("_typed").is_not_null()
        if item.type == "decimal":
            fine = (fine & text.str.contains(NUMBER)) | text.str.contains(CENSORED)
        message = f"is not {KIND[item.type]}"
        hint = f"Write it as in {EXAMPLE[item.type]}."
    elif item.type == "partial_date":
        fine = text.str.contains(r"^\d{4}(-\d{2}(-\d{2})?)?$") & dates.earliest(text).is_not_null()
        message = "is not a date, nor the year or the month of one"
        hint = "Write it as in 2021-05-31, 2021-05 or 2021."
    elif item.type == "time":
        fine = text.str.contains(r"^([01]\d|2[0-3]):[0-5]\d$")
        message, hint = "is not a time of day", "Write it as in 14:05."
    else:
        return []
    rows = frame.filter(text.is_not_null() & ~fine)
    return findings(rows, form, field=item.name, rule="item.type", message=message, hint=hint)


def _listed(study: Study, form: Form, item: Item, frame: pl.DataFrame) -> list[Finding]:
    codes = allowed(study, item)
    if codes is None:
        return []
    rows = frame.filter(pl.col("_value").is_not_null() & ~pl.col("_value").is_in(sorted(codes)))
    found = []
    for (value,), part in rows.group_by("_value", maintain_order=True):
        near = _meant(str(value), codes)
        few = ", ".join(sorted(codes)[:8]) + (" and others" if len(codes) > 8 else "")
        found += findings(
            part,
            form,
            field=item.name,
            rule="item.codelist",
            message=f"{item.label} is not one of its answers",
            hint=f"Did you mean {near}?" if near else f"Choose one of: {few}.",
        )
    return found


def _meant(value: str, codes: Collection[str]) -> str:
    """The code a value seems to mean: the same but for case and blanks, else the nearest."""
    same = [code for code in sorted(codes) if code.casefold() == value.strip().casefold()]
    return (same or get_close_matches(value, sorted(codes), n=1) or [""])[0]


def _in_range(form: Form, item: Item, frame: pl.DataFrame) -> list[Finding]:
    if item.type not in ("integer", "decimal") or (item.low is None and item.high is None):
        return []
    low, high = item.low, item.high
    value = pl.col("_typed")
    outside = pl.lit(value=False)
    if low is not None:
        outside |= value < low
    if high is not None:
        outside |= value > high
    bounds = " and ".join(
        part
        for part in (
            f"at least {low:g}" if low is not None else "",
            f"at most {high:g}" if high is not None else "",
        )
        if part
    )
    return findings(
        frame.filter(outside),
        form,
        field=item.name,
        rule="item.range",
        message=f"{item.label} is expected to be {bounds}",
        hint="Correct the value, or confirm it.",
        severity="warning",
        item=item,
    )


def _digits(form: Form, item: Item, frame: pl.DataFrame) -> list[Finding]:
    if item.type != "decimal" or item.decimals is None:
        return []
    fraction = pl.col("_value").str.strip_chars().str.find(".", literal=True)
    after = pl.col("_value").str.strip_chars().str.len_bytes() - fraction - 1
    return findings(
        frame.filter((after > item.decimals).fill_null(value=False)),
        form,
        field=item.name,
        rule="item.decimals",
        message=f"{item.label} has more than {item.decimals} digits after the point",
        hint="Round it as the form asks.",
        severity="warning",
        item=item,
    )


def _shown(form: Form, item: Item, frame: pl.DataFrame, context: pl.DataFrame) -> list[Finding]:
    """Required and absent, or there although the question does not apply."""
    shown = pl.lit(value=True)
    found = []
    if item.shown_when:
        holds = parse(item.shown_when).expr
        frame = frame.with_columns(_shown=context.select(holds.alias("_")).to_series())
        shown = pl.col("_shown").fill_null(value=False)
        found += findings(
            frame.filter(~pl.col("_shown") & pl.col("_value").is_not_null()),
            form,
            field=item.name,
            rule="item.skip",
            message=f"{item.label} must be empty: it is asked only when {item.shown_when}",
            hint="Empty it, or correct the answer it depends on.",
            item=item,
        )
    if item.required:
        found += findings(
            frame.filter(pl.col("_value").is_null() & pl.col("_reason").is_null() & shown),
            form,
            field=item.name,
            rule="item.required",
            message=f"{item.label} is missing",
            hint="Enter the value, or why it is missing.",
        )
    return found


def _calculated(
    form: Form, item: Item, frame: pl.DataFrame, context: pl.DataFrame
) -> list[Finding]:
    if not item.calculated:
        return []
    expected = context.select(parse(item.calculated).expr.alias("_expected")).to_series()
    if item.type in ("integer", "decimal"):
        tolerance = 0.5 * 10.0 ** -(item.decimals or 0) * (1 + 1e-9)
        differs = (pl.col("_typed") - pl.col("_expected")).abs() > tolerance
    else:
        differs = pl.col("_value") != pl.col("_expected").cast(pl.String)
    rows = frame.with_columns(_expected=expected).filter(differs)
    return [
        finding
        for (value,), part in rows.group_by("_expected", maintain_order=True)
        for finding in findings(
            part,
            form,
            field=item.name,
            rule="item.calculated",
            message=f"{item.label} differs from what the form's rule makes of it, {value}",
            hint="Correct it or the values it is calculated from.",
            item=item,
        )
    ]


def _ends(form: Form, texts: pl.DataFrame) -> list[Finding]:
    """An end that lies before its start, with every reading of partial dates given the benefit."""
    variables = {t.domain + t.variable: i for i in form.items for t in i.to}
    found = []
    for name, start in variables.items():
        end = variables.get(name.removesuffix("STDTC") + "ENDTC")
        if not name.endswith("STDTC") or end is None:
            continue
        rows = texts.filter(
            dates.latest(pl.col(end.name)) < dates.earliest(pl.col(start.name))
        ).with_columns(_value=pl.format("{} to {}", start.name, end.name))
        found += findings(
            rows,
            form,
            field=end.name,
            rule="item.end_before_start",
            message=f"{end.label} lies before {start.label}",
            hint="Correct one of the two dates.",
        )
    return found


def _same_key(form: Form, texts: pl.DataFrame) -> list[Finding]:
    """Rows of one visit that have the key of another: a lesion that is measured twice at a scan."""
    if not form.key:
        return []
    who = ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", form.key]
    first = pl.col("ROW").min().over(who)
    rows = texts.filter(pl.col(form.key).is_not_null()).with_columns(_first=first)
    item = form.item(form.key)
    found = []
    for (row,), part in rows.filter(pl.col("ROW") != pl.col("_first")).group_by("_first"):
        found += findings(
            part.with_columns(_value=pl.col(form.key)),
            form,
            field=form.key,
            rule="item.key",
            message=f"{item.label} stands in row {row} of the same visit too",
            hint="Keep one of the rows, or correct the number.",
            item=item,
        )
    return found
