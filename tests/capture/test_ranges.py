"""Normal ranges: added, ended and loaded by who may, complained of with their values, shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from onearm.capture import trail
from onearm.capture.actions.ranges import RangeProblem, add_range, end_range, take_ranges, template
from onearm.capture.kept_words import said
from onearm.capture.models import AuditEvent, LabRange, Site, Subject, TakenFile, User
from onearm.capture.permissions import NotAllowed
from onearm.capture.range_rules import Span, gaps, read
from onearm.errors import OnearmError
from onearm.study import Study, load
from tests.capture.conduct import flat
from tests.capture.conftest import STUDY

Person = Callable[..., User]
Enter = Callable[[User], Client]
ALT = {"laboratory": "Main", "analyte": "ALT", "unit": "U/L", "low": "7", "high": "40",
       "begins": "2024-01-01"}  # fmt: skip
JUNE = date(2024, 6, 1)
HEAD = "laboratory,analyte,unit,sex,age_from,age_to,low,high,begins,ends\n"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


@pytest.fixture
def manager(person: Person) -> User:
    return person("data_manager")


def limits() -> list[tuple[str, str, date | None]]:
    return list(LabRange.objects.order_by("pk").values_list("low", "high", "ends"))


# ---- reading


def test_everything_wrong_with_a_line_is_said_at_once_with_its_values(study: Study) -> None:
    line = {
        "laboratory": "", "analyte": "CA", "unit": "mg/dL", "sex": "X", "age_from": "65",
        "age_to": "18", "low": "11", "high": "9,5", "begins": "2024-13-01", "ends": "",
    }  # fmt: skip
    span, wrong = read(study, line)
    assert span is None
    assert wrong == [
        "Name the laboratory.",
        "CA is asked in mmol/L, not in 'mg/dL'; convert the limits.",
        "Sex 'X' is none of M, F and empty.",
        "Ages from 65 and under 18 hold nobody.",
        "Limit '9,5' is not a number.",
        "'2024-13-01' is not a day as 2024-06-30.",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"low": "50"}, "lower limit 50 is above the upper limit 40"),
        ({"low": "", "high": ""}, "lower or an upper limit"),
        ({"age_to": "201"}, "Age '201' is not a whole number"),
        ({"age_from": "-1"}, "Age '-1' is not"),
        ({"ends": "2024-01-01"}, "begins on 2024-01-01 and ends on 2024-01-01"),
        ({"begins": ""}, "'' is not a day"),
        ({"analyte": "FERRITIN"}, "no analyte 'FERRITIN'"),
        ({"laboratory": "x" * 81}, "longer than 80"),
    ],
)
def test_what_cannot_be_a_range_is_refused(change: dict[str, str], said: str, study: Study) -> None:
    span, wrong = read(study, {**ALT, **change})
    assert span is None
    assert len(wrong) == 1
    assert said in wrong[0]


def test_an_analyte_may_be_named_in_words_and_its_unit_left_out(study: Study) -> None:
    span, _ = read(study, {**ALT, "analyte": "总胆红素", "unit": ""})
    assert span is not None
    assert (span.analyte, span.unit, span.age_from, span.age_to) == ("BILI", "umol/L", 0, 200)


# ---- against each other


def span(**change: object) -> Span:
    usual = {
        "laboratory": "Main", "analyte": "ALT", "unit": "U/L", "sex": "", "age_from": 0,
        "age_to": 200, "low": "7", "high": "40", "begins": date(2024, 1, 1), "ends": None,
    }  # fmt: skip
    return Span(**usual | change)  # type: ignore[arg-type]  # a test's table of values


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ({}, {}, True),
        ({"sex": "F"}, {"sex": "M"}, False),
        ({"sex": "F"}, {"sex": ""}, True),
        ({"age_to": 65}, {"age_from": 65}, False),
        ({"age_to": 66}, {"age_from": 65}, True),
        ({"ends": date(2025, 1, 1)}, {"begins": date(2025, 1, 1)}, False),
        ({"ends": date(2025, 1, 2)}, {"begins": date(2025, 1, 1)}, True),
        ({"laboratory": "MAIN"}, {}, True),
        ({"laboratory": "Other"}, {}, False),
        ({"analyte": "AST"}, {}, False),
    ],
)
def test_ranges_meet_where_both_would_hold_for_somebody(
    one: dict[str, object], other: dict[str, object], meet: bool
) -> None:
    assert span(**one).meets(span(**other)) is meet
    assert span(**other).meets(span(**one)) is meet


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([span()], []),
        ([span(sex="F")], ["Main, ALT: no range for men, from 2024-01-01"]),
        (
            [span(age_from=18, age_to=65)],
            ["Main, ALT: no range for everybody from 65 years, from 2024-01-01"],
        ),
        (
            [span(age_from=18, age_to=40), span(age_from=50)],
            ["Main, ALT: no range for everybody from 40 and under 50 years, from 2024-01-01"],
        ),
        (
            [span(ends=date(2024, 6, 1)), span(begins=date(2024, 7, 1))],
            ["Main, ALT: no range for everybody, from 2024-06-01 until before 2024-07-01"],
        ),
        ([span(ends=date(2024, 6, 1))], ["Main, ALT: no range for everybody, from 2024-06-01"]),
        ([span(sex="F", ends=JUNE), span(sex="M"), span(sex="F", begins=JUNE)], []),
        ([span(age_from=18)], []),  # children are not missed
    ],
)  # fmt: skip
def test_people_and_days_without_a_range_are_named(spans: list[Span], said: list[str]) -> None:
    assert list(gaps(spans)) == said


# ---- adding and ending


def test_a_range_is_added_and_ended_with_its_trail(manager: User, site: Site) -> None:
    made = add_range(manager, ALT)
    end_range(manager, made.pk, date(2025, 1, 1), "new analyser")
    assert limits() == [("7", "40", date(2025, 1, 1))]
    added, ended = AuditEvent.objects.filter(stream="ranges").order_by("number")
    assert (added.action, ended.action) == ("ranges.add", "ranges.end")
    assert added.target == "Main: ALT"
    assert added.details["high"] == "40"
    assert (ended.details["ends"], ended.reason) == ("2025-01-01", "new analyser")
    assert list(trail.verify()) == []


def test_a_range_that_meets_another_is_refused_and_names_it(manager: User, site: Site) -> None:
    add_range(manager, ALT)
    with pytest.raises(RangeProblem, match="meets a range that is there: ALT 7–40 U/L, everybody"):
        add_range(manager, {**ALT, "sex": "F", "low": "5", "begins": "2024-06-01"})
    assert limits() == [("7", "40", None)]


def test_a_range_may_replace_the_one_before_it(manager: User, site: Site) -> None:
    add_range(manager, ALT)
    add_range(manager, {**ALT, "high": "45", "begins": "2024-06-01"}, replaces=True)
    assert limits() == [("7", "40", date(2024, 6, 1)), ("7", "45", None)]
    ended = AuditEvent.objects.get(action="ranges.end")
    assert ended.reason == "another range begins: 7–45 U/L"
    with translation.override("zh-hans"):
        assert said(ended.reason) == "新的参考范围生效：7–45 U/L"


def test_a_range_that_is_there_and_an_end_that_is_there_are_said(manager: User, site: Site) -> None:
    made = add_range(manager, ALT)
    with pytest.raises(RangeProblem, match="there already"):
        add_range(manager, ALT)
    with pytest.raises(RangeProblem, match="Say why"):
        end_range(manager, made.pk, date(2025, 1, 1), " ")
    end_range(manager, made.pk, date(2025, 1, 1), "x")
    with pytest.raises(RangeProblem, match="has an end"):
        end_range(manager, made.pk, date(2026, 1, 1), "x")


@pytest.mark.parametrize("role", ["coordinator", "investigator", "monitor", "administrator"])
def test_ranges_are_kept_by_the_data_manager_alone(
    role: str, person: Person, manager: User
) -> None:
    other = person(role)
    made = add_range(manager, ALT)
    for act in (
        lambda: add_range(other, {**ALT, "analyte": "AST"}),
        lambda: end_range(other, made.pk, date(2025, 1, 1), "x"),
        lambda: take_ranges(other, HEAD.encode(), is_dry=True),
    ):
        with pytest.raises(NotAllowed):
            act()


# ---- files


def test_a_file_is_judged_line_by_line_and_a_dry_run_says_the_same(
    manager: User, site: Site
) -> None:
    add_range(manager, {**ALT, "laboratory": "Main"})
    content = (
        HEAD
        + "Main,ALT,U/L,,,,7,40,2024-01-01,\n"  # as it stands
        + "Main,AST,U/L,F,18,,13,35,2024-01-01,\n"
        + "Main,AST,U/L,F,,65,12,34,2024-01-01,\n"  # meets the line before
        + "Main,ALP,U/L,,,,a,b,2024-01-01,\n"
        + "Main,GGT,,M,,,10,60,2024-01-01,\n"
    ).encode("gbk")
    dry = take_ranges(manager, content, is_dry=True)
    assert [(line.number, line.fate) for line in dry.lines] == [
        (2, "same"), (3, "new"), (4, "refused"), (5, "refused"), (6, "new"),
    ]  # fmt: skip
    assert "meets a range that is there: AST 13–35" in dry.lines[2].why[0]
    assert dry.lines[3].why == ("Limit 'a' is not a number.", "Limit 'b' is not a number.")
    assert "Main, GGT: no range for women, from 2024-01-01" in dry.gaps
    assert LabRange.objects.count() == 1
    done = take_ranges(manager, content, source="ranges.csv")
    assert (done.lines, done.gaps) == (dry.lines, dry.gaps)
    assert LabRange.objects.count() == 3
    assert AuditEvent.objects.filter(action="ranges.add", reason="ranges.csv").count() == 2
    assert {line.fate for line in take_ranges(manager, content).lines} == {"same", "refused"}


def test_a_file_ends_a_range_by_its_last_column_or_by_what_follows(
    manager: User, site: Site
) -> None:
    add_range(manager, ALT)
    ended = HEAD + "Main,ALT,U/L,,,,7,40,2024-01-01,2024-06-01\n"
    assert take_ranges(manager, ended.encode()).count("changed") == 1
    assert limits() == [("7", "40", date(2024, 6, 1))]
    follows = HEAD + "Main,ALT,U/L,,,,7,45,2024-06-01,\nMain,ALT,U/L,,,,7,50,2025-01-01,\n"
    alone = take_ranges(manager, follows.encode(), is_dry=True)
    assert [line.fate for line in alone.lines] == ["new", "refused"]


def test_the_template_is_a_file_that_can_be_filled_in_and_loaded(
    manager: User, site: Site, study: Study
) -> None:
    text = template(study)
    assert text.splitlines()[0] == HEAD.strip()
    filled = text.replace("\r\n,ALT,U/L,,0,200,,,,", "\r\nMain,ALT,U/L,,0,200,7,40,2024-01-01,")
    account = take_ranges(manager, ("\ufeff" + filled).encode(), is_dry=True)
    assert account.count("new") == 1
    assert account.count("refused") == len(account.lines) - 1  # no laboratory was written there


def test_a_file_without_its_columns_is_refused_in_words(manager: User, site: Site) -> None:
    with pytest.raises(OnearmError, match="lacks the column"):
        take_ranges(manager, b"laboratory,low\nMain,3\n")


# ---- pages


def test_the_page_lists_adds_and_ends(manager: User, signed_in: Enter, subject: Subject) -> None:
    client = signed_in(manager)
    assert client.post("/ranges", {**ALT, "sex": "F"}).status_code == 302
    page = client.get("/ranges").content.decode()
    assert "Alanine aminotransferase (ALT)" in page
    assert "Main, ALT: no range for men, from 2024-01-01" in page
    assert "Main: no range of 28 analytes" in page
    assert "Aspartate aminotransferase (AST), Alkaline phosphatase" in page
    wrong = client.post("/ranges", {**ALT, "low": "99"})
    assert wrong.status_code == 409
    assert "lower limit 99 is above the upper limit 40" in wrong.content.decode()
    assert 'value="99"' in wrong.content.decode()
    pk = LabRange.objects.get().pk
    client.post(f"/ranges/{pk}/end", {"day": "2024-05-01", "reason": "moved"})
    assert limits() == [("7", "40", date(2024, 5, 1))]
    assert ">7<" not in client.get("/ranges").content.decode()
    assert ">7<" in client.get("/ranges?past=1").content.decode()


def test_a_file_is_tried_on_its_page_and_then_loaded(
    manager: User, signed_in: Enter, site: Site
) -> None:
    client = signed_in(manager)
    content = (HEAD + "Main,ALT,U/L,,,,7,40,2024-01-01,\n").encode()
    upload = SimpleUploadedFile("ranges.csv", content)
    handed = client.post("/ranges/files", {"file": upload})
    file = TakenFile.objects.get()
    assert handed["Location"] == f"/ranges/files/{file.pk}"
    tried = flat(client.get(handed["Location"]).content.decode())
    assert "1 new · 0 changed · 0 the same · 0 refused" in tried
    assert LabRange.objects.count() == 0
    client.post(handed["Location"], {"act": "load"})
    assert limits() == [("7", "40", None)]
    client.get(handed["Location"])  # looking again is not trying again
    stored = TakenFile.objects.get()
    assert (stored.account["state"], stored.account["new"]) == ("loaded", 1)
    assert bytes(stored.content) == content
    assert client.get(f"/imports/{file.pk}")["Location"] == handed["Location"]


def test_readers_see_the_list_without_its_deeds(
    person: Person, signed_in: Enter, manager: User, subject: Subject
) -> None:
    made = add_range(manager, ALT)
    nurse = signed_in(person("coordinator"))
    page = nurse.get("/ranges").content.decode()
    assert "Main" in page
    assert 'name="reason"' not in page
    assert nurse.post("/ranges", {**ALT, "analyte": "AST"}).status_code == 403
    end = {"day": "2025-01-01", "reason": "x"}
    assert nurse.post(f"/ranges/{made.pk}/end", end).status_code == 403
    assert nurse.post("/ranges/files", {}).status_code == 403
    assert nurse.get("/ranges/template").status_code == 200
    assert signed_in(person("administrator")).get("/ranges").status_code == 403


def test_results_of_another_time_are_listed_at_the_readers_sites(
    person: Person, signed_in: Enter, manager: User, subject: Subject
) -> None:
    nurse = signed_in(person("coordinator"))
    add_range(manager, ALT)
    typed = {"v.1.LBDAT": "2024-06-15", "v.1.LBNAM": "Main", "v.1.ALT": "42", "v.1.AST": "20"}
    nurse.post("/subjects/01-001/SCREENING/1/LB", {"version": "0", **typed})
    assert "Every stored result has the range" in nurse.get("/ranges/results").content.decode()
    add_range(manager, {**ALT, "high": "45", "begins": "2024-06-01"}, replaces=True)
    page = nurse.get("/ranges/results").content.decode()
    assert "7–40" in page
    assert "7–45" in page
    assert "<td>Screening</td>" in page
    assert "Aspartate" not in page
    assert "01-001" in nurse.get("/ranges/results?flag=1").content.decode()
    other = Site.objects.create(code="02", name="Second hospital")
    stranger = signed_in(person("coordinator", name="stranger", at=other))
    assert "01-001" not in stranger.get("/ranges/results").content.decode()
