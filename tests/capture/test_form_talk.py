"""What stands over a form, and queries asked and answered beside it, saved or not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onearm.capture import clock, studies
from onearm.capture.actions import queries
from onearm.capture.actions.hold import hold
from onearm.capture.actions.verify import verify
from onearm.capture.chain import START, link
from onearm.capture.models import FormInstance, Query, Signature, StudyVersion, Subject, User
from onearm.capture.surroundings import Place
from onearm.capture.views.entry_state import badges
from tests.capture.conduct import fill, flat

Person = Callable[..., User]
PAGE = "/subjects/01-001/SCREENING/1/DISEASE"
LESIONS = "/subjects/01-001/SCREENING/1/TUMOR"
PART = {"HTTP_HX_REQUEST": "true"}


def looks(version: StudyVersion, form: FormInstance) -> list[str]:
    """The states over a form, as the page styles them."""
    form = FormInstance.objects.get(pk=form.pk)
    study, event = studies.study_of(version), form.event
    place = Place(study, event.subject, event.visit, event.repeat, study.forms[form.form])
    return [badge.look for badge in badges(place, form)]


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    return fill(
        nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON"
    ).instance


def signed(form: FormInstance, by: User) -> Signature:
    """A signature under one form as it stands."""
    return Signature.objects.create(
        target=f"form:{form.pk}",
        subject=form.event.subject,
        user=by,
        printed_name="Wang Li",
        meaning="reviewed",
        at=clock.now(),
        content={str(form.pk): form.head},
        hash=link(START, {}),
    )


def test_a_form_shows_every_state_that_it_is_in(
    person: Person, form: FormInstance, version: StudyVersion
) -> None:
    manager, monitor = person("data_manager"), person("monitor")
    assert looks(version, form) == ["complete", "verify-open"]
    verify(monitor, form, form.version, [(1, "VISDAT")])
    assert looks(version, form) == ["complete", "verify-partly"]
    verify(monitor, form, form.version)
    hold(manager, f"form:{form.pk}", "reviewed")
    signed(form, person("investigator"))
    assert looks(version, form) == ["complete", "verify-verified", "reviewed", "signed"]
    hold(manager, "subject:01-001", "frozen")
    assert looks(version, form)[2:] == ["reviewed", "frozen", "signed"]


def test_a_change_shows_that_it_came_after_comparison_and_signature(
    person: Person, form: FormInstance, version: StudyVersion, subject: Subject
) -> None:
    verify(person("monitor"), form, form.version)
    signed(form, person("investigator"))
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "SCREENING", "VISIT", reason="source", VISDAT="2026-03-04")
    assert looks(version, form) == ["complete", "verify-changed", "broken"]


@pytest.mark.parametrize(
    ("role", "asks", "compares", "holds", "signs"),
    [
        ("coordinator", False, False, False, False),
        ("investigator", False, False, False, True),
        ("monitor", True, True, False, False),
        ("data_manager", True, False, True, False),
        ("medical_reviewer", True, False, True, False),
        ("auditor", False, False, False, False),
    ],
)
def test_the_page_leads_to_what_the_reader_may_do(
    role: str,
    asks: bool,
    compares: bool,
    holds: bool,
    signs: bool,
    person: Person,
    form: FormInstance,
    client: Client,
) -> None:
    user = User.objects.filter(username=role).first() or person(role)
    client.force_login(user)
    page = client.get("/subjects/01-001/SCREENING/1/VISIT").content.decode()
    acts = re.search(r'<nav class="acts".*?</nav>', page, re.DOTALL)
    links = re.findall(r'href="([^"]+)"', acts[0]) if acts else []
    assert ("/subjects/01-001/SCREENING/1/VISIT/queries" in links) == asks
    assert (f"/verification/{form.pk}" in links) == compares
    assert (f"/state/form:{form.pk}" in links) == holds
    assert (f"/sign/form:{form.pk}" in links) == signs
    assert ('class="ask talk"' in page) == asks
    for address in links:
        assert client.get(address).status_code == 200


def test_a_question_is_put_on_an_empty_cell_of_a_form_that_nobody_saved(
    person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person("monitor"))
    empty = client.get(f"{PAGE}/queries?row=1&item=MHTERM", **PART).content.decode()
    assert "Nothing was asked here." in empty
    assert "<html" not in empty
    posted = {"row": "1", "item": "MHTERM", "text": "which tumour?"}
    answer = flat(client.post(f"{PAGE}/queries", posted, **PART).content.decode())
    query = Query.objects.get()
    assert (query.visit, query.form, query.row, query.item) == ("SCREENING", "DISEASE", 1, "MHTERM")
    # The page puts this note at the cell without being loaded again.
    assert f'id="q.{query.pk}">which tumour?' in answer
    assert not FormInstance.objects.exists()
    page = flat(client.get(PAGE).content.decode())
    assert re.search(rf'id="s.1.MHTERM"><p class="note person" id="q.{query.pk}"', page)


def test_who_may_answer_and_not_ask_opens_the_talk_of_a_cell_all_the_same(
    person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person("coordinator"))
    page = client.get(PAGE).content.decode()
    assert f'data-talk="{PAGE}/queries"' in page  # where Alt+Q leads
    assert 'class="ask talk"' not in page


def test_a_row_and_the_whole_form_take_questions(
    person: Person, subject: Subject, client: Client
) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "SCREENING", "TUMOR", LESID="T01", LESROLE="TARGET")
    client.force_login(person("monitor"))
    for row, text in (("1", "is this one lesion?"), ("0", "were there no others?")):
        client.post(f"{LESIONS}/queries", {"row": row, "item": "", "text": text})
    asked = {q.text: (q.row, q.item) for q in Query.objects.filter(check_id="")}
    assert asked == {"is this one lesion?": (1, ""), "were there no others?": (0, "")}
    page = client.get(LESIONS).content.decode()
    top = re.search(r'<div id="s.form".*?</div>', page, re.DOTALL)
    assert top
    assert "were there no others?" in top[0]
    assert "is this one lesion?" not in top[0]
    assert "is this one lesion?" in page
    one = client.get(f"{LESIONS}/queries?row=1&item=", **PART).content.decode()
    assert "is this one lesion?" in one
    assert "were there no others?" not in one


def test_a_question_about_a_row_that_is_not_shown_stands_over_the_form(
    person: Person, subject: Subject, client: Client
) -> None:
    monitor = person("monitor")
    queries.ask(
        monitor, subject, "a second?", visit="SCREENING", form="TUMOR", row=2, item="LESDIAM"
    )
    client.force_login(monitor)
    page = client.get(LESIONS).content.decode()
    assert "row 2 · Longest diameter (not a node): a second?" in page


def test_the_site_answers_at_the_cell_and_the_asker_closes_there(
    person: Person, subject: Subject, client: Client
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Cholangiocarcinoma")
    query = queries.ask(
        monitor, subject, "which one?", visit="SCREENING", form="DISEASE", row=1, item="MHTERM"
    )
    client.force_login(nurse)
    page = flat(client.get(PAGE).content.decode())
    link = re.search(rf'id="q.{query.pk}">.*?<a class="talk" href="([^"]+)">Answer</a>', page)
    assert link
    talk = client.get(link[1].replace("&amp;", "&"), **PART).content.decode()
    assert 'value="answered"' in talk
    assert 'value="closed"' not in talk
    given = {"row": "1", "item": "MHTERM", "query": query.pk, "state": "answered"}
    refused = client.post(f"{PAGE}/queries", {**given, "text": ""}, **PART).content.decode()
    assert "Write the answer." in refused
    client.post(f"{PAGE}/queries", {**given, "text": "intrahepatic"}, **PART)
    page = client.get(PAGE).content.decode()
    assert "<q>intrahepatic</q>" in page
    client.force_login(monitor)
    closing = {**given, "state": "closed", "text": ""}
    closed = flat(client.post(f"{PAGE}/queries", closing, **PART).content.decode())
    assert f'class="note person closed" id="q.{query.pk}"' in closed
    assert f'id="q.{query.pk}"' not in client.get(PAGE).content.decode()


def test_a_query_of_another_form_or_subject_is_not_moved_from_here(
    person: Person, subject: Subject, client: Client
) -> None:
    monitor = person("monitor")
    other = queries.ask(monitor, subject, "elsewhere", visit="SCREENING", form="VISIT")
    client.force_login(monitor)
    given = {"row": "1", "item": "MHTERM", "query": other.pk, "state": "closed"}
    assert client.post(f"{PAGE}/queries", given).status_code == 404
    assert Query.objects.get(pk=other.pk).state == "open"


@pytest.mark.parametrize("where", ["row=1&item=NOSUCH", "row=7&item=MHTERM", "row=0&item=MHTERM"])
def test_a_place_that_the_form_does_not_have_is_not_found(
    where: str, person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person("monitor"))
    assert client.get(f"{PAGE}/queries?{where}").status_code == 404


def test_who_may_not_ask_is_refused_and_without_scripts_the_talk_is_a_page(
    person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person("coordinator"))
    given = {"row": "1", "item": "MHTERM", "text": "may I?"}
    assert client.post(f"{PAGE}/queries", given).status_code == 403
    client.force_login(person("monitor"))
    answer = client.post(f"{PAGE}/queries", given)
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    assert "<html" in client.get(f"{PAGE}/queries?row=1&item=MHTERM").content.decode()


def test_more_queries_on_the_form_ask_the_database_no_more_often(
    person: Person, subject: Subject, client: Client
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Cholangiocarcinoma")
    client.force_login(monitor)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    for n in range(12):
        queries.ask(
            monitor, subject, f"{n}?", visit="SCREENING", form="DISEASE", row=1, item="MHTERM"
        )
    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)
    assert len(many) == len(few)
