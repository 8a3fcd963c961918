"""Several choices, a date with a time, and texts between items: typed, kept, sent on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from django.test import Client
from lxml import etree

from onearm.capture import options, studies
from onearm.capture.actions.save import Changes, save
from onearm.capture.amendments import compare
from onearm.capture.document import Cell
from onearm.capture.export.deidentify import without_names
from onearm.capture.export.layout import sheets
from onearm.capture.export.spss import for_spss
from onearm.capture.export.tables import Table, table
from onearm.capture.models import EventInstance, FormInstance, Query, Site, SiteVersion, User
from onearm.capture.typing_in import typed
from onearm.errors import Finding, Problems
from onearm.paper.blank import blank_forms
from onearm.records import at_cut, check
from onearm.records.entry import ENTRY
from onearm.store.odm import Version, odm_entries, read_odm, write_odm
from onearm.study import Study, load
from onearm.study.lint import check as lint
from onearm.study.odm import draft_from_odm
from tests.store.odm.test_round_trip import schema

from .conftest import LONG_AGO

Person = Callable[..., User]
Enter = Callable[[User], Client]
SMALL = Path(__file__).parents[1] / "records" / "small"
FORM = """\
form: TALK
label: {en: Talk, zh: 谈话}
items:
  - name: SYMPTOMS
    above: {en: Ask the patient first, zh: 请先询问受试者}
    label: {en: Symptoms, zh: 症状}
    type: multiple
    choices:
      - {code: PAIN, label: {en: Pain, zh: 疼痛}}
      - {code: COUGH, label: {en: Cough, zh: 咳嗽}}
      - {code: OTHER, label: {en: Something else, zh: 其他}}
  - {name: WHICH, label: {en: Which, zh: 何种}, type: text, shown_when: "SYMPTOMS LIKE '%OTHER%'"}
  - name: BEGUN
    label: {en: Begun, zh: 开始}
    type: datetime
  - name: ENDED
    label: {en: Ended, zh: 结束}
    type: datetime
    checks:
      - {id: TALK-1, require: ENDED >= BEGUN, says: {en: the end is not before the start, zh: 先后}}
"""


def with_form(folder: Path, form: str = FORM) -> Study:
    """The small study in a folder of its own, with one form more at its first visit."""
    shutil.copytree(SMALL, folder)
    (folder / "forms" / "talk.yaml").write_text(form, encoding="utf-8")
    plan = folder / "schedule.yaml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("LB, TUMOR]", "LB, TUMOR, TALK]", 1), encoding="utf-8")
    return load(folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return with_form(tmp_path_factory.mktemp("types") / "study")


@pytest.fixture
def site(db: None, study: Study) -> Site:
    version = studies.take_in(study.folder)
    made = Site.objects.create(code="01", name="North clinic")
    SiteVersion.objects.create(site=made, version=version, begins=LONG_AGO)
    return made


def _entries(**values: str) -> pl.DataFrame:
    rows = [("01", "01-001", "SCREENING", 1, "TALK", 1, i, v, None) for i, v in values.items()]
    return pl.DataFrame(rows, schema=dict(ENTRY), orient="row")


def _found(study: Study, **values: str) -> list[Finding]:
    everything = check(study, at_cut(study, _entries(**values), cut=None))
    return [f for f in everything if f.place.form == "TALK"]


@pytest.mark.parametrize(
    "text",
    [
        "5may26 14:30", "2026-05-05 14:30", "2026-05-05T14:30", "5.5.2026, 1430",
        "2026年5月5日14：30", "20260505 14:30:00", "t 14:30",
    ],
)  # fmt: skip
def test_a_date_with_a_time_written_in_any_way_is_that_minute(text: str) -> None:
    assert typed("datetime", text, date(2026, 5, 5)) == "2026-05-05T14:30"


@pytest.mark.parametrize(
    "text", ["5may26", "may26 14:30", "5may26 24:10", "5may26 14:60", "5 oct 2026"]
)
def test_what_is_no_whole_date_with_a_time_stays_as_it_was_typed(text: str) -> None:
    assert typed("datetime", text, date(2026, 5, 5)) == text


@pytest.mark.parametrize(
    ("item", "value", "rule"),
    [
        ("SYMPTOMS", "PAIN", ""),
        ("SYMPTOMS", "PAIN;COUGH", ""),
        ("SYMPTOMS", "COUGH;PAIN", "item.codelist"),
        ("SYMPTOMS", "PAIN;PAIN", "item.codelist"),
        ("SYMPTOMS", "PAIN;FEVER", "item.codelist"),
        ("SYMPTOMS", "PAIN;", "item.codelist"),
        ("BEGUN", "2026-05-05T14:30", ""),
        ("BEGUN", "2026-05-05T14:30:20", ""),
        ("BEGUN", "2026-05-05", "item.type"),
        ("BEGUN", "2026-02-30T14:30", "item.type"),
        ("BEGUN", "2026-05-05T24:30", "item.type"),
    ],
)
def test_each_value_is_judged_by_its_kind(study: Study, item: str, value: str, rule: str) -> None:
    found = _found(study, **{item: value})
    assert [f.rule for f in found] == ([rule] if rule else [])


def test_a_wrong_spelling_of_several_codes_is_told_the_right_one(study: Study) -> None:
    (found,) = _found(study, SYMPTOMS="cough;PAIN")
    assert "PAIN;COUGH" in found.hint


def test_times_of_one_day_are_compared(study: Study) -> None:
    wrong = _found(study, BEGUN="2026-05-05T14:30", ENDED="2026-05-05T14:29")
    assert [f.rule for f in wrong] == ["TALK-1"]
    assert not _found(study, BEGUN="2026-05-05T14:30", ENDED="2026-05-05T14:30:01")


def test_several_answers_are_typed_in_words_or_codes_and_kept_in_the_order_of_the_list(
    site: Site, visit: EventInstance, person: Person, signed_in: Enter
) -> None:
    nurse = signed_in(person("coordinator"))
    page = "/subjects/01-001/SCREENING/1/TALK"
    shown = nurse.get(page).content.decode()
    assert shown.index("Ask the patient first") < shown.index('for="v.1.SYMPTOMS"')
    assert re.search(r'<input [^>]*class="v multiple"[^>]*list="l\.SYMPTOMS"', shown)
    fields = {
        "version": "0",
        "v.1.SYMPTOMS": "something else；pain",
        "v.1.WHICH": "Itching",
        "v.1.BEGUN": "5may26 9:05",
    }
    assert nurse.post(page, fields).status_code == 302
    row = FormInstance.objects.get(form="TALK").data["rows"][0]
    assert row["SYMPTOMS"] == "PAIN;OTHER"
    assert row["BEGUN"] == "2026-05-05T09:05"
    again = nurse.get(page).content.decode()
    assert 'value="Pain; Something else"' in again
    assert 'value="2026-05-05 09:05"' in again
    assert not Query.objects.exists()
    refused = nurse.post(
        page, {**fields, "version": "1", "v.1.SYMPTOMS": "pain; fever", "reason": "x"}
    )
    assert refused.status_code != 302
    assert "pain; fever" in refused.content.decode().lower()
    assert FormInstance.objects.get(form="TALK").version == 1


def test_an_answer_that_is_gone_hides_what_it_asked_for(
    site: Site, visit: EventInstance, person: Person
) -> None:
    nurse = person("coordinator")
    first = [Cell(1, "SYMPTOMS", "PAIN;OTHER"), Cell(1, "WHICH", "Itching")]
    save(nurse, visit, "TALK", Changes(first, 0))
    changes = Changes([Cell(1, "SYMPTOMS", "PAIN")], 1, reason="misread", clear=True)
    saved = save(nurse, visit, "TALK", changes)
    assert saved.instance.data["rows"] == [{"_key": 1, "SYMPTOMS": "PAIN"}]


@pytest.fixture
def exported(site: Site) -> Table:
    rows = [
        {"_key": 1, "SYMPTOMS": "PAIN;OTHER", "BEGUN": "2026-05-05T14:30"},
        {"_key": 2, "SYMPTOMS": "COUGH"},
        {"_key": 3, "SYMPTOMS": {"null": "ND"}},
    ]
    return table(sheets()["TALK"], [(("01", "01-001", "SCREENING", 1), {"rows": rows})])


def test_each_answer_is_a_column_of_0_and_1_in_spss(exported: Table) -> None:
    frame, labels = for_spss(exported, "en")
    ticked = frame.select("SYMPTOMS.PAIN", "SYMPTOMS.COUGH", "SYMPTOMS.OTHER").rows()
    assert ticked == [(1, 0, 1), (0, 1, 0), (None, None, None)]
    assert labels.variables["SYMPTOMS.OTHER"] == "Symptoms: Something else"
    assert frame["SYMPTOMS"].to_list() == ["PAIN;OTHER", "COUGH", None]
    assert "SYMPTOMS" not in labels.values


def test_a_date_with_a_time_is_moved_by_days_and_keeps_its_time(exported: Table) -> None:
    moved = without_names(exported, {"01-001": -10}).frame
    assert moved["BEGUN"].to_list() == ["2026-04-25T14:30", None, None]


@pytest.mark.parametrize("version", ["1.3.2", "2.0"])
def test_the_items_and_their_values_come_back_from_odm(
    study: Study, tmp_path: Path, version: Version
) -> None:
    entries = _entries(SYMPTOMS="PAIN;OTHER", WHICH="Itching", BEGUN="2026-05-05T14:30")
    at = datetime(2026, 5, 6, tzinfo=UTC)
    path = tmp_path / "trial.xml"
    write_odm(study, path, created=at, entries=entries, version=version)
    schema(version).assertValid(etree.parse(path))
    file = read_odm(path)
    draft, names = draft_from_odm(file.metadata, file.account)
    for name, text in draft.files.items():
        (tmp_path / "back" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "back" / name).write_text(text, encoding="utf-8")
    back = load(tmp_path / "back").forms["TALK"]
    assert back.items == study.forms["TALK"].items
    got = odm_entries(file, names, file.account)
    assert got.sort("ITEM").rows() == entries.sort("ITEM").rows()


def test_paper_has_boxes_for_both(study: Study) -> None:
    source = blank_forms(study, "en", forms=["TALK"])
    assert "tick all that apply" in source
    assert "Ask the patient first" in source


def test_an_amendment_asks_only_about_answers_that_are_gone(study: Study) -> None:
    talk = study.forms["TALK"]
    fewer = talk.item("SYMPTOMS").model_copy(update={"choices": talk.item("SYMPTOMS").choices[:2]})
    form = talk.model_copy(update={"items": (fewer, *talk.items[1:])})
    new = replace(study, forms={**study.forms, "TALK": form})
    values = {("TALK", "SYMPTOMS"): {"PAIN;COUGH", "PAIN;OTHER"}}
    lines = {(n.form, n.item): n for n in compare(study, new, values, {})}
    assert lines["TALK", "SYMPTOMS"].unresolved == ("PAIN;OTHER",)


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("code: PAIN", "code: 'PAIN;ACHE'", "holds a semicolon"),
        ("zh: 疼痛", "zh: 疼痛；酸痛", "holds a semicolon"),
        (
            "label: {en: Talk, zh: 谈话}",
            "label: {en: Talk, zh: 谈话}\nrows: talk",
            "a table of rows",
        ),
        ("type: multiple", "type: text", "has choices but is of type text"),
        ("ENDED >= BEGUN", "ENDED >= 5", "a date and a number"),
    ],
)
def test_a_form_that_cannot_work_is_named(tmp_path: Path, good: str, bad: str, says: str) -> None:
    assert FORM.count(good) >= 1
    try:
        found = list(lint(with_form(tmp_path / "study", FORM.replace(good, bad, 1)), {}))
    except Problems as problems:
        found = list(problems.findings)
    assert any(says in f.message and f.place.file == "forms/talk.yaml" for f in found)


def test_the_form_lints_clean(study: Study) -> None:
    assert [f for f in lint(study, {}) if f.place.file == "forms/talk.yaml"] == []


def test_words_in_both_languages_lead_to_the_codes(study: Study) -> None:
    item = study.forms["TALK"].item("SYMPTOMS")
    assert options.code_of(study, "TALK", item, "咳嗽；Pain；PAIN") == "PAIN;COUGH"
    assert options.shown(study, "TALK", item, "PAIN;COUGH") == "Pain; Cough"
