"""Eligibility criteria one by one, out of the block of text that a record holds."""

from __future__ import annotations

import re
from collections.abc import Sequence


def criteria(text: str) -> dict[str, Sequence[str]]:
    """Inclusion and exclusion criteria out of the eligibility text, each on one line.

    A line with a bullet or number starts a criterion, and so does a line at the margin where the
    text has no bullets; deeper lines belong to the one above. Keys: ``inclusion``, ``exclusion``.
    """
    found: dict[str, list[str]] = {"inclusion": [], "exclusion": []}
    kind, margin = "", None
    bulleted = re.search(r"(?m)^\s*([*•-]|\d+[.)])\s", text) is not None
    for line in text.split("\n"):
        head = re.match(r"\W*(?:\w+ )?(inclusion|exclusion)\b", line, re.IGNORECASE)
        if head and len(line.strip()) < 60:
            kind, margin = head[1].lower(), None
            continue
        bullet = re.match(r"(\s*)(?:[*•-]|\d+[.)])\s+(.*)", line)
        body = (bullet[2] if bullet else line).strip()
        if not kind or not body:
            continue
        indent = len(line) - len(line.lstrip())
        starts = bool(bullet) if bulleted else True
        margin = indent if margin is None else margin
        if starts and indent <= margin:
            margin = indent
            found[kind].append(body)
        elif found[kind]:
            found[kind][-1] += f" {body}"
    return {name: tuple(lines) for name, lines in found.items()}
