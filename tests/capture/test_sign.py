"""Signatures: who, with what proof, over what, and when they no longer stand."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from onearm.capture import clock
from onearm.capture.actions import queries
from onearm.capture.actions.sign import stands
from onearm.capture.models import AuditEvent, FormInstance, Hold, Signature, Site, Subject, User
from tests.capture.conduct import fill
from tests.capture.conftest import PASSWORD

Person = Callable[..., User]
NAMED = {"username": "investigator", "password": PASSWORD, "meaning": "reviewed"}


@pytest.fixture
def form(person: Person, subject: Subject) -> FormInstance:
    nurse = person("coordinator")
    return fill(
        nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON"
    ).instance


@pytest.fixture
def doctor(person: Person, client: Client) -> User:
    user = person("investigator")
    user.equivalence_accepted_at = clock.now()
    user.save()
    client.force_login(user)
    return user


def sign(client: Client, target: str, **fields: str) -> Signature | None:
    before = set(Signature.objects.values_list("pk", flat=True))
    client.post(f"/sign/{target}", fields)
    return Signature.objects.exclude(pk__in=before).first()


def test_a_signature_shows_name_time_with_zone_and_meaning_and_is_bound_to_the_content(
    form: FormInstance, doctor: User, client: Client, site: Site
) -> None:
    site.zone = "Asia/Shanghai"
    site.save()
    made = sign(client, f"form:{form.pk}", **NAMED)
    assert made is not None
    assert made.content == {str(form.pk): form.head}
    assert stands(made)
    page = client.get(f"/sign/form:{form.pk}").content.decode()
    assert "Investigator Person" in page
    assert "(UTC+08:00)" in page
    assert "I have reviewed these data" in page
    for field, value in (("meaning", "responsible"), ("printed_name", "Somebody Else")):
        copy = Signature.objects.get(pk=made.pk)
        setattr(copy, field, value)
        assert not stands(copy), field
    copy = Signature.objects.get(pk=made.pk)
    copy.content = {str(form.pk): "0" * 64}
    assert not stands(copy)


def test_a_change_breaks_it_visibly_and_signing_again_keeps_the_former(
    form: FormInstance, doctor: User, client: Client, subject: Subject
) -> None:
    first = sign(client, "subject:01-001", **NAMED)
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04")
    first.refresh_from_db()
    assert not stands(first)
    page = client.get("/sign/subject:01-001").content.decode()
    assert "does not stand any more" in page
    second = sign(client, "subject:01-001", **NAMED)
    assert stands(second)
    assert Signature.objects.count() == 2


def test_the_first_needs_name_and_password_a_series_the_password_alone(
    form: FormInstance, doctor: User, client: Client
) -> None:
    target = f"form:{form.pk}"
    assert sign(client, target, password=PASSWORD, meaning="reviewed") is None
    assert sign(client, target, username="investigator", meaning="reviewed") is None
    wrong = {**NAMED, "password": "another long phrase"}
    assert sign(client, target, **wrong) is None
    assert sign(client, target, **{**NAMED, "username": "coordinator"}) is None
    assert AuditEvent.objects.filter(action="sign.failed").count() == 4
    assert sign(client, target, **NAMED) is not None
    assert sign(client, target, password=PASSWORD, meaning="reviewed") is not None
    assert sign(client, target, password="no" * 9, meaning="reviewed") is None
    other = Client()
    other.force_login(doctor)
    answer = other.post(f"/sign/{target}", {"password": PASSWORD, "meaning": "reviewed"})
    assert answer.status_code == 302
    assert Signature.objects.count() == 2


def second_visit(subject: Subject) -> FormInstance:
    nurse = User.objects.get(username="coordinator")
    given = {"VISDAT": "2026-03-10", "VISMODE": "IN PERSON"}
    return fill(nurse, subject, "C1D8", "VISIT", **given).instance


def visits_signed(client: Client, *forms: FormInstance, **fields: str) -> list[Signature]:
    before = set(Signature.objects.values_list("pk", flat=True))
    ticked = [str(form.event_id) for form in forms]
    client.post("/sign/subject:01-001", {**NAMED, "act": "visits", "visit": ticked, **fields})
    return list(Signature.objects.exclude(pk__in=before).order_by("pk"))


def test_visits_are_signed_in_one_act_and_a_change_breaks_the_signature_of_one_alone(
    form: FormInstance, doctor: User, client: Client, subject: Subject
) -> None:
    other = second_visit(subject)
    made = visits_signed(client, form, other)
    assert [(one.target, one.content) for one in made] == [
        (f"event:{form.event_id}", {str(form.pk): form.head}),
        (f"event:{other.event_id}", {str(other.pk): other.head}),
    ]
    assert AuditEvent.objects.filter(action="sign", user=doctor).count() == 2
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "C1D8", "VISIT", reason="misread", VISDAT="2026-03-11")
    fresh = [Signature.objects.get(pk=one.pk) for one in made]
    assert [stands(one) for one in fresh] == [True, False]
    page = client.get("/sign/subject:01-001").content.decode()
    assert f'name="visit" value="{other.event_id}"' in page
    assert f'name="visit" value="{form.event_id}"' not in page


def test_no_visit_is_ticked_before_somebody_asks_for_all(
    form: FormInstance, doctor: User, client: Client, subject: Subject
) -> None:
    second_visit(subject)
    page = client.get("/sign/subject:01-001").content.decode()
    assert page.count('name="visit"') == 2
    assert not re.search(r'name="visit"[^>]*checked', page)
    page = client.get("/sign/subject:01-001?tick=all").content.decode()
    assert len(re.findall(r'name="visit"[^>]*checked', page)) == 2


def test_of_the_visits_of_one_act_all_are_signed_or_none(
    form: FormInstance, doctor: User, client: Client, subject: Subject, person: Person
) -> None:
    other = second_visit(subject)
    queries.ask(person("monitor"), subject, "sure?", visit="C1D8", form="VISIT", item="VISDAT")
    page = client.get("/sign/subject:01-001").content.decode()
    assert "queries not closed: 1" in page
    assert f'name="visit" value="{other.event_id}"' not in page
    wrong = {"password": "not the password"}
    assert visits_signed(client, form, other) == []
    assert visits_signed(client, form, **wrong) == []
    assert [one.target for one in visits_signed(client, form)] == [f"event:{form.event_id}"]


def test_an_act_without_a_visit_or_with_that_of_another_subject_signs_nothing(
    form: FormInstance, doctor: User, client: Client, site: Site
) -> None:
    stranger = Subject.objects.create(site=site, code="01-002", created_at=clock.now())
    theirs = second_visit(stranger)
    given = {**NAMED, "act": "visits", "visit": [str(theirs.event_id)]}
    answer = client.post("/sign/subject:01-001", given, follow=True)
    assert "Tick the visits to sign" in answer.content.decode()
    assert visits_signed(client) == []
    assert not AuditEvent.objects.filter(action__startswith="sign").exists()


def test_an_unfinished_form_keeps_its_visit_from_being_ticked(
    form: FormInstance, doctor: User, client: Client, subject: Subject
) -> None:
    fill(User.objects.get(username="coordinator"), subject, "SCREENING", "DM", SEX="F")
    page = client.get("/sign/subject:01-001").content.decode()
    assert "forms not complete: 1" in page
    assert 'name="visit"' not in page
    assert "Sign the ticked visits" not in page


def test_nobody_signs_whose_identity_or_acknowledgement_is_not_stored(
    form: FormInstance, doctor: User, client: Client
) -> None:
    for missing in ("identity_checked_on", "equivalence_accepted_at"):
        stored = getattr(doctor, missing)
        User.objects.filter(pk=doctor.pk).update(**{missing: None})
        assert sign(client, f"form:{form.pk}", **NAMED) is None, missing
        User.objects.filter(pk=doctor.pk).update(**{missing: stored})
    assert sign(client, f"form:{form.pk}", **NAMED) is not None


def test_five_wrong_passwords_lock_the_account_for_signing_too(
    form: FormInstance, doctor: User, client: Client
) -> None:
    for _ in range(5):
        sign(client, f"form:{form.pk}", **{**NAMED, "password": "wrong wrong wrong"})
    assert sign(client, f"form:{form.pk}", **NAMED) is None
    assert AuditEvent.objects.filter(action="login.locked", target="investigator").exists()


def test_the_second_factor_is_asked_where_there_is_one(
    form: FormInstance, doctor: User, client: Client
) -> None:
    secret = generate_totp_secret()
    TOTP.activate(doctor, secret)
    target = f"form:{form.pk}"
    assert sign(client, target, **NAMED) is None
    assert sign(client, target, code="000000", **NAMED) is None
    counter = sorted(yield_hotp_counters_from_time())[-1]
    code = format_hotp_value(hotp_value(secret, counter))
    assert sign(client, target, code=code, **NAMED) is not None
    assert Authenticator.objects.filter(user=doctor).exists()


@pytest.mark.parametrize(
    "role", ["coordinator", "monitor", "data_manager", "medical_reviewer", "auditor"]
)
def test_nobody_but_an_investigator_of_the_site_signs(
    role: str, form: FormInstance, person: Person, client: Client
) -> None:
    user = User.objects.filter(username=role).first() or person(role)
    user.equivalence_accepted_at = clock.now()
    user.save()
    client.force_login(user)
    fields = {**NAMED, "username": role}
    assert client.post(f"/sign/form:{form.pk}", fields).status_code == 403
    assert not Signature.objects.exists()


def test_an_investigator_of_another_site_does_not_even_see_it(
    form: FormInstance, person: Person, client: Client
) -> None:
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    client.force_login(person("investigator", name="other", at=elsewhere))
    assert client.post(f"/sign/form:{form.pk}", NAMED).status_code == 404


def test_incomplete_forms_open_queries_and_locked_data_are_not_signed(
    form: FormInstance, doctor: User, client: Client, subject: Subject, person: Person
) -> None:
    nurse = User.objects.get(username="coordinator")
    fill(nurse, subject, "SCREENING", "DISEASE", COHORT="ICC")
    assert sign(client, f"event:{form.event_id}", **NAMED) is None
    asked = queries.ask(person("monitor"), subject, "sure?", visit="SCREENING", form="VISIT")
    assert sign(client, f"form:{form.pk}", **NAMED) is None
    queries.move(User.objects.get(username="monitor"), asked, "closed")
    held = Hold.objects.create(
        target="subject:01-001", kind="locked", set_by=doctor, set_at=clock.now()
    )
    assert sign(client, f"form:{form.pk}", **NAMED) is None
    held.kind = "frozen"
    held.save()
    assert sign(client, f"form:{form.pk}", **NAMED) is not None
