"""Skip conditions in words: ``AESER = 'Y'`` as “Serious: Yes”; others as they are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from onearm.records.codes import choices

if TYPE_CHECKING:
    from onearm.paper.words import Words
    from onearm.study import Study
    from onearm.study.forms import Form, Item

EQUAL = re.compile(r"^(?P<name>\w+)\s*(?P<sign>=|<>)\s*'(?P<code>[^']*)'$")
ANY_OF = re.compile(r"^(?P<name>\w+)\s+IN\s*\((?P<codes>[^()]*)\)$", re.IGNORECASE)
BEGINS = re.compile(r"^(?P<name>\w+)\s+LIKE\s+'(?P<start>[^'%_]+)%'$", re.IGNORECASE)
AMONG = re.compile(r"^(?P<name>\w+)\s+LIKE\s+'%(?P<code>[^'%]+)%'$", re.IGNORECASE)
NEGATED = re.compile(r"^NOT(?:\s*\((?P<inner>[^()]+)\)|\s+(?P<bare>[^()]+))$", re.IGNORECASE)
BOTH = re.compile(r"\s+AND\s+", re.IGNORECASE)
EITHER = re.compile(r"\s+OR\s+", re.IGNORECASE)


def in_words(study: Study, form: Form, condition: str, words: Words) -> str:
    """The condition for a person to read; itself where it is none of the plain kinds.

    Plain are comparisons of items of the form (and of the visit) with codes, beginnings of codes,
    and several of these joined by one kind of AND or OR.
    """
    # AND within a quoted code would be cut in two: such a condition stays as it is written.
    is_mixed = BOTH.search(condition) and EITHER.search(condition)
    parts = [] if is_mixed else (BOTH if BOTH.search(condition) else EITHER).split(condition)
    told = [_part(study, form, part.strip(), words) for part in parts]
    if not told or not all(told):
        return condition
    return words("if.and" if BOTH.search(condition) else "if.or").join(told)


def _part(study: Study, form: Form, part: str, words: Words) -> str:
    """One comparison in words; empty where it is none of the plain kinds."""
    if (found := NEGATED.match(part)) is not None:
        inner = _part(study, form, (found["inner"] or found["bare"]).strip(), words)
        return words("if.not", what=inner) if inner else ""
    if (found := EQUAL.match(part)) is not None:
        text = _of(study, form, found["name"], (found["code"],), words)
        return words("if.not", what=text) if text and found["sign"] == "<>" else text
    if (found := ANY_OF.match(part)) is not None:
        codes = tuple(code.strip().strip("'") for code in found["codes"].split(","))
        return _of(study, form, found["name"], codes, words)
    if (found := AMONG.match(part)) is not None:
        item = _item(form, found["name"])
        if item is None or item.type != "multiple":
            return ""
        known = dict(choices(study, item, words.language))
        told = known.get(found["code"], found["code"])
        return words("if.among", label=words.said(item.label), what=told)
    if (found := BEGINS.match(part)) is not None:
        item = _item(form, found["name"])
        label = words.said(item.label) if item else ""
        return words("if.begins", label=label, start=found["start"]) if label else ""
    return ""


def _of(study: Study, form: Form, name: str, codes: tuple[str, ...], words: Words) -> str:
    if name == "VISIT":
        visits = (
            {v.id: words.said(v.label) for v in study.schedule.visits} if study.schedule else {}
        )
        told, label = [visits.get(code, code) for code in codes], words("visit")
    else:
        item = _item(form, name)
        if item is None:
            return ""
        known = dict(choices(study, item, words.language))
        told, label = [known.get(code, code) for code in codes], words.said(item.label)
    return words("if.is", label=label, what=words("if.or").join(told))


def _item(form: Form, name: str) -> Item | None:
    return next((item for item in form.items if item.name == name), None)
