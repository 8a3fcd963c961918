"""Queries: asked by checks and people, on saved and unsaved forms, answered, closed, shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from onearm.capture.actions import queries
from onearm.capture.actions.hold import hold
from onearm.capture.models import AuditEvent, Query, Site, Subject, User
from onearm.capture.permissions import NotAllowed
from onearm.capture.states import Held
from onearm.capture.views.queries import moves
from onearm.errors import OnearmError
from tests.capture.api_world import with_key
from tests.capture.conduct import fill

Person = Callable[..., User]


def test_a_check_asks_in_both_languages(person: Person, subject: Subject) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "SCREENING", "DM", RFICDAT="2026-03-02")
    fill(nurse, subject, "SCREENING", "ELIG", IEDAT="2026-03-01", IEYN="Y")
    own = Query.objects.get(check_id="ELG-001")
    assert "Eligibility is reviewed on or after the day of consent" in own.text
    assert "入排审核日期不应早于知情同意日期" in own.text_zh
    standing = Query.objects.get(form="DM", item="SEX", check_id="item.required")
    assert "未填写" in standing.text_zh
    assert standing.text_zh != standing.text


def test_a_query_stands_on_an_empty_item_of_an_unsaved_form(
    person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person("monitor"))
    page = client.get("/subjects/01-001/ask?visit=CYCLE&repeat=1&form=VS").content.decode()
    assert '<option value="WEIGHT"' in page
    posted = {"place": "CYCLE/1/VS", "item": "WEIGHT", "text": "no weight?", "ask": "1"}
    answer = client.post("/subjects/01-001/ask", posted)
    query = Query.objects.get()
    assert answer.headers["Location"] == f"/queries/{query.pk}"
    where = (query.visit, query.repeat, query.form, query.row, query.item)
    assert where == ("CYCLE", 1, "VS", 1, "WEIGHT")
    assert not subject.events.exists()


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ({"visit": "NOWHERE"}, "NOWHERE"),
        ({"visit": "CYCLE", "form": "DISEASE"}, "Disease"),
        ({"form": "NOFORM"}, "NOFORM"),
        ({"visit": "SCREENING", "form": "DM", "row": 1, "item": "WEIGHT"}, "WEIGHT"),
        ({"visit": "SCREENING", "item": "SEX"}, "SEX"),
        ({"row": 3}, "3"),
    ],
)
def test_a_program_asks_about_no_place_that_the_study_has_not(
    place: dict[str, object], named: str, person: Person, subject: Subject
) -> None:
    program = with_key(person("monitor"))
    address = "/api/subjects/01-001/queries"
    answer = program.post(address, {"text": "why?", **place}, "application/json")
    assert answer.status_code == 400
    assert "has no place" in answer.json()["detail"]
    assert named in answer.json()["detail"]
    assert not Query.objects.filter(check_id="").exists()


def test_the_talk_goes_from_the_site_to_who_asked_and_back(
    person: Person, subject: Subject
) -> None:
    nurse, monitor, manager = (person(r) for r in ("coordinator", "monitor", "data_manager"))
    query = queries.ask(monitor, subject, "date?", visit="SCREENING", form="DM")
    assert moves(nurse, query) == ["answered"]
    assert moves(monitor, query) == ["closed", "cancelled"]
    with pytest.raises(OnearmError, match="Write the answer"):
        queries.move(nurse, query, "answered", " ")
    with pytest.raises(NotAllowed):
        queries.move(nurse, query, "closed")
    queries.move(nurse, query, "answered", "the second of March")
    queries.move(monitor, query, "open", "of which year?")
    queries.move(nurse, query, "answered", "2026")
    queries.move(monitor, query, "closed")
    queries.move(manager, query, "open", "look again")
    words = list(query.entries.values_list("state", "text", "user__username"))
    assert words == [
        ("open", "date?", "monitor"),
        ("answered", "the second of March", "coordinator"),
        ("open", "of which year?", "monitor"),
        ("answered", "2026", "coordinator"),
        ("closed", "", "monitor"),
        ("open", "look again", "data_manager"),
    ]
    assert AuditEvent.objects.filter(action__startswith="query.").count() == 6


def test_a_monitor_closes_no_query_of_the_checks_and_none_of_others(
    person: Person, subject: Subject
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    fill(nurse, subject, "SCREENING", "DM", RFICDAT="2026-03-02")
    query = Query.objects.filter(check_id="item.required").first()
    assert moves(monitor, query) == []
    with pytest.raises(NotAllowed):
        queries.move(monitor, query, "closed")
    queries.move(person("data_manager"), query, "closed", "confirmed by telephone")


@pytest.mark.parametrize("target", ["subject:01-001", "event", "form", "site:01", "study"])
def test_what_is_frozen_is_not_talked_about(target: str, person: Person, subject: Subject) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    form = fill(nurse, subject, "SCREENING", "DM", RFICDAT="2026-03-02").instance
    query = Query.objects.filter(form="DM").first()
    named = {"event": f"event:{form.event_id}", "form": f"form:{form.pk}"}.get(target, target)
    hold(manager, named, "frozen")
    with pytest.raises(Held):
        queries.move(nurse, query, "answered", "yes")
    with pytest.raises(Held):
        queries.ask(manager, subject, "and?", visit="SCREENING", form="DM")


def test_the_list_is_filtered_by_state_turn_and_site(
    person: Person, subject: Subject, site: Site, client: Client
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    for text in ("first question", "second question", "third question"):
        queries.ask(monitor, subject, text)
    first, second, _ = Query.objects.order_by("pk")
    queries.move(nurse, first, "answered", "yes")
    queries.move(monitor, second, "cancelled", "asked twice")
    client.force_login(nurse)

    def seen(filters: str) -> list[str]:
        page = client.get(f"/queries{filters}").content.decode()
        return [word for word in ("first", "second", "third") if f"{word} question" in page]

    assert seen("") == ["first", "third"]
    assert seen("?turn=site") == ["third"]
    assert seen("?turn=asker") == ["first"]
    assert seen("?state=cancelled") == ["second"]
    assert seen("?state=all") == ["first", "second", "third"]
    assert seen("?age=7") == []
    assert seen("?site=99") == []


def test_the_page_of_a_query_takes_the_answer(
    person: Person, subject: Subject, client: Client
) -> None:
    query = queries.ask(person("monitor"), subject, "date?", visit="SCREENING", form="DM")
    client.force_login(person("coordinator"))
    client.post(f"/queries/{query.pk}", {"state": "answered", "text": "the second"})
    page = client.get(f"/queries/{query.pk}").content.decode()
    assert "the second" in page
    assert "Monitor Person" in page
    assert 'href="/subjects/01-001/SCREENING/1/DM' in page
    client.force_login(person("coordinator", name="x", at=Site.objects.create(code="2", name="B")))
    assert client.get(f"/queries/{query.pk}").status_code == 404
