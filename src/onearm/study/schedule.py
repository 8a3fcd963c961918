"""When things happen: epochs, visits, windows, repeats and the forms of each visit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from onearm.study.text import Part, Words


class Epoch(Part):
    """A stretch of the trial, for SDTM EPOCH."""

    id: str
    label: Words


class Stretch(Part):
    """From visit day ``until`` on, the interval of a repeating visit changes to ``every`` days."""

    after_day: int
    every: int


class Repeat(Part):
    """A visit that comes again: first on ``first_day`` and then ``every`` so many days.

    ``until`` says what ends it. ``changes`` are later intervals, in order of ``after_day``.
    """

    first_day: int
    every: int = Field(gt=0)
    until: Literal["end_of_treatment", "progression", "death", "end_of_study", "never"]
    changes: tuple[Stretch, ...] = ()
    most: int = 200


class After(Part):
    """When a visit of the kind ``event`` is planned: ``days`` after the day that ``of`` names.

    The last dose counts once the end of treatment is known: before it another dose may follow.
    """

    of: Literal["last_dose", "end_of_treatment", "progression", "death"]
    days: int = 0


class Visit(Part):
    """One planned visit. Days are counted from first dose = day 1 (no day 0).

    ``number`` is VISITNUM; a repeating visit numbers its n-th time ``number + (n - 1) * step``.
    ``name`` is SDTM VISIT; in a repeating visit ``{n}`` stands for the number of the repeat.
    ``kind``: ``planned`` has a day; ``log`` holds the running forms (adverse events, drugs);
    ``event`` happens when something does (end of treatment, death), and ``after`` says from when on
    it is due; ``unscheduled`` at any time.
    """

    id: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,15}$")
    name: str
    label: Words
    number: float
    step: float = 1.0
    epoch: str
    kind: Literal["planned", "event", "log", "unscheduled"] = "planned"
    day: int | None = None
    window: tuple[int, int] = (0, 0)
    repeat: Repeat | None = None
    after: After | None = None
    forms: tuple[str, ...]


class Assessments(Part):
    """The tumour assessment schedule that the missed-scan rule and SDTM TD read."""

    visit: str
    interval_days: int
    window_days: int


class Schedule(Part):
    """The whole of ``schedule.yaml``."""

    epochs: tuple[Epoch, ...]
    visits: tuple[Visit, ...]
    tumour_assessments: Assessments | None = None
    milestones: dict[str, str] = Field(default_factory=dict)
    source: str = ""

    def visit(self, id: str) -> Visit:  # noqa: A002 - the study file's own word
        """The visit of that id; ``KeyError`` where there is none."""
        return {v.id: v for v in self.visits}[id]
