"""The hash that ties a version or an act to the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

START = "0" * 64
"""What stands for the hash before the first link."""


def link(previous: str, content: Mapping[str, object]) -> str:
    """SHA-256 of the previous hash and the canonical JSON of what is written now.

    >>> link(START, {"a": 1})[:12]
    'ea34fe7df82c'
    """
    return hashlib.sha256(f"{previous}\n{canonical(content)}".encode()).hexdigest()


def canonical(content: object) -> str:
    """JSON with sorted keys, no spaces and no escapes: equal contents are equal texts."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
