"""Read an ODM-XML file as a stream: metadata and data as values, and an account of everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import polars as pl
from lxml import etree

from onearm.errors import OnearmError
from onearm.store.odm.clinical import Clinical
from onearm.store.odm.metadata import READERS, Definitions
from onearm.store.odm.taking import Taking, name_of
from onearm.study.odm import Account
from onearm.study.odm.model import OdmEvent, OdmForm, OdmGroup, OdmItem, OdmItemRef, OdmMetadata

if TYPE_CHECKING:
    from lxml.etree import _Element

HOLDERS = frozenset({"ODM", "Study", "MetaDataVersion", "ClinicalData", "AdminData"})
"""Elements that hold the pieces which are read one at a time and then forgotten."""


@dataclass(frozen=True, slots=True)
class OdmFile:
    """An ODM file as values.

    metadata: None where the file has neither metadata nor data. values: one row an item value in
    the file's order, as ``clinical.VALUES``. acts: audit records of anything but a value. queries:
    what systems and people asked. sites: codes of the sites that the data name. account: of every
    element and attribute of the file.
    """

    metadata: OdmMetadata
    values: pl.DataFrame
    acts: pl.DataFrame
    queries: pl.DataFrame
    sites: tuple[str, ...]
    account: Account
    version: str
    kind: str


def read_odm(path: Path) -> OdmFile:
    """Read ODM 1.3.x or 2.0, whoever wrote it, in whatever order and with whatever extensions.

    Entities are not resolved and nothing is fetched; a file that declares any is refused. Where
    there are data and no metadata, the metadata are inferred from the names that the data use.
    Raises ``OnearmError`` naming the line for what is no XML, and for a file that is no ODM.
    """
    account = Account()
    known, data = Definitions(), Clinical()
    head: dict[str, str] = {}
    try:
        with path.open("rb") as stream:
            for piece in _pieces(path.name, stream, account, known, head):
                kind = name_of(str(piece.element.tag))
                if kind == "SubjectData":
                    data.take(piece, head.get("category", ""), head.get("action", ""))
                else:
                    _definition(kind, piece, known)
                piece.settle(account)
    except etree.XMLSyntaxError as problem:
        where = f"line {problem.lineno}" if problem.lineno else "the beginning"
        raise OnearmError(f"{path.name} is not XML ({where}: {problem.msg})") from problem
    if not head.get("is_odm"):
        raise OnearmError(f"{path.name} is not an ODM file: its outermost element is not ODM")
    values = data.values.frame()
    if not known.items and not values.is_empty():
        _infer(known, values)
    return OdmFile(
        metadata=known.done(),
        values=values,
        acts=data.acts.frame(),
        queries=data.queries.frame(),
        sites=tuple(sorted(data.sites)),
        account=account,
        version=head.get("version", ""),
        kind=head.get("kind", ""),
    )


def _definition(kind: str, piece: Taking, known: Definitions) -> None:
    if kind in READERS:
        known.take(kind, piece)
    elif kind in ("User", "Location"):
        # Who and where: names of accounts and sites that the audit records point to.
        piece.take("OID", "Name", "UserType", "LocationType", "Role")
        piece.content("LoginName")
        piece.content("UserName")
        piece.content("FullName")
        for version in piece.all("MetaDataVersionRef"):
            version.take("StudyOID", "MetaDataVersionOID", "EffectiveDate")
    else:
        piece.taken.discard(piece.element)


def _pieces(
    name: str,
    source: BinaryIO,
    account: Account,
    known: Definitions,
    head: dict[str, str],
) -> Iterator[Taking]:
    """The elements right below those that only hold others, each whole; memory stays small."""
    depth_of_piece = 0
    depth = 0
    stream = etree.iterparse(
        source,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    for event, element in stream:
        kind = name_of(element.tag)
        if event == "start":
            depth += 1
            if depth == 1:
                _refuse_entities(name, element)
            if depth_of_piece == 0:
                if kind in HOLDERS:
                    _holder(kind, Taking(element), account, known, head)
                else:
                    depth_of_piece = depth
            continue
        if depth == depth_of_piece:
            yield Taking(element)
            depth_of_piece = 0
        if depth_of_piece == 0:
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
        depth -= 1


def _refuse_entities(name: str, root: _Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise OnearmError(
            f"{name} declares a document type of its own; such files are not read. "
            "Remove the lines <!DOCTYPE ...> and try again."
        )


def _holder(
    kind: str, element: Taking, account: Account, known: Definitions, head: dict[str, str]
) -> None:
    if kind == "ODM":
        head["is_odm"] = "yes"
        head["version"], head["kind"] = element.get("ODMVersion"), element.get("FileType")
    elif kind == "Study":
        known.study_oid = known.study_oid or element.get("OID")
        known.name = known.name or element.get("StudyName")
        known.description = known.description or element.get("Description")
        known.protocol = known.protocol or element.get("ProtocolName")
        element.take("OID")
    elif kind == "ClinicalData":
        known.study_oid = known.study_oid or element.get("StudyOID")
        head["category"] = element.get("mdsol:AuditSubCategoryName")
        head["action"] = ""
        element.take("StudyOID")
    element.settle(account, below=False)


def _infer(known: Definitions, values: pl.DataFrame) -> None:
    """Metadata from the names that the data use: every item a text, keys make repeats."""
    known.is_inferred = True
    repeats = values.group_by("FORM", "GROUP", maintain_order=True).agg(
        (pl.col("GROUP_KEY") != "").any()
    )
    for form, group, is_group in repeats.iter_rows():
        mine = values.filter((pl.col("FORM") == form) & (pl.col("GROUP") == group))
        items = mine["ITEM"].unique(maintain_order=True).to_list()
        for item in items:
            known.items.setdefault(item, OdmItem(item, item, "text"))
        refs = tuple(OdmItemRef(item) for item in items)
        known.groups[group] = _joined(known.groups.get(group), group, refs, repeats=bool(is_group))
        held = known.forms.get(form)
        groups = (*(held.groups if held else ()), group)
        known.forms[form] = OdmForm(form, form, groups=tuple(dict.fromkeys(groups)))
    for (event,), part in values.group_by("EVENT", maintain_order=True):
        if event:
            forms = tuple(part["FORM"].unique(maintain_order=True))
            known.events[str(event)] = OdmEvent(str(event), str(event), "Unscheduled", forms=forms)


def _joined(
    known: OdmGroup | None, oid: str, refs: tuple[OdmItemRef, ...], *, repeats: bool
) -> OdmGroup:
    """An item group with the items of another use of it added."""
    former = known.items if known else ()
    items = tuple(dict.fromkeys((*former, *refs)))
    return OdmGroup(
        oid, oid, items=items, is_repeating=repeats or bool(known and known.is_repeating)
    )
