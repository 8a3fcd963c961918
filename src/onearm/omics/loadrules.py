"""The table of loader rules: what each says, how severe it is, and what to do."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import cast

from onearm.errors import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of loading: ``what`` it is broken by, and what the reader is told to do."""

    rule: str
    severity: Severity
    what: str
    hint: str


def _read() -> dict[str, Rule]:
    text = (files("onearm.omics") / "loadrules.csv").read_text(encoding="utf-8")
    return {
        row["rule"]: Rule(row["rule"], cast("Severity", row["severity"]), row["what"], row["hint"])
        for row in csv.DictReader(text.splitlines())
    }


RULES: Mapping[str, Rule] = _read()
"""Every rule by its id. An error stops the loading, a warning or a note is reported with it.

Source: omics.md, section 1.
"""
