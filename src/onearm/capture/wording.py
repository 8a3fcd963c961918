"""What checks find, in the reader's language: templates by rule, and the study's own sentences."""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from onearm.capture import kept_words, words
from onearm.records.entry import RULE as BORDER
from onearm.study.cases import checks_of

if TYPE_CHECKING:
    from onearm.capture.models import Query
    from onearm.errors import Finding
    from onearm.study import Study
    from onearm.study.forms import Check, Form, Item


@cache
def table() -> dict[str, dict[str, str]]:
    """By standing rule its sentence in each language; from ``findings.csv``."""
    text = files("onearm.capture").joinpath("findings.csv").read_text(encoding="utf-8")
    return {row.pop("rule"): row for row in csv.DictReader(text.splitlines())}


def finding_text(study: Study, finding: Finding) -> str:
    """A finding in the reader's language; as it was found where no sentence is known for it."""
    place = finding.place
    own = " ".join(filter(None, (finding.message, finding.hint)))
    if finding.rule == BORDER and (text := _border_text(finding)):
        return text
    return _text(study, place.form, place.field, finding.rule, finding.value, own)


def query_text(study: Study, query: Query, value: object = None) -> str:
    """What a query asks, in the reader's language; a person's question as it was written.

    value: what stands in the cell, for the sentences that show it.
    """
    if not query.check_id:
        return query.text
    return _text(study, query.form, query.item, query.check_id, value, query.text)


def covered_query(study: Study | None, query: Query) -> str:
    """What a query asks of an item whose value the reader may not read.

    Sentences of standing rules show the value: it is covered. A person's words are as written.
    """
    if not query.check_id or study is None:
        return query.text if not query.check_id else words.say("identity.asked")
    plain = words.say("identity.asked")
    return _text(study, query.form, query.item, query.check_id, words.say("identity.hidden"), plain)


def _text(study: Study, form_id: str, item_id: str, rule: str, value: object, own: str) -> str:
    form = study.forms.get(form_id)
    if form is None:
        return own
    check = _checks(form).get(rule)
    if check is not None:
        between = "" if words.language() == "zh" else " "
        hint = between + words.said(check.hint) if check.hint else ""
        return _sentence(words.said(check.says)) + hint
    item = next((i for i in form.items if i.name == item_id), None)
    template = _template(rule, item)
    if template is None:
        return own
    return template.format(
        label=words.said(item.label) if item else words.said(form.label),
        value=value if value not in (None, "") else _say("nothing"),
        bounds=_bounds(item) if item else "",
        decimals=item.decimals if item else "",
        item=item_id,
    )


def _border_text(finding: Finding) -> str:
    """A finding about an entry's names and numbers, which tells them in its sentence alone.

    Empty for a sentence that is not in the table.
    """
    for key, row in table().items():
        found = kept_words.parts(row["en"], finding.message) if key.startswith("border.") else None
        if found is not None and words.language() == "en":
            return " ".join(filter(None, (_sentence(finding.message), finding.hint)))
        if found is not None:
            return row[words.language()].format(**found)
    return ""


def _template(rule: str, item: Item | None) -> str | None:
    kind = f"{rule}.{item.type}" if item else rule
    row = table().get(kind) or table().get(rule)
    return row[words.language()] if row else None


def _say(key: str) -> str:
    return table()[key][words.language()]


def plain(number: float) -> str:
    """A number as people write it: ``1000000``, ``0.0005``, ``38``; never with an exponent."""
    return f"{Decimal(repr(number)).normalize():f}"


def _bounds(item: Item) -> str:
    low, high = (
        "" if limit is None else f"{plain(limit)} {item.unit}".strip()
        for limit in (item.low, item.high)
    )
    if low and high:
        return _say("bound.both").format(low=low, high=high)
    return _say("bound.low").format(low=low) if low else _say("bound.high").format(high=high)


def _checks(form: Form) -> dict[str, Check]:
    return {check.id: check for check in checks_of(form)}


def _sentence(text: str) -> str:
    """The study's words as a sentence: in English with a capital, in both with a full stop."""
    if not text or text[-1] in ".?!。？！":
        return text[:1].upper() + text[1:]
    return text[0].upper() + text[1:] + ("。" if words.language() == "zh" else ".")
