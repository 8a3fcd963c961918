"""What is to be compared with the source, what was, and what has changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture.document import cells
from onearm.capture.models import FormInstance, FormVersion, PlanLine, Verification

if TYPE_CHECKING:
    from onearm.study import Study

Key = tuple[int, str]
"""Row and item."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Percent of the subjects whose values are compared, by form and item; 100 where not said."""

    lines: Mapping[tuple[str, str], int]

    def percent(self, form: str, item: str) -> int:
        """For an item: its own line, else its form's, else everything."""
        return self.lines.get((form, item), self.lines.get((form, ""), 100))

    def wants(self, subject: str, form: str, item: str) -> bool:
        """Whether the subject is in the sample; the sample follows from the number and the form.

        So the same subject is in the sample of every item of a form whose percentage reaches it,
        nobody chooses whom to look at, and a higher percentage keeps those of a lower one.
        """
        return _place(subject, form) < self.percent(form, item)


@dataclass(frozen=True, slots=True)
class Verified:
    """How far one form is: cells to compare by plan, compared, and changed since they were.

    verified: the version at which each cell was compared (0: taken back). changed: those of them
    whose value is a newer one.
    """

    planned: frozenset[Key]
    verified: Mapping[Key, int]
    changed: frozenset[Key]

    @property
    def done(self) -> frozenset[Key]:
        """Cells of the plan that are compared and stand as they were compared."""
        return frozenset(k for k in self.planned if k in self.verified) - self.changed

    @property
    def state(self) -> str:
        """``changed``, ``verified``, ``partly``, ``open``, or ``not planned``."""
        if self.changed:
            return "changed"
        if not self.planned:
            return "not planned"
        if self.done == self.planned:
            return "verified"
        return "partly" if self.done else "open"


def plan() -> Plan:
    """The plan as its newest lines say."""
    rows = PlanLine.objects.order_by("pk").values_list("form", "item", "percent")
    return Plan({(form, item): percent for form, item, percent in rows})


def verified(
    study: Study, instances: Iterable[FormInstance], subjects: Mapping[int, str], by: Plan
) -> dict[int, Verified]:
    """By form id how far its verification is. Three queries, however many forms.

    subjects: the subject's number by form id. Calculated items are not compared: nobody typed them.
    """
    forms = {form.pk: form for form in instances}
    marks: dict[int, list[tuple[int, str, int]]] = {}
    rows = Verification.objects.filter(instance__in=forms).order_by("pk")
    for pk, row, item, version in rows.values_list("instance", "row", "item", "version"):
        marks.setdefault(pk, []).append((row, item, version))
    newest = _newest(marks)
    return {
        pk: _one(study, form, subjects[pk], by, marks.get(pk, []), newest.get(pk, {}))
        for pk, form in forms.items()
    }


def _one(
    study: Study,
    form: FormInstance,
    subject: str,
    by: Plan,
    marks: list[tuple[int, str, int]],
    newest: Mapping[Key, int],
) -> Verified:
    known = study.forms.get(form.form)
    typed = {i.name for i in known.items if not i.calculated} if known else set()
    stand = {(cell.row, cell.item) for cell in cells(form.data) if cell.item in typed}
    compared: dict[Key, int] = {}
    for row, item, version in marks:
        touched = [(row, item)] if item else list(stand | set(compared))
        for key in touched:
            compared[key] = version
    compared = {key: version for key, version in compared.items() if version}
    planned = frozenset(key for key in stand if by.wants(subject, form.form, key[1]))
    changed = frozenset(key for key, seen in compared.items() if newest.get(key, 0) > seen)
    return Verified(planned, compared, changed)


def _newest(marks: Mapping[int, object]) -> dict[int, dict[Key, int]]:
    """By form the newest version of each cell; a row taken out or put back touches its cells."""
    found: dict[int, dict[Key, int]] = {}
    versions = FormVersion.objects.filter(instance__in=marks).order_by("instance", "version")
    for pk, version, delta in versions.values_list("instance", "version", "delta"):
        mine = found.setdefault(pk, {})
        for row in delta["rows"]:
            names = [name for name in row if not name.startswith("_")]
            if "_removed" in row:
                names += [item for key, item in mine if key == row["_key"]]
            for name in names:
                mine[row["_key"], name] = version
    return found


def _place(subject: str, form: str) -> int:
    digest = hashlib.sha256(f"{subject}\n{form}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * 100 >> 64
