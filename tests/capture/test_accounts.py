"""Accounts: made, trained, given roles, reviewed and ended, each act in the trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings as django_settings
from django.test import Client

from onearm.capture import access, clock, permissions, trail
from onearm.capture.actions import accounts
from onearm.capture.actions import sites as site_actions
from onearm.capture.models import AuditEvent, Grant, Site, SiteVersion, StudyVersion, User
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError
from tests.capture.conftest import LONG_AGO, PASSWORD

Person = Callable[..., User]
TODAY = clock.now().date()


@pytest.fixture
def office(person: Person) -> User:
    return person("administrator")


@pytest.fixture
def anna(office: User) -> tuple[User, str]:
    return accounts.make(office, accounts.Asked("anna", "Anna", "Li", language="zh-hans"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=django_settings.AUTHENTICATION_BACKENDS[-1])
    return client


def acts() -> list[str]:
    found = AuditEvent.objects.filter(stream="accounts").order_by("number")
    return list(found.values_list("action", flat=True))


def test_a_new_account_must_choose_its_own_password_before_anything_else(
    anna: tuple[User, str],
) -> None:
    user, password = anna
    client = Client()
    client.post("/accounts/login/", {"login": "anna", "password": password})
    answer = client.get("/subjects")
    assert answer.url == "/accounts/password/change/"
    page = client.get(answer.url).content.decode()
    assert "请先设置您自己的密码" in page
    new = "a better phrase than that"
    client.post(answer.url, {"oldpassword": password, "password1": new, "password2": new})
    user.refresh_from_db()
    assert not user.must_change_password
    assert client.get("/subjects").status_code == 200
    assert acts()[-1] == "password.change"


def test_short_and_common_passwords_are_refused(anna: tuple[User, str]) -> None:
    user, password = anna
    client = signed_in(user)
    for poor in ("short", "elevenchars", "counterstrike", "000000000000"):
        given = {"oldpassword": password, "password1": poor, "password2": poor}
        answer = client.post("/accounts/password/change/", given)
        assert answer.status_code == 200, poor
    user.refresh_from_db()
    assert user.must_change_password


def test_a_user_name_is_never_given_again_in_any_case(office: User, anna: tuple[User, str]) -> None:
    accounts.end(office, anna[0], "left")
    with pytest.raises(accounts.AccountProblem, match="given before"):
        accounts.make(office, accounts.Asked("ANNA", "Anna", "Wang"))
    with pytest.raises(TypeError, match="never deleted"):
        anna[0].delete()


def test_who_gives_rights_has_no_other_role(
    office: User, anna: tuple[User, str], site: Site
) -> None:
    user, _ = anna
    with pytest.raises(accounts.AccountProblem, match="no other role"):
        accounts.give(office, office, "data_manager", site=None, begins=TODAY, ends=None)
    accounts.give(office, user, "coordinator", site=site, begins=TODAY, ends=None)
    with pytest.raises(accounts.AccountProblem, match="no other role"):
        accounts.give(office, user, "administrator", site=None, begins=TODAY, ends=None)
    later = TODAY + timedelta(days=30)
    grant = user.grants.get()
    accounts.end_role(office, grant, "moves to the office")
    accounts.give(office, user, "administrator", site=None, begins=later, ends=None)


@pytest.mark.parametrize(
    ("role", "at_site", "ends", "says"),
    [
        ("auditor", False, None, "only until a day"),
        ("coordinator", False, None, "given at a site"),
        ("data_manager", True, None, "not by site"),
        ("coordinator", True, LONG_AGO, "before it begins"),
        ("owner", False, None, "no role 'owner'"),
    ],
)
def test_roles_that_cannot_be_given_so_are_refused_in_words(
    office: User,
    anna: tuple[User, str],
    site: Site,
    role: str,
    at_site: bool,
    ends: date | None,
    says: str,
) -> None:
    where = site if at_site else None
    with pytest.raises(accounts.AccountProblem, match=says):
        accounts.give(office, anna[0], role, site=where, begins=TODAY, ends=ends)
    assert not anna[0].grants.exists()


def test_a_role_gives_nothing_before_training_nor_outside_its_days(
    office: User, anna: tuple[User, str], site: Site
) -> None:
    user, _ = anna
    soon, end = TODAY + timedelta(days=5), TODAY + timedelta(days=9)
    accounts.give(office, user, "coordinator", site=site, begins=soon, ends=end)
    assert not permissions.can(user, "form.enter", site, soon)
    accounts.record_training(office, user, TODAY, "GCP and this system")
    days = [TODAY, soon, end - timedelta(days=1), end]
    assert [permissions.can(user, "form.enter", site, day) for day in days] == [
        False,
        True,
        True,
        False,
    ]


def test_a_role_that_ended_keeps_the_day_on_which_it_ended(
    office: User, anna: tuple[User, str], site: Site
) -> None:
    user, begins = anna[0], TODAY - timedelta(days=30)
    ends = TODAY - timedelta(days=10)
    grant = accounts.give(office, user, "monitor", site=site, begins=begins, ends=ends)
    with pytest.raises(accounts.AccountProblem, match=f"ended on {ends} already"):
        accounts.end_role(office, grant, "left")
    grant.refresh_from_db()
    assert grant.ends == ends
    assert acts()[-1] == "role.give"


def test_ended_accounts_are_out_at_once_and_stay_in_the_list_of_past_days(
    office: User, person: Person
) -> None:
    nurse = person("coordinator")
    client = signed_in(nurse)
    assert client.get("/subjects").status_code == 200
    accounts.end(office, nurse, "left the hospital")
    assert client.get("/subjects").status_code == 302
    yesterday = [row.grant.user.username for row in access.authorised(TODAY - timedelta(days=1))]
    today = [row.grant.user.username for row in access.authorised(TODAY)]
    assert "coordinator" in yesterday
    assert "coordinator" not in today


def test_the_last_administrator_stays(office: User, person: Person) -> None:
    with pytest.raises(accounts.AccountProblem, match="last administrator"):
        accounts.end(office, office, "tired")
    second = person("administrator", name="second")
    accounts.end(second, office, "tired")
    with pytest.raises(accounts.AccountProblem, match="last administrator"):
        accounts.end_role(second, second.grants.get(), "tired too")


def test_a_review_of_access_is_stored_and_ends_what_was_not_confirmed(
    office: User, person: Person
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    keep = Grant.objects.exclude(user=monitor).values_list("pk", flat=True)
    act = accounts.review(office, keep, "half-year review")
    assert act.details["ended"] == ["monitor: monitor at 01"]
    assert "coordinator: coordinator at 01" in act.details["confirmed"]
    assert permissions.can(nurse, "form.enter", None, TODAY)
    monitor = User.objects.get(pk=monitor.pk)
    assert not permissions.can(monitor, "verify", None, TODAY)


def test_every_act_needs_the_right_and_a_reason(office: User, person: Person) -> None:
    manager, nurse = person("data_manager"), person("coordinator")
    with pytest.raises(NotAllowed):
        accounts.make(manager, accounts.Asked("x", "X", "Y"))
    for what in (accounts.end, accounts.unlock, accounts.renew_password):
        with pytest.raises(NotAllowed):
            what(manager, nurse, "because")
        with pytest.raises(accounts.AccountProblem, match="reason"):
            what(office, nurse, "  ")
    assert list(trail.verify()) == []


def test_the_acknowledgement_of_signatures_is_asked_once_and_stored(person: Person) -> None:
    doctor = person("investigator")
    User.objects.filter(pk=doctor.pk).update(equivalence_accepted_at=None)
    client = signed_in(doctor)
    assert client.get("/").url == "/accept"
    assert client.post("/accept", {}).status_code == 200
    assert client.post("/accept", {"accept": "yes"}).url == "/"
    assert client.get("/").status_code == 200
    act = AuditEvent.objects.get(action="signature.accept")
    assert "legally equal" in act.details["text"]


def test_identity_is_checked_by_another_person_and_stored_without_numbers(
    office: User, anna: tuple[User, str]
) -> None:
    user, _ = anna
    for by, day, how, says in (
        (user, TODAY, "identity card", "not allow"),
        (office, TODAY + timedelta(days=1), "identity card", "future"),
        (office, TODAY, " ", "what was looked at"),
    ):
        with pytest.raises(OnearmError, match=says):
            accounts.record_identity(by, user, day, how)
    with pytest.raises(accounts.AccountProblem, match="own identity"):
        accounts.record_identity(office, office, TODAY, "identity card")
    client = signed_in(office)
    given = {"on": str(TODAY), "how": "identity card, hospital badge"}
    client.post(f"/people/{user.pk}/identity", given)
    user.refresh_from_db()
    assert user.identity_checked_on == TODAY
    act = AuditEvent.objects.get(action="identity.check")
    assert (act.user, act.target, act.details["how"]) == (office, "anna", given["how"])
    assert str(TODAY) in client.get(f"/people/{user.pk}").content.decode()


def test_managers_and_administrators_need_a_second_factor_where_it_is_required(
    person: Person, settings: Any
) -> None:
    settings.SECOND_FACTOR = True
    manager, nurse = person("data_manager"), person("coordinator")
    client = signed_in(manager)
    first = client.get("/subjects")
    assert first.url == "/accounts/2fa/totp/activate/"
    assert signed_in(nurse).get("/subjects").status_code == 200
    TOTP.activate(manager, generate_totp_secret())
    assert client.get("/subjects").status_code == 200


def test_a_lost_second_factor_is_removed_by_the_administrator(office: User, person: Person) -> None:
    manager = person("data_manager")
    TOTP.activate(manager, generate_totp_secret())
    accounts.remove_second_factor(office, manager, "telephone lost; seen in person")
    assert acts()[-1] == "factor.lost"
    client = Client()
    client.post("/accounts/login/", {"login": "data_manager", "password": PASSWORD})
    assert "_auth_user_id" in client.session


def test_the_language_chosen_is_kept_and_applied_on_another_machine(person: Person) -> None:
    nurse = person("coordinator")
    signed_in(nurse).post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    nurse.refresh_from_db()
    assert nurse.language == "zh-hans"
    assert "本月待办" in signed_in(nurse).get("/").content.decode()
    assert "To do this month" in signed_in(person("monitor")).get("/").content.decode()


def test_who_was_idle_is_signed_out_and_told_why(person: Person) -> None:
    client = signed_in(person("coordinator"))
    assert client.session.get_expiry_age() == 15 * 60
    client.get("/")
    assert client.session["seen"] > 0
    client.session.flush()
    answer = client.get("/", follow=True)
    assert "nothing happened for 15 minutes" in answer.content.decode()


def test_the_pages_of_accounts_do_what_the_acts_do(office: User, site: Site) -> None:
    client = signed_in(office)
    made = client.post("/people/new", {"username": "bo", "first": "Bo", "last": "Chen"})
    assert "shown only now" in made.content.decode()
    bo = User.objects.get(username="bo")
    page = f"/people/{bo.pk}"
    client.post(f"{page}/give", {"role": "coordinator", "site": "01", "from": "2026-01-01"})
    client.post(f"{page}/train", {"on": "2026-01-01", "what": "GCP"})
    assert permissions.can(User.objects.get(pk=bo.pk), "form.enter", site, date(2026, 1, 1))
    refused = client.post(f"{page}/give", {"role": "administrator"}, follow=True)
    assert "no other role" in refused.content.decode()
    grant = bo.grants.get()
    client.post(f"{page}/end-role", {"grant": grant.pk, "reason": "moved"})
    grant.refresh_from_db()
    assert grant.ends == TODAY
    assert client.post(f"{page}/password", {"reason": "forgot"}).status_code == 200
    assert client.get("/people").status_code == client.get("/next").status_code == 200
    assert client.get(page).status_code == client.get("/me").status_code == 200


def test_the_list_of_access_is_shown_for_any_past_day_and_as_a_file(
    office: User, person: Person
) -> None:
    person("coordinator")
    client = signed_in(office)
    assert "coordinator" in client.get("/access?day=2024-02-29").content.decode()
    assert "coordinator" not in client.get("/access?day=2019-02-28").content.decode()
    lines = client.get("/access?day=2024-02-29&format=csv").content.decode().splitlines()
    assert lines[0].startswith("user,name,role,site")
    assert "coordinator,Coordinator Person,coordinator,01,2020-01-01" in lines[2]
    assert acts()[-1] == "access.export"


def test_sites_are_added_by_the_administrator_and_released_by_the_study_builder(
    office: User, person: Person, version: StudyVersion
) -> None:
    made = site_actions.make(office, "07", "Seventh hospital", "Asia/Shanghai")
    builder = person("study_builder")
    site_actions.release(builder, made, version, TODAY, "ethics approval of 3 May")
    assert SiteVersion.objects.get(site=made).version == version
    with pytest.raises(site_actions.SiteProblem, match="no time zone"):
        site_actions.make(office, "08", "Eighth", "Mars")
    for code, name in (("A/B", "x"), ("A:B", "x"), ("A" * 21, "x"), ("08", "x" * 201), ("08", " ")):
        with pytest.raises(OnearmError, match="without / and :"):
            site_actions.make(office, code, name, "UTC")
    with pytest.raises(site_actions.SiteProblem, match="later day"):
        site_actions.release(builder, made, version, LONG_AGO, "x")
    with pytest.raises(NotAllowed):
        site_actions.release(office, made, version, TODAY, "x")
    client = signed_in(office)
    client.post("/sites", {"act": "add", "code": "09", "name": "Ninth", "zone": "UTC"})
    assert Site.objects.filter(code="09").exists()
    assert signed_in(person("coordinator")).get("/sites").status_code == 403
