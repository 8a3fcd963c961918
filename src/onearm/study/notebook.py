"""Where the lint writes what it finds, with file and line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from onearm.errors import Finding, Severity
from onearm.study.model import Study
from onearm.study.yamlfile import KeyPath

RULE = "study lint"


@dataclass(slots=True)
class Notebook:
    """A study, the catalogue of columns (dataset -> variables), and the findings so far."""

    study: Study
    columns: Mapping[str, Collection[str]]
    findings: list[Finding] = field(default_factory=list)

    def error(self, file: str, path: KeyPath, value: object, message: str, hint: str = "") -> None:
        """Something that would stop a build or give wrong data."""
        self._add("error", file, path, value, message, hint)

    def warning(
        self, file: str, path: KeyPath, value: object, message: str, hint: str = ""
    ) -> None:
        """Something that is likely a mistake."""
        self._add("warning", file, path, value, message, hint)

    def note(self, file: str, path: KeyPath, value: object, message: str, hint: str = "") -> None:
        """A gap that stops nothing."""
        self._add("note", file, path, value, message, hint)

    def _add(
        self,
        severity: Severity,
        file: str,
        path: KeyPath,
        value: object,
        message: str,
        hint: str,
    ) -> None:
        place = self.study.place(file, path)
        hint = hint[:1].upper() + hint[1:]
        self.findings.append(Finding(place, value, RULE, message, hint, severity))
