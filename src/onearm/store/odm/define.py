"""A study's visits, forms, items and codelists as ODM 1.3.2 elements (2.0: `second`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from lxml import etree

from onearm.store.odm.taking import XML
from onearm.study.odm.items import OWN
from onearm.study.termfiles import own_terms
from onearm.study.text import Text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from onearm.study import Study
    from onearm.study.forms import Choice, Form, Item, ItemType
    from onearm.study.schedule import Visit

SPACE = "http://www.cdisc.org/ns/odm/v1.3"
MISSING = "CL.MISSING_REASON"
YES_NO = "CL.YES_NO"
REASONS = (
    ("ND", Text(en="Not done", zh="未做")),
    ("UNK", Text(en="Unknown", zh="不详")),
    ("NA", Text(en="Not applicable", zh="不适用")),
)
TYPES: Mapping[ItemType, str] = {
    "text": "text",
    "integer": "integer",
    "decimal": "float",
    "date": "date",
    "partial_date": "partialDate",
    "time": "partialTime",
    "datetime": "partialDatetime",
    "code": "text",
    "multiple": "text",
    "yes_no": "text",
}
NATIVE = {
    "name", "label", "unit", "choices", "low", "high", "decimals", "required", "shown_when",
    "calculated", "help",
}  # fmt: skip
"""Keys of an item that ODM has words for; the others stand in an Alias that onearm reads back."""


def made(parent: _Element | None, name: str, **attributes: str) -> _Element:
    """An element of the standard's namespace; empty attributes are left out."""
    tag = f"{{{SPACE}}}{name}"
    kept = {key: value for key, value in attributes.items() if value != ""}
    if parent is None:
        return etree.Element(tag, kept, nsmap={None: SPACE})
    return etree.SubElement(parent, tag, kept)


def metadata(study: Study, files: Mapping[str, str], former: Iterable[Study] = ()) -> _Element:
    """The Study element.

    files: files of the study's folder, kept word for word. former: earlier versions of the study,
    newest first; their visits, forms and items that this one has not are marked as such.
    """
    old_visits, old_forms = _former(study, former)
    root = made(None, "Study", OID=study_oid(study))
    heads = made(root, "GlobalVariables")
    for name, text in (
        ("StudyName", study.name),
        ("StudyDescription", study.title.en),
        ("ProtocolName", study.id),
    ):
        made(heads, name).text = text
    units = _units(study)
    basics = made(root, "BasicDefinitions")
    for unit, oid in units.items():
        holder = made(basics, "MeasurementUnit", OID=oid, Name=unit)
        _text(made(holder, "Symbol"), Text(en=unit))
    version = made(root, "MetaDataVersion", OID=version_oid(study), Name=study.version[:12])
    _protocol(version, study, files)
    for visit in study.schedule.visits if study.schedule else ():
        _event(version, visit)
    for visit in old_visits:
        _note(_event(version, visit), "former", {})
    for form in study.forms.values():
        _form(version, form)
    for form in old_forms.values():
        if form.form not in study.forms:
            _note(_form(version, form), "former", {})
    nothing: tuple[Item, ...] = ()
    for form in (dict(old_forms) | dict(study.forms)).values():
        asked = form.items if form.form in study.forms else nothing
        old = old_forms[form.form].items if form.form in old_forms else nothing
        _group(version, form, asked, old)
    for form in study.forms.values():
        for item in form.items:
            _item(version, study, form, item, units)
    for form in old_forms.values():
        for item in form.items:
            _former_item(version, form, item)
    for codelist in _codelists(study):
        version.append(codelist)
    for form in study.forms.values():
        _conditions(version, form)
    for form in study.forms.values():
        _methods(version, form)
    return root


def _former(study: Study, former: Iterable[Study]) -> tuple[list[Visit], dict[str, Form]]:
    """Visits that a study no longer has, and by form the items that it no longer asks."""
    visits = {visit.id: visit for visit in study.schedule.visits} if study.schedule else {}
    old_visits: dict[str, Visit] = {}
    asked = {(form.form, item.name) for form in study.forms.values() for item in form.items}
    forms: dict[str, Form] = {}
    items: dict[str, dict[str, Item]] = {}
    for version in former:
        for visit in version.schedule.visits if version.schedule else ():
            if visit.id not in visits:
                old_visits.setdefault(visit.id, visit)
        for form in version.forms.values():
            for item in form.items:
                if (form.form, item.name) not in asked:
                    forms.setdefault(form.form, form)
                    items.setdefault(form.form, {}).setdefault(item.name, item)
    return list(old_visits.values()), {
        name: form.model_copy(update={"items": tuple(items[name].values())})
        for name, form in forms.items()
    }


def study_oid(study: Study) -> str:
    """The OID of the study."""
    return f"ST.{study.id}"


def version_oid(study: Study) -> str:
    """The OID of this version of the study: its hash, shortened."""
    return f"MDV.{study.version[:12]}"


def item_oid(form: str, item: str) -> str:
    """The OID of an item."""
    return f"I.{form}.{item}"


def _protocol(version: _Element, study: Study, files: Mapping[str, str]) -> None:
    protocol = made(version, "Protocol")
    visits = study.schedule.visits if study.schedule else ()
    for number, visit in enumerate(visits, start=1):
        made(
            protocol,
            "StudyEventRef",
            StudyEventOID=f"SE.{visit.id}",
            OrderNumber=str(number),
            Mandatory="No",
        )
    schedule = study.schedule
    notes = schedule.model_dump(mode="json", exclude={"visits"}) if schedule else {}
    _note(protocol, "schedule", notes)
    for name, text in sorted(files.items()):
        made(protocol, "Alias", Context=f"onearm:file/{name}", Name=text)
    for name, table in study.terms.items():
        is_said = "code" in table.columns and not table.is_empty()  # ODM has no empty list
        is_made = name in own_terms(study.identity)
        if not (is_said or is_made) and f"terms/{name}.csv" not in files:
            text = table.write_csv()
            made(protocol, "Alias", Context=f"onearm:file/terms/{name}.csv", Name=text)


def _event(version: _Element, visit: Visit) -> _Element:
    repeats = visit.repeat is not None or visit.kind == "unscheduled"
    kinds = {"planned": "Scheduled", "event": "Unscheduled", "unscheduled": "Unscheduled"}
    event = made(
        version,
        "StudyEventDef",
        OID=f"SE.{visit.id}",
        Name=visit.name,
        Repeating="Yes" if repeats else "No",
        Type=kinds.get(visit.kind, "Common"),
    )
    _text(made(event, "Description"), visit.label)
    for number, form in enumerate(visit.forms, start=1):
        made(event, "FormRef", FormOID=f"F.{form}", OrderNumber=str(number), Mandatory="No")
    _note(event, "visit", visit.model_dump(mode="json", exclude={"id", "name", "label", "forms"}))
    return event


def _form(version: _Element, form: Form) -> _Element:
    root = made(version, "FormDef", OID=f"F.{form.form}", Name=form.label.en, Repeating="No")
    _text(made(root, "Description"), form.label)
    made(root, "ItemGroupRef", ItemGroupOID=f"IG.{form.form}", OrderNumber="1", Mandatory="No")
    exclude = {"form", "label", "items"}
    _note(root, "form", form.model_dump(mode="json", exclude=exclude, exclude_none=True))
    return root


def _group(version: _Element, form: Form, items: Iterable[Item], former: Iterable[Item]) -> None:
    repeats = "Yes" if form.rows else "No"
    group = made(version, "ItemGroupDef", OID=f"IG.{form.form}", Name=form.form, Repeating=repeats)
    _text(made(group, "Description"), form.label)
    number = 0
    for number, item in enumerate(items, start=1):
        oid = f"{form.form}.{item.name}"
        made(
            group,
            "ItemRef",
            ItemOID=f"I.{oid}",
            OrderNumber=str(number),
            Mandatory="Yes" if item.required else "No",
            CollectionExceptionConditionOID=f"C.{oid}" if item.shown_when else "",
            MethodOID=f"M.{oid}" if item.calculated else "",
        )
    for at, item in enumerate(former, start=number + 1):
        oid = item_oid(form.form, item.name)
        made(group, "ItemRef", ItemOID=oid, OrderNumber=str(at), Mandatory="No")


def _item(
    version: _Element, study: Study, form: Form, item: Item, units: Mapping[str, str]
) -> None:
    root = made(
        version,
        "ItemDef",
        OID=item_oid(form.form, item.name),
        Name=item.name,
        DataType=TYPES[item.type],
        SignificantDigits="" if item.decimals is None else str(item.decimals),
    )
    if item.help is not None:
        _text(made(root, "Description"), item.help)
    _text(made(root, "Question"), item.label)
    if item.unit:
        made(root, "MeasurementUnitRef", MeasurementUnitOID=units[item.unit])
    for comparator, bound in (("GE", item.low), ("LE", item.high)):
        if bound is not None:
            check = made(root, "RangeCheck", Comparator=comparator, SoftHard="Soft")
            made(check, "CheckValue").text = repr(bound)
    codelist = _codelist_oid(form, item)
    table = study.terms.get(item.codes)
    if codelist and (item.choices or table is None or not table.is_empty()):
        made(root, "CodeListRef", CodeListOID=codelist)
    # A value of several codes is none of the list's: the answers stand in the Alias alone.
    said = NATIVE - {"choices"} if item.type == "multiple" else NATIVE
    notes = item.model_dump(mode="json", exclude=said, exclude_none=True)
    _note(root, "item", notes)


def _former_item(version: _Element, form: Form, item: Item) -> None:
    """An item that is asked no longer: what it was, so that its values can be read."""
    oid = item_oid(form.form, item.name)
    root = made(version, "ItemDef", OID=oid, Name=item.name, DataType=TYPES[item.type])
    _text(made(root, "Question"), item.label)
    _note(root, "former", item.model_dump(mode="json", exclude_none=True))


def _conditions(version: _Element, form: Form) -> None:
    """Skip logic as conditions under which an item is not asked."""
    for item in form.items:
        oid = f"{form.form}.{item.name}"
        if item.shown_when:
            rule = made(version, "ConditionDef", OID=f"C.{oid}", Name=f"{oid} is not asked")
            _text(made(rule, "Description"), Text(en=f"{item.label} is not asked"))
            expression = made(rule, "FormalExpression", Context=OWN)
            expression.text = f"NOT ({item.shown_when})"


def _methods(version: _Element, form: Form) -> None:
    """Formulas as methods."""
    for item in form.items:
        oid = f"{form.form}.{item.name}"
        if item.calculated:
            rule = made(version, "MethodDef", OID=f"M.{oid}", Name=oid, Type="Computation")
            _text(made(rule, "Description"), Text(en=f"{item.label} is calculated"))
            made(rule, "FormalExpression", Context=OWN).text = item.calculated


def _codelist_oid(form: Form, item: Item) -> str:
    if item.type == "yes_no":
        return YES_NO
    if item.type == "multiple":
        return ""
    if item.choices:
        return f"CL.{form.form}.{item.name}"
    return f"CL.{item.codes}" if item.codes else ""


def _codelists(study: Study) -> Iterator[_Element]:
    """Shared codelists once each, then those of single items."""
    from onearm.study.model import YES_NO as TRUTHS

    named: dict[str, Item] = {}
    for form in study.forms.values():
        for item in form.items:
            if item.codes and not item.choices and item.type != "yes_no":
                named.setdefault(item.codes, item)
    yield _codelist(MISSING, "Why a value is missing", REASONS, {"kind": "own"})
    pairs = [(choice.code, choice.label) for choice in TRUTHS]
    yield _codelist(YES_NO, "Yes or no", pairs, {"kind": "own"})
    made_here = own_terms(study.identity)
    for name in sorted({*named, *study.terms}):
        table = study.terms.get(name)
        if table is None:
            yield _codelist(
                f"CL.{name}", name, _pairs(study.choices(named[name])), {"kind": "cdisc"}
            )
        elif "code" in table.columns and not table.is_empty():
            kind = "own" if name in made_here else "terms"
            about = {"kind": kind, "name": name, "columns": table.columns}
            root = _codelist(f"CL.{name}", name, (), about)
            for row in reversed(list(table.iter_rows(named=True))):
                label = Text(en=row["en"] or "", zh=row["zh"] or "")
                rest = {k: v for k, v in row.items() if k not in ("code", "en", "zh") and v}
                root.insert(0, _code(row["code"], label, rest))
            yield root
    for form in study.forms.values():
        for item in form.items:
            if item.choices and (oid := _codelist_oid(form, item)):
                name = f"{form.form}.{item.name}"
                yield _codelist(oid, name, _pairs(item.choices), {"kind": "choices"})


def _pairs(choices: Iterable[Choice]) -> list[tuple[str, Text]]:
    return [(choice.code, choice.label) for choice in choices]


def _codelist(
    oid: str, name: str, codes: Iterable[tuple[str, Text]], about: Mapping[str, object]
) -> _Element:
    root = made(None, "CodeList", OID=oid, Name=name, DataType="text")
    for code, label in codes:
        root.append(_code(code, label, {}))
    _note(root, "list", about)
    return root


def _code(code: str, label: Text, rest: Mapping[str, str]) -> _Element:
    item = made(None, "CodeListItem")
    item.set("CodedValue", code)
    _text(made(item, "Decode"), label)
    if rest:
        _note(item, "row", rest)
    return item


def _units(study: Study) -> dict[str, str]:
    named = {i.unit for form in study.forms.values() for i in form.items if i.unit}
    return {unit: f"MU.{number}" for number, unit in enumerate(sorted(named), start=1)}


def _text(holder: _Element, text: Text) -> None:
    for language, words in (("en", text.en), ("zh-CN", text.zh)):
        if words or language == "en":
            element = made(holder, "TranslatedText")
            element.set(f"{{{XML}}}lang", language)
            element.text = words


def _note(holder: _Element, name: str, content: Mapping[str, object]) -> None:
    """What the standard has no word for, as an Alias that other systems pass over."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    made(holder, "Alias", Context=f"onearm:{name}", Name=text)
