"""The one save function: rights, state, stale versions, reasons, checks, chain and triggers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction

from onearm.capture import clock, entries, trail
from onearm.capture.actions import queries
from onearm.capture.actions.save import (
    Changes,
    MustConfirm,
    ReasonNeeded,
    Saved,
    Stale,
    save,
)
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormVersion,
    Hold,
    Query,
    Signature,
    Site,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.capture.states import Held
from onearm.errors import Problems

Person = Callable[..., User]


def put(user: User, visit: EventInstance, version: int = 0, **values: str) -> Saved:
    reason = values.pop("reason", "")
    cells = [Cell(1, item, value) for item, value in values.items()]
    return save(user, visit, "DISEASE", Changes(cells, version, reason=reason, clear=True))


def test_a_first_save_needs_no_reason_and_later_changes_do(
    person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    first = put(nurse, visit, COHORT="ICC", MHTERM="Cholangiocarcinoma", HBV="NEGATIVE")
    assert first.instance.version == 1
    with pytest.raises(ReasonNeeded):
        put(nurse, visit, 1, HBV="POSITIVE")
    second = put(nurse, visit, 1, HBV="POSITIVE", reason="misread")
    changes = list(FormVersion.objects.filter(instance=second.instance))
    assert [v.delta["rows"] for v in changes][1] == [{"_key": 1, "HBV": "POSITIVE"}]
    assert [(v.user.username, v.role, v.reason) for v in changes] == [
        ("coordinator", "coordinator", ""),
        ("coordinator", "coordinator", "misread"),
    ]


def test_a_save_that_changes_nothing_writes_nothing(person: Person, visit: EventInstance) -> None:
    nurse = person("coordinator")
    put(nurse, visit, COHORT="ICC")
    again = put(nurse, visit, 1, COHORT="ICC")
    assert not again.changed
    assert FormVersion.objects.count() == 1


def test_the_second_of_two_people_sees_what_the_first_changed(
    person: Person, visit: EventInstance
) -> None:
    nurse, doctor = person("coordinator"), person("investigator")
    put(nurse, visit, COHORT="ICC", HBV="NEGATIVE")
    put(nurse, visit, 1, HBV="POSITIVE", reason="misread")
    with pytest.raises(Stale) as caught:
        put(doctor, visit, 1, HBV="UNKNOWN", reason="no report")
    assert caught.value.version == 2
    assert caught.value.theirs == {"rows": [{"_key": 1, "HBV": "POSITIVE"}]}
    assert FormVersion.objects.count() == 2


@pytest.mark.parametrize("role", ["monitor", "data_manager", "statistician", "administrator"])
def test_only_the_site_enters_data(role: str, person: Person, visit: EventInstance) -> None:
    with pytest.raises(NotAllowed, match=r"form\.enter"):
        put(person(role), visit, COHORT="ICC")
    assert FormVersion.objects.count() == 0


def test_the_rights_of_another_site_are_no_rights_here(
    person: Person, visit: EventInstance, site: Site
) -> None:
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    with pytest.raises(NotAllowed):
        put(person("coordinator", at=elsewhere), visit, COHORT="ICC")


def test_rights_begin_with_training(person: Person, visit: EventInstance) -> None:
    nurse = person("coordinator")
    nurse.trained_on = None
    nurse.save()
    with pytest.raises(NotAllowed):
        put(nurse, visit, COHORT="ICC")


@pytest.mark.parametrize("level", ["study", "site", "subject", "event", "form", "item"])
@pytest.mark.parametrize("kind", ["frozen", "locked"])
def test_what_is_held_on_any_level_refuses_the_save(
    level: str, kind: str, person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    form = put(nurse, visit, COHORT="ICC", HBV="NEGATIVE").instance
    target = {
        "study": "study",
        "site": "site:01",
        "subject": "subject:01-001",
        "event": f"event:{visit.pk}",
        "form": f"form:{form.pk}",
        "item": f"item:{form.pk}:1:HBV",
    }[level]
    hold = Hold.objects.create(target=target, kind=kind, set_by=nurse, set_at=clock.now())
    with pytest.raises(Held, match=kind):
        put(nurse, visit, 1, HBV="POSITIVE", reason="misread")
    hold.lifted_at = clock.now()
    hold.save()
    assert put(nurse, visit, 1, HBV="POSITIVE", reason="misread").changed


def test_an_impossible_value_is_refused_and_nothing_is_written(
    person: Person, visit: EventInstance
) -> None:
    with pytest.raises(Problems) as caught:
        put(person("coordinator"), visit, COHORT="LUNG", DXDAT="2021-13", NOSUCH="1")
    assert {f.rule for f in caught.value.findings} >= {"form.item"}
    with pytest.raises(Problems) as caught:
        put(User.objects.get(), visit, COHORT="LUNG", DXDAT="2021-13")
    assert {(f.place.field, f.rule) for f in caught.value.findings} == {
        ("COHORT", "item.codelist"),
        ("DXDAT", "item.type"),
    }
    assert FormVersion.objects.count() == 0


def test_hidden_items_are_cleared_only_when_that_is_confirmed(
    person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    put(nurse, visit, COHORT="HCC", BCLC="B")
    change = [Cell(1, "COHORT", "ICC")]
    with pytest.raises(MustConfirm) as caught:
        save(nurse, visit, "DISEASE", Changes(change, 1, reason="wrong diagnosis"))
    assert [cell.item for cell in caught.value.hidden] == ["BCLC"]
    saved = put(nurse, visit, 1, COHORT="ICC", reason="wrong diagnosis")
    assert "BCLC" not in saved.instance.data["rows"][0]
    newest = FormVersion.objects.order_by("-version")[0]
    assert newest.delta["rows"] == [{"_key": 1, "COHORT": "ICC", "BCLC": None}]


def test_queries_open_with_a_finding_and_close_when_it_is_gone(
    person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    put(nurse, visit, COHORT="ICC")
    missing = Query.objects.get(item="MHTERM", check_id="item.required")
    assert (missing.visit, missing.form, missing.row, missing.state) == (
        "SCREENING",
        "DISEASE",
        1,
        "open",
    )
    put(nurse, visit, 1, MHTERM="Cholangiocarcinoma")
    missing.refresh_from_db()
    assert missing.state == "closed"


def test_a_query_in_which_a_person_wrote_stays_open(person: Person, visit: EventInstance) -> None:
    nurse = person("coordinator")
    put(nurse, visit, COHORT="ICC")
    missing = Query.objects.get(item="MHTERM", check_id="item.required")
    queries.move(nurse, missing, "answered", "the report is on its way")
    put(nurse, visit, 1, MHTERM="Cholangiocarcinoma")
    missing.refresh_from_db()
    assert missing.state == "answered"


def test_a_change_breaks_the_signature(person: Person, visit: EventInstance) -> None:
    doctor = person("investigator")
    form = put(doctor, visit, COHORT="ICC").instance
    signed = Signature.objects.create(
        target=f"form:{form.pk}",
        subject=visit.subject,
        user=doctor,
        printed_name="Investigator Person",
        meaning="reviewed",
        at=clock.now(),
        content={str(form.pk): form.head},
        hash="0" * 64,
    )
    put(doctor, visit, 1, HBV="NEGATIVE")
    signed.refresh_from_db()
    assert signed.broken_at is not None
    assert "DISEASE" in signed.broken_by


def test_the_chain_holds_and_names_the_first_broken_link(
    person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    form = put(nurse, visit, COHORT="ICC", HBV="NEGATIVE").instance
    put(nurse, visit, 1, HBV="POSITIVE", reason="misread")
    assert list(trail.verify()) == []
    form.refresh_from_db()
    form.data = {"rows": [{"_key": 1, "COHORT": "HCC"}]}
    form.save()
    assert [(b.number, b.problem) for b in trail.verify()] == [
        (2, "the form's data are not what was saved")
    ]


@pytest.mark.parametrize("act", ["update", "delete"])
@pytest.mark.parametrize("model", [FormVersion, AuditEvent])
def test_the_database_itself_refuses_to_change_history(
    act: str, model: type, person: Person, visit: EventInstance
) -> None:
    put(person("coordinator"), visit, COHORT="ICC")
    table = model._meta.db_table
    words = {
        "update": f"UPDATE {table} SET hash = 'x'",  # noqa: S608 - our own table
        "delete": f"DELETE FROM {table}",  # noqa: S608 - our own table
    }
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        connection.cursor().execute(words[act])
    assert model.objects.count() > 0


def test_as_of_a_past_moment_the_entries_are_what_they_were(
    person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    put(nurse, visit, COHORT="ICC", HBV="NEGATIVE")
    then = clock.now()
    put(nurse, visit, 1, HBV="POSITIVE", reason="misread")
    before, now = entries.as_of(then), entries.of_subject(visit.subject)
    assert dict(zip(before["ITEM"], before["VALUE"], strict=True)) == {
        "COHORT": "ICC",
        "HBV": "NEGATIVE",
    }
    assert entries.as_of(clock.now()).equals(now)
