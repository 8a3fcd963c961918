"""Queries beside the form in a real browser: by keyboard alone, with nothing typed being lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onearm.capture.actions import queries
from onearm.capture.models import FormInstance, Query, Subject, User
from tests.capture.browser.conftest import Pages
from tests.capture.conduct import fill

Person = Callable[..., User]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_monitor_asks_about_a_cell_without_a_mouse(page_of: Pages, subject: Subject) -> None:
    page = page_of("monitor")
    page.goto("/subjects/01-001/SCREENING/1/DISEASE")
    page.focus("[id='v.1.MHTERM']")
    page.keyboard.press("Alt+q")
    page.wait_for_selector("#aside .asking textarea")
    page.keyboard.type("Which tumour?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    note = page.wait_for_selector("[id='s.1.MHTERM'] .note.person")
    assert note is not None
    assert "Which tumour?" in note.inner_text()
    # The cursor is back where it was; Escape puts the talk away.
    assert page.evaluate("document.activeElement.id") == "v.1.MHTERM"
    page.keyboard.press("Escape")
    page.wait_for_selector("#aside", state="hidden")
    query = Query.objects.get()
    assert (query.row, query.item, query.state) == (1, "MHTERM", "open")
    assert not FormInstance.objects.exists()


@pytest.mark.parametrize("form", ["DISEASE", "TUMOR"])
def test_the_site_answers_at_the_cell_and_keeps_what_it_is_typing(
    form: str, page_of: Pages, person: Person, subject: Subject
) -> None:
    nurse, monitor = person("coordinator"), person("monitor")
    item, value = {"DISEASE": ("MHTERM", "Cholangio"), "TUMOR": ("LESSITE", "S4")}[form]
    fill(nurse, subject, "SCREENING", form, **{item: value})
    queries.ask(monitor, subject, "which one?", visit="SCREENING", form=form, row=1, item=item)
    page = page_of("coordinator", language="zh-hans", width=820)
    page.goto(f"/subjects/01-001/SCREENING/1/{form}")
    page.fill(f"[id='v.1.{item}']", "typed and not saved")
    page.keyboard.press("Alt+q")
    page.wait_for_selector("#aside textarea")
    page.keyboard.type("肝内")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[id='s.1.{item}'] .note.answered >> text=肝内")
    assert page.input_value(f"[id='v.1.{item}']") == "typed and not saved"
    assert Query.objects.get(check_id="", form=form).state == "answered"
    # The asker closes it there, and it goes from the cell.
    other = page_of("monitor")
    other.goto(f"/subjects/01-001/SCREENING/1/{form}")
    other.focus(f"[id='v.1.{item}']")
    other.keyboard.press("Alt+q")
    other.click("#aside button[value=closed]")
    other.wait_for_selector("#aside .query.closed")
    assert other.query_selector(f"[id='s.1.{item}'] .note.person") is None
