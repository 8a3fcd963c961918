"""Small pieces of Markdown: a printed page, a table, a first sentence."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

NOTE = "<!-- Printed from the code by docs/print_reference.py. Change the code and print again. -->"


def page(title: str, *parts: str) -> str:
    """A page that says that it is printed."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars and line ends in cells are made harmless."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(map(cell, row)) for row in rows]
    return "\n".join(f"| {line} |".replace("|  |", "| |") for line in lines)


def cell(text: str) -> str:
    """A text as the content of one cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def code(text: object) -> str:
    """A word in code type; empty stays empty."""
    return f"`{text}`" if str(text) else ""


def codes(names: Iterable[object]) -> str:
    """Words in code type, separated by commas."""
    return ", ".join(code(name) for name in names)


def doc(thing: object) -> str:
    """A docstring as Markdown: doubled backquotes become single ones."""
    return inspect.cleandoc(getattr(thing, "__doc__", None) or "").replace("``", "`")


def first_line(thing: object) -> str:
    """The first sentence of a docstring, which may run over several lines."""
    return " ".join(doc(thing).split("\n\n")[0].split())


def source_of(thing: object) -> str:
    """What a docstring names as its source; empty where it names none."""
    found = re.search(r"^(?:Source|Rule): (.+?)(?:\n\s*\n|\Z)", doc(thing), re.M | re.S)
    return " ".join(found[1].split()).rstrip(".") if found else ""
