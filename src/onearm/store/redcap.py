"""REDCap's own files: the data dictionary as metadata, the data export as item values."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from onearm.errors import OnearmError
from onearm.store.odm.clinical import ACTS, QUERIES, VALUES, Rows
from onearm.store.odm.read import OdmFile
from onearm.study.odm import Account
from onearm.study.odm.expressions import box_name
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
)
from onearm.study.text import Text

COLUMNS = {
    "name": "Variable / Field Name",
    "form": "Form Name",
    "type": "Field Type",
    "label": "Field Label",
    "choices": "Choices, Calculations, OR Slider Labels",
    "note": "Field Note",
    "validation": "Text Validation Type OR Show Slider Number",
    "low": "Text Validation Min",
    "high": "Text Validation Max",
    "identifier": "Identifier?",
    "branching": "Branching Logic (Show field only if...)",
    "required": "Required Field?",
}
SHORT = {
    "name": "field_name", "form": "form_name", "type": "field_type", "label": "field_label",
    "choices": "select_choices_or_calculations", "note": "field_note",
    "validation": "text_validation_type_or_show_slider_number", "low": "text_validation_min",
    "high": "text_validation_max", "identifier": "identifier", "branching": "branching_logic",
    "required": "required_field",
}  # fmt: skip
"""The same columns as the programming interface of REDCap names them."""

EXTRAS = {
    "section": (("Section Header", "section_header"), "a heading; forms here have none inside"),
    "matrix": (
        ("Matrix Group Name", "matrix_group_name"),
        "a matrix; its fields are items one by one, each with the answers",
    ),
    "ranking": (
        ("Matrix Ranking?", "matrix_ranking"),
        "each answer once in a matrix; write it as a check",
    ),
    "annotation": (
        ("Field Annotation", "field_annotation"),
        "an annotation or action tag; what it does has to be written in the form",
    ),
}
"""Columns that say more of single fields, as people and programs name them; why it is not carried.

Each cell of theirs is named, because it changes what a field means or how it is filled in.
"""

VALIDATED = re.compile(r"^(|integer|number.*|date_.*|datetime_.*|time)$")
"""Validations that a type of item says as well."""

FIELD = "field"
CHOICE = "choice"
BRANCHING = "ItemDef@redcap:BranchingLogic"
"""Skip logic counts as it does in ODM files of REDCap."""
KEYS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
SITE = "redcap_data_access_group"
TRUTH = (OdmCode("1", Text(en="Yes", zh="是")), OdmCode("0", Text(en="No", zh="否")))
TICK = (
    OdmCode("1", Text(en="Checked", zh="已勾选")),
    OdmCode("0", Text(en="Unchecked", zh="未勾选")),
)
CONTROL = ("descriptive", "sql", "signature")
LIMIT = re.compile(r"-?\d+(\.\d+)?")
TAG = re.compile(r"<[^>]+>")


def read_dictionary(path: Path) -> OdmFile:
    """The data dictionary (CSV) as metadata without visits; data give those (`read_data`).

    A check box becomes one item a choice, named ``field___code`` as in the data. The account counts
    fields, choices and columns. Raises ``OnearmError`` for a file without the dictionary's columns.
    """
    rows, names = _rows(path)
    account = Account()
    items: dict[str, OdmItem] = {}
    codelists: dict[str, OdmCodeList] = {}
    forms: dict[str, list[OdmItemRef]] = {}
    for column in rows[0] if rows else ():
        account.see("column")
        if column not in names.values() and column not in _extra_columns():
            account.leave("column", f"{column}: onearm has no place for it")
    for row in rows:
        given = {key: row[name].strip() for key, name in names.items()}
        account.see(FIELD)
        _name_the_rest(row, given, account)
        made = _items(given, account, codelists)
        if not made:
            continue
        if given["branching"]:
            account.see(BRANCHING, len(made))
        is_required = given["required"].lower() in ("y", "yes")
        for item in made:
            items[item.oid] = item
            forms.setdefault(given["form"], []).append(OdmItemRef(item.oid, is_required))
    metadata = OdmMetadata(
        study_oid=path.stem,
        name=path.stem,
        forms={name: OdmForm(name, _title(name), groups=(name,)) for name in forms},
        groups={
            name: OdmGroup(name, _title(name), items=tuple(refs)) for name, refs in forms.items()
        },
        items=items,
        codelists=codelists,
    )
    return _file(metadata, [], account)


def read_data(path: Path, dictionary: OdmFile) -> OdmFile:
    """The data export (CSV, raw codes) as item values; visits and repeating forms as it has them.

    The first column is the record. Fields that the dictionary does not have, and REDCap's own
    columns, are named in the account. Raises ``OnearmError`` for a file that is no such export.
    """
    rows = list(csv.DictReader(_text(path)))
    if not rows:
        raise OnearmError(f"{path.name} holds no record")
    reading = _Data(dictionary.metadata, tuple(rows[0]))
    reading.name_columns()
    for row in rows:
        reading.take({name: cell or "" for name, cell in row.items() if name is not None})
    return _file(reading.metadata(), reading.values, reading.account)


@dataclass(slots=True)
class _Data:
    """What has been read of a data export so far, and every cell of it accounted for."""

    known: OdmMetadata
    header: tuple[str, ...]
    account: Account = field(default_factory=Account)
    unknown: set[str] = field(default_factory=set)
    values: list[tuple[str, ...]] = field(default_factory=list)
    repeating: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    events: dict[str, dict[str, None]] = field(default_factory=dict)
    form_of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        groups = self.known.groups.values()
        self.form_of = {ref.item: group.oid for group in groups for ref in group.items}

    def name_columns(self) -> None:
        """Columns that are neither items nor REDCap's keys: their values are not carried."""
        for column in self.header:
            self.account.see("column")
            if column in KEYS or column == SITE or column in self.known.items:
                continue
            self.unknown.add(column)
            form = column.removesuffix("_complete")
            is_status = form != column and form in self.known.forms
            why = "a state of the form" if is_status else "not in the dictionary"
            self.account.leave("column", f"{column}: {why}")

    def take(self, row: dict[str, str]) -> None:
        """One line: a record's values at an event, or of one instance of a form or event."""
        for column in self.header:
            if not row[column] or (column in KEYS or column == SITE):
                continue
            self.account.see("ItemData")
            if column in self.unknown:
                self.account.leave("ItemData", "its column is not carried")
            elif column == self.header[0] and row[column] in self.seen:
                self.account.leave("ItemData", "the record's number again")
            else:
                self._value(row, column)

    def _value(self, row: dict[str, str], column: str) -> None:
        event, repeats, instance = (row.get(key, "") for key in KEYS)
        form, is_form = self.form_of[column], bool(repeats)
        if column == self.header[0]:
            self.seen.add(row[column])
        if is_form:
            self.repeating.add(form)
        self.events.setdefault(event, {})[form] = None
        place = (
            row[self.header[0]], row.get(SITE, ""), event,
            instance if instance and not is_form else "1", form, instance if is_form else "1",
            form, "", column,
        )  # fmt: skip
        self.values.append((*place, row[column], "", "", "", "", "", "", "", ""))

    def metadata(self) -> OdmMetadata:
        """The dictionary's metadata with the events and the repeats that the data show."""
        again = {e for _, _, e, key, *_ in self.values if key not in ("", "1")}
        return replace(
            self.known,
            events={
                e: OdmEvent(e, _title(e), is_repeating=e in again, forms=tuple(held))
                for e, held in self.events.items()
                if e
            },
            forms={
                oid: replace(form, is_repeating=oid in self.repeating)
                for oid, form in self.known.forms.items()
            },
        )


def _file(metadata: OdmMetadata, values: list[tuple[str, ...]], account: Account) -> OdmFile:
    none: list[tuple[str, ...]] = []
    sites = tuple(sorted({row[1] for row in values if row[1]}))
    return OdmFile(
        metadata=metadata,
        values=Rows(VALUES, values).frame(),
        acts=Rows(ACTS, none).frame(),
        queries=Rows(QUERIES, none).frame(),
        sites=sites,
        account=account,
        version="REDCap",
        kind="CSV",
    )


def _text(path: Path) -> io.StringIO:
    """The file's text with its line ends as they are: a note of several lines keeps them."""
    try:
        return io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as problem:
        raise OnearmError(f"{path.name} is not UTF-8; export it again as UTF-8") from problem


def _rows(path: Path) -> tuple[list[dict[str, str]], dict[str, str]]:
    rows = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(_text(path))]
    header = list(rows[0]) if rows else []
    for names in (COLUMNS, SHORT):
        if all(name in header for name in names.values()):
            return rows, names
    absent = [name for name in COLUMNS.values() if name not in header]
    raise OnearmError(
        f"{path.name} is not a REDCap data dictionary: it has no column {absent[0]!r}"
        if rows
        else f"{path.name} holds no field"
    )


def _extra_columns() -> set[str]:
    return {name for columns, _ in EXTRAS.values() for name in columns}


def _name_the_rest(row: dict[str, str], given: dict[str, str], account: Account) -> None:
    """What a field says besides: every validation, limit and extra is carried, or named."""
    for kind, (columns, reason) in EXTRAS.items():
        if any(row.get(column, "").strip() for column in columns):
            account.see(kind)
            account.leave(kind, reason)
    validation = given["validation"].lower()
    is_number = _data_type(given) in ("integer", "float")
    if validation and given["type"].lower() == "text":
        account.see("validation")
        if not VALIDATED.match(validation):
            account.leave("validation", f"{validation}: the item is text, without the validation")
    for key in ("low", "high"):
        if given[key]:
            account.see("limit")
            if not (is_number and LIMIT.fullmatch(given[key])):
                account.leave("limit", "a limit that is no number; write it as a check")


def _items(
    given: dict[str, str], account: Account, codelists: dict[str, OdmCodeList]
) -> list[OdmItem]:
    """The items that one field makes; a field that holds no data makes none."""
    kind, name = given["type"].lower(), given["name"]
    if kind in CONTROL:
        account.leave(FIELD, f"of type {kind}: no data are entered in it")
        return []
    if kind == "file":
        account.leave(FIELD, "a file: attach it to the form")
        return []
    if kind == "calc":
        account.see("calculation")
        reason = "a formula of REDCap; the item is kept without it, write it in SQL (calculated)"
        account.leave("calculation", reason)
    codes = _codes(given["choices"]) if kind in ("radio", "dropdown", "select", "checkbox") else ()
    codes = TRUTH if kind in ("yesno", "truefalse") else codes
    account.see(CHOICE, len(codes) if kind not in ("yesno", "truefalse") else 0)
    if kind == "checkbox":
        codelists[name] = OdmCodeList(name, name, codes=TICK)
        return [
            _item(given, box_name(name, c.code), f"{_plain(given['label'])}: {c.label}", name)
            for c in codes
        ]
    if codes:
        codelists[name] = OdmCodeList(name, name, codes=codes)
    return [_item(given, name, _plain(given["label"]), name if codes else "")]


def _item(given: dict[str, str], name: str, label: str, codelist: str) -> OdmItem:
    ranges = tuple(
        OdmRange(comparator, (given[key],), is_hard=False)
        for comparator, key in (("GE", "low"), ("LE", "high"))
        if _data_type(given) in ("integer", "float") and LIMIT.fullmatch(given[key])
    )
    return OdmItem(
        oid=name,
        name=name,
        data_type=_data_type(given),
        question=Text(en=label or name),
        note=_plain(given["note"]),
        codelist=codelist,
        ranges=ranges,
        branching=given["branching"],
        identifies=given["identifier"].lower() in ("y", "yes"),
    )


def _data_type(given: dict[str, str]) -> str:
    validation = given["validation"].lower()
    if given["type"].lower() in ("slider",) or validation == "integer":
        return "integer"
    if given["type"].lower() == "calc" or validation.startswith("number"):
        return "float"
    if validation.startswith("date_"):
        return "date"
    if validation.startswith("datetime_"):
        return "datetime"
    return "partialTime" if validation == "time" else "text"


def _codes(text: str) -> tuple[OdmCode, ...]:
    """``1, Male | 2, Female`` as codes."""
    pairs = [part.partition(",") for part in text.split("|") if part.strip()]
    return tuple(
        OdmCode(code.strip(), Text(en=_plain(label) or code.strip())) for code, _, label in pairs
    )


def _plain(text: str) -> str:
    return " ".join(TAG.sub(" ", text).split())


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
