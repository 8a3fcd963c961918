"""ODM files of five systems: their README's totals, and an account of every element."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from onearm import records
from onearm.errors import OnearmError
from onearm.store.odm import OdmFile, odm_entries, read_odm
from onearm.store.odm.taking import name_of
from onearm.study import load
from onearm.study.lint import check
from onearm.study.odm import Account, Names, draft_from_odm
from onearm.study.odm.account import Line
from onearm.study.odm.names import named
from tests.shared import needs_shared, shared

FILES = (
    "openedc-example-metadata.xml",
    "openedc-example-clinicaldata.xml",
    "redcap-longitudinal.xml",
    "cdisc-ces-odm-1.3.2.xml",
    "rave-audit-records.xml",
)


def _counts(file: OdmFile) -> dict[str, int]:
    made = file.metadata
    return {
        "events": len(made.events),
        "forms": len(made.forms),
        "groups": len(made.groups),
        "items": len(made.items),
        "lists": len(made.codelists),
        "checks": sum(len(item.ranges) for item in made.items.values()),
        "conditions": len(made.conditions),
        "methods": len(made.methods),
    }


@needs_shared
@pytest.mark.parametrize("name", FILES)
def test_every_element_of_the_file_is_in_the_account(name: str) -> None:
    file = read_odm(shared("odm", name))
    draft_from_odm(file.metadata, file.account if "clinical" not in name else Account())
    seen = Counter(
        name_of(e.tag) for e in etree.parse(shared("odm", name)).iter() if isinstance(e.tag, str)
    )
    lines = {line.kind: line for line in file.account.lines()}
    assert {kind: line.read for kind, line in lines.items() if "@" not in kind} == seen
    assert all(
        line.read == line.carried + sum(n for _, n in line.reasons) for line in lines.values()
    )


@needs_shared
@pytest.mark.parametrize(
    ("name", "data"),
    [(FILES[0], FILES[1]), (FILES[2], FILES[2]), (FILES[3], ""), (FILES[4], FILES[4])],
)
def test_every_item_and_every_value_is_in_the_study_or_named(
    name: str, data: str, tmp_path: Path
) -> None:
    file = read_odm(shared("odm", name))
    both = file if data in ("", name) else read_odm(shared("odm", data))
    draft, names = draft_from_odm(file.metadata, file.account)
    entries = odm_entries(both, names, both.account)
    study = _loaded(draft.files, tmp_path)
    made = {(t.form, t.item) for t in names.items.values()}
    assert made == {(f.form, i.name) for f in study.forms.values() for i in f.items}
    defined = set(_xpath(name, "//*[local-name()='ItemDef']/@OID"))
    carried = {item for _, _, item in names.items}
    if not file.metadata.is_inferred:
        named = sum(n for line in _lines(file, "ItemDef") for _, n in line.reasons)
        assert len(defined) == len(_xpath(name, "//*[local-name()='ItemDef']"))
        assert carried <= defined
        assert len(defined) == len(carried) + named
    given = _xpath(data, "//*[starts-with(local-name(), 'ItemData')]") if data else []
    lines = [
        line
        for line in both.account.lines()
        if line.kind.startswith("ItemData") and "@" not in line.kind
    ]
    assert len(given) == sum(line.read for line in lines)
    left = sum(n for line in lines for _, n in line.reasons)
    if both.kind == "Transactional" or "rave" in name:
        assert len(given) == both.values.height + left  # all of the history is kept
        assert entries.height == len(_last(both))
    else:
        assert len(given) == entries.height + left


def _xpath(name: str, path: str) -> list[object]:
    found = etree.parse(shared("odm", name)).xpath(path)
    assert isinstance(found, list)
    return found


def _lines(file: OdmFile, kind: str) -> list[Line]:
    return [line for line in file.account.lines() if line.kind == kind]


@needs_shared
def test_the_totals_are_those_of_the_readme() -> None:
    metadata = {name: _counts(read_odm(shared("odm", name))) for name in FILES}
    assert metadata[FILES[0]] == {
        "events": 3, "forms": 5, "groups": 9, "items": 28, "lists": 4, "checks": 8,
        "conditions": 7, "methods": 2,
    }  # fmt: skip
    redcap = metadata[FILES[2]]
    assert [redcap[k] for k in ("events", "forms", "groups", "items", "lists")] == [
        12,
        9,
        30,
        124,
        70,
    ]
    assert metadata[FILES[3]] == {
        "events": 5, "forms": 7, "groups": 14, "items": 63, "lists": 12, "checks": 14,
        "conditions": 13, "methods": 1,
    }  # fmt: skip


@needs_shared
def test_data_in_a_file_of_their_own_go_with_the_metadata_of_another() -> None:
    study = read_odm(shared("odm", FILES[0]))
    data = read_odm(shared("odm", FILES[1]))
    assert (data.values["SUBJECT"].n_unique(), data.values.height, data.acts.height) == (
        90,
        1684,
        90,
    )
    entries = odm_entries(data, named(study.metadata), data.account)
    assert entries.height == data.account.carried("ItemData") == 1684
    assert data.account.carried("FormData") == 366


@needs_shared
def test_every_value_of_the_redcap_project_is_carried_and_its_form_repeats(tmp_path: Path) -> None:
    file = read_odm(shared("odm", FILES[2]))
    draft, names = draft_from_odm(file.metadata, file.account)
    entries = odm_entries(file, names, file.account)
    assert entries.height == 405
    study = _loaded(draft.files, tmp_path)
    assert [f for f in check(study, {}) if f.severity == "error"] == []
    clean = records.at_cut(study, entries, cut=None)
    assert clean.border == ()
    demographics = study.forms["DEMOGRAPHICS"]
    assert demographics.item("GIVEN_BIRTH").shown_when == "SEX = '0'"
    assert demographics.item("NUM_CHILDREN").shown_when == "SEX = '0' AND GIVEN_BIRTH = '1'"
    assert study.schedule is not None
    first = study.schedule.visit("DOSE_1_ARM_1")
    assert (first.kind, first.day) == ("planned", 2)
    files = [line for line in file.account.lines() if line.kind == "ItemDataBase64Binary"]
    assert [(line.read, line.carried) for line in files] == [(1, 0)]


@needs_shared
def test_skip_logic_of_other_systems_becomes_sql(tmp_path: Path) -> None:
    file = read_odm(shared("odm", FILES[0]))
    draft, _ = draft_from_odm(file.metadata, file.account)
    study = _loaded(draft.files, tmp_path)
    shown = {i.shown_when for form in study.forms.values() for i in form.items if i.shown_when}
    assert {"GENDER = 'Female'", "PREGNANT = 'Y'"} <= shown
    assert [f for f in check(study, {}) if f.severity == "error"] == []


@needs_shared
def test_an_audit_stream_gives_the_last_values_and_keeps_the_history() -> None:
    file = read_odm(shared("odm", FILES[4]))
    assert (file.values.height, file.queries.height) == (740, 21)
    assert file.values.height + file.acts.height == 1113
    kinds = pl.concat([file.values["ACTION"], file.acts["ACTION"]])
    assert kinds.n_unique() == 18
    assert file.account.carried("AuditRecord") == file.account.read["AuditRecord"] == 1113
    _, names = draft_from_odm(file.metadata, file.account)
    entries = odm_entries(file, names, file.account)
    assert file.account.carried("ItemData") == 740
    standing = _last(file)
    assert entries.height == len(standing)
    assert sorted(entries["VALUE"]) == sorted(standing.values())


def _last(file: OdmFile) -> dict[tuple[str, ...], str]:
    """The stream carried out by hand, on the file's own keys."""
    keys = ("SUBJECT", "EVENT", "EVENT_KEY", "FORM", "FORM_KEY", "GROUP", "GROUP_KEY", "ITEM")
    found: dict[tuple[str, ...], str] = {}
    for row in file.values.iter_rows(named=True):
        place = tuple(row[k] for k in keys)
        found.pop(place, None)
        if row["ACTION"] not in ("Remove", "Deleted") and row["VALUE"]:
            found[place] = row["VALUE"]
    return found


SMALL = """<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" ODMVersion="1.3.2" FileType="Snapshot">
<ClinicalData StudyOID="S" MetaDataVersionOID="1"><SubjectData SubjectKey="1">
<FormData FormOID="F"><ItemGroupData ItemGroupOID="G"><ItemData ItemOID="A" Value="7"/>
<ItemData ItemOID="B" IsNull="Yes"/></ItemGroupData></FormData></SubjectData></ClinicalData>
<Study OID="S"><GlobalVariables><StudyName>Small</StudyName></GlobalVariables>
<MetaDataVersion OID="1" Name="1">
<ItemDef OID="B" Name="b" DataType="boolean"><Question>
<TranslatedText xml:lang="de"></TranslatedText>
<TranslatedText xml:lang="zh">乙</TranslatedText></Question></ItemDef>
<ItemDef OID="A" Name="a" DataType="integer"/>
<ItemGroupDef OID="G" Name="g" Repeating="No"><ItemRef ItemOID="A" Mandatory="Yes"/>
<ItemRef ItemOID="B" Mandatory="No"/></ItemGroupDef>
<FormDef OID="F" Name="f" Repeating="No"><ItemGroupRef ItemGroupOID="G" Mandatory="No"/></FormDef>
</MetaDataVersion></Study></ODM>"""


def test_forms_under_the_subject_nulls_marks_and_wrong_order_are_read(tmp_path: Path) -> None:
    path = tmp_path / "small.xml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    file = read_odm(path)
    draft, names = draft_from_odm(file.metadata, file.account)
    entries = odm_entries(file, names, file.account)
    assert entries.select("VISIT", "FORM", "ITEM", "VALUE", "REASON").rows() == [
        ("LOG", "F", "A", "7", None),
        ("LOG", "F", "B", None, "UNK"),
    ]
    study = _loaded(draft.files, tmp_path / "study")
    assert str(study.forms["F"].item("B").label) == "乙"
    assert records.check(study, records.at_cut(study, entries, cut=None)) == []


TWO = """<ODM xmlns="http://www.cdisc.org/ns/odm/v2.0" ODMVersion="2.0" FileType="Snapshot">
<Study OID="S" StudyName="Second" ProtocolName="P"><MetaDataVersion OID="1" Name="1">
<StudyEventDef OID="V1" Name="Visit" Repeating="No" Type="Scheduled">
<ItemGroupRef ItemGroupOID="FORM" Mandatory="Yes"/></StudyEventDef>
<ItemGroupDef OID="FORM" Name="Vital signs" Repeating="No" Type="Form">
<ItemGroupRef ItemGroupOID="ROWS" Mandatory="No"/></ItemGroupDef>
<ItemGroupDef OID="ROWS" Name="Rows" Repeating="Simple" Type="Section">
<ItemRef ItemOID="PULSE" Mandatory="No"/></ItemGroupDef>
<ItemDef OID="PULSE" Name="Pulse" DataType="integer"><Question>
<TranslatedText xml:lang="en" Type="text/plain">Pulse</TranslatedText></Question></ItemDef>
</MetaDataVersion></Study>
<ClinicalData StudyOID="S" MetaDataVersionOID="1"><SubjectData SubjectKey="1">
<StudyEventData StudyEventOID="V1"><ItemGroupData ItemGroupOID="FORM">
<ItemGroupData ItemGroupOID="ROWS" ItemGroupRepeatKey="2"><ItemData ItemOID="PULSE">
<Value>61</Value></ItemData></ItemGroupData></ItemGroupData></StudyEventData>
</SubjectData></ClinicalData></ODM>"""


UNITS = """<ODM xmlns="http://www.cdisc.org/ns/odm/v2.0" ODMVersion="2.0" FileType="Snapshot">
<Study OID="S" StudyName="Second" ProtocolName="P"><Description>
<TranslatedText xml:lang="en" Type="text/plain">About it</TranslatedText></Description>
<MetaDataVersion OID="1" Name="1"><Protocol>
<StudyEventGroupRef StudyEventGroupOID="B" OrderNumber="2" Mandatory="No"/>
<StudyEventGroupRef StudyEventGroupOID="A" OrderNumber="1" Mandatory="No"/></Protocol>
<StudyEventGroupDef OID="B" Name="Late"><StudyEventRef StudyEventOID="V2" Mandatory="No"/>
</StudyEventGroupDef><StudyEventGroupDef OID="A" Name="Early">
<StudyEventRef StudyEventOID="V1" Mandatory="No"/></StudyEventGroupDef>
<StudyEventDef OID="V2" Name="Second" Repeating="No" Type="Scheduled">
<ItemGroupRef ItemGroupOID="FORM" Mandatory="Yes"/></StudyEventDef>
<StudyEventDef OID="V1" Name="First" Repeating="No" Type="Scheduled">
<ItemGroupRef ItemGroupOID="FORM" Mandatory="Yes"/></StudyEventDef>
<ItemGroupDef OID="FORM" Name="Weights" Repeating="No" Type="Form">
<ItemRef ItemOID="W" Mandatory="Yes" UnitsItemOID="KG"/>
<ItemRef ItemOID="H" Mandatory="No" UnitsItemOID="HU"/><ItemRef ItemOID="HU" Mandatory="No"/>
</ItemGroupDef>
<ItemDef OID="W" Name="Weight" DataType="decimal" DisplayFormat="5.1">
<Question><TranslatedText xml:lang="en" Type="text/plain">Weight</TranslatedText></Question>
<CRFCompletionInstructions><TranslatedText xml:lang="en" Type="text/plain">Without shoes
</TranslatedText></CRFCompletionInstructions></ItemDef>
<ItemDef OID="H" Name="Height" DataType="integer"/>
<ItemDef OID="HU" Name="Unit of height" DataType="text"/>
<ItemDef OID="KG" Name="Kilogram" DataType="text"><CodeListRef CodeListOID="C"/></ItemDef>
<CodeList OID="C" Name="kg" DataType="text"><CodeListItem CodedValue="kg"/></CodeList>
</MetaDataVersion></Study>
<ClinicalData StudyOID="S" MetaDataVersionOID="1"><SubjectData SubjectKey="1">
<StudyEventData StudyEventOID="V1"><ItemGroupData ItemGroupOID="FORM"><ItemData ItemOID="W">
<Value> 61.5</Value><Query OID="Q1" Source="System" State="Open" Target="Site"
LastUpdateDatetime="2024-01-02T03:04:05"><Value>Is this right?</Value></Query></ItemData>
<ItemData ItemOID="H"><Value>170</Value><Value>171</Value></ItemData>
</ItemGroupData></StudyEventData></SubjectData></ClinicalData></ODM>"""


def test_odm_2_says_order_units_decimals_help_and_queries_its_own_way(tmp_path: Path) -> None:
    path = tmp_path / "units.xml"
    path.write_text(UNITS, encoding="utf-8")
    file = read_odm(path)
    draft, names = draft_from_odm(file.metadata, file.account)
    study = _loaded(draft.files, tmp_path / "study")
    weight, height = (study.forms["FORM"].item(name) for name in ("W", "H"))
    assert (weight.unit, weight.decimals, str(weight.help)) == ("kg", 1, "Without shoes")
    assert weight.required
    assert study.schedule is not None
    assert [visit.id for visit in study.schedule.visits] == ["V1", "V2"]
    assert str(study.identity.description) == "About it"
    assert height.unit == ""
    entries = odm_entries(file, names, file.account)
    assert entries.select("ITEM", "VALUE").rows() == [("H", "170"), ("W", " 61.5")]
    assert file.queries.select("KEY", "TEXT", "STATUS", "RECIPIENT").rows() == [
        ("Q1", "Is this right?", "Open", "Site")
    ]
    reasons = {(line.kind, r) for line in file.account.lines() for r, _ in line.reasons}
    assert ("Value", "an item holds one value here; the first is kept") in reasons
    assert ("ItemRef@UnitsItemOID", "the unit is collected in an item of its own") in reasons
    assert not [line for line in file.account.lines() if line.kind == "ItemDef" and line.left]


def test_odm_2_is_read_with_its_nested_groups(tmp_path: Path) -> None:
    path = tmp_path / "two.xml"
    path.write_text(TWO, encoding="utf-8")
    file = read_odm(path)
    draft, names = draft_from_odm(file.metadata, file.account)
    study = _loaded(draft.files, tmp_path / "study")
    assert str(study.title) == "Second"
    entries = odm_entries(file, names, file.account)
    assert entries.select("VISIT", "FORM", "ROW", "ITEM", "VALUE").rows() == [
        ("V1", "FORM", 2, "PULSE", "61")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<ODM><Study>", "line 1"),
        ("<other/>", "not an ODM file"),
        ('<!DOCTYPE ODM [<!ENTITY a "b">]><ODM>&a;</ODM>', "document type"),
        ("", "not XML"),
    ],
)
def test_what_is_no_odm_is_refused_in_words(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OnearmError, match=said):
        read_odm(path)


def test_names_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "small.xml"
    path.write_text(SMALL, encoding="utf-8")
    draft, names = draft_from_odm(read_odm(path).metadata, Account())
    assert Names.from_csv(draft.files["odm/names.csv"]) == names


def _loaded(files: dict[str, str], folder: Path):  # type: ignore[no-untyped-def]
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder)
