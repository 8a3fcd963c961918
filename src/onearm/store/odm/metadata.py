"""Definitions of an ODM file, element by element, ODM 1.3.x and 2.0."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from onearm.store.odm.taking import Taking
from onearm.study.odm.model import (
    OdmCode,
    OdmCodeList,
    OdmEvent,
    OdmForm,
    OdmGroup,
    OdmItem,
    OdmItemRef,
    OdmMetadata,
    OdmRange,
    OdmRule,
)

HELP = "CRFCompletionInstructions"
DECIMALS = re.compile(r"^\d*\.(\d+)$")


@dataclass(slots=True)
class Definitions:
    """What has been read of one study so far."""

    study_oid: str = ""
    name: str = ""
    description: str = ""
    protocol: str = ""
    units: dict[str, str] = field(default_factory=dict)
    event_order: list[str] = field(default_factory=list)
    events: dict[str, OdmEvent] = field(default_factory=dict)
    forms: dict[str, OdmForm] = field(default_factory=dict)
    groups: dict[str, OdmGroup] = field(default_factory=dict)
    items: dict[str, OdmItem] = field(default_factory=dict)
    codelists: dict[str, OdmCodeList] = field(default_factory=dict)
    conditions: dict[str, OdmRule] = field(default_factory=dict)
    methods: dict[str, OdmRule] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    event_groups: dict[str, list[str]] = field(default_factory=dict)
    group_order: list[str] = field(default_factory=list)
    is_inferred: bool = False

    def take(self, kind: str, element: Taking) -> None:
        """One definition; an element of another kind is left to the account."""
        reader = READERS.get(kind)
        if reader is not None:
            reader(self, element)
        else:
            element.taken.discard(element.element)

    def done(self) -> OdmMetadata:
        """The whole, forms of ODM 2.0 taken out of their groups, and visits too."""
        rest = [oid for oid in self.event_groups if oid not in self.group_order]
        in_groups = [v for g in (*self.group_order, *rest) for v in self.event_groups.get(g, ())]
        for group in self.groups.values():
            if group.is_form:
                inside = (group.oid,) if group.items else group.groups
                self.forms.setdefault(
                    group.oid,
                    OdmForm(
                        group.oid, group.name, group.label, group.is_repeating, inside, group.notes
                    ),
                )
        return OdmMetadata(
            study_oid=self.study_oid,
            name=self.name,
            description=self.description,
            protocol=self.protocol,
            units=self.units,
            event_order=(*self.event_order, *dict.fromkeys(in_groups)),
            events=self.events,
            forms=self.forms,
            groups=self.groups,
            items=self.items,
            codelists=self.codelists,
            conditions=self.conditions,
            methods=self.methods,
            notes=self.notes,
            is_inferred=self.is_inferred,
        )


def _is(element: Taking, name: str, default: str = "No") -> bool:
    return element.get(name, default) == "Yes"


def _whole(text: str) -> int | None:
    try:
        return int(float(text))
    except ValueError:
        return None


def _globals(known: Definitions, element: Taking) -> None:
    known.name = element.content("StudyName")
    known.description = element.content("StudyDescription")
    known.protocol = element.content("ProtocolName")


def _basics(known: Definitions, element: Taking) -> None:
    for unit in element.all("MeasurementUnit"):
        symbol = unit.translated("Symbol").en
        known.units[unit.get("OID")] = symbol or unit.get("Name")
        unit.take("Name")


def _description(known: Definitions, element: Taking) -> None:
    known.description = known.description or element.texts().en


def _ordered(element: Taking, *names: str) -> list[Taking]:
    """The references of these names by their OrderNumber, which is taken."""
    return sorted(element.all(*names), key=lambda r: float(r.get("OrderNumber", "0") or 0))


def _protocol(known: Definitions, element: Taking) -> None:
    refs = _ordered(element, "StudyEventRef")
    known.event_order += [ref.get("StudyEventOID") for ref in refs]
    groups = _ordered(element, "StudyEventGroupRef")  # ODM 2.0 orders groups of visits
    known.group_order += [ref.get("StudyEventGroupOID") for ref in groups]
    known.notes |= element.notes()


def _event_group(known: Definitions, element: Taking) -> None:
    refs = _ordered(element, "StudyEventRef")
    element.take("Name")
    known.event_groups[element.get("OID")] = [ref.get("StudyEventOID") for ref in refs]


def _event(known: Definitions, element: Taking) -> None:
    refs = _ordered(element, "FormRef", "ItemGroupRef")
    offset = _whole(element.get("redcap:DayOffset", "x"))
    early = _whole(element.get("redcap:OffsetMin", "0")) or 0
    late = _whole(element.get("redcap:OffsetMax", "0")) or 0
    oid = element.get("OID")
    known.events[oid] = OdmEvent(
        oid=oid,
        name=element.get("Name"),
        kind=element.get("Type"),
        label=element.translated("Description"),
        is_repeating=_is(element, "Repeating"),
        forms=tuple(r.get("FormOID") or r.get("ItemGroupOID") for r in refs),
        day=offset,
        window=(-abs(early), abs(late)),
        notes=element.notes(),
    )


def _form(known: Definitions, element: Taking) -> None:
    refs = _ordered(element, "ItemGroupRef")
    oid = element.get("OID")
    known.forms[oid] = OdmForm(
        oid=oid,
        name=element.get("Name"),
        label=element.translated("Description"),
        is_repeating=_is(element, "Repeating"),
        groups=tuple(r.get("ItemGroupOID") for r in refs),
        notes=element.notes(),
    )


def _group(known: Definitions, element: Taking) -> None:
    refs = _ordered(element, "ItemRef")
    oid = element.get("OID")
    items = [
        OdmItemRef(
            item=ref.get("ItemOID"),
            is_mandatory=_is(ref, "Mandatory"),
            condition=ref.get("CollectionExceptionConditionOID"),
            method=ref.get("MethodOID"),
            unit_item=ref.get("UnitsItemOID"),
        )
        for ref in refs
    ]
    known.groups[oid] = OdmGroup(
        oid=oid,
        name=element.get("Name"),
        label=element.translated("Description"),
        is_repeating=element.get("Repeating", "No") in ("Yes", "Simple", "Dynamic", "Static"),
        items=tuple(items),
        groups=tuple(ref.get("ItemGroupOID") for ref in _ordered(element, "ItemGroupRef")),
        is_form=element.get("Type") == "Form",
        notes=element.notes(),
    )


def _item(known: Definitions, element: Taking) -> None:
    reference = element.first("CodeListRef")
    oid = element.get("OID")
    units = [r.get("MeasurementUnitOID") for r in element.all("MeasurementUnitRef")]
    field_type = element.get("redcap:FieldType")
    known.items[oid] = OdmItem(
        oid=oid,
        name=element.get("Name"),
        data_type=element.get("DataType", "text"),
        question=element.translated("Question"),
        # ODM 2.0 has a place of its own for how to fill the item in.
        description=element.translated(HELP if element.peek(HELP) else "Description"),
        digits=_digits(element),
        codelist=reference.get("CodeListOID") if reference else "",
        units=tuple(units),
        ranges=tuple(_range(check) for check in element.all("RangeCheck")),
        branching=element.get("redcap:BranchingLogic"),
        note=element.get("redcap:FieldNote"),
        is_file=field_type == "file",
        identifies=element.get("redcap:Identifier").lower() in ("y", "yes", "1"),
        notes=element.notes(),
    )
    element.take("redcap:Variable")


def _digits(element: Taking) -> int | None:
    """Decimals: a number in ODM 1.3, the end of a format such as 8.2 in ODM 2.0."""
    shown = DECIMALS.match(element.peek_at("DisplayFormat"))
    if shown is not None:
        element.take("DisplayFormat")
        return int(shown[1])
    return _whole(element.get("SignificantDigits", element.get("FractionDigits", "x")))


def _range(check: Taking) -> OdmRange:
    return OdmRange(
        comparator=check.get("Comparator"),
        values=tuple(value.text for value in check.all("CheckValue")),
        is_hard=check.get("SoftHard") == "Hard",
        message=check.translated("ErrorMessage"),
    )


def _codelist(known: Definitions, element: Taking) -> None:
    codes = []
    for item in element.all("CodeListItem", "EnumeratedItem"):
        label = item.translated("Decode")
        codes.append(OdmCode(item.get("CodedValue"), label, item.notes()))
        item.take("OrderNumber", "Rank")
    oid = element.get("OID")
    known.codelists[oid] = OdmCodeList(
        oid=oid,
        name=element.get("Name"),
        data_type=element.get("DataType", "text"),
        codes=tuple(codes),
        notes=element.notes(),
    )


def _rule(element: Taking) -> OdmRule:
    expression = element.first("FormalExpression")
    text, context = "", ""
    if expression is not None:
        code = expression.first("Code")  # ODM 2.0 puts the text one level deeper
        text = code.text if code else expression.text
        context = expression.get("Context")
    element.translated("Description")
    element.first("MethodSignature")
    return OdmRule(element.get("OID"), element.get("Name"), text, context)


def _condition(known: Definitions, element: Taking) -> None:
    rule = _rule(element)
    known.conditions[rule.oid] = rule


def _method(known: Definitions, element: Taking) -> None:
    rule = _rule(element)
    element.take("Type")
    known.methods[rule.oid] = rule


READERS = {
    "GlobalVariables": _globals,
    "BasicDefinitions": _basics,
    "Description": _description,
    "Protocol": _protocol,
    "StudyEventGroupDef": _event_group,
    "StudyEventDef": _event,
    "FormDef": _form,
    "ItemGroupDef": _group,
    "ItemDef": _item,
    "CodeList": _codelist,
    "ConditionDef": _condition,
    "MethodDef": _method,
}
"""By element what reads it. Terms of other vendors and layouts have no reader."""
