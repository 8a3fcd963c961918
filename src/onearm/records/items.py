"""The standing checks of every item: type, list, range, digits, presence, skip logic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from onearm import dates
from onearm.errors import Finding, Severity
from onearm.expr import parse
from onearm.records.codes import allowed, choices
from onearm.records.model import Records
from onearm.records.places import findings
from onearm.study import Study
from onearm.study.forms import SEPARATOR, Form, Item
from onearm.study.itemtypes import TYPES

CENSORED = r"^\s*[<>]=?\s*\d+(\.\d+)?\s*$"
"""A result outside a laboratory's measuring range, ``<40``: text, and no mistake."""

MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$"
"""ISO 8601 to the minute or the second, without a zone: as the clock at the site showed it."""

NUMBER = r"^\s*[-+]?\d+(\.\d+)?\s*$"
KIND = {
    "integer": "a whole number", "decimal": "a number", "date": "a complete date",
    "datetime": "a date with a time of day",
}  # fmt: skip
EXAMPLE = {
    "integer": "42", "decimal": "4.5", "date": "2021-05-31", "datetime": "2021-05-31T14:05",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rule:
    """One standing check of one item.

    broken: whether a row breaks it, over the columns of `_beside`; unknown breaks nothing. tell:
    the findings of the rows that do, which hold what was found as ``_value``.
    """

    broken: pl.Expr
    tell: Callable[[pl.DataFrame], list[Finding]]


def check_items(
    study: Study, records: Records, form: Form, context: pl.DataFrame
) -> Iterator[Finding]:
    """All standing checks of one form.

    context: the form's typed frame with the columns that conditions may read, rows as in
    ``records.forms``.
    """
    rules = [rule for item in form.items for rule in _of_item(study, records, form, item)]
    rules += _ends(form)
    frame = _beside(records, form, context)
    # All rules in one pass: a form that is being filled in has few rows and many rules.
    broken = frame.select(
        rule.broken.fill_null(value=False).alias(str(n)) for n, rule in enumerate(rules)
    )
    hit = broken.select(pl.all().any()).row(0) if rules else ()
    for n, rule in enumerate(rules):
        if hit[n]:
            yield from rule.tell(frame.filter(broken[str(n)]))
    yield from _same_key(form, records.texts[form.form])


def _text(item: Item) -> pl.Expr:
    return pl.col(f"text.{item.name}")


def _beside(records: Records, form: Form, context: pl.DataFrame) -> pl.DataFrame:
    """The context with each item's text as it was typed, ``text.NAME``, beside its typed value."""
    texts = records.texts[form.form]
    return context.with_columns(texts[i.name].alias(f"text.{i.name}") for i in form.items)


def _tells(
    form: Form,
    item: Item,
    rule: str,
    message: str,
    hint: str,
    *,
    severity: Severity = "error",
    shows_unit: bool = True,
) -> Callable[[pl.DataFrame], list[Finding]]:
    """What says one thing of each row that breaks a rule, with the text that was typed."""

    def tell(rows: pl.DataFrame) -> list[Finding]:
        return findings(
            rows.with_columns(_value=_text(item)),
            form,
            field=item.name,
            rule=rule,
            message=message,
            hint=hint,
            severity=severity,
            item=item if shows_unit else None,
        )

    return tell


def _of_item(study: Study, records: Records, form: Form, item: Item) -> Iterator[_Rule]:
    yield from _type(form, item)
    yield from _listed(study, form, item)
    yield from _in_range(form, item)
    yield from _digits(form, item)
    yield from _skipped(form, item)
    yield from _required(records, form, item)
    yield from _calculated(form, item)


def _type(form: Form, item: Item) -> Iterator[_Rule]:
    text = _text(item)
    if item.type in TYPES:
        fine = pl.col(item.name).is_not_null()
        if item.type == "decimal":
            fine = (fine & text.str.contains(NUMBER)) | text.str.contains(CENSORED)
        if item.type == "datetime":
            fine &= text.str.contains(MOMENT)
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
        return

    tell = _tells(form, item, "item.type", message, hint, shows_unit=False)
    yield _Rule(text.is_not_null() & ~fine, tell)


def _listed(study: Study, form: Form, item: Item) -> Iterator[_Rule]:
    codes = allowed(study, item)
    if codes is None:
        return
    text = _text(item)
    in_order = [code for code, _ in choices(study, item, "en")]

    def tell(rows: pl.DataFrame) -> list[Finding]:
        found = []
        for (value,), part in rows.group_by(_value=text, maintain_order=True):
            near = _meant_all(item, str(value), in_order)
            few = ", ".join(sorted(codes)[:8]) + (" and others" if len(codes) > 8 else "")
            found += findings(
                part.with_columns(_value=text),
                form,
                field=item.name,
                rule="item.codelist",
                message=f"{item.label} is not one of its answers",
                hint=f"Did you mean {near}?" if near else f"Choose one of: {few}.",
            )
        return found

    if item.type == "multiple":
        place = {code: at for at, code in enumerate(in_order)}
        at = text.str.split(SEPARATOR).list.eval(
            pl.element().replace_strict(place, default=-1, return_dtype=pl.Int64)
        )
        rising = (at.list.diff().list.min() > 0).fill_null(value=True)
        broken = (at.list.min() < 0) | ~rising
    else:
        broken = ~text.is_in(sorted(codes))
    yield _Rule(text.is_not_null() & broken, tell)


def _meant_all(item: Item, value: str, in_order: list[str]) -> str:
    """What a value seems to mean: each code the nearest, once, in the order of the list."""
    meant = {_meant(part, in_order) for part in item.codes_in(value) if part}
    return "" if "" in meant else SEPARATOR.join(c for c in in_order if c in meant)


def _meant(value: str, codes: Collection[str]) -> str:
    """The code a value seems to mean: the same but for case and blanks, else the nearest."""
    same = [code for code in sorted(codes) if code.casefold() == value.strip().casefold()]
    return (same or get_close_matches(value, sorted(codes), n=1) or [""])[0]


def _in_range(form: Form, item: Item) -> Iterator[_Rule]:
    if item.type not in ("integer", "decimal") or (item.low is None and item.high is None):
        return
    low, high = item.low, item.high
    value = pl.col(item.name)
    outside = pl.lit(value=False)
    if low is not None:
        outside |= value < low
    if high is not None:
        outside |= value > high
    bounds = " and ".join(
        part
        for part in (
            f"at least {low:.15g}" if low is not None else "",
            f"at most {high:.15g}" if high is not None else "",
        )
        if part
    )

    message, hint = f"{item.label} is expected to be {bounds}", "Correct the value, or confirm it."
    yield _Rule(outside, _tells(form, item, "item.range", message, hint, severity="warning"))


def _digits(form: Form, item: Item) -> Iterator[_Rule]:
    if item.type != "decimal" or item.decimals is None:
        return
    stripped = _text(item).str.strip_chars()
    after = stripped.str.len_bytes() - stripped.str.find(".", literal=True) - 1
    message = f"{item.label} has more than {item.decimals} digits after the point"
    tell = _tells(
        form, item, "item.decimals", message, "Round it as the form asks.", severity="warning"
    )
    yield _Rule(after > item.decimals, tell)


def _skipped(form: Form, item: Item) -> Iterator[_Rule]:
    """There, although the question does not apply."""
    if not item.shown_when:
        return
    message = f"{item.label} must be empty: it is asked only when {item.shown_when}"
    hint = "Empty it, or correct the answer it depends on."
    hidden = ~parse(item.shown_when).expr & _text(item).is_not_null()
    yield _Rule(hidden, _tells(form, item, "item.skip", message, hint))


def _required(records: Records, form: Form, item: Item) -> Iterator[_Rule]:
    """Asked and absent, and nobody says why."""
    if not item.required:
        return
    missing = _text(item).is_null()
    if item.name in records.reasons[form.form].columns:
        missing &= pl.lit(records.reason(form.form, item.name)).is_null()
    if item.shown_when:
        missing &= parse(item.shown_when).holds()
    message, hint = f"{item.label} is missing", "Enter the value, or why it is missing."
    yield _Rule(missing, _tells(form, item, "item.required", message, hint))


def calculation(item: Item) -> pl.Expr:
    """What a calculated item comes to; null where an input is missing and for what is no number,
    such as a quotient by zero."""
    expected = parse(item.calculated).expr
    if item.type not in ("integer", "decimal"):
        return expected
    return pl.when(expected.cast(pl.Float64, strict=False).is_finite()).then(expected)


def _calculated(form: Form, item: Item) -> Iterator[_Rule]:
    """Another value than the formula makes, or one whose inputs are not there any more."""
    if not item.calculated:
        return
    expected = calculation(item)
    if item.type in ("integer", "decimal"):
        tolerance = 0.5 * 10.0 ** -(item.decimals or 0) * (1 + 1e-9)
        differs = (pl.col(item.name) - expected).abs() > tolerance
    else:
        differs = pl.col(item.name) != expected.cast(
            TYPES.get(item.type, pl.String()), strict=False
        )
    baseless = _text(item).is_not_null() & expected.is_null()

    def tell(rows: pl.DataFrame) -> list[Finding]:
        return [
            finding
            for (value,), part in rows.group_by(_expected=expected, maintain_order=True)
            for finding in findings(
                part.with_columns(_value=_text(item)),
                form,
                field=item.name,
                rule="item.calculated",
                message=f"{item.label} differs from what the form's rule makes of it, "
                f"{'nothing' if value is None else value}",
                hint="Correct it or the values it is calculated from.",
                item=item,
            )
        ]

    yield _Rule(differs | baseless, tell)


def _ends(form: Form) -> Iterator[_Rule]:
    """An end that lies before its start, with every reading of partial dates given the benefit."""
    for item in form.items:
        start = start_of(form, item)
        if start is not None:
            yield _ends_before(form, start, item)


def start_of(form: Form, item: Item) -> Item | None:
    """The item that begins what this one ends, by their SDTM variables (--STDTC, --ENDTC)."""
    ends = [t.domain + t.variable for t in item.to if t.variable.endswith("ENDTC")]
    if not ends:
        return None
    starts = {t.domain + t.variable: other for other in form.items for t in other.to}
    found = (starts.get(end.removesuffix("ENDTC") + "STDTC") for end in ends)
    return next((other for other in found if other is not None), None)


def _ends_before(form: Form, start: Item, end: Item) -> _Rule:
    def tell(rows: pl.DataFrame) -> list[Finding]:
        return findings(
            rows.with_columns(_value=pl.format("{} to {}", _text(start), _text(end))),
            form,
            field=end.name,
            rule="item.end_before_start",
            message=f"{end.label} lies before {start.label}",
            hint="Correct one of the two dates.",
        )

    return _Rule(dates.latest(_text(end)) < dates.earliest(_text(start)), tell)


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
