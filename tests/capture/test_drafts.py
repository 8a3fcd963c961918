"""Text typed and not saved: kept for its writer alone, offered again, gone with the save."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from onearm.capture.actions import drafts
from onearm.capture.actions.drafts import FormPlace
from onearm.capture.models import AuditEvent, Draft, FormVersion, Subject, User
from onearm.capture.permissions import NotAllowed

Person = Callable[..., User]
Enter = Callable[[User], Client]
PAGE = "/subjects/01-001/SCREENING/1/DISEASE"


@pytest.fixture
def place(subject: Subject) -> FormPlace:
    return FormPlace(subject, "SCREENING", 1, "DISEASE")


def test_a_draft_is_offered_again_and_is_no_data(
    person: Person, signed_in: Enter, place: FormPlace
) -> None:
    nurse = person("coordinator")
    page = signed_in(nurse)
    answer = page.post(f"{PAGE}/draft", {"version": "0", "v.1.MHTERM": "half a wor"})
    assert answer.status_code == 204
    assert FormVersion.objects.count() == 0
    signed_in(nurse)  # the session ended meanwhile
    page = signed_in(nurse)
    assert "did not save" in page.get(PAGE).content.decode()
    assert 'value="half a wor"' not in page.get(PAGE).content.decode()
    assert 'value="half a wor"' in page.get(f"{PAGE}?draft=1").content.decode()


def test_a_save_ends_the_draft(person: Person, signed_in: Enter, subject: Subject) -> None:
    page = signed_in(person("coordinator"))
    page.post(f"{PAGE}/draft", {"version": "0", "v.1.MHTERM": "half a wor"})
    assert page.post(PAGE, {"version": "0", "v.1.MHTERM": "a word"}).status_code == 302
    assert Draft.objects.count() == 0


def test_a_refused_save_keeps_the_draft(person: Person, signed_in: Enter, subject: Subject) -> None:
    page = signed_in(person("coordinator"))
    page.post(f"{PAGE}/draft", {"version": "0", "v.1.DXDAT": "soon"})
    assert page.post(PAGE, {"version": "0", "v.1.DXDAT": "soon"}).status_code == 409
    assert Draft.objects.count() == 1


def test_a_draft_is_seen_by_its_writer_alone(
    person: Person, signed_in: Enter, subject: Subject
) -> None:
    signed_in(person("coordinator")).post(f"{PAGE}/draft", {"v.1.MHTERM": "mine alone"})
    other = signed_in(person("investigator"))
    assert "mine alone" not in other.get(f"{PAGE}?draft=1").content.decode()


def test_the_newest_text_takes_the_place_of_the_one_before(
    person: Person, place: FormPlace
) -> None:
    nurse = person("coordinator")
    drafts.keep(nurse, place, {"v.1.MHTERM": "first"}, 0)
    drafts.keep(nurse, place, {"v.1.MHTERM": "second", "csrfmiddlewaretoken": "secret"}, 0)
    assert [d.fields for d in Draft.objects.all()] == [{"v.1.MHTERM": "second"}]


def test_a_draft_can_be_thrown_away(person: Person, signed_in: Enter, subject: Subject) -> None:
    page = signed_in(person("coordinator"))
    page.post(f"{PAGE}/draft", {"v.1.MHTERM": "half"})
    assert page.post(f"{PAGE}/draft", {"discard": "1"}).status_code == 302
    assert Draft.objects.count() == 0


def test_who_may_not_enter_keeps_no_draft(
    person: Person, signed_in: Enter, place: FormPlace
) -> None:
    with pytest.raises(NotAllowed):
        drafts.keep(person("monitor"), place, {"v.1.MHTERM": "x"}, 0)
    assert signed_in(User.objects.get()).post(f"{PAGE}/draft", {"v.1.A": "x"}).status_code == 403
    assert Draft.objects.count() == 0


def test_a_draft_of_an_older_version_is_refused_like_any_stale_save(
    person: Person, signed_in: Enter, subject: Subject
) -> None:
    nurse = signed_in(person("coordinator"))
    nurse.post(PAGE, {"version": "0", "v.1.MHTERM": "first"})
    nurse.post(f"{PAGE}/draft", {"version": "1", "v.1.MHTERM": "mine"})
    doctor = signed_in(person("investigator"))
    doctor.post(PAGE, {"version": "1", "v.1.MHTERM": "theirs", "why": "typed"})
    shown = nurse.get(f"{PAGE}?draft=1").content.decode()
    assert 'name="version" value="1"' in shown
    saved = nurse.post(PAGE, {"version": "1", "v.1.MHTERM": "mine", "why": "typed"})
    assert saved.status_code == 409
    assert AuditEvent.objects.filter(action__startswith="draft").count() == 0
