"""What a problem looks like: where it is, what was seen, which rule, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a problem is: in a patient's data, or in a file. Empty parts are not printed.

    ``row`` is the key of the form row, for programs: messages name repeating rows themselves.
    """

    subject: str = ""
    visit: str = ""
    form: str = ""
    field: str = ""
    file: str = ""
    line: int = 0
    row: int = dataclass_field(default=0, compare=False)

    def __str__(self) -> str:
        item = ".".join(part for part in (self.form, self.field) if part)
        here = " / ".join(part for part in (self.subject, self.visit, item) if part)
        source = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (source, here) if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: where, what was seen, which rule, what to do.

    ``value`` is what was found (None where there is nothing to show); ``rule`` is the id of the
    check or the section of the standard; ``hint`` says what to do.
    """

    place: Place
    value: object
    rule: str
    message: str
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        seen = [f"found {self.value}"] if self.value is not None else []
        rule = [f"rule {self.rule}"] if self.rule else []
        detail = f"\n  ({'; '.join(seen + rule)})." if seen or rule else ""
        hint = (" " if detail else "\n  ") + self.hint if self.hint else ""
        head = f"{self.place}: {self.message}" if str(self.place) else self.message
        return head + detail + hint


class OnearmError(Exception):
    """A problem that stops the work, in words for the person who has to mend it."""


class Problems(OnearmError):
    """Several findings that together stop the work; all of them are shown in one pass."""

    def __init__(self, findings: Iterable[Finding], title: str = "") -> None:
        self.findings = tuple(findings)
        self.title = title
        super().__init__(title)

    def __str__(self) -> str:
        head = [self.title] if self.title else []
        return "\n".join(head + [str(finding) for finding in self.findings])
