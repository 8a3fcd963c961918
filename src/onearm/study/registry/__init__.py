"""A ClinicalTrials.gov record, read from any of the four forms it is handed around in."""

from __future__ import annotations

from pathlib import Path

from onearm.study.registry.criteria import criteria
from onearm.study.registry.fromexport import from_export
from onearm.study.registry.fromjson import from_json
from onearm.study.registry.fromxml import from_xml
from onearm.study.registry.record import (
    BadRecord,
    RegisteredArm,
    RegisteredIntervention,
    RegisteredOutcome,
    RegisteredSite,
    RegistryRecord,
)

__all__ = [
    "BadRecord",
    "RegisteredArm",
    "RegisteredIntervention",
    "RegisteredOutcome",
    "RegisteredSite",
    "RegistryRecord",
    "criteria",
    "parse_record",
    "read_record",
]


def read_record(path: Path) -> RegistryRecord:
    """The record in a file: API v2 JSON, classic (v1) JSON, legacy XML, or the plain-text export.

    The form is told from the content. Raises ``BadRecord`` naming the file and what is wrong: not
    readable, not UTF-8, broken JSON or XML, a DOCTYPE, or a document that holds no trial.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise BadRecord(f"{path}: cannot be read: {problem.strerror or problem}") from problem
    except UnicodeDecodeError as problem:
        raise BadRecord(f"{path}: not UTF-8 text; save the record as UTF-8") from problem
    try:
        return parse_record(text, name=path.stem)
    except BadRecord as problem:
        raise BadRecord(f"{path}: {problem}") from problem


def parse_record(text: str, *, name: str = "") -> RegistryRecord:
    """The record in a text; ``name`` gives the NCT number where the text has none (the export)."""
    start = text.lstrip()[:1]
    if not start:
        raise BadRecord("the file is empty")
    if start in "{[":
        return from_json(text)
    return from_xml(text) if start == "<" else from_export(text, name)
