"""Snapshots come out as they were made, whatever was saved since, and say when they do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from onearm.capture import clock
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.snapshot import Changed, make_snapshot, snapshot_entries
from onearm.capture.document import Cell
from onearm.capture.models import AuditEvent, EventInstance, Snapshot, User
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError

Person = Callable[..., User]


def test_a_snapshot_is_the_same_after_later_saves(visit: EventInstance, person: Person) -> None:
    coordinator, statistician = person("coordinator"), person("statistician")
    save(coordinator, visit, "DM", Changes([Cell(1, "SEX", "F")], version=0))
    made = make_snapshot(statistician, "first look")
    save(coordinator, visit, "DM", Changes([Cell(1, "SEX", "M")], version=1, reason="error"))
    frame = snapshot_entries(Snapshot.objects.get(name="first look"))
    assert frame["VALUE"].to_list() == ["F"]
    assert (made.rows, len(made.sha256)) == (1, 64)
    act = AuditEvent.objects.get(action="snapshot.make")
    assert (act.target, act.details["sha256"], act.user) == (
        "first look",
        made.sha256,
        statistician,
    )
    later = make_snapshot(statistician, "second look")
    assert later.sha256 != made.sha256
    past = make_snapshot(statistician, "first again", as_of=made.as_of)
    assert past.sha256 == made.sha256


def test_a_history_that_was_changed_by_force_is_noticed(
    visit: EventInstance, person: Person
) -> None:
    save(person("coordinator"), visit, "DM", Changes([Cell(1, "SEX", "F")], version=0))
    made = make_snapshot(person("statistician"), "look")
    with connection.cursor() as cursor:  # somebody who owns the database takes the trigger away
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE capture_formversion DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE capture_formversion SET delta = %s", ['{"rows": [{"_key": 1, "SEX": "M"}]}']
        )
    with pytest.raises(Changed, match="look"):
        snapshot_entries(made)


def test_names_moments_and_rights_are_checked(person: Person) -> None:
    statistician = person("statistician")
    make_snapshot(statistician, "one")
    for name, moment, said in (
        ("one", None, "already"),
        ("  ", None, "name"),
        ("n" * 81, None, "more than 80 signs"),
        ("two", clock.now() + timedelta(hours=1), "future"),
    ):
        with pytest.raises(OnearmError, match=said):
            make_snapshot(statistician, name, as_of=moment)
    with pytest.raises(NotAllowed):
        make_snapshot(person("coordinator"), "three")
    assert Snapshot.objects.count() == 1
