"""Answers to choose from, with their words; and from what was typed to the code that is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onearm.capture import words
from onearm.capture.typing_in import WIDE
from onearm.records.codes import choices
from onearm.study.forms import SEPARATOR

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.forms import Item

LANGUAGES = ("en", "zh")
BETWEEN = f"{SEPARATOR} "
"""Between several answers as people read them."""

_KNOWN: dict[tuple[str, str, str, str], tuple[tuple[str, str], ...]] = {}


def options(
    study: Study, form_id: str, item: Item, language: str = ""
) -> tuple[tuple[str, str], ...]:
    """Each code with its words in the reader's language; empty where any text may stand."""
    language = language or words.language()
    key = (study.version, form_id, item.name, language)
    if key not in _KNOWN:
        _KNOWN[key] = _told_apart(choices(study, item, language))
    return _KNOWN[key]


def shown(study: Study, form_id: str, item: Item, value: str) -> str:
    """A stored value as people read it: the words of a code, other values as they are."""
    known = dict(options(study, form_id, item))
    if item.type == "datetime" and value[10:11] == "T":
        return f"{value[:10]} {value[11:]}"
    return BETWEEN.join(known.get(code, code) for code in item.codes_in(value))


def code_of(study: Study, form_id: str, item: Item, text: str) -> str:
    """The code for what was typed: a code, or its words in either language, in any case.

    What fits none stays as it is, for the checks to say so; so do items without a list. Of an item
    of several choices each is looked up, and they come in the order of the list, each once.
    """
    if item.type == "multiple":
        parts = (part.strip() for part in text.translate(WIDE).split(SEPARATOR))
        meant = [_code_of(study, form_id, item, part) for part in parts if part]
        order = [code for code, _ in options(study, form_id, item)]
        known = [code for code in order if code in meant]
        return SEPARATOR.join((*known, *(code for code in meant if code not in order)))
    return _code_of(study, form_id, item, text)


def _code_of(study: Study, form_id: str, item: Item, text: str) -> str:
    folded = _folded(text)
    by_words: dict[str, str] = {}
    for language in LANGUAGES:
        for code, label in options(study, form_id, item, language):
            if text == code:
                return code
            by_words.setdefault(_folded(label), code)
            by_words.setdefault(_folded(code), code)
    return by_words.get(folded, text)


def _folded(text: str) -> str:
    """Without regard to case, and to whether signs are full-width (``：``) or plain (``:``)."""
    return text.translate(WIDE).casefold()


def _told_apart(given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Words that two codes share are followed by the code."""
    labels = [label for _, label in given]
    twice = {label for label in labels if labels.count(label) > 1} if len(given) < 2000 else set()
    return tuple((c, f"{label} ({c})" if label in twice else label) for c, label in given)
