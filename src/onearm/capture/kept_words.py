"""Words that the history keeps in English, given back in the reader's language."""

from __future__ import annotations

import re
from functools import cache

from onearm.capture import words

KEPT = (
    "change.",
    "remove.",
    "account.not_confirmed",
    "import.reason",
    "amend.reason",
    "calculation.",
    "redaction.kept",
    "ranges.follows",
)
"""How the keys of words begin that are kept as reasons; what follows a colon is a person's own."""


def said(reason: str) -> str:
    """A kept reason in the reader's language: the part that is known translated, the rest as it is.

    >>> said("Typing error: read 4 for 9")
    'Typing error: read 4 for 9'
    """
    for key, row in words.table().items():
        if not key.startswith(KEPT):
            continue
        own = row[words.language()]
        if reason.startswith(f"{row['en']}: "):
            return own + reason[len(row["en"]) :]
        found = parts(row["en"], reason)
        if found is not None:
            return own.format(**found)
    return reason


def parts(template: str, text: str) -> dict[str, str] | None:
    """What stands in the gaps of a template; None where the text does not follow it.

    >>> parts("amendment: version {before} to {after}", "amendment: version 1 to 2")
    {'before': '1', 'after': '2'}
    """
    found = _pattern(template).fullmatch(text)
    return found.groupdict() if found else None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    made = (f"(?P<{p}>.+?)" if i % 2 else re.escape(p) for i, p in enumerate(pieces))
    return re.compile("".join(made), re.DOTALL)
