"""Words of the pages in both languages, and the study's own texts in the reader's.

What a person meets on a page, in the interface for programs or in a mail is said here: every
message of an act is ``OnearmError(say("key").format(...))``. In English alone are: what the
commands of ``onearm`` print at a terminal (serving, backup, restore, demo), what a reader of files
says of a file's inside (it follows a sentence of ours), and log lines. What the history keeps
(reasons that were chosen, names of acts) is kept in English or as codes, and translated when it is
read (`kept_words`, `trail_words`), so that one history reads in both languages.

Files that programs read (exports, ``trail.csv``, ``access-DAY.csv``) have English column names and
codes, the same for every reader. A dashboard's file is the page to take along: it is in the
reader's language.
"""

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
