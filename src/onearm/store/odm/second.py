"""Elements of ODM 1.3.2 said in ODM 2.0: forms are item groups, units items, values elements."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from lxml import etree

from onearm.store.odm.taking import XML, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element

SPACE = "http://www.cdisc.org/ns/odm/v2.0"
RENAMED = {
    "FormRef": "ItemGroupRef",
    "FormDef": "ItemGroupDef",
    "FormData": "ItemGroupData",
    "LoginName": "UserName",
}
HELP = "CRFCompletionInstructions"
ATTRIBUTES = {"FormOID": "ItemGroupOID", "FormRepeatKey": "ItemGroupRepeatKey"}
REPEATS = {"Yes": "Simple", "No": "No"}
PLAIN = "text/plain"

Kept = dict[str, str]


def in_second(element: _Element) -> _Element:
    """A Study, AdminData or SubjectData of ODM 1.3.2 as the same of ODM 2.0; a new element."""
    if name_of(str(element.tag)) == "Study":
        return _study(element)
    return _copied(element)


def _made(parent: _Element | None, name: str, attributes: Mapping[str, str]) -> _Element:
    tag = f"{{{SPACE}}}{name}"
    if parent is None:
        return etree.Element(tag, dict(attributes), nsmap={None: SPACE})
    return etree.SubElement(parent, tag, dict(attributes))


def _copied(element: _Element, parent: _Element | None = None) -> _Element:
    """An element and all below it, each by its own rule or under its name in ODM 2.0."""
    old = name_of(str(element.tag))
    above = element.getparent()
    is_help = above is not None and old == "Description" and name_of(str(above.tag)) == "ItemDef"
    name = HELP if is_help else RENAMED.get(old, old)
    made = _made(parent, name, _attributes(element, old))
    made.text = element.text
    if old == "ItemData" and "Value" in element.attrib:
        _made(made, "Value", {}).text = element.get("Value")
    elif old == "FormalExpression":
        made.text = None
        _made(made, "Code", {}).text = element.text
    for child in _ordered(element, old):
        _copied(child, made)
        if old in ("ConditionDef", "MethodDef") and name_of(str(child.tag)) == "Description":
            _made(made, "MethodSignature", {})  # it has to stand, and says nothing of names
    return made


def _attributes(element: _Element, name: str) -> Kept:
    kept = {ATTRIBUTES.get(str(key), str(key)): str(value) for key, value in element.attrib.items()}
    if name == "TranslatedText":
        return {"Type": PLAIN, **kept}
    if name in ("FormDef", "ItemGroupDef"):
        kept["Type"] = "Form" if name == "FormDef" else "Section"
        kept["Repeating"] = REPEATS[kept["Repeating"]]
    elif name == "ItemDef" and "SignificantDigits" in kept:
        kept["DisplayFormat"] = f".{kept.pop('SignificantDigits')}"
    elif name == "ItemData":
        kept.pop("Value", None)
    elif name == "Location":
        kept["Role"] = kept.pop("LocationType")
    return kept


def _ordered(element: _Element, name: str) -> list[_Element]:
    """The children in the order of ODM 2.0, without units, which stand in items of their own."""
    children = [c for c in element if name_of(str(c.tag)) != "MeasurementUnitRef"]
    if name == "ItemDef":
        first = [c for c in children if name_of(str(c.tag)) == "Question"]
        return first + [c for c in children if c not in first]
    return children


def _study(element: _Element) -> _Element:
    heads, basics, version = element
    name, description, protocol = (child.text or "" for child in heads)
    made = _made(
        None,
        "Study",
        {"OID": element.get("OID", ""), "StudyName": name, "ProtocolName": protocol},
    )
    if description:
        _translated(_made(made, "Description", {}), description)
    inside = _made(made, "MetaDataVersion", {k: str(v) for k, v in version.attrib.items()})
    units = {unit.get("OID", ""): unit.get("Name", "") for unit in basics}
    unit_of = _units_of(version)
    for kind, children in groupby(version, key=lambda child: name_of(str(child.tag))):
        if kind == "Protocol":
            _protocol(inside, next(children))
            continue
        if kind == "CodeList":
            _unit_items(inside, units)
        for child in children:
            copied = _copied(child, inside)
            if kind == "ItemGroupDef":
                _point_to_units(copied, unit_of)
        if kind == "CodeList":
            _unit_lists(inside, units)
    return made


def _units_of(version: _Element) -> Kept:
    """The unit of each item that has one."""
    found = {}
    for item in version:
        for child in item:
            if name_of(str(child.tag)) == "MeasurementUnitRef":
                found[item.get("OID", "")] = child.get("MeasurementUnitOID", "")
    return found


def _point_to_units(group: _Element, unit_of: Kept) -> None:
    for ref in group:
        unit = unit_of.get(ref.get("ItemOID", ""))
        if unit:
            ref.set("UnitsItemOID", unit)


def _unit_items(version: _Element, units: Kept) -> None:
    """One item a unit: ODM 2.0 has no list of units, an item reference points to such an item."""
    for oid, name in units.items():
        item = _made(version, "ItemDef", {"OID": oid, "Name": name, "DataType": "text"})
        _made(item, "CodeListRef", {"CodeListOID": f"CL.{oid}"})


def _unit_lists(version: _Element, units: Kept) -> None:
    for oid, name in units.items():
        about = {"OID": f"CL.{oid}", "Name": name, "DataType": "text"}
        code = _made(_made(version, "CodeList", about), "CodeListItem", {"CodedValue": name})
        _translated(_made(code, "Decode", {}), name)


def _protocol(version: _Element, protocol: _Element) -> None:
    """Visits are in a group: ODM 2.0 orders groups of visits in the protocol."""
    made = _made(version, "Protocol", {})
    refs = [child for child in protocol if name_of(str(child.tag)) == "StudyEventRef"]
    others = [child for child in protocol if child not in refs]
    if refs:
        about = {"StudyEventGroupOID": "SEG.VISITS", "OrderNumber": "1", "Mandatory": "No"}
        _made(made, "StudyEventGroupRef", about)
        group = _made(version, "StudyEventGroupDef", {"OID": "SEG.VISITS", "Name": "Visits"})
        _copy_all(refs, group)
    _copy_all(others, made)


def _copy_all(children: Iterable[_Element], parent: _Element) -> None:
    for child in children:
        _copied(child, parent)


def _translated(holder: _Element, text: str) -> None:
    made = _made(holder, "TranslatedText", {"Type": PLAIN, f"{{{XML}}}lang": "en"})
    made.text = text
