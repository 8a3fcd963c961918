"""The words of the report in each language, read from one small table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from onearm.study.text import Text

Language = Literal["en", "zh"]


@lru_cache(maxsize=1)
def _rows() -> dict[str, Text]:
    text = files("onearm.outputs").joinpath("labels.csv").read_text(encoding="utf-8")
    return {
        row["key"]: Text(en=row["en"], zh=row["zh"]) for row in csv.DictReader(text.splitlines())
    }


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language: ``labels("page")``; English where no translation stands."""

    language: Language = "en"

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key, with ``{name}`` filled in where values are given.

        Raises ``KeyError`` for a key that is not there.
        """
        words = _rows()[key].in_language(self.language)
        return words.format(**values) if values else words

    def of(self, text: Text) -> str:
        """A study's own text in this language."""
        return text.in_language(self.language)
