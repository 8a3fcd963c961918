"""REDCap's data dictionary and data export: a study and its entries, every column accounted for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from onearm.errors import OnearmError
from onearm.store.odm import odm_entries
from onearm.store.redcap import COLUMNS, read_data, read_dictionary
from onearm.study import load
from onearm.study.lint import check
from onearm.study.odm import draft_from_odm

HEAD = ",".join(f'"{name}"' for name in COLUMNS.values()) + ',"Custom Alignment"'
DICTIONARY = f'''\ufeff{HEAD}
record_id,basis,text,Record,,,,,,,,y,
born,basis,text,Date of birth,,,date_ymd,,,y,,,
sex,basis,radio,Sex,"0, Female | 1, Male",,,,,,,y,
pregnant,basis,yesno,"<b>Pregnant</b>",,,,,,,"[sex] = ""0""",,
habit,basis,checkbox,Habits,"1, Smokes | 2, Drinks",,,,,,,,
weight,visit,text,Weight,,in kg,number,20,250,,,,
bmi,visit,calc,BMI,[weight]/2,,,,,,,,
hint,visit,descriptive,Read this,,,,,,,,,
seen,visit,text,Seen,,,datetime_dmy,,,,,,
often,visit,text,Often,,,,,,,"[habit(1)] = ""1""",,
'''
DATA = """\ufeffrecord_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,born,\
sex,pregnant,habit___1,habit___2,basis_complete,weight,bmi,seen,extra
1,base_arm_1,,,1970-01-02,0,1,1,0,2,,,,x
1,base_arm_1,visit,1,,,,,,,70.5,35,2024-05-06 09:30,
1,base_arm_1,visit,2,,,,,,,71,,,
2,base_arm_1,,,1980-02-03,1,,0,0,1,,,,
"""


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path]:
    dictionary, data = tmp_path / "dictionary.csv", tmp_path / "data.csv"
    dictionary.write_text(DICTIONARY, encoding="utf-8")
    data.write_text(DATA, encoding="utf-8")
    return dictionary, data


def test_a_dictionary_and_its_records_become_a_study_with_entries(
    written: tuple[Path, Path], tmp_path: Path
) -> None:
    metadata = read_dictionary(written[0])
    file = read_data(written[1], metadata)
    draft, names = draft_from_odm(file.metadata, metadata.account)
    for name, text in draft.files.items():
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_text(text, encoding="utf-8")
    study = load(tmp_path / "s")
    assert [f for f in check(study, {}) if f.severity == "error"] == []
    basis, visit = study.forms["BASIS"], study.forms["VISIT"]
    assert basis.item("BORN").identifies
    assert basis.item("PREGNANT").shown_when == "SEX = '0'"
    assert (visit.item("WEIGHT").low, visit.item("WEIGHT").high) == (20, 250)
    assert visit.rows == "record"
    entries = odm_entries(file, names, file.account)
    rows = entries.filter(entries["FORM"] == "VISIT").select("ROW", "ITEM", "VALUE").rows()
    assert rows == [
        (1, "BMI", "35"),
        (1, "SEEN", "2024-05-06T09:30"),
        (1, "WEIGHT", "70.5"),
        (2, "WEIGHT", "71"),
    ]
    carried = file.account.carried("ItemData")
    # Named: the records' numbers again (2), the states of forms (2), the column "extra" (1).
    assert entries.height == carried == file.account.read["ItemData"] - 5
    cells = [c for line in csv.reader(DATA.lstrip("\ufeff").splitlines()[1:]) for c in line]
    keys = 4 + 2 * 2  # the event of each line, instrument and instance of two
    assert file.account.read["ItemData"] == sum(cell != "" for cell in cells) - keys


def test_fields_and_columns_that_cannot_be_carried_are_named(written: tuple[Path, Path]) -> None:
    metadata = read_dictionary(written[0])
    fields = {line.kind: line for line in metadata.account.lines()}
    assert (fields["field"].read, fields["field"].left) == (10, 1)
    assert fields["calculation"].left == 1
    data = read_data(written[1], metadata)
    why = [reason for line in data.account.lines() for reason, _ in line.reasons]
    assert "extra: not in the dictionary" in why
    assert "basis_complete: a state of the form" in why
    _, names = draft_from_odm(data.metadata, metadata.account)
    assert ("visit", "visit", "often") in names.items
    reasons = {r for line in metadata.account.lines() for r, _ in line.reasons}
    assert "skip logic: habit___1 is not an item of the same form" in reasons


WHOLE = ",".join(
    f'"{name}"'
    for name in (*COLUMNS.values(), "Section Header", "Matrix Group Name", "Matrix Ranking?",
                 "Field Annotation")
)  # fmt: skip


def test_matrix_groups_headings_annotations_validations_and_limits_are_named(
    tmp_path: Path,
) -> None:
    scale = '"1, Never | 2, Often"'
    path = tmp_path / "dictionary.csv"
    lines = [
        "record_id,form,text,Record" + "," * 12,
        f"q1,form,radio,Calm,{scale},,,,,,,,Mood,mood,y,",
        f"q2,form,radio,Sad,{scale},,,,,,,,,mood,y,",
        "at,form,text,When,,,datetime_ymd,,,,,,,,,@NOW",
        "from,form,text,From,,,date_ymd,2020-01-01,,,,,,,,",
        "mail,form,text,Mail,,,email,,,y,,,,,,",
        "age,form,text,Age,,,integer,18,99,,,,,,,",
        "clock,form,text,Time,,,time_hh_mm_ss,1,,,,,,,,",
    ]
    path.write_text("\n".join((WHOLE, *lines)), encoding="utf-8")
    file = read_dictionary(path)
    draft, _ = draft_from_odm(file.metadata, file.account)
    found = {line.kind: (line.read, line.carried) for line in file.account.lines()}
    assert found["matrix"] == (2, 0)
    assert found["ranking"] == (2, 0)
    assert found["section"] == (1, 0)
    assert found["annotation"] == (1, 0)
    assert found["validation"] == (5, 3)
    assert found["limit"] == (4, 2)
    assert found["column"] == (16, 16)
    reasons = " ".join(draft.gaps)
    for said in ("email", "time_hh_mm_ss", "a matrix", "action tag", "no number"):
        assert said in reasons
    for name, text in draft.files.items():
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_text(text, encoding="utf-8")
    form = load(tmp_path / "s").forms["FORM"]
    assert [choice.code for choice in form.item("Q2").choices] == ["1", "2"]
    assert (form.item("AGE").low, form.item("AGE").high) == (18, 99)
    assert form.item("MAIL").identifies


def test_another_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(OnearmError, match="not a REDCap data dictionary"):
        read_dictionary(path)


def test_a_note_of_several_lines_keeps_them(written: tuple[Path, Path]) -> None:
    note = "first line\nsecond\u2028part, third"
    dictionary = written[0].read_text(encoding="utf-8") + "note,basis,notes,Note,,,,,,,,,\n"
    written[0].write_text(dictionary, encoding="utf-8")
    written[1].write_text(f'record_id,note\n1,"{note}"\n', encoding="utf-8")
    file = read_data(written[1], read_dictionary(written[0]))
    assert file.values.filter(ITEM="note")["VALUE"].to_list() == [note]


def test_a_check_box_of_a_negative_code_is_found_in_the_data(written: tuple[Path, Path]) -> None:
    dictionary = written[0].read_text(encoding="utf-8").replace("2, Drinks", "-9, Not Known")
    dictionary += 'why,basis,text,Why,,,,,,,"[habit(-9)] = ""1""",,\n'
    written[0].write_text(dictionary, encoding="utf-8")
    written[1].write_text("record_id,habit___1,habit____9\n1,0,1\n", encoding="utf-8")
    metadata = read_dictionary(written[0])
    file = read_data(written[1], metadata)
    assert file.account.carried("ItemData") == file.account.read["ItemData"] == 3
    assert file.values.filter(ITEM="habit____9")["VALUE"].to_list() == ["1"]
    draft, _ = draft_from_odm(file.metadata, metadata.account)
    assert "shown_when: HABIT_9 = '1'" in draft.files["forms/basis.yaml"]
