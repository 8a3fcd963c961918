"""Amendments: released per site, tried before they run, blocked by what nobody resolved."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onearm.capture import clock, entries, serving, studies, trail
from onearm.capture.actions import amend
from onearm.capture.actions.amend import take_in, take_in_zip
from onearm.capture.actions.export import Wanted, entries_of, export, selection_for
from onearm.capture.actions.migrate import Blocked, migrate
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.sites import release
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    Query,
    Signature,
    Site,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError
from onearm.store.odm import odm_entries, read_odm
from onearm.study.forms import Item
from onearm.study.odm import draft_from_odm
from onearm.study.text import Text

from .api_world import with_key
from .conftest import STUDY

Person = Callable[..., User]

AMENDED = """\
use: DM
without: [BRTHDAT]
items:
  - name: COUNTRY
    label: {en: Country, zh: 国家}
    type: code
    choices:
      - {code: CN, label: {en: China, zh: 中国}}
  - name: SHOE
    label: {en: Shoe size, zh: 鞋码}
    type: integer
    required: true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "study"
    shutil.copytree(STUDY, copied)
    return copied


@pytest.fixture
def entered(visit: EventInstance, person: Person) -> FormInstance:
    coordinator = person("coordinator")
    cells = [Cell(1, "SEX", "F"), Cell(1, "COUNTRY", "CHN"), Cell(1, "AGE", "61")]
    return save(coordinator, visit, "DM", Changes(cells, version=0)).instance


def _amended(folder: Path, text: str = AMENDED) -> Path:
    form = folder / "forms" / "dm.yaml"
    kept = form.read_text(encoding="utf-8")
    form.write_text(text.replace("without: [BRTHDAT]\n", "") if "BRTHDAT" not in kept else text)
    return folder


def _released(folder: Path, site: Site, person: Person, text: str = AMENDED) -> StudyVersion:
    builder = person("study_builder")
    version = take_in(builder, _amended(folder, text))
    release(builder, site, version, clock.now().date(), "approved")
    return version


def test_forms_that_stand_keep_their_version_and_new_ones_take_the_released_one(
    folder: Path, site: Site, entered: FormInstance, subject: Subject, person: Person
) -> None:
    version = _released(folder, site, person)
    entered.refresh_from_db()
    assert entered.study_version != version
    other = EventInstance.objects.create(subject=subject, visit="C1D1")
    user = User.objects.get(username="coordinator")
    fresh = save(user, other, "VS", Changes([Cell(1, "SYSBP", "120")], version=0)).instance
    assert fresh.study_version == version
    assert (
        AuditEvent.objects.get(action="study.release").details["from"]
        == clock.now().date().isoformat()
    )


def test_a_version_is_entered_from_its_day_on_as_the_site_has_it(
    folder: Path,
    subject: Subject,
    site: Site,
    person: Person,
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2031, 3, 1, 20, tzinfo=UTC))
    site.zone = "Asia/Shanghai"
    site.save()  # where it is four in the morning of the next day
    builder, nurse = person("study_builder"), person("coordinator")
    version = take_in(builder, _amended(folder))
    release(builder, site, version, date(2031, 3, 2), "approved")
    page = signed_in(nurse).get("/subjects/01-001/SCREENING/1/DM").content.decode()
    assert "Shoe size" in page
    given = {"version": 0, "cells": [{"item": "SHOE", "value": "42"}]}
    address = "/api/subjects/01-001/forms/SCREENING/1/DM"
    made = with_key(nurse).put(address, given, "application/json").json()
    assert made["study_version"] == version.number


def test_a_dry_run_names_every_change_and_what_blocks_and_writes_nothing(
    folder: Path, site: Site, entered: FormInstance, person: Person
) -> None:
    version = _released(folder, site, person)
    manager = person("data_manager")
    before = (FormVersion.objects.count(), AuditEvent.objects.count(), Query.objects.count())
    plan = migrate(manager, version, [site])
    assert plan.is_dry
    kinds = {(line.form, line.item): line for line in plan.lines}
    assert kinds["DM", "SEX"].kind == "unchanged"
    assert kinds["DM", "SHOE"].kind == "added"
    assert kinds["DM", "COUNTRY"].unresolved == ("CHN",)
    assert [line.item for line in plan.unresolved] == ["COUNTRY"]
    assert any("Shoe size" in query for query in plan.queries)
    assert (
        FormVersion.objects.count(),
        AuditEvent.objects.count(),
        Query.objects.count(),
    ) == before
    with pytest.raises(Blocked, match="COUNTRY: CHN"):
        migrate(manager, version, [site], is_dry=False)
    assert FormVersion.objects.count() == before[0]


def test_what_has_no_place_is_named_whatever_version_it_was_entered_under(
    folder: Path, site: Site, entered: FormInstance, person: Person
) -> None:
    form = folder / "forms" / "dm.yaml"
    china = "      - {code: CHN, label: {en: China, zh: 中国}}\n"
    text = form.read_text(encoding="utf-8")
    both = text.replace(china, china + "      - {code: JPN, label: {en: Japan, zh: 日本}}\n")
    assert both != text
    form.write_text(both, encoding="utf-8")
    builder = person("study_builder")
    release(builder, site, take_in(builder, folder), clock.now().date(), "approved")
    subject = Subject.objects.create(
        site=site, code="01-002", stage=Subject.Stage.ENROLLED, created_at=clock.now()
    )
    visit = EventInstance.objects.create(subject=subject, visit="SCREENING")
    nurse = User.objects.get(username="coordinator")
    save(nurse, visit, "DM", Changes([Cell(1, "COUNTRY", "JPN")], version=0))
    version = take_in(builder, _amended(folder))
    release(builder, site, version, clock.now().date(), "approved")
    plan = migrate(person("data_manager"), version, [site])
    country = next(line for line in plan.unresolved if line.item == "COUNTRY")
    assert country.unresolved == ("CHN", "JPN")


def test_a_run_maps_codes_in_the_name_of_who_started_it_and_breaks_signatures(
    folder: Path, site: Site, entered: FormInstance, person: Person, subject: Subject
) -> None:
    signed = Signature.objects.create(
        target=f"form:{entered.pk}", subject=subject, user=person("investigator"),
        printed_name="I", meaning="reviewed", at=clock.now(), hash="x",
        content={str(entered.pk): entered.head},
    )  # fmt: skip
    version = _released(folder, site, person)
    manager = person("data_manager")
    maps = {("DM", "COUNTRY"): {"CHN": "CN"}}
    dry = migrate(manager, version, [site], maps=maps)
    done = migrate(manager, version, [site], maps=maps, is_dry=False)
    assert (dry.lines, dry.queries, dry.signatures) == (done.lines, done.queries, done.signatures)
    assert done.signatures == ("01-001 · Screening · Consent and demography",)
    signed.refresh_from_db()
    assert signed.broken_at is not None
    entered.refresh_from_db()
    assert entered.study_version == version
    assert entered.data["rows"][0]["COUNTRY"] == "CN"
    last = entered.versions.order_by("version").last()
    assert last is not None
    assert (last.origin, last.user, last.role) == ("migration", manager, "data_manager")
    assert last.delta == {"rows": [{"_key": 1, "COUNTRY": "CN"}]}
    assert list(trail.verify()) == []
    assert Query.objects.filter(item="SHOE", state="open").count() == 1
    assert migrate(manager, version, [site], is_dry=False).forms == 0


def test_an_item_taken_out_keeps_its_values_and_asks_nothing(
    folder: Path, site: Site, entered: FormInstance, person: Person
) -> None:
    text = """\
use: DM
without: [AGE]
items:
  - {name: COUNTRY, label: Country, type: text}
"""
    version = _released(folder, site, person, text)
    manager = person("data_manager")
    done = migrate(manager, version, [site], is_dry=False)
    kinds = {(line.form, line.item): line.kind for line in done.lines}
    assert kinds["DM", "AGE"] == "removed"
    assert kinds["DM", "COUNTRY"] == "retyped"
    frame = entries.as_of(clock.now())
    assert frame.filter(frame["ITEM"] == "AGE")["VALUE"].to_list() == ["61"]
    left = entries_of(selection_for(manager, Wanted(with_names=True)))
    assert "AGE" in left["ITEM"].to_list()
    for name in ("odm", "odm2_audit"):
        made = export(manager, Wanted(formats=(name,), with_names=True))
        with zipfile.ZipFile(made.path) as bundle:
            (inside,) = [part for part in bundle.namelist() if part.endswith(".xml")]
            path = Path(bundle.extract(inside, folder.parent / name))
        made.path.unlink()
        file = read_odm(path)
        draft, names = draft_from_odm(file.metadata, file.account)
        assert odm_entries(file, names, file.account).equals(left)
        assert "AGE" not in draft.files["forms/dm.yaml"].replace("without: [AGE]", "")
    assert not Query.objects.filter(item="AGE", state="open").exists()
    visit = entered.event
    user = User.objects.get(username="coordinator")
    save(user, visit, "DM", Changes([Cell(1, "SEX", "M")], version=2, reason="typing error"))
    assert FormInstance.objects.get(pk=entered.pk).data["rows"][0]["AGE"] == "61"
    assert not Query.objects.filter(item="AGE", state="open").exists()


def test_a_locked_form_stays_where_it_is(
    folder: Path, site: Site, entered: FormInstance, person: Person
) -> None:
    version = _released(folder, site, person)
    manager = person("data_manager")
    Hold.objects.create(
        target=f"form:{entered.pk}", kind="locked", set_by=manager, set_at=clock.now()
    )
    done = migrate(manager, version, [site], maps={("DM", "COUNTRY"): {"CHN": "CN"}}, is_dry=False)
    assert (done.forms, done.held) == (0, ("01-001 · Screening · Consent and demography",))
    entered.refresh_from_db()
    assert entered.version == 1


def test_an_identifier_never_comes_back_with_another_meaning(
    folder: Path, version: StudyVersion, person: Person
) -> None:
    builder = person("study_builder")
    form = folder / "forms" / "dm.yaml"
    before = form.read_text(encoding="utf-8")
    form.write_text("use: DM\nwithout: [SEX]\n", encoding="utf-8")
    take_in(builder, folder)
    form.write_text(
        "use: DM\nwithout: [SEX]\nitems:\n  - {name: SEX, label: Shoe size, type: integer}\n",
        encoding="utf-8",
    )
    with pytest.raises(OnearmError, match=r"DM\.SEX"):
        take_in(builder, folder)
    form.write_text(before, encoding="utf-8")
    assert take_in(builder, folder) == version


VS_WITH = "use: VS\nitems:\n  - {{name: WEIGHT, {change}}}\n"
SEX_WITH = """\
use: DM
items:
  - name: SEX
    choices:
      - {{code: M, label: {{en: {m}, zh: {zh}}}}}
      - {{code: F, label: {{en: Female, zh: 女}}}}
"""


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("vs", VS_WITH.format(change="unit: lb"), "VS.WEIGHT: kg -> lb"),
        ("vs", VS_WITH.format(change="type: date"), "VS.WEIGHT: number -> date"),
        ("vs", VS_WITH.format(change="type: code, choices: [{code: A, label: A}]"), "choice"),
    ],
)
def test_an_item_that_stays_keeps_its_unit_and_its_kind_of_value(
    form: str, text: str, said: str, folder: Path, version: StudyVersion, person: Person
) -> None:
    builder = person("study_builder")
    (folder / "forms" / f"{form}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(OnearmError, match=said):
        take_in(builder, folder, reworded="it means the same")
    assert StudyVersion.objects.count() == 1


@pytest.mark.parametrize("change", ["type: integer, decimals: null", "type: text", "low: 20"])
def test_a_change_within_the_meaning_is_taken_in(
    change: str, folder: Path, version: StudyVersion, person: Person
) -> None:
    (folder / "forms" / "vs.yaml").write_text(VS_WITH.format(change=change), encoding="utf-8")
    assert take_in(person("study_builder"), folder).number == 2


def test_a_code_gets_other_words_only_with_a_reason_and_no_other_meaning_ever_after(
    folder: Path, version: StudyVersion, person: Person
) -> None:
    builder = person("study_builder")
    form = folder / "forms" / "dm.yaml"
    before = [c.label for c in studies.study_of(version).choices(_sex(version))]
    form.write_text(SEX_WITH.format(m="Missing", zh="缺失"), encoding="utf-8")
    with pytest.raises(OnearmError, match=r"DM\.SEX = M: .* -> Missing"):
        take_in(builder, folder)
    form.write_text(SEX_WITH.format(m="Male sex", zh="男性"), encoding="utf-8")
    files = [(p.relative_to(folder).as_posix(), p.read_bytes()) for p in folder.rglob("*.*")]
    file = SimpleUploadedFile("study.zip", _zipped(*files))
    given = {"file": file, "reworded": "clearer words"}
    made = with_key(builder).post("/api/versions", given).json()
    second = StudyVersion.objects.get(number=made["version"])
    act = AuditEvent.objects.filter(action="study.load").latest("number")
    assert act.reason == "clearer words"
    assert act.details["reworded"] == [f"DM.SEX = M: {_told(before)} -> Male sex / 男性"]
    assert next(c.label.en for c in studies.study_of(second).choices(_sex(second))) == "Male sex"
    # Taken out and given again, the code still means what it meant.
    form.write_text(
        SEX_WITH.format(m="x", zh="x").replace("      - {code: M, label: {en: x, zh: x}}\n", "")
    )
    take_in(builder, folder)
    form.write_text(SEX_WITH.format(m="Married", zh="已婚"), encoding="utf-8")
    with pytest.raises(OnearmError, match=r"DM\.SEX = M: Male sex / 男性 -> Married"):
        take_in(builder, folder)


def _sex(version: StudyVersion) -> Item:
    return studies.study_of(version).forms["DM"].item("SEX")


def _told(labels: list[Text]) -> str:
    return f"{labels[0].en} / {labels[0].zh}" if labels[0].zh else labels[0].en


def test_a_server_does_not_start_with_a_folder_that_gives_another_meaning(
    folder: Path, version: StudyVersion
) -> None:
    (folder / "forms" / "vs.yaml").write_text(VS_WITH.format(change="unit: lb"), encoding="utf-8")
    with pytest.raises(OnearmError, match="lb"):
        serving._take_in(folder)


def test_a_zip_of_the_folder_is_taken_in_and_others_are_refused(
    folder: Path, version: StudyVersion, person: Person
) -> None:
    builder = person("study_builder")
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as out:
        for path in folder.rglob("*"):
            if path.is_file():
                out.write(path, Path("study") / path.relative_to(folder))
    assert take_in_zip(builder, bundle.getvalue()) == version
    outside = io.BytesIO()
    with zipfile.ZipFile(outside, "w") as out:
        out.writestr("../../study.yaml", "id: X")
    for content, said in ((b"no zip", "not a zip"), (outside.getvalue(), "outside")):
        with pytest.raises(OnearmError, match=said):
            take_in_zip(builder, content)


def _zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", method) as out:
        for name, content in files:
            out.writestr(name, content)
    return bundle.getvalue()


def _encrypted(content: bytes) -> bytes:
    """The same zip file with the sign of encryption on its file, in both of its headers."""
    local, central = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    marked = bytearray(content)
    marked[local + 6] |= 1
    marked[central + 8] |= 1
    return bytes(marked)


STORED = _zipped(("study.yaml", b"id: TRIAL"), method=zipfile.ZIP_STORED)


@pytest.mark.parametrize(
    "content",
    [
        STORED.replace(b"id: TRIAL", b"id: TRIAX"),
        _encrypted(STORED),
        _zipped(("study.yaml", b"id: X"), ("notes.md", "说明".encode("gb18030"))),
        _zipped(("study.yaml", b"id: X"), ("study.yaml/forms.yaml", b"form: X")),
        _zipped((f"{'x' * 300}.yaml", b"id: X")),
    ],
    ids=["wrong sum", "encrypted", "GBK", "a file and a folder", "a long name"],
)
def test_a_zip_that_cannot_be_read_is_refused_in_words(
    content: bytes, version: StudyVersion, person: Person
) -> None:
    file = SimpleUploadedFile("study.zip", content)
    answer = with_key(person("study_builder")).post("/api/versions", {"file": file})
    assert answer.status_code == 400
    assert "cannot be read from the zip file" in answer.json()["detail"]


def test_a_zip_beyond_the_limit_is_called_too_large(
    version: StudyVersion, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amend, "MOST_BYTES", 100)
    with pytest.raises(OnearmError, match="larger than any study folder"):
        take_in_zip(person("study_builder"), STORED)


def test_rights_days_and_releases_are_checked(
    site: Site, version: StudyVersion, person: Person, folder: Path
) -> None:
    builder, manager = person("study_builder"), person("data_manager")
    for act in (
        lambda: take_in(manager, folder),
        lambda: migrate(builder, version, [site]),
    ):
        with pytest.raises(NotAllowed):
            act()
    later = take_in(builder, _amended(folder))
    with pytest.raises(OnearmError, match="not been released"):
        migrate(manager, later, [site])
    assert studies.study_of(later).forms["DM"].item("SHOE").type == "integer"
