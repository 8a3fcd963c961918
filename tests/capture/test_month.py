"""The schedule of a subject, unscheduled and missed visits, and the page of the month."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client

from onearm.capture import studies, zones
from onearm.capture.actions import queries
from onearm.capture.actions.visits import add_unscheduled, mark_missed
from onearm.capture.course import course_of
from onearm.capture.models import AuditEvent, EventInstance, Site, StudyVersion, Subject, User
from onearm.capture.month import Course, Happened, schedule_of
from onearm.capture.states import Held
from onearm.errors import OnearmError
from onearm.study import Study
from tests.capture.conduct import fill

Person = Callable[..., User]
FIRST = date(2026, 1, 5)


@pytest.fixture
def study(version: StudyVersion) -> Study:
    return studies.study_of(version)


def rows(study: Study, course: Course, today: date, **seen: Happened) -> dict[str, str]:
    """Status by visit and repeat."""
    happened = {
        (name.rsplit("_", 1)[0], int(name.rsplit("_", 1)[1])): what for name, what in seen.items()
    }
    planned = schedule_of(study, course, happened, today)
    return {f"{row.visit.id} {row.repeat}": row.status for row in planned}


def test_before_the_first_dose_screening_is_due_and_dosing_only_after_enrolment(
    study: Study,
) -> None:
    today = date(2026, 1, 1)
    assert rows(study, Course(), today)["SCREENING 1"] == "due"
    assert rows(study, Course(), today)["CYCLE 1"] == "not due"
    assert rows(study, Course(enrolment=today), today)["CYCLE 1"] == "due"


def test_months_of_follow_up_make_rows_of_their_own(study: Study) -> None:
    # Day 29 with a window of 7 days: due from 26 January on, overdue from 10 February on.
    course = Course(first_dose=FIRST)
    assert rows(study, course, date(2026, 1, 26))["FOLLOWUP 1"] == "in window"
    later = rows(study, course, date(2026, 2, 10))
    assert later["FOLLOWUP 1"] == "overdue"
    assert later["FOLLOWUP 2"] == "not due"
    assert "FOLLOWUP 3" not in later
    done = rows(study, course, date(2026, 2, 10), FOLLOWUP_1=Happened(date(2026, 2, 2)))
    assert done["FOLLOWUP 1"] == "done"
    late = rows(study, course, date(2026, 2, 20), FOLLOWUP_1=Happened(date(2026, 2, 15)))
    assert late["FOLLOWUP 1"] == "done outside window"


def test_progression_ends_the_scans_and_death_ends_everything(study: Study) -> None:
    course = Course(first_dose=FIRST, progression=date(2026, 2, 17))
    seen = {("SCAN", 1): Happened(date(2026, 2, 17))}
    planned = schedule_of(study, course, seen, date(2026, 4, 1))
    second = next(r for r in planned if (r.visit.id, r.repeat) == ("SCAN", 2))
    assert (second.status, second.why) == ("not required", "progression")
    dead = Course(first_dose=FIRST, death=date(2026, 2, 17))
    month = next(
        r
        for r in schedule_of(study, dead, {}, date(2026, 6, 1))
        if r.visit.id == "FOLLOWUP" and r.status == "not required"
    )
    assert month.why == "death"


def test_the_safety_visit_appears_thirty_days_after_the_last_dose_once_treatment_ended(
    study: Study,
) -> None:
    on = Course(first_dose=FIRST, last_dose=date(2026, 3, 1))
    assert "SAFETY30 1" not in rows(study, on, date(2026, 3, 10))
    ended = Course(FIRST, FIRST, FIRST, date(2026, 3, 1), date(2026, 3, 4))
    planned = schedule_of(study, ended, {}, date(2026, 3, 26))
    safety = next(r for r in planned if r.visit.id == "SAFETY30")
    assert (safety.day, safety.early, safety.late, safety.status) == (
        date(2026, 3, 31),
        date(2026, 3, 24),
        date(2026, 4, 7),
        "in window",
    )
    end = next(r for r in planned if r.visit.id == "EOT")
    assert (end.day, end.late, end.status) == (date(2026, 3, 4), date(2026, 3, 11), "overdue")


def test_the_course_is_read_from_the_forms(study: Study, person: Person, subject: Subject) -> None:
    nurse = person("coordinator")
    dose = {"EXTRT": "PEMBROLIZUMAB", "EXSTDAT": "2026-01-05", "EXENDAT": "2026-01-05"}
    fill(nurse, subject, "LOG", "EX", **dose)
    fill(nurse, subject, "LOG", "EX", row=2, **{**dose, "EXENDAT": "2026-02-01"})
    seen = {"RSDAT": "2026-02-17", "OVRLRESP": "PD", "TRGRESP": "PD", "NEWLIND": "N"}
    fill(nurse, subject, "SCAN", "RESPONSE", **seen)
    course = course_of(study, subject)
    assert (course.first_dose, course.last_dose) == (FIRST, date(2026, 2, 1))
    assert course.progression == date(2026, 2, 17)
    assert course.anchor("last_dose") is None  # treatment goes on, as far as is known


def test_unscheduled_visits_stand_in_the_order_of_their_dates(
    study: Study, person: Person, subject: Subject
) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "LOG", "EX", EXTRT="PEMBROLIZUMAB", EXSTDAT="2026-01-05")
    for repeat, day in ((1, "2026-01-20"), (2, "2026-01-08")):
        assert add_unscheduled(nurse, study, subject, "UNSCHED").repeat == repeat
        fill(nurse, subject, "UNSCHED", "VISIT", repeat=repeat, VISDAT=day)
    seen = {(e.visit, e.repeat): Happened(e.date) for e in subject.events.all()}
    order = [
        (r.visit.id, r.repeat)
        for r in schedule_of(study, course_of(study, subject), seen, date(2026, 1, 25))
        if r.visit.id in ("UNSCHED", "C1D8", "C1D15")
    ]
    assert order == [("UNSCHED", 2), ("C1D8", 1), ("C1D15", 1), ("UNSCHED", 1)]


def test_an_unscheduled_visit_that_nobody_filled_in_is_offered_again(
    study: Study, person: Person, subject: Subject
) -> None:
    nurse = person("coordinator")
    first = add_unscheduled(nurse, study, subject, "UNSCHED")
    assert add_unscheduled(nurse, study, subject, "UNSCHED") == first
    with pytest.raises(OnearmError, match="no unscheduled visit"):
        add_unscheduled(nurse, study, subject, "CYCLE")


def test_a_missed_visit_keeps_its_reason_until_it_takes_place(
    study: Study, person: Person, subject: Subject
) -> None:
    nurse = person("coordinator")
    mark_missed(nurse, study, subject, "C1D8", 1, "snow storm")
    event = EventInstance.objects.get(visit="C1D8")
    assert event.missed_because == "snow storm"
    assert AuditEvent.objects.filter(action="visit.missed", reason="snow storm").exists()
    fill(nurse, subject, "C1D8", "VISIT", VISDAT="2026-01-14")
    event.refresh_from_db()
    assert (event.missed_because, event.date) == ("", date(2026, 1, 14))
    with pytest.raises(OnearmError, match="it took place"):
        mark_missed(nurse, study, subject, "C1D8", 1, "snow storm")


@pytest.mark.parametrize(("visit", "repeat"), [("C1D8", 2), ("CYCLE", 0), ("CYCLE", 10**30)])
def test_a_repeat_that_the_schedule_has_not_is_not_missed(
    visit: str, repeat: int, study: Study, person: Person, subject: Subject
) -> None:
    with pytest.raises(OnearmError, match="no planned visit"):
        mark_missed(person("coordinator"), study, subject, visit, repeat, "holiday")
    assert not EventInstance.objects.exists()


def test_a_held_subject_takes_no_visit(study: Study, person: Person, subject: Subject) -> None:
    from onearm.capture.actions.hold import hold

    hold(person("data_manager"), "subject:01-001", "frozen")
    with pytest.raises(Held):
        add_unscheduled(person("coordinator"), study, subject, "UNSCHED")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Cycle 2, day 1", "Overdue", "Consent and demography", "Begun", "please look"]),
        ("zh-hans", ["第 2 周期第 1 天", "逾期", "知情同意与人口学", "未完成", "please look"]),
    ],
)
def test_the_page_of_the_month_shows_what_waits_and_leads_there(
    language: str,
    words: list[str],
    person: Person,
    subject: Subject,
    site: Site,
    client: Client,
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    start = zones.today(site) - timedelta(days=26)
    fill(nurse, subject, "LOG", "EX", EXTRT="PEMBROLIZUMAB", EXSTDAT=start.isoformat())
    fill(nurse, subject, "SCREENING", "DM", RFICDAT=(start - timedelta(days=9)).isoformat())
    queries.ask(monitor, subject, "please look", visit="SCREENING", form="DM", item="SEX", row=1)
    client.force_login(nurse)
    client.cookies["django_language"] = language
    page = client.get("/").content.decode()
    for word in words:
        assert word in page
    assert 'href="/subjects/01-001/CYCLE/2/VISIT"' in page
    assert 'href="/subjects/01-001/SCREENING/1/DM"' in page
    assert f'href="/queries/{queries.live_queries(subject, "DM").latest("pk").pk}"' in page


def test_forms_to_sign_stand_as_one_line_a_subject_that_opens_all_of_them(
    person: Person, subject: Subject, site: Site, client: Client
) -> None:
    nurse = person("coordinator")
    for visit, day in (("SCREENING", "2026-01-02"), ("C1D8", "2026-01-12")):
        fill(nurse, subject, visit, "VISIT", VISDAT=day, VISMODE="IN PERSON")
    fill(nurse, subject, "SCREENING", "DM", SEX="F")  # begun: screening cannot be signed yet
    client.force_login(person("investigator"))
    page = " ".join(client.get("/").content.decode().split())
    assert page.count('href="/sign/subject:01-001"') == 1
    (row,) = re.findall(r'<tr>(?:(?!<tr>).)*href="/sign/subject:01-001".*?</tr>', page)
    assert re.findall(r'class="number">(\d+)<', row) == ["2", "2", "1"]
    assert re.search(r"<b>2</b> Forms to sign", page)
    client.force_login(nurse)
    assert "/sign/" not in client.get("/").content.decode()


def test_the_month_of_another_site_is_not_shown(
    person: Person, subject: Subject, version: StudyVersion, client: Client
) -> None:
    elsewhere = Site.objects.create(code="02", name="Second hospital")
    client.force_login(person("coordinator", at=elsewhere))
    page = client.get("/").content.decode()
    assert "01-001" not in page
    assert client.get("/subjects/01-001").status_code == 404


@pytest.mark.parametrize(
    ("role", "page"),
    [("administrator", "/people"), ("study_builder", "/amendments"), ("statistician", "/exchange")],
)
def test_who_sees_no_subjects_begins_elsewhere(
    role: str, page: str, person: Person, version: StudyVersion, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(person(role))
    assert client.get("/").url == page
    assert client.get(page).status_code == 200
