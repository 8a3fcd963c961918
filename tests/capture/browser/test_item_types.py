"""Several answers and a date with a time, typed with the keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from onearm.capture import studies
from onearm.capture.models import FormInstance, Site, SiteVersion, Subject
from tests.capture.conftest import LONG_AGO
from tests.capture.test_item_types import with_form

if TYPE_CHECKING:
    from tests.capture.browser.conftest import Pages


@pytest.fixture
def site(db: None, tmp_path: Path) -> Site:
    version = studies.take_in(with_form(tmp_path / "study").folder)
    made = Site.objects.create(code="01", name="North clinic")
    SiteVersion.objects.create(site=made, version=version, begins=LONG_AGO)
    return made


@pytest.mark.slow
def test_several_answers_are_chosen_one_behind_the_other(page_of: Pages, subject: Subject) -> None:
    page = page_of("coordinator")
    page.goto("/subjects/01-001/SCREENING/1/TALK")
    cell = page.locator("[id='v.1.SYMPTOMS']")
    cell.focus()
    page.keyboard.type("some")
    page.keyboard.press("Enter")  # takes what the list offers
    assert cell.input_value() == "Something else"
    page.locator("[id='c.1.WHICH']").wait_for(state="visible")
    page.keyboard.type("; pa")
    assert page.locator("#choices li").all_inner_texts() == ["Pain"]
    page.keyboard.press("Tab")
    assert cell.input_value() == "Something else; Pain"
    cell.focus()
    page.keyboard.press("End")
    page.keyboard.type(";")
    assert page.locator("#choices li").all_inner_texts() == ["Cough"]  # what is left
    page.keyboard.type("cou;")  # the sign between answers takes what the list offers too
    assert cell.input_value() == "Something else; Pain; Cough;"
    page.locator("[id='v.1.BEGUN']").focus()
    page.keyboard.press("t")
    page.keyboard.type(" 0930")
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    row = FormInstance.objects.get(form="TALK").data["rows"][0]
    today = page.locator("#sheet").get_attribute("data-today")
    assert (row["SYMPTOMS"], row["BEGUN"]) == ("PAIN;COUGH;OTHER", f"{today}T09:30")
