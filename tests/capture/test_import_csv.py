"""Results of a laboratory line by line: tried, loaded, refused with the reason, file kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from onearm.capture import studies, trail
from onearm.capture.actions.take_csv import Plan, guessed, guessed_units, take_csv
from onearm.capture.actions.take_file import keep, load_entries, load_lines
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    FormVersion,
    Hold,
    Site,
    StudyVersion,
    Subject,
    TakenFile,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError
from onearm.simulate import trial as simulated
from onearm.store.odm import write_odm
from tests.capture.api_world import with_key

Person = Callable[..., User]
PLAN = Plan(
    form="LB",
    subject="Patient",
    visit="=SCREENING",
    items={"LBDAT": "Date", "LBNAM": "Lab", "ALT": "ALT", "AST": "AST"},
)
HEAD = "Patient,Date,Lab,ALT,AST\n"
GOOD = "01-001,2024-05-06,中心实验室,31,25\n"


@pytest.fixture
def manager(person: Person) -> User:
    return person("data_manager")


def _value(item: str) -> object:
    return FormInstance.objects.get(form="LB").data["rows"][0].get(item)


@pytest.mark.parametrize(
    ("encoding", "separator", "read_as"),
    [("utf-8", ",", "utf-8-sig"), ("utf-8-sig", ";", "utf-8-sig"), ("gbk", "\t", "gb18030")],
)
def test_a_line_becomes_a_form_in_every_usual_encoding(
    encoding: str, separator: str, read_as: str, subject: Subject, manager: User
) -> None:
    content = (HEAD + GOOD).replace(",", separator).encode(encoding)
    account = take_csv(manager, content, PLAN, source="lab.csv")
    assert [(line.number, line.fate) for line in account.lines] == [(2, "new")]
    assert account.encoding == read_as
    assert (_value("LBNAM"), _value("ALT")) == ("中心实验室", "31")
    version = FormVersion.objects.get(instance__form="LB")
    assert (version.origin, version.role) == ("import", "data_manager")


def test_every_line_has_its_fate_and_a_dry_run_says_the_same(
    subject: Subject, manager: User, site: Site
) -> None:
    other = Subject.objects.create(site=site, code="01-002", created_at=subject.created_at)
    assert other.pk
    take_csv(manager, (HEAD + GOOD).encode(), PLAN, source="lab.csv")
    count = FormVersion.objects.count()
    content = (
        HEAD
        + GOOD.replace("31", "44")
        + "01-002,2024-05-06,Lab,forty,25\n"
        + "01-009,2024-05-06,Lab,1,2\n"
        + GOOD
        + "01-002,,,,\n"
    ).encode()
    dry = take_csv(manager, content, PLAN, source="lab2.csv", is_dry=True)
    assert FormVersion.objects.count() == count
    fates = [(line.number, line.fate) for line in dry.lines]
    assert fates == [(2, "changed"), (3, "refused"), (4, "refused"), (5, "refused"), (6, "refused")]
    why = {line.number: line.why for line in dry.lines}
    assert "not a number" in why[3]
    assert "01-009" in why[4]
    assert "earlier line" in why[5]
    assert why[6] == "The line holds no value."
    assert take_csv(manager, content, PLAN, source="lab2.csv").lines == dry.lines
    assert _value("ALT") == "44"
    assert "lab2.csv" in FormVersion.objects.get(instance__form="LB", version=2).reason
    assert dry.count("new", "changed", "same") + dry.count("refused") == len(dry.lines) == 5
    assert list(trail.verify()) == []


def test_rows_of_a_repeating_form_are_found_by_their_key(subject: Subject, manager: User) -> None:
    plan = Plan(
        form="CM",
        subject="Patient",
        visit="=LOG",
        items={"CMTRT": "Drug", "CMDOSE": "Dose"},
        keys=("CMTRT",),
    )
    take_csv(
        manager, b"Patient,Drug,Dose\n01-001,aspirin,100\n01-001,statin,20\n", plan, source="a"
    )
    again = take_csv(
        manager,
        b"Patient,Drug,Dose\n01-001,statin,40\n01-001,zinc,5\n01-001,aspirin,100\n",
        plan,
        source="b",
    )
    assert [line.fate for line in again.lines] == ["changed", "new", "same"]
    rows = FormInstance.objects.get(form="CM").data["rows"]
    assert [(r["_key"], r["CMTRT"], r["CMDOSE"]) for r in rows] == [
        (1, "aspirin", "100"), (2, "statin", "40"), (3, "zinc", "5"),
    ]  # fmt: skip


UNITS = Plan(
    form="LB",
    subject="Patient",
    visit="=SCREENING",
    items={"LBDAT": "Date", "BILI": "Bili", "HGB": "Hb"},
    units={"BILI": "Bili unit", "HGB": "=g/dL"},
    convert=frozenset({"BILI", "HGB"}),
)
WITH_UNITS = "Patient,Date,Bili,Bili unit,Hb\n01-001,2024-05-06,1.2,mg/dL,12.55\n"


def test_results_in_another_unit_are_converted_where_the_plan_says_so(
    subject: Subject, manager: User
) -> None:
    dry = take_csv(manager, WITH_UNITS.encode(), UNITS, source="us.csv", is_dry=True)
    assert dry.lines[0].converted == (
        "BILI 1.2 mg/dL = 20.5 umol/L", "HGB 12.55 g/dL = 126 g/L",
    )  # fmt: skip
    assert take_csv(manager, WITH_UNITS.encode(), UNITS, source="us.csv").lines == dry.lines
    assert (_value("BILI"), _value("HGB")) == ("20.5", "126")  # 125.5 is rounded away from zero
    told = AuditEvent.objects.get(action="import.convert")
    assert (told.target, told.details) == ("us.csv", {"results": 2, "lines": 1})
    assert list(trail.verify()) == []


def test_results_in_another_unit_are_refused_where_it_does_not_say_so(
    subject: Subject, manager: User
) -> None:
    plan = replace(UNITS, convert=frozenset({"HGB"}))
    (line,) = take_csv(manager, WITH_UNITS.encode(), plan, source="us.csv").lines
    assert (line.number, line.fate) == (2, "refused")
    assert line.why == (
        "BILI: 1.2 is in mg/dL, the form asks for umol/L. A factor is known (× 17.1): "
        "allow the conversion, or correct the file."
    )
    assert not FormInstance.objects.exists()
    assert not AuditEvent.objects.filter(action="import.convert").exists()


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("1.2", "furlong", "BILI: 1.2 is in furlong, the form asks for umol/L, and no factor"),
        ("1.2", "", "BILI: 1.2 is in no unit, the form asks for umol/L, and no factor"),
        ("high", "mg/dL", "BILI: 'high' mg/dL is not a number and cannot be converted"),
    ],
)
def test_what_cannot_be_converted_is_refused_with_its_line(
    value: str, unit: str, said: str, subject: Subject, manager: User
) -> None:
    content = WITH_UNITS.replace("1.2,mg/dL", f"{value},{unit}")
    (line,) = take_csv(manager, content.encode(), UNITS, source="us.csv").lines
    assert (line.number, line.fate) == (2, "refused")
    assert said in line.why


def test_a_unit_that_is_the_forms_own_changes_nothing(subject: Subject, manager: User) -> None:
    content = WITH_UNITS.replace("1.2,mg/dL", "20.52,umol/L")
    (line,) = take_csv(manager, content.encode(), UNITS, source="eu.csv").lines
    assert line.converted == ("HGB 12.55 g/dL = 126 g/L",)
    assert _value("BILI") == "20.52"  # as it was written, though the form shows one decimal


def test_columns_of_units_are_guessed(version: StudyVersion) -> None:
    form = studies.study_of(version).forms["LB"]
    found = guessed_units(
        form, ["ALT", "alt_unit", "Total bilirubin unit", "白蛋白单位", "INR unit"]
    )
    assert found == {"ALT": "alt_unit", "BILI": "Total bilirubin unit", "ALB": "白蛋白单位"}


def test_a_lock_refuses_the_line_and_names_it(subject: Subject, manager: User) -> None:
    take_csv(manager, (HEAD + GOOD).encode(), PLAN, source="lab.csv")
    Hold.objects.create(
        target="subject:01-001", kind="locked", set_by=manager, set_at=subject.created_at
    )
    account = take_csv(manager, (HEAD + GOOD.replace("31", "9")).encode(), PLAN, source="late.csv")
    assert account.count("refused") == 1
    assert "locked" in account.lines[0].why
    assert _value("ALT") == "31"


def test_the_file_is_kept_with_its_hash_and_its_account(subject: Subject, manager: User) -> None:
    content = (HEAD + GOOD).encode()
    kept = keep(manager, "../../lab.csv", "csv", content)
    assert keep(manager, "lab.csv", "csv", content).pk == kept.pk
    load_lines(manager, kept, PLAN, is_dry=True)
    assert TakenFile.objects.get().account["state"] == "tried"
    load_lines(manager, kept, PLAN, is_dry=False)
    stored = TakenFile.objects.get()
    assert (stored.name, bytes(stored.content)) == ("lab.csv", content)
    assert stored.account == {
        "new": 1, "changed": 0, "same": 0, "refused": 0, "read": 1, "state": "loaded",
    }  # fmt: skip
    assert AuditEvent.objects.filter(action="import.file", target="lab.csv").count() == 1
    assert stored.sha256[:16] in AuditEvent.objects.get(action="import").target


def test_a_file_that_was_loaded_keeps_that_account_when_it_is_tried_again(
    subject: Subject, manager: User
) -> None:
    kept = keep(manager, "lab.csv", "csv", (HEAD + GOOD).encode())
    load_lines(manager, kept, PLAN, is_dry=False)
    loaded = TakenFile.objects.get().account
    assert load_lines(manager, kept, PLAN, is_dry=True).count("same") == 1
    assert TakenFile.objects.get().account == loaded
    load_lines(manager, kept, PLAN, is_dry=False)
    assert (loaded["new"], TakenFile.objects.get().account["same"]) == (1, 1)


def test_what_is_loaded_and_its_account_are_kept_together_or_not_at_all(
    subject: Subject, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(manager, "lab.csv", "csv", (HEAD + GOOD).encode())

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(TakenFile, "save", fail)
    with pytest.raises(OSError, match="disk is full"):
        load_lines(manager, kept, PLAN, is_dry=False)
    assert not FormInstance.objects.exists()
    monkeypatch.undo()
    monkeypatch.setattr(trail, "record", fail)
    with pytest.raises(OSError, match="disk is full"):
        keep(manager, "other.csv", "csv", b"another file")
    assert TakenFile.objects.count() == 1


def test_a_long_name_fits_into_the_trail_with_the_hash_of_its_file(
    subject: Subject, manager: User
) -> None:
    kept = keep(manager, f"{'结果' * 120}.csv", "csv", (HEAD + GOOD).encode())
    load_lines(manager, kept, PLAN, is_dry=False)
    longest = AuditEvent._meta.get_field("target").max_length
    targets = list(AuditEvent.objects.values_list("target", flat=True))
    assert all(len(target) <= longest for target in targets)
    assert f"(SHA-256 {kept.sha256[:16]})" in AuditEvent.objects.get(action="import").target


def test_a_program_converts_units_by_the_same_plan(subject: Subject, manager: User) -> None:
    kept = keep(manager, "us.csv", "csv", WITH_UNITS.encode())
    program, address = with_key(manager), f"/api/imports/{kept.pk}/load"
    plan = {
        "form": "LB",
        "subject": "Patient",
        "visit": "=SCREENING",
        "items": {"LBDAT": "Date", "BILI": "Bili", "HGB": "Hb"},
        "units": {"BILI": "Bili unit", "HGB": "=g/dL"},
    }
    refused = program.post(address, {"dry": False, "plan": plan}, "application/json").json()
    assert [line["fate"] for line in refused["lines"]] == ["refused"]
    assert "allow the conversion" in refused["lines"][0]["why"][0]
    allowed = {**plan, "convert": ["BILI", "HGB"]}
    loaded = program.post(address, {"dry": False, "plan": allowed}, "application/json").json()
    assert loaded["lines"][0]["converted"] == [
        "BILI 1.2 mg/dL = 20.5 umol/L", "HGB 12.55 g/dL = 126 g/L",
    ]  # fmt: skip
    assert (_value("BILI"), _value("HGB")) == ("20.5", "126")


def test_an_odm_file_of_the_study_is_loaded_and_a_second_time_changes_nothing(
    version: StudyVersion, manager: User, tmp_path: Path
) -> None:
    study = studies.study_of(version)
    drawn = simulated(study, subjects=2, seed=5)
    path = write_odm(study, tmp_path / "d.xml", created=version.loaded_at, entries=drawn.entries)
    kept = keep(manager, "d.xml", "odm", path.read_bytes())
    assert load_entries(manager, kept, is_dry=False).count("new", "refused") == drawn.entries.height
    again = {row.fate for row in load_entries(manager, kept, is_dry=False).rows}
    assert again <= {"same", "refused"}


def test_columns_are_guessed_from_names_and_labels(version: StudyVersion) -> None:
    form = studies.study_of(version).forms["LB"]
    found = guessed(form, ["alt", "采样日期", "Total bilirubin", "other"])
    assert found == {"ALT": "alt", "LBDAT": "采样日期", "BILI": "Total bilirubin"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00\x01", "neither UTF-8 nor GBK"),
        (b"Patient,Patient\n1,2\n", "more than once"),
        (b'Patient,Date\n1,"' + b"x" * 200_000 + b'"\n', "Line 2 is no line of a CSV file"),
        (b"Patient,Date,Lab,ALT,AST\n1,2\n", "Line 2 has 2 cells"),
        (b"Subject,Date\n1,2\n", "no column 'Patient'"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_words(
    content: bytes, said: str, manager: User
) -> None:
    with pytest.raises(OnearmError, match=said):
        take_csv(manager, content, PLAN, source="x")


def test_loading_lines_needs_the_right(subject: Subject, person: Person) -> None:
    with pytest.raises(NotAllowed):
        take_csv(person("coordinator"), (HEAD + GOOD).encode(), PLAN, source="x")
    with pytest.raises(NotAllowed):
        keep(person("investigator"), "x.csv", "csv", b"a")
