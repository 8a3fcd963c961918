"""Lesions while they are typed: the response shown is the one the engine gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from django.test import Client

from onearm.capture import lesions, studies
from onearm.capture.document import Document
from onearm.capture.models import FormInstance, Query, StudyVersion, Subject, User
from onearm.capture.views.lesions import mm, percent
from onearm.response import tool
from onearm.testing import Story, read_stories

Person = Callable[..., User]
Enter = Callable[[User], Client]
PAGE = "/subjects/01-001/{}/TUMOR"
DOSED = date(2021, 3, 1)

WORDS = {
    "TS": "TOO SMALL TO MEASURE",
    "-": "NE",
    "absent": "ABSENT",
    "present": "PRESENT",
    "progressed": "UNEQUIVOCAL",
    "merged": "TUMOR MERGED",
    "equivocal": "EQUIVOCAL",
    "definite": "UNEQUIVOCAL",
}
COLUMN = re.compile(r"^(T|NT|new) ?(\w*)( node)?$")
KIND = {"T": "TARGET", "NT": "NON-TARGET", "new": "NEW"}

# ---- every story of the engine that the form can hold


def as_document(story: Story, number: int) -> Document | None:
    """One visit of a story as the form would hold it; None where the form has no cell for it."""
    row = story.seen[number]
    day = (DOSED + timedelta(days=int(row["day"]))).isoformat()
    rows = []
    for column, text in row.items():
        found = COLUMN.match(column)
        if found is None or not text:
            continue
        kind, name, node = found.groups()
        text, _, seen_on = text.partition(" @")
        seen = (DOSED + timedelta(days=int(seen_on))).isoformat() if seen_on else day
        cells = {
            "_key": len(rows) + 1,
            "LESID": f"{kind}{name}",
            "LESROLE": KIND[kind],
            "LESDAT": seen,
            "LESLOC": "LYMPH NODE" if node else "LIVER",
        }
        if text in WORDS:
            cells["LESSTATE"] = WORDS[text]
        elif kind == "T":
            cells["LESSA" if node else "LESDIAM"] = text
        else:
            return None  # sizes of other than target lesions have no place on the form
        rows.append(cells)
    return {"rows": rows}


def courses() -> list[tuple[Story, list[Document]]]:
    folder = Path(__file__).parents[1] / "stories"
    told = []
    for path in sorted(folder.glob("*.md")):
        for story in read_stories(path):
            columns = set(story.seen[0])
            if "day" not in columns or "marker" in columns or story.settings:
                continue
            documents = [as_document(story, n) for n in range(len(story.seen))]
            if all(document is not None for document in documents):
                told.append((story, [d for d in documents if d is not None]))
    return told


COURSES = courses()


def test_there_are_stories_of_every_kind() -> None:
    answers = {row.get("overall") or row.get("target") for s, _ in COURSES for row in s.expected}
    assert {"CR", "PR", "SD", "PD", "NE"} <= answers
    assert len(COURSES) > 40


@pytest.mark.parametrize(("story", "documents"), COURSES, ids=lambda x: getattr(x, "title", ""))
def test_the_form_gives_the_response_of_the_story(
    story: Story, documents: list[Document], version: StudyVersion
) -> None:
    study = studies.study_of(version)
    what = lesions.lesion_form(study)
    assert what is not None
    has_baseline = int(story.seen[0]["day"]) <= 0
    visits = [
        ("SCREENING" if n == 0 and has_baseline else "SCAN", max(n, 1), document)
        for n, document in enumerate(documents)
    ]
    for (visit, repeat, document), wanted in zip(visits, story.expected, strict=True):
        if not document["rows"]:
            continue
        answer = lesions.judge(study, what, visits, (visit, repeat), DOSED)
        for name, column in {
            "target": "target", "non-target": "nontarget", "new": "new", "overall": "overall",
        }.items():  # fmt: skip
            if wanted.get(name):
                assert answer.point[column] == wanted[name], (
                    story.place,
                    story.title,
                    visit,
                    repeat,
                )
        if wanted.get("sum"):
            shown = mm(answer.point["sum"]).removesuffix(" mm")
            told = wanted["sum"]
            assert shown == "—" if told == "none" else float(shown) == float(told)


# ---- the page


@pytest.fixture
def nurse(person: Person, signed_in: Enter, subject: Subject) -> Client:
    page = signed_in(person("coordinator"))
    page.post("/subjects/01-001/LOG/1/EX", {"version": "0", "v.1.EXSTDAT": "2021-03-01"})
    return page


def scan(day: str, **sizes: str) -> dict[str, str]:
    """The fields of one scan: T01="24.5" (mm), NT01="PRESENT", NEW01="UNEQUIVOCAL"."""
    fields = {"version": "0"}
    for row, (name, seen) in enumerate(sizes.items(), 1):
        kind = "TARGET" if name[0] == "T" else "NON-TARGET" if name[:2] == "NT" else "NEW"
        item = "LESDIAM" if seen[0].isdigit() else "LESSTATE"
        cells = {
            "LESID": name,
            "LESDAT": day,
            "LESROLE": kind,
            "LESLOC": "LIVER",
            "LESMETH": "CONTRAST ENHANCED CT SCAN",
            item: seen,
        }
        fields |= {f"v.{row}.{key}": value for key, value in cells.items()}
    return fields


def panel(client: Client, where: str, fields: dict[str, str]) -> str:
    html = client.post(PAGE.format(where) + "/live", fields).content.decode()
    return html.split('<section id="panel"')[1]


def answer_of(html: str) -> str:
    found = re.search(r'<b class="answer[^>]*>([^<]*)</b>', html)
    return found[1] if found else ""


SCANS = {
    "PR": [("2021-02-20", {"T01": "50.0", "T02": "30", "NT01": "PRESENT"}),
           ("2021-04-12", {"T01": "30.0", "T02": "26", "NT01": "PRESENT"})],
    "SD": [("2021-02-20", {"T01": "67"}), ("2021-04-12", {"T01": "47"})],
    "PD by the nadir": [("2021-02-20", {"T01": "100"}), ("2021-04-12", {"T01": "50"}),
                        ("2021-05-24", {"T01": "60"})],
    "PD by a new lesion": [("2021-02-20", {"T01": "50"}),
                           ("2021-04-12", {"T01": "20", "NEW01": "UNEQUIVOCAL"})],
    "NE by a lesion that was not seen": [("2021-02-20", {"T01": "50", "T02": "30"}),
                                         ("2021-04-12", {"T01": "20"})],
    "CR": [("2021-02-20", {"T01": "50", "NT01": "PRESENT"}),
           ("2021-04-12", {"T01": "0", "NT01": "ABSENT"})],
}  # fmt: skip


@pytest.mark.parametrize("scans", SCANS.values(), ids=SCANS)
def test_the_panel_shows_what_the_tool_answers_for_the_same_sheet(
    scans: list[tuple[str, dict[str, str]]], nurse: Client
) -> None:
    where = ["SCREENING/1", *(f"SCAN/{n}" for n in range(1, len(scans)))]
    for place, (day, sizes) in zip(where[:-1], scans[:-1], strict=True):
        assert nurse.post(PAGE.format(place), scan(day, **sizes)).status_code == 302
    day, sizes = scans[-1]
    html = panel(nurse, where[-1], scan(day, **sizes))
    states = {"PRESENT": "present", "ABSENT": "absent", "UNEQUIVOCAL": "unequivocal"}
    sheet = pl.DataFrame(
        [
            {
                "subject": "1",
                "visit": "baseline" if n == 0 else str(n),
                "date": when,
                "lesion": name,
                "role": "target" if name[0] == "T" else "non-target" if name[1] == "T" else "new",
                "organ": "liver",
                "diameter_mm": seen if seen[0].isdigit() else "",
                "state": states.get(seen, ""),
                "first_dose": "2021-03-01",
            }
            for n, (when, seen_there) in enumerate(scans)
            for name, seen in seen_there.items()
        ]
    )
    # The names of the form and of the sheet: NEW01 is a new lesion, NT01 a non-target one.
    sheet = sheet.with_columns(
        role=pl.when(pl.col("lesion").str.starts_with("NEW")).then(pl.lit("new")).otherwise("role")
    )
    wanted = tool.respond(sheet).visits.row(-1, named=True)
    assert answer_of(html) == wanted["overall"]
    assert wanted["reason"].replace("+", "&#x2B;") in html or wanted["reason"] in html


def test_growth_is_shown_against_baseline_and_nadir(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="100"))
    nurse.post(PAGE.format("SCAN/1"), scan("2021-04-12", T01="50"))
    html = panel(nurse, "SCAN/2", scan("2021-05-24", T01="59.9"))
    assert "59.9 mm" in html
    assert "−40.1 % <small>−40.1 mm" in html
    assert "+19.8 % <small>+9.9 mm" in html
    assert answer_of(html) == "PR"


def test_lesions_are_carried_forward_with_what_they_measured(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="50", T02="30", NT01="PRESENT"))
    nurse.post(PAGE.format("SCAN/1"), scan("2021-04-12", T01="40", T02="28", NEW01="EQUIVOCAL"))
    html = nurse.get(PAGE.format("SCAN/2")).content.decode()
    assert re.findall(r'id="v\.\d+\.LESID"[^>]*value="(\w*)"', html) == [
        "T01", "T02", "NT01", "NEW01", "",
    ]  # fmt: skip
    assert 'value="Liver"' in html
    assert "before 40" in html
    assert "Baseline 50" in html
    assert 'value="40"' not in html  # nobody measured it yet
    assert FormInstance.objects.filter(form="TUMOR").count() == 2


def test_a_lesion_that_was_left_out_is_named_and_can_be_added(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="50", T02="30"))
    nurse.post(PAGE.format("SCAN/1"), scan("2021-04-12", T01="20"))
    assert "No row here for T02" in panel(nurse, "SCAN/1", scan("2021-04-12", T01="20"))
    assert 'value="T02"' not in nurse.get(PAGE.format("SCAN/1")).content.decode()
    assert 'value="T02"' in nurse.get(PAGE.format("SCAN/1") + "?carry=1").content.decode()


def carried_to(nurse: Client, where: str) -> list[str]:
    html = nurse.get(PAGE.format(where)).content.decode()
    return re.findall(r'id="v\.\d+\.LESID"[^>]*value="(\w+)"', html)


def test_a_lesion_that_split_goes_on_as_its_fragments_which_are_added_up(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="50", T02="30"))
    first = scan("2021-04-12", T01a="20", T01b="15", T02="30")
    html = panel(nurse, "SCAN/1", first)
    assert "Measured in fragments, whose diameters are added up: T01 = T01a + T01b." in html
    assert "65.0 mm" in html
    assert "No row here" not in html
    nurse.post(PAGE.format("SCAN/1"), first)
    assert not Query.objects.filter(check_id="TUM-029").exists()  # a fragment is no late lesion
    assert carried_to(nurse, "SCAN/2") == ["T02", "T01a", "T01b"]
    # One fragment left out is named; the whole that is no more is not.
    lost = panel(nurse, "SCAN/2", scan("2021-05-24", T01a="20", T02="30"))
    assert "No row here for T01b:" in lost


def test_a_lesion_that_merged_stays_merged_and_the_other_holds_both(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="50", T02="30"))
    first = scan("2021-04-12", T01="70", T02="TUMOR MERGED")
    html = panel(nurse, "SCAN/1", first)
    assert "Merged with another lesion, whose row holds the longest diameter of both: T02." in html
    assert "70.0 mm" in html
    nurse.post(PAGE.format("SCAN/1"), first)
    page = nurse.get(PAGE.format("SCAN/2")).content.decode()
    assert carried_to(nurse, "SCAN/2") == ["T01", "T02"]
    merged = re.search(r'<input[^>]*id="v\.2\.LESSTATE"[^>]*>', page)
    assert merged
    assert 'value="Merged with another lesion"' in merged[0]
    other = re.search(r'<input[^>]*id="v\.1\.LESSTATE"[^>]*>', page)
    assert other
    assert 'value=""' in other[0]


def test_without_a_baseline_the_panel_says_so(nurse: Client) -> None:
    html = panel(nurse, "SCAN/1", scan("2021-04-12", T01="20"))
    assert "no scan on or before the first dose" in html
    assert answer_of(html) == "NE"


def test_the_baseline_has_a_sum_and_no_response(nurse: Client) -> None:
    html = panel(nurse, "SCREENING/1", scan("2021-02-20", T01="50.5", T02="30"))
    assert "80.5 mm" in html
    assert answer_of(html) == ""
    assert "This is the baseline" in html


def test_an_empty_scan_says_that_there_is_nothing_yet(nurse: Client) -> None:
    assert "No lesion with a date" in panel(nurse, "SCAN/1", {"version": "0"})


def test_a_lesion_typed_twice_or_half_does_not_break_the_panel(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="50"))
    fields = scan("2021-04-12", T01="30", T02="5", T03="x1")
    fields |= {"v.2.LESID": "T01", "v.3.LESROLE": "", "v.4.LESID": "T09", "v.5.LESDIAM": "abc"}
    html = panel(nurse, "SCAN/1", fields)
    assert answer_of(html) == "PR"


def test_the_reason_is_in_the_readers_language(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="100"))
    User.objects.update(language="zh-hans")
    html = panel(nurse, "SCAN/1", scan("2021-04-12", T01="50"))
    assert "PR：径线和 50.0 mm，较基线 100.0 mm 变化 −50.0 %；无非靶病灶；无新病灶。" in html


def test_the_response_form_shows_computed_beside_entered(nurse: Client) -> None:
    nurse.post(PAGE.format("SCREENING/1"), scan("2021-02-20", T01="100"))
    nurse.post(PAGE.format("SCAN/1"), scan("2021-04-12", T01="50"))
    page = "/subjects/01-001/SCAN/1/RESPONSE"
    html = nurse.post(f"{page}/live", {"version": "0", "v.1.OVRLRESP": "SD", "v.1.TRGRESP": "PR"})
    shown = html.content.decode()
    assert answer_of(shown) == "PR"
    assert shown.count('class="differs"') == 1
    assert "entered SD" in shown


def test_forms_without_lesions_have_no_panel(nurse: Client) -> None:
    assert 'id="panel"' not in nurse.get("/subjects/01-001/SCREENING/1/VS").content.decode()


@pytest.mark.parametrize(
    ("change", "reference", "text"),
    [
        (-199_999, 1_000_000, "−19.9 %"),  # cut, never rounded to a limit that was missed
        (200_000, 1_000_000, "+20.0 %"),
        (5, 0, "—"),
        (None, 10, "—"),
    ],
)
def test_percentages_are_cut(change: int | None, reference: int, text: str) -> None:
    assert percent(change, reference) == text


def test_lengths_are_exact() -> None:
    assert [mm(n) for n in (161_000, 500_001, 0)] == ["16.1 mm", "50.0001 mm", "0.0 mm"]
    assert mm(-161_000, signed=True) == "−16.1 mm"
