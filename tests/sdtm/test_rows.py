"""Ways of asking that the small trial does not use: a list of tests, two boxes for one result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onearm import sdtm
from onearm.records import at_cut
from onearm.study.forms import Form
from tests.records.clinic import enter, frame, small_study

LIST = Form.model_validate(
    {
        "form": "LB",
        "label": "Any test",
        "rows": "test",
        "date": "LBDAT",
        "items": [
            {"name": "LBDAT", "label": "Date", "type": "date", "to": "LB.LBDTC"},
            {"name": "LBTEST", "label": "Test", "type": "text", "to": "LB.LBTESTCD"},
            {"name": "LBRES", "label": "Result", "type": "text", "to": "LB.LBORRES"},
            {"name": "LBUNIT", "label": "Unit", "type": "text", "to": "LB.LBORRESU"},
        ],
    }
)
BOXES = Form.model_validate(
    {
        "form": "LB",
        "label": "Virus load",
        "date": "LBDAT",
        "items": [
            {"name": "LBDAT", "label": "Date", "type": "date", "to": "LB.LBDTC"},
            {
                "name": "NUMBER",
                "label": "Copies of the virus as counted by the laboratory",
                "type": "decimal",
                "to": "LB.LBORRES where LBTESTCD = VLOAD",
            },
            {
                "name": "WORDS",
                "label": "Or in words",
                "type": "text",
                "to": "LB.LBORRES where LBTESTCD = VLOAD",
            },
        ],
    }
)
DM = enter("01-001 / SCREENING / DM", RFICDAT="2020-01-02", SEX="M", AGE=50)


def derive(form: Form, *rows: list) -> dict:
    study = replace(small_study(), forms={**small_study().forms, "LB": form})
    return sdtm.derive(study, at_cut(study, frame(DM, *rows), cut=None))


def test_a_form_that_lists_tests_by_code_gets_their_names_and_units():
    lb = derive(
        LIST,
        enter(
            "01-001 / SCREENING / LB 1",
            LBDAT="2020-01-03",
            LBTEST="BILI",
            LBRES="1",
            LBUNIT="mg/dL",
        ),
        enter(
            "01-001 / SCREENING / LB 2", LBDAT="2020-01-03", LBTEST="ALT", LBRES="41", LBUNIT="U/L"
        ),
        enter("01-001 / SCREENING / LB 3", LBDAT="2020-01-03", LBTEST="OWNTEST", LBRES="3"),
    )["LB"]
    columns = ("LBTESTCD", "LBTEST", "LBCAT", "LBSTRESC", "LBSTRESU", "LBNRIND")
    assert lb.select(columns).rows() == [
        ("OWNTEST", None, None, "3", None, None),
        ("ALT", "Alanine Aminotransferase", "CHEMISTRY", "41", "U/L", "NORMAL"),
        ("BILI", "Bilirubin", "CHEMISTRY", "17.1", "umol/L", "NORMAL"),
    ]


@pytest.mark.parametrize(
    ("items", "result", "number"),
    [({"NUMBER": "250"}, "250", 250.0), ({"WORDS": "not found"}, "not found", None)],
)
def test_of_two_boxes_for_one_result_the_filled_one_counts(items, result, number):
    lb = derive(BOXES, enter("01-001 / SCREENING / LB", LBDAT="2020-01-03", **items))["LB"]
    assert lb.select("LBORRES", "LBSTRESC", "LBSTRESN").rows() == [(result, result, number)]
    assert lb["LBTEST"].item() == "Copies of the virus as counted by the"


def test_a_form_row_without_any_result_makes_no_row():
    assert "LB" not in derive(BOXES, enter("01-001 / SCREENING / LB", LBDAT="2020-01-03"))
