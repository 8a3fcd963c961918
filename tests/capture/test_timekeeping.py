"""The clock: who is told that nothing keeps it right, and what happens when it runs back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from onearm.capture import clock, timekeeping
from onearm.capture.models import EventInstance, FormVersion, User

Person = Callable[..., User]
Enter = Callable[[User], Client]
PAGE = "/subjects/01-001/SCREENING/1/DISEASE"


def test_the_kernels_word_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    said = timekeeping.kernel_status()
    assert said is None or said >= 0
    for status, is_kept in ((0x40, False), (0x2001, True), (0x2041, False), (None, None)):
        monkeypatch.setattr(timekeeping, "kernel_status", lambda status=status: status)
        assert timekeeping.is_synchronised() is is_kept


def test_elsewhere_than_on_linux_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeping.sys, "platform", "darwin")
    assert timekeeping.is_synchronised() is None


@pytest.mark.parametrize("is_kept", [True, False, None])
def test_administrators_are_told_when_synchronisation_is_lost_and_others_are_not(
    is_kept: bool | None, person: Person, signed_in: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeping, "is_synchronised", lambda: is_kept)
    words = "Time synchronisation of the server is lost"
    office, nurse = signed_in(person("administrator")), signed_in(person("coordinator"))
    assert (words in office.get("/people").content.decode()) == (is_kept is False)
    assert words not in nurse.get("/").content.decode()
    told = {True: "kept", False: "lost", None: "cannot tell"}[is_kept]
    assert told in office.get("/health").json()["clock"]
    assert nurse.get("/health").json() == {"status": "ok"}
    assert Client().get("/health").json() == {"status": "ok"}


def test_a_save_while_the_clock_is_back_is_refused_and_what_was_typed_stays_on_the_page(
    visit: EventInstance, person: Person, signed_in: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(person("coordinator"))
    client.get(PAGE)
    assert client.post(PAGE, {"version": "0", "v.1.MHTERM": "GBC"}).status_code == 302
    before = FormVersion.objects.count()
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() - timedelta(hours=1))
    given = {"version": "1", "v.1.MHTERM": "ICC", "why": "typed"}
    answer = client.post(PAGE, given)
    assert answer.status_code == 503
    assert "clock shows" in answer.content.decode()
    assert 'value="ICC"' in answer.content.decode()
    # A form that nobody saved has no time of its own to compare with: the trail's newest counts.
    first = client.post(PAGE.replace("DISEASE", "VISIT"), {"version": "0", "v.1.VISMODE": "x"})
    assert first.status_code in (409, 503)
    assert FormVersion.objects.count() == before
    asked = client.post("/subjects/01-001/visits", {"visit": "UNS"})
    assert asked.status_code in (302, 503)
    monkeypatch.setattr(clock, "now", right)
    assert client.post(PAGE, given).status_code == 302  # still signed in


def test_a_first_save_of_a_form_is_refused_as_well(
    visit: EventInstance, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onearm.capture.actions.save import Changes, save
    from onearm.capture.document import Cell

    nurse = person("coordinator")
    save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "GBC")], 0))
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() - timedelta(hours=1))
    with pytest.raises(clock.ClockRanBack):
        save(nurse, visit, "DM", Changes([Cell(1, "SEX", "F")], 0))
    assert FormVersion.objects.count() == 1
