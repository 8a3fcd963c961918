"""Clinical data of an ODM file: item values with audit records, acts and queries, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from onearm.store.odm.taking import Taking

PLACE = ("SUBJECT", "SITE", "EVENT", "EVENT_KEY", "FORM", "FORM_KEY", "GROUP", "GROUP_KEY", "ITEM")
AUDIT = ("ACTION", "USER", "LOCATION", "WHEN", "WHY", "SOURCE")
VALUES = (*PLACE, "VALUE", "IS_NULL", "REASON", *AUDIT)
ACTS = ("LEVEL", *PLACE, *AUDIT)
QUERIES = (*PLACE, "KEY", "TEXT", "STATUS", "RECIPIENT", "WHEN")


@dataclass(slots=True)
class Rows:
    """A frame of texts that grows row by row."""

    names: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def frame(self) -> pl.DataFrame:
        """The rows; every column is text, empty where the file says nothing."""
        return pl.DataFrame(self.rows, schema=dict.fromkeys(self.names, pl.String), orient="row")


@dataclass(slots=True)
class Clinical:
    """What has been read of the data so far.

    values: one row an ItemData. acts: one row an AuditRecord of anything else. queries: one row a
    query. sites: codes of the sites that the data name.
    """

    values: Rows = field(default_factory=lambda: Rows(VALUES))
    acts: Rows = field(default_factory=lambda: Rows(ACTS))
    queries: Rows = field(default_factory=lambda: Rows(QUERIES))
    sites: set[str] = field(default_factory=set)

    def take(self, subject: Taking, category: str, inherited: str) -> None:
        """One SubjectData. category: what the enclosing element says of it (the kind of an act);
        inherited: the transaction type where the levels below give none."""
        place = dict.fromkeys(PLACE, "")
        place["SUBJECT"] = subject.get("SubjectKey")
        site = subject.first("SiteRef")
        if site is not None:
            place["SITE"] = site.get("LocationOID")
            self.sites.add(place["SITE"])
        action = subject.get("TransactionType", inherited)
        self._acts(subject, "subject", place, category, action)
        for event in subject.all("StudyEventData"):
            here = place | {
                "EVENT": event.get("StudyEventOID"),
                "EVENT_KEY": event.get("StudyEventRepeatKey"),
            }
            self._event(event, here, category, event.get("TransactionType", action))
        self._event(subject, place, category, action, is_subject=True)

    def _event(
        self,
        event: Taking,
        place: Mapping[str, str],
        category: str,
        action: str,
        *,
        is_subject: bool = False,
    ) -> None:
        """The forms of a visit, or those that stand directly under the subject."""
        if not is_subject:
            self._acts(event, "visit", place, category, action)
        for form in event.all("FormData"):
            here = {
                **place,
                "FORM": form.get("FormOID"),
                "FORM_KEY": form.get("FormRepeatKey"),
            }
            below = form.get("TransactionType", action)
            self._acts(form, "form", here, category, below)
            for group in form.all("ItemGroupData"):
                self._group(group, here, category, below)
        for group in event.all("ItemGroupData"):  # ODM 2.0: the form is an item group itself
            here = {
                **place,
                "FORM": group.get("ItemGroupOID"),
                "FORM_KEY": group.get("ItemGroupRepeatKey"),
            }
            below = group.get("TransactionType", action)
            self._acts(group, "form", here, category, below)
            for inner in group.all("ItemGroupData"):
                self._group(inner, here, category, below)
            if group.peek("ItemData"):
                self._items(group, {**here, "GROUP": here["FORM"]}, category, below)

    def _group(
        self, group: Taking, place: Mapping[str, str], category: str, inherited: str
    ) -> None:
        here = {
            **place,
            "GROUP": group.get("ItemGroupOID"),
            "GROUP_KEY": group.get("ItemGroupRepeatKey"),
        }
        action = group.get("TransactionType", inherited)
        self._acts(group, "row", here, category, action)
        self._items(group, here, category, action)

    def _items(self, group: Taking, here: Mapping[str, str], category: str, action: str) -> None:
        for item in _items_of(group):
            place = {**here, "ITEM": item.get("ItemOID")}
            own = item.get("TransactionType", action)
            inner = item.first("Value")
            value = inner.exact if inner else item.get("Value") or item.text
            is_null = item.get("IsNull")
            reason = _null_reason(item)
            audit = item.first("AuditRecord")
            self.values.rows.append(
                (*place.values(), value, is_null, reason, *_audit(audit, own, category))
            )
            unit = item.first("MeasurementUnitRef")
            if unit is not None:
                unit.taken.discard(unit.element)  # the form says the unit; a data unit is left
            for query in item.all("mdsol:Query"):
                self.queries.rows.append((*place.values(), *_query(query)))
            for query in item.all("Query"):  # ODM 2.0
                self.queries.rows.append((*place.values(), *_query_of_second(query)))

    def _acts(
        self, element: Taking, level: str, place: Mapping[str, str], category: str, action: str
    ) -> None:
        for record in element.all("AuditRecord"):
            self.acts.rows.append((level, *place.values(), *_audit(record, action, category)))


def _items_of(group: Taking) -> Iterator[Taking]:
    typed = [
        f"ItemData{kind}"
        for kind in ("Any", "String", "Integer", "Float", "Date", "Time", "Datetime", "Boolean")
    ]
    partial = [f"ItemDataPartial{kind}" for kind in ("Date", "Time", "Datetime")]
    return group.all("ItemData", *typed, *partial)


def _exact(record: Taking, name: str) -> str:
    child = record.first(name)
    return child.exact if child else ""


def _null_reason(item: Taking) -> str:
    """The reason that onearm writes as a flag behind a value that is missing."""
    for annotation in item.all("Annotation"):
        for flag in annotation.all("Flag"):
            value = flag.first("FlagValue")
            if value is not None and value.get("CodeListOID") == "CL.MISSING_REASON":
                annotation.take("SeqNum")
                return value.text
        annotation.taken.discard(annotation.element)
    return ""


def _audit(record: Taking | None, action: str, category: str) -> tuple[str, ...]:
    kind = category or action
    if record is None:
        return (kind, "", "", "", "", "")
    user, location = record.first("UserRef"), record.first("LocationRef")
    record.take("EditPoint")
    return (
        kind,
        user.get("UserOID") if user else "",
        location.get("LocationOID") if location else "",
        record.content("DateTimeStamp"),
        _exact(record, "ReasonForChange"),
        record.content("SourceID"),
    )


def _query_of_second(query: Taking) -> tuple[str, ...]:
    text = query.first("Value")
    names = ("OID", "State", "Target", "LastUpdateDatetime")
    key, state, target, when = (query.get(name) for name in names)
    query.take("Source", "Type", "Name")
    return (key, text.exact if text else "", state, target, when)


def _query(query: Taking) -> tuple[str, ...]:
    names = ("QueryRepeatKey", "Value", "Status", "Recipient", "Response")
    key, text, status, recipient, _ = (query.get(name) for name in names)
    return (key, text, status, recipient, "")
