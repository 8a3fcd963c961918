"""Words and dates of the older forms in the codes of the present one."""

from __future__ import annotations

import re

from onearm.study.registry.record import BadRecord

MONTHS = "january february march april may june july august september october november december"
CODES = {
    "SINGLE_GROUP_ASSIGNMENT": "SINGLE_GROUP",
    "PARALLEL_ASSIGNMENT": "PARALLEL",
    "CROSSOVER_ASSIGNMENT": "CROSSOVER",
    "FACTORIAL_ASSIGNMENT": "FACTORIAL",
    "SEQUENTIAL_ASSIGNMENT": "SEQUENTIAL",
    "NONE_OPEN_LABEL": "NONE",
    "N_A": "NA",
    "EARLY_PHASE_1": "EARLY_PHASE1",
    "PHASE_1": "PHASE1",
    "PHASE_2": "PHASE2",
    "PHASE_3": "PHASE3",
    "PHASE_4": "PHASE4",
}
"""Words of the older forms that the present interface spells differently (after capitals and _)."""


def code(words: str) -> str:
    """A registry word as the code of API v2: ``Single Group Assignment`` is ``SINGLE_GROUP``."""
    plain = re.sub(r"[^A-Z0-9]+", "_", words.upper()).strip("_")
    return CODES.get(plain, plain)


def iso_date(text: str) -> str:
    """``January 4, 2021``, ``October 2009`` or ``2015-03`` as ISO 8601; anything else is empty."""
    if re.fullmatch(r"\d{4}(-\d{2}){0,2}", text):
        return text
    match = re.fullmatch(r"([A-Za-z]+) (?:(\d{1,2}), )?(\d{4})", text)
    if match is None or match[1].lower() not in MONTHS.split():
        return ""
    month = MONTHS.split().index(match[1].lower()) + 1
    return f"{match[3]}-{month:02d}" + (f"-{int(match[2]):02d}" if match[2] else "")


def unescaped(text: str) -> str:
    r"""Text without the marks of API v2's Markdown: ``\>=`` is ``>=``."""
    return re.sub(r"\\([\\<>\[\]()*_~#+.!|`-])", r"\1", text).replace("\r\n", "\n")


def count(text: str) -> int | None:
    """A whole number, or None where the text is none."""
    return int(text) if re.fullmatch(r"\d+", text) else None


def required(text: str, what: str) -> str:
    """The text; raises ``BadRecord`` where it is empty."""
    if not text:
        raise BadRecord(f"the record has no {what}")
    return text
