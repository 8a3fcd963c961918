"""Filling in forms in a real browser, with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from onearm.capture.models import FormInstance, FormVersion, Subject

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.capture.browser.conftest import Pages

SCREENING = "/subjects/01-001/SCREENING/1"


def cell(page: Page, name: str) -> Callable[..., None]:
    """Types into a cell that was reached by its name."""
    return lambda text: page.locator(f"[id='v.{name}']").fill(text)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def stands(form: str) -> list[dict[str, object]]:
    rows = FormInstance.objects.get(form=form).data["rows"]
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows]


def test_a_sheet_is_filled_in_and_saved_without_a_mouse(page_of: Pages, subject: Subject) -> None:
    page = page_of("coordinator")
    page.goto(f"{SCREENING}/DISEASE")
    assert focused(page) == "v.1.COHORT"
    page.keyboard.type("hepato")
    page.keyboard.press("Enter")  # takes what the list offers; saves nothing yet
    assert page.locator("[id='v.1.COHORT']").input_value() == "Hepatocellular carcinoma"
    page.locator("[id='c.1.BCLC']").wait_for(state="visible")  # asked by the server's answer
    page.keyboard.press("Tab")
    assert focused(page) == "v.1.MHTERM"
    page.keyboard.type("HCC, moderately differentiated")
    page.keyboard.press("Tab")
    page.keyboard.type("5may21")
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    assert stands("DISEASE") == [
        {
            "COHORT": "HCC",
            "MHTERM": "HCC, moderately differentiated",
            "DXDAT": "2021-05-05",
        }
    ]


@pytest.mark.slow
def test_today_missing_reason_and_the_next_form_each_have_a_key(
    page_of: Pages, subject: Subject
) -> None:
    page = page_of("coordinator")
    page.goto(f"{SCREENING}/VS")
    page.keyboard.press("t")
    today = page.locator("#sheet").get_attribute("data-today")
    assert page.locator("[id='v.1.VSDAT']").input_value() == today
    page.keyboard.press("Tab")
    reached = focused(page)
    page.keyboard.press("Alt+m")
    page.keyboard.press("n")  # Not done
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**{SCREENING}/ECOG")
    assert stands("VS")[0][reached.split(".")[-1]] == {"null": "ND"}


def test_a_table_is_walked_with_arrows_and_grows_by_itself(
    page_of: Pages, subject: Subject
) -> None:
    page = page_of("coordinator")
    page.goto("/subjects/01-001/LOG/1/AE")
    cell(page, "1.AETERM")("rash")
    page.locator("[id='v.2.AETERM']").wait_for()
    page.locator("[id='v.1.AETERM']").focus()
    page.keyboard.press("ArrowDown")
    assert focused(page) == "v.2.AETERM"
    page.keyboard.press("Control+d")  # copies the cell above
    page.keyboard.press("End")
    page.keyboard.type(" again")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "v.2.AECTCAE"
    page.keyboard.press("ArrowUp")
    assert focused(page) == "v.1.AECTCAE"
    page.keyboard.type("alopec")
    page.keyboard.press("Tab")  # takes the first of the list and goes on
    assert focused(page) == "v.1.AESTDAT"
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    assert stands("AE") == [{"AETERM": "rash", "AECTCAE": "Alopecia"}, {"AETERM": "rash again"}]


@pytest.mark.slow
def test_a_change_asks_its_reason_and_the_cell_tells_its_history(
    page_of: Pages, subject: Subject
) -> None:
    page = page_of("coordinator", language="zh-hans", width=820)
    page.goto(f"{SCREENING}/DISEASE")
    cell(page, "1.MHTERM")("ICC")
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    assert not page.locator("#reason").is_visible()
    cell(page, "1.MHTERM")("ECC")
    page.locator("#reason").wait_for(state="visible")
    page.locator("#reason select").select_option("typed")
    page.locator("[id='v.1.MHTERM']").press("Enter")
    page.locator("small", has_text="版本 2").wait_for()
    page.locator("[id='v.1.MHTERM']").focus()
    page.keyboard.press("Alt+h")
    told = page.locator("#aside")
    told.locator("td", has_text="录入错误").wait_for()
    assert told.locator("tbody tr").count() == 2
    page.keyboard.press("Escape")
    assert focused(page) == "v.1.MHTERM"


@pytest.mark.slow
def test_unsaved_text_is_kept_and_offered_again(page_of: Pages, subject: Subject) -> None:
    page = page_of("coordinator")
    page.goto(f"{SCREENING}/DISEASE")
    cell(page, "1.MHTERM")("half a sen")
    page.locator("#kept", has_text="kept").wait_for()
    again = page_of("coordinator")  # the session ended, the person signs in anew
    again.goto(f"{SCREENING}/DISEASE")
    again.locator(".drafted a").click()
    assert again.locator("[id='v.1.MHTERM']").input_value() == "half a sen"
    assert FormVersion.objects.count() == 0


def test_lesions_show_their_response_while_they_are_typed(page_of: Pages, subject: Subject) -> None:
    page = page_of("coordinator")
    page.goto(f"{SCREENING}/TUMOR")
    for name, text in {
        "LESID": "T01", "LESDAT": "2021-02-20", "LESROLE": "Target", "LESLOC": "Liver",
        "LESMETH": "CT with contrast",
    }.items():  # fmt: skip
        cell(page, f"1.{name}")(text)
    page.locator("[id='c.1.LESDIAM']").wait_for(state="visible")
    cell(page, "1.LESDIAM")("50")
    page.locator("#panel dd", has_text="50.0 mm").wait_for()
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    page.goto("/subjects/01-001/SCAN/1/TUMOR")  # carried forward
    assert page.locator("[id='v.1.LESID']").input_value() == "T01"
    cell(page, "1.LESDAT")("2021-04-12")
    cell(page, "1.LESDIAM")("35")
    page.locator("#panel .answer", has_text="PR").wait_for()
    cell(page, "1.LESDIAM")("60")
    page.locator("#panel .answer", has_text="PD").wait_for()
    assert "nadir of 50.0 mm" in page.locator("#panel .because").inner_text()


@pytest.mark.slow
def test_after_a_refusal_the_focus_is_on_what_it_asks_for(page_of: Pages, subject: Subject) -> None:
    page = page_of("coordinator")
    page.goto(f"{SCREENING}/DISEASE")
    page.keyboard.type("hepato")
    page.keyboard.press("Tab")
    cell(page, "1.BCLC")("B")
    cell(page, "1.DXDAT")("soon")
    page.locator("[id='v.1.COHORT']").press("Enter")
    page.locator(".notice.error").wait_for()
    assert focused(page) == "v.1.DXDAT"
    cell(page, "1.DXDAT")("2021-05-05")
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    cell(page, "1.COHORT")("Intrahepatic cholangiocarcinoma")
    page.locator("[id='v.1.MHTERM']").press("Enter")
    page.locator(".cleared").wait_for()
    assert page.evaluate("document.activeElement.name") == "why"
    page.keyboard.press("ArrowDown")
    page.locator("[id='v.1.MHTERM']").press("Enter")
    page.locator(".cleared").wait_for()
    page.wait_for_function("document.activeElement.name === 'clear'")
    page.keyboard.press("Enter")
    page.locator(".notice.success").wait_for()
    assert stands("DISEASE") == [{"COHORT": "ICC", "DXDAT": "2021-05-05"}]
