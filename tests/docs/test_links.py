"""Links lead somewhere, and commands named in the text exist with their options."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.docs.printing import ROOT, module

PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "changelog.d").rglob("*.md"),
    ]
)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
COMMAND = re.compile(r"(?:^ {4}python3 start\.py |^\$ onearm |`onearm )(?P<words>[^`\n]+)", re.M)
OWN = (["test"], ["--help"], ["COMMAND", "--help"], ["COMMAND"])
"""What start.py or the command group itself answers."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(path: Path) -> set[str]:
    """The anchors that headings get on GitHub."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    plain = (re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", h)).strip().lower() for h in heads)
    return {h.replace(" ", "-") for h in plain}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    missing = []
    for match in LINK.finditer(page.read_text(encoding="utf-8")):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            missing.append(match["target"])
    assert not missing, missing


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_in_the_text_exists_with_its_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [m["words"] for m in COMMAND.finditer(text) if not is_known(m["words"])]
    assert not wrong, wrong


@cache
def commands() -> list[tuple[str, Any]]:
    """Every command of the program by its name, read once."""
    return list(module("printing.commands").every_command())


def is_known(text: str) -> bool:
    """Whether the words behind ``onearm`` are a command with options that it has."""
    words = shlex.split(text.partition("#")[0])
    if words in OWN:
        return True
    if words[-1:] == ["--help"]:
        words = words[:-1]
    used = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    for name, command in commands():
        called = name.split()[1:]
        if words and words == called[: len(words)] != called:
            return True
        if words[: len(called)] == called:
            offered = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            return used <= offered
    return False


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [p.relative_to(ROOT / "docs").as_posix() for p in (ROOT / "docs").rglob("*.md")]
    wanted = [p for p in pages if not p.startswith("decisions/") and p != "README.md"]
    assert [p for p in wanted if f"({p})" not in index] == []
