"""The form page: shown, saved, refused, compared, corrected, in both languages, at its speed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from onearm.capture import clock, options, studies, wording
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import (
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    LabRange,
    Query,
    Site,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.ranges import USED
from onearm.capture.typing_in import typed
from onearm.errors import Finding, Place
from tests.capture.conduct import flat

Person = Callable[..., User]
Enter = Callable[[User], Client]
DISEASE = "/subjects/01-001/SCREENING/1/DISEASE"
LABORATORY = "/subjects/01-001/SCREENING/1/LB"
EVENTS = "/subjects/01-001/LOG/1/AE"


@pytest.fixture
def nurse(person: Person, signed_in: Enter, subject: Subject) -> Client:
    return signed_in(person("coordinator"))


def stands(form: str) -> dict[str, object]:
    rows = FormInstance.objects.get(form=form).data["rows"]
    return {name: value for name, value in rows[0].items() if name[0] != "_"}


def cell(html: str, name: str) -> str:
    """The tag of one input."""
    found = re.search(rf'<input [^>]*id="v\.{re.escape(name)}"[^>]*>', html)
    assert found, f"no cell {name}"
    return found[0]


def is_shown(html: str, name: str) -> bool:
    """Whether the place of a cell is on the page and not hidden."""
    found = re.search(rf'id="c\.{re.escape(name)}"( hidden)?>', html)
    assert found, f"no cell {name}"
    return not found[1]


# ---- saving


def test_words_codes_and_hand_written_dates_are_stored_as_codes_and_iso(nurse: Client) -> None:
    typed = {"v.1.COHORT": "icc", "v.1.HBV": "Negative", "v.1.HCV": "阴性", "v.1.DXDAT": "05/2021"}
    assert nurse.post(DISEASE, {"version": "0", **typed}).status_code == 302
    assert stands("DISEASE") == {
        "COHORT": "ICC",
        "HBV": "NEGATIVE",
        "HCV": "NEGATIVE",
        "DXDAT": "2021-05",
    }


def test_save_and_next_opens_the_next_form_of_the_visit(nurse: Client) -> None:
    answer = nurse.post(DISEASE, {"version": "0", "v.1.COHORT": "ICC", "next": "1"})
    assert answer["Location"] == "/subjects/01-001/SCREENING/1/ELIG"
    last = nurse.post("/subjects/01-001/SCREENING/1/TUMOR", {"version": "0", "next": "1"})
    assert last["Location"] == "/subjects/01-001"


def test_a_missing_reason_stands_for_a_value_and_gives_way_to_one(nurse: Client) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.DIFF": "", "n.1.DIFF": "UNK"})
    assert stands("DISEASE") == {"DIFF": {"null": "UNK"}}
    both = {"version": "1", "v.1.DIFF": "POOR", "n.1.DIFF": "UNK", "why": "late"}
    nurse.post(DISEASE, both)
    assert stands("DISEASE") == {"DIFF": "POOR"}


def test_an_impossible_value_is_said_at_its_cell_and_the_text_stays(nurse: Client) -> None:
    answer = nurse.post(DISEASE, {"version": "0", "v.1.DXDAT": "soon", "v.1.COHORT": "lung"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="soon"' in cell(html, "1.DXDAT")
    assert "Date of first diagnosis: soon is not a date" in html
    assert "Tumour type (cohort): lung is not one of its answers" in html
    assert "Impossible values: 2. What is wrong stands beside each." in html
    assert "above the form" not in html
    assert EventInstance.objects.count() == 0


def test_a_change_asks_for_a_reason_and_keeps_the_one_that_is_given(nurse: Client) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.HBV": "NEGATIVE"})
    refused = nurse.post(DISEASE, {"version": "1", "v.1.HBV": "POSITIVE"})
    assert refused.status_code == 409
    assert "Say why" in refused.content.decode()
    given = {"version": "1", "v.1.HBV": "POSITIVE", "why": "source", "reason": "new report"}
    assert nurse.post(DISEASE, given).status_code == 302
    newest = FormVersion.objects.order_by("-version")[0]
    assert newest.reason == "Source document corrected: new report"


def test_values_that_no_longer_apply_are_cleared_only_when_confirmed(nurse: Client) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.COHORT": "HCC", "v.1.BCLC": "B"})
    change = {"version": "1", "v.1.COHORT": "ICC", "v.1.BCLC": "B", "why": "typed"}
    asked = nurse.post(DISEASE, change).content.decode()
    assert "BCLC stage: B (intermediate)" in asked
    assert stands("DISEASE") == {"COHORT": "HCC", "BCLC": "B"}
    assert nurse.post(DISEASE, {**change, "clear": "1"}).status_code == 302
    assert stands("DISEASE") == {"COHORT": "ICC"}


# ---- what the page shows


def test_items_are_shown_when_they_are_asked(nurse: Client) -> None:
    html = nurse.get(DISEASE).content.decode()
    assert is_shown(html, "1.COHORT")
    assert not is_shown(html, "1.BCLC")
    nurse.post(DISEASE, {"version": "0", "v.1.COHORT": "HCC"})
    assert is_shown(nurse.get(DISEASE).content.decode(), "1.BCLC")


def test_while_one_types_the_server_says_what_is_asked_and_what_would_be_cleared(
    nurse: Client,
) -> None:
    typed = {"version": "0", "v.1.COHORT": "HCC", "v.1.HBV": "", "v.1.ANTIVIR": ""}
    html = flat(nurse.post(f"{DISEASE}/live", typed).content.decode())
    assert 'data-name="1.BCLC" data-asked="1"' in html
    assert 'data-name="1.HBVDNA" data-asked="0"' in html
    typed = {"version": "0", "v.1.COHORT": "ICC", "v.1.BCLC": "B"}
    html = flat(nurse.post(f"{DISEASE}/live", typed).content.decode())
    assert 'data-name="1.BCLC" data-asked="1" data-clearing="1"' in html
    assert FormVersion.objects.count() == 0


def test_what_the_forms_own_empty_rows_ask_is_known_before_anything_is_typed(
    nurse: Client,
) -> None:
    html = nurse.get("/subjects/01-001/SCREENING/1/TUMOR").content.decode()
    assert is_shown(html, "1.LESPRTX")  # asked at screening
    assert not is_shown(html, "1.LESGROWN")  # asked only after local treatment


def test_the_value_of_the_visit_before_stands_beside_the_cell(nurse: Client) -> None:
    page = "/subjects/01-001/CYCLE/{}/VS"
    nurse.post(page.format(1), {"version": "0", "v.1.WEIGHT": "71.5"})
    html = nurse.get(page.format(2)).content.decode()
    assert "before 71.5" in html
    assert (
        "before"
        not in nurse.get(page.format(1))
        .content.decode()
        .split('id="sheet"')[1]
        .split('class="foot"')[0]
    )


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "Histological diagnosis is missing."), ("zh-hans", "“病理学诊断”未填写。")],
)
def test_what_checks_ask_stands_beside_its_cell_in_the_readers_language(
    language: str, says: str, nurse: Client
) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.COHORT": "ICC", "v.1.PRIMSITE": "LIVER"})
    User.objects.update(language=language)
    html = nurse.get(DISEASE).content.decode()
    assert says in html
    own = {"en": "Intrahepatic cholangiocarcinoma starts", "zh-hans": "肝内胆管癌原发部位"}
    assert own[language] in html


def test_every_standing_rule_has_its_sentence_in_both_languages(version: StudyVersion) -> None:
    study = studies.study_of(version)
    item = {
        "item.type": "DXDAT",
        "item.codelist": "COHORT",
        "item.range": "PRLINES",
        "item.decimals": "HBVDNA",
    }
    rules = [
        *("item.type", "item.codelist", "item.range", "item.decimals", "item.skip"),
        *("item.required", "item.calculated", "item.end_before_start", "item.key", "entries"),
    ]
    for rule in rules:
        place = Place(form="DISEASE", field=item.get(rule, "MHTERM"))
        finding = Finding(place, "42", rule, "own words", "own hint")
        said = []
        for language in ("en", "zh-hans"):
            with translation.override(language):
                said.append(wording.finding_text(study, finding))
        assert "own words" not in said
        assert said[0] != said[1]
        assert not re.search("[\u4e00-\u9fff]", said[0])
        assert re.search("[\u4e00-\u9fff]", said[1])


def test_a_rule_without_a_sentence_keeps_its_own_words(version: StudyVersion) -> None:
    finding = Finding(Place(form="DISEASE", field="HBV"), 1, "some.rule", "own words", "own hint")
    assert wording.finding_text(studies.study_of(version), finding) == "own words own hint"


# ---- rows


def test_rows_are_taken_out_with_a_reason_and_put_back(nurse: Client) -> None:
    first = {"version": "0", "v.1.AETERM": "rash", "v.2.AETERM": "fatigue"}
    nurse.post(EVENTS, first)
    assert nurse.post(EVENTS, {"version": "1", "d.1": "twice"}).status_code == 302
    html = nurse.get(EVENTS).content.decode()
    assert 'id="v.1.AETERM"' not in html
    assert "<s>1 · rash</s> (Entered twice)" in html
    assert 'id="v.3.AETERM"' in html  # the next new row: 1 is never given again
    assert nurse.post(EVENTS, {"version": "2", "u.1": "1", "why": "other"}).status_code == 302
    assert 'value="rash"' in nurse.get(EVENTS).content.decode()
    reasons = list(FormVersion.objects.order_by("version").values_list("reason", flat=True))
    assert reasons == ["", "Entered twice", "Other"]


def test_a_row_that_never_was_cannot_be_taken_out(nurse: Client) -> None:
    nurse.post(EVENTS, {"version": "0", "v.1.AETERM": "rash"})
    assert nurse.post(EVENTS, {"version": "1", "d.7": "twice"}).status_code == 409


# ---- two people


@pytest.mark.parametrize(("choice", "kept"), [("theirs", "POSITIVE"), ("mine", "UNKNOWN")])
def test_the_second_of_two_sees_cell_by_cell_what_differs_and_chooses(
    choice: str, kept: str, nurse: Client, person: Person, signed_in: Enter
) -> None:
    doctor = signed_in(person("investigator"))
    nurse.post(DISEASE, {"version": "0", "v.1.HBV": "NEGATIVE", "v.1.CIRRH": "N"})
    doctor.post(DISEASE, {"version": "1", "v.1.HBV": "POSITIVE", "v.1.CIRRH": "Y", "why": "typed"})
    mine = {"version": "1", "v.1.HBV": "UNKNOWN", "v.1.CIRRH": "N", "v.1.MVI": "N", "why": "typed"}
    answer = nurse.post(DISEASE, mine)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert 'name="version" value="2"' in html
    assert 'name="s.1.HBV" value="theirs"' in html  # both changed it: a choice
    assert 'name="s.1.CIRRH"' not in html  # only the other did: theirs
    assert 'value="Yes"' in cell(html, "1.CIRRH")
    assert 'value="No"' in cell(html, "1.MVI")
    chosen = {**mine, "version": "2", "v.1.CIRRH": "Y", "s.1.HBV": choice}
    assert nurse.post(DISEASE, chosen).status_code == 302
    assert stands("DISEASE") == {"HBV": kept, "CIRRH": "Y", "MVI": "N"}


def test_rows_that_two_people_added_stay_two_rows(
    nurse: Client, person: Person, signed_in: Enter
) -> None:
    doctor = signed_in(person("investigator"))
    nurse.post(EVENTS, {"version": "0", "v.1.AETERM": "rash"})
    doctor.post(EVENTS, {"version": "1", "v.2.AETERM": "cough"})
    html = nurse.post(
        EVENTS, {"version": "1", "v.1.AETERM": "rash", "v.2.AETERM": "fever"}
    ).content.decode()
    assert 'value="cough"' in cell(html, "2.AETERM")
    assert 'value="fever"' in cell(html, "3.AETERM")


# ---- laboratory


def test_results_outside_their_range_are_flagged_and_the_range_is_kept(
    nurse: Client, subject: Subject
) -> None:
    nurse.post("/subjects/01-001/SCREENING/1/DM", {"version": "0", "v.1.SEX": "F", "v.1.AGE": "60"})
    own = {"laboratory": "Main", "unit": "U/L", "begins": date(2020, 1, 1)}
    LabRange.objects.create(analyte="ALT", sex="F", low="5", high="33", **own)
    LabRange.objects.create(analyte="ALT", sex="M", low="5", high="41", **own)
    LabRange.objects.create(
        analyte="ALT", sex="F", low="1", high="2", **own | {"begins": date(2031, 1, 1)}
    )
    typed = {"version": "0", "v.1.LBDAT": "2021-05-01", "v.1.LBNAM": "main", "v.1.ALT": "34"}
    live = nurse.post(f"{LABORATORY}/live", typed).content.decode()
    assert 'data-name="1.ALT" data-flag="H"' in live
    nurse.post(LABORATORY, {**typed, "v.1.AST": "12"})
    html = nurse.get(LABORATORY).content.decode()
    assert "normal 5–33" in html
    assert '<b class="flag H"' in html
    used = FormInstance.objects.get(form="LB").data["rows"][0][USED]
    assert (used["ALT"]["low"], used["ALT"]["high"]) == ("5", "33")
    assert used["AST"]["high"] == "35"  # the study's list where the laboratory gave none
    assert set(used) == {"ALT", "AST"}


def test_a_range_is_kept_without_being_a_change_that_needs_a_reason(nurse: Client) -> None:
    nurse.post(LABORATORY, {"version": "0", "v.1.ALT": "34"})
    assert (
        nurse.post(LABORATORY, {"version": "1", "v.1.ALT": "34", "v.1.GGT": "20"}).status_code
        == 302
    )


# ---- history


def test_the_history_of_a_cell_says_who_when_and_why_in_words(
    nurse: Client, person: Person, signed_in: Enter, site: Site
) -> None:
    Site.objects.update(zone="Asia/Shanghai")
    nurse.post(DISEASE, {"version": "0", "v.1.HBV": "NEGATIVE", "v.1.MVI": "N"})
    nurse.post(DISEASE, {"version": "1", "v.1.HBV": "POSITIVE", "why": "typed"})
    nurse.post(DISEASE, {"version": "2", "v.1.MVI": "Y", "why": "typed"})
    pk = FormInstance.objects.get(form="DISEASE").pk
    reader = signed_in(person("monitor"))
    html = reader.get(f"/history/{pk}/1/HBV", headers={"HX-Request": "true"}).content.decode()
    assert html.count("<tr>") == 3  # the heading and two versions, without the third
    assert "Typing error" in html
    assert "Coordinator Person" in html
    assert "(UTC+08:00)" in html
    User.objects.update(language="zh-hans")
    zh = flat(reader.get(f"/history/{pk}").content.decode())
    assert "录入错误" in zh
    assert "乙肝表面抗原" in zh
    assert "<td>阴性</td><td>阳性</td>" in zh


def test_forms_and_histories_of_other_sites_are_not_there(
    nurse: Client, person: Person, signed_in: Enter
) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.HBV": "NEGATIVE"})
    pk = FormInstance.objects.get(form="DISEASE").pk
    other = Site.objects.create(code="02", name="Second hospital")
    stranger = signed_in(person("coordinator", name="stranger", at=other))
    addresses = (DISEASE, f"/history/{pk}", f"/history/{pk}/1/HBV")
    assert {stranger.get(address).status_code for address in addresses} == {404}
    assert stranger.post(f"{DISEASE}/live", {"version": "0"}).status_code == 404
    assert stranger.post(DISEASE, {"version": "1", "v.1.HBV": "POSITIVE"}).status_code == 404


def test_who_may_read_alone_sees_no_button_and_saves_nothing(
    nurse: Client, person: Person, signed_in: Enter
) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.HBV": "NEGATIVE"})
    reader = signed_in(person("monitor"))
    html = reader.get(DISEASE).content.decode()
    assert "readonly" in cell(html, "1.HBV")
    assert 'class="foot"' not in html
    assert reader.post(DISEASE, {"version": "1", "v.1.HBV": "POSITIVE"}).status_code == 403
    assert FormVersion.objects.count() == 1


@pytest.mark.parametrize(
    "address",
    [
        "/subjects/01-001/SCREENING/2/DISEASE",  # takes place once
        "/subjects/01-001/SCREENING/1/AE",  # is not a form of the visit
        "/subjects/01-001/NOSUCH/1/DISEASE",
        "/subjects/01-001/UNSCHED/0/VS",
    ],
)
def test_forms_that_the_schedule_does_not_have_are_not_there(address: str, nurse: Client) -> None:
    assert nurse.get(address).status_code == 404


def test_unscheduled_visits_can_be_added_without_end(nurse: Client) -> None:
    for repeat in (1, 2):
        page = f"/subjects/01-001/UNSCHED/{repeat}/VS"
        assert nurse.post(page, {"version": "0", "v.1.WEIGHT": "70"}).status_code == 302
    assert EventInstance.objects.filter(visit="UNSCHED").count() == 2


# ---- speed


def test_the_page_asks_the_database_as_often_for_many_forms_as_for_few(
    nurse: Client, subject: Subject
) -> None:
    user = User.objects.get()

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert nurse.get("/subjects/01-001/CYCLE/1/VS").status_code == 200
        return len(asked)

    nurse.post("/subjects/01-001/CYCLE/1/VS", {"version": "0", "v.1.WEIGHT": "70"})
    count()  # the first page of a process reads the study's title
    few = count()
    for repeat in range(2, 8):
        event = EventInstance.objects.create(subject=subject, visit="CYCLE", repeat=repeat)
        save(user, event, "VS", Changes([Cell(1, "WEIGHT", "70"), Cell(1, "PULSE", "999")], 0))
    assert Query.objects.count() > 0
    assert count() == few <= 20


def test_frozen_data_refuse_the_save_in_words(nurse: Client, subject: Subject) -> None:
    nurse.post(DISEASE, {"version": "0", "v.1.HBV": "NEGATIVE"})
    user = User.objects.get()
    Hold.objects.create(target="study", kind="frozen", set_by=user, set_at=clock.now())
    answer = nurse.post(DISEASE, {"version": "1", "v.1.MVI": "N"})
    assert answer.status_code == 409
    assert "frozen or locked" in answer.content.decode()
    assert stands("DISEASE") == {"HBV": "NEGATIVE"}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_answer_can_be_typed_in_its_own_words(language: str, version: StudyVersion) -> None:
    study = studies.study_of(version)
    with translation.override(language):
        for form in study.forms.values():
            for item in form.items:
                for code, label in options.options(study, form.form, item):
                    text = typed(item.type, label, date(2026, 5, 26))
                    assert options.code_of(study, form.form, item, text) == code
