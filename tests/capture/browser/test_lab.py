"""Laboratory results in a real browser: flag, grade and SI value follow what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from onearm.capture.models import FormInstance, LabRange, Subject
from tests.capture.conftest import LONG_AGO

if TYPE_CHECKING:
    from tests.capture.browser.conftest import Pages

LABORATORY = "/subjects/01-001/SCREENING/1/LB"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "mark", "term"),
    [
        ("en", "G3", "Alanine aminotransferase increased"),
        ("zh-hans", "3 级", "丙氨酸氨基转移酶升高"),
    ],
)
def test_flag_and_grade_follow_what_is_typed(
    language: str, mark: str, term: str, page_of: Pages, subject: Subject
) -> None:
    LabRange.objects.create(
        laboratory="Main", analyte="ALT", unit="U/L", low="7", high="40", begins=LONG_AGO
    )
    page = page_of("coordinator", language=language)
    page.goto(LABORATORY)
    page.locator("[id='v.1.LBDAT']").fill("2024-05-01")
    page.locator("[id='v.1.LBNAM']").fill("Main")
    page.locator("[id='v.1.ALT']").fill("201")
    cell = page.locator("[id='c.1.ALT']")
    cell.locator(".flag.H").wait_for()
    grade = cell.locator(".grade.serious")
    grade.wait_for()
    assert grade.inner_text() == mark
    assert term in (grade.get_attribute("title") or "")
    assert "7–40" in cell.locator(".near .range").inner_text()
    # White on dark red: 7 to 1 and more, whatever the theme of the system.
    colours = grade.evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(166, 27, 27)"]
    page.locator("[id='v.1.ALT']").fill("39")
    cell.locator(".flag.H").wait_for(state="detached")
    assert cell.locator(".grade").inner_text() == ""
    assert cell.locator(".grade").get_attribute("title") is None
    page.locator("[id='v.1.ALT']").fill("201")
    grade.wait_for()
    page.locator("[id='v.1.ALT']").press("Enter")
    page.locator(".notice.success").wait_for()
    page.locator("[id='c.1.ALT'] .grade.serious").wait_for()
    assert FormInstance.objects.get(form="LB").data["rows"][0]["ALT"] == "201"
