"""Two people at the same thing at the same moment: one act counts, the other is told why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from django.db import transaction

from onearm.capture import clock
from onearm.capture.actions import files, journal, queries, sae
from onearm.capture.actions.hold import hold
from onearm.capture.actions.snapshot import make_snapshot, snapshot_entries
from onearm.capture.models import (
    AuditEvent,
    Hold,
    QueryEntry,
    SeriousEvent,
    Snapshot,
    Subject,
    User,
)
from onearm.errors import OnearmError
from tests.capture.api_world import EVENT, PDF
from tests.capture.at_once import at_the_same_moment
from tests.capture.conduct import fill

Person = Callable[..., User]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("history_can_be_flushed"),
]


def refused(results: list[object]) -> list[object]:
    return [r for r in results if isinstance(r, OnearmError)]


def test_of_two_files_one_takes_the_place_of_the_older(
    person: Person, subject: Subject, tmp_path: Path, settings: Any
) -> None:
    settings.DATA = tmp_path
    nurse = person("coordinator")
    form = fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Carcinoma").instance
    first = files.attach(nurse, form, files.Upload("first.pdf", PDF))
    newer = files.Upload("newer.pdf", PDF)
    results = at_the_same_moment([lambda: files.attach(nurse, form, newer, instead_of=first)] * 2)
    assert [type(each) for each in refused(results)] == [files.FileRefused]
    assert form.files.count() == len(list((tmp_path / "files").iterdir())) == 2


def test_of_two_answers_one_is_given(person: Person, subject: Subject) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    asked = queries.ask(monitor, subject, "sure?")
    results = at_the_same_moment([lambda: queries.move(nurse, asked, "answered", "yes")] * 2)
    assert len(refused(results)) == 1
    assert QueryEntry.objects.filter(query=asked, state="answered").count() == 1


def test_two_reports_have_two_numbers(person: Person, subject: Subject) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "LOG", "AE", **EVENT)
    event = SeriousEvent.objects.get()
    made = at_the_same_moment([lambda: sae.report(nurse, event, "admitted").number] * 2)
    assert sorted(map(str, made)) == ["1", "2"]


def test_of_two_decisions_on_a_change_one_is_taken(person: Person) -> None:
    proposed = journal.propose(person("administrator"), journal.Change("newer", "us", "none"))
    managers = [person("data_manager", name=name) for name in ("one", "two")]
    results = at_the_same_moment(
        [
            lambda m=m: journal.decide(m, proposed.number, approve=m is managers[0], reason="seen")
            for m in managers
        ]
    )
    assert len(refused(results)) == 1
    assert AuditEvent.objects.filter(stream="journal").count() == 2


@dataclass
class Slowly:
    """A save that goes on for half a second after another act has begun."""

    user: User
    subject: Subject
    is_saving: Event = field(default_factory=Event)
    may_end: Event = field(default_factory=Event)

    def save(self) -> datetime:
        with transaction.atomic():
            fill(self.user, self.subject, "SCREENING", "DISEASE", MHTERM="Carcinoma")
            self.is_saving.set()
            self.may_end.wait(10)
            return clock.now()

    def meanwhile(self, act: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            self.is_saving.wait(10)
            Timer(0.5, self.may_end.set).start()
            return act()

        return run


def test_a_freeze_waits_for_the_save_that_is_under_way(person: Person, subject: Subject) -> None:
    slowly, manager = Slowly(person("coordinator"), subject), person("data_manager")
    freeze = slowly.meanwhile(lambda: hold(manager, "subject:01-001", "frozen"))
    ended, held = at_the_same_moment([slowly.save, freeze])
    assert isinstance(held, Hold), held
    assert isinstance(ended, datetime), ended
    assert held.set_at > ended


def test_a_snapshot_holds_the_save_that_was_under_way_and_comes_out_the_same(
    person: Person, subject: Subject
) -> None:
    slowly, statistician = Slowly(person("coordinator"), subject), person("statistician")
    name = slowly.meanwhile(lambda: make_snapshot(statistician, "interim"))
    _, made = at_the_same_moment([slowly.save, name])
    assert isinstance(made, Snapshot), made
    assert snapshot_entries(made)["VALUE"].to_list() == ["Carcinoma"]
