"""Personal data entered by mistake: blackened by two persons, and the chain stays what it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client

from onearm.capture import clock, entries, trail
from onearm.capture.actions import queries, sae
from onearm.capture.actions import redaction as redactions
from onearm.capture.actions.reconcile import Columns, reconcile
from onearm.capture.actions.redaction import MARK, RedactionProblem
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.take_file import keep
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    Query,
    Reconciliation,
    RedactedVersion,
    SeriousEvent,
    SeriousReport,
    Signature,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.capture.states import Held
from tests.capture.conduct import fill

Person = Callable[..., User]
NAME = "Zhang Wei, born 1961"


@pytest.fixture
def form(person: Person, visit: EventInstance) -> FormInstance:
    """Version 1 names a person, 2 changes another cell, 3 the name again after 4 it was changed."""
    nurse = person("coordinator")
    for number, text in enumerate([NAME, None, "carcinoma", NAME]):
        given = Cell(1, "MHTERM", text) if text else Cell(1, "HBV", "NEGATIVE")
        saved = save(nurse, visit, "DISEASE", Changes([given], number, reason="typed"))
    return saved.instance


def asked(form: FormInstance, person: Person) -> redactions.Redaction:
    nurse = User.objects.get(username="coordinator")
    version = form.versions.get(version=1)
    return redactions.request(nurse, version, 1, "MHTERM", "the patient's name")


def everything() -> str:
    """All text of every table of the application."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            if table.startswith("capture_"):
                cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
                found.append(str(cursor.fetchall()))
    return "".join(found)


def test_the_value_is_gone_everywhere_and_the_chain_is_whole(
    form: FormInstance, person: Person
) -> None:
    heads = list(form.versions.order_by("version").values_list("hash", flat=True))
    then = clock.now()
    request = asked(form, person)
    assert NAME in everything()
    redactions.approve(person("data_manager"), request)
    assert NAME not in everything()
    versions = list(FormVersion.objects.filter(instance=form).order_by("version"))
    assert [v.hash for v in versions][:4] == heads
    assert [v.delta["rows"][0].get("MHTERM") for v in versions] == [
        MARK,
        None,
        "carcinoma",
        MARK,
        None,
    ]
    assert (versions[4].origin, versions[4].user.username) == ("redaction", "data_manager")
    assert list(trail.verify()) == []
    past = entries.as_of(then)
    assert past.filter(ITEM="MHTERM")["VALUE"].to_list() == [MARK]
    act = AuditEvent.objects.get(action="redaction.approve")
    assert act.details["asked_by"] == "coordinator"
    assert [each["version"] for each in act.details["versions"]] == [1, 4]


def test_who_approves_is_told_where_people_quoted_the_value(
    form: FormInstance, person: Person
) -> None:
    nurse, manager = User.objects.get(username="coordinator"), person("data_manager")
    subject = form.event.subject
    query = queries.ask(manager, subject, f"Is {NAME} a diagnosis?", form="DISEASE")
    queries.move(nurse, query, "answered", "no")
    quiet = queries.ask(manager, subject, "Please check", form="DISEASE")
    other = queries.ask(manager, subject, "Please check", form="DM")
    queries.move(nurse, other, "answered", f"as for {NAME}")
    given = Cell(1, "HBV", "POSITIVE")
    save(nurse, form.event, "DISEASE", Changes([given], 4, reason=f"file of {NAME}"))
    request = asked(form, person)
    assert redactions.quoted_in(request) == []
    client = Client()
    client.force_login(manager, backend=settings.AUTHENTICATION_BACKENDS[-1])
    page = client.post("/redactions", {"redaction": request.pk, "act": "approve"}, follow=True)
    left = [f"query {query.pk}", f"query {other.pk}", "reason of version 5"]
    assert redactions.quoted_in(request) == left
    text = page.content.decode()
    assert text.count(", ".join(left)) == 2
    assert NAME not in text
    assert f"query {quiet.pk}," not in text
    assert MARK in Query.objects.get(pk=query.pk).text
    assert list(trail.verify()) == []
    with pytest.raises(DatabaseError), transaction.atomic():
        query.entries.update(text=MARK)


def test_reports_and_comparisons_lose_the_value_and_what_quotes_it_elsewhere_is_named(
    person: Person, subject: Subject
) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    row = {"AETERM": NAME, "AESER": "Y", "AESTDAT": "2026-06-01"}
    saved = fill(nurse, subject, "LOG", "AE", **row).instance
    event = SeriousEvent.objects.get()
    sae.report(nurse, event, "")
    sae.report(nurse, event, f"{NAME} is at home")
    lines = f"Patient;Event;Onset\n01-001;{NAME};2026-06-01\n02-001;{NAME};2026-06-01\n"
    columns = Columns("Patient", "Event", "Onset")
    compared = reconcile(manager, "safety.csv", lines.encode(), columns)
    taken = [
        keep(manager, "list.csv", "csv", f"a,b\n{NAME},1\n".encode()),
        keep(manager, "other.csv", "csv", b"a,b\n2,1\n"),
    ]
    request = redactions.request(nurse, saved.versions.get(), 1, "AETERM", "a name")
    redactions.approve(manager, request)
    reports = [each.content["AETERM"] for each in SeriousReport.objects.order_by("number")]
    assert reports == [MARK, MARK]
    named = [(x["subject"], x["term_here"], x["term_there"]) for x in fresh(compared).lines]
    assert sorted(named) == [("01-001", MARK, MARK), ("02-001", "", NAME)]
    left = [f"report of serious event {event.pk}", f"loaded file {taken[0].pk}"]
    assert redactions.quoted_in(request) == left
    act = AuditEvent.objects.get(action="redaction.approve")
    assert act.details["reports"] == [f"{event.pk}.1", f"{event.pk}.2"]
    assert act.details["reconciliations"] == [compared.pk]
    assert list(trail.verify()) == []


def fresh(compared: Reconciliation) -> Reconciliation:
    return Reconciliation.objects.get(pk=compared.pk)


def test_it_takes_two_persons_with_the_right(form: FormInstance, person: Person) -> None:
    manager = person("data_manager")
    own = redactions.request(manager, form.versions.get(version=1), 1, "MHTERM", "a name")
    with pytest.raises(RedactionProblem, match="another person"):
        redactions.approve(manager, own)
    with pytest.raises(NotAllowed):
        redactions.approve(person("investigator"), own)
    with pytest.raises(NotAllowed):
        redactions.request(person("monitor"), form.versions.get(version=1), 1, "MHTERM", "x")
    redactions.approve(person("data_manager", name="second"), own)
    with pytest.raises(RedactionProblem, match="decided on already"):
        redactions.approve(person("data_manager", name="third"), own)


def test_a_refused_request_changes_nothing(form: FormInstance, person: Person) -> None:
    request = asked(form, person)
    redactions.refuse(person("data_manager"), request, "a diagnosis, no name")
    assert NAME in everything()
    assert FormVersion.objects.count() == 4
    assert list(trail.verify()) == []


def test_what_is_locked_is_unlocked_first_and_signatures_break(
    form: FormInstance, person: Person
) -> None:
    manager, request = person("data_manager"), asked(form, person)
    hold = Hold.objects.create(
        target=f"form:{form.pk}", kind="locked", set_by=manager, set_at=clock.now()
    )
    with pytest.raises(Held):
        redactions.approve(manager, request)
    hold.lifted_at = clock.now()
    hold.save()
    signature = Signature.objects.create(
        target=f"form:{form.pk}",
        subject=form.event.subject,
        user=manager,
        printed_name="x",
        meaning="x",
        at=clock.now(),
        content={},
        hash="0" * 64,
    )
    redactions.approve(manager, request)
    signature.refresh_from_db()
    assert signature.broken_at is not None


def test_the_database_lets_nothing_else_through(form: FormInstance, person: Person) -> None:
    request = asked(form, person)
    first = form.versions.get(version=1)
    delta = {"rows": [{"_key": 1, "MHTERM": "something nicer"}]}
    # A row that would allow it, but nobody approved.
    RedactedVersion.objects.create(
        redaction=request, form_version=first, delta=delta, hash="0" * 64
    )
    refused(lambda: FormVersion.objects.filter(pk=first.pk).update(delta=delta))
    redactions.approve(person("data_manager"), request)
    refused(lambda: FormVersion.objects.filter(pk=first.pk).update(delta={"rows": []}))
    refused(lambda: FormVersion.objects.filter(pk=first.pk).update(delta=delta, reason="x"))
    refused(lambda: FormVersion.objects.filter(pk=first.pk)._raw_delete("default"))
    refused(lambda: RedactedVersion.objects.update(hash="1" * 64))


def test_a_blackening_that_the_trail_does_not_tell_breaks_the_chain(
    form: FormInstance, person: Person
) -> None:
    request = asked(form, person)
    redactions.approve(person("data_manager"), request)
    first = form.versions.get(version=1)
    delta = {"rows": [{"_key": 1, "MHTERM": "something nicer"}]}
    RedactedVersion.objects.create(
        redaction=request, form_version=first, delta=delta, hash="0" * 64
    )
    FormVersion.objects.filter(pk=first.pk).update(delta=delta)
    (broken,) = trail.verify()
    assert (broken.chain, broken.number) == (f"form {form.pk} (DISEASE)", 1)
    assert broken.problem == "its content is not what was left when a value was blackened"


def refused(act: Callable[[], object]) -> None:
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        act()


def test_the_pages_ask_and_decide(form: FormInstance, person: Person) -> None:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        return client

    nurse = signed_in(User.objects.get(username="coordinator"))
    first = form.versions.get(version=1)
    assert NAME in nurse.get(f"/redactions/ask/{first.pk}").content.decode()
    given = {"cell": "1.MHTERM", "reason": "the patient's name"}
    assert nurse.post(f"/redactions/ask/{first.pk}", given).url == "/redactions"
    assert nurse.get("/redactions").status_code == 200
    one = {"redaction": "1", "act": "approve"}
    one["redaction"] = str(form.redactions.get().pk)
    assert nurse.post("/redactions", one).status_code == 403
    manager = signed_in(person("data_manager"))
    assert manager.post("/redactions", one).status_code == 302
    assert NAME not in everything()
    assert "Blackened" in manager.get("/redactions").content.decode()
    assert signed_in(person("statistician")).get("/redactions").status_code == 403
