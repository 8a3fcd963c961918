"""One item of an ODM file as an item of a study's form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from onearm.study.forms import ItemType
from onearm.study.odm.account import Account
from onearm.study.odm.expressions import Kind, Untranslatable, negated, to_sql
from onearm.study.odm.model import OdmCode, OdmItem, OdmItemRef, OdmMetadata, OdmRange
from onearm.study.text import Text

TYPES: Mapping[str, ItemType] = {
    "integer": "integer",
    "float": "decimal",
    "double": "decimal",
    "decimal": "decimal",
    "date": "date",
    "partialDate": "partial_date",
    "incompleteDate": "partial_date",
    "time": "time",
    "partialTime": "time",
    "incompleteTime": "time",
    "datetime": "datetime",
    "boolean": "yes_no",
}
"""ODM data types that are not plain text here; the others (parts of a date and time, URI, hex)
become text."""

COMPARE = {"LT": "<", "LE": "<=", "GT": ">", "GE": ">=", "EQ": "=", "NE": "<>"}
NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
OWN = "onearm SQL"
"""Context of the expressions that onearm writes: they come back as they are."""

Parts = dict[str, Any]


def words(text: Text) -> object:
    """A text as a study file holds it: plain where there is no Chinese."""
    return {"en": text.en, "zh": text.zh} if text.zh else text.en


def choices_of(codes: tuple[OdmCode, ...]) -> list[Parts]:
    """The answers of a code list."""
    return [{"code": c.code, "label": words(c.label) or c.code} for c in codes]


def item_parts(
    metadata: OdmMetadata,
    account: Account,
    ref: OdmItemRef,
    name: str,
    form: str,
    names: Mapping[str, str],
) -> Parts:
    """The keys of an item in a form's file.

    names: OID -> name of the items of the same form, for skip logic. What cannot be carried goes
    into ``account``.
    """
    item = metadata.items[ref.item]
    parts: Parts = {
        "name": name,
        "label": words(item.question) or words(item.description) or item.name,
        "type": TYPES.get(item.data_type, "text"),
        "required": ref.is_mandatory or None,
        "identifies": item.identifies or None,
        "decimals": item.digits if item.data_type in ("float", "double", "decimal") else None,
        "unit": _unit(metadata, item, ref, account),
    }
    if item.description.en and item.question.en and item.description != item.question:
        parts["help"] = words(item.description)
    elif item.note:
        parts["help"] = item.note
    if len(item.units) > 1:
        reason = "an item has one unit here; the first is kept"
        account.leave("MeasurementUnitRef", reason, len(item.units) - 1)
    codelist = metadata.codelists.get(item.codelist)
    if codelist is not None and codelist.codes:
        parts |= {"type": "code", "choices": choices_of(codelist.codes), "decimals": None}
    if item.is_file:
        account.leave("ItemDef@redcap:FieldType", "a file: the item is kept as text, see Files")
    own = item.notes.get("item")
    if own is not None:
        return _own(parts, metadata, item, ref, json.loads(own))
    _ranges(parts, item, account, name, form)
    shown = _shown_when(metadata, account, item, ref, names)
    if shown:
        parts["shown_when"] = shown
    if ref.method:
        rule = metadata.methods.get(ref.method)
        context = rule.context if rule else ""
        reason = f"a formula in the language {context or 'of another system'}; write it in SQL"
        account.leave("ItemRef@MethodOID", reason)
    return parts


def _unit(metadata: OdmMetadata, item: OdmItem, ref: OdmItemRef, account: Account) -> str:
    """The unit by its list, or in ODM 2.0 the one code of the item that the reference points to."""
    if item.units:
        return metadata.units.get(item.units[0], item.units[0])
    holder = metadata.items.get(ref.unit_item)
    if holder is None:
        return ""
    codelist = metadata.codelists.get(holder.codelist)
    if codelist is not None and len(codelist.codes) == 1:
        return codelist.codes[0].code
    account.leave("ItemRef@UnitsItemOID", "the unit is collected in an item of its own")
    return ""


def _own(
    parts: Parts, metadata: OdmMetadata, item: OdmItem, ref: OdmItemRef, notes: Parts
) -> Parts:
    """An item that onearm wrote: what the standard holds, and behind it what its notes say."""
    codes = notes.pop("codes", "")
    if codes or notes["type"] == "yes_no":
        parts.pop("choices", None)
    if item.description.en:
        parts["help"] = words(item.description)
    for bound in item.ranges:
        number = float(bound.values[0])
        parts["low" if bound.comparator == "GE" else "high"] = number
    condition, method = metadata.conditions.get(ref.condition), metadata.methods.get(ref.method)
    if condition is not None:
        parts["shown_when"] = condition.expression.removeprefix("NOT (").removesuffix(")")
    if method is not None:
        parts["calculated"] = method.expression
    parts["decimals"] = item.digits
    return {**parts, "codes": codes, **notes}


def _ranges(parts: Parts, item: OdmItem, account: Account, name: str, form: str) -> None:
    numeric = parts["type"] in ("integer", "decimal")
    checks: list[Parts] = []
    for number, check in enumerate(item.ranges, start=1):
        bound = {"GE": "low", "LE": "high"}.get(check.comparator)
        plain = numeric and len(check.values) == 1 and NUMBER.match(check.values[0])
        if bound and plain and not check.is_hard and bound not in parts:
            parts[bound] = float(check.values[0])
            continue
        condition = _condition(check, name, numeric=numeric)
        if condition is None:
            reason = "compares what SQL cannot compare with the item's type"
            account.leave("RangeCheck", reason)
            continue
        said = check.message if check.message.en else Text(en=f"{name}: expected {condition}")
        checks.append(
            {
                "id": f"{form}-{name}-{number}",
                "require": condition,
                "says": words(said),
                "severity": "hard" if check.is_hard else "soft",
            }
        )
    if checks:
        parts["checks"] = checks


def _condition(check: OdmRange, name: str, *, numeric: bool) -> str | None:
    if not check.values or (numeric and not all(NUMBER.match(v) for v in check.values)):
        return None
    values = list(check.values) if numeric else [v.replace("'", "''") for v in check.values]
    values = values if numeric else [f"'{v}'" for v in values]
    if check.comparator in ("IN", "NOTIN"):
        word = "IN" if check.comparator == "IN" else "NOT IN"
        return f"{name} {word} ({', '.join(values)})"
    if check.comparator not in COMPARE or (not numeric and check.comparator not in ("EQ", "NE")):
        return None
    return f"{name} {COMPARE[check.comparator]} {values[0]}"


def _shown_when(
    metadata: OdmMetadata,
    account: Account,
    item: OdmItem,
    ref: OdmItemRef,
    names: Mapping[str, str],
) -> str:
    """Skip logic as SQL; empty where there is none or where it cannot be said."""
    short = {oid.split(".")[-1]: oid for oid in names} | {oid: oid for oid in names}

    def item_of(foreign: str) -> tuple[str, Kind] | None:
        oid = short.get(foreign)
        if oid is None:
            return None
        other = metadata.items[oid]
        held = "" if other.codelist else TYPES.get(other.data_type, "")
        kinds: dict[str, Kind] = {"integer": "number", "decimal": "number", "yes_no": "truth"}
        return names[oid], kinds.get(held, "text")

    if item.branching:
        try:
            return to_sql(item.branching, item_of)
        except Untranslatable as problem:
            account.leave("ItemDef@redcap:BranchingLogic", f"skip logic: {problem}")
            return ""
    rule = metadata.conditions.get(ref.condition)
    if rule is None:
        return ""
    if rule.context == OWN:
        return rule.expression.removeprefix("NOT (").removesuffix(")")
    try:
        return negated(to_sql(rule.expression, item_of))
    except Untranslatable as problem:
        account.leave("ItemRef@CollectionExceptionConditionOID", f"skip logic: {problem}")
        return ""
