"""A real Chromium on a live server: pages of people signed in, and no error in the console.

Tests ask for ``page_of``: ``page_of("coordinator")`` gives a page on which that person is signed
in, ``page_of("monitor", language="zh-hans", width=820)`` another beside it. Any message that
Chromium writes as an error, any script error and any answer of 500 or more fails the test at its
end; a test that means to provoke one says so with ``page_of.expected(...)``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client

from onearm.capture.models import User
from tests.capture.browser.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response
    from pytest_django.live_server_helper import LiveServer

CHROMIUM = Path("/usr/bin/chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 60_000

# Playwright's synchronous interface runs an event loop in this thread; Django would refuse.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once; tests skip where it is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield made
        made.close()


@pytest.fixture(autouse=True, scope="module")
def emptied(history_can_be_flushed: None) -> None:
    """Between tests on a live server the database is emptied."""


class Windows:
    """Opens pages on one server, and remembers everything that went wrong on them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._address = browser, address
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []
        self.wrong: list[str] = []

    def open(
        self,
        cookies: Mapping[str, str],
        *,
        width: int = 1280,
        height: int = 900,
    ) -> Page:
        """A page in a context of its own."""
        context = self._browser.new_context(
            base_url=self._address, viewport={"width": width, "height": height}
        )
        context.set_default_timeout(WAIT_MS)
        self._contexts.append(context)
        context.add_cookies(
            [{"name": n, "value": v, "url": self._address} for n, v in cookies.items()]
        )
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("response", self._response)
        return page

    def expected(self, part: str) -> None:
        """Errors that hold this text are meant by the test."""
        self._expected.append(part)

    def close(self) -> None:
        """Close every page; fail where something went wrong that was not expected."""
        for context in self._contexts:
            context.close()
        wrong = [w for w in self.wrong if not any(part in w for part in self._expected)]
        assert not wrong, "\n".join(wrong)

    def _console(self, message: ConsoleMessage) -> None:
        # A form that is refused is answered with 409, which Chromium calls an error.
        if message.type == "error" and "status of 409" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.wrong.append(f"{response.status} {response.url}")


class Pages(Windows):
    """Makes pages of signed-in people on the live server of the tests."""

    def __init__(self, browser: Browser, server: LiveServer, person: Callable[..., User]) -> None:
        super().__init__(browser, server.url)
        self._person = person

    def __call__(
        self,
        role: str = "",
        *,
        user: User | None = None,
        language: str = "en",
        width: int = 1280,
        height: int = 900,
    ) -> Page:
        """A page of a person with a role (made where needed), or of nobody without one."""
        cookies = {settings.LANGUAGE_COOKIE_NAME: language}
        if role or user:
            who = user or User.objects.filter(username=role).first() or self._person(role)
            who.language = language
            who.save(update_fields=["language"])
            client = Client()
            client.force_login(who, backend=settings.AUTHENTICATION_BACKENDS[-1])
            cookies[settings.SESSION_COOKIE_NAME] = client.cookies[
                settings.SESSION_COOKIE_NAME
            ].value
        return self.open(cookies, width=width, height=height)


LIVELY = """
import sys
from pathlib import Path
from onearm.capture import serving
serving.configure(Path(sys.argv[1]), environment="demo")
from tests.capture.browser.lively import main
main(sys.argv[2])
"""


@dataclass(frozen=True)
class Demo:
    """The demo trial, served; ``made`` is what lively.py prints of it."""

    server: Served
    password: str
    made: dict[str, Any]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """``onearm serve --demo`` on a scratch folder, with one object of every kind."""
    server = Served(tmp_path_factory.mktemp("demo") / "data", words=("--demo",))
    try:
        server.start()
        password = server.found(r"until the next start: (\S+)")
        made = server.script(LIVELY, password)
        assert isinstance(made, dict)
        yield Demo(server, password, made)
    finally:
        server.kill()


@pytest.fixture
def page_of(
    browser: Browser, live_server: LiveServer, person: Callable[..., User]
) -> Iterator[Pages]:
    """Makes pages of people; see `Pages`."""
    pages = Pages(browser, live_server, person)
    yield pages
    pages.close()
