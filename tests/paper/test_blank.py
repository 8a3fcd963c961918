"""Blank case report forms: every question, answer and visit, in both languages, and annotations."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from onearm.errors import OnearmError
from onearm.paper import blank_forms, pdf
from onearm.paper.blank import MOST_TICKS, in_order, spelled
from onearm.paper.conditions import in_words
from onearm.paper.words import Words, table
from onearm.records.codes import choices
from onearm.study import Study, load
from onearm.study.forms import Form, Item
from onearm.study.text import Text
from tests.paper.reading import needs_reader, spoken, text_of

STUDY = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"


@cache
def study() -> Study:
    return load(STUDY)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_form_question_answer_and_visit_is_on_paper(language: str) -> None:
    source = spoken(blank_forms(study(), language))
    said = Words(language).said
    for form in study().forms.values():
        assert f'#heading("{said(form.label)}")' in source
        for item in form.items:
            assert said(item.label) in source, item.name
            if item.unit:
                assert f'unit("{item.unit}")' in source
            for _, label in choices(study(), item, language):
                assert label.replace('"', '\\"') in source, (item.name, label)
    assert study().schedule is not None
    for visit in study().schedule.visits:
        assert said(visit.label).replace("{n}", "n") in source


def test_questions_that_need_an_answer_are_marked_and_no_others() -> None:
    for form in study().forms.values():
        source = blank_forms(study(), "en", forms=[form.form])
        asked = re.findall(r'ask\("\d+", \{bold\("(.*?)( \*)?"\)', source)
        wanted = [(item.label.en, " *" if item.required else "") for item in form.items]
        assert asked == wanted, form.form


def test_skip_conditions_are_in_words_where_they_are_plain() -> None:
    forms, en, zh = study().forms, Words("en"), Words("zh")

    def told(form: str, condition: str, words: Words = en) -> str:
        return in_words(study(), forms[form], condition, words)

    assert told("AE", "AESER = 'Y'") == "Serious: Yes"
    assert told("AE", "AESER = 'Y'", zh) == "是否为严重不良事件：是"
    assert (
        told("FOLLOWUP", "SURVSTAT IN ('ALIVE', 'UNKNOWN')") == "Alive or dead: Alive or Not known"
    )
    assert told("DEATH", "DTHCAUS <> 'UNKNOWN'") == "not (Main cause: Unknown)"
    assert told("TUMOR", "VISIT = 'SCREENING' AND LESPRTX = 'Y'") == (
        "Visit: Screening; and Treated locally or irradiated before: Yes"
    )
    assert told("TUMOR", "LESROLE = 'TARGET' AND NOT (LESLOC LIKE 'LYMPH NODE%')") == (
        "Kind of lesion: Target; and not (Organ: code begins with “LYMPH NODE”)"
    )
    for other in ("AETOXGR > 3", "AESER = 'Y' AND AESDTH = 'Y' OR AESLIFE = 'Y'", "NOPE = 'Y'"):
        assert told("AE", other) == other


def test_every_skip_condition_of_the_study_stands_on_its_form() -> None:
    for form in study().forms.values():
        source = blank_forms(study(), "en", forms=[form.form])
        for item in form.items:
            if item.shown_when:
                told = in_words(study(), form, item.shown_when, Words("en"))
                assert f"Only if {told}" in source


def test_annotations_name_items_codes_targets_and_checks_and_the_plain_print_does_not() -> None:
    plain = spoken(blank_forms(study(), "en"))
    noted = spoken(blank_forms(study(), "en", annotated=True))
    checks = targets = 0
    for form in study().forms.values():
        for item in form.items:
            assert f'named("{item.name}")' in noted
            assert f'named("{item.name}")' not in plain
            for target in item.to:
                assert f'target("{spelled(target)}")' in noted
                targets += 1
            known = choices(study(), item, "en")
            if 0 < len(known) <= MOST_TICKS:
                assert all(f'code: "{value}"' in noted for value, label in known if value != label)
        for check in (*form.checks, *(c for item in form.items for c in item.checks)):
            assert f'"{check.id}' in noted
            assert check.require.replace("\\", "\\\\").replace('"', '\\"') in noted
            assert check.id not in plain
            checks += 1
    assert checks > 100
    assert targets > 100
    assert "target(" not in plain.partition("#show: sheets")[2]


@needs_reader
@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_form_is_readable_in_the_pdf(language: str) -> None:
    source = blank_forms(study(), language, forms=["ECOG"], annotated=True, version="7")
    text = text_of(pdf(source))
    form = study().forms["ECOG"]
    said = Words(language).said
    assert said(form.label) in text
    assert all(said(item.label) in text for item in form.items)
    assert "7 · " + study().version[:12] in text
    assert re.search(r"1 ?/ ?1$", text)
    assert said(study().forms["AE"].label) not in text


@needs_reader
def test_a_long_list_is_named_with_the_page_on_which_it_stands() -> None:
    made = pdf(blank_forms(study(), "en", forms=["AE"]))
    pages = text_of(made, plain=False).split("\f")
    told = re.search(r"code from the list ctcae_terms, page (\d+)", text_of(made))
    assert told is not None
    page = pages[int(told[1]) - 1]
    assert "Code lists" in page
    assert "Abdominal pain" in page


def test_the_same_study_is_the_same_bytes_and_has_no_clock_in_it() -> None:
    source = blank_forms(study(), "zh", forms=["VS"])
    made = pdf(source)
    assert made == pdf(blank_forms(load(STUDY), "zh", forms=["VS"]))
    assert b"CreationDate" not in made


def test_texts_of_a_study_cannot_give_orders_to_the_typesetter(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(STUDY, folder)
    path = folder / "forms" / "ecog.yaml"
    label = 'Grade #panic(1) $x$ \\" @a <b>'
    path.write_text(
        "form: ECOG\nlabel: '*Bold* #panic(2)'\nitems:\n"
        f"  - {{name: ECOG, label: '{label}', type: integer, "
        "to: 'QS.QSORRES where QSTESTCD = X'}\n",
        encoding="utf-8",
    )
    changed = load(folder)
    made = pdf(blank_forms(changed, "en", forms=["ECOG"], annotated=True))
    text = text_of(made)
    assert "*Bold* #panic(2)" in text
    assert label in text


def test_a_form_that_the_study_lacks_is_named_with_a_suggestion() -> None:
    with pytest.raises(OnearmError, match="has no form AEX; did you mean EX"):
        blank_forms(study(), "en", forms=["AEX"])


def test_forms_stand_in_the_order_of_visits() -> None:
    order = in_order(study())
    assert sorted(order) == sorted(study().forms)
    assert order[:3] == ["VISIT", "DM", "DISEASE"]


def test_every_word_is_there_in_both_languages_and_used() -> None:
    text = files("onearm.paper").joinpath("words.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len({row["key"] for row in rows}) == len(rows)
    assert all(row["en"] and row["zh"] for row in rows)
    folder = Path(str(files("onearm.paper")))
    capture = folder.parent / "capture" / "printing"
    source = "".join(
        path.read_text(encoding="utf-8") for path in (*folder.glob("*.py"), *capture.glob("*.py"))
    )
    made_up = (
        "blank.how.",
        "when.",
        "of.",
        "type.",
        "reason.",
        "filled.target.",
        "filled.legend.",
        "blank.hard",
        "blank.soft",
    )
    unused = [
        key
        for key in table()
        if not key.startswith(made_up) and key.rpartition(".")[2] not in source
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("keys", "boxes"),
    [
        ({"type": "decimal", "high": 5000, "decimals": 0}, "apart(4)"),
        ({"type": "decimal", "high": 150, "decimals": 1}, "apart(3, [.], 1)"),
        ({"type": "decimal", "high": 20}, "apart(2, [.], 2)"),
        ({"type": "integer", "low": 1}, "apart(4)"),
        ({"type": "integer", "low": -5, "high": 5}, "apart(1)"),
        ({"type": "integer", "low": 10_000}, "apart(5)"),
    ],
)
def test_a_number_has_boxes_for_the_digits_it_can_have(keys: dict[str, object], boxes: str) -> None:
    item = Item.model_validate({"name": "COUNTED", "label": "Counted", **keys})
    form = Form(form="X", label=Text(en="X"), items=(item,))
    source = blank_forms(replace(study(), forms={"X": form}), "en", forms=["X"])
    assert f"{{{boxes}" in source


def test_a_condition_with_a_bracket_around_several_parts_stays_as_it_is() -> None:
    condition = "NOT (AESER = 'Y' OR NOT AESDTH = 'Y')"
    assert in_words(study(), study().forms["AE"], condition, Words("en")) == condition
