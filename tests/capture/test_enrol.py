"""Screening and enrolment: numbers, reasons in words, caps, pauses, and what the form then says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from django.test import Client

from onearm.capture import enrolment, studies, trail
from onearm.capture.actions import enrol as actions
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    Site,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.errors import OnearmError
from onearm.study import Study
from tests.capture.conduct import fill, screened

Person = Callable[..., User]


@pytest.fixture
def nurse(person: Person) -> User:
    return person("coordinator")


@pytest.fixture
def doctor(person: Person) -> User:
    return person("investigator")


@pytest.fixture
def eligible(nurse: User, doctor: User, site: Site) -> Subject:
    subject = actions.screen(nurse, site)
    screened(nurse, subject)
    actions.confirm(doctor, subject)
    return subject


def designed(version: StudyVersion, monkeypatch: pytest.MonkeyPatch, **changes: object) -> Study:
    """The study with another plan or design, for everything that reads it in this test."""
    study = replace(studies.study_of(version), **changes)
    monkeypatch.setattr("onearm.capture.actions.enrol.study_of", lambda _: study)
    return study


def test_numbers_count_up_within_a_site_and_are_never_given_twice(nurse: User, site: Site) -> None:
    first, second = actions.screen(nurse, site), actions.screen(nurse, site)
    assert [first.code, second.code] == ["01-001", "01-002"]
    actions.fail(nurse, second, "withdrew consent")
    Subject.objects.create(site=site, code="01-041", created_at=second.created_at)
    assert actions.screen(nurse, site).code == "01-042"


def test_an_eligible_subject_gets_a_place_and_the_form_says_so(
    nurse: User, eligible: Subject
) -> None:
    actions.enrol(nurse, eligible)
    eligible.refresh_from_db()
    form = FormInstance.objects.get(form="ENROL")
    row = form.data["rows"][0]
    assert (eligible.stage, eligible.slot) == ("enrolled", 1)
    assert row["ENSTAT"] == "ENROLLED"
    assert row["ENDAT"] == eligible.enrolled_on.isoformat()
    acts = AuditEvent.objects.filter(stream="subject:01-001").values_list("action", flat=True)
    assert [a for a in acts if "." in a and not a.startswith("query")] == [
        "subject.screen",
        "eligibility.confirm",
        "subject.enrol",
    ]
    assert list(trail.verify()) == []


def test_every_reason_is_given_at_once_and_in_words(nurse: User, site: Site) -> None:
    subject = actions.screen(nurse, site)
    site.cap = 0
    site.save()
    with pytest.raises(actions.NotEligible) as caught:
        actions.enrol(nurse, subject)
    assert caught.value.reasons == (
        "The form Eligibility is not filled in completely.",
        "The investigator has not confirmed eligibility.",
        "There is no complete date of consent (Date of signed informed consent).",
        "Site 01 has enrolled its 0 subjects.",
    )


def test_a_criterion_that_is_not_met_is_named_with_its_words(
    nurse: User, doctor: User, site: Site
) -> None:
    subject = actions.screen(nurse, site)
    screened(nurse, subject)
    changed = {"IEYN": "N", "IETESTCD": "IN04", "IEORRES": "N"}
    fill(nurse, subject, "SCREENING", "ELIG", reason="ECOG was 2", **changed)
    with pytest.raises(actions.NotEligible) as caught:
        actions.confirm(doctor, subject)
    wanted = "Criterion IN04 is not met: ECOG 0 or 1 within 7 days before first dose"
    assert caught.value.reasons == (wanted,)
    with pytest.raises(actions.NotEligible, match="IN04"):
        actions.enrol(nurse, subject)


def test_consent_later_than_the_first_procedure_refuses(
    nurse: User, doctor: User, site: Site
) -> None:
    subject = actions.screen(nurse, site)
    screened(nurse, subject)
    fill(nurse, subject, "SCREENING", "DM", reason="misread", RFICDAT="2026-03-05")
    with pytest.raises(actions.NotEligible, match=r"2026-03-05 is later than .* 2026-03-03"):
        actions.enrol(nurse, subject)


def test_a_change_after_the_confirmation_asks_for_it_again(
    nurse: User, doctor: User, eligible: Subject
) -> None:
    fill(nurse, eligible, "SCREENING", "ELIG", reason="wrong day", IEDAT="2026-03-04")
    with pytest.raises(actions.NotEligible, match="confirms again"):
        actions.enrol(nurse, eligible)
    actions.confirm(doctor, eligible)
    assert actions.enrol(nurse, eligible).slot == 1


def test_only_an_investigator_confirms(nurse: User, site: Site, person: Person) -> None:
    subject = actions.screen(nurse, site)
    screened(nurse, subject)
    for user in (nurse, person("data_manager"), person("monitor")):
        with pytest.raises(NotAllowed):
            actions.confirm(user, subject)


def test_the_planned_number_is_a_cap(
    nurse: User, eligible: Subject, version: StudyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = studies.study_of(version).identity
    planned = identity.enrolment.model_copy(update={"planned": 1})
    designed(version, monkeypatch, identity=identity.model_copy(update={"enrolment": planned}))
    Subject.objects.create(
        site=eligible.site, code="01-900", stage="off_study", created_at=eligible.created_at
    )
    with pytest.raises(actions.NotEligible, match="The study has enrolled its 1 subjects"):
        actions.enrol(nurse, eligible)


def test_the_first_stage_is_a_cap_only_where_the_design_says_that_accrual_waits(
    nurse: User,
    person: Person,
    eligible: Subject,
    version: StudyVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = studies.study_of(version)
    assert enrolment.stage_1(study) is None  # the shipped design lets accrual go on
    interim = study.design.interim.model_copy(update={"accrual": "pauses"})
    test = study.design.response
    one = test.stage_1.model_copy(update={"patients": 1, "stop_if_at_most": 0})
    response = test.model_copy(update={"stage_1": one})
    design = study.design.model_copy(update={"interim": interim, "response": response})
    designed(version, monkeypatch, design=design)
    Subject.objects.create(
        site=eligible.site, code="01-900", stage="enrolled", created_at=eligible.created_at
    )
    with pytest.raises(actions.NotEligible, match="first stage has its 1 subjects"):
        actions.enrol(nurse, eligible)
    with pytest.raises(NotAllowed):
        actions.go_on(nurse, "2 responders of 20")
    actions.go_on(person("data_manager"), "3 responders: the committee lets the trial go on")
    assert actions.enrol(nurse, eligible).stage == "enrolled"


def test_a_pause_holds_until_it_is_lifted_and_both_are_in_the_trail(
    nurse: User, person: Person, eligible: Subject, site: Site
) -> None:
    manager = person("data_manager")
    with pytest.raises(OnearmError, match="Say why"):
        actions.pause(manager, " ")
    actions.pause(manager, "drug supply", site)
    with pytest.raises(actions.NotEligible, match="Accrual is paused: drug supply"):
        actions.enrol(nurse, eligible)
    actions.resume(manager, "supply is back", site)
    actions.enrol(nurse, eligible)
    acts = AuditEvent.objects.filter(action__startswith="accrual").values_list("action", "reason")
    assert list(acts) == [("accrual.pause", "drug supply"), ("accrual.resume", "supply is back")]


def test_places_of_a_site_are_set_with_a_reason_and_count_for_the_next_enrolment(
    nurse: User, person: Person, eligible: Subject, site: Site
) -> None:
    manager = person("data_manager")
    with pytest.raises(NotAllowed):
        actions.set_cap(nurse, site, 5, "the contract")
    with pytest.raises(OnearmError, match="Say why"):
        actions.set_cap(manager, site, 5, " ")
    actions.set_cap(manager, site, 0, "closed until the contract is signed")
    with pytest.raises(actions.NotEligible, match="Site 01 has enrolled its 0 subjects"):
        actions.enrol(nurse, eligible)  # its site was read before the places were set
    actions.set_cap(manager, site, 1, "the contract")
    actions.enrol(nurse, eligible)
    with pytest.raises(OnearmError, match="has enrolled 1 already"):
        actions.set_cap(manager, site, 0, "too many")
    with pytest.raises(OnearmError, match="Places of site 01: 1, as before"):
        actions.set_cap(manager, site, 1, "again")
    actions.set_cap(manager, site, None, "no limit any more")
    site.refresh_from_db()
    assert site.cap is None
    acts = AuditEvent.objects.filter(action__in=["accrual.cap", "accrual.uncap"])
    assert [(a.action, a.details, a.reason, a.role) for a in acts.order_by("number")] == [
        ("accrual.cap", {"from": None, "to": 0}, "closed until the contract is signed",
         "data_manager"),
        ("accrual.cap", {"from": 0, "to": 1}, "the contract", "data_manager"),
        ("accrual.uncap", {"from": 1, "to": None}, "no limit any more", "data_manager"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "back"), [("data_manager", "/accrual"), ("administrator", "/sites")]
)
def test_both_who_may_set_places_find_it_on_their_page(
    role: str, back: str, person: Person, site: Site, version: StudyVersion, client: Client
) -> None:
    client.force_login(person(role))
    assert 'action="/accrual/cap"' in client.get(back).content.decode()
    given = {"site": "01", "cap": "7", "reason": "the contract"}
    assert client.post("/accrual/cap", given).url == back
    site.refresh_from_db()
    assert site.cap == 7
    for wrong in ("seven", "-1", "7.5", "1000001"):
        answer = client.post("/accrual/cap", {**given, "cap": wrong}, follow=True)
        assert "not a number of places" in answer.content.decode()
    client.post("/accrual/cap", {**given, "cap": ""})
    site.refresh_from_db()
    assert site.cap is None


def test_who_may_not_set_places_is_shown_no_field_for_it(
    nurse: User, site: Site, version: StudyVersion, client: Client
) -> None:
    client.force_login(nurse)
    assert "/accrual/cap" not in client.get("/accrual").content.decode()
    answer = client.post("/accrual/cap", {"site": "01", "cap": "7", "reason": "mine"})
    assert answer.status_code == 403
    site.refresh_from_db()
    assert site.cap is None


def test_nobody_types_enrolled_on_the_form_without_a_place(nurse: User, eligible: Subject) -> None:
    with pytest.raises(OnearmError, match="before a place was taken"):
        fill(nurse, eligible, "SCREENING", "ENROL", ENDAT="2026-03-04", ENSTAT="ENROLLED")
    assert not FormInstance.objects.filter(form="ENROL").exists()


def test_a_screen_failure_keeps_its_reason_and_takes_no_place(nurse: User, site: Site) -> None:
    subject = actions.screen(nurse, site)
    screened(nurse, subject)
    with pytest.raises(OnearmError, match="Say why screening failed"):
        actions.fail(nurse, subject, "")
    actions.fail(nurse, subject, "bilirubin", code="CRITERIA")
    subject.refresh_from_db()
    assert (subject.stage, subject.slot) == ("failed", None)
    assert subject.failed_because == "Eligibility criteria not met: bilirubin"
    row = FormInstance.objects.get(form="ENROL").data["rows"][0]
    assert (row["ENSTAT"], row["SFREAS"]) == ("SCREEN FAILURE", "CRITERIA")
    with pytest.raises(actions.NotEligible, match="not in screening"):
        actions.enrol(nurse, subject)


def test_the_stage_follows_the_milestones(nurse: User, eligible: Subject) -> None:
    actions.enrol(nurse, eligible)
    fill(nurse, eligible, "EOT", "EOT", EOTDAT="2026-09-01")
    eligible.refresh_from_db()
    assert eligible.stage == "off_treatment"
    fill(nurse, eligible, "DEATH", "DEATH", DTHDAT="2026-10-01")
    eligible.refresh_from_db()
    assert eligible.stage == "off_study"


@pytest.mark.parametrize(
    ("language", "heading", "reason"),
    [
        ("en", "What is in the way", "The investigator has not confirmed eligibility."),
        ("zh-hans", "尚不能入组的原因", "研究者尚未确认符合入排标准。"),
    ],
)
def test_the_page_shows_criteria_and_what_is_in_the_way(
    language: str, heading: str, reason: str, nurse: User, site: Site, client: Client
) -> None:
    subject = actions.screen(nurse, site)
    screened(nurse, subject)
    client.force_login(nurse)
    client.cookies["django_language"] = language
    page = client.get(f"/subjects/{subject.code}/enrolment").content.decode()
    assert heading in page
    assert reason in page
    texts = (
        [
            enrolment.said(c.text)
            for c in studies.study_of(site.versions.get().version).eligibility.criteria
        ]
        if language == "en"
        else ["年龄≥18 岁"]
    )
    assert all(text in page.replace("&amp;", "&") for text in texts)


def test_the_way_through_the_pages(nurse: User, doctor: User, site: Site, client: Client) -> None:
    client.force_login(nurse)
    answer = client.post("/screening/add", {"site": "01"})
    assert answer.headers["Location"] == "/subjects/01-001/enrolment"
    subject = Subject.objects.get()
    screened(nurse, subject)
    client.post("/subjects/01-001/enrolment", {"act": "enrol"})
    assert Subject.objects.get().stage == "screening"
    actions.confirm(doctor, subject)
    client.post("/subjects/01-001/enrolment", {"act": "enrol"})
    assert Subject.objects.get().stage == "enrolled"
    assert "01-001" in client.get("/screening").content.decode()


def test_another_site_sees_nothing_of_it(
    nurse: User, site: Site, person: Person, client: Client
) -> None:
    actions.screen(nurse, site)
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    client.force_login(person("coordinator", name="other", at=elsewhere))
    assert client.get("/subjects/01-001/enrolment").status_code == 404
    assert client.post("/screening/add", {"site": "01"}).status_code == 404
    assert Subject.objects.count() == 1


def test_a_day_without_a_release_screens_nobody(nurse: User, site: Site) -> None:
    site.versions.update(begins=date(2999, 1, 1))
    with pytest.raises(OnearmError, match="No version of the study"):
        actions.screen(nurse, site)
