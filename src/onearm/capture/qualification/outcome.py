"""One line of a qualification: what was done, what was expected, what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["passed", "failed", "noted"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step. ``checks`` are numbers of requirements that it gives evidence for.

    ``noted``: not as a validated installation should be, where this one does not have to be one
    (it is no live environment, or the software runs from its sources).
    """

    id: str
    checks: str
    what: str
    expected: str
    actual: str
    result: Result

    @property
    def cells(self) -> tuple[str, ...]:
        """The line in the order of ``COLUMNS``."""
        return (self.id, self.checks, self.what, self.expected, self.actual, self.result)


COLUMNS = ("id", "requirements", "what", "expected", "actual", "result")
