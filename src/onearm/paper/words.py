"""Words of the documents in both languages, from ``words.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onearm.study.text import Text


@cache
def table() -> dict[str, dict[str, str]]:
    """By key the words in each language."""
    text = files("onearm.paper").joinpath("words.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, ``en`` or ``zh``."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key with values put in; ``KeyError`` for one that the table lacks."""
        return table()[key][self.language].format(**values)

    def said(self, text: Text | None) -> str:
        """A text of the study, in English where it has no other; empty for none."""
        return text.in_language(self.language) if text else ""
