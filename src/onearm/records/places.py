"""Findings from frames: the rows of a form that break a rule, as values that name their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from onearm.errors import Finding, Place, Severity
from onearm.study.forms import Form, Item


def subject_label(site: str, subject: str) -> str:
    """How a message names a subject: the subject's number, led by the site's where it lacks it."""
    return subject if subject.startswith(site) else f"{site}-{subject}"


def visit_label(visit: str, repeat: int) -> str:
    """How a message names a visit: its id, with the number of the repeat from the second on."""
    return f"{visit} {repeat}" if repeat > 1 else visit


def row_prefix(form: Form, row: int) -> str:
    """``lesion 2: `` for a repeating row, nothing otherwise: a message opens with it."""
    return f"{form.rows} {row}: " if form.rows else ""


def with_unit(value: object, item: Item | None) -> object:
    """A value as a message shows it: with the item's unit behind it."""
    unit = item.unit if item is not None else ""
    return f"{value} {unit}" if unit and value is not None else value


def findings(
    rows: pl.DataFrame,
    form: Form,
    *,
    field: str,
    rule: str,
    message: str | Callable[[object], str],
    hint: str = "",
    severity: Severity = "error",
    item: Item | None = None,
) -> list[Finding]:
    """One finding a row of ``rows``, which has the key columns and what was found as ``_value``."""
    columns = rows.select("SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "ROW", "_value")
    return [
        Finding(
            Place(
                subject_label(site, subject),
                visit_label(visit, repeat),
                form.form,
                field,
                row=row,
            ),
            with_unit(value, item),
            rule,
            row_prefix(form, row) + (message if isinstance(message, str) else message(value)),
            hint,
            severity,
        )
        for site, subject, visit, repeat, row, value in columns.iter_rows()
    ]


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Findings sorted by place, rule, message and value: the order of entries is no matter."""
    return sorted(found, key=lambda f: (f.place, f.rule, f.message, str(f.value)))
