"""A laboratory form as it is read: range and flag, value in SI units, and the grade as a hint.

The grade is never stored as something that the site entered: whether a finding is an adverse event
and how severe it is stays a physician's judgement. It is shown because the limits are multiples
that nobody should have to work out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from onearm.capture.document import KEY, Document, cells
from onearm.capture.lesions import first_dose
from onearm.capture.ranges import (
    Range,
    analytes,
    number,
    ranges_of,
    sampled_on,
    si_values,
    stored_range,
)
from onearm.capture.words import language, say
from onearm.grading import Graded, Result, corrected_calcium, grade
from onearm.terms.units import Amount, Conversion, amount, conversion

if TYPE_CHECKING:
    from onearm.capture.surroundings import Around
    from onearm.study.endpoints import Labs
    from onearm.study.forms import Form

Key = tuple[int, str]
CALCIUM, CORRECTED, ALBUMIN = "CA", "CACR", "ALB"
VERSIONS = {"ctcae5_lab": "CTCAE 5.0"}
"""What people call the grading tables; others go by their own name."""

SERIOUS = 3
"""From this grade on a grade is marked so that nobody overlooks it."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade above 0 in words: ``mark`` beside the cell, ``title`` with term and limit."""

    number: int
    mark: str
    title: str

    @property
    def is_serious(self) -> bool:
        """Whether it is marked so that nobody overlooks it."""
        return self.number >= SERIOUS


@dataclass(frozen=True, slots=True)
class Judged:
    """One result as the page shows it.

    range: what it is compared with, which for a saved result is what it was saved with. is_stale:
    saving it would compare it with another range (now), or with none. si: value and unit, empty
    where the form asks for the standard unit.
    """

    range: Range | None
    now: Range | None
    is_stale: bool
    flag: str
    si: str
    grade: Grade | None


def judged(around: Around, data: Document) -> dict[Key, Judged]:
    """Every laboratory item of the form's rows, as it would stand with ``data``; empty elsewhere.

    A saved result that was not changed keeps the range it was saved with until its form is saved
    again: a range that was added or ended since is shown beside it and rewrites nothing.
    """
    form = around.place.form
    tests = analytes(form)
    if not tests:
        return {}
    given = list(cells(data))
    fits = ranges_of(around, given)
    values = {(cell.row, cell.item): cell.value for cell in given}
    stands = {row[KEY]: row for row in around.data["rows"]}
    si = si_values(form, given)
    graded = _Grading.of(around)
    found: dict[Key, Judged] = {}
    for row in sorted({cell.row for cell in given} or {1}):
        mine = {item: values.get((row, item), "") for item in (i.name for i in form.items)}
        saved = stands.get(row, {})
        for item in tests:
            value, now = mine[item], fits.get((row, item))
            was = stored_range(saved, item)
            is_saved = bool(value) and saved.get(item) == value
            used = was if is_saved else now
            is_stale = is_saved and not (now.is_as(was) if now else was is None)
            found[row, item] = Judged(
                range=used,
                now=now if is_stale else None,
                is_stale=is_stale,
                flag=used.flag(value) if used else "",
                si=_si(si.get(row, {}).get(item), form.item(item).unit),
                grade=graded.of_cell(row, item, mine, used) if graded else None,
            )
    return found


def _si(made: Mapping[str, str] | None, unit: str) -> str:
    return f"{made['value']} {made['unit']}" if made and made["unit"] != unit else ""


@dataclass(frozen=True, slots=True)
class _Base:
    """A test's baseline, not rounded, and the range it was compared with."""

    value: Decimal
    range: Range | None


@dataclass(frozen=True, slots=True)
class _Grading:
    labs: Labs
    form: Form
    tests: Mapping[str, str]
    dosed: date | None
    visited: date | None
    bases: Mapping[Key, _Base]

    @classmethod
    def of(cls, around: Around) -> _Grading | None:
        """None where the study has no rules for grading."""
        study, form = around.place.study, around.place.form
        labs = study.endpoints.labs if study.endpoints else None
        if labs is None:
            return None
        dosed = first_dose(study, around.place.subject) if around.same else None
        visited = around.now.event.date if around.now else None
        return cls(labs, form, analytes(form), dosed, visited, dict(_bases(around, dosed)))

    def of_cell(
        self, row: int, item: str, values: Mapping[str, str], used: Range | None
    ) -> Grade | None:
        """The grade of one result; None for grade 0 and where it is not known.

        The result is compared as exactly as it was entered: rounded to the digits it is kept with
        in SI units, 3.6 mg/dL of bilirubin would lie above three times 1.2.
        """
        found = _amount(self.form, item, self.tests[item], values.get(item, ""))
        if found is None:
            return None
        base = self.bases.get((row, item)) if self._is_after_dose(values) else None
        test, value, into = self.tests[item], found.number, found.unit
        change = _into(test, self.form.item(item).unit, into)
        if test == CALCIUM and "corrected_calcium" in self.labs.derived:
            albumin = self._albumin(values)
            if albumin is None or into != "mmol/L":
                return None
            test, value, base = CORRECTED, corrected_calcium(value, albumin), None
        result = Result(
            test=test,
            value=value,
            unit=into,
            lln=_limit(used.low if used else "", change),
            uln=_limit(used.high if used else "", change),
            base=base.value if base else None,
            base_lln=_limit(base.range.low if base and base.range else "", change),
            base_uln=_limit(base.range.high if base and base.range else "", change),
            symptoms=self._symptoms(values),
        )
        grades = grade(result, table=self.labs.grading)
        worst = max(grades, key=lambda one: one.grade, default=None)
        if worst is None or worst.worst == 0:
            return None
        return _in_words(worst, result, self.labs.grading)

    def _is_after_dose(self, values: Mapping[str, str]) -> bool:
        day = sampled_on(self.form, values) or self.visited
        return self.dosed is not None and day is not None and day > self.dosed

    def _albumin(self, values: Mapping[str, str]) -> Decimal | None:
        for item, test in self.tests.items():
            if test == ALBUMIN:
                found = _amount(self.form, item, test, values.get(item, ""))
                if found is not None and found.unit == "g/L":
                    return found.number
        return None

    def _symptoms(self, values: Mapping[str, str]) -> str | None:
        for item in self.form.items:
            if any(target.variable == self.labs.symptoms_from for target in item.to):
                return values.get(item.name) or None
        return None


def _bases(around: Around, dosed: date | None) -> Iterable[tuple[Key, _Base]]:
    """The last result on or before the first dose, by row and item.

    Only of the same form, and not of repeating rows, which are other samples. Before the first
    dose there is no baseline: the table then takes it for normal.
    """
    form = around.place.form
    if form.rows or dosed is None:
        return
    dated: list[tuple[date, dict[str, Any]]] = []
    for instance in around.same:
        for row in instance.data["rows"]:
            values = {name: stored for name, stored in row.items() if isinstance(stored, str)}
            day = sampled_on(form, values) or instance.event.date
            if day is not None and day <= dosed:
                dated.append((day, row))
    tests = analytes(form)
    for _, row in sorted(dated, key=lambda one: one[0]):
        for item, test in tests.items():
            stored = row.get(item)
            found = _amount(form, item, test, stored) if isinstance(stored, str) else None
            if found is not None:
                yield (row[KEY], item), _Base(found.number, stored_range(row, item))


def _amount(form: Form, item: str, test: str, text: str) -> Amount | None:
    return amount("LB", test, form.item(item).unit, text)


def _into(test: str, unit: str, into: str) -> Conversion | None:
    return None if unit == into else conversion(test, unit, into)


def _limit(text: str, change: Conversion | None) -> Decimal | None:
    limit = number(text)
    return limit if limit is None or change is None else change.of(limit)


def _in_words(graded: Graded, result: Result, table: str) -> Grade:
    condition = graded.condition
    limits = {"ULN": result.uln, "LLN": result.lln, "B": result.base}
    named = [
        f"{say(f'grade.{name}')} {_plain(limit)} {result.unit}".rstrip()
        for name, limit in limits.items()
        if limit is not None and re.search(rf"\b{name}\b", condition)
    ]
    term = graded.term.name_zh if language() == "zh" else graded.term.name
    title = say("grade.title").format(
        table=VERSIONS.get(table, table), grade=graded.grade, term=term
    )
    if condition:
        title += say("grade.limit").format(limit=_condition(condition))
    if named:
        title += say("grade.with").format(limits=say("grade.and").join(named))
    if graded.worst != graded.grade:
        title += say("grade.symptoms").format(grade=graded.worst)
    numbers = (
        f"{graded.grade}" if graded.worst == graded.grade else f"{graded.grade}–{graded.worst}"
    )
    return Grade(graded.grade, say("grade.mark").format(grade=numbers), title)


def _condition(text: str) -> str:
    """``V > 5 * ULN`` as people write it: > 5 × ULN."""
    shown = re.sub(r"\bV\b ?", "", text).replace(" * ", " × ").replace(">=", "≥").replace("<=", "≤")
    for name in ("ULN", "LLN", "B"):
        shown = re.sub(rf"\b{name}\b", say(f"grade.{name}"), shown)
    return shown.replace(" OR ", say("grade.or"))


def _plain(value: Decimal) -> str:
    """Without an exponent and without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
