"""What an ODM file says of a study, whatever its version and whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from onearm.study.text import Text

NO_TEXT = Text(en="")
FORMER = "former"
"""The note of visits, forms and items that only an earlier version of the study has."""


@dataclass(frozen=True, slots=True)
class OdmRange:
    """A RangeCheck: comparator (LT, LE, GT, GE, EQ, NE, IN, NOTIN), its values, soft or hard."""

    comparator: str
    values: tuple[str, ...]
    is_hard: bool
    message: Text = NO_TEXT


@dataclass(frozen=True, slots=True)
class OdmItem:
    """An ItemDef. ``notes`` are what onearm wrote there and the standard has no word for."""

    oid: str
    name: str
    data_type: str
    question: Text = NO_TEXT
    description: Text = NO_TEXT
    digits: int | None = None
    codelist: str = ""
    units: tuple[str, ...] = ()
    ranges: tuple[OdmRange, ...] = ()
    branching: str = ""
    note: str = ""
    is_file: bool = False
    identifies: bool = False
    calculation: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_former(self) -> bool:
        """Whether onearm wrote it as an item that the study asks no longer."""
        return FORMER in self.notes


@dataclass(frozen=True, slots=True)
class OdmItemRef:
    """An item in a group. ``unit_item``: the item that holds its unit (ODM 2.0)."""

    item: str
    is_mandatory: bool = False
    condition: str = ""
    method: str = ""
    unit_item: str = ""


@dataclass(frozen=True, slots=True)
class OdmGroup:
    """An ItemGroupDef that holds items; ``groups`` are those nested in it (ODM 2.0)."""

    oid: str
    name: str
    label: Text = NO_TEXT
    is_repeating: bool = False
    items: tuple[OdmItemRef, ...] = ()
    groups: tuple[str, ...] = ()
    is_form: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OdmForm:
    """A FormDef, or in ODM 2.0 an ItemGroupDef of type Form."""

    oid: str
    name: str
    label: Text = NO_TEXT
    is_repeating: bool = False
    groups: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OdmEvent:
    """A StudyEventDef. ``day`` (day 0 is the start) and ``window`` where a vendor gives them."""

    oid: str
    name: str
    kind: str = ""
    label: Text = NO_TEXT
    is_repeating: bool = False
    forms: tuple[str, ...] = ()
    day: int | None = None
    window: tuple[int, int] = (0, 0)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OdmCode:
    """One CodeListItem or EnumeratedItem."""

    code: str
    label: Text = NO_TEXT
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OdmCodeList:
    """A CodeList."""

    oid: str
    name: str
    data_type: str = "text"
    codes: tuple[OdmCode, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OdmRule:
    """A ConditionDef or MethodDef: the expression and the language that it is written in."""

    oid: str
    name: str
    expression: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class OdmMetadata:
    """One MetaDataVersion with the study around it. Everything is by OID, in file order.

    ``event_order`` is the Protocol's. ``is_inferred``: the file has data and no metadata, and the
    names are those that the data use.
    """

    study_oid: str = ""
    name: str = ""
    description: str = ""
    protocol: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    event_order: tuple[str, ...] = ()
    events: Mapping[str, OdmEvent] = field(default_factory=dict)
    forms: Mapping[str, OdmForm] = field(default_factory=dict)
    groups: Mapping[str, OdmGroup] = field(default_factory=dict)
    items: Mapping[str, OdmItem] = field(default_factory=dict)
    codelists: Mapping[str, OdmCodeList] = field(default_factory=dict)
    conditions: Mapping[str, OdmRule] = field(default_factory=dict)
    methods: Mapping[str, OdmRule] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    is_inferred: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether onearm wrote the file: then names and rules are taken from its notes."""
        return "schedule" in self.notes
