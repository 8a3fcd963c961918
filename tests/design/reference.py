"""The reference numbers of designs, one test a row."""

from __future__ import annotations

import json
from typing import Any

from tests.shared import SHARED, shared


def rows(name: str) -> list[dict[str, Any]]:  # Any: the peers' answers as they wrote them
    """The rows of one reference file; none where the shared folder is absent."""
    if not SHARED.is_dir():
        return []
    answers = json.loads(shared("statistics", f"{name}.json").read_text())
    return answers if isinstance(answers, list) else [answers]


def label(row: dict[str, Any]) -> str:
    """The numbers that tell one row from another, for a test's name."""
    return "-".join(f"{value:g}" for value in row.values() if isinstance(value, int | float))[:60]


def differences(
    ours: dict[str, float | None], theirs: dict[str, float | None], tolerance: float
) -> list[str]:
    """What differs by more than ``tolerance``, absolute; None is only None."""
    found = []
    for name, mine in ours.items():
        other = theirs[name]
        is_same = mine is other if mine is None or other is None else abs(mine - other) <= tolerance
        if not is_same:
            found.append(f"{name}: ours {mine!r}, reference {other!r}")
    return found
