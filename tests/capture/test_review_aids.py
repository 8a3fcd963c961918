"""What in the trail calls for a look: each list finds what it is about and nothing beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from onearm.capture import clock
from onearm.capture.actions.hold import hold, lift
from onearm.capture.models import AuditEvent, Hold, Signature, Site, StudyVersion, Subject, User
from onearm.capture.review_aids import ALL, LIMITS, Scope
from tests.capture.conduct import fill
from tests.capture.conftest import LONG_AGO

Person = Callable[..., User]
NOON = datetime(2026, 5, 5, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""


class Clock:
    """The server's clock, set by the test."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "now", made)
    return made


@pytest.fixture
def chinese(site: Site) -> Site:
    site.zone = "Asia/Shanghai"
    site.save()
    return site


def found(name: str, site: Site) -> list[list[str]]:
    """The rows of one list as a file would have them, over all days."""
    scope = Scope(tuple(Site.objects.all()), date(2026, 1, 1), date(2026, 12, 31))
    return [[cell.plain for cell in row] for row in ALL[name].table(scope).rows]


def visit(user: User, subject: Subject, day: str, **more: str) -> None:
    fill(user, subject, "SCREENING", "VISIT", VISDAT=day, VISMODE="IN PERSON", **more)


def test_a_first_entry_is_late_from_the_day_after_the_limit_on(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    nurse = person("coordinator")
    on = NOON.date() - timedelta(days=LIMITS.late_days)
    visit(nurse, subject, on.isoformat())
    assert found("late", chinese) == []
    # Half past midnight in Shanghai: a day later there, still the same day in UTC.
    watch.at = datetime(2026, 5, 5, 16, 30, tzinfo=UTC)
    fill(nurse, subject, "SCREENING", "ECOG", ECDAT=on.isoformat(), ECOG="1")
    (row,) = found("late", chinese)
    assert row[:4] == ["01", "01-001", "SCREENING 1 ECOG", "Coordinator Person"]
    assert row[4].startswith("2026-05-06 00:30")
    assert row[5:] == [on.isoformat(), str(LIMITS.late_days + 1)]
    # A change of what was entered in time is no late entry.
    fill(nurse, subject, "SCREENING", "VISIT", reason="typed", VISMODE="TELEPHONE CALL")
    assert len(found("late", chinese)) == 1


def test_the_site_s_own_clock_tells_what_is_night(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    nurse = person("coordinator")
    watch.at = datetime(2026, 5, 5, 13, 59, 50, tzinfo=UTC)  # 21:59:50 in Shanghai
    visit(nurse, subject, "2026-05-04")
    assert found("night", chinese) == []
    for hour, minute, day in ((14, 0, "2026-05-03"), (21, 59, "2026-05-02")):
        # 22:00, and 05:59 of the next morning.
        watch.at = datetime(2026, 5, 5, hour, minute, tzinfo=UTC)
        fill(nurse, subject, "SCREENING", "VISIT", reason="typed", VISDAT=day)
    watch.at = datetime(2026, 5, 5, 22, 0, tzinfo=UTC)  # 06:00: the day has begun
    fill(nurse, subject, "SCREENING", "VISIT", reason="typed", VISDAT="2026-05-04")
    (row,) = found("night", chinese)
    assert row[:4] == ["01", "Coordinator Person", "2026-05-05", "2"]
    assert row[4].startswith("2026-05-05 22:00")
    assert row[5].startswith("2026-05-06 05:59")


def saves(nurse: User, subject: Subject, watch: Clock, times: int, every: timedelta) -> None:
    for n in range(times):
        fill(nurse, subject, "SCREENING", "DISEASE", reason="typed", MHTERM=f"term {watch.at} {n}")
        watch.at += every


def test_as_many_saves_as_the_limit_within_its_minutes_make_one_row(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    nurse = person("coordinator")
    gap = timedelta(minutes=LIMITS.mass_minutes) / LIMITS.mass_saves
    saves(nurse, subject, watch, LIMITS.mass_saves - 1, gap)
    assert found("mass", chinese) == []
    watch.at += timedelta(hours=1)
    saves(nurse, subject, watch, LIMITS.mass_saves + 3, timedelta(seconds=5))
    watch.at += timedelta(hours=1)
    saves(nurse, subject, watch, 3, timedelta(seconds=5))
    (row,) = found("mass", chinese)
    number = str(LIMITS.mass_saves + 3)
    assert (row[0], row[3:]) == ("Coordinator Person", [number, number, "1"])


def test_two_stretches_with_a_pause_between_make_two_rows(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    nurse = person("coordinator")
    for _ in range(2):
        saves(nurse, subject, watch, LIMITS.mass_saves, timedelta(seconds=5))
        watch.at += timedelta(hours=1)
    assert [row[3] for row in found("mass", chinese)] == [str(LIMITS.mass_saves)] * 2


def test_a_person_at_two_sites_is_named_with_the_saves_at_each(
    person: Person, subject: Subject, site: Site, version: StudyVersion
) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    other.versions.create(version=version, begins=LONG_AGO)
    there = Subject.objects.create(
        site=other, code="02-001", stage="enrolled", created_at=clock.now()
    )
    nurse = person("coordinator")
    today = clock.now().date().isoformat()
    visit(nurse, subject, today)
    assert found("sites", site) == []
    nurse.grants.create(role="coordinator", site=other, begins=LONG_AGO)
    visit(User.objects.get(pk=nurse.pk), there, today)
    (row,) = found("sites", site)
    assert row == ["Coordinator Person", "01 (1), 02 (1)", "2"]


def test_only_changes_behind_the_lifting_of_a_hold_that_covered_them_are_listed(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    visit(nurse, subject, "2026-05-04")
    fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="before")
    event = subject.events.get()
    form = event.forms.get(form="VISIT")
    held = hold(manager, f"form:{form.pk}", "frozen")
    lift(manager, held, "a wrong date")
    reviewed = hold(manager, "subject:01-001", "reviewed")
    lift(manager, reviewed, "again")
    fill(nurse, subject, "SCREENING", "VISIT", reason="source", VISDAT="2026-05-03")
    fill(nurse, subject, "SCREENING", "DISEASE", reason="source", MHTERM="after")
    (row,) = found("lock", chinese)
    assert row[2] == "SCREENING 1 VISIT"
    assert row[5] == f"Frozen · form:{form.pk}"
    assert row[6].startswith("Data_Manager Person · 2026-05-05 12:")
    assert row[7] == "source"
    assert Hold.objects.exclude(lifted_at=None).count() == 2


def test_the_save_that_broke_a_signature_is_listed_and_those_after_it_are_not(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    nurse, doctor = person("coordinator"), person("investigator")
    visit(nurse, subject, "2026-05-04")
    form = subject.events.get().forms.get()
    Signature.objects.create(
        target=f"form:{form.pk}", subject=subject, user=doctor, printed_name="Wang Li",
        meaning="reviewed", at=clock.now(), content={str(form.pk): form.head}, hash="x",
    )  # fmt: skip
    assert found("signature", chinese) == []
    for day in ("2026-05-03", "2026-05-02"):
        fill(nurse, subject, "SCREENING", "VISIT", reason=f"chart {day}", VISDAT=day)
    (row,) = found("signature", chinese)
    assert row[2] == "SCREENING 1 VISIT"
    assert row[5].startswith("Wang Li · 2026-05-05")
    assert row[6] == "chart 2026-05-03"


def test_reasons_outside_the_list_are_shown_in_the_person_s_words(
    person: Person, subject: Subject, chinese: Site, watch: Clock
) -> None:
    from onearm.capture.views.entry_posted import change_reason

    nurse = person("coordinator")
    visit(nurse, subject, "2026-05-04")
    listed, own = change_reason("source", "page 3"), change_reason("other", "the patient called")
    fill(nurse, subject, "SCREENING", "VISIT", reason=listed, VISDAT="2026-05-03")
    assert found("other", chinese) == []
    fill(nurse, subject, "SCREENING", "VISIT", reason=own, VISDAT="2026-05-02")
    assert [row[5] for row in found("other", chinese)] == ["the patient called"]


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("data_manager", 200), ("medical_reviewer", 200), ("auditor", 200), ("coordinator", 403),
        ("investigator", 403), ("monitor", 403), ("administrator", 403), ("statistician", 403),
    ],
)  # fmt: skip
def test_the_page_and_the_files_are_for_who_reviews_the_trail(
    role: str, status: int, person: Person, subject: Subject, client: Client
) -> None:
    client.force_login(person(role))
    assert client.get("/review").status_code == status
    for name in ALL:
        assert client.get(f"/review/{name}.csv").status_code == status


def test_the_file_holds_the_days_and_the_site_that_were_asked_for(
    person: Person, subject: Subject, chinese: Site, watch: Clock, client: Client
) -> None:
    visit(person("coordinator"), subject, "2026-01-04")
    client.force_login(person("auditor"))
    watch.at = NOON + timedelta(minutes=5)
    answer = client.get("/review/late.csv?from=2026-05-05&to=2026-05-05&site=01")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 2
    before = client.get("/review/late.csv?to=2026-05-04").content.decode("utf-8-sig")
    assert len(before.splitlines()) == 1
    acts = AuditEvent.objects.filter(action="export").values_list("target", "details__rows")
    assert list(acts) == [("review:late", 1), ("review:late", 0)]
    page = client.get("/review?from=2026-05-05&to=2026-05-05").content.decode()
    assert f"more than {LIMITS.late_days} days after its visit" in page
    assert "01-001" in page


def test_more_saves_ask_the_database_no_more_often(
    person: Person, subject: Subject, chinese: Site, watch: Clock, client: Client
) -> None:
    nurse = person("coordinator")
    visit(nurse, subject, "2026-05-04")
    client.force_login(person("auditor"))
    client.get("/review")
    with CaptureQueriesContext(connection) as few:
        client.get("/review")
    saves(nurse, subject, watch, 20, timedelta(seconds=5))
    client.get("/review")  # notes in the session that the person is still there
    with CaptureQueriesContext(connection) as many:
        client.get("/review")
    assert len(many) == len(few)
