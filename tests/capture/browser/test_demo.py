"""``onearm serve --demo`` as people try it out: an account for each role, a trial half-way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from onearm.capture import permissions, words
from tests.capture.browser.conftest import Demo, Windows
from tests.capture.browser.desk import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

BOARDS = ("accrual", "matrix", "missing", "queries", "verification", "serious", "signatures")


def signed_in(windows: Windows, demo: Demo, role: str) -> Desk:
    """A person of the demo, signed in with the password that the terminal showed."""
    desk = Desk(windows, "en")
    desk.sign_in(f"demo.{role.replace('_', '.')}", demo.password)
    return desk


def opened(desk: Desk, path: str) -> str:
    """What a page says; it answers 200."""
    answer = desk.page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{answer.status} {path}"
    return desk.text


@pytest.mark.parametrize("role", permissions.roles())
def test_every_role_signs_in_with_the_password_of_the_terminal(
    browser: Browser, demo: Demo, role: str
) -> None:
    windows = Windows(browser, demo.server.address)
    desk = signed_in(windows, demo, role)
    assert "Demo: invented data" in desk.page.inner_text(".bar")
    assert words.table()[f"role.{role}"]["en"] in opened(desk, "/me")
    windows.close()


def test_the_trial_is_half_way_through_on_every_page_of_the_site(
    browser: Browser, demo: Demo
) -> None:
    windows = Windows(browser, demo.server.address)
    nurse = signed_in(windows, demo, "coordinator")
    opened(nurse, "/")
    tiles = [int(text) for text in nurse.page.locator(".tiles b").all_inner_texts()]
    assert all(tiles)  # something of each kind waits
    opened(nurse, "/subjects")
    assert nurse.page.locator("tbody tr").count() > 25
    subject = demo.made["objects"]["subject"][0]
    assert words.table()["course.first_dose"]["en"] in opened(nurse, subject)
    assert nurse.page.locator("a.form.complete").count() > 50
    opened(nurse, f"{subject}/SCREENING/1/LB")  # hung where workers were forked
    assert nurse.page.locator(".near .range").count() > 10
    nurse.cell("ALT").fill("4000")
    nurse.visible("[id='c.1.ALT'] .flag.H")
    opened(nurse, f"{subject}/SCAN/1/TUMOR")
    assert nurse.visible("#panel .answer").inner_text() in {"CR", "PR", "SD", "PD", "NE"}
    assert nurse.page.locator("#panel .because").inner_text()
    assert re.search(r"Grade|CTCAE", opened(nurse, f"{subject}/LOG/1/AE"))
    for path in ("/screening", "/queries", "/serious", "/deviations", "/trail", "/accrual"):
        opened(nurse, path)
        assert nurse.page.locator("tbody tr").count(), path
    windows.close()


def test_every_dashboard_shows_the_trial_to_the_data_manager(browser: Browser, demo: Demo) -> None:
    windows = Windows(browser, demo.server.address)
    manager = signed_in(windows, demo, "data_manager")
    for board in BOARDS:
        opened(manager, f"/dashboards/{board}")
        assert manager.page.locator("tbody tr").count(), board
    assert "Parquet" in opened(manager, "/exchange")
    opened(manager, "/imports")
    windows.close()
