"""Write a study and its data as ODM 1.3.2 or 2.0: valid against its schema, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from lxml import etree

from onearm.errors import Finding, Place, Problems
from onearm.records.entry import ENTRY
from onearm.records.places import visit_label
from onearm.store.odm import define, second
from onearm.store.odm.define import MISSING, SPACE, item_oid, made, study_oid, version_oid

if TYPE_CHECKING:
    from lxml.etree import _Element

    from onearm.study import Study

Version = Literal["1.3.2", "2.0"]
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that have no form in XML 1.0: below the blank, other than tab and line ends."""


@dataclass(frozen=True, slots=True)
class Act:
    """One change of one value: what, by whom, when (UTC), why. ``action`` as ODM names it."""

    place: tuple[str, str, str, int, str, int, str]
    value: str
    reason: str
    action: str
    user: str
    at: datetime
    why: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """Accounts (OID -> full name) and sites (code -> name) that the audit records point to."""

    users: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)


def write_odm(
    study: Study,
    path: Path,
    *,
    created: datetime,
    entries: pl.DataFrame | None = None,
    history: Iterable[Act] | None = None,
    who: Who | None = None,
    files: Mapping[str, str] | None = None,
    former: Iterable[Study] = (),
    version: Version = "1.3.2",
) -> Path:
    """The study's metadata, and its data as a snapshot or with the audit record of every change.

    entries: written as a Snapshot. history: every change in order of subject and time, written as
    a Transactional file (then ``entries`` is not written). files: further files of the study's
    folder, kept word for word so that the folder comes back whole. former: earlier versions of the
    study, newest first; what only they ask is defined too, because its values are data.
    created: given by the caller, so that equal data give equal bytes. Raises ``Problems`` naming
    values with characters that XML cannot hold; then there is no file.
    """
    if entries is not None and history is None:
        _refuse_unwritable(entries)
    who = who or Who()
    beside = path.with_name(f".{path.name}.new")
    is_history = history is not None
    space = SPACE if version == "1.3.2" else second.SPACE
    told = _same if version == "1.3.2" else second.in_second
    subjects = _transactions(history) if history is not None else None
    if subjects is None and entries is not None:
        subjects = _subjects(entries)
    head = _head(study, created, version, is_history=is_history)
    try:
        with etree.xmlfile(str(beside), encoding="UTF-8") as out:
            out.write_declaration()
            with out.element(f"{{{space}}}ODM", head, {None: space}):
                about = define.metadata(study, files or {}, former)
                out.write(told(about), pretty_print=True)
                if is_history or who.users:
                    out.write(told(_admin(study, who, created)), pretty_print=True)
                oids = {"StudyOID": study_oid(study), "MetaDataVersionOID": version_oid(study)}
                if subjects is not None:
                    with out.element(f"{{{space}}}ClinicalData", oids):
                        for one in subjects:
                            out.write(told(one), pretty_print=True)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _same(element: _Element) -> _Element:
    """An element of ODM 1.3.2 as it was made."""
    return element


def _head(study: Study, created: datetime, version: Version, *, is_history: bool) -> dict[str, str]:
    return {
        "FileType": "Transactional" if is_history else "Snapshot",
        "FileOID": f"onearm.{study.id}.{created:%Y%m%dT%H%M%S}",
        "CreationDateTime": created.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "ODMVersion": version,
        "SourceSystem": "onearm",
    }


def _refuse_unwritable(entries: pl.DataFrame) -> None:
    bad = entries.filter(pl.col("VALUE").str.contains("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"))
    if not bad.is_empty():
        keys = [name for name in ENTRY if name != "REASON"]
        raise _unwritable((row[:-1], row[-1]) for row in bad.select(keys).head(20).iter_rows())


def _unwritable(found: Iterable[tuple[tuple[Any, ...], str]]) -> Problems:
    """What is wrong with values (or reasons) that XML cannot hold, by their places."""
    findings = [
        Finding(
            Place(place[1], visit_label(place[2], place[3]), place[4], place[6]),
            repr(text),
            "XML 1.0, 2.2",
            "holds a character that XML cannot hold",
            "Correct the value, or export another format.",
        )
        for place, text in found
    ]
    return Problems(findings, "The data cannot be written as ODM")


def _admin(study: Study, who: Who, created: datetime) -> _Element:
    root = made(None, "AdminData", StudyOID=study_oid(study))
    for oid, name in sorted(who.users.items()):
        user = made(root, "User", OID=oid)
        made(user, "LoginName").text = oid
        made(user, "FullName").text = name
    for code, name in sorted(who.sites.items()):
        place = made(root, "Location", OID=code, Name=name, LocationType="Site")
        made(
            place,
            "MetaDataVersionRef",
            StudyOID=study_oid(study),
            MetaDataVersionOID=version_oid(study),
            EffectiveDate=f"{created:%Y-%m-%d}",
        )
    return root


def _subjects(entries: pl.DataFrame) -> Iterator[_Element]:
    """One SubjectData a subject, in order."""
    ordered = entries.sort([name for name in ENTRY if name not in ("VALUE", "REASON")])
    for (site, subject), rows in groupby(ordered.iter_rows(), key=lambda row: row[:2]):
        root = _subject(site, subject)
        _fill(root, rows, None)
        yield root


def _transactions(history: Iterable[Act]) -> Iterator[_Element]:
    """One SubjectData each for the changes that one person saved at one time."""
    for (where, _, _), acts in groupby(history, key=lambda act: (act.place[:2], act.at, act.user)):
        changes = list(acts)
        bad = [(a.place, t) for a in changes for t in (a.value, a.why) if UNWRITABLE.search(t)]
        if bad:
            raise _unwritable(bad)
        root = _subject(*where)
        by_place = {act.place: act for act in changes}
        rows = [(*a.place, a.value or None, a.reason or None) for a in changes]
        _fill(root, rows, by_place)
        yield root


def _subject(site: str, subject: str) -> _Element:
    root = made(None, "SubjectData", SubjectKey=subject)
    made(root, "SiteRef", LocationOID=site)
    return root


def _fill(root: _Element, rows: Iterable[tuple[Any, ...]], acts: Mapping[Any, Act] | None) -> None:
    """Visits, forms, rows and values below a subject."""
    for (visit, repeat), in_visit in groupby(rows, key=lambda row: row[2:4]):
        event = made(
            root, "StudyEventData", StudyEventOID=f"SE.{visit}", StudyEventRepeatKey=str(repeat)
        )
        for form, in_form in groupby(in_visit, key=lambda row: row[4]):
            page = made(event, "FormData", FormOID=f"F.{form}")
            for number, in_row in groupby(in_form, key=lambda row: row[5]):
                group = made(
                    page,
                    "ItemGroupData",
                    ItemGroupOID=f"IG.{form}",
                    ItemGroupRepeatKey=str(number),
                )
                for row in in_row:
                    _value(group, row, acts.get(tuple(row[:7])) if acts is not None else None)


def _value(group: _Element, row: tuple[Any, ...], act: Act | None) -> None:
    *_, form, _, item, value, reason = row
    element = made(group, "ItemData", ItemOID=item_oid(form, item))
    if act is not None:
        element.set("TransactionType", act.action)
    is_gone = act is not None and act.action == "Remove"
    if value is not None:
        element.set("Value", value)
    elif not is_gone:
        element.set("IsNull", "Yes")
    if act is not None:
        record = made(element, "AuditRecord")
        made(record, "UserRef", UserOID=act.user)
        made(record, "LocationRef", LocationOID=act.place[0])
        made(record, "DateTimeStamp").text = act.at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
        if act.why:
            made(record, "ReasonForChange").text = act.why
        if act.source:
            made(record, "SourceID").text = act.source
    if value is None and not is_gone and reason:
        annotation = made(element, "Annotation", SeqNum="1")
        flag = made(annotation, "Flag")
        made(flag, "FlagValue", CodeListOID=MISSING).text = reason
