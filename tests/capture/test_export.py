"""Exports: every form its own table, in every format, within rights, and known to the trail."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Literal

import odmlib
import polars as pl
import pyreadstat
import pytest
from lxml import etree

from onearm import records
from onearm.capture import clock, studies
from onearm.capture.actions.export import Exported, Wanted, export
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.document import Cell
from onearm.capture.export.layout import Column, Sheet
from onearm.capture.export.spss import for_spss
from onearm.capture.export.tables import table
from onearm.capture.models import (
    AuditEvent,
    DateShift,
    EventInstance,
    Site,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError
from onearm.simulate import trial as simulated
from onearm.store.dataset_json import read_json
from onearm.store.odm import odm_entries, read_odm
from onearm.study import load
from onearm.study.forms import Item
from onearm.study.odm import draft_from_odm
from onearm.study.text import Text

Person = Callable[..., User]


@pytest.fixture
def manager(person: Person) -> User:
    return person("data_manager")


@pytest.fixture
def loaded(version: StudyVersion, manager: User) -> pl.DataFrame:
    drawn = simulated(studies.study_of(version), subjects=3, seed=3)
    take_entries(manager, drawn.entries, source="entries.parquet")
    return drawn.entries


def _parts(made: Exported) -> dict[str, bytes]:
    with zipfile.ZipFile(made.path) as bundle:
        found = {name: bundle.read(name) for name in bundle.namelist()}
    made.path.unlink()
    return found


def _frame(parts: dict[str, bytes], name: str) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(parts[name]))


def test_every_form_is_a_table_with_its_values_as_typed(
    loaded: pl.DataFrame, manager: User, version: StudyVersion
) -> None:
    parts = _parts(export(manager, Wanted(with_names=True)))
    study = studies.study_of(version)
    clean = records.at_cut(study, loaded, cut=None)
    for form in study.forms.values():
        table = _frame(parts, f"{form.form.lower()}.parquet")
        assert table.columns[:5] == ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "ROW"]
        assert table.columns[5:] == [item.name for item in form.items]
        expected = clean.texts[form.form].select(table.columns)
        assert table.rows() == expected.sort(table.columns[:5]).rows()
    beside = ("_missing.parquet", "_results.parquet")
    tables = [n for n in parts if n.endswith(".parquet") and not n.endswith(beside)]
    keys = ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "ROW"]
    filled = sum(
        _frame(parts, name).select(pl.exclude(keys)).count().sum_horizontal()[0] for name in tables
    )
    missing = sum(_frame(parts, n).height for n in parts if n.endswith("missing.parquet"))
    assert filled + missing == loaded.height
    head = csv.DictReader(io.StringIO(parts["items.csv"].decode()))
    assert {row["form"] for row in head} == set(study.forms)


def test_a_form_without_data_exports_its_columns(manager: User, version: StudyVersion) -> None:
    parts = _parts(export(manager, Wanted(formats=("csv", "parquet"), with_names=True)))
    form = studies.study_of(version).forms["AE"]
    table = _frame(parts, "ae.parquet")
    assert (table.height, table.width) == (0, 5 + len(form.items))
    assert parts["ae.csv"].decode().startswith("SITEID,SUBJID,VISIT,VISIT_REPEAT,ROW,")


def test_all_formats_hold_the_same_table(
    loaded: pl.DataFrame, manager: User, tmp_path: Path
) -> None:
    wanted = Wanted(
        formats=("parquet", "csv", "sheet", "json", "xpt"), forms=("VS",), with_names=True
    )
    parts = _parts(export(manager, wanted))
    table = _frame(parts, "vs.parquet")
    plain = pl.read_csv(io.BytesIO(parts["vs.csv"]), schema=table.schema)
    assert plain.equals(table)
    assert parts["vs.sheet.csv"] == b"\xef\xbb\xbf" + parts["vs.csv"]
    (tmp_path / "vs.json").write_bytes(parts["vs.json"])
    json = read_json(tmp_path / "vs.json")
    assert json.columns == table.columns
    assert json["SYSBP"].to_list() == table["SYSBP"].fill_null("").to_list()
    (tmp_path / "vs.xpt").write_bytes(parts["vs.xpt"])
    transport, about = pyreadstat.read_xport(str(tmp_path / "vs.xpt"), output_format="polars")
    assert transport.height == table.height
    assert about.column_names_to_labels["SITEID"] == "Site"


@pytest.mark.parametrize(("language", "sex", "male"), [("en", "Sex", "Male"), ("zh", "性别", "男")])
def test_spss_gets_numbers_dates_labels_and_reasons(
    language: Literal["en", "zh"], sex: str, male: str,
    subject: Subject, visit: EventInstance, person: Person, manager: User, tmp_path: Path,
) -> None:  # fmt: skip
    coordinator = person("coordinator")
    cells = [
        Cell(1, "RFICDAT", "2024-03-01"), Cell(1, "BRTHDAT", "1961-07"), Cell(1, "SEX", "M"),
        Cell(1, "AGE", "62"), Cell(1, "RACE", reason="UNK"), Cell(1, "ICVER", "第一版 1.0"),
    ]  # fmt: skip
    save(coordinator, visit, "DM", Changes(cells, version=0))
    wanted = Wanted(formats=("spss",), forms=("DM", "AE"), with_names=True, language=language)
    parts = _parts(export(manager, wanted))
    for name in ("dm.sav", "ae.sav"):
        (tmp_path / name).write_bytes(parts[name])
    frame, about = pyreadstat.read_sav(str(tmp_path / "dm.sav"), output_format="polars")
    (row,) = frame.to_dicts()
    assert (row["RFICDAT"], row["RFICDAT.TEXT"]) == (date(2024, 3, 1), "")
    assert (row["BRTHDAT"], row["BRTHDAT.TEXT"]) == (None, "1961-07")
    assert (row["AGE"], row["AGE.TEXT"], row["SEX"], row["ICVER"]) == (62.0, "", "M", "第一版 1.0")
    assert (row["RACE"], row["RACE.REASON"], row["SEX.REASON"]) == ("", "UNK", "")
    assert about.column_names_to_labels["SEX"] == sex
    assert about.variable_value_labels["SEX"]["M"] == male
    assert about.variable_value_labels["RACE.REASON"]["UNK"] in ("Unknown", "未知")
    assert about.original_variable_types["RFICDAT"] == "SDATE10"
    assert frame.columns[:5] == ["SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "ROW"]
    empty, described = pyreadstat.read_sav(str(tmp_path / "ae.sav"), output_format="polars")
    names = [item.name for item in studies.study_of(_version()).forms["AE"].items]
    assert empty.height == 0
    assert set(names) <= set(empty.columns)
    assert described.column_names_to_labels["AETERM"]


def _version() -> StudyVersion:
    return StudyVersion.objects.get()


def test_numbers_that_are_none_stay_as_they_were_typed(tmp_path: Path) -> None:
    item = Item(name="CRP", label=Text(en="CRP"), type="decimal", unit="mg/L")
    sheet = Sheet("LB", Text(en="Laboratory"), (Column(item, (), is_asked=True, source="record"),))
    rows = [("a", {"rows": [{"_key": n, "CRP": text}]}) for n, text in enumerate(
        ("0.5", "<0.3", "12", "1e3", "", "+4.25"), 1)]  # fmt: skip
    made = table(sheet, ((("01", s, "V", 1), d) for s, d in rows))
    frame, _ = for_spss(made, "en")
    assert frame["CRP"].to_list() == [0.5, None, 12.0, None, None, 4.25]
    assert frame["CRP.TEXT"].to_list()[:4] == [None, "<0.3", None, "1e3"]


def test_a_spreadsheet_gets_no_formula(
    subject: Subject, visit: EventInstance, person: Person, manager: User
) -> None:
    change = Changes([Cell(1, "AETERM", "=1+1")], version=0)
    log = EventInstance.objects.create(subject=subject, visit="LOG")
    save(person("coordinator"), log, "AE", change)
    parts = _parts(
        export(manager, Wanted(formats=("csv", "sheet"), forms=("AE",), with_names=True))
    )
    assert b",=1+1," in parts["ae.csv"]
    assert b",'=1+1," in parts["ae.sheet.csv"]


def test_a_filter_narrows_and_the_trail_says_who_took_what(
    loaded: pl.DataFrame, manager: User
) -> None:
    one = loaded["SUBJID"].min()
    made = export(manager, Wanted(subjects=(str(one),), forms=("DM", "AE"), with_names=True))
    act = AuditEvent.objects.get(action="export")
    assert (act.user, act.role) == (manager, "data_manager")
    assert act.details["forms"] == ["AE", "DM"]
    assert act.details["sha256"] == made.sha256
    assert act.details["rows"] == made.rows
    parts = _parts(made)
    assert _frame(parts, "dm.parquet")["SUBJID"].unique().to_list() == [one]
    assert not any(name.startswith("vs") for name in parts)


def test_dates_move_together_and_names_stay_inside(
    loaded: pl.DataFrame, manager: User, person: Person
) -> None:
    before = _frame(_parts(export(manager, Wanted(forms=("EX",), with_names=True))), "ex.parquet")
    after = _frame(_parts(export(person("statistician"), Wanted(forms=("EX",)))), "ex.parquet")
    days = dict(DateShift.objects.values_list("subject__code", "days"))
    assert all(-365 <= n <= -1 for n in days.values())
    moved = [
        c
        for c in before.columns
        if c in after.columns and before[c].to_list() != after[c].to_list()
    ]
    assert moved
    for name in moved:
        for code, old, new in zip(before["SUBJID"], before[name], after[name], strict=True):
            if old and len(old) == 10:
                shifted = date.fromisoformat(old) + timedelta(days=days[code])
                assert new == shifted.isoformat()
            elif old:
                assert len(new) == len(old)
    again = _frame(_parts(export(manager, Wanted(forms=("EX",)))), "ex.parquet")
    assert again.equals(after)


@pytest.mark.slow
def test_odm_comes_back_and_its_audit_record_holds_every_version(
    loaded: pl.DataFrame, manager: User, version: StudyVersion, tmp_path: Path
) -> None:
    dm = EventInstance.objects.filter(visit="SCREENING").select_related("subject__site").first()
    formats = ("odm", "odm_audit", "odm2", "odm2_audit")
    parts = _parts(export(manager, Wanted(formats=formats, with_names=True)))
    schemas = {
        ".odm.xml": etree.XMLSchema(etree.parse(files(odmlib) / "schemas/odm/1.3.2/ODM1-3-2.xsd")),
        ".odm2.xml": etree.XMLSchema(etree.parse(files(odmlib) / "schemas/odm/2.0/ODM.xsd")),
    }
    written = [name for name in parts if name.endswith(".xml")]
    assert len(written) == 4
    for name in written:
        content = parts[name]
        schema = schemas["".join(Path(name).suffixes[-2:])]
        schema.assertValid(etree.fromstring(content).getroottree())
        path = tmp_path / name
        path.write_bytes(content)
        file = read_odm(path)
        draft, names = draft_from_odm(file.metadata, file.account)
        folder = tmp_path / name.removesuffix(".xml")
        for part, text in draft.files.items():
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            (folder / part).write_text(text, encoding="utf-8")
        assert load(folder).version == version.hash
        entries = odm_entries(file, names, file.account)
        key = [c for c in loaded.columns if c not in ("VALUE", "REASON")]
        assert entries.equals(loaded.sort(key))
    assert dm is not None


def test_the_moment_asked_for_is_what_leaves(
    subject: Subject, visit: EventInstance, person: Person, manager: User
) -> None:
    coordinator = person("coordinator")
    save(coordinator, visit, "DM", Changes([Cell(1, "SEX", "F")], version=0))
    then = clock.now()
    save(coordinator, visit, "DM", Changes([Cell(1, "SEX", "M")], version=1, reason="typing error"))
    for moment, sex in ((then, "F"), (None, "M")):
        parts = _parts(export(manager, Wanted(forms=("DM",), as_of=moment, with_names=True)))
        assert _frame(parts, "dm.parquet")["SEX"].to_list() == [sex]


@pytest.mark.parametrize(
    ("role", "with_names"),
    [("coordinator", False), ("investigator", True), ("monitor", False), ("statistician", True),
     ("administrator", False), ("auditor", True)],
)  # fmt: skip
def test_an_export_needs_its_right(role: str, with_names: bool, person: Person) -> None:
    with pytest.raises(NotAllowed):
        export(person(role), Wanted(with_names=with_names))
    assert not AuditEvent.objects.filter(action="export").exists()


def test_what_cannot_be_exported_is_said(manager: User, site: Site) -> None:
    for wanted, said in (
        (Wanted(formats=("sas",)), "not a format"),
        (Wanted(formats=()), "Choose a format"),
        (Wanted(forms=("NOPE",)), "form NOPE"),
        (Wanted(sites=("99",)), "Site 99"),
        (Wanted(formats=("odm_audit",)), "true dates"),
        (Wanted(as_of=clock.now() + timedelta(days=1)), "future"),
    ):
        with pytest.raises(OnearmError, match=said):
            export(manager, wanted)
