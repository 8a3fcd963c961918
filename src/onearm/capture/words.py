"""Words of the pages in both languages, and the study's own texts in the reader's."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from django.utils.translation import get_language

if TYPE_CHECKING:
    from onearm.study.text import Text


@cache
def table() -> dict[str, dict[str, str]]:
    """By key the words in each language; from ``words.csv``."""
    text = files("onearm.capture").joinpath("words.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}


def language() -> str:
    """``zh`` or ``en``: the column of the table for the reader of this page."""
    return "zh" if (get_language() or "en").startswith("zh") else "en"


def say(key: str) -> str:
    """The words of a key; raises ``KeyError`` for one that the table does not have."""
    return table()[key][language()]


def kept(key: str) -> str:
    """The English words of a key, as the history keeps them; `kept_words.said` translates them."""
    return table()[key]["en"]


def said(text: Text) -> str:
    """A text of the study in the reader's language, in English where it has no other."""
    return (text.zh or text.en) if language() == "zh" else text.en
