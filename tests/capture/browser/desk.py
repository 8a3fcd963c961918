"""A person at a desk: signs in, types forms with the keyboard alone, reads what the page says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from onearm.capture import words

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.capture.browser.conftest import Windows

Unseen = pytest.importorskip("playwright.sync_api").TimeoutError

FARTHEST = 150
"""So many tabs reach every cell of a form from every other."""

NO_MOUSE = """
window.moused = 0;
addEventListener("mousedown", () => { window.moused += 1; }, true);
"""


class Desk:
    """One person in one browser."""

    def __init__(self, windows: Windows, language: str, *, width: int = 1280) -> None:
        self.language = language
        self.page: Page = windows.open({"django_language": language}, width=width)
        self.page.add_init_script(NO_MOUSE)

    def say(self, key: str) -> str:
        """The words of the page in this person's language."""
        return words.table()[key]["zh" if self.language == "zh-hans" else "en"]

    # ---- an account

    def sign_in(self, name: str, password: str) -> None:
        """Sign in, and stand where the application leads."""
        self.page.goto("/accounts/login/")
        self.page.locator("input[name=login]").fill(name)
        self.page.locator("input[name=password]").fill(password)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        assert self.page.locator(".tools .who").is_visible(), self.page.inner_text("main")

    def first_day(self, name: str, given: str, own: str) -> None:
        """Sign in with the password one was given, choose one's own, accept what has to be."""
        self.sign_in(name, given)
        self.page.locator("input[name=oldpassword]").fill(given)
        self.page.locator("input[name=password1]").fill(own)
        self.page.locator("input[name=password2]").fill(own)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.page.goto("/")
        accepts = self.page.locator("input[name=accept]")
        if accepts.count():
            accepts.check()
            self.go("main button.primary")

    # ---- the page

    @property
    def text(self) -> str:
        """What the page says."""
        return self.page.inner_text("main")

    def visible(self, selector: str) -> Locator:
        """What a selector finds, once it is to be seen."""
        found = self.page.locator(selector).first
        try:
            found.wait_for()
        except Unseen as problem:
            raise AssertionError(f"no {selector} on {self.page.url}: {self.text}") from problem
        return found

    def go(self, selector: str) -> None:
        """Put the focus on a link or button, press Enter and wait for the next page."""
        at = self.visible(selector)
        at.focus()
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def done(self, key: str) -> None:
        """The page says that it was done."""
        self.visible(f".notice.success >> text={self.say(key)}")

    # ---- a form, without a mouse

    def cell(self, name: str, row: int = 1) -> Locator:
        """The input of an item."""
        return self.page.locator(f"[id='v.{row}.{name}']")

    def tab_to(self, name: str, row: int = 1) -> None:
        """Press Tab until the cell has the focus."""
        cell = self.cell(name, row)
        cell.wait_for(state="visible")  # the server may just have said that it is asked
        for _ in range(FARTHEST):
            if cell.evaluate("(cell) => cell === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {name} of row {row}")

    def type_in(self, values: Mapping[str, str], row: int = 1) -> None:
        """Type into cells in the order of the form; an empty text gives the first missing reason.

        What is in a cell is replaced; the words of a list are found by their code.
        """
        keyboard = self.page.keyboard
        for name, text in values.items():
            self.tab_to(name, row)
            keyboard.press("Control+a")
            if text:
                keyboard.type(text)
                keyboard.press("Tab")
            else:
                keyboard.press("Alt+m")
                keyboard.press("ArrowDown")
                keyboard.press("Tab")

    def choose_reason(self) -> None:
        """Say why saved data are changed: the first of the list, with the keyboard."""
        self.page.locator("#reason select").focus()
        self.page.keyboard.press("ArrowDown")

    def press_save(self) -> None:
        """Press Enter in a cell; the page comes again, saved or refused."""
        self.page.locator("input.v:not([readonly])").locator("visible=true").first.focus()
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def save(self) -> None:
        """Press Enter in a cell; the form is saved."""
        self.press_save()
        self.done("form.saved")

    def next_form(self) -> None:
        """Save with Ctrl+Enter, which opens the next form of the visit."""
        before = self.page.url
        with self.page.expect_navigation():
            self.page.keyboard.press("Control+Enter")
        assert self.page.url != before, self.text
        self.done("form.saved")

    def change(self, path: str, values: Mapping[str, str], row: int = 1) -> None:
        """Open a form and change saved data with a reason."""
        self.page.goto(path)
        self.type_in(values, row)
        self.choose_reason()
        self.save()

    def no_mouse(self) -> bool:
        """Whether this page was never clicked on."""
        return bool(self.page.evaluate("window.moused === 0"))

    def id_of_form(self) -> str:
        """The number of the saved form that is open."""
        address = self.page.locator("a[href^='/history/']").first.get_attribute("href")
        assert address is not None
        return address.split("/")[2]
