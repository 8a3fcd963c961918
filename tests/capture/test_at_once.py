"""Two people at the same thing at the same moment: one act counts, the other is told why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
from django.db import transaction

from onearm.capture import clock
from onearm.capture.actions import files, journal, queries, sae
from onearm.capture.actions.hold import hold
from onearm.capture.models import AuditEvent, Hold, QueryEntry, SeriousEvent, Subject, User
from onearm.errors import OnearmError
from tests.capture.api_world import EVENT, PDF
from tests.capture.conduct import fill
from tests.capture.test_enrol_at_once import at_the_same_moment, history_can_be_flushed

Person = Callable[..., User]
pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["history_can_be_flushed"]  # the fixture works by being here


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


def test_a_freeze_waits_for_the_save_that_is_under_way(person: Person, subject: Subject) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    is_saving, may_end = Event(), Event()

    def save_slowly() -> datetime:
        with transaction.atomic():
            fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Carcinoma")
            is_saving.set()
            may_end.wait(10)
            return clock.now()

    def freeze() -> Hold:
        is_saving.wait(10)
        Timer(0.5, may_end.set).start()
        return hold(manager, "subject:01-001", "frozen")

    ended, held = at_the_same_moment([save_slowly, freeze])
    assert isinstance(held, Hold), held
    assert isinstance(ended, datetime), ended
    assert held.set_at > ended
