"""Serious events beside the safety database, and the lock that waits for both to agree."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from onearm.capture.actions.hold import hold, lift
from onearm.capture.actions.reconcile import Columns, Event, compare, reconcile
from onearm.capture.lockcheck import checklist
from onearm.capture.models import AuditEvent, FormInstance, Reconciliation, Subject, User
from onearm.errors import OnearmError
from tests.capture.api_world import with_key
from tests.capture.conduct import fill

Person = Callable[..., User]
WHERE = Columns("Patient", "Event", "Onset", "Serious")


def event(term: str, onset: str = "", *, serious: bool = True, subject: str = "1") -> Event:
    return Event(subject, term, frozenset({term.casefold()}), onset, serious)


def fates(ours: list[Event], theirs: list[Event]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(x.fate, x.term_here, x.term_there, x.differs) for x in compare(ours, theirs)]


def test_a_day_that_one_side_knows_better_is_no_difference() -> None:
    found = fates([event("Fever", "2026-05-12")], [event("fever", "2026-05")])
    assert found == [("matched", "Fever", "fever", ())]
    found = fates([event("Fever", "2026-05-12")], [event("fever", "2026-06")])
    assert found == [("differs", "Fever", "fever", ("onset",))]


def test_an_empty_day_is_a_difference() -> None:
    found = fates([event("Fever", "2026-05-12")], [event("Fever")])
    assert found == [("differs", "Fever", "Fever", ("onset",))]


def test_two_episodes_of_one_event_are_paired_by_their_days() -> None:
    ours = [event("Fever", "2026-05-12"), event("Fever", "2026-07-01")]
    theirs = [event("Fever", "2026-07-01"), event("Fever", "2026-05-12")]
    assert [fate for fate, *_ in fates(ours, theirs)] == ["matched", "matched"]


def test_another_term_on_the_same_day_is_one_event_that_differs() -> None:
    found = fates([event("Sepsis", "2026-05-12")], [event("Septic shock", "2026-05-12")])
    assert found == [("differs", "Sepsis", "Septic shock", ("term",))]


def test_a_month_alone_does_not_make_two_terms_one_event() -> None:
    found = fates([event("Sepsis", "2026-05-12")], [event("Fever", "2026-05")])
    assert [fate for fate, *_ in found] == ["only_here", "only_there"]
    mild = event("Cough", "2026-05-12", serious=False)
    found = fates([mild], [event("Fever", "2026-05-12")])
    assert [fate for fate, *_ in found] == ["only_there"]


def test_events_of_different_subjects_are_never_paired() -> None:
    found = fates([event("Fever", subject="1")], [event("Fever", subject="2")])
    assert [fate for fate, *_ in found] == ["only_here", "only_there"]


def test_an_event_that_is_not_serious_here_shows_and_alone_is_no_matter() -> None:
    mild = event("Fever", "2026-05-12", serious=False)
    assert fates([mild], [event("Fever", "2026-05-12")]) == [
        ("differs", "Fever", "Fever", ("serious",))
    ]
    assert fates([mild], []) == []


@pytest.fixture
def serious(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    fill(
        nurse, subject, "LOG", "AE", row=1,
        AETERM="Bile duct  infection", AESTDAT="2026-05-12", AESER="Y",
    )  # fmt: skip
    saved = fill(nurse, subject, "LOG", "AE", row=2, AETERM="Nausea", AESER="N", AESTDAT="2026-05")
    return saved.instance


FILE = (
    "Patient,Event,Onset,Serious\n"
    "01-001,bile duct infection,12MAY2026,Yes\n"
    "01-001,Hepatic failure,2026-06-01,Yes\n"
)


def test_a_file_is_compared_and_nothing_is_changed(person: Person, serious: FormInstance) -> None:
    manager = person("data_manager")
    made = reconcile(manager, "safety.csv", FILE.encode(), WHERE)
    told = [(line["fate"], line["term_here"], line["term_there"]) for line in made.lines]
    assert told == [
        ("only_there", "", "Hepatic failure"),
        ("matched", "Bile duct  infection", "bile duct infection"),
    ]
    fresh = FormInstance.objects.get(pk=serious.pk)
    assert (fresh.version, fresh.head) == (serious.version, serious.head)
    act = AuditEvent.objects.get(action="sae.reconcile")
    assert (act.user, act.role) == (manager, "data_manager")
    assert act.details["only_there"] == 1
    # What happened to whom stays out of the trail.
    assert "infection" not in str(act.details)


def test_semicolons_and_tabs_separate_columns_too(person: Person, serious: FormInstance) -> None:
    for separator in (";", "\t"):
        text = FILE.replace(",", separator)
        made = reconcile(person("data_manager", name=separator), "x", text.encode(), WHERE)
        assert [line["fate"] for line in made.lines] == ["only_there", "matched"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_chinese_file_is_read_as_it_comes(
    encoding: str, person: Person, serious: FormInstance
) -> None:
    text = "受试者,事件,开始,严重\n01-001,BILE DUCT INFECTION,2026-05,是\n01-001,恶心,2026-05,否\n"
    made = reconcile(
        person("data_manager"),
        "x.csv",
        text.encode(encoding),
        Columns("受试者", "事件", "开始", "严重"),
    )
    told = [(line["fate"], line["term_there"], line["serious_there"]) for line in made.lines]
    assert told == [("only_there", "恶心", "N"), ("matched", "BILE DUCT INFECTION", "Y")]


@pytest.mark.parametrize(
    ("content", "columns", "says"),
    [
        (FILE.encode(), Columns("Subject", "Event", "Onset"), "no column Subject; it has Patient"),
        (b"\xff\xff\xff", WHERE, "neither UTF-8 nor GBK"),
        (b"", WHERE, "The file is empty"),
        (FILE.replace(",Yes", "").encode(), WHERE, "Line 2 has 3 cells, the header 4"),
        (b'Patient,"' + b"x" * 200_000 + b'"', WHERE, "no line of a CSV file"),
        (b"x" * 5_000_001, WHERE, "larger than 5 MB"),
    ],
)
def test_a_file_that_cannot_be_compared_says_why(
    content: bytes, columns: Columns, says: str, person: Person, serious: FormInstance
) -> None:
    with pytest.raises(OnearmError, match=says):
        reconcile(person("data_manager"), "x.csv", content, columns)
    assert not Reconciliation.objects.exists()


@pytest.mark.parametrize(
    ("role", "reads", "compares"),
    [
        ("data_manager", 200, 302),
        ("medical_reviewer", 200, 302),
        ("auditor", 200, 403),
        ("monitor", 404, 404),
        ("investigator", 404, 404),
    ],
)
def test_who_follows_the_safety_of_all_sites_reads_and_two_roles_compare(
    role: str, reads: int, compares: int, person: Person, serious: FormInstance, client: Client
) -> None:
    made = reconcile(person("data_manager", name="first"), "x.csv", FILE.encode(), WHERE)
    client.force_login(User.objects.filter(username=role).first() or person(role))
    for address in ("", f"/{made.pk}", f"/{made.pk}/file"):
        assert client.get(f"/serious/reconciled{address}").status_code == reads
    given = {"subject": "Patient", "term": "Event", "onset": "Onset", "serious": "Serious"}
    given["file"] = SimpleUploadedFile("x.csv", FILE.encode())
    assert client.post("/serious/reconciled", given).status_code == compares


def test_the_file_has_every_line_and_the_trail_who_took_it(
    person: Person, serious: FormInstance, client: Client
) -> None:
    manager = person("data_manager")
    made = reconcile(manager, "x.csv", FILE.encode(), WHERE)
    client.force_login(manager)
    answer = client.get(f"/serious/reconciled/{made.pk}/file").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert [row["fate"] for row in rows] == ["only_there", "matched"]
    assert rows[1]["onset_there"] == "2026-05-12"
    assert AuditEvent.objects.get(action="export").target == f"reconciliation {made.pk}"


def test_a_program_compares_and_reads_what_the_page_does(
    person: Person, serious: FormInstance
) -> None:
    program = with_key(person("medical_reviewer"))
    given = {"subject": "Patient", "term": "Event", "onset": "Onset", "serious": "Serious"}
    file = SimpleUploadedFile("safety.csv", FILE.encode())
    made = program.post("/api/reconciliations", {**given, "file": file}).json()
    head = made["reconciliation"]
    assert (head["name"], head["by"], head["role"]) == (
        "safety.csv", "medical_reviewer", "medical_reviewer",
    )  # fmt: skip
    counts = [head[fate] for fate in ("matched", "differs", "only_here", "only_there")]
    assert counts == [1, 0, 0, 1]
    assert [line["fate"] for line in made["lines"]] == ["only_there", "matched"]
    address = f"/api/reconciliations/{head['number']}"
    assert program.get(address).json() == made
    assert program.get("/api/reconciliations").json() == {"total": 1, "items": [head]}
    rows = csv.DictReader(io.StringIO(program.get(f"{address}/file").content.decode("utf-8-sig")))
    assert [row["term_there"] for row in rows] == ["Hepatic failure", "bile duct infection"]
    missing = {**given, "subject": "Who", "file": SimpleUploadedFile("x.csv", FILE.encode())}
    refused = program.post("/api/reconciliations", missing)
    assert refused.status_code == 400
    assert "no column Who" in refused.json()["detail"]
    assert program.get("/api/reconciliations/99").status_code == 404


def reconciled(subject: Subject) -> int:
    points = checklist(subject.site, subject)
    return next(point.open for point in points if point.key == "reconciled")


def test_the_checklist_waits_until_both_sides_agree_and_again_after_a_change(
    person: Person, serious: FormInstance, subject: Subject
) -> None:
    manager = person("data_manager")
    assert reconciled(subject) == 1
    reconcile(manager, "x.csv", FILE.encode(), WHERE)
    assert reconciled(subject) == 1  # the hepatic failure is not entered here
    reconcile(manager, "x.csv", FILE.rsplit("\n", 2)[0].encode(), WHERE)
    assert reconciled(subject) == 0
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "LOG", "AE", row=1, reason="source", AESTDAT="2026-05-13")
    assert reconciled(subject) == 1


def test_the_lock_report_names_everything_that_is_open_and_every_hold(
    person: Person, serious: FormInstance, subject: Subject, client: Client
) -> None:
    manager = person("data_manager")
    held = hold(manager, "subject:01-001", "frozen", "before the look")
    lift(manager, held, "one more scan")
    client.force_login(manager)
    page = client.get("/state/subject:01-001").content.decode()
    assert 'href="/state/subject:01-001/report"' in page
    answer = client.get("/state/subject:01-001/report").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(answer)))
    points = {row["what"]: int(row["open"]) for row in rows if row["kind"] == "point"}
    assert points["reconciled"] == 1
    for key, count in points.items():
        named = [r for r in rows if r["kind"] == "open" and r["what"] == key]
        assert len(named) == (0 if key == "serious" else count), key
    acts = [(r["kind"], r["who"], r["reason"]) for r in rows if r["kind"] in ("hold", "lift")]
    assert acts == [
        ("hold", "Data_Manager Person", "before the look"),
        ("lift", "Data_Manager Person", "one more scan"),
    ]
    assert AuditEvent.objects.get(action="export").target == "lock_report:subject:01-001"


def test_the_lock_report_of_another_site_is_not_found(
    person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person("administrator"))
    assert client.get("/state/subject:01-001/report").status_code == 404
