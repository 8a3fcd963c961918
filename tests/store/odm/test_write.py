"""Our own study and data as ODM: valid against the standard's schema, and back without a loss."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import odmlib
import polars as pl
import pytest
from lxml import etree

from onearm.errors import Problems
from onearm.records.entry import ENTRY
from onearm.simulate import trial
from onearm.store.odm import Act, Who, odm_entries, read_odm, write_odm
from onearm.study import Study, load
from onearm.study.load import TEXT_FILES
from onearm.study.odm import draft_from_odm

STUDY = Path(__file__).parents[3] / "studies" / "lenvatinib-pembrolizumab"
AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
KEY = [name for name in ENTRY if name not in ("VALUE", "REASON")]


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


@pytest.fixture(scope="module")
def entries(study: Study) -> pl.DataFrame:
    return trial(study, subjects=5, seed=11).entries.sort(KEY)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(files(odmlib) / "schemas/odm/1.3.2/ODM1-3-2.xsd"))


def _others() -> dict[str, str]:
    """Files of the study that ODM has no words for: all but forms, schedule and codelists."""
    return {
        path.relative_to(STUDY).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(STUDY.rglob("*"))
        if path.is_file()
        and path.suffix in TEXT_FILES
        and path.name != "schedule.yaml"
        and path.parent.name not in ("forms", "terms")
    }


def test_a_study_and_its_data_come_back_as_they_were(
    study: Study, entries: pl.DataFrame, schema: etree.XMLSchema, tmp_path: Path
) -> None:
    path = write_odm(study, tmp_path / "own.xml", created=AT, entries=entries, files=_others())
    schema.assertValid(etree.parse(path))
    file = read_odm(path)
    draft, names = draft_from_odm(file.metadata, file.account)
    assert odm_entries(file, names, file.account).equals(entries)
    folder = tmp_path / "back"
    for name, text in draft.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    back = load(folder)
    assert (back.forms, back.schedule, back.identity) == (
        study.forms,
        study.schedule,
        study.identity,
    )
    assert (back.endpoints, back.analyses, back.design) == (
        study.endpoints,
        study.analyses,
        study.design,
    )
    assert set(back.terms) == set(study.terms)
    assert all(back.terms[name].equals(frame) for name, frame in study.terms.items())


def test_the_same_data_give_the_same_bytes(
    study: Study, entries: pl.DataFrame, tmp_path: Path
) -> None:
    one = write_odm(study, tmp_path / "a.xml", created=AT, entries=entries)
    shuffled = entries.sample(fraction=1.0, shuffle=True, seed=1)
    other = write_odm(study, tmp_path / "b.xml", created=AT, entries=shuffled)
    assert one.read_bytes() == other.read_bytes()


def test_every_change_keeps_who_when_and_why(
    study: Study, schema: etree.XMLSchema, tmp_path: Path
) -> None:
    place = ("01", "001", "SCREENING", 1, "VS", 1, "WEIGHT")
    acts = [
        Act(place, "71", "", "Insert", "an", AT),
        Act(place, "72", "", "Update", "bo", AT.replace(hour=8), why="read wrongly"),
        Act((*place[:6], "HEIGHT"), "", "ND", "Insert", "bo", AT.replace(hour=9)),
        Act(place, "", "", "Remove", "bo", AT.replace(hour=10), why="of another patient"),
    ]
    who = Who({"an": "An Li", "bo": "Bo Wu"}, {"01": "First hospital"})
    path = write_odm(study, tmp_path / "audit.xml", created=AT, history=acts, who=who)
    schema.assertValid(etree.parse(path))
    file = read_odm(path)
    assert file.kind == "Transactional"
    assert file.values.select("ITEM", "VALUE", "ACTION", "USER", "WHY").rows() == [
        ("I.VS.WEIGHT", "71", "Insert", "an", ""),
        ("I.VS.WEIGHT", "72", "Update", "bo", "read wrongly"),
        ("I.VS.HEIGHT", "", "Insert", "bo", ""),
        ("I.VS.WEIGHT", "", "Remove", "bo", "of another patient"),
    ]
    _, names = draft_from_odm(file.metadata, file.account)
    left = odm_entries(file, names, file.account)
    assert left.select("ITEM", "VALUE", "REASON").rows() == [("HEIGHT", None, "ND")]


def test_what_xml_cannot_hold_is_refused_by_its_place(study: Study, tmp_path: Path) -> None:
    row = ("01", "001", "SCREENING", 1, "DM", 1, "SEX", "a\x01b", None)
    frame = pl.DataFrame([row], schema=dict(ENTRY), orient="row")
    with pytest.raises(Problems, match=r"DM\.SEX"):
        write_odm(study, tmp_path / "bad.xml", created=AT, entries=frame)
    assert list(tmp_path.iterdir()) == []
