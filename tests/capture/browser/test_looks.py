"""Every page of the demo trial in both languages and at two widths: nothing broken, AA throughout.

``ONEARM_SCREENSHOTS=FOLDER pytest -m slow -k looks`` keeps a picture of each page to look at.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.capture.browser.conftest import Demo, Windows
from tests.capture.browser.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

ROLES = (
    "coordinator",
    "investigator",
    "monitor",
    "data_manager",
    "administrator",
    "study_builder",
    "statistician",
    "medical_reviewer",
    "auditor",
)
"""A page is opened as the first of these whom it is shown to."""

ELSEWHERE = {
    "start": "seen by test_whole_trial: it goes once an account exists",
    "account_logout": "a button on every page",
    "account_inactive": "nobody is inactive here",
    "account_signup": "says that it is closed",
}
ALLAUTH = ("account_login", "account_change_password", "account_email", "mfa_index")
ALLAUTH_MORE = ("mfa_activate_totp", "account_reauthenticate")
"""Pages of allauth that a person here comes across; the others are not linked to."""

WHO_ACT = {
    "sign": "investigator",
    "verify": "monitor",
    "state": "data_manager",
    "accrual": "data_manager",
    "plan": "data_manager",
    "redactions": "data_manager",
    "journal": "data_manager",
    "ranges": "data_manager",
    "sites": "study_builder",
    "amendments": "study_builder",
}
"""Pages that show more to who does something there: looked at a second time, as that role."""

SHAPES = ((1280, 900), (820, 1180))
TOP = {"x": 0, "y": 0, "width": 1280, "height": 2400}
"""So much of a long page is enough to look at."""

LANGUAGES = ("en", "zh-hans")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

LOOK = """() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) {
    const wide = [...document.body.querySelectorAll("*")].filter((one) => {
      if (one.getBoundingClientRect().right <= window.innerWidth + 1) return false;
      for (let up = one.parentElement; up; up = up.parentElement) {
        if (getComputedStyle(up).overflowX !== "visible") return false;
      }
      return true;
    });
    const named = wide.slice(0, 3).map((one) => `${one.tagName}.${one.className}`);
    wrong.push(`wider than the window: ${root.scrollWidth} (${named})`);
  }
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) wrong.push(`${headings} h1`);
  if (!document.title.trim()) wrong.push("no title");
  if (!root.lang) wrong.push("no language");
  const fields = document.querySelectorAll("input:not([type=hidden]), select, textarea");
  for (const field of fields) {
    const named = field.labels.length || field.getAttribute("aria-label");
    if (!named && !field.closest("[hidden]")) wrong.push(`no label: ${field.outerHTML}`);
    if (["None", "nan", "null", "undefined"].includes(field.value)) {
      wrong.push(`value: ${field.outerHTML}`);
    }
  }
  for (const table of document.querySelectorAll("table.grid")) {
    const heads = [...(table.tHead ? table.tHead.rows[0].cells : [])];
    const row = [...table.tBodies].flatMap((body) => [...body.rows]).find((one) =>
      one.cells.length === heads.length);
    for (const [at, cell] of (row ? [...row.cells] : []).entries()) {
      if (cell.matches(".number") && !heads[at].matches(".number")) {
        wrong.push(`heading not above its numbers: ${heads[at].textContent.trim()}`);
      }
    }
  }
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    if (/\\{\\{|\\{%|^(None|nan|null|undefined|NaT)$/.test(text)) wrong.push(`text: ${text}`);
  }
  return wrong;
}"""

SETTLED = "() => !document.querySelector('.htmx-request')"

AXE = """async (rules) => {
  const found = await axe.run(document, { runOnly: rules });
  return found.violations.map((v) =>
    `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.html.slice(0, 120) +
      " " + n.failureSummary.split("\\n").slice(1).join(" ").slice(0, 200)).join(" | ")}`);
}"""


@dataclass(frozen=True)
class Sight:
    """A page to look at: its name for the picture, its address, and as whom."""

    name: str
    path: str
    role: str


def names(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every named address with its route, those of allauth only where people come across them."""
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            if route.startswith(("i18n/", "api/")):
                continue
            yield from names(one.url_patterns, route)
        elif one.name and (not route.startswith("accounts/") or one.name in ALLAUTH + ALLAUTH_MORE):
            yield one.name, route


def status(port: int, path: str, session: str) -> tuple[int, str]:
    """Status and media type of an address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Content-Type", "")


def first_reader(port: int, path: str, sessions: dict[str, str]) -> tuple[str, str]:
    """The first role that an address is open to, and what it answers; empty where it is for acts
    or leads elsewhere.

    Fails for a page that nobody may see.
    """
    seen = {}
    for role in ROLES:
        seen[role], media = status(port, path, sessions[role])
        if seen[role] == 200:
            return role, media
    assert {302, 405} & set(seen.values()), f"{path}: {seen}"
    return "", ""


def sights(server: Served, made: dict[str, Any]) -> Iterator[Sight]:
    """Every page, opened as the first role that sees it.

    Fails for an address with arguments of which lively.py makes no object: add it there.
    """
    for name, route in names(get_resolver().url_patterns):
        if name in ELSEWHERE:
            continue
        given = made["objects"].get(name, [""] if "<" not in route else [])
        assert given, f"{name} ({route}): lively.py names no object to open"
        for number, path in enumerate(given):
            role, media = first_reader(server.port, path or f"/{route}", made["sessions"])
            if "html" in media:
                yield Sight(f"{name}{number or ''}", path or f"/{route}", role)
            if name in WHO_ACT:
                yield Sight(f"{name}{number or ''}_act", path or f"/{route}", WHO_ACT[name])
    yield Sight("sign_in", "/accounts/login/", "")
    yield Sight("not_found", "/no/such/page", "coordinator")
    yield Sight("not_allowed", "/people", "coordinator")
    for role in ROLES:
        yield Sight(f"first_page_{role}", "/", role)


def axe_source() -> str:
    """The text of axe-core."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def opened(page: Page, sight: Sight, axe: str) -> list[str]:
    """What is wrong with a page for whoever cannot see it well, once it is there as a whole."""
    answer = page.goto(sight.path, wait_until="load")
    assert answer is not None
    page.wait_for_function(SETTLED)  # what htmx loads is part of the page
    wrong = [] if answer.status in (200, 403, 404) else [f"status {answer.status}"]
    page.evaluate(axe)
    return wrong + page.evaluate(AXE, RULES)


def looked_at(page: Page, width: int, height: int, picture: Path | None) -> list[str]:
    """Everything that is wrong with an opened page in a window of that size."""
    page.set_viewport_size({"width": width, "height": height})
    found = page.evaluate(LOOK)
    if picture:
        page.screenshot(path=picture, full_page=True, clip={**TOP, "width": width})
    return [f"{width} wide: {one}" for one in found]


@pytest.fixture(scope="module")
def everything(demo: Demo) -> list[Sight]:
    """Every page to look at."""
    return list(sights(demo.server, demo.made))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_looks_right_and_can_be_used_by_everybody(
    browser: Browser, demo: Demo, everything: list[Sight], language: str
) -> None:
    axe = axe_source()
    folder = os.environ.get("ONEARM_SCREENSHOTS", "")
    windows = Windows(browser, demo.server.address)
    windows.expected("status of 403")
    windows.expected("status of 404")
    pages: dict[str, Page] = {}
    wrong: dict[str, list[str]] = {}
    for sight in everything:
        if sight.role not in pages:
            cookies = {"django_language": language}
            if sight.role:
                cookies["sessionid"] = demo.made["sessions"][sight.role]
            pages[sight.role] = windows.open(cookies)
        page = pages[sight.role]
        found = opened(page, sight, axe)
        for width, height in SHAPES:
            picture = Path(folder, f"{language}-{width}", f"{sight.name}.png") if folder else None
            found += looked_at(page, width, height, picture)
        if found:
            wrong[f"{sight.name} {sight.path} as {sight.role or 'nobody'}"] = found
    windows.close()
    told = "\n".join(f"{name}\n    " + "\n    ".join(found) for name, found in wrong.items())
    assert not wrong, told
